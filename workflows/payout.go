package workflows

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// PayoutWorkflow takes one payout from discovered to final: fetch and prove,
// compile, approve, post, attach, release, read back. It stays open while the
// payout is held. Rows and documents never pass through it.
func PayoutWorkflow(ctx workflow.Context, in PayoutInput) (PayoutResult, error) {
	p := &payout{in: in}
	p.booking = booking{connection: in.Connection, what: "payout " + in.PaymentReference, head: p.head}
	p.enter(ctx, StateDiscovered)
	if err := p.listen(ctx); err != nil {
		return PayoutResult{}, err
	}
	if in.Repost != nil {
		p.decisions = append(p.decisions, p.decided(DecisionRepost, RepostPayout.Name, *in.Repost))
	}
	if in.Reopen != nil {
		p.decisions = append(p.decisions, p.decided(DecisionReopen, ActionReopen, *in.Reopen))
	}
	return p.run(ctx)
}

type payout struct {
	booking
	in PayoutInput

	proven    bool
	compiled  Compiled
	approved  string // hash of the voucher that a person approved
	rejected  bool
	booked    bool // there is a batch, whatever became of this attempt
	splitDone bool // what belongs to earlier periods is booked there

	result    PayoutResult
	decisions []*decision // taken but not yet recorded
	recorded  Held        // what was last recorded and told
	parked    bool        // the sync no longer waits for this payout
}

func (p *payout) run(ctx workflow.Context) (PayoutResult, error) {
	if err := p.booking.run(ctx, p.advance, p.wait); err != nil {
		return PayoutResult{}, err
	}
	return p.finish(ctx)
}

// advance takes the steps that are still to be taken. It returns what stops
// the payout, or nil when it is final.
func (p *payout) advance(ctx workflow.Context) (*Held, error) {
	return p.take(ctx, p.decide, p.prove, p.compile, p.approve, p.post, p.split, p.complete)
}

// decide records what people decided before anything else happens.
func (p *payout) decide(ctx workflow.Context) (*Held, error) {
	for len(p.decisions) > 0 {
		d := p.decisions[0]
		got, err := RecordDecision.Run(ctx, p.in.Connection, d.Decision)
		if err != nil {
			return nil, err
		}
		p.decisions = p.decisions[1:]
		if d.refused = got.Refused; d.refused == "" {
			continue
		}
		d.code = cmp.Or(got.Code, RefusedSamePerson)
		if p.approved == d.VoucherHash {
			p.approved = ""
		}
		if d.Kind == DecisionReject {
			p.rejected = false
		}
	}
	if p.rejected {
		p.end(ctx, StateRejected)
	}
	return nil, nil
}

func (p *payout) prove(ctx workflow.Context) (*Held, error) {
	if p.proven {
		return nil, nil
	}
	p.show(ctx, "Fetching the settlement from Klarna and proving it.")
	got, err := ProvePayout.Run(ctx, p.in.Connection, p.in.PayoutRef)
	if err != nil {
		return nil, err
	}
	p.result.Rows, p.result.Settlement, p.result.Currency = got.Rows, got.Settlement, got.Currency
	if got.Held != nil {
		return got.Held, nil
	}
	if got.Final != "" {
		p.result.BatchNumber = got.Batch
		p.end(ctx, got.Final)
		return nil, nil
	}
	p.proven = true
	p.enter(ctx, StateProven)
	return nil, nil
}

func (p *payout) compile(ctx workflow.Context) (*Held, error) {
	if p.sending || p.compiled.VoucherHash != "" {
		return nil, nil
	}
	p.show(ctx, "Compiling the voucher and checking it against the Visma.net company.")
	got, err := CompileVoucher.Run(ctx, p.in.Connection, p.in.PayoutRef)
	if err != nil || got.Held != nil {
		return got.Held, err
	}
	p.compiled = got
	p.enter(ctx, StateCompiled)
	return nil, nil
}

func (p *payout) approve(workflow.Context) (*Held, error) {
	if p.sending || !p.compiled.NeedsApproval || p.approved == p.compiled.VoucherHash {
		return nil, nil
	}
	return held.Because(held.Approval, ""), nil
}

func (p *payout) post(ctx workflow.Context) (*Held, error) {
	stop, err := p.booking.post(ctx, "Posting the voucher to Visma.net.", func() (Posted, error) {
		return PostVoucher.Run(ctx, p.in.Connection, p.postInput())
	}, func(stop *Held) (*Held, error) { return p.refused(ctx, stop) })
	if p.posted.BatchNumber != "" {
		p.result.BatchNumber, p.result.Adopted = p.posted.BatchNumber, p.posted.Adopted
	}
	return stop, err
}

// split books what belongs to earlier periods, exactly once too. A payout that
// waits here waits with its own batch in the books, not released.
func (p *payout) split(ctx workflow.Context) (*Held, error) {
	if !p.compiled.Split || p.splitDone {
		return nil, nil
	}
	p.show(ctx, fmt.Sprintf("Batch %s is booked. Booking what was captured in earlier periods there.", p.posted.BatchNumber))
	got, err := PostSplit.Run(ctx, p.in.Connection, p.postInput())
	if err != nil {
		return nil, err
	}
	stop := p.answered(got)
	p.splitDone = stop == nil
	return stop, nil
}

// refused settles what a stop of the posting leaves open.
func (p *payout) refused(ctx workflow.Context, stop *Held) (*Held, error) {
	switch stop.Code {
	case held.BatchDiffers: // the batch stands; it is only ever compared again
		p.booked = true
	case held.FiguresChanged: // begin again with what Klarna says now
		p.begin()
		if stop := p.anew.tooOften(ctx, stop); stop != nil {
			return stop, nil
		}
		return p.advance(ctx)
	default:
		// Nothing is on its way, so a correction or a new profile may lead to
		// another voucher; the posting row decides whether it may be posted.
		p.booked = stop.Code == held.ChangedAfterPosting
		p.sending, p.compiled = false, Compiled{}
	}
	return stop, nil
}

// begin makes the payout start over: fetch, prove, compile.
func (p *payout) begin() {
	p.sending, p.proven, p.splitDone, p.compiled = false, false, false, Compiled{}
}

func (p *payout) postInput() PostInput {
	return PostInput{PayoutRef: p.in.PayoutRef, VoucherHash: p.compiled.VoucherHash, Periods: p.compiled.Periods, Draft: p.compiled.Draft, Again: p.again}
}

// complete attaches the documents, releases the batch and reads it back.
func (p *payout) complete(ctx workflow.Context) (*Held, error) {
	p.show(ctx, fmt.Sprintf("Batch %s is booked. Attaching documents, releasing and reading back.", p.posted.BatchNumber))
	got, err := CompleteBatch.Run(ctx, p.in.Connection, p.postInput())
	if err != nil || got.Held != nil {
		return got.Held, err
	}
	p.end(ctx, got.State)
	return nil, nil
}

func (p *payout) finish(ctx workflow.Context) (PayoutResult, error) {
	var changes []temporal.SearchAttributeUpdate
	if p.recorded.Code != "" {
		changes = append(changes, AttrHeldReason.ValueUnset())
	}
	return p.result, p.booking.finish(ctx, map[string]string{
		StateVerified: fmt.Sprintf("Done: batch %s is released and reads back as the voucher.", p.result.BatchNumber),
		StatePosted:   fmt.Sprintf("Done: batch %s stands on hold in Visma.net, as the profile's draft mode wants.", p.result.BatchNumber),
		StateRejected: "Rejected: nothing was posted.",
		StateReversed: "Reversed by a mirrored batch.",
	}[p.state], changes...)
}

// wait records why the payout stopped, and tells whoever needs to know, unless it
// stopped for the same before.
func (p *payout) wait(ctx workflow.Context, stop *Held, seen int) error {
	state := StateHeld
	if stop.Code == held.Approval {
		state = StateAwaitingApproval
	}
	changed, err := p.booking.wait(ctx, state, stop, seen, func(ctx workflow.Context, stop *Held) error {
		if !p.recorded.Same(stop) {
			if err := p.tell(ctx, stop); err != nil {
				return err
			}
			p.recorded = *stop
		}
		p.told = p.held != nil // a command that came meanwhile has not been acted on
		return nil
	})
	if changed {
		p.recorded = Held{Code: stop.Code} // stopping again, even for the same reason, is news
	}
	return err
}

// tell records the stop and lets the connection, the sync and the operators
// know of it.
func (p *payout) tell(ctx workflow.Context, stop *Held) error {
	if _, err := HoldPayout.Run(ctx, p.in.Connection, Hold{p.in.PayoutRef, *stop}); temporal.IsCanceledError(err) {
		return err
	}
	if err := p.tellHeld(ctx, stop); err != nil {
		return err
	}
	if p.in.Sync == "" || p.parked {
		return nil
	}
	reason, _ := held.Look(stop.Code)
	p.parked = reason.Waits == held.ForPerson
	PayoutParked.Send(ctx, p.in.Sync, Parked{
		PaymentReference: p.in.PaymentReference,
		Reason:           string(stop.Code),
		Rows:             p.result.Rows,
		ByItself:         reason.Waits == held.ForEvent,
		Provider:         providerOf(stop.Code),
	})
	return nil
}

func (p *payout) end(ctx workflow.Context, state string) {
	p.booking.end(ctx, state)
	p.result.State = state
}

func (p *payout) head() string {
	return fmt.Sprintf("### Payout %s · %s\n\nState **%s** since %s, %d rows.",
		plain(p.in.PaymentReference), dayOf(p.in.Date, p.in.Day), p.state, p.since.UTC().Format("2006-01-02 15:04:05Z"), p.result.Rows)
}
