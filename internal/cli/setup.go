package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

func (a *app) setupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "Set up the database and Temporal, and check both",
		Long: `Create or upgrade the tables of the database, check that the keyset is the one
it was sealed with, reach Temporal, register Kvitt's search attributes with the
namespace, and start again the connections that Temporal has lost. What is done
already stays as it is, so it can be run at every start and by several at once.`,
		Example: `  starter setup
  starter setup --output json`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return a.setup(c.Context()) },
	}
}

func (a *app) setup(ctx context.Context) error {
	c, err := a.settings()
	if err != nil {
		return err
	}
	s := &session{app: a, config: c}
	defer s.close()
	if s.keys, err = vault.Open(c.Keyset.Reveal()); err != nil {
		return err
	}
	var done checks
	for _, step := range []func(context.Context, *session, *checks) error{migrate, checkKeyset, reachTemporal, registerAttributes, reviveConnections} {
		if err := step(ctx, s, &done); err != nil {
			_ = done.write(a.Err, a.aside) // what was done before it went wrong
			return err
		}
	}
	return a.show(done.list, func(w io.Writer) error {
		if err := done.write(w, a.paint); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "\nEverything is set up. Next: start a worker, then `starter connection create`.")
		return err
	})
}

func migrate(ctx context.Context, s *session, done *checks) (err error) {
	if s.store, err = store.Open(ctx, s.config.DatabaseURL.Reveal()); err != nil {
		return err
	}
	before, wanted, err := s.store.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if err := s.store.Migrate(ctx); err != nil {
		return err
	}
	words := fmt.Sprintf("%s is at version %d already", s.store.Name(), wanted)
	switch {
	case before == 0:
		words = fmt.Sprintf("%s: created its tables, version %d", s.store.Name(), wanted)
	case before < wanted:
		words = fmt.Sprintf("%s: upgraded its tables from version %d to %d", s.store.Name(), before, wanted)
	}
	done.ok("database", "", words)
	return nil
}

func checkKeyset(ctx context.Context, s *session, done *checks) error {
	s.vault = vault.New(s.keys, s.store)
	if err := s.vault.Check(ctx); err != nil {
		return err
	}
	done.ok("keyset", "", "opens, and belongs to this database")
	return nil
}

func reachTemporal(ctx context.Context, s *session, done *checks) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	done.ok("temporal", "", s.temporal.Where())
	return nil
}

// registeredWithin limits how long the namespace may take to know new attributes.
const registeredWithin = 30 * time.Second

func registerAttributes(ctx context.Context, s *session, done *checks) error {
	missing, err := missingAttributes(ctx, s.temporal)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		done.ok("search attributes", "", "are registered already")
		return nil
	}
	names := strings.Join(slices.Sorted(maps.Keys(missing)), ", ")
	attempted := "register the search attributes " + names
	if err := s.temporal.Register(ctx, missing); err != nil {
		return &operate.Error{Attempted: attempted, Happened: err.Error(), Err: err, Helps: attributesByHand}
	}
	// The namespace takes a moment to know them; what is started before that
	// is refused.
	ctx, cancel := context.WithTimeout(ctx, registeredWithin)
	defer cancel()
	for {
		if missing, err = missingAttributes(ctx, s.temporal); err != nil || len(missing) == 0 {
			break
		}
		if err = s.pause(ctx, 500*time.Millisecond); err != nil {
			break
		}
	}
	if err != nil || len(missing) > 0 {
		return &operate.Error{Attempted: attempted, Happened: "the namespace does not know them yet", Err: err, Helps: "Run `starter setup` again in a minute."}
	}
	done.ok("search attributes", "", "registered "+names)
	return nil
}

const attributesByHand = "On Temporal Cloud, and where this user may not, add them by hand: the keyword attributes KvittConnection, KvittPaymentReference, KvittState, KvittHeldReason and KvittCurrency, and the datetime attribute KvittPayoutDate."

// missingAttributes are those that the namespace does not know. One of another
// type is an error, because nothing can change it.
func missingAttributes(ctx context.Context, t operate.Temporal) (map[string]enumspb.IndexedValueType, error) {
	known, err := t.Attributes(ctx)
	if err != nil {
		return nil, &operate.Error{Attempted: "read the search attributes of Temporal at " + t.Where(), Happened: err.Error(), Err: err, Helps: attributesByHand}
	}
	missing := workflows.SearchAttributes()
	for name, wanted := range workflows.SearchAttributes() {
		found, ok := known[name]
		if !ok {
			continue
		}
		if found != wanted {
			return nil, &operate.Error{
				Attempted: "check the search attribute " + name, Happened: fmt.Sprintf("it is of the type %s, and Kvitt needs %s", found, wanted),
				Helps: "Remove it with `temporal operator search-attribute remove --name " + name + "`, then run `starter setup` again.",
			}
		}
		delete(missing, name)
	}
	return missing, nil
}

// reviveConnections starts the workflow of every connection that the database
// knows and Temporal does not: after Temporal's own database was lost, or its
// workflow was terminated.
func reviveConnections(ctx context.Context, s *session, done *checks) error {
	all, err := s.store.Connections(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		row := &all[i]
		if row.State == workflows.ConnDisconnected {
			continue
		}
		last, err := operate.StatusOf(row)
		if err != nil {
			return err
		}
		err = s.desk().Revive(ctx, row.ID, last, s.who, operate.Start{
			ID:         workflows.ConnectionWorkflowID(row.ID),
			Workflow:   workflows.ConnectionWorkflowName,
			Summary:    "Connection " + row.ID,
			Connection: row.ID,
			Urgency:    workflows.UrgentPerson,
			Attributes: []temporal.SearchAttributeUpdate{workflows.AttrState.ValueSet(row.State)},
		})
		switch {
		case errors.Is(err, operate.ErrRunning): // as it should be
		case err != nil:
			return err
		default:
			done.ok("connection", row.ID, "its workflow was gone and is started again")
		}
	}
	return nil
}

// pause waits, or returns when the command is stopped.
func (a *app) pause(ctx context.Context, d time.Duration) error {
	if a.every > 0 {
		d = a.every
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
