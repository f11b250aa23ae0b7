package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// supervisePool runs PgBouncer ($1) with the settings in $2 until standard
// input ends.
const supervisePool = `
"$1" -q "$2/pgbouncer.ini" >"$2/out" 2>&1 </dev/null &
pool=$!
cat >/dev/null
kill -KILL $pool 2>/dev/null
wait $pool
cd /
rm -rf "$2"
`

// Pooled is Database with a PgBouncer of its own in front, on a Unix socket in
// a folder of its own. settings are lines of the section [pgbouncer].
func Pooled(t testing.TB, settings string) string {
	t.Helper()
	direct, err := url.Parse(Database(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := startPool(direct.Query().Get("host"), settings, t.Cleanup)
	if err != nil {
		t.Fatalf("start a throw-away PgBouncer for this test: %v", err)
	}
	pooled := *direct
	pooled.RawQuery = url.Values{"host": {dir}, "port": {socketPort}}.Encode()
	wait, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if c, err := new(net.Dialer).DialContext(wait, "unix", filepath.Join(dir, ".s.PGSQL."+socketPort)); err == nil {
			_ = c.Close()
			return pooled.String()
		}
		select {
		case <-wait.Done():
			said, _ := os.ReadFile(filepath.Join(dir, "out")) //nolint:gosec // our own folder
			t.Fatalf("wait for PgBouncer: %s", said)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func startPool(server, settings string, cleanup func(func())) (dir string, err error) {
	binary, err := poolBinary()
	if err != nil {
		return "", err
	}
	credential, err := unprivileged()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(tempRoot(), "kvitt-pool-"); err != nil {
		return "", fmt.Errorf("make a folder for PgBouncer: %w", err)
	}
	ini := fmt.Sprintf("[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr =\nlisten_port = %s\nunix_socket_dir = %s\nauth_type = any\n%s\n",
		server, socketPort, superuser, socketPort, dir, strings.TrimSpace(settings))
	if err = os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(ini), 0o644); err == nil && credential != nil { //nolint:gosec // another user reads it
		err = os.Chown(dir, int(credential.Uid), int(credential.Gid))
	}
	shell := exec.CommandContext(context.Background(), "/bin/sh", "-c", supervisePool, "pgtest", binary, dir) //nolint:gosec // a binary found by poolBinary
	shell.Dir, shell.Env = dir, environment(dir)
	shell.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	life, piped := shell.StdinPipe()
	if err = errors.Join(err, piped); err == nil {
		err = shell.Start()
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	cleanup(func() {
		_ = life.Close()
		_ = shell.Wait()
	})
	return dir, nil
}

func poolBinary() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no PgBouncer is installed here: pgbouncer is neither on PATH nor in /usr/sbin; " +
		"install it (Debian, Ubuntu: apt-get install pgbouncer; macOS: brew install pgbouncer) and run the test again")
}
