package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileOnANetworkDiskIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	local := "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	for _, c := range []struct{ table, words string }{ // words: "" when it opens
		{local, ""},
		{local + mount("/elsewhere", "nfs4"), ""},
		{local + mount(dir+"2", "nfs4"), ""}, // a neighbour with the same beginning
		{local + mount(dir, "nfs4"), "it is on NFS"},
		{local + mount(dir, "cifs"), "it is on SMB"},
		{local + mount(dir, "fuse.sshfs"), "it is on SSHFS"},
		{local + mount(filepath.Dir(dir), "9p"), "it is on 9P"},
		{local + mount(dir, "nfs4") + mount(dir, "ext4"), ""}, // mounted over
		{mount(filepath.Dir(dir), "nfs4") + mount(dir, "ext4"), ""},
		{mount("/", "9p"), ""}, // the root of a sandbox
		{mount("/", "nfs"), "it is on NFS"},
		{"nonsense\n\n", ""},
	} {
		file := filepath.Join(t.TempDir(), "mountinfo")
		if err := os.WriteFile(file, []byte(c.table), 0o600); err != nil {
			t.Fatal(err)
		}
		before := mounts
		mounts = file
		s, err := Open(t.Context(), "sqlite:"+filepath.Join(dir, "kvitt.db"))
		mounts = before
		if err == nil {
			err = s.Close()
		} else if _, there := os.Stat(filepath.Join(dir, "kvitt.db")); there == nil {
			t.Errorf("%q: a file was made", c.table)
		}
		_ = os.Remove(filepath.Join(dir, "kvitt.db"))
		switch {
		case c.words == "" && err != nil:
			t.Errorf("%q: %v", c.table, err)
		case c.words != "" && (!errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), "postgres://")):
			t.Errorf("%q: %v", c.table, err)
		}
	}
}

func mount(point, kind string) string {
	return fmt.Sprintf("36 29 0:41 / %s rw,noatime master:1 shared:7 - %s server:/export rw\n", strings.ReplaceAll(point, " ", `\040`), kind)
}

func TestAFolderWithABlankIsFoundInTheTable(t *testing.T) {
	if got := mountOf(strings.NewReader(mount("/", "ext4")+mount("/srv/våra böcker", "nfs")), "/srv/våra böcker/kvitt"); got != "nfs" {
		t.Errorf("it is on %q", got)
	}
}

func TestTheDiskOfThisMachineIsKnown(t *testing.T) {
	if kind := fileSystem(t.TempDir()); kind == "" {
		t.Error("the file system of the temporary folder is unknown")
	}
}
