package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// writers are the command lines that write a file, each without the name of it.
var writers = map[string][]string{
	"starter report completeness": {"report", "completeness", "shop-1", "--month", "2026-02", "--out"},
	"starter report register":     {"report", "register", "shop-1", "--month", "2026-02", "--out"},
	"starter report clearing":     {"report", "clearing", "shop-1", "--month", "2026-02", "--out"},
	"starter report reserve":      {"report", "reserve", "shop-1", "--month", "2026-02", "--out"},
	"starter report debt":         {"report", "debt", "shop-1", "--month", "2026-02", "--out"},
	"starter report disputes":     {"report", "disputes", "shop-1", "--month", "2026-02", "--out"},
	"starter report loans":        {"report", "loans", "shop-1", "--month", "2026-02", "--out"},
	"starter report fees":         {"report", "fees", "shop-1", "--month", "2026-02", "--out"},
	"starter report unsettled":    {"report", "unsettled", "shop-1", "--at", "2026-02-28", "--out"},
	"starter report held":         {"report", "held", "shop-1", "--out"},
	"starter report pack":         {"report", "pack", "shop-1", "--month", "2026-02", "--out"},
	"starter export":              {"export", "shop-1", "--from", "2026-02-01", "--to", "2026-02-28", "--out"},
	"starter backup":              {"backup"}, // and never writes over anything
}

// everyCommand visits all commands that do something.
func everyCommand(c *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		everyCommand(sub, visit)
	}
	if c.RunE != nil && !c.HasSubCommands() {
		visit(c)
	}
}

func TestNoCommandWritesOverAFileUnasked(t *testing.T) {
	everyCommand(newApp(Streams{}).rootCommand(), func(c *cobra.Command) {
		if writes := c.Flag("out") != nil || strings.Contains(c.Use, "backup"); writes && writers[c.CommandPath()] == nil {
			t.Errorf("%s writes a file and is not tried here", c.CommandPath())
		}
	})
	d := reportsDesk(t)
	for path, line := range writers {
		name := filepath.Join(t.TempDir(), "kept.zip")
		if strings.HasPrefix(path, "starter report") && !strings.HasSuffix(path, "pack") {
			name = strings.TrimSuffix(name, ".zip") + ".csv"
		}
		if err := os.WriteFile(name, []byte("only copy"), 0o600); err != nil {
			t.Fatal(err)
		}
		contains(t, d.fails(ExitFailed, append(line, name)...), "there is such a file already", "Name ")
		if kept, err := os.ReadFile(name); err != nil || string(kept) != "only copy" {
			t.Errorf("%s wrote over a file: %q %v", path, kept, err)
		}
		if path == "starter backup" {
			continue
		}
		if s := d.run(append(line, name, "--force")...); s.status != ExitDone && s.status != ExitHeld {
			t.Errorf("%s --force: exit status %d, %s", path, s.status, s.err)
		}
		if written, err := os.ReadFile(name); err != nil || string(written) == "only copy" {
			t.Errorf("%s --force did not write: %v", path, err)
		}
		left, err := os.ReadDir(filepath.Dir(name))
		if err != nil || len(left) != 1 {
			t.Errorf("%s left %v: %v", path, left, err)
		}
	}
}

func TestAFolderThatHoldsSomethingIsNotWrittenInto(t *testing.T) {
	d := reportsDesk(t)
	dir := t.TempDir()
	line := []string{"export", "shop-1", "--from", "2026-02-01", "--to", "2026-02-28", "--out", dir}
	d.want(d.run(line...), ExitDone) // an empty one is
	contains(t, d.fails(ExitFailed, line...), "there is such a folder already, and it is not empty", "--force")
	d.want(d.run(append(line, "--force")...), ExitDone)
}

func TestAFileThatComesMeanwhileIsKept(t *testing.T) {
	to := target{out: filepath.Join(t.TempDir(), "r.csv")}
	part := to.out + ".part"
	for name, words := range map[string]string{to.out: "theirs", part: "ours"} {
		if err := os.WriteFile(name, []byte(words), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.place(part); err == nil {
		t.Error("it was written over")
	}
	if kept, err := os.ReadFile(to.out); err != nil || string(kept) != "theirs" {
		t.Errorf("%q %v", kept, err)
	}
}
