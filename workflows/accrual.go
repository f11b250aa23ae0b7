package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// AccrualWorkflow posts an accrual by the same exactly-once protocol as a
// payout, releases it and reads it back; Visma.net takes it back in the next
// period. What cannot be posted is refused, and may be asked for again. Once
// something may have been sent it stays open until the batch is final.
func AccrualWorkflow(ctx workflow.Context, in AccrualInput) (AccrualResult, error) {
	a := &accruing{in: in}
	a.booking = booking{connection: in.Connection, what: "the accrual of " + in.Currency + " at " + in.At, head: a.head}
	a.enter(ctx, StateProven)
	if err := a.listen(ctx); err != nil {
		return AccrualResult{}, err
	}
	return a.run(ctx)
}

type accruing struct {
	booking
	in       AccrualInput
	prepared PreparedAccrual
	refused  string // why it was not posted
}

func (a *accruing) run(ctx workflow.Context) (AccrualResult, error) {
	if err := a.prepare(ctx); err != nil {
		return a.status().AccrualResult, err
	}
	if err := a.booking.run(ctx, a.advance, a.waitAs(WorkAccrual, a.in.Name())); err != nil {
		return a.status().AccrualResult, err
	}
	words := a.refused
	if words == "" {
		words = fmt.Sprintf("Done: batch %s, which Visma.net takes back in the next period.", a.posted.BatchNumber)
	}
	return a.status().AccrualResult, a.finish(ctx, words, AttrHeldReason.ValueUnset())
}

func (a *accruing) status() AccrualStatus {
	return AccrualStatus{
		AccrualResult: AccrualResult{State: a.state, Refused: a.refused, BatchNumber: a.posted.BatchNumber, Adopted: a.posted.Adopted},
		Held:          a.held, Since: a.since, Told: a.told, Done: a.done,
	}
}

// prepare compiles the voucher. What stops it ends the accrual: nothing was
// sent, and the person who asked can ask again.
func (a *accruing) prepare(ctx workflow.Context) error {
	a.show(ctx, "Summing what is captured and not paid out, and checking the voucher against the Visma.net company.")
	got, err := PrepareAccrual.Run(ctx, a.in.Connection, a.in)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		stop := stopFor(err)
		a.refuse(ctx, stop.Detail+" "+stop.Remedy)
	case got.Refused != "":
		a.refuse(ctx, got.Refused)
	}
	a.prepared = got
	return nil
}

// advance takes the steps that are still to be taken.
func (a *accruing) advance(ctx workflow.Context) (*Held, error) {
	return a.take(ctx, a.post, a.complete)
}

func (a *accruing) post(ctx workflow.Context) (*Held, error) {
	return a.booking.post(ctx, "Posting the accrual to Visma.net.", func() (Posted, error) {
		return PostAccrual.Run(ctx, a.in.Connection, AccrualStep{a.in, a.prepared, a.again})
	}, func(stop *Held) (*Held, error) {
		if !RefusesAccrual(stop) {
			return stop, nil
		}
		a.refuse(ctx, stop.Detail+" "+stop.Remedy)
		return nil, nil
	})
}

// RefusesAccrual tells the stops that end an accrual: nothing is in the books, or
// nothing of ours.
func RefusesAccrual(stop *Held) bool {
	return stop != nil && (stop.Code == held.Rejected || stop.Code == held.BookedElsewhere)
}

func (a *accruing) complete(ctx workflow.Context) (*Held, error) {
	a.show(ctx, fmt.Sprintf("Batch %s is in the books. Releasing it and reading it back.", a.posted.BatchNumber))
	got, err := CompleteAccrual.Run(ctx, a.in.Connection, AccrualStep{AccrualInput: a.in, PreparedAccrual: a.prepared})
	if err != nil || got.Held != nil {
		return got.Held, err
	}
	a.end(ctx, got.State)
	return nil, nil
}

func (a *accruing) listen(ctx workflow.Context) error {
	a.hear(ctx)
	return errors.Join(AccrualStatusQuery.Answer(ctx, a.status), a.retries(ctx))
}

func (a *accruing) refuse(ctx workflow.Context, why string) {
	a.refused = why
	a.end(ctx, AccrualRefused)
}

func (a *accruing) head() string {
	return fmt.Sprintf("### Accrual of %s at %s\n\nState **%s**, asked for by %s", plain(a.in.Currency), plain(a.in.At), a.state, plain(a.in.Who))
}
