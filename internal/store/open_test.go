package store_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/pgtest"
	"kvitt/internal/store"
)

func fresh(t *testing.T) database { return database{pgtest.Database(t)} }

func TestAURLThatCannotBeUsedIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, url := range []string{
		"", "  ", "kvitt.db", "mysql://u:hemligt@h/d", "sqlite:", "sqlite::memory:", "sqlite:file:x?mode=memory",
		"postgres://kvitt:hem/ligt@db/kvitt", "postgres://kvitt:hem#ligt@db:x/kvitt", "postgres://kvitt:hemligt@db:port/kvitt",
		"postgres:kvitt:hemligt@db/kvitt", "postgres://kvitt:hemligt@db/kvitt?sslmode=perhaps",
		"postgres://kvitt:hemligt@db/kvitt?connect_timeout=soon", "postgres://kvitt@db/kvitt?password=hemligt&sslmode=perhaps",
		"hemligt://", "postgres://kvitt:%zzhemligt@db/kvitt",
	} {
		_, err := store.Open(t.Context(), url)
		switch {
		case err == nil:
			t.Errorf("%q was accepted", url)
		case !errors.Is(err, store.ErrBadURL):
			t.Errorf("%q: %v is not an ErrBadURL", url, err)
		case strings.Contains(err.Error(), "ligt"):
			t.Errorf("%q: the password is in the error: %v", url, err)
		case !strings.Contains(err.Error(), "KVITT_DATABASE_URL"):
			t.Errorf("%q: the error does not name the variable: %v", url, err)
		}
	}
}

func TestAServerThatDoesNotAnswerIsNamedWithoutThePassword(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	_, err = store.Open(t.Context(), "postgres://kvitt:hemligt@"+addr+"/books?sslmode=disable")
	if !errors.Is(err, store.ErrUnreachable) {
		t.Fatalf("opening: %v", err)
	}
	for _, part := range []string{"reach the database postgres://kvitt@" + addr + "/books", "connection refused", "Check that PostgreSQL runs"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "hemligt") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error shows the password or has several lines: %v", err)
	}
}

func TestADatabaseThatIsNotThereIsNamed(t *testing.T) {
	db := fresh(t)
	_, err := store.Open(t.Context(), strings.Replace(db.url, "/test_", "/no_test_", 1))
	if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("opening: %v", err)
	}
}

func TestAFileThatCannotBeADatabaseIsExplained(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	must(t, os.WriteFile(text, []byte(strings.Repeat("These are notes. ", 100)), 0o600))
	for path, words := range map[string]string{
		filepath.Join(dir, "missing", "kvitt.db"): "there is no folder",
		filepath.Join(text, "kvitt.db"):           "there is no folder",
		dir:                                       "it is a folder",
		text:                                      "not a database",
	} {
		_, err := store.Open(t.Context(), "sqlite:"+path)
		if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "KVITT_DATABASE_URL") {
			t.Errorf("%s: %v", path, err)
		}
	}
	same(t, "the foreign file", string(read(t, text)), strings.Repeat("These are notes. ", 100))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func TestADatabaseFileIsForItsUserOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "våra böcker?#%41.db")
	db := database{"sqlite:" + path}
	s := db.open(t)
	must(t, s.Migrate(t.Context()))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		must(t, err)
		same(t, "the mode of the file"+suffix, info.Mode().Perm(), os.FileMode(0o600))
	}
	same(t, "the name", s.Name(), "sqlite:"+path)
}

func TestADatabaseWithoutTablesSaysHowToCreateThem(t *testing.T) {
	onBothEmpty(t, func(t *testing.T, db database) {
		s := db.open(t)
		_, use := s.Connections(t.Context())
		_, write := s.UpsertPayouts(t.Context(), "c1", []store.Payout{payout("P1", 1)})
		for what, err := range map[string]error{"Ready": s.Ready(t.Context()), "a read": use, "a write": write} {
			if !errors.Is(err, store.ErrNotMigrated) || !strings.Contains(err.Error(), "starter setup") {
				t.Errorf("%s: %v", what, err)
			}
		}
		current, wanted, err := s.SchemaVersion(t.Context())
		must(t, err)
		if current != 0 || wanted < 2 {
			t.Errorf("the schema version is %d of %d", current, wanted)
		}
		must(t, s.Migrate(t.Context()))
		must(t, s.Migrate(t.Context()))
		must(t, s.Ready(t.Context()))
	})
}

func TestTablesOfANewerKvittAreLeftAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		yes := "TRUE"
		if db.sqlite() {
			yes = "1"
		}
		must(t, db.behindItsBack(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, "+yes+")"))
		for what, err := range map[string]error{"Ready": s.Ready(t.Context()), "Migrate": s.Migrate(t.Context())} {
			if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), "version 999") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestSeveralProcessesMaySetUpAtOnce(t *testing.T) {
	onBothEmpty(t, func(t *testing.T, db database) {
		var stores []*store.Store
		for range 4 {
			stores = append(stores, db.open(t))
		}
		together(t, len(stores), func(ctx context.Context, i int) error { return stores[i].Migrate(ctx) })
		must(t, stores[0].Ready(t.Context()))
	})
}

func TestTheEndOfTheContextEndsTheWait(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Connections(ctx)
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "list the connections") {
			t.Errorf("a read: %v", err)
		}
		if err := s.Audit(ctx, store.AuditEntry{Who: "x", Action: "x"}); !errors.Is(err, context.Canceled) {
			t.Errorf("a write: %v", err)
		}
	})
}
