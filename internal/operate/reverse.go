package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Reverse starts taking the posting of a payout back. What cannot be taken back
// is refused with an *Error; so is a reversal that is going on already.
func (d *Desk) Reverse(ctx context.Context, row *store.Payout, by workflows.Person) (workflowID string, err error) {
	attempted := "reverse the payout " + row.PaymentReference
	refused := ""
	connection, err := d.Store.Connection(ctx, row.ConnectionID)
	if err != nil {
		return "", err
	}
	if needsSecond(ctx, &connection) {
		return "", askSecond(attempted)
	}
	sent, err := d.Store.BookingOf(ctx, row.ConnectionID, row.PaymentReference, row.Revision)
	switch {
	case errors.Is(err, store.ErrNotFound):
		refused = "nothing was posted for it"
	case err != nil:
		return "", err
	default:
		refused = posting.WhyNotReversible(row, &sent, row.Revision+1)
	}
	if refused != "" {
		return "", &Error{Attempted: attempted, Happened: refused}
	}
	in := workflows.ReverseInput{
		PayoutRef: workflows.PayoutRef{Connection: row.ConnectionID, PaymentReference: row.PaymentReference},
		Revision:  row.Revision + 1, Who: by.Who, Reason: by.Reason,
	}
	id := workflows.ReverseWorkflowID(row.ConnectionID, row.PaymentReference, in.Revision)
	if in, err = instructed(ctx, d, row.ConnectionID, id, workflows.ActionReverse, in); err != nil {
		return id, err
	}
	err = d.Temporal.Start(ctx, Start{
		ID: id, Workflow: workflows.ReversePayoutWorkflowName, Input: in, Connection: row.ConnectionID,
		Summary:    fmt.Sprintf("Reversal of payout %s, asked for by %s", row.PaymentReference, by.Who),
		Attributes: payoutAttributes(row),
	})
	if errors.Is(err, ErrRunning) {
		return id, &Error{
			Attempted: attempted, Happened: "it is being reversed already", Err: err,
			Helps: "`starter payout retry` makes a reversal that is held look again.",
		}
	}
	return id, err
}

// Reversal is a reversal that is held: the payout keeps its state meanwhile.
type Reversal struct {
	State      string    `json:"state"`
	HeldReason string    `json:"held_reason"`
	Detail     string    `json:"detail,omitempty"`
	Remedy     string    `json:"remedy,omitempty"`
	Since      time.Time `json:"since"`
}

// HeldReversals are the reversals of a connection that are held, by payment
// reference.
func (d *Desk) HeldReversals(ctx context.Context, connection string) (map[string]*Reversal, error) {
	stops, err := d.Store.Stops(ctx, connection, workflows.WorkReversal)
	if err != nil {
		return nil, err
	}
	all := map[string]*Reversal{}
	for i := range stops {
		why := HeldIn(stops[i].Held)
		all[stops[i].Name] = &Reversal{workflows.StateHeld, stops[i].Reason, why.Detail, why.Remedy, stops[i].Since}
	}
	return all, nil
}

// RetryReversal lets a reversal that is held look again. ErrStillGoing means
// that it continues by itself.
func (d *Desk) RetryReversal(ctx context.Context, row *store.Payout, who string, patience time.Duration) error {
	return d.tellReversal(ctx, row, "retry", workflows.RetryPayout, workflows.Person{Who: who}, patience)
}

// WithdrawReversal ends a reversal that is held, before its batch is sent.
func (d *Desk) WithdrawReversal(ctx context.Context, row *store.Payout, by workflows.Person, patience time.Duration) error {
	if strings.TrimSpace(by.Reason) == "" {
		return &Error{
			Attempted: "withdraw the reversal of the payout " + row.PaymentReference, Happened: "no reason was given",
			Helps: "Write why; it goes into the audit trail.",
		}
	}
	return d.tellReversal(ctx, row, "withdraw", workflows.RejectPayout, by, patience)
}

func (d *Desk) tellReversal(ctx context.Context, row *store.Payout, verb string, u workflows.Update[workflows.Person, workflows.Accepted],
	by workflows.Person, patience time.Duration,
) error {
	id := workflows.ReverseWorkflowID(row.ConnectionID, row.PaymentReference, row.Revision+1)
	_, err := Give(ctx, d, row.ConnectionID, u, id, by, patience)
	if errors.Is(err, ErrStillGoing) {
		return err
	}
	return Unanswered(verb+" the reversal of the payout "+row.PaymentReference, err, &Error{
		Happened: "none runs", Helps: "Ask for it again; what it may have sent is found and not sent twice.",
	})
}

// Repost starts posting a reversed payout anew, as its next revision.
func (d *Desk) Repost(ctx context.Context, row *store.Payout, by workflows.Person) (workflowID string, err error) {
	return d.takeUp(ctx, row, by, &takingUp{
		verb: "repost", action: workflows.RepostPayout.Name, from: workflows.StateReversed, as: "posted anew",
		only: "only a payout that was reversed can be posted anew", helps: "`starter payout reverse` takes back what is posted.",
		busy: "its workflow has not noticed yet that it was reversed",
		into: func(in *workflows.PayoutInput, by *workflows.Person) { in.Repost = by },
	})
}

// Reopen takes a rejected payout up again: it is fetched, proven and compiled
// anew, and stops for approval as any other. Nothing is posted by it alone.
func (d *Desk) Reopen(ctx context.Context, row *store.Payout, by workflows.Person) (workflowID string, err error) {
	return d.takeUp(ctx, row, by, &takingUp{
		verb: "reopen", action: workflows.ActionReopen, from: workflows.StateRejected, as: "reopened",
		only: "only a payout that was rejected can be reopened", helps: "`starter payout show` says what it waits for.",
		busy: "its workflow has not ended yet",
		into: func(in *workflows.PayoutInput, by *workflows.Person) { in.Reopen = by },
	})
}

// takingUp is a decision that starts the workflow of a payout that had ended.
type takingUp struct {
	verb, action, from, as string
	only, helps, busy      string
	into                   func(*workflows.PayoutInput, *workflows.Person)
}

func (d *Desk) takeUp(ctx context.Context, row *store.Payout, by workflows.Person, what *takingUp) (workflowID string, err error) {
	attempted := what.verb + " the payout " + row.PaymentReference
	if row.State != what.from {
		return "", &Error{Attempted: attempted, Happened: "it is " + row.State + ", and " + what.only, Helps: what.helps}
	}
	id := workflows.PayoutWorkflowID(row.ConnectionID, row.PaymentReference)
	if by, err = instructed(ctx, d, row.ConnectionID, id, what.action, by); err != nil {
		return id, err
	}
	day, err := d.dayOf(ctx, row)
	if err != nil {
		return "", err
	}
	in := workflows.PayoutInput{
		PayoutRef: workflows.PayoutRef{Connection: row.ConnectionID, PaymentReference: row.PaymentReference}, Date: row.Date, Day: day,
	}
	what.into(&in, &by)
	err = d.Temporal.Start(ctx, Start{
		ID: id, Workflow: workflows.PayoutWorkflowName, Connection: row.ConnectionID, Input: in,
		Summary:    fmt.Sprintf("Payout %s of %s, %s for %s", row.PaymentReference, day, what.as, by.Who),
		Attributes: payoutAttributes(row),
	})
	if errors.Is(err, ErrRunning) {
		err = &Error{Attempted: attempted, Happened: what.busy, Err: err, Helps: "Try again in a moment."}
	}
	return id, err
}

func payoutAttributes(row *store.Payout) []temporal.SearchAttributeUpdate {
	return []temporal.SearchAttributeUpdate{
		workflows.AttrPaymentReference.ValueSet(row.PaymentReference),
		workflows.AttrCurrency.ValueSet(row.Currency),
		workflows.AttrPayoutDate.ValueSet(row.Date),
	}
}

// dayOf is the day of a payout in the company's zone.
func (d *Desk) dayOf(ctx context.Context, row *store.Payout) (string, error) {
	profile, _, err := d.Doors.Profile(ctx, row.ConnectionID, 0)
	if err != nil {
		return "", err
	}
	return voucher.DateOf(row.Date, profile.Location()).String(), nil
}
