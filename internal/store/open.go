package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
)

// creating is held while a SQLite file is made: closing any file handle of a database drops the locks that
// this process holds on it.
var creating sync.Mutex

// openSQLite opens a file with one connection that writes and several that read. In write-ahead mode
// readers see the last committed state and never wait; writers of this process queue for the one
// connection, and writers of other processes (the worker, the starter) wait for each other in
// busy_timeout. Commits are synchronous: a written posting survives a power cut.
func openSQLite(a address) (*Store, error) {
	failed := func(problem string, err error, remedy string) (*Store, error) {
		return nil, &Error{
			Attempted: "open the database " + a.name, Problem: problem, Remedy: remedy, Kind: ErrUnreachable, Err: err,
		}
	}
	dir := filepath.Dir(a.path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if errors.Is(err, os.ErrNotExist) {
			err = nil // the problem text says it already
		}
		return failed("there is no folder "+dir, err, "Create it, or set KVITT_DATABASE_URL to a file elsewhere.")
	}
	if kind := networkDisk(dir); kind != "" {
		return failed("it is on "+kind+", where SQLite's locks do not work and would damage the file", nil,
			"Set KVITT_DATABASE_URL to a file on a disk of this machine, or a PostgreSQL server: postgres://USER:PASSWORD@HOST:5432/DATABASE.")
	}
	if info, err := os.Stat(a.path); err == nil && info.IsDir() {
		return failed("it is a folder", nil, "Set KVITT_DATABASE_URL to a file in it.")
	}
	if err := createPrivately(a.path); err != nil {
		return failed("the file cannot be created", err, "Give this user the right to write in "+dir+", or set KVITT_DATABASE_URL to a file elsewhere.")
	}
	// fdatasync keeps commits as durable as fsync and takes half the time; where the platform has none,
	// fsync is used.
	_, _ = sqlite.Fdatasync(true)

	writes, err := sql.Open("sqlite", sqliteDSN(a.path, false))
	if err != nil {
		return failed("it cannot be opened", err, "")
	}
	writes.SetMaxOpenConns(1)
	reads, err := sql.Open("sqlite", sqliteDSN(a.path, true))
	if err != nil {
		return failed("it cannot be opened", errors.Join(err, writes.Close()), "")
	}
	reads.SetMaxOpenConns(8)
	reads.SetMaxIdleConns(8)
	return &Store{
		name:   a.name,
		reads:  reads,
		writes: writes,
		dialect: dialect{
			name: "sqlite",
			now:  "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)",
		},
	}, nil
}

func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{
		"_txlock": {"immediate"}, // a writing transaction locks at its start, so it never fails half-way
		"_pragma": {
			"busy_timeout(10000)",
			"journal_mode(WAL)",
			"synchronous(FULL)",
			"foreign_keys(1)",
			"recursive_triggers(1)", // REPLACE fires the triggers that forbid deleting
			"secure_delete(1)",      // an erased secret is overwritten
			"journal_size_limit(67108864)",
		},
	}
	if readOnly {
		q.Set("_query_only", "1")
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return u.String()
}

// createPrivately makes an empty file that only this user can read, unless it exists. SQLite gives its
// companion files the same mode.
func createPrivately(path string) error {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator chose the path
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// postgresConfig parses an address, and requires TLS where necessary.
func postgresConfig(a address) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(a.postgres)
	if err != nil || !wantsTLS(a.query, cfg) {
		return cfg, err
	}
	more := "?"
	if strings.Contains(a.postgres, "?") {
		more = "&"
	}
	return pgx.ParseConfig(a.postgres + more + "sslmode=verify-full")
}

// openPostgres opens a pool of connections. TLS, PGPASSFILE, several hosts and
// the other parameters of libpq work as everywhere.
func openPostgres(ctx context.Context, a address) (*Store, error) {
	cfg, err := postgresConfig(a)
	if err != nil {
		// The parser's error contains the whole URL; only its reason is used.
		reason := "it has an unknown parameter"
		if inner := errors.Unwrap(err); inner != nil {
			reason = a.scrub(inner.Error())
		}
		return nil, &Error{
			Attempted: "read the database URL " + a.name, Problem: reason, Kind: ErrBadURL,
			Remedy: "Write KVITT_DATABASE_URL as " + wantedURL + ".",
		}
	}
	if !a.query.Has("connect_timeout") && os.Getenv("PGCONNECT_TIMEOUT") == "" {
		cfg.ConnectTimeout = 10 * time.Second // per host
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = fmt.Sprintf("kvitt %d", os.Getpid())
	}
	s := &Store{
		name: a.name,
		dialect: dialect{
			name:      "postgres",
			forUpdate: " FOR UPDATE",
			now:       "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
			snapshot:  sql.LevelRepeatableRead,
		},
	}
	if s.pooled, err = pooled(ctx, cfg); err != nil {
		return nil, s.unreachable("reach the database "+s.name, err)
	}
	if s.pooled && !a.query.Has(execMode) {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(8)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if len(cfg.Fallbacks) > 0 { // the former primary may be a standby by now
		db.SetConnMaxLifetime(15 * time.Minute)
	}
	s.reads, s.writes = db, db
	return s, nil
}

// execMode is the driver's own parameter for how statements are sent; if it is set, it is respected.
const execMode = "default_query_exec_mode"

// pooled reports whether PostgreSQL is reached through a pooler such as PgBouncer, which gives each
// transaction another of its connections. Statements prepared in one connection do not exist in the next,
// so nothing may be prepared. A pooler is recognised by comparing the server process announced at the
// start with the one that answers.
func pooled(ctx context.Context, cfg *pgx.ConnConfig) (bool, error) {
	asking := cfg.Copy()
	asking.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	c, err := pgx.ConnectConfig(ctx, asking)
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close(ctx) }()
	var serving int64
	if err := c.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&serving); err != nil {
		return false, err
	}
	return serving != int64(c.PgConn().PID()), nil
}
