package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	superuser = "kvitt"
	// The server listens on a Unix socket in its own folder and nowhere else,
	// so the port is only a part of the socket's name and cannot be taken.
	socketPort = "5432"
	patience   = 60 * time.Second
)

// supervise starts the server ($1 is the binary, $2 its folder), waits until standard input ends, which it
// does when the test binary ends in whatever way, and then stops the server and removes the folder, unless
// a file "keep" in it says that the server will be started again. $3 says whether a commit is flushed to
// the operating system before it is acknowledged: a server that is killed must not lose it.
const supervise = `
"$1" -D "$2/data" -k "$2" -p ` + socketPort + ` -c listen_addresses='' \
	-c fsync=off -c synchronous_commit="$3" -c full_page_writes=off \
	-c max_connections=200 -c shared_buffers=64MB >"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT $server 2>/dev/null
wait $server
cd /
[ -e "$2/keep" ] || rm -rf "$2"
`

type server struct {
	dir   string
	sync  string // on or off
	shell *exec.Cmd
	life  io.Closer // closing it ends the server
	ended chan struct{}
}

// newServer makes a cluster in a temporary folder, starts it and waits until
// it answers.
func newServer(sync string) (*server, error) {
	initdb, postgres, err := binaries()
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(tempRoot(), "kvitt-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	s := &server{dir: dir, sync: sync, ended: make(chan struct{})}
	if credential != nil {
		err = os.Chown(dir, int(credential.Uid), int(credential.Gid))
	}
	if err == nil {
		err = s.initialize(initdb, credential)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.launch(postgres, credential); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.wait(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) initialize(initdb string, credential *syscall.Credential) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, initdb, "--pgdata", filepath.Join(s.dir, "data"), //nolint:gosec // a binary found by binaries
		"--username", superuser, "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
		"--no-sync", "--no-instructions")
	cmd.Dir = s.dir
	cmd.Env = environment(s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make a database cluster with %s: %w\n%s", initdb, err, out)
	}
	return nil
}

func (s *server) launch(postgres string, credential *syscall.Credential) error {
	s.shell = exec.CommandContext(context.Background(), "/bin/sh", "-c", supervise, "pgtest", postgres, s.dir, s.sync) //nolint:gosec // a binary found by binaries
	s.shell.Dir = s.dir
	s.shell.Env = environment(s.dir)
	// Its own process group: Ctrl-C in the terminal ends the test binary, and that ends the server in an
	// orderly way.
	s.shell.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	life, err := s.shell.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.life = life
	if err := s.shell.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.shell.Wait()
	}()
	return nil
}

// wait returns when the server answers, or with its log when it does not.
func (s *server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log")) //nolint:gosec // our own folder
			return fmt.Errorf("wait for the server: %w\n%s", err, log)
		case <-tick.C:
		}
	}
}

// stop ends the server and returns when its folder is gone.
func (s *server) stop() {
	_ = s.life.Close()
	<-s.ended
}

// binaries finds initdb and postgres of one installation: on PATH, else the
// newest in the places where packages put them.
func binaries() (initdb, postgres string, err error) {
	if i, err := exec.LookPath("initdb"); err == nil {
		if p, err := exec.LookPath("postgres"); err == nil {
			return i, p, nil
		}
	}
	var found []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin/initdb", // Debian, Ubuntu
		"/usr/pgsql-*/bin/initdb",          // Red Hat
		"/opt/homebrew/opt/postgresql*/bin/initdb",
		"/usr/local/opt/postgresql*/bin/initdb",
	} {
		matches, _ := filepath.Glob(pattern)
		found = append(found, matches...)
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	for _, i := range found {
		p := filepath.Join(filepath.Dir(i), "postgres")
		if _, err := os.Stat(p); err == nil {
			return i, p, nil
		}
	}
	return "", "", errors.New("no PostgreSQL is installed here: initdb and postgres are neither on PATH nor in /usr/lib/postgresql/*/bin; " +
		"install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@15) and run the test again")
}

// version is the first number in a path: 15 in /usr/lib/postgresql/15/bin.
func version(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0])
	return n
}

// unprivileged is the user to run the server as when we are root, which
// PostgreSQL refuses to run as; nil means as ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is the documented answer
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as")
}

// tempRoot is where the server's folder goes. Root's own TMPDIR may be closed
// to the user that the server runs as; and a socket's path must be short.
func tempRoot() string {
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() {
		return "/tmp"
	}
	return os.TempDir()
}

func environment(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TZ=UTC"}
}
