package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// tries is the number of attempts at a transaction that conflicts with another one.
const tries = 6

// querier is a database or a transaction in it.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// write runs f in one transaction, again if the database asks for it, so f may run several times. f must
// not use s: on SQLite there is only one writer, which f is using.
func (s *Store) write(ctx context.Context, attempted string, f func(q querier) error) error {
	return s.fail(attempted, s.patiently(ctx, func() error {
		tx, err := s.writes.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	}))
}

// patiently runs f until it succeeds, fails permanently, or has been tried often enough.
func (s *Store) patiently(ctx context.Context, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || attempt == tries || !retryable(err) {
			return err
		}
		if pause(ctx, time.Duration(attempt*attempt)*10*time.Millisecond) != nil {
			return err
		}
	}
}

// pause waits about d (between half and one and a half of it), or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // spreads contenders, guards nothing
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// exec runs a statement and returns the number of rows it changed.
func exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, query, cleaned(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads one row into the cells; sql.ErrNoRows when there is none.
func one(ctx context.Context, q querier, cells []any, query string, args ...any) error {
	return q.QueryRowContext(ctx, query, cleaned(args)...).Scan(cells...)
}

// list reads all rows of a query. cells returns the destinations of a record.
func list[T any](ctx context.Context, q querier, cells func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, cleaned(args)...)
	if err != nil {
		return nil, err
	}
	defer closeQuietly(rows)
	var all []T
	for rows.Next() {
		var record T
		if err := rows.Scan(cells(&record)...); err != nil {
			return nil, err
		}
		all = append(all, record)
	}
	return all, rows.Err()
}

// insertInto returns the statement that inserts a row with the columns, a list separated by commas.
func insertInto(table, columns string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, columns, places(1, strings.Count(columns, ",")+1))
}

// places returns n placeholders from $first on: "$3, $4".
func places(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}

// assignments sets every column except the first key ones to its placeholder, in the order and with the
// numbers of insertInto: "c = $3, d = $4".
func assignments(columns string, key int) string {
	return eachColumn(columns, key, func(i int, name string) string { return fmt.Sprintf("%s = $%d", name, i+1) })
}

// excluded sets every column except the first key ones to the value of the row that could not be inserted:
// "c = excluded.c, d = excluded.d".
func excluded(columns string, key int) string {
	return eachColumn(columns, key, func(_ int, name string) string { return name + " = excluded." + name })
}

func eachColumn(columns string, key int, set func(i int, name string) string) string {
	var sets []string
	for i, name := range strings.Split(columns, ",") {
		if i >= key {
			sets = append(sets, set(i, strings.TrimSpace(name)))
		}
	}
	return strings.Join(sets, ", ")
}

// limitOf returns a limit for SQL: 0 and less mean all.
func limitOf(n int) int64 {
	if n <= 0 {
		return 1 << 40
	}
	return int64(n)
}
