package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
	"kvitt/workflows"
)

var year = workflows.SyncInput{Connection: "c1", Mode: workflows.ModeBackfill, From: "2026-01-01", To: "2026-12-31"}

// children replaces PayoutWorkflow by a function of the payment reference.
func children(env *testsuite.TestWorkflowEnvironment, run func(ctx workflow.Context, in workflows.PayoutInput) (workflows.PayoutResult, error)) {
	env.OnWorkflow(workflows.PayoutWorkflowName, mock.Anything, mock.Anything).Return(run)
}

func due(n int) []workflows.DuePayout {
	out := make([]workflows.DuePayout, n)
	for i := range out {
		out[i] = workflows.DuePayout{PaymentReference: fmt.Sprintf("ref%02d", i), Currency: "SEK", Date: time.Date(2026, 1, 1+i, 9, 0, 0, 0, time.UTC)}
	}
	return out
}

func listing(l workflows.Listing) func(workflows.ListPayoutsInput) (workflows.Listing, error) {
	return func(workflows.ListPayoutsInput) (workflows.Listing, error) { return l, nil }
}

func verified(ctx workflow.Context, _ workflows.PayoutInput) (workflows.PayoutResult, error) {
	return workflows.PayoutResult{State: workflows.StateVerified, Rows: 10, Settlement: 100, Currency: "SEK"}, workflow.Sleep(ctx, time.Minute)
}

func TestASyncPostsWhatIsDueAndSkipsWhatWasFinal(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 7, Skipped: 2, SkippedRows: 5, SkippedSums: map[string]int64{"SEK": 50, "EUR": 7}, Due: due(5)})
	env := newEnv(t, s)
	children(env, verified)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	got := result[workflows.SyncResult](t, env)
	want := workflows.Progress{
		State: "done", Windows: 1, WindowsRun: 1, Found: 7, Posted: 5, Skipped: 2, Rows: 55,
		Amounts: map[string]int64{"SEK": 550, "EUR": 7}, Since: got.Since,
	}
	if diff := cmp.Diff(want, got.Progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if len(s.finished) != 1 || got.Outcome != workflows.OutcomeFetched {
		t.Errorf("finished %+v, outcome %s", s.finished, got.Outcome)
	}
}

func TestASyncRunsAtMostNPayoutsOldestFirst(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := goodSteps()
			s.begin = func(workflows.BeginSyncInput) (workflows.Plan, error) {
				return workflows.Plan{RunID: "run", Concurrency: n, Windows: []workflows.Window{{}}}, nil
			}
			s.list = listing(workflows.Listing{Found: 6, Due: due(6)})
			env := newEnv(t, s)
			var order []string
			running, most := 0, 0
			children(env, func(ctx workflow.Context, in workflows.PayoutInput) (workflows.PayoutResult, error) {
				order = append(order, in.PaymentReference)
				running++
				most = max(most, running)
				err := workflow.Sleep(ctx, time.Minute)
				running--
				return workflows.PayoutResult{State: workflows.StateVerified}, err
			})
			env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
			result[workflows.SyncResult](t, env)
			if most != n {
				t.Errorf("%d at once, want %d", most, n)
			}
			// The test environment starts children of one task in any order.
			if diff := cmp.Diff([]string{"ref00", "ref01", "ref02", "ref03", "ref04", "ref05"}, order); n == 1 && diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneBadPayoutNeverBlocksTheOthers(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 5, Due: due(5)})
	env := newEnv(t, s)
	children(env, func(ctx workflow.Context, in workflows.PayoutInput) (workflows.PayoutResult, error) {
		switch in.PaymentReference {
		case "ref00", "ref01": // both places of the plan would be taken for good
			workflows.PayoutParked.Send(ctx, in.Sync, workflows.Parked{PaymentReference: in.PaymentReference, Reason: string(held.RowsDiffer), Rows: 3})
			return workflows.PayoutResult{}, workflow.Sleep(ctx, 365*24*time.Hour)
		case "ref02":
			return workflows.PayoutResult{}, fmt.Errorf("terminated")
		}
		return verified(ctx, in)
	})
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	got := result[workflows.SyncResult](t, env)
	if got.Held != 2 || got.Posted != 2 || got.Failed != 1 || got.Rows != 26 {
		t.Errorf("held %d, posted %d, failed %d, rows %d", got.Held, got.Posted, got.Failed, got.Rows)
	}
}

func TestAHeldPayoutThatGoesOnDuringTheSyncCountsAsPosted(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 2, Due: due(2)})
	env := newEnv(t, s)
	children(env, func(ctx workflow.Context, in workflows.PayoutInput) (workflows.PayoutResult, error) {
		if in.PaymentReference == "ref01" {
			return workflows.PayoutResult{State: workflows.StateVerified, Rows: 10}, workflow.Sleep(ctx, time.Hour)
		}
		workflows.PayoutParked.Send(ctx, in.Sync, workflows.Parked{PaymentReference: in.PaymentReference, Reason: string(held.Approval), Rows: 10})
		return workflows.PayoutResult{State: workflows.StateVerified, Rows: 10}, workflow.Sleep(ctx, time.Minute)
	})
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	if got := result[workflows.SyncResult](t, env); got.Held != 0 || got.Posted != 2 || got.Rows != 20 {
		t.Errorf("held %d, posted %d, rows %d", got.Held, got.Posted, got.Rows)
	}
}

func TestADeadCredentialStopsNewPayoutsUntilItWorksAgain(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 4, Due: due(4)})
	env := newEnv(t, s)
	started := 0
	env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.ReauthRequired.Name, mock.Anything).Return(nil).Once()
	children(env, func(ctx workflow.Context, in workflows.PayoutInput) (workflows.PayoutResult, error) {
		started++
		if in.PaymentReference == "ref00" {
			workflows.PayoutParked.Send(ctx, in.Sync, workflows.Parked{
				PaymentReference: in.PaymentReference, Reason: string(held.CredentialVisma), ByItself: true, Provider: workflows.ProviderVisma,
			})
			return workflows.PayoutResult{State: workflows.StateVerified}, workflow.Sleep(ctx, 61*24*time.Hour)
		}
		return verified(ctx, in)
	})
	during(t, env, func() {
		if got := ask(t, env, workflows.ProgressQuery); got.State != "waiting" || started > 2 {
			t.Errorf("while the credential is dead: %s, %d started", got.State, started)
		}
	}, 24*time.Hour)
	during(t, env, func() {
		env.SignalWorkflow(workflows.Reauthenticated.Name, workflows.ProviderVisma)
	}, 60*24*time.Hour)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	if got := result[workflows.SyncResult](t, env); got.Posted != 4 || got.Held != 0 {
		t.Errorf("posted %d, held %d", got.Posted, got.Held)
	}
	env.AssertExpectations(t)
}

func TestAListingThatMeetsADeadCredentialWaitsToo(t *testing.T) {
	s := goodSteps()
	refused := true
	s.list = func(workflows.ListPayoutsInput) (workflows.Listing, error) {
		if refused {
			refused = false
			return workflows.Listing{}, deadCredential(workflows.ProviderKlarna)
		}
		return workflows.Listing{Found: 1, Skipped: 1}, nil
	}
	env := newEnv(t, s)
	env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.ReauthRequired.Name, mock.Anything).Return(nil).Once()
	during(t, env, func() {
		env.SignalWorkflow(workflows.Reauthenticated.Name, workflows.ProviderKlarna)
	}, time.Hour)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	if got := result[workflows.SyncResult](t, env); got.Found != 1 {
		t.Errorf("found %d", got.Found)
	}
}

func TestPauseStopsNewPayoutsAndResumeGoesOn(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 6, Due: due(6)})
	env := newEnv(t, s)
	children(env, verified)
	during(t, env, func() { env.SignalWorkflow(workflows.PauseSync.Name, annas) }, 30*time.Second)
	during(t, env, func() {
		if got := ask(t, env, workflows.ProgressQuery); got.State != "paused" || got.Posted != 2 {
			t.Errorf("paused: %s, posted %d", got.State, got.Posted)
		}
		env.SignalWorkflow(workflows.ResumeSync.Name, annas)
	}, 24*time.Hour)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	if got := result[workflows.SyncResult](t, env); got.Posted != 6 {
		t.Errorf("posted %d", got.Posted)
	}
}

func TestACancelledSyncEndsWhatRunsAndKeepsItsResult(t *testing.T) {
	for name, cancel := range map[string]func(env *testsuite.TestWorkflowEnvironment){
		"by signal":       func(env *testsuite.TestWorkflowEnvironment) { env.SignalWorkflow(workflows.CancelSync.Name, annas) },
		"by cancellation": func(env *testsuite.TestWorkflowEnvironment) { env.CancelWorkflow() },
	} {
		t.Run(name, func(t *testing.T) {
			s := goodSteps()
			s.list = listing(workflows.Listing{Found: 6, Due: due(6)})
			env := newEnv(t, s)
			children(env, verified)
			during(t, env, func() { cancel(env) }, 90*time.Second)
			env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
			if got := result[workflows.SyncResult](t, env); got.Posted != 4 {
				t.Errorf("posted %d, want the two that were done and the two that ran", got.Posted)
			}
			if len(s.finished) != 1 || !s.finished[0].Cancelled {
				t.Errorf("finished: %+v", s.finished)
			}
		})
	}
}

func TestADryRunPreviewsAndStartsNoPayout(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 2, Due: due(2)})
	s.preview = func(in workflows.PreviewInput) (workflows.Found, error) {
		return workflows.Found{PaymentReference: in.PaymentReference, State: workflows.StateCompiled, Rows: 4, Settlement: 9, Currency: "SEK"}, nil
	}
	env := newEnv(t, s)
	in := year
	in.DryRun = true
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, in)
	got := result[workflows.SyncResult](t, env)
	if got.Posted != 0 || len(got.Items) != 2 || got.Rows != 8 || got.Amounts["SEK"] != 18 {
		t.Errorf("got %+v", got)
	}
}

func TestASyncContinuesAsNewBetweenWindowsAndLosesNothing(t *testing.T) {
	s := goodSteps()
	s.begin = func(workflows.BeginSyncInput) (workflows.Plan, error) {
		return workflows.Plan{RunID: "run", Concurrency: 2, Windows: make([]workflows.Window, 3)}, nil
	}
	s.list = listing(workflows.Listing{Found: 2, Due: due(2)})
	env := newEnv(t, s)
	children(env, verified)
	during(t, env, func() { env.SetContinueAsNewSuggested(true) }, 30*time.Second)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	var next *workflow.ContinueAsNewError
	if !env.IsWorkflowCompleted() || !asContinueAsNew(env.GetWorkflowError(), &next) {
		t.Fatalf("it did not continue as new: %v", env.GetWorkflowError())
	}
	var in workflows.SyncInput
	decode(t, next, &in)
	if in.Carry == nil || in.Carry.Next != 1 || in.Carry.Progress.Posted != 2 || len(in.Carry.Pending) != 0 {
		t.Fatalf("carried: %+v", in.Carry)
	}

	rest := newEnv(t, s)
	children(rest, verified)
	rest.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, in)
	if got := result[workflows.SyncResult](t, rest); got.Posted != 6 || got.WindowsRun != 3 {
		t.Errorf("after the second run: posted %d in %d windows", got.Posted, got.WindowsRun)
	}
}

func TestASyncFollowsAPayoutThatAnotherOneStarted(t *testing.T) {
	s := goodSteps()
	looks := 0
	s.state = func(in workflows.PayoutRef) (workflows.Found, error) {
		if looks++; looks < 3 {
			return workflows.Found{PaymentReference: in.PaymentReference, State: workflows.StatePosting}, nil
		}
		return workflows.Found{PaymentReference: in.PaymentReference, State: workflows.StateVerified, Rows: 4, Settlement: 5, Currency: "SEK", Final: true}, nil
	}
	twice := due(1)[0]
	s.list = listing(workflows.Listing{Found: 2, Due: []workflows.DuePayout{twice, twice}})
	env := newEnv(t, s)
	children(env, verified)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	got := result[workflows.SyncResult](t, env)
	if got.Posted != 2 || got.Failed != 0 || looks != 3 {
		t.Errorf("posted %d, failed %d after %d looks", got.Posted, got.Failed, looks)
	}
}

func TestAListingThatCannotBeReadEndsTheSyncAndIsKept(t *testing.T) {
	s := goodSteps()
	s.begin = func(workflows.BeginSyncInput) (workflows.Plan, error) {
		return workflows.Plan{RunID: "run", Concurrency: 2, Windows: []workflows.Window{{}, {}}}, nil
	}
	first := true
	s.list = func(workflows.ListPayoutsInput) (workflows.Listing, error) {
		if first {
			first = false
			return workflows.Listing{Found: 2, Due: due(2)}, nil
		}
		return workflows.Listing{}, temporal.NewNonRetryableApplicationError("Klarna answered with a web page", "bad_data", nil)
	}
	env := newEnv(t, s)
	children(env, verified)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "a web page") {
		t.Errorf("the sync ended with %v", err)
	}
	if len(s.finished) != 1 || !strings.Contains(s.finished[0].Failed, "a web page") || s.finished[0].Progress.Posted != 2 {
		t.Errorf("kept was %+v", s.finished)
	}
}

func TestAPauseThatComesWhileASyncContinuesAsNewIsNotLost(t *testing.T) {
	s := goodSteps()
	s.begin = func(workflows.BeginSyncInput) (workflows.Plan, error) {
		return workflows.Plan{RunID: "run", Concurrency: 2, Windows: make([]workflows.Window, 3)}, nil
	}
	var env *testsuite.TestWorkflowEnvironment
	listed := 0
	s.list = func(workflows.ListPayoutsInput) (workflows.Listing, error) {
		if listed++; listed == 2 { // while the first window's payout still runs
			env.SetContinueAsNewSuggested(true)
		}
		return workflows.Listing{Found: 1, Due: due(1)}, nil
	}
	env = newEnv(t, s)
	children(env, verified)
	during(t, env, func() { env.SignalWorkflow(workflows.PauseSync.Name, annas) }, 45*time.Second)
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
	var next *workflow.ContinueAsNewError
	if env.IsWorkflowCompleted() && asContinueAsNew(env.GetWorkflowError(), &next) {
		var in workflows.SyncInput
		decode(t, next, &in)
		if in.Carry == nil || !in.Carry.Paused {
			t.Errorf("the pause was lost: %+v", in.Carry)
		}
		return
	}
	t.Fatalf("it did not continue as new: %v", env.GetWorkflowError())
}
