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
}

// databases are where a fixture can be loaded.
var databases = map[string]func(testing.TB) string{"SQLite": onSQLite, "PostgreSQL": pgtest.Database}

func onSQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")
}

// load puts a fixture into an empty database, lets tamper spoil it, and migrates
// it by the code under test.
func load(t *testing.T, release, database string, tamper []string) *fixture {
	t.Helper()
	folder := filepath.Join("testdata", release)
	if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
		must(t, os.WriteFile(file, unzip(t, filepath.Join(folder, "sqlite.db.gz")), 0o600))
	} else {
		execute(t, database, string(unzip(t, filepath.Join(folder, "postgres.sql.gz"))))
	}
	for _, statement := range tamper {
		execute(t, database, statement)
	}
	books := t.TempDir()
	must(t, os.WriteFile(filepath.Join(books, "visma.jsonl"), unzip(t, filepath.Join(folder, "visma.jsonl.gz")), 0o600))
	f := &fixture{}
	text, err := os.ReadFile(filepath.Join(folder, "contents.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &f.before))
	must(t, json.Unmarshal(text, &f.works))
	f.world = newWorld(t, database, books, 2*time.Hour, time.Millisecond)
	return f
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
