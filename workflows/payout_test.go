package workflows_test

import (
	"errors"
	"slices"
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

var (
	jan   = workflows.PayoutInput{PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: "10001"}, Date: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	annas = workflows.Person{Who: "anna"}
)

func runPayout(t *testing.T, s *steps, arrange func(env *testsuite.TestWorkflowEnvironment)) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := newEnv(t, s)
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil).Maybe()
	if arrange != nil {
		arrange(env)
	}
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
	return env
}

func TestAPayoutIsProvenCompiledPostedAndCompletedInThatOrder(t *testing.T) {
	s := goodSteps()
	env := runPayout(t, s, nil)
	got := result[workflows.PayoutResult](t, env)
	want := workflows.PayoutResult{State: "verified", BatchNumber: "000123", Rows: 3, Settlement: 8_590_000, Currency: "SEK"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"prove", "compile", "post", "complete"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestAPayoutThatIsSplitBooksItsPartsAfterItselfAndBeforeItsRelease(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", Periods: []string{"202601"}, Split: true})
	s.split = answers(
		workflows.Posted{LookAgain: time.Minute},
		workflows.Posted{Held: &workflows.Held{Code: held.PeriodClosed}},
		workflows.Posted{Held: &workflows.Held{Code: held.PeriodClosed}},
		workflows.Posted{},
	)
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		// Held for a closed period since the first minute; the profile gives the
		// split up a while later.
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.ProfileChanged.Name, 2) }, time.Hour)
	})
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"prove", "compile", "post", "split", "split", "split", "split", "complete"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestADraftEndsAsPosted(t *testing.T) {
	s := goodSteps()
	s.complete = answers(workflows.Completed{State: workflows.StatePosted})
	if got := result[workflows.PayoutResult](t, runPayout(t, s, nil)); got.State != workflows.StatePosted {
		t.Errorf("a draft ended as %s", got.State)
	}
}

func TestAPayoutThatWasFinalIsNotPostedAgain(t *testing.T) {
	s := goodSteps()
	s.prove = answers(workflows.Proven{Final: workflows.StateVerified, Batch: "000099"})
	got := result[workflows.PayoutResult](t, runPayout(t, s, nil))
	if got.State != workflows.StateVerified || got.BatchNumber != "000099" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"prove"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestAHeldPayoutWaitsAndGoesOnWhenRetried(t *testing.T) {
	s := goodSteps()
	s.prove = answers(workflows.Proven{Rows: 3, Held: heldFor(held.RowsDiffer)}, workflows.Proven{Rows: 3, Settlement: 1, Currency: "SEK"})
	var while workflows.PayoutStatus
	var retry *outcome
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		during(t, env, func() { while = ask(t, env, workflows.PayoutStatusQuery) }, time.Hour)
		retry = tell(t, env, 60*24*time.Hour, workflows.RetryPayout, annas)
	})
	if while.State != workflows.StateHeld || while.Held == nil || while.Held.Code != held.RowsDiffer {
		t.Errorf("while held: %+v", while)
	}
	if retry.rejected != nil || retry.failed != nil {
		t.Errorf("retry: %v %v", retry.rejected, retry.failed)
	}
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
	if len(s.holds) != 1 || len(s.decisions) != 1 || s.decisions[0].Who != "anna" {
		t.Errorf("holds %+v, decisions %+v", s.holds, s.decisions)
	}
}

func TestNothingIsPostedBeforeAPersonApproves(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true})
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		during(t, env, func() {
			if got := ask(t, env, workflows.PayoutStatusQuery); got.State != workflows.StateAwaitingApproval {
				t.Errorf("before the approval it is %s", got.State)
			}
			s.change(func() {
				if diff := cmp.Diff([]string{"prove", "compile"}, s.called); diff != "" {
					t.Errorf("steps before the approval (-want +got):\n%s", diff)
				}
			})
		}, time.Hour)
		tell(t, env, 2*time.Hour, workflows.ApprovePayout, annas)
	})
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
}

func TestAnApprovalIsForTheVoucherThatWasSeen(t *testing.T) {
	s := goodSteps()
	s.compile = answers(
		workflows.Compiled{VoucherHash: "v1", NeedsApproval: true},
		workflows.Compiled{VoucherHash: "v2", NeedsApproval: true},
	)
	s.post = answers(workflows.Posted{Held: heldFor(held.Rejected)}, workflows.Posted{BatchNumber: "000123"})
	asked := false
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		tell(t, env, time.Hour, workflows.ApprovePayout, annas)
		tell(t, env, 2*time.Hour, workflows.RetryPayout, annas)
		during(t, env, func() {
			asked = true
			if got := ask(t, env, workflows.PayoutStatusQuery); got.State != workflows.StateAwaitingApproval {
				t.Errorf("another voucher went on as %s without approval", got.State)
			}
		}, 3*time.Hour)
		tell(t, env, 4*time.Hour, workflows.ApprovePayout, annas)
	})
	result[workflows.PayoutResult](t, env)
	if !asked {
		t.Error("another voucher was posted with the approval of the first")
	}
}

func TestARejectedPayoutEndsWithoutAPosting(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true})
	var bare *outcome
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		bare = tell(t, env, time.Hour, workflows.RejectPayout, annas)
		tell(t, env, 2*time.Hour, workflows.RejectPayout, workflows.Person{Who: "anna", Reason: "booked by hand"})
	})
	if bare.rejected == nil {
		t.Error("a rejection without a reason was accepted")
	}
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateRejected {
		t.Errorf("ended as %s", got.State)
	}
	if diff := cmp.Diff([]string{"prove", "compile"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestWhileTheOutcomeIsUnknownNothingElseMoves(t *testing.T) {
	s := goodSteps()
	s.post = answers(workflows.Posted{LookAgain: time.Minute}, workflows.Posted{LookAgain: time.Minute}, workflows.Posted{BatchNumber: "000123", Adopted: true})
	var reject *outcome
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		reject = tell(t, env, 30*time.Second, workflows.RejectPayout, workflows.Person{Who: "anna", Reason: "enough"})
	})
	if reject.rejected == nil {
		t.Error("a payout whose batch may stand in Visma.net was rejected")
	}
	got := result[workflows.PayoutResult](t, env)
	if !got.Adopted || got.State != workflows.StateVerified {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"prove", "compile", "post", "post", "post", "complete"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if len(s.holds) != 1 {
		t.Errorf("one unknown outcome was recorded %d times", len(s.holds))
	}
}

func TestAReleaseThatFailsIsRetriedWithoutPostingAgain(t *testing.T) {
	s := goodSteps()
	s.complete = answers(workflows.Completed{Held: heldFor(held.ReleaseFailed)}, workflows.Completed{State: workflows.StateVerified})
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		tell(t, env, time.Hour, workflows.RetryPayout, annas)
	})
	result[workflows.PayoutResult](t, env)
	if diff := cmp.Diff([]string{"prove", "compile", "post", "complete", "complete"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestAClosedPeriodIsLookedAtDaily(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{Held: heldFor(held.PeriodClosed)}, workflows.Compiled{Held: heldFor(held.PeriodClosed)}, workflows.Compiled{VoucherHash: "v1"})
	env := newEnv(t, s)
	began := env.Now()
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
	result[workflows.PayoutResult](t, env)
	if waited := env.Now().Sub(began); waited < 48*time.Hour || waited > 49*time.Hour {
		t.Errorf("the period was open after %s", waited)
	}
}

func TestADeadCredentialWaitsForReauthorisationAndThenGoesOn(t *testing.T) {
	s := goodSteps()
	s.post = fails(deadCredential(workflows.ProviderVisma), workflows.Posted{BatchNumber: "000123"})
	env := newEnv(t, s)
	env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.ReauthRequired.Name, mock.MatchedBy(func(in workflows.ReauthNeeded) bool {
		return in.Provider == workflows.ProviderVisma && in.WorkflowID != ""
	})).Return(nil).Once()
	during(t, env, func() {
		if got := ask(t, env, workflows.PayoutStatusQuery); got.Held == nil || got.Held.Code != held.CredentialVisma {
			t.Errorf("while the credential is dead: %+v", got)
		}
		env.SignalWorkflow(workflows.Reauthenticated.Name, workflows.ProviderKlarna) // the other side: no reason to move
	}, time.Hour)
	during(t, env, func() {
		env.SignalWorkflow(workflows.Reauthenticated.Name, workflows.ProviderVisma)
	}, 60*24*time.Hour)
	began := env.Now()
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
	if waited := env.Now().Sub(began); waited < 60*24*time.Hour {
		t.Errorf("it did not wait for its side: %s", waited)
	}
	env.AssertExpectations(t)
}

func TestAStepThatKeepsFailingIsHeldNotLost(t *testing.T) {
	s := goodSteps()
	s.compile = fails(temporal.NewNonRetryableApplicationError("disk full", "io", errors.New("no space")), workflows.Compiled{VoucherHash: "v1"})
	env := runPayout(t, s, nil)
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
	if len(s.holds) != 1 || s.holds[0].Held.Code != held.Failed {
		t.Errorf("holds: %+v", s.holds)
	}
}

func TestANewProfileWakesAPayoutThatWaitsForARule(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{Held: heldFor(held.ComponentUnknown)}, workflows.Compiled{VoucherHash: "v2"})
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		during(t, env, func() { env.SignalWorkflow(workflows.ProfileChanged.Name, 2) }, time.Hour)
	})
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
}

func TestTheSyncHearsOnceThatAPayoutWaitsForAPerson(t *testing.T) {
	s := goodSteps()
	s.prove = answers(workflows.Proven{Rows: 7, Held: heldFor(held.RowsDiffer)}, workflows.Proven{Rows: 7, Held: heldFor(held.RowsDiffer)}, workflows.Proven{Rows: 7})
	env := newEnv(t, s)
	env.OnSignalExternalWorkflow(mock.Anything, "backfill/c1/a/b", "", workflows.PayoutParked.Name, mock.MatchedBy(func(in workflows.Parked) bool {
		return in.PaymentReference == "10001" && in.Rows == 7 && !in.ByItself
	})).Return(nil).Once()
	tell(t, env, time.Hour, workflows.RetryPayout, annas)
	tell(t, env, 2*time.Hour, workflows.RetryPayout, annas)
	in := jan
	in.Sync = "backfill/c1/a/b"
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, in)
	result[workflows.PayoutResult](t, env)
	env.AssertExpectations(t)
}

func TestFiguresThatChangedBeforeThePostAreProvenAnew(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1"}, workflows.Compiled{VoucherHash: "v2"})
	s.post = answers(workflows.Posted{Held: heldFor(held.FiguresChanged)}, workflows.Posted{BatchNumber: "000123"})
	if got := result[workflows.PayoutResult](t, runPayout(t, s, nil)); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
	if diff := cmp.Diff([]string{"prove", "compile", "post", "prove", "compile", "post", "complete"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if len(s.holds) != 0 {
		t.Errorf("nobody was needed, and it was held: %+v", s.holds)
	}
}

// TestBeginningAnewHasAnEnd: what is refused as it was compiled, however often it is
// compiled, is for a person. A run of before this goes on as it did.
func TestBeginningAnewHasAnEnd(t *testing.T) {
	changed := workflows.Posted{Held: heldFor(held.FiguresChanged)}
	for name, c := range map[string]struct {
		old   bool
		posts int
		holds int
	}{
		"with an end":     {false, 3 + 1, 1},
		"of before there": {true, 7, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := goodSteps()
			refusals := slices.Repeat([]workflows.Posted{changed}, c.posts-1)
			s.post = answers(append(refusals, workflows.Posted{BatchNumber: "000123"})...)
			got := result[workflows.PayoutResult](t, runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
				if c.old {
					env.OnGetVersion(mock.Anything, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
				}
			}))
			posts := 0
			for _, step := range s.called {
				if step == "post" {
					posts++
				}
			}
			if got.State != workflows.StateVerified || posts != c.posts || len(s.holds) != c.holds {
				t.Fatalf("ended as %s after %d posts and %d holds", got.State, posts, len(s.holds))
			}
			if c.holds > 0 && (s.holds[0].Held.Code != held.Failed || !strings.Contains(s.holds[0].Held.Detail, "begun anew 3 times")) {
				t.Errorf("held as %+v", s.holds[0].Held)
			}
		})
	}
}

func TestAnApprovalOfAVoucherThatWasCompiledAnewIsRefused(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true}, workflows.Compiled{VoucherHash: "v2", NeedsApproval: true})
	var late *outcome
	runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		during(t, env, func() { env.SignalWorkflow(workflows.ProfileChanged.Name, 2) }, time.Hour)
		late = tell(t, env, 2*time.Hour, workflows.ApprovePayout, workflows.Person{Who: "anna", VoucherHash: "v1"})
		tell(t, env, 3*time.Hour, workflows.ApprovePayout, workflows.Person{Who: "anna", VoucherHash: "v2"})
	})
	if late.rejected == nil {
		t.Error("the approval of the first voucher counted for the second")
	}
	if len(s.decisions) != 1 || s.decisions[0].VoucherHash != "v2" {
		t.Errorf("recorded was %+v", s.decisions)
	}
}

func TestAPayoutWhoseBatchStandsCannotBeRejected(t *testing.T) {
	s := goodSteps()
	s.post = answers(workflows.Posted{BatchNumber: "000001", Held: heldFor(held.ChangedAfterPosting)}, workflows.Posted{BatchNumber: "000001"})
	var reject *outcome
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		reject = tell(t, env, time.Hour, workflows.RejectPayout, workflows.Person{Who: "anna", Reason: "enough"})
		tell(t, env, 2*time.Hour, workflows.RetryPayout, annas)
	})
	if reject.rejected == nil {
		t.Error("a payout whose batch stands in the books was rejected as not posted")
	}
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
}

// An authorisation that died while the voucher was posted keeps nobody from closing
// the payout; whether something was sent, the activity that records it says.
func TestAPayoutWhoseCredentialIsDeadIsRejectedWhereNothingWasSent(t *testing.T) {
	for refusal, want := range map[string]string{"": workflows.StateRejected, "Visma.net may already have the batch": workflows.StateVerified} {
		s := goodSteps()
		s.post = fails(deadCredential(workflows.ProviderVisma), workflows.Posted{BatchNumber: "000123"})
		s.deny = func(workflows.Decision) string { return refusal }
		env := newEnv(t, s)
		env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.ReauthRequired.Name, mock.Anything).Return(nil)
		reject := tell(t, env, time.Hour, workflows.RejectPayout, workflows.Person{Who: "anna", Reason: "the company is gone"})
		env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
		if got := result[workflows.PayoutResult](t, env); got.State != want || (reject.failed != nil) != (refusal != "") {
			t.Errorf("refused with %q it is %s, answered with %v", refusal, got.State, reject.failed)
		}
	}
}

func TestARetryAsksKlarnaAgain(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{Held: heldFor(held.FormulaDiffers)}, workflows.Compiled{VoucherHash: "v1"})
	runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		tell(t, env, time.Hour, workflows.RetryPayout, annas)
	})
	if diff := cmp.Diff([]string{"prove", "compile", "prove", "compile", "post", "complete"}, s.called); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// A payout that was held a moment ago looks by itself whether its batch has come. A
// person who asks for it to be sent again just then is heard.
func TestARetryWhileAHeldPayoutLooksByItselfIsHeard(t *testing.T) {
	s := goodSteps()
	refused := workflows.Posted{LookAgain: time.Minute, Held: heldFor(held.RefusedRepeatedly)}
	answers := answers(refused, refused, workflows.Posted{BatchNumber: "000123"})
	heard := &hearing{accepted: make(chan error, 1)}
	runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		s.post = func() (workflows.Posted, error) {
			if len(s.sent) == 2 { // it looks by itself
				env.UpdateWorkflow(workflows.RetryPayout.Name, "now", heard, annas.WithInstruction("i"))
				if err := <-heard.accepted; err != nil {
					t.Errorf("the retry was refused: %v", err)
				}
			}
			return answers()
		}
	})
	if len(s.sent) != 3 || s.sent[1].Again || !s.sent[2].Again {
		t.Errorf("sent were %+v", s.sent)
	}
	if len(s.decisions) != 1 || s.decisions[0].Kind != workflows.DecisionRetry {
		t.Errorf("recorded was %+v", s.decisions)
	}
}

type hearing struct{ accepted chan error }

func (h *hearing) Accept()             { h.accepted <- nil }
func (h *hearing) Reject(err error)    { h.accepted <- err }
func (h *hearing) Complete(any, error) {}
