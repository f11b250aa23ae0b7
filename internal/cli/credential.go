package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// mostKeyFile is more than any key file has.
const mostKeyFile = 64 << 10

// klarnaKey describes how a Klarna key is given.
type klarnaKey struct {
	username, file string
	yes            bool
}

func (a *app) klarnaKeyCommand() *cobra.Command {
	var in klarnaKey
	c := &cobra.Command{
		Use:   "klarna-key ID",
		Short: "Give a connection its Klarna API key, and verify it",
		Long: `Give a connection its Klarna API key. The key is read from --key-file, from a
pipe, or from the terminal without being shown; never from an argument, which
other users of the machine could see. It is checked here, encrypted, and
verified by a worker with a real read; only a key that works replaces the one in
use.`,
		Example: `  starter connection klarna-key k3x9-m2qp
  starter connection klarna-key k3x9-m2qp --key-file klarna.key --yes
  pass show klarna | starter connection klarna-key k3x9-m2qp --yes`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 { // and what stands there may be the key, which is not repeated
				return usagef("the key is never an argument, which other users of the machine can see and the shell remembers; give it with --key-file, by a pipe, or on the terminal")
			}
			return exactly("the id of a connection")(c, args)
		},
		RunE: a.remote(func(ctx context.Context, s *session, args []string) error { return s.setKlarnaKey(ctx, args[0], &in) }),
	}
	c.Flags().StringVar(&in.username, "username", "", "the `UUID` that the Merchant Portal shows with the key, where it shows one")
	c.Flags().StringVar(&in.file, "key-file", "", "a `FILE` that holds the key and nothing else")
	c.Flags().BoolVar(&in.yes, "yes", false, "do not ask about a live key")
	return c
}

func (s *session) setKlarnaKey(ctx context.Context, id string, in *klarnaKey) error {
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	attempted := "give the connection " + id + " its Klarna key"
	if err := s.staffed(ctx, attempted); err != nil {
		return err
	}
	key, err := s.readKey(ctx, in.file)
	if err != nil {
		return err
	}
	credential, err := klarna.ParseCredential(row.Provider, row.Region, key, in.username)
	if err != nil {
		return err
	}
	if credential.Environment() == klarna.Live {
		question := fmt.Sprintf("This is a live key of %s: with it, Kvitt reads real payouts into the books.", credential.Provider.Name())
		if err := s.confirm(ctx, in.yes, question, "live"); err != nil {
			return err
		}
	}
	s.say("Verifying a %s key with a real read.", credential.Environment())
	now, err := s.desk().OfferKlarna(ctx, &row, credential, s.who)
	if err != nil {
		return err
	}
	return s.verified(&now, &now.Klarna, "")
}

// verified tells of a side that works now.
func (s *session) verified(now *workflows.Status, side *workflows.Side, more string) error {
	return s.show(now, func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, "Verified: %s. The connection %s is %s.\n", sideCell(side)+more, now.ID, paintState(s.paint, now.State)); err != nil {
			return err
		}
		if next := needs(now); next != "" {
			_, err := fmt.Fprintf(w, "\nNext:\n  %s\n", next)
			return err
		}
		return nil
	})
}

// readKey reads a key from a file, a pipe or the terminal.
func (s *session) readKey(ctx context.Context, file string) (string, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", unreadable("key file", file, err, "")
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, mostKeyFile))
		if err != nil {
			return "", unreadable("key file", file, err, "")
		}
		return string(text), nil
	}
	if s.console.Attended() {
		return s.console.Secret(ctx, "Klarna API key (it is not shown): ")
	}
	text, err := io.ReadAll(io.LimitReader(s.In, mostKeyFile))
	if err != nil {
		return "", fmt.Errorf("read the Klarna key from standard input: %w", err)
	}
	if len(text) == 0 {
		return "", usagef("no key was given: name a file with --key-file, pipe the key in, or type it on a terminal")
	}
	return string(text), nil
}

// setState is a command that changes a connection's state.
func (a *app) setState(use, short, long string, u workflows.Update[workflows.Person, workflows.Status], before func(ctx context.Context, s *session, row *store.Connection) error) *cobra.Command {
	verb := use[:len(use)-len(" ID")]
	var reason string
	c := &cobra.Command{
		Use: use, Short: short, Long: long,
		Example: "  starter connection " + verb + " k3x9-m2qp",
		Args:    exactly("the id of a connection"),
		RunE: a.remote(func(ctx context.Context, s *session, args []string) error {
			row, err := s.connection(ctx, args[0])
			if err != nil {
				return err
			}
			attempted := verb + " the connection " + row.ID
			if before != nil {
				if err := before(ctx, s, &row); err != nil {
					return err
				}
			}
			if err := s.staffed(ctx, attempted); err != nil {
				return err
			}
			now, err := s.desk().Command(ctx, &row, verb, u, workflows.Person{Who: s.who, Reason: reason})
			if err != nil {
				return err
			}
			return s.show(&now, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "The connection %s is %s.\n", now.ID, paintState(s.paint, now.State))
				return err
			})
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "the `REASON`, for the audit trail")
	return c
}

func (a *app) pauseCommand() *cobra.Command {
	return a.setState("pause ID", "Pause the syncs of a connection",
		"Pause the syncs of a connection. What is under way is finished.", workflows.PauseConnection, nil)
}

func (a *app) resumeCommand() *cobra.Command {
	return a.setState("resume ID", "Resume the syncs of a paused connection", "", workflows.ResumeConnection, nil)
}

func (a *app) startCommand() *cobra.Command {
	var first string
	c := &cobra.Command{
		Use:   "start ID",
		Short: "Start a connection that was set up in the portal",
		Long: `Start a connection whose two sides work and that waits for its first day to
post from, as those do that are set up in the portal. Its schedule begins.`,
		Example: "  starter connection start k3x9-m2qp --start 2026-01-01",
		Args:    exactly("the id of a connection"),
		RunE: a.remote(func(ctx context.Context, s *session, args []string) error {
			row, err := s.connection(ctx, args[0])
			if err != nil {
				return err
			}
			if row.Start != "" {
				return &operate.Error{Attempted: "start the connection " + row.ID, Happened: "it has started already, from " + row.Start + " on"}
			}
			if first == "" {
				zone, err := s.zone(ctx, row.ID)
				if err != nil {
					return err
				}
				first = day(s.now(), zone)
			}
			if _, err := parseDay("--start", first); err != nil {
				return err
			}
			now, err := s.desk().Start(ctx, &row, first, "", s.who)
			if err != nil {
				return err
			}
			return s.show(&now, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "The connection %s is %s and posts from %s on.\n", now.ID, paintState(s.paint, now.State), now.Start)
				return err
			})
		}),
	}
	c.Flags().StringVar(&first, "start", "", "post nothing from before this `DATE` (default today)")
	return c
}

func (a *app) disconnectCommand() *cobra.Command {
	var yes bool
	c := a.setState("disconnect ID", "End a connection for good",
		`End a connection for good: its tokens are revoked at Visma Connect, its secrets
are erased and its schedule is deleted. What was posted, and the audit trail,
are kept. It cannot be undone.`, workflows.Disconnect,
		func(ctx context.Context, s *session, row *store.Connection) error {
			if row.State == workflows.ConnDisconnected {
				return &operate.Error{Attempted: "disconnect the connection " + row.ID, Happened: "it is disconnected already"}
			}
			question := fmt.Sprintf("This ends the connection %s (%s) for good: its secrets are erased, and only a new connection brings it back.", row.ID, row.Name)
			return s.confirm(ctx, yes, question, row.ID)
		})
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
