package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// listen registers what people and other workflows can tell a payout.
func (p *payout) listen(ctx workflow.Context) error {
	p.hear(ctx)
	ProfileChanged.Listen(ctx, func(workflow.Context, int) {
		switch {
		case !p.sending:
			p.compiled = Compiled{}
			p.nudges++
		case p.compiled.Split && !p.splitDone: // which may be given up
			p.nudges++
		}
	})
	PayoutReversed.Listen(ctx, func(workflow.Context, string) {
		p.begin() // it is final now, and proving says so
		p.posted, p.booked = Posted{}, false
		p.nudges++
	})
	return errors.Join(
		PayoutStatusQuery.Answer(ctx, func() PayoutStatus {
			status := PayoutStatus{PayoutResult: p.result, Held: p.held, Since: p.since}
			status.State = p.state
			return status
		}),
		ApprovePayout.Handle(ctx, p.mayApprove, func(ctx workflow.Context, by Person) (Accepted, error) {
			p.approved = p.compiled.VoucherHash
			return p.order(ctx, DecisionApprove, ApprovePayout.Name, by)
		}),
		RejectPayout.Handle(ctx, p.mayReject, func(ctx workflow.Context, by Person) (Accepted, error) {
			p.rejected = true
			return p.order(ctx, DecisionReject, RejectPayout.Name, by)
		}),
		RetryPayout.Handle(ctx, p.mayRetry, func(ctx workflow.Context, by Person) (Accepted, error) {
			p.again = sendsAgain(p.stoppedBy())
			if !p.sending {
				p.begin() // ask Klarna again: its figures may be what was wrong
			}
			return p.order(ctx, DecisionRetry, RetryPayout.Name, by)
		}),
		RepostPayout.Handle(ctx, p.mayRepost, func(ctx workflow.Context, by Person) (Accepted, error) {
			p.begin()
			return p.order(ctx, DecisionRepost, RepostPayout.Name, by)
		}),
	)
}

// decision is one that was taken, and why it was refused, if it was.
type decision struct {
	Decision
	refused string
	code    string // that tells refusals apart
}

// decided returns what a person decided by a message.
func (p *payout) decided(kind, action string, by Person) *decision {
	d := &decision{Decision: Decision{PayoutRef: p.in.PayoutRef, Kind: kind, Who: by.Who, Reason: by.Reason, VoucherHash: by.VoucherHash}}
	if by.Instruction != "" { // a history of an earlier version has none
		d.Instruction = instructionFor(action, by.Instruction, by)
	}
	return d
}

// refused is the answer to a command that its maker may not give.
func refused(why, code string) error {
	return temporal.NewNonRetryableApplicationError(why, RefusedErrorType, nil, code)
}

// order notes a decision and waits until the payout has acted on it. One that
// its maker may not take is refused where it would be recorded.
func (p *payout) order(ctx workflow.Context, kind, action string, by Person) (Accepted, error) {
	d := p.decided(kind, action, by)
	if kind == DecisionApprove {
		d.VoucherHash = p.compiled.VoucherHash
	}
	p.decisions = append(p.decisions, d)
	out, err := p.command(ctx)
	if err == nil && d.refused != "" {
		err = refused(d.refused, d.code)
	}
	return out, err
}

func (p *payout) mayApprove(by Person) error {
	if p.held == nil || p.held.Code != held.Approval {
		return fmt.Errorf("approve payout %s: it is %s, and only a payout that awaits approval can be approved", p.in.PaymentReference, p.state)
	}
	if by.VoucherHash != "" && by.VoucherHash != p.compiled.VoucherHash {
		return fmt.Errorf("approve payout %s: its voucher has been compiled anew since you saw it; look at it again", p.in.PaymentReference)
	}
	return named(by)
}

func (p *payout) mayReject(by Person) error {
	// A credential that died before the batch was sent leaves nothing in the books;
	// whether it was, the posting tells where the rejection is recorded.
	unsent := p.held != nil && p.held.Code == held.CredentialVisma && p.posted.BatchNumber == ""
	switch {
	case p.booked || p.sending && !unsent:
		return fmt.Errorf("reject payout %s: Visma.net may already have the batch; it can only be reversed", p.in.PaymentReference)
	case p.held == nil:
		return fmt.Errorf("reject payout %s: it is %s and moves; wait until it stops", p.in.PaymentReference, p.state)
	case by.Reason == "":
		return fmt.Errorf("reject payout %s: a reason is needed, for the audit trail", p.in.PaymentReference)
	}
	return named(by)
}

func (p *payout) mayRetry(by Person) error {
	if why := p.stoppedBy(); why == nil || why.Code == held.Approval {
		return fmt.Errorf("retry payout %s: it is %s, and only a held payout can be retried", p.in.PaymentReference, p.state)
	}
	return named(by)
}

func (p *payout) mayRepost(by Person) error {
	switch {
	case p.held == nil || p.held.Code != held.ReversedBefore:
		return fmt.Errorf("repost payout %s: it is %s, and only a payout that was reversed can be posted anew", p.in.PaymentReference, p.state)
	case by.Reason == "":
		return fmt.Errorf("repost payout %s: a reason is needed, for the audit trail", p.in.PaymentReference)
	}
	return named(by)
}

func named(by Person) error { return instructed(by.Who, by.Instruction) }
