// Package pgtest gives tests a real PostgreSQL server: one throw-away server
// per test binary, one fresh database per test.
//
// It must never skip: a machine without PostgreSQL fails the test with the
// sentence that helps. It must never leave anything behind, however the test
// binary ends: the server runs under a shell that waits for the binary's end
// on a pipe, stops the server and removes its folder. It is for tests only.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// current is the server of this test binary, started by the first Database.
var current struct {
	sync.Mutex
	running bool // Run is on the stack, so that somebody will stop the server
	server  *server
	err     error
}

var databases atomic.Int64

// Run runs the tests of m and stops the server that they started. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
func Run(m *testing.M) int {
	current.Lock()
	current.running = true
	current.Unlock()
	defer func() {
		current.Lock()
		defer current.Unlock()
		if current.server != nil {
			current.server.stop()
		}
		current.running, current.server = false, nil
	}()
	return m.Run()
}

// Database creates an empty database for one test and returns its URL
// (postgres://…, over a Unix socket that only this user can reach). The
// database is dropped when the test ends. The server is started by the first
// call of the test binary, which takes about two seconds.
func Database(t testing.TB) string {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatalf("start a throw-away PostgreSQL for this test: %v", err)
	}
	name := "test_" + strconv.FormatInt(databases.Add(1), 10)
	if err := s.exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create the database %s: %v", name, err)
	}
	t.Cleanup(func() {
		// t.Context() is done by now.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the database %s: %v", name, err)
		}
	})
	return s.url(name)
}

func start() (*server, error) {
	current.Lock()
	defer current.Unlock()
	if !current.running {
		return nil, errors.New("the server would never be stopped: give this package a TestMain that calls pgtest.Run")
	}
	if current.server == nil && current.err == nil {
		current.server, current.err = newServer("off")
	}
	return current.server, current.err
}

// url is the address of a database of this server.
func (s *server) url(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(superuser),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {s.dir}, "port": {socketPort}}.Encode(),
	}
	return u.String()
}

func (s *server) exec(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}
