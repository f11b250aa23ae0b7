package operate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvitt/internal/decision"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// Choice is a decision that a person takes about a payout. Kind is one of the
// Decided… of the store.
type Choice struct {
	Kind        string
	Component   string // of an accepted difference
	Difference  int64  // minor units, or a number of rows
	Account     string // where an accepted difference is booked
	Booked      bool   // the books have the accepted difference already
	Batch       string
	Anyway      bool // the batch does not fit, and the person states it all the same
	Reason, Who string
}

// Decided holds what became of a choice. It is recorded; then either somebody else
// has to decide the same, or the payout has acted on it.
type Decided struct {
	Decision    store.Decision
	Differences []string // what did not fit, and was stated all the same
	Second      bool     // somebody else has to decide the same before it acts
	Asleep      bool     // nothing runs for the payout; the next sync acts on it
	Going       bool     // it acts on it, and takes its time
	State       string   // the payout's, when it has acted
}

// target holds what a decision is about: a payout's posting, its reversal, or a part
// of it in an earlier period.
type target struct {
	row      *store.Payout
	work     string
	name     string
	revision int
	code     held.Code
	sent     *store.Booking // nil when nothing was meant to be posted yet
	workflow string
}

// TakeDecision records a decision about a payout that is held and lets the payout act
// on it. A choice that does not fit what is known is refused with an *Error, and
// nothing is recorded.
func (d *Desk) TakeDecision(ctx context.Context, row *store.Payout, c Choice, patience time.Duration) (Decided, error) {
	attempted := verbs[c.Kind] + " the payout " + row.PaymentReference
	if strings.TrimSpace(c.Reason) == "" {
		return Decided{}, &Error{Attempted: attempted, Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
	}
	at, err := d.target(ctx, row, c.Batch, c.Kind)
	if err != nil {
		return Decided{}, err
	}
	made := store.Decision{
		ConnectionID: row.ConnectionID, Work: at.work, Name: at.name, Kind: c.Kind, Revision: at.revision, Code: string(at.code),
		BatchNumber: strings.TrimSpace(c.Batch), Reason: strings.TrimSpace(c.Reason), Who: c.Who,
	}
	check := map[string]func(context.Context, *target, *Choice, *store.Decision) (decision.Evidence, error){
		store.DecidedAccept: d.mayAccept, store.DecidedElsewhere: d.mayBeElsewhere, store.DecidedUnrelated: d.mayBeUnrelated,
		store.DecidedBatch: d.mayTakeBatch, store.DecidedKeep: d.mayKeep,
	}[c.Kind]
	if check == nil {
		return Decided{}, &Error{Attempted: attempted, Happened: fmt.Sprintf("%q is no decision", c.Kind)}
	}
	evidence, err := check(ctx, at, &c, &made)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	return d.record(ctx, attempted, at, made, evidence, patience)
}

// record keeps a decision that was found to fit, and lets it act.
func (d *Desk) record(ctx context.Context, attempted string, at *target, made store.Decision, evidence decision.Evidence, patience time.Duration) (Decided, error) {
	evidence.VouchedBy = partyOf(ctx).vouchedBy
	var err error
	if made.Evidence, err = json.Marshal(evidence); err != nil {
		return Decided{}, fmt.Errorf("record what was compared of the payout %s: %w", made.Name, err)
	}
	if err := d.news(ctx, &made); err != nil {
		return Decided{}, because(attempted, err)
	}
	if made, err = d.Store.Decide(ctx, made); err != nil {
		return Decided{}, err
	}
	out := Decided{Decision: made, Differences: evidence.Differences}
	counts, err := d.counts(ctx, &made)
	if err != nil || !counts {
		out.Second = err == nil
		return out, err
	}
	err = d.act(ctx, at, made.Who, &out, patience)
	return out, err
}

func codeOf(reason string) held.Code { return held.Code(reason) }

// verbs are what a person does with a payout, for sentences.
var verbs = map[string]string{
	store.DecidedAccept: "accept the difference of", store.DecidedElsewhere: "name the batch that books", store.DecidedUnrelated: "name a batch that does not book",
	store.DecidedBatch: "take a batch as that of", store.DecidedKeep: "keep what was posted of", store.DecidedUndo: "take back a decision about",
}

// because is a refusal with what was attempted.
func because(attempted string, err error) error {
	var refused *Error
	if errors.As(err, &refused) && refused.Attempted == "" {
		told := *refused
		told.Attempted = attempted
		return &told
	}
	return err
}

func refuse(format string, args ...any) error { return &Error{Happened: fmt.Sprintf(format, args...)} }

// target finds what a decision is about. A batch may be that of a part in an
// earlier period.
func (d *Desk) target(ctx context.Context, row *store.Payout, batch, kind string) (*target, error) {
	at := &target{
		row: row, work: store.WorkPayout, name: row.PaymentReference, revision: row.Revision, code: codeOf(row.HeldReason),
		workflow: workflows.PayoutWorkflowID(row.ConnectionID, row.PaymentReference),
	}
	reversals, err := d.HeldReversals(ctx, row.ConnectionID)
	if err != nil {
		return nil, err
	}
	if back := reversals[row.PaymentReference]; back != nil {
		at.work, at.revision, at.code = store.WorkReversal, row.Revision+1, codeOf(back.HeldReason)
		at.workflow = workflows.ReverseWorkflowID(row.ConnectionID, row.PaymentReference, row.Revision+1)
	}
	sent, err := d.Store.BookingOf(ctx, row.ConnectionID, row.PaymentReference, at.revision)
	switch {
	case err == nil:
		at.sent = &sent
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	if kind == store.DecidedBatch && at.work == store.WorkPayout && at.sent != nil && readBack(at.sent.State) && at.sent.BatchNumber != batch {
		return at, d.part(ctx, at, batch)
	}
	return at, nil
}

// readBack tells the states of a posting whose batch was compared before.
func readBack(state string) bool {
	return slices.Contains([]string{posting.Checked, posting.Attached, posting.Released, posting.Verified, posting.Draft}, state)
}

// part makes a decision one about the part of the payout that waits in an
// earlier period: the one with that batch, or the only one that has none.
func (d *Desk) part(ctx context.Context, at *target, batch string) error {
	all, err := d.Store.Bookings(ctx, at.row.ConnectionID, at.row.PaymentReference, store.KindPart)
	if err != nil {
		return err
	}
	for i := range all {
		if p := &all[i]; posting.Bound(p.State) && (p.BatchNumber == batch || p.BatchNumber == "") {
			at.work, at.name, at.revision, at.sent = store.Work(p.Kind), p.Name, p.Revision, p
			return nil
		}
	}
	return nil
}

// news refuses a decision that the same person has taken already, or a difference
// that is accepted already.
func (d *Desk) news(ctx context.Context, made *store.Decision) error {
	all, err := d.Store.Decisions(ctx, made.ConnectionID, made.Work, made.Name)
	if err != nil {
		return err
	}
	for i := range all {
		old := &all[i]
		if !old.InForce() || old.Kind != made.Kind || old.Revision != made.Revision || old.BatchNumber != made.BatchNumber ||
			old.Code != made.Code || old.Component != made.Component || old.Difference != made.Difference {
			continue
		}
		if made.Kind == store.DecidedAccept || made.Kind == store.DecidedUnrelated || strings.EqualFold(old.Who, made.Who) && slices.Equal(old.Evidence, made.Evidence) {
			return &Error{
				Happened: fmt.Sprintf("decision %s of %s says so already", NumberOf(old), old.Who),
				Helps:    "`starter payout show` lists the decisions, `starter payout undo-decision` takes one back.",
			}
		}
	}
	return nil
}

func (d *Desk) counts(ctx context.Context, made *store.Decision) (bool, error) {
	all, err := d.Store.Decisions(ctx, made.ConnectionID, made.Work, made.Name)
	if err != nil {
		return false, err
	}
	row, err := d.Store.Connection(ctx, made.ConnectionID)
	if err != nil {
		return false, err
	}
	return decision.Of(all, made.Revision, row.FourEyes).Counts(made), nil
}

// act lets the payout look at what was decided. A voucher that awaits approval is
// rejected, since nothing else ends that wait.
func (d *Desk) act(ctx context.Context, at *target, who string, out *Decided, patience time.Duration) error {
	update, by := workflows.RetryPayout, workflows.Person{Who: who}
	if at.row.State == workflows.StateAwaitingApproval && at.work == store.WorkPayout {
		update, by.Reason = workflows.RejectPayout, "booked elsewhere, in batch "+out.Decision.BatchNumber
	}
	got, err := Give(ctx, d, at.row.ConnectionID, update, at.workflow, by, patience)
	switch {
	case errors.Is(err, ErrStillGoing):
		out.Going = true
	case errors.Is(err, ErrNotRunning):
		out.Asleep = true
	case err != nil:
		return Unanswered(fmt.Sprintf("let the payout %s act on decision %s, which is recorded", at.row.PaymentReference, NumberOf(&out.Decision)), err, nil)
	}
	out.State = cmp.Or(got.State, at.row.State)
	return nil
}

// DecisionsOn lists what was decided about a payout, its reversal and its parts,
// in the order in which it was decided.
func (d *Desk) DecisionsOn(ctx context.Context, row *store.Payout) ([]store.Decision, error) {
	works := [][2]string{{store.WorkPayout, row.PaymentReference}, {store.WorkReversal, row.PaymentReference}}
	parts, err := d.Store.Bookings(ctx, row.ConnectionID, row.PaymentReference, store.KindPart)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		works = append(works, [2]string{store.Work(parts[i].Kind), parts[i].Name})
	}
	var all []store.Decision
	for _, w := range works {
		some, err := d.Store.Decisions(ctx, row.ConnectionID, w[0], w[1])
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b store.Decision) int { return a.At.Compare(b.At) })
	return all, nil
}

// amountOf writes a difference for people.
func amountOf(difference int64, ofRows bool, currency string) string {
	if ofRows {
		return fmt.Sprintf("%d rows", difference)
	}
	return strings.TrimSpace(settlement.Format(difference, settlement.Currency(currency)) + " " + currency)
}
