package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// profileVersion reads a version of a connection's profile; 0 is the latest.
func (s *session) profileVersion(ctx context.Context, row *store.Connection, version int) (store.ProfileVersion, error) {
	p, err := s.store.Profile(ctx, row.ID, version)
	if errors.Is(err, store.ErrNotFound) {
		return p, &operate.Error{
			Attempted: fmt.Sprintf("show version %d of the posting profile of %s", version, row.ID), Happened: "there is none", Err: err,
			Helps: fmt.Sprintf("The latest is version %d.", row.ProfileVersion),
		}
	}
	return p, err
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
	var reason, preview string
	c := &cobra.Command{
		Use:   "set ID FILE",
		Short: "Give a connection a new version of its posting profile",
		Long: `Give a connection a new version of its posting profile. Payouts that are held or
await approval look at it at once; what was posted keeps the version it used.
A posting mode that differs from the version before becomes the connection's.

With --preview a past payout is compiled by the version in use and by the file,
the vouchers are shown beside each other, and nothing is set.`,
		Example: `  starter profile set k3x9-m2qp profile.yaml --preview latest
  starter profile set k3x9-m2qp profile.yaml --reason "fees on 6040 from March on"`,
		Args: exactly("the id of a connection", "a file"),
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever reads the history: a `REASON`")
	c.Flags().StringVar(&preview, "preview", "", "set nothing, and show the voucher of the payout `REF` old against new; \"latest\" is the latest one")
	c.RunE = func(c *cobra.Command, args []string) error {
		if preview != "" {
			return a.local(func(ctx context.Context, s *session, args []string) error {
				return s.previewProfile(ctx, args[0], args[1], preview)
			})(c, args)
		}
		return a.remote(func(ctx context.Context, s *session, args []string) error {
			return s.setProfile(ctx, args[0], args[1], reason)
		})(c, args)
	}
	return c
}

// profileFile reads a profile that is about to be set.
func profileFile(file string) (*voucher.Profile, []byte, error) {
	document, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, unreadable("posting profile", file, err, "")
	}
	profile, err := parseProfile(file, document)
	return profile, document, err
}

func (s *session) setProfile(ctx context.Context, id, file, reason string) error {
	profile, document, err := profileFile(file)
	if err != nil {
		return err
	}
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	if err := s.staffed(ctx, "set the posting profile of the connection "+id); err != nil {
		return err
	}
	got, err := s.desk().SetProfile(ctx, &row, profile, store.Revision{Document: document, Who: s.who, Reason: reason})
	if err != nil {
		return err
	}
	return s.show(profileSet{id, got.Version, profile.Hash(), got.Posting, got.Told}, func(w io.Writer) error {
		words := fmt.Sprintf("The connection %s uses version %d of its profile (%s).", id, got.Version, profile.Name)
		if got.Version == row.ProfileVersion {
			words = fmt.Sprintf("This is version %d, which the connection %s uses already.", got.Version, id)
		}
		if got.Changed != "" {
			words += fmt.Sprintf(" Its posting mode is now %s.", got.Changed)
		}
		if got.Told > 0 {
			words += fmt.Sprintf(" %s looked at again.", counted(got.Told, "waiting payout"))
		}
		if n := profile.Posting.ReviewAfterChange; n > 0 && got.Posting == string(voucher.Auto) && got.Version != row.ProfileVersion {
			words += fmt.Sprintf(" Payouts await approval until %s with it is verified.", counted(n, "payout"))
		}
		_, err := fmt.Fprintln(w, words)
		return err
	})
}

// profilePreview answers `profile set --preview`. Amounts are minor units.
type profilePreview struct {
	Connection       string           `json:"connection"`
	PaymentReference string           `json:"payment_reference"`
	Currency         string           `json:"currency"`
	Version          int              `json:"version"` // the one in use, which made Old
	Changes          int              `json:"changes"`
	Old              *voucher.Voucher `json:"old"` // null when the profile cannot book the payout
	New              *voucher.Voucher `json:"new"`
	OldWhy           string           `json:"old_why,omitempty"`
	NewWhy           string           `json:"new_why,omitempty"`
	voucher.Comparison
}

func (s *session) previewProfile(ctx context.Context, id, file, reference string) error {
	profile, _, err := profileFile(file)
	if err != nil {
		return err
	}
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	if reference != operate.Latest {
		if _, err := s.payout(ctx, id, reference); err != nil {
			return err
		}
	}
	r, err := s.desk().Rehearse(ctx, &row, reference, profile)
	if err != nil {
		return err
	}
	out := previewOf(id, r)
	return s.show(&out, func(w io.Writer) error { return writeRehearsal(w, r, s.paint) })
}

func previewOf(id string, r *operate.Rehearsal) profilePreview {
	return profilePreview{
		id, r.Payout.PaymentReference, r.Payout.Currency, r.InUse, r.Changes(), r.Old, r.New, r.OldWhy, r.NewWhy, r.Comparison,
	}
}

// marks say what became of a line.
var marks = map[voucher.Change]string{voucher.Same: "", voucher.Changed: "≠", voucher.Removed: "−", voucher.Added: "+"}

func writeRehearsal(w io.Writer, r *operate.Rehearsal, paint painter) error {
	fmt.Fprintf(w, "Payout %s, %s. Left: version %d, in use. Right: this file.\n\n", r.Payout.PaymentReference, amount(r.Payout.Settlement, r.Payout.Currency), r.InUse)
	for _, side := range []struct{ whose, why string }{{"Version in use", r.OldWhy}, {"This file", r.NewWhy}} {
		if side.why != "" {
			fmt.Fprintf(w, "%s: the payout would be held. %s\n", paint.bad(side.whose), side.why)
		}
	}
	if r.Old == nil || r.New == nil {
		return nil
	}
	for _, h := range r.Head {
		fmt.Fprintf(w, "%s: %q → %q\n", h.Member, h.Old, h.New)
	}
	t := table.New(table.Left(""), table.Left("account"), table.Left("text"), table.Right("debit"), table.Right("credit"), table.Left("vat"),
		table.Left("account"), table.Left("text"), table.Right("debit"), table.Right("credit"), table.Left("vat"))
	for i := range r.Lines {
		p := &r.Lines[i]
		cells := append([]string{marks[p.Change]}, lineCells(p.Old, r.Payout.Currency)...)
		t.Add(append(cells, lineCells(p.New, r.Payout.Currency)...)...)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	words := "Nothing changes for this payout."
	if n := r.Changes(); n > 0 {
		words = counted(n, "change") + ". ≠ changed, − removed, + added."
	}
	_, err := fmt.Fprintf(w, "\n%s Nothing was set.\n", words)
	return err
}

func lineCells(l *voucher.Line, currency string) []string {
	if l == nil {
		return make([]string, 5)
	}
	cells := []string{l.Account, l.Text, "", "", l.VATCode}
	if l.Debit != 0 {
		cells[2] = money(l.Debit, currency)
	}
	if l.Credit != 0 {
		cells[3] = money(l.Credit, currency)
	}
	return cells
}

func (a *app) profileHistoryCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "history ID",
		Short:   "List the versions of a posting profile, with who made them and why",
		Example: `  starter profile history k3x9-m2qp`,
		Args:    exactly("the id of a connection"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			row, err := s.connection(ctx, args[0])
			if err != nil {
				return err
			}
			rows, err := s.store.Profiles(ctx, row.ID)
			if err != nil {
				return err
			}
			all := make([]profileDocument, len(rows))
			for i := range rows {
				p := &rows[i]
				all[i] = profileDocument{Connection: row.ID, Version: p.Version, Hash: p.Hash, CreatedBy: p.CreatedBy, CreatedAt: p.CreatedAt, Reason: p.Reason}
			}
			return s.show(all, func(w io.Writer) error {
				t := table.New(table.Right("version"), table.Left("when"), table.Left("who"), table.Left("why"))
				for i := range all {
					t.Add(strconv.Itoa(all[i].Version), moment(all[i].CreatedAt), all[i].CreatedBy, operate.Printable(all[i].Reason))
				}
				return t.Write(w)
			})
		}),
	}
}

// profileDiff answers `profile diff`.
type profileDiff struct {
	Connection string             `json:"connection"`
	From       int                `json:"from"`
	To         int                `json:"to"`
	Lines      []voucher.TextLine `json:"lines"` // of the whole document
}

func (a *app) profileDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "diff ID V1 V2",
		Short:   "Show what differs between two versions of a posting profile",
		Example: `  starter profile diff k3x9-m2qp 1 2`,
		Args:    exactly("the id of a connection", "a version", "another version"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			row, err := s.connection(ctx, args[0])
			if err != nil {
				return err
			}
			out := profileDiff{Connection: row.ID}
			var documents [2]string
			for i, into := range []*int{&out.From, &out.To} {
				if *into, err = strconv.Atoi(args[i+1]); err != nil || *into < 1 {
					return usagef("%q is not a version; versions count from 1", args[i+1])
				}
				p, err := s.profileVersion(ctx, &row, *into)
				if err != nil {
					return err
				}
				documents[i] = string(p.Document)
			}
			out.Lines = voucher.CompareText(documents[0], documents[1])
			return s.show(&out, func(w io.Writer) error { return writeDiff(w, out.Lines, s.paint) })
		}),
	}
}

// around is the number of lines that are shown before and after a change.
const around = 2

func writeDiff(w io.Writer, lines []voucher.TextLine, paint painter) error {
	places := voucher.Near(lines, around)
	if len(places) == 0 {
		_, err := fmt.Fprintln(w, "The two versions are the same.")
		return err
	}
	for i, place := range places {
		if i > 0 {
			fmt.Fprintln(w, "  …")
		}
		for _, l := range place {
			text := "  " + l.Text
			switch l.Change { //nolint:exhaustive // a line of a document is not changed: it is removed and added
			case voucher.Removed:
				text = paint.bad("- " + l.Text)
			case voucher.Added:
				text = paint.good("+ " + l.Text)
			}
			if _, err := fmt.Fprintln(w, text); err != nil {
				return err
			}
		}
	}
	return nil
}
