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
	a.enter(ctx, StateProven)
	if err := a.listen(ctx); err != nil {
		return AccrualResult{}, err
	}
	return a.run(ctx)
}

type accruing struct {
	in AccrualInput
	AccrualStatus

	prepared PreparedAccrual
	posted   Posted
	again    bool // as in payout
	nudges   int
	stops    stopKeeper
}

func (a *accruing) run(ctx workflow.Context) (AccrualResult, error) {
	if err := a.prepare(ctx); err != nil {
		return a.AccrualResult, err
	}
	for !a.Done {
		seen := a.nudges
		stop, err := a.advance(ctx)
		if err != nil {
			return a.AccrualResult, err
		}
		if stop != nil {
			if err := a.wait(ctx, stop, seen); err != nil {
				return a.AccrualResult, err
			}
		}
	}
	return a.finish(ctx)
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
	for _, step := range []func(workflow.Context) (*Held, error){a.post, a.complete} {
		stop, err := step(ctx)
		switch {
		case temporal.IsCanceledError(err):
			return nil, err
		case err != nil:
			return stopFor(err), nil
		case stop != nil || a.Done:
			return stop, nil
		}
	}
	return nil, nil
}

func (a *accruing) post(ctx workflow.Context) (*Held, error) {
	if a.posted.BatchNumber != "" {
		return nil, nil
	}
	a.enter(ctx, StatePosting)
	a.show(ctx, "Posting the accrual to Visma.net.")
	got, err := PostAccrual.Run(ctx, a.in.Connection, AccrualStep{a.in, a.prepared, a.again})
	switch {
	case err != nil:
		return nil, err
	case got.LookAgain > 0:
		a.posted, a.again = Posted{LookAgain: got.LookAgain}, false
		return lookingFor(got), nil
	case RefusesAccrual(got.Held):
		a.refuse(ctx, got.Held.Detail+" "+got.Held.Remedy)
		return nil, nil
	case got.Held != nil:
		return got.Held, nil
	}
	a.posted, a.BatchNumber, a.Adopted = got, got.BatchNumber, got.Adopted
	a.enter(ctx, StatePosted)
	return nil, nil
}

// RefusesAccrual tells the stops that end an accrual: nothing is in the books, or
// nothing of ours.
func RefusesAccrual(stop *Held) bool {
	return stop != nil && (stop.Code == held.Rejected || stop.Code == held.BookedElsewhere)
}

func (a *accruing) complete(ctx workflow.Context) (*Held, error) {
	a.show(ctx, fmt.Sprintf("Batch %s is in the books. Releasing it and reading it back.", a.BatchNumber))
	got, err := CompleteAccrual.Run(ctx, a.in.Connection, AccrualStep{AccrualInput: a.in, PreparedAccrual: a.prepared})
	if err != nil || got.Held != nil {
		return got.Held, err
	}
	a.enter(ctx, got.State)
	a.Done = true
	return nil, nil
}

// wait tells why the accrual stopped and returns when something has changed
// since the seen-th nudge, or when it is time to look by itself.
func (a *accruing) wait(ctx workflow.Context, stop *Held, seen int) error {
	a.enter(ctx, StateHeld)
	a.Held = stop
	a.show(ctx, fmt.Sprintf("**%s** (`%s`)\n\n%s", stop.Detail, stop.Code, stop.Remedy))
	about := Stopped{a.in.Connection, WorkAccrual, a.in.Name(), *stop}
	if err := a.stops.keep(ctx, about); err != nil {
		return err
	}
	if err := tellHeld(ctx, a.in.Connection, stop); err != nil {
		return err
	}
	a.Told = true
	_, err := workflow.AwaitWithTimeout(ctx, patience(stop.Code, a.posted.LookAgain), func() bool { return a.nudges > seen })
	a.Held, a.Told = nil, false
	return err
}

func (a *accruing) finish(ctx workflow.Context) (AccrualResult, error) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttrState.ValueSet(a.State), AttrHeldReason.ValueUnset()); err != nil {
		return a.AccrualResult, err
	}
	words := a.Refused
	if words == "" {
		words = fmt.Sprintf("Done: batch %s, which Visma.net takes back in the next period.", a.BatchNumber)
	}
	a.show(ctx, words)
	return a.AccrualResult, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (a *accruing) listen(ctx workflow.Context) error {
	Reauthenticated.Listen(ctx, func(_ workflow.Context, provider string) {
		if a.Held != nil && providerOf(a.Held.Code) == provider {
			a.nudges++
		}
	})
	return errors.Join(
		AccrualStatusQuery.Answer(ctx, func() AccrualStatus { return a.AccrualStatus }),
		RetryPayout.Handle(ctx, a.mayRetry, func(ctx workflow.Context, by Person) (Accepted, error) {
			if err := proven(ctx, a.in.Connection, RetryPayout.Name, by.Instruction, by); err != nil {
				return Accepted{State: a.State}, err
			}
			a.again = sendsAgain(a.Held)
			a.Held, a.Told = nil, false
			a.nudges++
			err := workflow.Await(ctx, func() bool { return a.Done || a.Told })
			return Accepted{State: a.State}, err
		}),
	)
}

func (a *accruing) mayRetry(by Person) error {
	if a.Held == nil {
		return fmt.Errorf("retry the accrual of %s at %s: it is %s and moves; wait until it stops", a.in.Currency, a.in.At, a.State)
	}
	return named(by)
}

func (a *accruing) refuse(ctx workflow.Context, why string) {
	a.Refused, a.Done = why, true
	a.enter(ctx, AccrualRefused)
}

func (a *accruing) enter(ctx workflow.Context, state string) {
	if a.State != state {
		a.State, a.Since = state, workflow.Now(ctx)
	}
}

func (a *accruing) show(ctx workflow.Context, words string) {
	tellOperator(ctx, fmt.Sprintf("### Accrual of %s at %s\n\nState **%s**, asked for by %s\n\n%s", plain(a.in.Currency), plain(a.in.At), a.State, plain(a.in.Who), words))
}
