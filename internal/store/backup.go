package store

import (
	"context"
	"errors"
	"os"
)

// ErrNotAFile means that the database is not a file: its backups are made with its server's tools.
var ErrNotAFile = errors.New("the database is not a file")

// Backup writes a copy of an SQLite database, as it is at one moment, into a new file that only this user
// can read, while others go on working. Errors: ErrNotAFile, ErrExists when the file exists already.
func (s *Store) Backup(ctx context.Context, path string) error {
	attempted := "back up the database " + s.name + " into " + path
	if s.dialect.name != "sqlite" {
		return &Error{
			Attempted: attempted, Problem: "PostgreSQL makes its own backups", Kind: ErrNotAFile,
			Remedy: "Use pg_dump, pg_basebackup, or what your provider offers.",
		}
	}
	if _, err := os.Lstat(path); err == nil {
		return &Error{Attempted: attempted, Problem: "there is such a file already", Kind: ErrExists, Remedy: "Name one that does not exist yet."}
	}
	// SQLite fills an empty file and keeps its mode.
	if err := createPrivately(path); err != nil {
		return &Error{Attempted: attempted, Problem: "the file cannot be created", Remedy: "Name one in a folder that this user may write to.", Err: err}
	}
	if _, err := exec(ctx, s.writes, "VACUUM INTO $1", path); err != nil {
		_ = os.Remove(path)
		return s.fail(attempted, err)
	}
	return nil
}
