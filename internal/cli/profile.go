package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/voucher"
)

func (a *app) profileCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "profile",
		Short: "Show, check and set posting profiles",
		Long: `A posting profile is a YAML document that says which kind of row goes to which
account, with which VAT, and how far vouchers go by themselves. Every version is
kept, and each posting pins the one it used.`,
	})
	c.AddCommand(
		a.profileShowCommand(), a.profileSetCommand(), a.profileHistoryCommand(), a.profileDiffCommand(),
		a.profileCheckCommand(), a.profilePresetsCommand(), a.profileInterviewCommand(),
	)
	return c
}

// profileDocument is a profile for programs.
type profileDocument struct {
	Connection string    `json:"connection,omitempty"`
	Version    int       `json:"version"`
	Hash       string    `json:"hash"`
	CreatedBy  string    `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
	Reason     string    `json:"reason"`
	Document   string    `json:"document,omitempty"`
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
			p, err := s.profileVersion(ctx, &row, version)
			if err != nil {
				return err
			}
			return a.show(profileDocument{row.ID, p.Version, p.Hash, p.CreatedBy, p.CreatedAt, p.Reason, string(p.Document)}, func(w io.Writer) error {
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

// profileSummary says what a profile that can be read would do.
type profileSummary struct {
	Name       string   `json:"name"`
	Hash       string   `json:"hash"`
	TimeZone   string   `json:"time_zone"`
	Posting    string   `json:"posting"`
	Periods    string   `json:"periods"`
	Split      bool     `json:"split"` // by period
	Accounts   []string `json:"accounts"`
	Currencies []string `json:"currencies"`
	VATCodes   []string `json:"vat_codes"`
	// WithoutEffect are members that older profiles have and that do nothing any more.
	WithoutEffect []string `json:"without_effect"`
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
				Name: p.Name, Hash: p.Hash(), TimeZone: p.TimeZone, Posting: string(p.Posting.Mode), Periods: string(p.Periods.Policy), Split: p.Periods.Split,
				Accounts: slices.Concat([]string{}, uses.Accounts), VATCodes: slices.Concat([]string{}, uses.VATCodes), Currencies: []string{},
				WithoutEffect: slices.Concat([]string{}, p.WithoutEffect()),
			}
			for _, c := range uses.Currencies {
				sum.Currencies = append(sum.Currencies, string(c))
			}
			return a.show(&sum, func(w io.Writer) error { return writeSummary(w, p, &sum) })
		},
	}
}

var splitWords = map[bool]string{true: ", payouts are split by period"}

func writeSummary(w io.Writer, p *voucher.Profile, sum *profileSummary) error {
	if _, err := fmt.Fprintf(w, "%s is a profile that can be used.\n\nTime zone %s, posting %s, closed periods: %s%s.\n\n", sum.Name, sum.TimeZone, sum.Posting, sum.Periods, splitWords[sum.Split]); err != nil {
		return err
	}
	t := table.New(table.Left("account"), table.Left("used by"))
	for _, account := range sum.Accounts {
		t.Add(account, operate.Some(p.UsedBy(account), 6))
	}
	if err := t.Write(w); err != nil || len(sum.WithoutEffect) == 0 {
		return err
	}
	words := "\nWithout effect, and can be removed: " + strings.Join(sum.WithoutEffect, ", ") + ". What is accrued follows the rules under components."
	_, err := fmt.Fprintln(w, table.Fold(words, width(w), 0))
	return err
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
