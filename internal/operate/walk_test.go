package operate_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"kvitt/activities"
	"kvitt/internal/held"
	"kvitt/internal/instruct"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// TestEveryWayOutThatIsNamedEndsTheHold walks every way out of every code: the
// payout's workflow stops for it, the way is offered, is gone by the program that
// portal and command line use, and ends the payout as it says. A way that is added
// without a program, or a code without a way, fails here.
func TestEveryWayOutThatIsNamedEndsTheHold(t *testing.T) {
	o, n := newOffice(t), 0
	for _, r := range held.All() {
		for _, way := range r.Ways {
			n++
			s := strconv.Itoa(10 + n)
			t.Run(string(r.Code)+"/"+string(way), func(t *testing.T) { o.stage(t, s, r.Code).walk(way) })
		}
	}
}

// ends is the state that a way leads to; the others lead to verified.
var ends = map[held.Way]string{
	held.Elsewhere: workflows.StateRejected, held.Reject: workflows.StateRejected, held.Reverse: workflows.StateReversed,
}

func (s *stage) walk(way held.Way) {
	s.env = (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
	s.env.SetTestTimeout(time.Minute)
	s.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.PayoutWorkflowID(s.ref.Connection, s.ref.PaymentReference)})
	workflows.Register(s.env)
	s.work()
	s.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil)
	gone := s.code == held.FiguresChanged // over before anybody sees it
	if !gone {
		s.env.RegisterDelayedCallback(func() { gone = true; s.goes(way) }, 30*time.Minute)
	}
	s.env.ExecuteWorkflow(workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: s.ref, Date: day})
	if err := s.env.GetWorkflowError(); err != nil || !gone {
		s.t.Fatalf("%v; the way was gone: %v", err, gone)
	}
	var got workflows.PayoutResult
	musts(s.t)(s.env.GetWorkflowResult(&got))
	want := ends[way]
	if want == "" {
		want = workflows.StateVerified
	}
	if got.State != want {
		s.t.Errorf("it ended as %s, want %s", got.State, want)
	}
	for _, a := range s.answers {
		if a.err != nil {
			s.t.Errorf("answered with %v", a.err)
		}
	}
	s.remembered(way)
}

// goes does what a way says, as whoever may.
func (s *stage) goes(way held.Way) {
	out, offered := s.ways()[way]
	if !offered {
		s.t.Errorf("%s is not offered: %v", way, s.ways())
		return
	}
	command := strings.NewReplacer(s.ref.Connection, "", s.ref.PaymentReference, "").Replace(out.Command)
	if strings.Contains(command, " ID") || strings.Contains(command, " REF") {
		s.t.Errorf("the command is not for this payout: %s", out.Command)
	}
	if err := s.does(way, &out); err != nil {
		s.t.Errorf("%s: %v", way, err)
	}
}

func (s *stage) does(way held.Way, out *operate.WayOut) error {
	by := workflows.Person{Who: anna, Reason: "because"}
	give := func(u workflows.Update[workflows.Person, workflows.Accepted]) error {
		_, err := operate.Give(s.t.Context(), s.desk, s.ref.Connection, u, workflows.PayoutWorkflowID(s.ref.Connection, s.ref.PaymentReference), by, time.Second)
		return ignored(err)
	}
	took := func(c operate.Choice) error {
		c.Reason, c.Who = by.Reason, by.Who
		_, err := s.desk.TakeDecision(s.t.Context(), s.row(), c, time.Second)
		return err
	}
	again := func() error { s.gone = true; return give(workflows.RetryPayout) }
	works := func(provider string) func() error {
		return func() error {
			s.gone = true
			s.env.SignalWorkflow(workflows.Reauthenticated.Name, provider)
			return nil
		}
	}
	authorize := again
	if s.code == held.CredentialVisma {
		authorize = works(workflows.ProviderVisma)
	}
	return map[held.Way]func() error{
		held.Retry: again, held.Visma: again, held.Backfill: again, held.Authorize: authorize, held.KlarnaKey: works(workflows.ProviderKlarna),
		held.ByItself:    func() error { s.gone = true; return nil },
		held.Profile:     func() error { s.gone = true; s.env.SignalWorkflow(workflows.ProfileChanged.Name, 2); return nil },
		held.Approve:     func() error { return give(workflows.ApprovePayout) },
		held.Reject:      func() error { return give(workflows.RejectPayout) },
		held.Repost:      func() error { return give(workflows.RepostPayout) },
		held.Reverse:     func() error { return s.reverses(by) },
		held.Accept:      func() error { return took(choiceOf(store.DecidedAccept, out)) },
		held.Elsewhere:   func() error { return took(choiceOf(store.DecidedElsewhere, out)) },
		held.Unrelated:   func() error { return took(choiceOf(store.DecidedUnrelated, out)) },
		held.AcceptBatch: func() error { return took(choiceOf(store.DecidedBatch, out)) },
		held.Keep:        func() error { return took(choiceOf(store.DecidedKeep, out)) },
	}[way]()
}

// choiceOf fills a form in as it is offered; the batch is another's, or the payout's.
func choiceOf(kind string, out *operate.WayOut) operate.Choice {
	c := operate.Choice{Kind: kind, Component: out.Component, Difference: out.Difference, Booked: kind == store.DecidedAccept, Batch: out.Batch}
	if c.Batch == "" {
		c.Batch = "000900"
	}
	return c
}

// ignored leaves out that an update is not answered at once.
func ignored(err error) error {
	if err == operate.ErrStillGoing { //nolint:errorlint // the wires give exactly this
		return nil
	}
	return err
}

// reverses asks for the reversal, which is a workflow of its own, and lets it be
// over.
func (s *stage) reverses(by workflows.Person) error {
	_, err := s.desk.Reverse(s.t.Context(), s.row(), by)
	if err == nil && (len(s.started) != 1 || s.started[0].Workflow != workflows.ReversePayoutWorkflowName) {
		s.t.Errorf("started was %+v", s.started)
	}
	s.change(func(p *store.Payout) { p.State = workflows.StateReversed })
	s.env.SignalWorkflow(workflows.PayoutReversed.Name, "000124")
	return err
}

// remembered is who went a way, and why, in the audit trail and the decisions.
func (s *stage) remembered(way held.Way) {
	out, _ := held.OutOf(way)
	all, err := s.desk.DecisionsOn(s.t.Context(), s.row())
	musts(s.t)(err)
	if out.Decision && (len(all) != 1 || all[0].Who != anna || all[0].Reason != "because" || all[0].Code != string(s.code)) {
		s.t.Errorf("decided was %+v", all)
	}
	trail, err := s.office.store.AuditTrail(s.t.Context(), s.ref.Connection, 0)
	musts(s.t)(err)
	told := slices.ContainsFunc(trail, func(e store.AuditEntry) bool { return e.Who == anna && strings.Contains(string(e.After), "because") })
	if strings.Contains(out.Command, "--reason") && way != held.Reverse && !told {
		s.t.Errorf("the audit trail does not say who did %s and why: %+v", way, trail)
	}
}

// stands tells whether the payout is still held by its cause.
func (s *stage) stands() bool {
	set := s.decided()
	return !s.gone && len(set.Accepted()) == 0 && len(set.Unrelated()) == 0 && set.Batch() == nil && set.Kept() == nil && s.row().Revision == 0
}

// stop is the cause of the hold, at the step that it belongs to.
func (s *stage) stop(codes ...held.Code) (*workflows.Held, error) {
	if !slices.Contains(codes, s.code) || !s.stands() {
		return nil, nil //nolint:nilnil // nothing stops it
	}
	why := s.why()
	provider := map[held.Code]string{held.CredentialKlarna: workflows.ProviderKlarna, held.CredentialVisma: workflows.ProviderVisma}[s.code]
	switch {
	case s.code == held.Failed:
		return nil, temporal.NewNonRetryableApplicationError("it kept failing", "test", nil)
	case provider != "":
		return nil, temporal.NewNonRetryableApplicationError("refused", workflows.CredentialErrorType, nil, workflows.CredentialError{Provider: provider})
	}
	s.gone = s.code == held.FiguresChanged
	return &why, nil
}

// The steps at which a payout stops; for what is not here it does when compiled.
var (
	whenProven = []held.Code{
		held.RowsDiffer, held.RowsIncomplete, held.RowsCurrency, held.FormulaDiffers, held.DebtDiffers, held.BadData, held.CurrencyUnknown,
		held.Failed, held.CredentialKlarna,
	}
	whenPosted = []held.Code{
		held.Rejected, held.BookedElsewhere, held.ChangedAfterPosting, held.ReversedBefore, held.BatchDiffers, held.CredentialVisma, held.FiguresChanged,
	}
	otherwise = []held.Code{held.OutcomeUnknown, held.RefusedRepeatedly, held.ReleaseFailed, held.Approval}
)

// work registers the activities: those that decide and record are the worker's own.
func (s *stage) work() {
	var mu sync.Mutex
	ledger := &activities.Ledger{Store: s.office.store, Doors: s.desk.Doors, Instructions: instruct.NewBook(s.office.vault, s.office.store)}
	s.env.RegisterActivityWithOptions(ledger.HoldPayout, activity.RegisterOptions{Name: workflows.HoldPayout.Name})
	s.env.RegisterActivityWithOptions(ledger.RecordDecision, activity.RegisterOptions{Name: workflows.RecordDecision.Name})
	add(s.env, &mu, workflows.ProvePayout, func(workflows.PayoutRef) (out workflows.Proven, err error) {
		switch {
		case s.row().State == workflows.StateReversed:
			return workflows.Proven{Final: workflows.StateReversed, Batch: "000124"}, nil
		case s.decided().Elsewhere() != nil:
			return workflows.Proven{Final: workflows.StateRejected}, nil
		}
		out.Held, err = s.stop(whenProven...)
		return out, err
	})
	add(s.env, &mu, workflows.CompileVoucher, func(workflows.PayoutRef) (out workflows.Compiled, err error) {
		out = workflows.Compiled{VoucherHash: "v1", Periods: []string{"202603"}, NeedsApproval: s.code == held.Approval}
		if !slices.Contains(slices.Concat(whenProven, whenPosted, otherwise), s.code) {
			out.Held, err = s.stop(s.code)
		}
		return out, err
	})
	add(s.env, &mu, workflows.PostVoucher, func(workflows.PostInput) (out workflows.Posted, err error) {
		if s.code == held.OutcomeUnknown && s.stands() {
			return workflows.Posted{LookAgain: time.Hour}, nil
		}
		if why, err := s.stop(held.RefusedRepeatedly); why != nil {
			return workflows.Posted{LookAgain: time.Hour, Held: why}, err
		}
		if out.Held, err = s.stop(whenPosted...); out.Held == nil {
			out.BatchNumber = "000123"
		}
		return out, err
	})
	add(s.env, &mu, workflows.CompleteBatch, func(workflows.PostInput) (out workflows.Completed, err error) {
		if out.Held, err = s.stop(held.ReleaseFailed); out.Held == nil {
			out.State = workflows.StateVerified
		}
		return out, err
	})
}

func add[In, Out any](env *testsuite.TestWorkflowEnvironment, mu *sync.Mutex, a workflows.Activity[In, Out], do func(In) (Out, error)) {
	env.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) {
		mu.Lock()
		defer mu.Unlock()
		return do(in)
	}, activity.RegisterOptions{Name: a.Name})
}
