package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrator returns the migrations of this binary for this database. Files whose names end in _sqlite or
// _postgres are for that database only, all others for both.
func (s *Store) migrator() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	dialect, foreign := goose.DialectSQLite3, "_postgres.sql"
	if s.dialect.name == "postgres" {
		dialect, foreign = goose.DialectPostgres, "_sqlite.sql"
	}
	names, err := fs.Glob(files, "*"+foreign)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, s.writes, files,
		goose.WithExcludeNames(names), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithAllowOutofOrder(true))
}

// Migrate creates the tables, or upgrades them to the version of this binary. It may run in several
// processes at once and does nothing when nothing is to be done. Errors: ErrNewerSchema, ErrUnreachable.
func (s *Store) Migrate(ctx context.Context) error {
	attempted := "set up the tables of the database " + s.name
	m, err := s.migrator()
	if err != nil {
		return s.fail(attempted, err)
	}
	// A second process that migrates at the same time fails because the tables exist, and finds everything
	// done when it checks again.
	for attempt := 1; ; attempt++ {
		current, wanted, err := s.SchemaVersion(ctx)
		switch {
		case err != nil:
			return err
		case current == wanted:
			return nil
		case current > wanted:
			return s.newer(current, wanted)
		}
		if _, err = m.Up(ctx); err == nil {
			return nil
		}
		if attempt == tries || pause(ctx, 100*time.Millisecond) != nil {
			return s.fail(attempted, err)
		}
	}
}

// SchemaVersion tells the version of the tables in the database, 0 when there
// are none, and the version that this binary needs. What was built beside another
// migration may have been applied before it: the version is the last one before
// which none is missing. It changes nothing.
func (s *Store) SchemaVersion(ctx context.Context) (current, wanted int64, err error) {
	attempted := "read the schema version of the database " + s.name
	m, err := s.migrator()
	if err != nil {
		return 0, 0, s.fail(attempted, err)
	}
	for _, source := range m.ListSources() {
		wanted = max(wanted, source.Version)
	}
	applied, err := list(ctx, s.reads, func(v *int64) []any { return []any{v} }, "SELECT version_id FROM goose_db_version WHERE is_applied ORDER BY version_id")
	switch {
	case tableMissing(err):
		return 0, wanted, nil
	case err != nil || len(applied) == 0:
		return 0, wanted, s.fail(attempted, err)
	}
	if current = applied[len(applied)-1]; current > wanted {
		return current, wanted, nil
	}
	for _, source := range m.ListSources() { // in their order
		if !slices.Contains(applied, source.Version) {
			return source.Version - 1, wanted, nil
		}
	}
	return current, wanted, nil
}

// Made reports whether the file of a SQLite database exists, without creating it as Open would. It does
// nothing for PostgreSQL. Error: ErrNotMigrated.
func Made(url string) error {
	a, err := parse(url)
	if err != nil || a.path == "" {
		return err
	}
	if _, err := os.Stat(filepath.Dir(a.path)); err != nil {
		return nil // Open reports the missing folder
	}
	if _, err := os.Stat(a.path); errors.Is(err, os.ErrNotExist) {
		return &Error{Attempted: "use the database " + a.name, Problem: "there is no such file yet", Remedy: setupRemedy, Kind: ErrNotMigrated}
	}
	return nil
}

// Ready checks that the database answers and has exactly the tables that this binary needs. Errors:
// ErrUnreachable, ErrNotMigrated, ErrNewerSchema.
func (s *Store) Ready(ctx context.Context) error {
	current, wanted, err := s.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case current == 0:
		return &Error{
			Attempted: "use the database " + s.name, Problem: "it has no tables yet", Remedy: setupRemedy, Kind: ErrNotMigrated,
		}
	case current < wanted:
		return &Error{
			Attempted: "use the database " + s.name,
			Problem:   fmt.Sprintf("its tables are at version %d and this binary needs version %d", current, wanted),
			Remedy:    setupRemedy, Kind: ErrNotMigrated,
		}
	case current > wanted:
		return s.newer(current, wanted)
	}
	return nil
}

func (s *Store) newer(current, wanted int64) error {
	return &Error{
		Attempted: "use the database " + s.name,
		Problem:   fmt.Sprintf("its tables are at version %d and this binary knows them up to version %d", current, wanted),
		Remedy:    "A newer Kvitt has upgraded the database: run that version, or restore the backup from before the upgrade.",
		Kind:      ErrNewerSchema,
	}
}
