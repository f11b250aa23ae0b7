package activities

import (
	"context"
	"path/filepath"
	"testing"

	"kvitt/internal/instruct"
	"kvitt/internal/store"
)

// trusted takes every instruction as proven.
type trusted struct{}

func (trusted) Use(context.Context, string, instruct.Instruction, instruct.Step) (string, error) {
	return "", nil
}

func (trusted) Read(context.Context, string) (instruct.Instruction, error) {
	return instruct.Instruction{}, nil
}

func (trusted) UsedIn(context.Context, string, instruct.Step, ...string) (bool, error) {
	return true, nil
}

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
