package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// lookDaily is how often a held payout looks by itself whether its cause has
// gone: a period that was opened, an outage that is over.
const lookDaily = 24 * time.Hour

// PayoutWorkflow takes one payout from discovered to final: fetch and prove,
// compile, approve, post, attach, release, read back. It stays open while the
// payout is held. Rows and documents never pass through it.
func PayoutWorkflow(ctx workflow.Context, in PayoutInput) (PayoutResult, error) {
	p := &payout{in: in, state: StateDiscovered, since: workflow.Now(ctx)}
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
	in    PayoutInput
	state string
	since time.Time
	held  *Held // why it waits, nil while it moves

	proven    bool
	compiled  Compiled
	approved  string // hash of the voucher that a person approved
	rejected  bool
	sending   bool // from here on Visma.net may know of the batch
	booked    bool // there is a batch, whatever became of this attempt
	posted    Posted
	splitDone bool // what belongs to earlier periods is booked there
	lookAgain time.Duration
	again     bool // a person wants sent once more what was refused repeatedly
	anew      anew
	done      bool

	result    PayoutResult
	decisions []*decision // taken but not yet recorded
	nudges    int         // commands and facts that end a wait
	recorded  Held        // what was last recorded and told
	parked    bool        // the sync no longer waits for this payout
}

func (p *payout) run(ctx workflow.Context) (PayoutResult, error) {
	for {
		// Counted before the steps: what arrives while they run must not be lost.
		seen := p.nudges
		stop, err := p.advance(ctx)
		if err != nil {
			return PayoutResult{}, err
		}
		if stop == nil {
			return p.finish(ctx)
		}
		if err := p.wait(ctx, stop, seen); err != nil {
			return PayoutResult{}, err
		}
	}
}

// advance takes the steps that are still to be taken. It returns what stops
// the payout, or nil when it is final.
func (p *payout) advance(ctx workflow.Context) (*Held, error) {
	for _, step := range []func(workflow.Context) (*Held, error){
		p.decide, p.prove, p.compile, p.approve, p.post, p.split, p.complete,
	} {
		if p.done {
			return nil, nil
		}
		stop, err := step(ctx)
		if err != nil {
			return p.stopFor(err)
		}
		if stop != nil {
			return stop, nil
		}
	}
	return nil, nil
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
	return heldFor(held.Approval, ""), nil
}

// post runs the exactly-once protocol. While the outcome is unknown, nothing
// else of this payout moves.
func (p *payout) post(ctx workflow.Context) (*Held, error) {
	if p.posted.BatchNumber != "" {
		return nil, nil
	}
	p.sending = true
	p.enter(ctx, StatePosting)
	p.show(ctx, "Posting the voucher to Visma.net.")
	got, err := PostVoucher.Run(ctx, p.in.Connection, p.postInput())
	if err != nil {
		return nil, err
	}
	p.again = false
	if p.lookAgain = got.LookAgain; got.LookAgain > 0 {
		return lookingFor(got), nil
	}
	if got.Held != nil {
		return p.refused(ctx, got.Held)
	}
	p.posted = got
	p.result.BatchNumber, p.result.Adopted = got.BatchNumber, got.Adopted
	p.enter(ctx, StatePosted)
	return nil, nil
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
	p.again = false
	if p.lookAgain = got.LookAgain; got.LookAgain > 0 {
		return lookingFor(got), nil
	}
	p.splitDone = got.Held == nil
	return got.Held, nil
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

// lookingFor is what a posting waits for while nobody knows its outcome.
func lookingFor(got Posted) *Held {
	if got.Held != nil {
		return got.Held
	}
	return heldFor(held.OutcomeUnknown, "")
}

// sendsAgain tells whether a retry means that the batch is sent once more.
func sendsAgain(why *Held) bool { return why != nil && why.Code == held.RefusedRepeatedly }

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

// finish leaves the search attributes as an operator filters by them.
func (p *payout) finish(ctx workflow.Context) (PayoutResult, error) {
	changes := []temporal.SearchAttributeUpdate{AttrState.ValueSet(p.state)}
	if p.recorded.Code != "" {
		changes = append(changes, AttrHeldReason.ValueUnset())
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, changes...); err != nil {
		return p.result, err
	}
	p.show(ctx, map[string]string{
		StateVerified: fmt.Sprintf("Done: batch %s is released and reads back as the voucher.", p.result.BatchNumber),
		StatePosted:   fmt.Sprintf("Done: batch %s stands on hold in Visma.net, as the profile's draft mode wants.", p.result.BatchNumber),
		StateRejected: "Rejected: nothing was posted.",
		StateReversed: "Reversed by a mirrored batch.",
	}[p.state])
	return p.result, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// stopFor turns an activity's error into what the payout waits for. Only a
// cancelled workflow ends with an error.
func (p *payout) stopFor(err error) (*Held, error) {
	if temporal.IsCanceledError(err) {
		return nil, err
	}
	return stopFor(err), nil
}

func stopFor(err error) *Held {
	if c, ok := credentialError(err); ok {
		return heldFor(credentialCode(c.Provider), c.Reason)
	}
	return heldFor(held.Failed, cause(err).Error())
}

// cause is an activity's own error, without what Temporal says around it.
func cause(err error) error {
	var activity *temporal.ActivityError
	if errors.As(err, &activity) && activity.Unwrap() != nil {
		return activity.Unwrap()
	}
	return err
}

// wait records why the payout stopped, tells whoever needs to know, and
// returns when something has changed since the seen-th nudge, or when it is
// time to look by itself.
func (p *payout) wait(ctx workflow.Context, stop *Held, seen int) error {
	p.held, p.anew = stop, 0
	if stop.Code == held.Approval {
		p.enter(ctx, StateAwaitingApproval)
	} else {
		p.enter(ctx, StateHeld)
	}
	p.show(ctx, fmt.Sprintf("**%s** (`%s`)\n\n%s", stop.Detail, stop.Code, stop.Remedy))
	if !p.recorded.same(stop) {
		if err := p.tell(ctx, stop); err != nil {
			return err
		}
		p.recorded = *stop
	}
	changed, err := workflow.AwaitWithTimeout(ctx, patience(stop.Code, p.lookAgain), func() bool { return p.nudges > seen })
	if changed {
		p.recorded = Held{Code: stop.Code} // stopping again, even for the same reason, is news
	}
	p.held = nil
	return err
}

// tell records the stop and lets the connection, the sync and the operators
// know of it.
func (p *payout) tell(ctx workflow.Context, stop *Held) error {
	if _, err := HoldPayout.Run(ctx, p.in.Connection, Hold{p.in.PayoutRef, *stop}); temporal.IsCanceledError(err) {
		return err
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttrState.ValueSet(p.state), AttrHeldReason.ValueSet(string(stop.Code))); err != nil {
		return err
	}
	provider := providerOf(stop.Code)
	if provider != "" {
		ReauthRequired.Send(ctx, ConnectionWorkflowID(p.in.Connection), ReauthNeeded{
			Provider: provider, WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID, Reason: stop.Detail,
		})
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
		Provider:         provider,
	})
	return nil
}

// patience is how long a held payout waits before it looks by itself.
func patience(code held.Code, lookAgain time.Duration) time.Duration {
	switch code {
	case held.OutcomeUnknown, held.RefusedRepeatedly:
		return cmp.Or(lookAgain, lookDaily)
	case held.PeriodClosed, held.PeriodMissing, held.Failed:
		return lookDaily
	default:
		const tenYears = 10 * 365 * lookDaily
		return tenYears
	}
}

func (p *payout) enter(ctx workflow.Context, state string) {
	if p.state != state {
		p.state, p.since = state, workflow.Now(ctx)
	}
}

func (p *payout) end(ctx workflow.Context, state string) {
	p.enter(ctx, state)
	p.done, p.result.State = true, state
}

// show tells an operator in Temporal's Web UI where the payout stands.
func (p *payout) show(ctx workflow.Context, words string) {
	tellOperator(ctx, fmt.Sprintf("### Payout %s · %s\n\nState **%s** since %s, %d rows.\n\n%s",
		plain(p.in.PaymentReference), dayOf(p.in.Date, p.in.Day), p.state, p.since.UTC().Format("2006-01-02 15:04:05Z"), p.result.Rows, words))
}

func providerOf(code held.Code) string {
	switch code {
	case held.CredentialKlarna:
		return ProviderKlarna
	case held.CredentialVisma:
		return ProviderVisma
	default:
		return ""
	}
}

func credentialCode(provider string) held.Code {
	if provider == ProviderKlarna {
		return held.CredentialKlarna
	}
	return held.CredentialVisma
}
