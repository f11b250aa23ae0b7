package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/notice"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

const defaultPreset = "se-bas"

// newConnection holds what a person chooses for a new connection.
type newConnection struct {
	name, provider, region string
	profile                string // a file, or the name of a preset
	posting, start         string
	fourEyes               bool
}

func (a *app) createCommand() *cobra.Command {
	var in newConnection
	c := &cobra.Command{
		Use:   "create",
		Short: "Create a connection, still without credentials",
		Long: `Create a connection, still without credentials. Its name is for people; its id
is printed, and stands in Temporal where names must not.

The posting mode is draft (leave batches on hold in Visma.net), review (approve
each voucher in Kvitt first) or auto (post and release); without --posting it is
the profile's. Nothing from before --start is posted unless a backfill asks for
it.`,
		Example: `  starter connection create --name "Nordisk Webbhandel" --profile se-bas
  starter connection create --name "Nordisk Webbhandel" --profile profile.yaml --posting review --start 2026-01-01`,
		Args: exactly(),
		RunE: func(c *cobra.Command, args []string) error {
			if err := in.check(); err != nil {
				return err
			}
			return a.remote(func(ctx context.Context, s *session, _ []string) error { return s.create(ctx, &in) })(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&in.name, "name", "", "the connection's `NAME`, for people (required)")
	f.StringVar(&in.provider, "provider", "klarna", "the `PROVIDER`: klarna, or kustom for the former Klarna Checkout")
	f.StringVar(&in.region, "region", "eu", "the `REGION` where Klarna keeps the merchant: eu, na or oc")
	f.StringVar(&in.profile, "profile", defaultPreset, "the posting profile: a `FILE`, or one of the presets "+strings.Join(voucher.Presets(), ", "))
	f.StringVar(&in.posting, "posting", "", "the `MODE`: draft, review or auto (default what the profile says)")
	f.BoolVar(&in.fourEyes, "four-eyes", false, "a voucher is approved by somebody else than the author of the posting profile")
	f.StringVar(&in.start, "start", "", "post nothing from before this `DATE` (default today)")
	return c
}

func (in *newConnection) check() error {
	in.name = strings.TrimSpace(in.name)
	switch {
	case in.name == "":
		return usagef("--name is required; it is what people call the connection")
	case notice.CheckName(in.name) != nil:
		return usagef("--name: %s", notice.CheckName(in.name))
	case !slices.Contains([]string{"klarna", "kustom"}, in.provider):
		return usagef("--provider is %q; it is klarna or kustom", in.provider)
	case !slices.Contains([]string{"eu", "na", "oc"}, in.region):
		return usagef("--region is %q; it is eu (Europe), na (North America) or oc (Oceania)", in.region)
	case in.provider == "kustom" && in.region != "eu":
		return usagef("--region is %q; Kustom has one host for all its merchants, so choose eu", in.region)
	case !slices.Contains([]string{"", "draft", "review", "auto"}, in.posting):
		return usagef("--posting is %q; it is draft, review or auto", in.posting)
	}
	if in.start == "" {
		return nil
	}
	_, err := parseDay("--start", in.start)
	return err
}

// parseDay reads a day that was given on the command line.
func parseDay(flag, text string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return d, usagef("%s is %q; it is a day such as 2026-01-31", flag, text)
	}
	return d, nil
}

// readProfile reads a posting profile from a file, or a preset by its name.
func readProfile(name string) (*voucher.Profile, []byte, error) {
	document, err := voucher.Preset(name)
	if err != nil {
		if document, err = os.ReadFile(name); err != nil {
			return nil, nil, unreadable("posting profile", name, err,
				"Name a file, or one of the presets "+strings.Join(voucher.Presets(), ", ")+".")
		}
	}
	p, err := parseProfile(name, document)
	return p, document, err
}

// parseProfile names the file in the error, so that an editor finds the place.
func parseProfile(name string, document []byte) (*voucher.Profile, error) {
	p, err := voucher.ParseProfile(document)
	var wrong *voucher.ProfileError
	if errors.As(err, &wrong) {
		return nil, &operate.Error{
			Attempted: "read the posting profile " + name, Err: err, Helps: finishIfAny(wrong.Remedy),
			Happened: fmt.Sprintf("line %d, column %d: %s", wrong.Line, wrong.Column, wrong.Problem),
		}
	}
	return p, err
}

func finishIfAny(words string) string {
	if words == "" {
		return ""
	}
	return operate.Finish(words)
}

func unreadable(what, name string, err error, helps string) error {
	var reason *os.PathError
	happened := err.Error()
	if errors.As(err, &reason) {
		happened = reason.Err.Error()
	}
	return &operate.Error{Attempted: "read the " + what + " " + name, Happened: happened, Helps: helps, Err: err}
}

func (s *session) create(ctx context.Context, in *newConnection) error {
	profile, document, err := readProfile(in.profile)
	if err != nil {
		return err
	}
	if in.posting == "" {
		in.posting = string(profile.Posting.Mode)
	}
	if in.start == "" {
		in.start = day(s.now(), profile.Location())
	}
	id := operate.ConnectionID(s.random())
	row := store.Connection{ID: id, Name: in.name, Provider: in.provider, Region: in.region, Posting: in.posting, Start: in.start, FourEyes: in.fourEyes}
	if err := s.desk().Create(ctx, &row, profile, document, workflows.Settings{}, s.who); err != nil {
		return err
	}
	return s.created(ctx, &row)
}

func (s *session) created(ctx context.Context, row *store.Connection) error {
	if w, err := s.temporal.Workers(ctx); err == nil && w.Count == 0 {
		s.say("%s No worker polls the task queue %q, and the next steps need one. %s", s.aside.warn("Note:"), w.Queue, operate.StartWorker)
	}
	document := struct {
		ID string `json:"id"`
	}{row.ID}
	return s.show(document, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Created the connection %s (%s, posting %s, nothing before %s).\n\nNext:\n  starter connection klarna-key %s\n  starter connection authorize %s --service --tenant-id UUID\n",
			s.paint.bold(row.ID), row.Name, row.Posting, row.Start, row.ID, row.ID)
		return err
	})
}
