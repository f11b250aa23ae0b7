package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// ReversePayoutWorkflow takes a posted payout back: it posts the mirrored batch
// by the same exactly-once protocol, releases it, reads it back, and links the
// two batches. What is in the books stays there. It stays open while it is held,
// and the payout keeps its state until the reversal is final.
func ReversePayoutWorkflow(ctx workflow.Context, in ReverseInput) (ReverseResult, error) {
	r := &reversal{in: in}
	r.enter(ctx, StateProven)
	if err := r.listen(ctx); err != nil {
		return ReverseResult{}, err
	}
	return r.run(ctx)
}

type reversal struct {
	in ReverseInput
	ReverseStatus

	prepared  PreparedReversal
	decided   bool // who asked for it is recorded
	sending   bool // from here on Visma.net may know of the batch
	posted    Posted
	again     bool // as in payout
	anew      anew
	withdrawn *Person
	refusal   error // why it was not withdrawn
	done      bool
	nudges    int
	stops     stopKeeper
}

func (r *reversal) run(ctx workflow.Context) (ReverseResult, error) {
	for {
		seen := r.nudges
		stop, err := r.advance(ctx)
		if err != nil {
			return r.ReverseResult, err
		}
		if r.done {
			return r.finish(ctx)
		}
		if err := r.wait(ctx, stop, seen); err != nil {
			return r.ReverseResult, err
		}
	}
}

// advance takes the steps that are still to be taken.
func (r *reversal) advance(ctx workflow.Context) (*Held, error) {
	for _, step := range []func(workflow.Context) (*Held, error){r.withdraw, r.prepare, r.post, r.complete} {
		stop, err := step(ctx)
		switch {
		case temporal.IsCanceledError(err):
			return nil, err
		case err != nil:
			return stopFor(err), nil
		case stop != nil || r.done:
			return stop, nil
		}
	}
	return nil, nil
}

// withdraw ends a reversal that a person takes back, before anything is sent.
func (r *reversal) withdraw(ctx workflow.Context) (*Held, error) {
	if r.withdrawn == nil {
		return nil, nil
	}
	d := Decision{PayoutRef: r.in.PayoutRef, Kind: DecisionWithdraw, Who: r.withdrawn.Who, Reason: r.withdrawn.Reason}
	if by := *r.withdrawn; by.Instruction != "" {
		d.Instruction = instructionFor(RejectPayout.Name, by.Instruction, by)
	}
	got, err := RecordDecision.Run(ctx, r.in.Connection, d)
	switch {
	case err != nil:
		return nil, err
	case got.Refused != "": // it goes on as if nobody had asked
		r.withdrawn, r.refusal = nil, refused(got.Refused, got.Code)
		return nil, nil
	}
	r.end(ctx, ReversalWithdrawn)
	return nil, nil
}

// prepare mirrors the voucher and finds its period. Once the batch may have
// been sent, it stays what it is.
func (r *reversal) prepare(ctx workflow.Context) (*Held, error) {
	if r.sending {
		return nil, nil
	}
	r.show(ctx, "Mirroring the voucher and checking it against the Visma.net company.")
	got, err := PrepareReversal.Run(ctx, r.in.Connection, r.in)
	if err != nil {
		return nil, err
	}
	if r.Reverses = got.Reverses; got.Refused != "" {
		r.Refused = got.Refused
		r.end(ctx, ReversalRefused)
		return nil, nil
	}
	if !r.decided {
		recorded, err := RecordDecision.Run(ctx, r.in.Connection, Decision{
			PayoutRef: r.in.PayoutRef, Kind: DecisionReverse, Who: r.in.Who, Reason: r.in.Reason, VoucherHash: got.VoucherHash,
			Instruction: instructionFor(ActionReverse, r.in.Instruction, r.in),
		})
		if err != nil {
			return nil, err
		}
		if recorded.Refused != "" {
			r.Refused = recorded.Refused
			r.end(ctx, ReversalRefused)
			return nil, nil
		}
		r.decided = true
	}
	r.prepared = got
	return got.Held, nil
}

func (r *reversal) post(ctx workflow.Context) (*Held, error) {
	if r.posted.BatchNumber != "" {
		return nil, nil
	}
	r.sending = true
	r.enter(ctx, StatePosting)
	r.show(ctx, "Posting the mirrored batch to Visma.net.")
	got, err := PostReversal.Run(ctx, r.in.Connection, ReversalStep{r.in, r.prepared, r.again})
	switch {
	case err != nil:
		return nil, err
	case got.LookAgain > 0:
		r.posted, r.again = Posted{LookAgain: got.LookAgain}, false
		return lookingFor(got), nil
	case got.Held != nil && got.Held.Code == held.FiguresChanged:
		r.sending = false
		if stop := r.anew.tooOften(ctx, got.Held); stop != nil {
			return stop, nil
		}
		return r.advance(ctx) // its period was closed meanwhile, and there is a next one
	case got.Held != nil:
		// A batch that stands is only ever compared again; otherwise nothing is
		// on its way, and another day or account may help.
		r.sending = got.Held.Code == held.BatchDiffers
		return got.Held, nil
	}
	r.posted, r.BatchNumber = got, got.BatchNumber
	r.enter(ctx, StatePosted)
	return nil, nil
}

func (r *reversal) complete(ctx workflow.Context) (*Held, error) {
	r.show(ctx, fmt.Sprintf("Batch %s takes batch %s back. Linking, releasing and reading back.", r.BatchNumber, r.Reverses))
	got, err := CompleteReversal.Run(ctx, r.in.Connection, ReversalStep{ReverseInput: r.in, PreparedReversal: r.prepared})
	if err != nil || got.Held != nil {
		return got.Held, err
	}
	PayoutReversed.Send(ctx, PayoutWorkflowID(r.in.Connection, r.in.PaymentReference), r.BatchNumber)
	r.end(ctx, StateReversed)
	return nil, nil
}

// wait tells why the reversal stopped and returns when something has changed
// since the seen-th nudge, or when it is time to look by itself.
func (r *reversal) wait(ctx workflow.Context, stop *Held, seen int) error {
	r.enter(ctx, StateHeld)
	r.Held, r.anew = stop, 0
	r.show(ctx, fmt.Sprintf("**%s** (`%s`)\n\n%s", stop.Detail, stop.Code, stop.Remedy))
	about := Stopped{r.in.Connection, WorkReversal, r.in.PaymentReference, *stop}
	if err := r.stops.keep(ctx, about); err != nil {
		return err
	}
	if err := tellHeld(ctx, r.in.Connection, stop); err != nil {
		return err
	}
	r.Told = true
	_, err := workflow.AwaitWithTimeout(ctx, patience(stop.Code, r.posted.LookAgain), func() bool { return r.nudges > seen })
	r.Held, r.Told = nil, false
	return err
}

func (r *reversal) finish(ctx workflow.Context) (ReverseResult, error) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttrState.ValueSet(r.State), AttrHeldReason.ValueUnset()); err != nil {
		return r.ReverseResult, err
	}
	r.show(ctx, map[string]string{
		StateReversed:     fmt.Sprintf("Done: batch %s takes batch %s back; each names the other.", r.BatchNumber, r.Reverses),
		ReversalRefused:   r.Refused,
		ReversalWithdrawn: "Withdrawn: nothing was posted.",
	}[r.State])
	return r.ReverseResult, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (r *reversal) listen(ctx workflow.Context) error {
	Reauthenticated.Listen(ctx, func(_ workflow.Context, provider string) {
		if r.Held != nil && providerOf(r.Held.Code) == provider {
			r.nudges++
		}
	})
	return errors.Join(
		ReverseStatusQuery.Answer(ctx, func() ReverseStatus { return r.ReverseStatus }),
		RetryPayout.Handle(ctx, r.may("retry"), func(ctx workflow.Context, by Person) (Accepted, error) {
			if err := proven(ctx, r.in.Connection, RetryPayout.Name, by.Instruction, by); err != nil {
				return Accepted{State: r.State}, err
			}
			r.again = sendsAgain(r.Held)
			return r.command(ctx)
		}),
		RejectPayout.Handle(ctx, r.mayWithdraw, func(ctx workflow.Context, by Person) (Accepted, error) {
			r.withdrawn, r.refusal = &by, nil
			out, err := r.command(ctx)
			return out, errors.Join(err, r.refusal)
		}),
	)
}

// command wakes the reversal and waits until it has stopped again or is done.
func (r *reversal) command(ctx workflow.Context) (Accepted, error) {
	r.Held, r.Told = nil, false
	r.nudges++
	err := workflow.Await(ctx, func() bool { return r.done || r.Told })
	return Accepted{State: r.State}, err
}

func (r *reversal) may(verb string) func(Person) error {
	return func(by Person) error {
		if r.Held == nil {
			return fmt.Errorf("%s the reversal of payout %s: it is %s and moves; wait until it stops", verb, r.in.PaymentReference, r.State)
		}
		return named(by)
	}
}

func (r *reversal) mayWithdraw(by Person) error {
	switch {
	case r.sending:
		return fmt.Errorf("withdraw the reversal of payout %s: Visma.net may already have its batch", r.in.PaymentReference)
	case by.Reason == "":
		return fmt.Errorf("withdraw the reversal of payout %s: a reason is needed, for the audit trail", r.in.PaymentReference)
	}
	return r.may("withdraw")(by)
}

func (r *reversal) enter(ctx workflow.Context, state string) {
	if r.State != state {
		r.State, r.Since = state, workflow.Now(ctx)
	}
}

func (r *reversal) end(ctx workflow.Context, state string) {
	r.enter(ctx, state)
	r.done = true
}

func (r *reversal) show(ctx workflow.Context, words string) {
	tellOperator(ctx, fmt.Sprintf("### Reversal of payout %s\n\nState **%s**, asked for by %s: %s\n\n%s",
		plain(r.in.PaymentReference), r.State, plain(r.in.Who), plain(r.in.Reason), words))
}

// tellHeld lets operators find a workflow that stopped, and its connection know
// when it stopped for want of a credential.
func tellHeld(ctx workflow.Context, connection string, stop *Held) error {
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttrState.ValueSet(StateHeld), AttrHeldReason.ValueSet(string(stop.Code))); err != nil {
		return err
	}
	if provider := providerOf(stop.Code); provider != "" {
		ReauthRequired.Send(ctx, ConnectionWorkflowID(connection), ReauthNeeded{
			Provider: provider, WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID, Reason: stop.Detail,
		})
	}
	return nil
}
