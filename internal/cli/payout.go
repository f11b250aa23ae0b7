package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/activities"
	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// payoutStates are the states of a payout, in the order of its life.
var payoutStates = []string{
	workflows.StateDiscovered, workflows.StateProven, workflows.StateCompiled, workflows.StateAwaitingApproval,
	workflows.StatePosting, workflows.StatePosted, workflows.StateReleased, workflows.StateVerified,
	workflows.StateHeld, workflows.StateRejected, workflows.StateReversed,
}

func (a *app) payoutCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "payout",
		Short: "List, inspect and decide payouts",
	})
	c.AddCommand(a.payoutListCommand(), a.payoutShowCommand(), a.payoutPreviewCommand(), a.approveCommand(), a.rejectCommand(), a.retryCommand(),
		a.reverseCommand(), a.repostCommand(), a.reopenCommand())
	c.AddCommand(a.decisionCommands()...)
	return c
}

// listedPayout is a payout in a list for programs. Amounts are minor units.
type listedPayout struct {
	ReportedPayout
	PayoutDate time.Time `json:"payout_date,omitzero"` // UTC, when Klarna initiated it; absent when it cannot be read
	Rows       int64     `json:"rows"`

	// Reversal is there while a reversal of it is held.
	Reversal *operate.Reversal `json:"reversal,omitempty"`
	// BookedElsewhere is the batch of somebody else that books it, as a person
	// decided; then it is rejected here, and not missing from the books.
	BookedElsewhere string `json:"booked_elsewhere,omitempty"`
}

// payoutFilter is which payouts are listed.
type payoutFilter struct {
	state, from, to string
	limit           int
}

func (a *app) payoutListCommand() *cobra.Command {
	var in payoutFilter
	c := &cobra.Command{
		Use:   "list ID",
		Short: "List the payouts of a connection",
		Example: `  starter payout list k3x9-m2qp --state held
  starter payout list k3x9-m2qp --from 2026-01-01 --to 2026-01-31 --output json`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := in.check(); err != nil {
				return err
			}
			return a.local(func(ctx context.Context, s *session, args []string) error { return s.listPayouts(ctx, args[0], &in) })(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&in.state, "state", "", "only those in this `STATE`: "+strings.Join(payoutStates, ", "))
	f.StringVar(&in.from, "from", "", "only from this `DATE` on, in the company's zone")
	f.StringVar(&in.to, "to", "", "only until this `DATE`, which is included")
	f.IntVar(&in.limit, "limit", 0, "at most `N` (default all)")
	return c
}

func (in *payoutFilter) check() error {
	if in.state != "" && !slices.Contains(payoutStates, in.state) {
		return usagef("--state is %q; it is one of %s", in.state, strings.Join(payoutStates, ", "))
	}
	if in.limit < 0 {
		return usagef("--limit is %d; it is a number of payouts", in.limit)
	}
	for flag, text := range map[string]string{"--from": in.from, "--to": in.to} {
		if text == "" {
			continue
		}
		if _, err := parseDay(flag, text); err != nil {
			return err
		}
	}
	if in.from != "" && in.to != "" && in.to < in.from {
		return usagef("--to %s is before --from %s; swap them", in.to, in.from)
	}
	return nil
}

// filter returns what is asked of the database.
func (in *payoutFilter) filter(connection string, zone *time.Location) (store.PayoutFilter, error) {
	f := store.PayoutFilter{Connection: connection, State: in.state, Limit: in.limit}
	for _, end := range []struct {
		day  string
		into func(workflows.Window)
	}{
		{in.from, func(w workflows.Window) { f.From = w.From }},
		{in.to, func(w workflows.Window) { f.To = w.To }},
	} {
		if end.day == "" {
			continue
		}
		span, err := activities.Days(end.day, end.day, zone)
		if err != nil {
			return f, err
		}
		end.into(span)
	}
	return f, nil
}

func (s *session) listPayouts(ctx context.Context, id string, in *payoutFilter) error {
	if _, err := s.connection(ctx, id); err != nil {
		return err
	}
	zone, err := s.zone(ctx, id)
	if err != nil {
		return err
	}
	filter, err := in.filter(id, zone)
	if err != nil {
		return err
	}
	rows, err := s.store.Payouts(ctx, filter)
	if err != nil {
		return err
	}
	reversals, err := s.desk().HeldReversals(ctx, id)
	if err != nil {
		return err
	}
	elsewhere, err := s.store.BookedElsewhere(ctx, id)
	if err != nil {
		return err
	}
	all := make([]listedPayout, len(rows))
	for i := range rows {
		all[i] = listedPayout{reported(&rows[i]), rows[i].Date, rows[i].Rows, reversals[rows[i].PaymentReference], ""}
		if rows[i].State == workflows.StateRejected {
			all[i].BookedElsewhere = elsewhere[rows[i].PaymentReference].BatchNumber
		}
	}
	return s.show(all, func(w io.Writer) error { return writePayouts(w, all, zone, s.paint) })
}

func writePayouts(w io.Writer, all []listedPayout, zone *time.Location, paint painter) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "No payouts.")
		return err
	}
	t := table.New(table.Left("reference"), table.Left("date"), table.Left("state"), table.Left("batch"),
		table.Right("rows"), table.Right("settlement"))
	t.Paint = paintStates(paint)
	totals, counts := map[string]int64{}, map[string]int{}
	for i := range all {
		p := &all[i]
		t.Add(p.PaymentReference, day(p.PayoutDate, zone), p.stateCell(), cmp.Or(p.BatchNumber, p.BookedElsewhere),
			strconv.FormatInt(p.Rows, 10), amount(p.Settlement, p.Currency))
		totals[p.Currency] += p.Settlement
		counts[p.Currency]++
	}
	t.Blank()
	for _, c := range slices.Sorted(maps.Keys(totals)) {
		t.Add("total", "", counted(counts[c], "payout"), "", "", amount(totals[c], c))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		if p.Reversal == nil {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n  → %s\n", table.Fold(p.PaymentReference+": its reversal is held: "+p.Reversal.Detail, width(w), 0), table.Fold(p.Reversal.Remedy, width(w), 4)); err != nil {
			return err
		}
	}
	return nil
}

// stateCell is the state, and that a reversal is held.
func (p *listedPayout) stateCell() string {
	cell := stateCell(p.State, p.HeldReason)
	if p.Reversal != nil {
		cell += ", reversal " + heldFor + p.Reversal.HeldReason
	}
	if p.BookedElsewhere != "" {
		cell += ", booked elsewhere"
	}
	return cell
}
