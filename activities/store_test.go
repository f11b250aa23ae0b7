package activities

import (
	"path/filepath"
	"testing"

	"kvitt/internal/store"
)

// shopStore is a database of its own with the connection c1 in it.
func shopStore(t *testing.T, posting string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: posting, Start: "2026-01-01"}); err != nil {
		t.Fatal(err)
	}
	return s
}
