package workflows

import (
	"cmp"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/notice"
)

// SettlementSyncWorkflow lists the payouts of its windows and runs one
// PayoutWorkflow for each that is not final, at most N at a time, oldest
// first. One bad payout never blocks the others.
func SettlementSyncWorkflow(ctx workflow.Context, in SyncInput) (SyncResult, error) {
	s := &sync{in: in, parked: map[string]int64{}}
	if in.Carry != nil {
		s.SyncCarry = *in.Carry
		s.paused, s.cancelled = in.Carry.Paused, in.Carry.Cancelled
	} else {
		s.Progress.Since, s.Progress.DryRun = workflow.Now(ctx), in.DryRun
	}
	if err := s.listen(ctx); err != nil {
		return SyncResult{}, err
	}
	return s.run(ctx)
}

type sync struct {
	in SyncInput
	SyncCarry

	paused    bool
	cancelled bool
	blocked   string // the provider whose credential does not work
	reason    string

	active []string         // payment references that move, oldest first
	open   int              // payouts started here that have not ended
	parked map[string]int64 // those of them that wait for a person, with their rows
}

func (s *sync) run(ctx workflow.Context) (SyncResult, error) {
	// The sync's own work goes on after a cancellation, to end in order.
	ctx, _ = s.shielded(ctx)
	if s.in.Carry == nil {
		plan, err := call(ctx, s, BeginSync, BeginSyncInput{
			SyncInput: s.in, RunID: workflow.GetInfo(ctx).WorkflowExecution.ID + "@" + workflow.GetInfo(ctx).WorkflowExecution.RunID, Nominal: nominal(ctx),
		})
		if err != nil {
			return SyncResult{}, err
		}
		s.Plan, s.Progress.Windows = plan, len(plan.Windows)
	}
	for s.more(ctx) {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return SyncResult{}, s.continueAsNew(ctx)
		}
		if len(s.Pending) == 0 {
			if err := s.list(ctx); err != nil {
				return SyncResult{}, s.fail(ctx, err)
			}
			continue
		}
		due := s.Pending[0]
		s.Pending = s.Pending[1:]
		s.start(ctx, due)
	}
	return s.finish(ctx)
}

// more waits until there is a place for another payout and nothing forbids to
// start it. It answers false when there is nothing left to start.
func (s *sync) more(ctx workflow.Context) bool {
	_ = workflow.Await(ctx, func() bool {
		return s.cancelled || !s.paused && s.blocked == "" && len(s.active) < max(1, s.Plan.Concurrency)
	})
	return !s.cancelled && (len(s.Pending) > 0 || s.Next < len(s.Plan.Windows))
}

// list asks Klarna for the payouts of the next window.
func (s *sync) list(ctx workflow.Context) error {
	window := s.Plan.Windows[s.Next]
	s.Progress.Words = fmt.Sprintf("Listing payouts from %s to %s.", moment(window.From), moment(window.To))
	got, err := call(ctx, s, ListPayouts, ListPayoutsInput{Connection: s.in.Connection, Window: window, DryRun: s.in.DryRun})
	if err != nil || s.cancelled {
		return err
	}
	s.Next++
	s.Pending = got.Due
	p := &s.Progress
	p.WindowsRun, p.Words = s.Next, ""
	p.Found += got.Found
	p.Skipped += got.Skipped
	p.Rows += got.SkippedRows
	for _, currency := range workflow.DeterministicKeys(got.SkippedSums) {
		s.add(currency, got.SkippedSums[currency])
	}
	return nil
}

// moment writes a bound of a window: midnight in the company's zone is seldom
// midnight in UTC.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// start runs one payout in a place of its own.
func (s *sync) start(ctx workflow.Context, due DuePayout) {
	s.active = append(s.active, due.PaymentReference)
	s.open++
	workflow.Go(ctx, func(ctx workflow.Context) {
		if s.in.DryRun {
			s.preview(ctx, due)
		} else {
			s.post(ctx, due)
		}
		s.release(due.PaymentReference)
		s.open--
		s.show(ctx)
	})
	s.show(ctx)
}

// dayOf is the day of a payout for people: that of the company, or of UTC where an
// earlier version did not say.
func dayOf(date time.Time, day string) string {
	if date.IsZero() {
		return "without a date"
	}
	return cmp.Or(day, date.UTC().Format(time.DateOnly))
}

func (s *sync) post(ctx workflow.Context, due DuePayout) {
	attributes := []temporal.SearchAttributeUpdate{
		AttrConnection.ValueSet(s.in.Connection),
		AttrPaymentReference.ValueSet(due.PaymentReference),
		AttrState.ValueSet(StateDiscovered),
		AttrCurrency.ValueSet(due.Currency),
	}
	if !due.Date.IsZero() { // some databases of Temporal hold no day before 1970
		attributes = append(attributes, AttrPayoutDate.ValueSet(due.Date))
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            PayoutWorkflowID(s.in.Connection, due.PaymentReference),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         fmt.Sprintf("Payout %s, %s, %s", due.PaymentReference, dayOf(due.Date, due.Day), due.Currency),
		Priority:              temporal.Priority{FairnessKey: s.in.Connection},
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
	})
	var got PayoutResult
	err := workflow.ExecuteChildWorkflow(ctx, PayoutWorkflowName, PayoutInput{
		PayoutRef: PayoutRef{s.in.Connection, due.PaymentReference},
		Sync:      workflow.GetInfo(ctx).WorkflowExecution.ID,
		Date:      due.Date,
		Day:       due.Day,
	}).Get(ctx, &got)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		s.follow(ctx, due)
		return
	}
	s.unpark(due.PaymentReference)
	switch {
	case err != nil:
		workflow.GetLogger(ctx).Error("payout failed", "payment_reference", due.PaymentReference, "error", err)
		s.Progress.Failed++
	default:
		s.count(got.State, got.Adopted, got.Rows, got.Settlement, got.Currency)
	}
}

// follow watches a payout that an earlier sync started, until it is final or
// held.
func (s *sync) follow(ctx workflow.Context, due DuePayout) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		got, err := PayoutState.Run(ctx, s.in.Connection, PayoutRef{s.in.Connection, due.PaymentReference})
		switch {
		case err != nil:
			s.Progress.Failed++
			return
		case got.Final, got.State == StateHeld, got.State == StateAwaitingApproval:
			s.count(got.State, false, got.Rows, got.Settlement, got.Currency)
			return
		}
		if workflow.Sleep(ctx, wait) != nil {
			return
		}
	}
}

func (s *sync) preview(ctx workflow.Context, due DuePayout) {
	got, err := call(ctx, s, PreviewPayout, PreviewInput{PayoutRef{s.in.Connection, due.PaymentReference}, s.Plan.RunID})
	if err != nil {
		s.Progress.Failed++
		got = Found{PaymentReference: due.PaymentReference, State: "failed", Currency: due.Currency}
	} else {
		s.count(got.State, false, got.Rows, got.Settlement, got.Currency)
	}
	s.Items = append(s.Items, got)
}

// count books a payout's end into the progress.
func (s *sync) count(state string, adopted bool, rows, settlement int64, currency string) {
	p := &s.Progress
	p.Rows += rows
	switch state {
	case StateHeld, StateAwaitingApproval:
		p.Held++
		return
	case StateRejected, StateReversed:
		p.Skipped++
		return
	case StateCompiled:
		p.Previewed++
	case StateVerified, StatePosted:
		p.Posted++
		if adopted {
			p.Adopted++
		}
	}
	s.add(currency, settlement)
}

func (s *sync) add(currency string, minor int64) {
	if s.Progress.Amounts == nil {
		s.Progress.Amounts = map[string]int64{}
	}
	s.Progress.Amounts[currency] += minor
}

// finish waits for what continues by itself and keeps the result.
func (s *sync) finish(ctx workflow.Context) (SyncResult, error) {
	if err := s.drain(ctx); err != nil {
		return SyncResult{}, err
	}
	s.Progress.State, s.Progress.Words = "done", ""
	got, err := FinishSync.Run(ctx, s.in.Connection, s.ending())
	tellOperator(ctx, s.words()+"\n\n"+got.Words)
	s.tellMissing(ctx, got.Missing)
	return SyncResult{Progress: s.Progress, Outcome: got.Outcome, Reason: got.Words, Items: s.Items}, err
}

// tellMissing has the connection tell of payouts that were due and have not
// come. The connection sends, because this sync must not wait for a mail server
// and knows nothing of what the sync before it has told.
func (s *sync) tellMissing(ctx workflow.Context, missing []notice.Missing) {
	if s.in.Mode != ModeSchedule || len(missing) == 0 ||
		workflow.GetVersion(ctx, "notify", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	PayoutsMissing.Send(ctx, ConnectionWorkflowID(s.in.Connection), missing)
}

// fail records that the sync cannot go on, once the payouts that move have
// come to an end, and returns why.
func (s *sync) fail(ctx workflow.Context, why error) error {
	if err := workflow.Await(ctx, func() bool { return len(s.active) == 0 }); err != nil {
		return err
	}
	s.Progress.Words = cause(why).Error()
	in := s.ending()
	in.Failed = s.Progress.Words
	if _, err := FinishSync.Run(ctx, s.in.Connection, in); err != nil {
		workflow.GetLogger(ctx).Error("the sync's failure was not kept", "error", err)
	}
	return why
}

// ending returns what is kept of the run.
func (s *sync) ending() FinishSyncInput {
	in := FinishSyncInput{Connection: s.in.Connection, RunID: s.Plan.RunID, Progress: s.Progress, Cancelled: s.cancelled, DryRun: s.in.DryRun}
	if n := len(s.Plan.Windows); n > 0 {
		in.Window = Window{s.Plan.Windows[0].From, s.Plan.Windows[n-1].To}
	}
	return in
}

// drain waits for the payouts that move or will continue by themselves. Those
// that wait for a person are counted as held and left open.
func (s *sync) drain(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool {
		return s.open == len(s.parked) || s.cancelled && len(s.active) == 0
	})
}

func (s *sync) continueAsNew(ctx workflow.Context) error {
	if err := s.drain(ctx); err != nil {
		return err
	}
	s.drainSignals(ctx)
	s.Paused, s.Cancelled = s.paused, s.cancelled
	next := s.in
	next.Carry = &s.SyncCarry
	return workflow.NewContinueAsNewError(ctx, SettlementSyncWorkflowName, next)
}

// nominal is when the run was meant to start: the schedule's time, so that a
// late worker does not move the window, or the time it did start.
func nominal(ctx workflow.Context) time.Time {
	scheduled := temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")
	if at, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(scheduled); ok {
		return at
	}
	return workflow.Now(ctx)
}
