package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/voucher"
)

// session holds the means of a command: the settings, the database, the vault
// that its keyset opens, and Temporal where it is wanted.
type session struct {
	*app
	config   config.Config
	store    *store.Store
	keys     *vault.Keyring
	vault    *vault.Vault
	doors    *access.Doors
	temporal operate.Temporal // nil until reach
}

// work is the body of a command, run in a session.
type work func(ctx context.Context, s *session, args []string) error

// local runs a command that needs the database and no worker.
func (a *app) local(do work) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		s, err := a.open(c.Context())
		if err != nil {
			return err
		}
		defer s.close()
		return do(c.Context(), s, args)
	}
}

// remote runs a command that needs Temporal too.
func (a *app) remote(do work) func(*cobra.Command, []string) error {
	return a.local(func(ctx context.Context, s *session, args []string) error {
		if err := s.reach(ctx); err != nil {
			return err
		}
		return do(ctx, s, args)
	})
}

// settings reads the settings and warns of variables that look like ours.
func (a *app) settings() (config.Config, error) {
	c, err := config.Load()
	if err != nil {
		return c, err
	}
	if len(c.Unread) > 0 {
		a.say("%s Nothing reads %s; a typing error? `starter help environment` lists the settings.", a.aside.warn("Note:"), strings.Join(c.Unread, ", "))
	}
	return c, nil
}

// open opens the database, which must be set up, and checks that the keyset is
// the one it was sealed with.
func (a *app) open(ctx context.Context) (*session, error) {
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	s := &session{app: a, config: c}
	if s.keys, err = vault.Open(c.Keyset.Reveal()); err != nil {
		return nil, err
	}
	if s.store, err = store.Open(ctx, c.DatabaseURL.Reveal()); err != nil {
		return nil, err
	}
	s.vault = vault.New(s.keys, s.store)
	s.doors = &access.Doors{Store: s.store, Vault: s.vault, Config: &s.config, HTTP: a.http}
	if err = s.store.Ready(ctx); err == nil {
		err = s.vault.Check(ctx)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) close() {
	if s.temporal != nil {
		s.temporal.Close()
	}
	if s.store != nil {
		_ = s.store.Close() // everything was committed
	}
}

// reach connects to Temporal.
func (s *session) reach(ctx context.Context) (err error) {
	s.temporal, err = s.dial(ctx, &s.config, s.keys)
	return err
}

// desk is where this command asks for things.
func (s *session) desk() *operate.Desk {
	return &operate.Desk{Store: s.store, Vault: s.vault, Doors: s.doors, Temporal: s.temporal}
}

// staffed makes sure that there is a worker to do what is attempted. Temporal
// takes a few seconds to tell of one that has just started.
func (s *session) staffed(ctx context.Context, attempted string) error {
	asking, cancel := context.WithTimeout(ctx, operate.AnswerWithin)
	defer cancel()
	for until := time.Now().Add(s.patience); ; {
		w, err := s.temporal.Workers(asking)
		if err != nil {
			return operate.Unanswered(attempted, err, nil)
		}
		if w.Count > 0 {
			return nil
		}
		if time.Now().After(until) {
			return &operate.Error{Attempted: attempted, Happened: fmt.Sprintf("no worker polls the task queue %q", w.Queue), Helps: operate.StartWorker, Err: operate.ErrNoAnswer}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(workersEvery):
		}
	}
}

// connection finds a connection.
func (s *session) connection(ctx context.Context, id string) (store.Connection, error) {
	c, err := s.store.Connection(ctx, id)
	if !errors.Is(err, store.ErrNotFound) {
		s.paint.provider, s.aside.provider = klarna.Provider(c.Provider), klarna.Provider(c.Provider)
		return c, err
	}
	f := &operate.Error{Attempted: "find the connection " + id, Happened: "there is none with this id", Err: err}
	all, err := s.store.Connections(ctx)
	if err != nil {
		return c, err
	}
	switch {
	case len(all) == 0:
		f.Helps = "There are no connections yet; `starter connection create` makes one."
	default:
		ids := make([]string, len(all))
		for i := range all {
			ids[i] = all[i].ID
		}
		slices.Sort(ids)
		if more := len(ids) - 10; more > 0 {
			ids = append(ids[:10], fmt.Sprintf("and %d more", more))
		}
		f.Helps = "The connections are: " + strings.Join(ids, ", ") + "."
	}
	return c, f
}

// payout finds a payout of a connection.
func (s *session) payout(ctx context.Context, connection, reference string) (store.Payout, error) {
	p, err := s.store.Payout(ctx, connection, reference)
	if errors.Is(err, store.ErrNotFound) {
		return p, &operate.Error{
			Attempted: "find the payout " + reference + " of the connection " + connection, Happened: "it is not known here", Err: err,
			Helps: "`starter payout list " + connection + "` shows the known ones; a backfill of its days fetches an older one.",
		}
	}
	return p, err
}

// zone is the company's zone, in which its days are written.
func (s *session) zone(ctx context.Context, connection string) (*time.Location, error) {
	row, err := s.store.Profile(ctx, connection, 0)
	if err != nil {
		return nil, err
	}
	p, err := voucher.ParseProfile(row.Document)
	if err != nil {
		return nil, &operate.Error{Attempted: "read the posting profile of the connection " + connection, Happened: err.Error(), Err: err, Helps: "Set a correct one with `starter profile set`."}
	}
	return p.Location(), nil
}
