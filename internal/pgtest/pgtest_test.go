package pgtest_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestEachTestGetsADatabaseOfItsOwn(t *testing.T) {
	a, b := pgtest.Database(t), pgtest.Database(t)
	if a == b {
		t.Fatalf("two databases have one URL %s", a)
	}
	for _, u := range []string{a, b} {
		db, err := sql.Open("pgx", u)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE only_here (id BIGINT PRIMARY KEY)"); err != nil {
			t.Fatalf("create a table in %s: %v", u, err)
		}
	}
}

const childEnv = "PGTEST_CHILD"

// TestServerChild is run by the test below in a process of its own: it starts a server, prints its folder,
// and ends in the way that the environment says.
func TestServerChild(t *testing.T) {
	end := os.Getenv(childEnv)
	if end == "" {
		return
	}
	var dir string
	db, err := sql.Open("pgx", pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), "SHOW unix_socket_directories").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("server in " + dir + "\n")
	if end == "kill" {
		p, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		_ = p.Kill()
		select {}
	}
}

func TestAServerIsGoneWhenItsTestBinaryEnds(t *testing.T) {
	for _, end := range []string{"return", "kill"} {
		t.Run(end, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerChild$")
			cmd.Env = append(os.Environ(), childEnv+"="+end)
			out, _ := cmd.CombinedOutput()
			_, dir, ok := strings.Cut(string(out), "server in ")
			if !ok {
				t.Fatalf("the child started no server:\n%s", out)
			}
			dir, _, _ = strings.Cut(dir, "\n")
			waitUntilGone(t, dir)
		})
	}
}

func waitUntilGone(t *testing.T, dir string) {
	t.Helper()
	if !filepath.IsAbs(dir) {
		t.Fatalf("%q is not a folder", dir)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s is still there", dir)
		case <-tick.C:
		}
	}
}

func TestAKilledServerComesBackWithItsData(t *testing.T) {
	s, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	url, err := s.Create(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE kept (id BIGINT PRIMARY KEY); INSERT INTO kept VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := db.PingContext(t.Context()); err == nil {
			t.Error("the killed server answers")
		}
		if err := s.Again(); err != nil {
			t.Fatal(err)
		}
		var id int64
		if err := db.QueryRowContext(t.Context(), "SELECT id FROM kept").Scan(&id); err != nil || id != 7 {
			t.Errorf("after it came back it holds %d, %v", id, err)
		}
	}
}
