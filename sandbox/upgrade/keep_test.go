package upgrade

import (
	"compress/gzip"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/store"
)

func keepSQLite(t *testing.T, database, to string) {
	t.Helper()
	s, err := store.Open(t.Context(), database)
	must(t, err)
	defer s.Close()
	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.Backup(t.Context(), copied))
	body, err := os.ReadFile(copied)
	must(t, err)
	zip(t, body, to)
}

// keepPostgres writes plain SQL that any server of today takes, without psql.
func keepPostgres(t *testing.T, address, to string) {
	t.Helper()
	dump := exec.CommandContext(t.Context(), "pg_dump", "--inserts", "--rows-per-insert=50", "--no-owner", "--no-privileges", "--no-comments", address)
	dump.Stderr = os.Stderr
	text, err := dump.Output()
	must(t, err)
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(line string) bool {
		return strings.HasPrefix(line, `\`) || strings.HasPrefix(line, "SET ") || strings.HasPrefix(line, "--") || line == "\n"
	})
	zip(t, []byte(strings.Join(lines, "")), to)
}

func zip(t *testing.T, body []byte, to string) {
	t.Helper()
	file, err := os.Create(to)
	must(t, err)
	w, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	must(t, err)
	_, err = w.Write(body)
	must(t, err)
	must(t, w.Close())
	must(t, file.Close())
}

// kept are the tables that a fixture must not leave empty.
var kept = []string{
	"connections", "profiles", "secrets", "payouts", "documents", "postings", "posting_attempts", "accruals", "accrual_attempts",
	"drift", "accrual_drift", "stops", "decisions", "openings", "scanned_periods", "seen_batches", "sync_runs", "audit_log", "instructions",
}

func (r *recorder) count(database string) map[string]int64 {
	t := r.t
	t.Helper()
	driver, address := "pgx", database
	if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, address = "sqlite", file
	}
	raw, err := sql.Open(driver, address)
	must(t, err)
	defer func() { _ = raw.Close() }()
	rows := map[string]int64{}
	for _, table := range kept {
		var n int64
		must(t, raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
		if n == 0 {
			t.Errorf("nothing is in %s", table)
		}
		rows[table] = n
	}
	return rows
}
