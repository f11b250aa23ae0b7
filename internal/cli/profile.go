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

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func (a *app) profileCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "profile",
		Short: "Show, check and set posting profiles",
		Long: `A posting profile is a YAML document that says which kind of row goes to which
account, with which VAT, and how far vouchers go by themselves. Every version is
kept, and each posting pins the one it used.`,
	})
	c.AddCommand(a.profileShowCommand(), a.profileSetCommand(), a.profileCheckCommand(), a.profilePresetsCommand())
	return c
}

// profileDocument is a profile for programs.
type profileDocument struct {
	Connection string    `json:"connection,omitempty"`
	Version    int       `json:"version"`
	Hash       string    `json:"hash"`
	CreatedBy  string    `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
	Document   string    `json:"document"`
}

func (a *app) profileShowCommand() *cobra.Command {
	var version int
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Print the posting profile of a connection",
		Long:  "Print the posting profile of a connection as the document it was set with, so\nthat it can be changed and set again.",
		Example: `  starter profile show k3x9-m2qp > profile.yaml
  starter profile show k3x9-m2qp --version 1`,
		Args: exactly("the id of a connection"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			if version < 0 {
				return usagef("--version is %d; versions count from 1", version)
			}
			row, err := s.connection(ctx, args[0])
			if err != nil {
				return err
			}
			p, err := s.store.Profile(ctx, row.ID, version)
			if errors.Is(err, store.ErrNotFound) {
				return &operate.Error{
					Attempted: fmt.Sprintf("show version %d of the posting profile of %s", version, row.ID), Happened: "there is none", Err: err,
					Helps: fmt.Sprintf("The latest is version %d.", row.ProfileVersion),
				}
			}
			if err != nil {
				return err
			}
			return a.show(profileDocument{row.ID, p.Version, p.Hash, p.CreatedBy, p.CreatedAt, string(p.Document)}, func(w io.Writer) error {
				s.say("Version %d, set by %s at %s. The connection itself decides that it posts %s, and nothing before %s.",
					p.Version, p.CreatedBy, moment(p.CreatedAt), row.Posting, row.Start)
				_, err := w.Write(p.Document)
				return err
			})
		}),
	}
	c.Flags().IntVar(&version, "version", 0, "an earlier version `N` (default the latest)")
	return c
}

// profileSet answers `profile set`.
type profileSet struct {
	Connection string `json:"connection"`
	Version    int    `json:"version"`
	Hash       string `json:"hash"`
	Posting    string `json:"posting"`
	Told       int    `json:"told"` // payouts that wait and look at the new version now
}

func (a *app) profileSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set ID FILE",
		Short: "Give a connection a new version of its posting profile",
		Long: `Give a connection a new version of its posting profile. Payouts that are held or
await approval look at it at once; what was posted keeps the version it used.
A posting mode that differs from the version before becomes the connection's.`,
		Example: `  starter profile set k3x9-m2qp profile.yaml`,
		Args:    exactly("the id of a connection", "a file"),
		RunE: a.remote(func(ctx context.Context, s *session, args []string) error {
			return s.setProfile(ctx, args[0], args[1])
		}),
	}
}

func (s *session) setProfile(ctx context.Context, id, file string) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return unreadable("posting profile", file, err, "")
	}
	profile, err := parseProfile(file, document)
	if err != nil {
		return err
	}
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	attempted := "set the posting profile of the connection " + id
	if row.State == workflows.ConnDisconnected {
		return &operate.Error{Attempted: attempted, Happened: "it is disconnected, which is final"}
	}
	if err := s.staffed(ctx, attempted); err != nil {
		return err
	}
	change := workflows.Settings{Posting: s.changedPosting(ctx, &row, profile)}
	version, err := s.store.AddProfile(ctx, id, document, profile.Hash(), s.who)
	if err != nil {
		return err
	}
	change.ProfileVersion = version
	now, err := operate.Call(ctx, s.temporal, workflows.ConfigureConnection, workflows.ConnectionWorkflowID(id),
		workflows.Configure{Settings: change, Who: s.who}, operate.SettingsWithin)
	if err != nil {
		return operate.Unanswered(fmt.Sprintf("tell the connection %s of version %d of its profile, which is stored", id, version), err, operate.NoConnectionWorkflow(&row))
	}
	told, err := s.tellPayouts(ctx, id, version)
	if err != nil {
		return err
	}
	return s.show(profileSet{id, version, profile.Hash(), now.Posting, told}, func(w io.Writer) error {
		words := fmt.Sprintf("The connection %s uses version %d of its profile (%s).", id, version, profile.Name)
		if version == row.ProfileVersion {
			words = fmt.Sprintf("This is version %d, which the connection %s uses already.", version, id)
		}
		if change.Posting != "" {
			words += fmt.Sprintf(" Its posting mode is now %s.", change.Posting)
		}
		if told > 0 {
			words += fmt.Sprintf(" %s looked at again.", counted(told, "waiting payout"))
		}
		_, err := fmt.Fprintln(w, words)
		return err
	})
}

// changedPosting is the posting mode of a profile, where it is another one than
// that of the version in use; else "". A mode that was chosen for the connection
// itself stays as long as the profile does not change its mind.
func (s *session) changedPosting(ctx context.Context, row *store.Connection, profile *voucher.Profile) string {
	before, _, err := s.doors.Profile(ctx, row.ID, row.ProfileVersion)
	if err != nil || before.Posting.Mode == profile.Posting.Mode || row.Posting == string(profile.Posting.Mode) {
		return ""
	}
	return string(profile.Posting.Mode)
}

// tellPayouts tells the payouts that wait of a new version.
func (s *session) tellPayouts(ctx context.Context, id string, version int) (told int, err error) {
	for _, state := range []string{workflows.StateHeld, workflows.StateAwaitingApproval} {
		waiting, err := s.store.Payouts(ctx, store.PayoutFilter{Connection: id, State: state})
		if err != nil {
			return told, err
		}
		for i := range waiting {
			err := operate.Tell(ctx, s.temporal, workflows.ProfileChanged, workflows.PayoutWorkflowID(id, waiting[i].PaymentReference), version)
			switch {
			case errors.Is(err, operate.ErrNotRunning): // the next sync starts it again
			case err != nil:
				return told, operate.Unanswered("tell the payout "+waiting[i].PaymentReference+" of the new profile", err, nil)
			default:
				told++
			}
		}
	}
	return told, nil
}

// profileSummary says what a profile that can be read would do.
type profileSummary struct {
	Name       string   `json:"name"`
	Hash       string   `json:"hash"`
	TimeZone   string   `json:"time_zone"`
	Posting    string   `json:"posting"`
	Periods    string   `json:"periods"`
	Accounts   []string `json:"accounts"`
	Currencies []string `json:"currencies"`
	VATCodes   []string `json:"vat_codes"`
}

func (a *app) profileCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check a posting profile, and say where it is wrong",
		Long: `Check a posting profile, and say in which line and column it is wrong. Whether
the Visma.net company has its accounts is what ` + "`starter doctor`" + ` tells once the
profile is set.`,
		Example: `  starter profile check profile.yaml`,
		Args:    exactly("a file"),
		RunE: func(_ *cobra.Command, args []string) error {
			document, err := os.ReadFile(args[0])
			if err != nil {
				return unreadable("posting profile", args[0], err, "")
			}
			p, err := parseProfile(args[0], document)
			if err != nil {
				return err
			}
			uses := p.Uses()
			sum := profileSummary{
				Name: p.Name, Hash: p.Hash(), TimeZone: p.TimeZone, Posting: string(p.Posting.Mode), Periods: string(p.Periods.Policy),
				Accounts: slices.Concat([]string{}, uses.Accounts), VATCodes: slices.Concat([]string{}, uses.VATCodes), Currencies: []string{},
			}
			for _, c := range uses.Currencies {
				sum.Currencies = append(sum.Currencies, string(c))
			}
			return a.show(&sum, func(w io.Writer) error { return writeSummary(w, p, &sum) })
		},
	}
}

func writeSummary(w io.Writer, p *voucher.Profile, sum *profileSummary) error {
	if _, err := fmt.Fprintf(w, "%s is a profile that can be used.\n\nTime zone %s, posting %s, closed periods: %s.\n\n", sum.Name, sum.TimeZone, sum.Posting, sum.Periods); err != nil {
		return err
	}
	t := table.New(table.Left("account"), table.Left("used by"))
	for _, account := range sum.Accounts {
		t.Add(account, operate.Some(p.UsedBy(account), 6))
	}
	return t.Write(w)
}

// preset is one of the profiles that come with Kvitt.
type preset struct {
	Preset   string `json:"preset"`
	Name     string `json:"name"`
	Document string `json:"document,omitempty"`
}

func (a *app) profilePresetsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "presets [NAME]",
		Short: "List the posting profiles that come with Kvitt, or print one",
		Long: `List the posting profiles that come with Kvitt, or print one to start from. Every
account number in them is a default that the company's accountant confirms.`,
		Example: `  starter profile presets
  starter profile presets se-bas > profile.yaml`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exactly("")(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var all []preset
			for _, name := range voucher.Presets() {
				document, err := voucher.Preset(name)
				if err != nil {
					return err
				}
				p, err := voucher.ParseProfile(document)
				if err != nil {
					return err
				}
				if len(args) == 1 && args[0] == name {
					return a.show(preset{name, p.Name, string(document)}, func(w io.Writer) error {
						_, err := w.Write(document)
						return err
					})
				}
				all = append(all, preset{Preset: name, Name: p.Name})
			}
			if len(args) == 1 {
				return usagef("there is no preset %q; the presets are %s", args[0], strings.Join(voucher.Presets(), ", "))
			}
			return a.show(all, func(w io.Writer) error {
				t := table.New(table.Left("preset"), table.Left("name"))
				for _, p := range all {
					t.Add(p.Preset, p.Name)
				}
				return t.Write(w)
			})
		},
	}
}
