package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// Connect sets one connection up as a person would: create, Klarna's key, Visma.net's authorisation. An
// existing connection is reused. It posts automatically, because it is for trying out. say receives each
// command.
func (s *Stack) Connect(ctx context.Context, say func(args ...string)) (string, error) {
	out, err := s.Ask(ctx, "connection", "list", "--output", "json")
	if err != nil {
		return "", err
	}
	var known []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(out, &known); err != nil {
		return "", fmt.Errorf("read the list of connections: %w", err)
	}
	if len(known) > 0 {
		return known[0].ID, nil
	}
	// Without --start its own schedule leaves the shop's past to backfills.
	return s.NewConnection(ctx, say, "--profile", "se-bas", "--posting", "auto")
}

// NewConnection creates and authorises a connection with the given flags.
func (s *Stack) NewConnection(ctx context.Context, say func(args ...string), flags ...string) (string, error) {
	create := append([]string{"connection", "create", "--name", "Nordisk Webbhandel"}, flags...)
	say(create...)
	out, err := s.Ask(ctx, append(create, "--output", "json")...)
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return "", fmt.Errorf("read the new connection: %w", err)
	}
	for _, args := range [][]string{
		{"connection", "klarna-key", made.ID, "--key-file", filepath.Join(s.Dir, "klarna.key")},
		{"connection", "authorize", made.ID, "--service", "--tenant-id", TenantID},
	} {
		say(args...)
		if _, err := s.Ask(ctx, args...); err != nil {
			return made.ID, err
		}
	}
	return made.ID, nil
}
