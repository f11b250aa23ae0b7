package cli

import (
	"context"
	"fmt"
	"io"
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

func (a *app) accrueCommand() *cobra.Command {
	var at string
	var dryRun, listed bool
	var decide accrualChoice
	c := &cobra.Command{
		Use:   "accrue ID",
		Short: "Accrue what is captured and not paid out at the end of a period",
		Long: `Accrue what was captured up to and including the last day of a financial period
and paid out after it, by the posting rules of each kind of row, against the
receivable under ` + "`accrual`" + ` in the posting profile: one auto-reversing batch for
each currency, which Visma.net takes back on the first day of the next period. It is
posted once however often it is asked for; when one is held, asking again makes it look
again. One that is held for its batch takes the batch that you name, exactly as it is in
Visma.net (--accept-batch), until that is taken back (--undo-decision). Kvitt cannot
undo an accrual: see docs/operations.md.`,
		Example: `  starter accrue k3x9-m2qp --at 2026-01-31 --dry-run
  starter accrue k3x9-m2qp --at 2026-01-31
  starter accrue k3x9-m2qp --list
  starter accrue k3x9-m2qp --at 2026-01-31 --currency SEK --accept-batch 000123 --reason "the accountant moved it"`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			if listed {
				return a.local(listAccruals)(c, args)
			}
			if at == "" {
				return usagef("--at is required: the last day of a financial period, such as 2026-01-31")
			}
			day, err := parseDay("--at", at)
			if err != nil {
				return err
			}
			if decide.asked() {
				if err := decide.complete(); err != nil {
					return err
				}
				return a.remote(func(ctx context.Context, s *session, args []string) error {
					return s.decideAccrual(ctx, args[0], at, &decide)
				})(c, args)
			}
			run := a.remote
			if dryRun {
				run = a.local
			}
			return run(func(ctx context.Context, s *session, args []string) error {
				return s.accrue(ctx, args[0], voucher.DateOf(day, time.UTC), dryRun)
			})(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&at, "at", "", "the last day of the period, a `DATE` such as 2026-01-31")
	f.BoolVar(&dryRun, "dry-run", false, "show the vouchers and post nothing")
	f.BoolVar(&listed, "list", false, "list the accruals that were asked for")
	f.StringVar(&decide.batch, "accept-batch", "", "take this `BATCH` as that of the accrual that is held")
	f.StringVar(&decide.undo, "undo-decision", "", "take the decision of this `NUMBER` back")
	f.StringVar(&decide.currency, "currency", "", "the `CURRENCY` of the accrual that is decided about")
	f.StringVar(&decide.reason, "reason", "", "the `REASON` of the decision, for the audit trail")
	return c
}

func (s *session) accrue(ctx context.Context, id string, at voucher.Date, dryRun bool) error {
	attempted := "accrue what is not paid out at " + at.String()
	made, err := s.reports(ctx, id)
	if err != nil {
		return err
	}
	profile, _, err := s.doors.Profile(ctx, id, 0)
	if err != nil {
		return err
	}
	n, err := made.Unsettled(ctx, at)
	if err != nil {
		return err
	}
	sums := n.ByCurrency()
	if len(sums) == 0 {
		return &operate.Error{
			Attempted: attempted, Happened: "nothing was captured up to that day in payouts that came after it, as far as is known by now",
			Helps: "`starter report unsettled " + id + " --at " + at.String() + "` shows what was read; wait for the payouts that follow, or run `starter sync`.",
		}
	}
	if !dryRun {
		if err := s.staffed(ctx, attempted); err != nil {
			return err
		}
	}
	all := operate.WouldAccrue(made, profile, n)
	for i := range all {
		if dryRun {
			break
		}
		if err := s.postAccrual(ctx, id, &all[i]); err != nil {
			return err
		}
	}
	if err := s.show(all, func(w io.Writer) error { return writeAccrued(w, all) }); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(all, func(a operate.Booking) bool { return a.State == workflows.AccrualRefused }):
		return errTold
	case slices.ContainsFunc(all, func(a operate.Booking) bool { return a.State == workflows.StateHeld }):
		return errHeld
	}
	return nil
}

// postAccrual has one posted, whatever it would be by now, and tells what became
// of it.
func (s *session) postAccrual(ctx context.Context, id string, one *operate.Booking) error {
	last, err := s.desk().Accrue(ctx, workflows.AccrualInput{Connection: id, At: one.At, Currency: one.Currency, Who: s.who}, s.pace(), operate.DecisionWithin)
	if err != nil {
		return operate.Unanswered("accrue "+one.Currency+" at "+one.At, err, nil)
	}
	*one = operate.Booking{At: one.At, Currency: one.Currency, State: last.State, Words: last.Refused, BatchNumber: last.BatchNumber}
	if last.Held != nil {
		one.HeldReason, one.Words = string(last.Held.Code), last.Held.Detail+" "+last.Held.Remedy
	}
	return nil
}

func writeAccrued(w io.Writer, all []operate.Booking) error {
	for i := range all {
		a := &all[i]
		words := ""
		switch {
		case a.State == workflows.AccrualRefused:
			words = fmt.Sprintf("%s at %s: refused: %s.", a.Currency, a.At, strings.TrimSuffix(operate.Printable(a.Words), "."))
		case a.State == workflows.StateHeld:
			words = fmt.Sprintf("%s at %s: held: %s: %s", a.Currency, a.At, a.HeldReason, operate.Printable(a.Words))
		case a.Voucher != nil:
			words = fmt.Sprintf("%s at %s: would be posted and taken back in the next period:", a.Currency, a.At)
		case a.State == workflows.StatePosted:
			words = fmt.Sprintf("%s at %s: batch %s stands on hold in Visma.net; once released it takes itself back in the next period.", a.Currency, a.At, a.BatchNumber)
		default:
			words = fmt.Sprintf("%s at %s: %s as batch %s, which Visma.net takes back in the next period.", a.Currency, a.At, a.State, a.BatchNumber)
		}
		if _, err := fmt.Fprintln(w, table.Fold(words, width(w), 2)); err != nil {
			return err
		}
		if a.Voucher == nil {
			continue
		}
		t := table.New(table.Left("account"), table.Left("text"), table.Right("debit"), table.Right("credit"))
		for j := range a.Voucher.Lines {
			l := &a.Voucher.Lines[j]
			t.Add(l.Account, operate.Printable(l.Text), side(l.Debit, a.Currency), side(l.Credit, a.Currency))
		}
		if err := t.Write(w); err != nil {
			return err
		}
	}
	return nil
}

// listAccruals lists what was asked for.
func listAccruals(ctx context.Context, s *session, args []string) error {
	if _, err := s.connection(ctx, args[0]); err != nil {
		return err
	}
	all, err := s.desk().Bookings(ctx, args[0], store.Accruals...)
	if err != nil {
		return err
	}
	return s.show(all, func(w io.Writer) error { return writeAccruals(w, all) })
}

func writeAccruals(w io.Writer, all []operate.Booking) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "No accrual was asked for yet.")
		return err
	}
	t := table.New(table.Left("at"), table.Left("currency"), table.Left("state"), table.Left("batch"), table.Optional("name"), table.Optional("in Visma.net"))
	var words []string
	for i := range all {
		a := &all[i]
		name, books := "", ""
		if a.Kind != store.KindAccrual {
			name = a.Name
		}
		if a.Books != nil {
			books = a.Books.Word
			if a.Books.TakenBackBy != "" {
				books += ", taken back by " + a.Books.TakenBackBy
			}
			for _, d := range a.Books.Differences {
				words = append(words, a.Name+": "+operate.Printable(d)+".")
			}
			if a.Books.Helps != "" {
				words = append(words, "→ "+a.Books.Helps)
			}
		}
		if a.HeldReason != "" {
			words = append(words, a.Name+": "+operate.Printable(a.Words))
		}
		if a.TakesBatch() {
			words = append(words, "→ `starter accrue ID --at "+a.At+" --currency "+a.Currency+" --accept-batch BATCH --reason REASON` takes a batch as its own, as it is.")
		}
		for _, d := range a.Decisions {
			if d.InForce {
				words = append(words, fmt.Sprintf("%s: decision %s: batch %s is its own, as %s says: %s", a.Name, d.Number, d.BatchNumber, d.Who, d.Reason))
			}
		}
		t.Add(a.At, a.Currency, stateCell(a.State, a.HeldReason), a.BatchNumber, name, books)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, line := range append(words, operate.AccrualUndone) {
		if _, err := fmt.Fprintln(w, table.Fold(line, width(w), 0)); err != nil {
			return err
		}
	}
	return nil
}
