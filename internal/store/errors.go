package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of this package, for errors.Is.
var (
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrExists: the record exists already.
	ErrExists = errors.New("already exists")
	// ErrBadURL: the database URL is not valid.
	ErrBadURL = errors.New("bad database URL")
	// ErrUnreachable: the database does not answer, or refuses the connection.
	ErrUnreachable = errors.New("database unreachable")
	// ErrNotMigrated: the database does not have the tables that this binary needs. `starter setup`
	// creates them.
	ErrNotMigrated = errors.New("database not set up")
	// ErrNewerSchema: a newer Kvitt has changed the database.
	ErrNewerSchema = errors.New("database is newer than this binary")
)

// Error describes a problem with the database, as a sentence for its operator. It never holds a password
// or a secret.
type Error struct {
	Attempted string // "read the payout P1 of the connection c1"
	Problem   string // what happened, when Err does not say it
	Remedy    string // a sentence with what helps, if known
	Kind      error  // one of the Err… of this package, or nil
	Err       error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Attempted)
	if e.Problem != "" {
		b.WriteString(": " + e.Problem)
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err))
	}
	if e.Remedy != "" {
		b.WriteString(". " + e.Remedy)
	}
	return b.String()
}

// Unwrap lets errors.Is find the kind, and errors.As the driver's error.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// callerError is an error of a function that was passed in; it is returned to the caller unchanged.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }
func (e callerError) Unwrap() error { return e.err }

const setupRemedy = "Run `starter setup`, which creates and upgrades the tables."

// fail turns a driver's error into one of this package. attempted starts the sentence.
func (s *Store) fail(attempted string, err error) error {
	var ours *Error
	var callers callerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &callers):
		return callers.err
	case errors.As(err, &ours):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return &Error{Attempted: attempted, Problem: "there is none", Kind: ErrNotFound}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", attempted, err)
	case tableMissing(err):
		return &Error{
			Attempted: attempted, Problem: "the database " + s.name + " is not set up", Remedy: setupRemedy, Kind: ErrNotMigrated, Err: err,
		}
	case duplicate(err):
		return &Error{Attempted: attempted, Problem: "it is there already", Kind: ErrExists, Err: err}
	case dangling(err):
		return &Error{Attempted: attempted, Problem: "the record that it belongs to does not exist", Kind: ErrNotFound, Err: err}
	case disconnected(err):
		return s.unreachable(attempted, err)
	}
	state, _ := code(err)
	return &Error{Attempted: attempted, Err: err, Remedy: remedies[state]}
}

const (
	losesStatements = "A connection pooler such as PgBouncer loses prepared statements: add default_query_exec_mode=cache_describe to KVITT_DATABASE_URL."
	onlyReads       = "The server is read-only, as a standby is: set KVITT_DATABASE_URL to the primary, or to all servers as HOST1:5432,HOST2:5432 with target_session_attrs=read-write."
)

// remedies maps SQLSTATE to what helps when PostgreSQL is not set up as Kvitt needs it.
var remedies = map[string]string{
	"26000": losesStatements, // no such statement
	"42P05": losesStatements, // the statement exists already
	"08P01": "If a connection pooler says so: make it ignore that start-up parameter (PgBouncer: ignore_startup_parameters), or remove it from KVITT_DATABASE_URL.",
	"25006": onlyReads,
}

func (s *Store) unreachable(attempted string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	e := &Error{Attempted: attempted, Problem: "the database " + s.name + " does not answer", Kind: ErrUnreachable, Err: err}
	if strings.Contains(attempted, s.name) {
		e.Problem = ""
	}
	switch s.dialect.name {
	case "sqlite":
		e.Remedy = "Check that this user may read and write the file and its folder, that the file is a Kvitt database, and that KVITT_DATABASE_URL names the right one."
	default:
		state, _ := code(err)
		if e.Remedy = remedies[state]; e.Remedy != "" {
			return e
		}
		e.Remedy = "Check that PostgreSQL runs and that KVITT_DATABASE_URL has the right host, port, user, password and database."
		if words := err.Error(); strings.Contains(words, "TLS") || strings.Contains(words, "x509") || strings.Contains(words, "certificate") {
			e.Remedy = "Beyond this machine Kvitt requires TLS and a certificate for that host. Give the server one, name its authority with sslrootcert=FILE in KVITT_DATABASE_URL, or set the level there: sslmode=require, or sslmode=disable where the network is trusted."
		}
	}
	return e
}

// oneLine returns an error in one line, without the repetition and the connection parameters that the
// PostgreSQL driver adds around the server's text. Of several servers each is quoted once: the driver
// tries with TLS and without.
func oneLine(err error) string {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		if several, ok := errors.Unwrap(connect).(interface{ Unwrap() []error }); ok { //nolint:errorlint // the list itself
			var all []string
			for _, err := range several.Unwrap() {
				if words := reason(err, true); !slices.Contains(all, words) {
					all = append(all, words)
				}
			}
			return strings.Join(all, "; ")
		}
	}
	return reason(err, connect != nil)
}

func reason(err error, connecting bool) string {
	var said *pgconn.PgError
	var network *net.OpError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &said):
		return fmt.Sprintf("%s (SQLSTATE %s)", said.Message, said.Code)
	case connecting && errors.As(err, &lookup):
		return lookup.Error()
	case connecting && errors.As(err, &network):
		return network.Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// code returns the SQLSTATE of a PostgreSQL error and the result code of a SQLite error, if err is one.
func code(err error) (state string, result int) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		state = pg.Code
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		result = lite.Code()
	}
	return state, result
}

// retryable reports whether the same transaction may succeed the next time.
func retryable(err error) bool {
	state, result := code(err)
	switch state {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return true
	}
	switch result & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return true
	}
	return false
}

func tableMissing(err error) bool {
	state, result := code(err)
	return state == "42P01" || result == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), "no such table")
}

func duplicate(err error) bool {
	state, result := code(err)
	return state == "23505" || result == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || result == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

func dangling(err error) bool {
	state, result := code(err)
	return state == "23503" || result == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

func disconnected(err error) bool {
	state, result := code(err)
	var connect *pgconn.ConnectError
	var network *net.OpError
	switch {
	case errors.As(err, &connect), errors.As(err, &network),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return true
	case strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57P"), strings.HasPrefix(state, "28"), state == "53300", state == "3D000", state == "25006":
		return true // connection lost, shutting down, access refused, too many clients, no such database, a standby
	}
	switch result & 0xff {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return true
	}
	return false
}
