package workflows_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"kvitt/internal/held"
	"kvitt/internal/notice"
	"kvitt/workflows"
)

// steps stands in for the activities: each answers what the test says, in
// order, the last answer again and again.
type steps struct {
	mu sync.Mutex // activities run beside the test's own callbacks

	prove            func() (workflows.Proven, error)
	compile          func() (workflows.Compiled, error)
	post             func() (workflows.Posted, error)
	sent             []workflows.PostInput
	split            func() (workflows.Posted, error)
	complete         func() (workflows.Completed, error)
	prepareReversal  func() (workflows.PreparedReversal, error)
	postReversal     func() (workflows.Posted, error)
	completeReversal func() (workflows.Completed, error)

	prepareAccrual  func() (workflows.PreparedAccrual, error)
	postAccrual     func() (workflows.Posted, error)
	completeAccrual func() (workflows.Completed, error)

	preview func(workflows.PreviewInput) (workflows.Found, error)
	deny    func(workflows.Decision) string // why a decision is refused
	state   func(workflows.PayoutRef) (workflows.Found, error)

	begin func(workflows.BeginSyncInput) (workflows.Plan, error)
	list  func(workflows.ListPayoutsInput) (workflows.Listing, error)

	verify map[string]func(workflows.VerifyInput) (workflows.Verified, error)

	stock  func() (workflows.Stock, error)
	notify func(notice.Facts) error

	told      []notice.Facts // attempts to tell
	dropped   []notice.Facts
	called    []string
	holds     []workflows.Hold
	stops     []workflows.Stopped
	decisions []workflows.Decision
	proofs    []workflows.ProveInput
	forged    bool // no instruction proves anything
	finished  []workflows.FinishSyncInput
	missing   []notice.Missing // what FinishSync finds
	saved     []workflows.SaveConnectionInput
	schedules []workflows.ScheduleInput
	drifts    int
	astray    map[string]int // what CheckDrift finds
}

func answers[T any](out ...T) func() (T, error) {
	i := -1
	return func() (T, error) {
		i = min(i+1, len(out)-1)
		return out[i], nil
	}
}

// fails answers the error first, then out.
func fails[T any](err error, out T) func() (T, error) {
	failed := false
	return func() (T, error) {
		if !failed {
			failed = true
			var zero T
			return zero, err
		}
		return out, nil
	}
}

// mirrored is a reversal that can be posted.
var mirrored = workflows.PreparedReversal{Reverses: "000123", VoucherHash: "m1", Date: "2026-01-05", Periods: []string{"202601"}}

func goodSteps() *steps {
	return &steps{
		prepareReversal:  answers(mirrored),
		postReversal:     answers(workflows.Posted{BatchNumber: "000124"}),
		completeReversal: answers(workflows.Completed{State: workflows.StateReversed}),

		prepareAccrual:  answers(workflows.PreparedAccrual{VoucherHash: "a1", Periods: []string{"202601"}}),
		postAccrual:     answers(workflows.Posted{BatchNumber: "000125"}),
		completeAccrual: answers(workflows.Completed{State: workflows.StateVerified}),

		prove:    answers(workflows.Proven{Rows: 3, Settlement: 8_590_000, Currency: "SEK"}),
		compile:  answers(workflows.Compiled{VoucherHash: "v1", Periods: []string{"202601"}}),
		post:     answers(workflows.Posted{BatchNumber: "000123"}),
		split:    answers(workflows.Posted{}),
		complete: answers(workflows.Completed{State: workflows.StateVerified}),
		begin: func(workflows.BeginSyncInput) (workflows.Plan, error) {
			return workflows.Plan{RunID: "run", Concurrency: 2, Windows: []workflows.Window{{}}}, nil
		},
		stock:  answers(workflows.Stock{SyncLimit: 1000 * 24 * time.Hour, GrantWarning: 14 * 24 * time.Hour}),
		notify: func(notice.Facts) error { return nil },
		list:   func(workflows.ListPayoutsInput) (workflows.Listing, error) { return workflows.Listing{}, nil },
		verify: map[string]func(workflows.VerifyInput) (workflows.Verified, error){
			workflows.ProviderKlarna: func(workflows.VerifyInput) (workflows.Verified, error) {
				return workflows.Verified{OK: true, MerchantID: "K123", Environment: "test"}, nil
			},
			workflows.ProviderVisma: func(workflows.VerifyInput) (workflows.Verified, error) {
				return workflows.Verified{OK: true, Company: "42", CompanyName: "Nordic Shop AB", BaseCurrency: "SEK", Flow: "service"}, nil
			},
		},
	}
}

// change lets a test give other answers while the workflow runs.
func (s *steps) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *steps) register(env *testsuite.TestWorkflowEnvironment) {
	note := func(name string) { s.called = append(s.called, name) }
	add(env, &s.mu, workflows.ProvePayout, func(workflows.PayoutRef) (workflows.Proven, error) { note("prove"); return s.prove() })
	add(env, &s.mu, workflows.CompileVoucher, func(workflows.PayoutRef) (workflows.Compiled, error) { note("compile"); return s.compile() })
	add(env, &s.mu, workflows.PostVoucher, func(in workflows.PostInput) (workflows.Posted, error) {
		note("post")
		s.sent = append(s.sent, in)
		return s.post()
	})
	add(env, &s.mu, workflows.PostSplit, func(workflows.PostInput) (workflows.Posted, error) { note("split"); return s.split() })
	add(env, &s.mu, workflows.CompleteBatch, func(workflows.PostInput) (workflows.Completed, error) { note("complete"); return s.complete() })
	add(env, &s.mu, workflows.PrepareReversal, func(workflows.ReverseInput) (workflows.PreparedReversal, error) {
		note("prepare reversal")
		return s.prepareReversal()
	})
	add(env, &s.mu, workflows.PostReversal, func(workflows.ReversalStep) (workflows.Posted, error) {
		note("post reversal")
		return s.postReversal()
	})
	add(env, &s.mu, workflows.CompleteReversal, func(workflows.ReversalStep) (workflows.Completed, error) {
		note("complete reversal")
		return s.completeReversal()
	})
	add(env, &s.mu, workflows.PrepareAccrual, func(workflows.AccrualInput) (workflows.PreparedAccrual, error) {
		note("prepare accrual")
		return s.prepareAccrual()
	})
	add(env, &s.mu, workflows.PostAccrual, func(workflows.AccrualStep) (workflows.Posted, error) {
		note("post accrual")
		return s.postAccrual()
	})
	add(env, &s.mu, workflows.CompleteAccrual, func(workflows.AccrualStep) (workflows.Completed, error) {
		note("complete accrual")
		return s.completeAccrual()
	})
	add(env, &s.mu, workflows.KeepStop, func(in workflows.Stopped) (workflows.Nothing, error) {
		s.stops = append(s.stops, in)
		return workflows.Nothing{}, nil
	})
	add(env, &s.mu, workflows.HoldPayout, func(in workflows.Hold) (workflows.Nothing, error) {
		s.holds = append(s.holds, in)
		return workflows.Nothing{}, nil
	})
	add(env, &s.mu, workflows.RecordDecision, func(in workflows.Decision) (workflows.Recorded, error) {
		if s.deny != nil && s.deny(in) != "" {
			return workflows.Recorded{Refused: s.deny(in)}, nil
		}
		s.decisions = append(s.decisions, in)
		return workflows.Recorded{}, nil
	})
	add(env, &s.mu, workflows.ProveInstruction, func(in workflows.ProveInput) (workflows.Recorded, error) {
		s.proofs = append(s.proofs, in)
		if s.forged {
			return workflows.Recorded{Refused: "nobody is known to have asked for it", Code: workflows.RefusedInstruction}, nil
		}
		return workflows.Recorded{}, nil
	})
	add(env, &s.mu, workflows.PreviewPayout, func(in workflows.PreviewInput) (workflows.Found, error) { return s.preview(in) })
	add(env, &s.mu, workflows.PayoutState, func(in workflows.PayoutRef) (workflows.Found, error) { return s.state(in) })
	add(env, &s.mu, workflows.BeginSync, func(in workflows.BeginSyncInput) (workflows.Plan, error) { return s.begin(in) })
	add(env, &s.mu, workflows.ListPayouts, func(in workflows.ListPayoutsInput) (workflows.Listing, error) { return s.list(in) })
	add(env, &s.mu, workflows.FinishSync, func(in workflows.FinishSyncInput) (workflows.Finished, error) {
		s.finished = append(s.finished, in)
		return workflows.Finished{Outcome: workflows.OutcomeFetched, Missing: s.missing}, nil
	})
	add(env, &s.mu, workflows.VerifyKlarna, func(in workflows.VerifyInput) (workflows.Verified, error) {
		return s.verify[workflows.ProviderKlarna](in)
	})
	add(env, &s.mu, workflows.VerifyVisma, func(in workflows.VerifyInput) (workflows.Verified, error) {
		return s.verify[workflows.ProviderVisma](in)
	})
	add(env, &s.mu, workflows.SaveConnection, func(in workflows.SaveConnectionInput) (workflows.Nothing, error) {
		s.saved = append(s.saved, in)
		return workflows.Nothing{}, nil
	})
	add(env, &s.mu, workflows.SetSchedule, func(in workflows.ScheduleInput) (workflows.Nothing, error) {
		s.schedules = append(s.schedules, in)
		return workflows.Nothing{}, nil
	})
	add(env, &s.mu, workflows.TakeStock, func(workflows.StockInput) (workflows.Stock, error) { return s.stock() })
	add(env, &s.mu, workflows.Notify, func(in notice.Facts) (workflows.Nothing, error) {
		s.told = append(s.told, in)
		return workflows.Nothing{}, s.notify(in)
	})
	add(env, &s.mu, workflows.DropNotice, func(in notice.Facts) (workflows.Nothing, error) {
		s.dropped = append(s.dropped, in)
		return workflows.Nothing{}, nil
	})
	add(env, &s.mu, workflows.CheckDrift, func(workflows.DriftInput) (workflows.DriftFound, error) {
		s.drifts++
		return workflows.DriftFound{Words: s.astray}, nil
	})
	add(env, &s.mu, workflows.EraseSecrets, func(workflows.VerifyInput) (workflows.Nothing, error) {
		note("erase")
		return workflows.Nothing{}, nil
	})
}

func add[In, Out any](env *testsuite.TestWorkflowEnvironment, mu *sync.Mutex, a workflows.Activity[In, Out], fn func(In) (Out, error)) {
	env.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) {
		mu.Lock()
		defer mu.Unlock()
		return fn(in)
	}, activity.RegisterOptions{Name: a.Name})
}

func newEnv(t *testing.T, s *steps) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	workflows.Register(env)
	s.register(env)
	return env
}

func heldFor(code held.Code) *workflows.Held {
	return &workflows.Held{Code: code, Detail: "what happened", Remedy: "what helps"}
}

func deadCredential(provider string) error {
	return temporal.NewNonRetryableApplicationError("refused", workflows.CredentialErrorType, nil,
		workflows.CredentialError{Provider: provider, Reason: "the key was revoked"})
}

// outcome collects the answer of an update.
type outcome struct {
	rejected, failed error
	result           any
}

func (o *outcome) Accept()          {}
func (o *outcome) Reject(err error) { o.rejected = err }
func (o *outcome) Complete(result any, err error) {
	o.result, o.failed = result, err
}

// during does something at a moment of the simulated clock, while the workflow
// runs. A workflow that has ended before fails the test: what was to be checked
// was not.
func during(t *testing.T, env *testsuite.TestWorkflowEnvironment, do func(), after time.Duration) {
	t.Helper()
	done := false
	env.RegisterDelayedCallback(func() { done = true; do() }, after)
	t.Cleanup(func() {
		if !done {
			t.Errorf("the workflow ended before %s, and what was to happen then did not", after)
		}
	})
}

// tell sends an update at a moment of the simulated clock.
func tell[In, Out any](t *testing.T, env *testsuite.TestWorkflowEnvironment, after time.Duration, u workflows.Update[In, Out], in In) *outcome {
	t.Helper()
	o := &outcome{}
	if m, ok := any(in).(workflows.Instructed[In]); ok && m.Asker() != "" {
		in = m.WithInstruction("instruction of " + u.Name)
	}
	during(t, env, func() { env.UpdateWorkflow(u.Name, u.Name+after.String(), o, in) }, after)
	return o
}

func ask[Out any](t *testing.T, env *testsuite.TestWorkflowEnvironment, q workflows.Query[Out]) Out {
	t.Helper()
	value, err := env.QueryWorkflow(q.Name)
	if err != nil {
		t.Fatalf("query %s: %v", q.Name, err)
	}
	var out Out
	if err := value.Get(&out); err != nil {
		t.Fatalf("decode the answer of query %s: %v", q.Name, err)
	}
	return out
}

func result[Out any](t *testing.T, env *testsuite.TestWorkflowEnvironment) Out {
	t.Helper()
	var out Out
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow has not completed")
	}
	if err := env.GetWorkflowResult(&out); err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
	return out
}
