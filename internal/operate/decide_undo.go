package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// UndoDecision takes a decision about a payout back, and lets the payout look
// again without it. What the books rest on by now can only be reversed.
func (d *Desk) UndoDecision(ctx context.Context, row *store.Payout, number string, by workflows.Person, patience time.Duration) (Decided, error) {
	all, err := d.DecisionsOn(ctx, row)
	if err != nil {
		return Decided{}, err
	}
	find := func(old *store.Decision) (*target, error) { return d.target(ctx, row, old.BatchNumber, old.Kind) }
	return d.undo(ctx, verbs[store.DecidedUndo]+" the payout "+row.PaymentReference, row, all, number, by, find, patience)
}

// undo takes one of the decisions about a payout, or about an accrual in the place
// of one, back; find finds what then looks again.
func (d *Desk) undo(ctx context.Context, attempted string, row *store.Payout, all []store.Decision, number string, by workflows.Person,
	find func(*store.Decision) (*target, error), patience time.Duration,
) (Decided, error) {
	if strings.TrimSpace(by.Reason) == "" {
		return Decided{}, &Error{Attempted: attempted, Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
	}
	i := slices.IndexFunc(all, func(o store.Decision) bool { return NumberOf(&o) == number && o.InForce() })
	if i < 0 {
		return Decided{}, &Error{Attempted: attempted, Happened: fmt.Sprintf("there is no decision %q in force", number), Helps: "`starter payout show` lists them."}
	}
	old := &all[i]
	if why, err := d.whyNotUndone(ctx, row, old); err != nil || why != "" {
		if why != "" {
			err = &Error{Attempted: attempted, Happened: why, Helps: "`starter payout reverse` takes back what is posted."}
		}
		return Decided{}, err
	}
	made, err := d.Store.Decide(ctx, store.Decision{
		ConnectionID: row.ConnectionID, Work: old.Work, Name: old.Name, Kind: store.DecidedUndo, Revision: old.Revision, Code: old.Code,
		Reason: strings.TrimSpace(by.Reason), Who: by.Who, Undoes: old.Seq,
	})
	if err != nil {
		return Decided{}, err
	}
	out := Decided{Decision: made, State: row.State}
	switch {
	case row.State == workflows.StateRejected && old.Kind == store.DecidedElsewhere:
		err = d.reopen(ctx, row, by.Who, &out)
		return out, err
	case row.State != workflows.StateHeld:
		return out, nil // what awaits approval is proven anew before it is posted
	}
	at, err := find(old)
	if err != nil {
		return out, err
	}
	err = d.act(ctx, at, by.Who, &out, patience)
	return out, err
}

// NumberOf names a decision of a payout: those about its reversal and about its
// parts in earlier periods count by themselves.
func NumberOf(d *store.Decision) string {
	prefix := map[string]string{store.WorkReversal: "r", store.WorkAccrual: "p"}[d.Work]
	return prefix + strconv.Itoa(d.Seq)
}

// whyNotUndone says why a decision cannot be taken back; "" when it can.
func (d *Desk) whyNotUndone(ctx context.Context, row *store.Payout, old *store.Decision) (string, error) {
	if old.Kind == store.DecidedElsewhere {
		return "", nil // nothing was posted because of it
	}
	if old.Kind == store.DecidedKeep {
		if row.State == workflows.StateHeld {
			return "", nil
		}
		return "what was posted stays because of it, and the payout is " + row.State, nil
	}
	sent, err := d.postingOf(ctx, row, old)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case old.Kind == store.DecidedBatch && !readBack(sent.State):
		return "", nil
	case old.Kind != store.DecidedBatch && !posting.Bound(sent.State):
		return "", nil
	}
	return fmt.Sprintf("what is posted rests on it (batch %s)", sent.BatchNumber), nil
}

// postingOf is the posting that a decision is about.
func (d *Desk) postingOf(ctx context.Context, row *store.Payout, old *store.Decision) (store.Booking, error) {
	if old.Work != store.WorkAccrual {
		return d.Store.BookingOf(ctx, row.ConnectionID, row.PaymentReference, old.Revision)
	}
	all, err := d.Store.Bookings(ctx, row.ConnectionID, "", store.Accruals...)
	if i := slices.IndexFunc(all, func(p store.Booking) bool { return p.Name == old.Name }); i >= 0 {
		return all[i], err
	}
	return store.Booking{}, errors.Join(err, store.ErrNotFound)
}

// reopen lets a payout that was closed because another batch books it begin
// again.
func (d *Desk) reopen(ctx context.Context, row *store.Payout, who string, out *Decided) error {
	day, _ := d.dayOf(ctx, row) // none without a profile: then it is shown in UTC, as the workflow does
	err := d.Store.UpdatePayout(ctx, row.ConnectionID, row.PaymentReference, func(p *store.Payout) error {
		if p.State == workflows.StateRejected {
			p.State = workflows.StateDiscovered
		}
		return nil
	}, &store.AuditEntry{Who: who, Action: "payout.reopened"})
	if err != nil {
		return err
	}
	out.State = workflows.StateDiscovered
	err = d.Temporal.Start(ctx, Start{
		ID: workflows.PayoutWorkflowID(row.ConnectionID, row.PaymentReference), Workflow: workflows.PayoutWorkflowName, Connection: row.ConnectionID,
		Input: workflows.PayoutInput{
			PayoutRef: workflows.PayoutRef{Connection: row.ConnectionID, PaymentReference: row.PaymentReference}, Date: row.Date, Day: day,
		},
		Summary:    fmt.Sprintf("Payout %s of %s, reopened by %s", row.PaymentReference, cmp.Or(day, row.Date.UTC().Format(time.DateOnly)), who),
		Attributes: payoutAttributes(row),
	})
	if errors.Is(err, ErrRunning) {
		return nil // the workflow that closed it has not ended yet; the next sync takes it up
	}
	return err
}
