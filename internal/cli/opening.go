package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// openingFlags are what `opening` was given.
type openingFlags struct {
	at, contra, currency, batch, reason string
	booked, inBooks, withdraw, csv      bool
}

func (a *app) openingCommand() *cobra.Command {
	var in openingFlags
	c := &cobra.Command{
		Use:   "opening ID",
		Short: "Show and confirm what stood open with Klarna at the start",
		Long: `Show what stood open with Klarna at the end of the day before the connection's
start, from Klarna's own documents: captured and not paid out, held back, and the
debt to Klarna. Payouts from before the start are not booked, so these amounts have
to be in the books already, or be entered once.

With --contra the voucher is proposed that enters them against an account of yours,
dated the day before the start; --csv prints it. Kvitt does not post it. When it is
booked, --booked --batch N reads the batch and compares it to the minor unit; with
--in-books you say that the books had the figures before. Either is recorded with
its reason, and --withdraw takes it back. The debt that is recorded is what the
first payout has to continue from.`,
		Example: `  starter opening k3x9-m2qp
  starter opening k3x9-m2qp --contra 1510
  starter opening k3x9-m2qp --booked --batch 000254 --reason "opening, voucher of the accountant"
  starter opening k3x9-m2qp --in-books --reason "in the balance sheet of 2025"`,
		Args: exactly("the id of a connection"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			if err := in.check(); err != nil {
				return err
			}
			return s.opening(ctx, args[0], &in)
		}),
	}
	f := c.Flags()
	f.StringVar(&in.at, "at", "", "the first day that is posted, a `DATE` (default the connection's start)")
	f.StringVar(&in.contra, "contra", "", "propose the voucher against this `ACCOUNT`")
	f.StringVar(&in.currency, "currency", "", "confirm the opening of this `CURRENCY`")
	f.BoolVar(&in.csv, "csv", false, "print the proposed voucher as CSV")
	f.BoolVar(&in.booked, "booked", false, "record that a batch has the opening")
	f.StringVar(&in.batch, "batch", "", "the `NUMBER` of that batch in Visma.net")
	f.BoolVar(&in.inBooks, "in-books", false, "record that the books have the opening already")
	f.BoolVar(&in.withdraw, "withdraw", false, "take back what was recorded")
	f.StringVar(&in.reason, "reason", "", "why, for whoever reads the history: a `REASON`")
	return c
}

// way returns how the opening is confirmed; "": it is shown.
func (in *openingFlags) way() string {
	switch {
	case in.booked:
		return store.OpeningBooked
	case in.inBooks:
		return store.OpeningInBooks
	case in.withdraw:
		return store.OpeningWithdrawn
	}
	return ""
}

func (in *openingFlags) check() error {
	ways := 0
	for _, way := range []bool{in.booked, in.inBooks, in.withdraw} {
		if way {
			ways++
		}
	}
	switch {
	case ways > 1:
		return usagef("--booked, --in-books and --withdraw exclude each other")
	case in.booked != (in.batch != ""):
		return usagef("--booked and --batch belong together: the number of the batch that has the opening")
	case ways == 1 && strings.TrimSpace(in.reason) == "":
		return usagef("--reason is required: why, for whoever reads the history")
	case in.csv && in.contra == "":
		return usagef("--csv needs --contra: the account against which the opening is entered")
	}
	return nil
}

func (s *session) opening(ctx context.Context, id string, in *openingFlags) error {
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	day := in.at
	if day == "" {
		day = row.Start
	}
	if day == "" {
		return usagef("--at is required: the connection has not started, so name the first day that is to be posted")
	}
	start, err := parseDay("--at", day)
	if err != nil {
		return err
	}
	all, err := s.desk().Openings(ctx, &row, voucher.DateOf(start, time.UTC), in.contra)
	if err != nil {
		return err
	}
	if in.way() != "" {
		if all, err = s.confirmOpening(ctx, &row, in, all); err != nil {
			return err
		}
	}
	if in.csv {
		return openingCSV(s.Out, all)
	}
	return s.show(all, func(w io.Writer) error { return writeOpenings(w, all, &row) })
}

func (s *session) confirmOpening(ctx context.Context, row *store.Connection, in *openingFlags, all []operate.Opening) ([]operate.Opening, error) {
	at := slices.IndexFunc(all, func(o operate.Opening) bool { return string(o.Currency) == strings.ToUpper(in.currency) })
	if in.currency == "" && len(all) == 1 {
		at = 0
	}
	if at < 0 {
		var names []string
		for i := range all {
			names = append(names, string(all[i].Currency))
		}
		return nil, usagef("--currency is %q; there are figures in %s", in.currency, strings.Join(names, ", "))
	}
	err := s.desk().ConfirmOpening(ctx, row, &all[at], operate.Confirmation{
		Currency: string(all[at].Currency), Way: in.way(), Batch: in.batch, Who: s.who, Reason: in.reason,
	})
	if err != nil {
		return nil, err
	}
	return s.desk().Openings(ctx, row, all[at].Start, in.contra)
}

func openingCSV(w io.Writer, all []operate.Opening) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"date", "currency", "account", "debit", "credit", "text"}}
	for i := range all {
		o := &all[i]
		for _, l := range o.Lines {
			rows = append(rows, []string{
				o.At.String(), string(o.Currency), l.Account, settlement.Format(l.Debit, o.Currency), settlement.Format(l.Credit, o.Currency), l.Text,
			})
		}
	}
	return errors.Join(c.WriteAll(rows), c.Error())
}

func writeOpenings(w io.Writer, all []operate.Opening, row *store.Connection) error {
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "%s lists no payouts around the start, so nothing is known to have been open.\n", klarna.Provider(row.Provider).Name())
		return err
	}
	for i := range all {
		o := &all[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s at the end of %s:\n\n", o.Currency, o.At)
		t := table.New(table.Left("figure"), table.Left("merchant"), table.Left("account"), table.Right("debit"), table.Right("credit"), table.Left("from"))
		for _, f := range o.Figures {
			t.Add(f.Role, f.Merchant, f.Account, side(max(f.Amount, 0), string(o.Currency)), side(max(-f.Amount, 0), string(o.Currency)), f.From)
		}
		if err := t.Write(w); err != nil {
			return err
		}
		for _, words := range o.Missing {
			fmt.Fprintln(w, table.Fold("Not whole: "+operate.Printable(words)+".", width(w), 2))
		}
		for _, words := range o.Notes {
			fmt.Fprintln(w, table.Fold("Note: "+operate.Printable(words)+".", width(w), 2))
		}
		if len(o.Lines) > 0 {
			fmt.Fprintf(w, "\nThe voucher, dated %s:\n\n", o.At)
			t := table.New(table.Left("account"), table.Left("text"), table.Right("debit"), table.Right("credit"))
			for _, l := range o.Lines {
				t.Add(l.Account, l.Text, side(l.Debit, string(o.Currency)), side(l.Credit, string(o.Currency)))
			}
			if err := t.Write(w); err != nil {
				return err
			}
		}
		if err := writeRecorded(w, o, row.ID); err != nil {
			return err
		}
	}
	return nil
}

func writeRecorded(w io.Writer, o *operate.Opening, id string) error {
	words := fmt.Sprintf("Nobody has confirmed this opening. Enter it (`starter opening %s --contra ACCOUNT` shows the voucher) and confirm the batch with --booked, or say with --in-books that the books have it.", id)
	switch r := o.Recorded; {
	case r != nil && r.Way == store.OpeningBooked:
		words = fmt.Sprintf("Batch %s has this opening, compared for %s at %s: %s.", r.BatchNumber, r.Who, moment(r.At), strings.TrimSuffix(operate.Printable(r.Reason), "."))
	case r != nil:
		words = fmt.Sprintf("The books have this opening, says %s at %s: %s.", r.Who, moment(r.At), strings.TrimSuffix(operate.Printable(r.Reason), "."))
	case o.Empty() && len(o.Missing) == 0:
		words = "Nothing stood open."
	}
	if _, err := fmt.Fprintln(w, "\n"+table.Fold(words, width(w), 0)); err != nil {
		return err
	}
	if o.Recorded != nil {
		for _, c := range o.Recorded.Changed {
			fmt.Fprintln(w, table.Fold("Since then: "+c+".", width(w), 2))
		}
	}
	return nil
}
