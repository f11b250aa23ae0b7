package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// ReversePayoutWorkflow takes a posted payout back: it posts the mirrored batch
// by the same exactly-once protocol, releases it, reads it back, and links the
// two batches. What is in the books stays there. It stays open while it is held,
// and the payout keeps its state until the reversal is final.
func ReversePayoutWorkflow(ctx workflow.Context, in ReverseInput) (ReverseResult, error) {
	r := &reversal{in: in}
	r.booking = booking{connection: in.Connection, what: "the reversal of payout " + in.PaymentReference, head: r.head}
	r.enter(ctx, StateProven)
	if err := r.listen(ctx); err != nil {
		return ReverseResult{}, err
	}
	return r.run(ctx)
}

type reversal struct {
	booking
	in     ReverseInput
	result ReverseResult

	prepared  PreparedReversal
	decided   bool // who asked for it is recorded
	withdrawn *Person
	refusal   error // why it was not withdrawn
}

func (r *reversal) run(ctx workflow.Context) (ReverseResult, error) {
	if err := r.booking.run(ctx, r.advance, r.waitAs(WorkReversal, r.in.PaymentReference)); err != nil {
		return r.status().ReverseResult, err
	}
	return r.status().ReverseResult, r.finish(ctx, map[string]string{
		StateReversed:     fmt.Sprintf("Done: batch %s takes batch %s back; each names the other.", r.posted.BatchNumber, r.result.Reverses),
		ReversalRefused:   r.result.Refused,
		ReversalWithdrawn: "Withdrawn: nothing was posted.",
	}[r.state], AttrHeldReason.ValueUnset())
}

func (r *reversal) status() ReverseStatus {
	out := ReverseStatus{ReverseResult: r.result, Held: r.held, Since: r.since, Told: r.told}
	out.State, out.BatchNumber = r.state, r.posted.BatchNumber
	return out
}

// advance takes the steps that are still to be taken.
func (r *reversal) advance(ctx workflow.Context) (*Held, error) {
	return r.take(ctx, r.withdraw, r.prepare, r.post, r.complete)
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
	if r.result.Reverses = got.Reverses; got.Refused != "" {
		r.result.Refused = got.Refused
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
			r.result.Refused = recorded.Refused
			r.end(ctx, ReversalRefused)
			return nil, nil
		}
		r.decided = true
	}
	r.prepared = got
	return got.Held, nil
}

func (r *reversal) post(ctx workflow.Context) (*Held, error) {
	return r.booking.post(ctx, "Posting the mirrored batch to Visma.net.", func() (Posted, error) {
		return PostReversal.Run(ctx, r.in.Connection, ReversalStep{r.in, r.prepared, r.again})
	}, func(stop *Held) (*Held, error) {
		// A batch that stands is only ever compared again; otherwise nothing is
		// on its way, and another day or account may help.
		r.sending = stop.Code == held.BatchDiffers
		if stop.Code != held.FiguresChanged {
			return stop, nil
		}
		if stop := r.anew.tooOften(ctx, stop); stop != nil {
			return stop, nil
		}
		return r.advance(ctx) // its period was closed meanwhile, and there is a next one
	})
}

func (r *reversal) complete(ctx workflow.Context) (*Held, error) {
	r.show(ctx, fmt.Sprintf("Batch %s takes batch %s back. Linking, releasing and reading back.", r.posted.BatchNumber, r.result.Reverses))
	got, err := CompleteReversal.Run(ctx, r.in.Connection, ReversalStep{ReverseInput: r.in, PreparedReversal: r.prepared})
	if err != nil || got.Held != nil {
		return got.Held, err
	}
	PayoutReversed.Send(ctx, PayoutWorkflowID(r.in.Connection, r.in.PaymentReference), r.posted.BatchNumber)
	r.end(ctx, StateReversed)
	return nil, nil
}

func (r *reversal) listen(ctx workflow.Context) error {
	r.hear(ctx)
	return errors.Join(
		ReverseStatusQuery.Answer(ctx, r.status),
		r.retries(ctx),
		RejectPayout.Handle(ctx, r.mayWithdraw, func(ctx workflow.Context, by Person) (Accepted, error) {
			r.withdrawn, r.refusal = &by, nil
			out, err := r.command(ctx)
			return out, errors.Join(err, r.refusal)
		}),
	)
}

func (r *reversal) mayWithdraw(by Person) error {
	switch {
	case r.sending:
		return fmt.Errorf("withdraw %s: Visma.net may already have its batch", r.what)
	case by.Reason == "":
		return fmt.Errorf("withdraw %s: a reason is needed, for the audit trail", r.what)
	}
	return r.may("withdraw", by)
}

func (r *reversal) head() string {
	return fmt.Sprintf("### Reversal of payout %s\n\nState **%s**, asked for by %s: %s", plain(r.in.PaymentReference), r.state, plain(r.in.Who), plain(r.in.Reason))
}
