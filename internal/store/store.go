// Package store is Kvitt's memory: connections, profiles, sealed secrets,
// payouts with their proofs and vouchers, the archive of received documents,
// bookings, sync runs, people with their sessions, and the audit trail, in
// SQLite or PostgreSQL.
//
// It must never decide anything: no accounting rule and no workflow lives
// here, only what must stay true of records whoever writes them. It must never
// hold a secret in clear, lose a booking, or change an audit entry; the
// database itself refuses the last two.
//
// Times are UTC with microsecond precision, amounts are int64 minor units, JSON is kept byte for byte.
// Every method may be called from several goroutines and several processes at once. Errors are sentences
// that start with what was attempted; see ErrNotFound and the following for errors.Is.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// Store is the database of Kvitt's records.
type Store struct {
	name    string // the URL without its password, as messages show it
	dialect dialect
	pooled  bool    // PostgreSQL: reached through a pooler, so no statement is prepared
	reads   *sql.DB // SQLite: several read-only connections that never wait
	writes  *sql.DB // SQLite: one connection, so that writers queue here; PostgreSQL: the same as reads
}

// dialect holds all differences between the two databases, except how they are opened and how their errors
// are read.
type dialect struct {
	name      string // as in the names of migration files
	forUpdate string // ends a SELECT that locks its row until the transaction ends
	now       string // the database's clock in microseconds since 1970 UTC
	snapshot  sql.IsolationLevel
}

// Open opens the database that url names, sqlite:PATH or postgres://…, and checks that it answers. A
// missing SQLite file is created, for this user only. Open does not check the schema: Ready and Migrate
// do. Errors: ErrBadURL, ErrUnreachable.
func Open(ctx context.Context, url string) (*Store, error) {
	a, err := parse(url)
	if err != nil {
		return nil, err
	}
	var s *Store
	if a.path != "" {
		s, err = openSQLite(a)
	} else {
		s, err = openPostgres(ctx, a)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Name returns the database's URL without its password, for people.
func (s *Store) Name() string { return s.name }

// Pooled reports whether PostgreSQL is reached through a connection pooler. Then no statement is prepared.
func (s *Store) Pooled() bool { return s.pooled }

// Close closes the database.
func (s *Store) Close() error {
	err := s.writes.Close()
	if s.reads != s.writes {
		err = errors.Join(err, s.reads.Close())
	}
	if err != nil {
		return fmt.Errorf("close the database %s: %w", s.name, err)
	}
	return nil
}

// Ping checks that the database answers. Error: ErrUnreachable.
func (s *Store) Ping(ctx context.Context) error {
	attempted := "reach the database " + s.name
	// The writer first: it turns a new SQLite file into a database whose readers are not blocked.
	for _, db := range []*sql.DB{s.writes, s.reads} {
		err := s.patiently(ctx, func() error { return db.PingContext(ctx) })
		if err != nil {
			return s.unreachable(attempted, err)
		}
	}
	return nil
}

// closeQuietly closes what was only read, and ignores the error.
func closeQuietly(c io.Closer) { _ = c.Close() }
