package upgrade

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kvitt/internal/pgtest"
)

// fixture is a database of an earlier release, beside the books that belong to it.
type fixture struct {
	*world
	before []*work // as it was recorded
	works  []*work // as it is now
	failed []string
}

// databases are where a fixture can be loaded.
var databases = map[string]func(testing.TB) string{"SQLite": onSQLite, "PostgreSQL": pgtest.Database}

func onSQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")
}

// load puts a fixture into an empty database, spoils it by SQL if there is any,
// and migrates it by the code under test, so long after it was recorded.
func load(t *testing.T, release, database string, later time.Duration, spoil string) *fixture {
	t.Helper()
	folder := filepath.Join("testdata", release)
	if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
		must(t, os.WriteFile(file, unzip(t, filepath.Join(folder, "sqlite.db.gz")), 0o600))
	} else {
		execute(t, database, string(unzip(t, filepath.Join(folder, "postgres.sql.gz"))))
	}
	if spoil != "" {
		execute(t, database, spoil)
	}
	books := t.TempDir()
	must(t, os.WriteFile(filepath.Join(books, "visma.jsonl"), unzip(t, filepath.Join(folder, "visma.jsonl.gz")), 0o600))
	text, err := os.ReadFile(filepath.Join(folder, "contents.json"))
	must(t, err)
	var before, now contents
	must(t, json.Unmarshal(text, &before))
	must(t, json.Unmarshal(text, &now))
	return &fixture{before: before.Works, works: now.Works, world: newWorld(t, database, books, later, time.Millisecond)}
}

func unzip(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(name)
	must(t, err)
	r, err := gzip.NewReader(bytes.NewReader(file))
	must(t, err)
	text, err := io.ReadAll(r)
	must(t, err)
	return text
}

// execute runs SQL past the store, one or more statements.
func execute(t *testing.T, database, statements string) {
	t.Helper()
	if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
		raw, err := sql.Open("sqlite", file)
		must(t, err)
		defer func() { _ = raw.Close() }()
		_, err = raw.ExecContext(t.Context(), statements)
		must(t, err)
		return
	}
	raw, err := pgx.Connect(t.Context(), database)
	must(t, err)
	defer func() { _ = raw.Close(t.Context()) }()
	_, err = raw.PgConn().Exec(t.Context(), statements).ReadAll()
	must(t, err)
}

// named returns what the database calls what a work books: the part of an earlier
// period of one that is split.
func named(t *testing.T, release, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", release, "contents.json"))
	must(t, err)
	var all contents
	must(t, json.Unmarshal(text, &all))
	for _, x := range all.Works {
		switch {
		case x.Name != name:
		case x.Kind == accrual:
			return x.Accrual.Name()
		case x.Compiled.Split:
			return "split " + x.Reference + " 2026-03-31"
		default:
			return x.Reference
		}
	}
	t.Fatalf("the fixture has no %q", name)
	return ""
}
