package workflows_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
	"kvitt/workflows"
)

var takeBack = workflows.ReverseInput{PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: "10001"}, Revision: 1, Who: "anna", Reason: "wrong account"}

func reverse(t *testing.T, s *steps, arrange func(env *testsuite.TestWorkflowEnvironment)) workflows.ReverseResult {
	t.Helper()
	env := newEnv(t, s)
	env.OnSignalExternalWorkflow(mock.Anything, "payout/c1/10001", "", workflows.PayoutReversed.Name, "000124").Return(nil)
	if arrange != nil {
		arrange(env)
	}
	env.ExecuteWorkflow(workflows.ReversePayoutWorkflowName, takeBack)
	return result[workflows.ReverseResult](t, env)
}

func TestAReversalIsPreparedRecordedPostedAndCompleted(t *testing.T) {
	s := goodSteps()
	var told *testsuite.TestWorkflowEnvironment
	got := reverse(t, s, func(env *testsuite.TestWorkflowEnvironment) { told = env }) // which tells the payout
	if got.State != workflows.StateReversed || got.BatchNumber != "000124" || got.Reverses != "000123" {
		t.Errorf("%+v", got)
	}
	told.AssertExpectations(t)
	if want := []string{"prepare reversal", "post reversal", "complete reversal"}; !slices.Equal(s.called, want) {
		t.Errorf("called %v, want %v", s.called, want)
	}
	if len(s.decisions) != 1 || s.decisions[0].Kind != workflows.DecisionReverse || s.decisions[0].Who != "anna" || s.decisions[0].Reason != "wrong account" {
		t.Errorf("recorded %+v", s.decisions)
	}
}

func TestWhatWasNeverPostedIsRefusedWithoutATrace(t *testing.T) {
	s := goodSteps()
	s.prepareReversal = answers(workflows.PreparedReversal{Refused: "nothing was posted for it"})
	got := reverse(t, s, nil)
	if got.State != workflows.ReversalRefused || got.Refused == "" || len(s.decisions) != 0 || len(s.called) != 1 {
		t.Errorf("%+v, called %v, recorded %v", got, s.called, s.decisions)
	}
}

func TestAReversalIntoAClosedPeriodWaitsAndLooksDaily(t *testing.T) {
	s := goodSteps()
	closed := mirrored
	closed.Held = heldFor(held.PeriodClosed)
	s.prepareReversal = answers(closed, closed, mirrored)
	got := reverse(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		during(t, env, func() {
			now := ask(t, env, workflows.ReverseStatusQuery)
			if now.State != workflows.StateHeld || !now.Told || now.Held.Code != held.PeriodClosed {
				t.Errorf("it stands: %+v", now)
			}
		}, 30*time.Hour)
	})
	if got.State != workflows.StateReversed || len(s.decisions) != 1 {
		t.Errorf("%+v, recorded %d times", got, len(s.decisions))
	}
	if want := (workflows.Stopped{Connection: "c1", Work: workflows.WorkReversal, Name: "10001", Held: *closed.Held}); len(s.stops) != 1 || !reflect.DeepEqual(s.stops[0], want) {
		t.Errorf("remembered %+v, want once that it waits for its period", s.stops)
	}
}

// A reversal that was held before this was built goes on in its past as it did,
// and lets the database know from its next stop on.
func TestAReversalOfAnOlderVersionIsRememberedFromItsNextStopOn(t *testing.T) {
	s := goodSteps()
	closed, gone := mirrored, mirrored
	closed.Held, gone.Held = heldFor(held.PeriodClosed), heldFor(held.PeriodMissing)
	s.prepareReversal = answers(closed, gone, mirrored)
	reverse(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.OnGetVersion("stop-1", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	})
	if len(s.stops) != 1 || s.stops[0].Held.Code != held.PeriodMissing {
		t.Errorf("remembered %+v", s.stops)
	}
}

func TestAReversalWhoseOutcomeIsUnknownIsLookedForAndNothingElse(t *testing.T) {
	s := goodSteps()
	s.postReversal = answers(workflows.Posted{LookAgain: time.Minute}, workflows.Posted{LookAgain: time.Minute}, workflows.Posted{BatchNumber: "000124", Adopted: true})
	var withdrawn *outcome
	got := reverse(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		withdrawn = tell(t, env, 30*time.Second, workflows.RejectPayout, workflows.Person{Who: "anna", Reason: "as agreed"})
	})
	if got.State != workflows.StateReversed || withdrawn.rejected == nil {
		t.Errorf("%+v; withdrawing was answered %+v", got, withdrawn)
	}
	if want := []string{"prepare reversal", "post reversal", "post reversal", "post reversal", "complete reversal"}; !slices.Equal(s.called, want) {
		t.Errorf("called %v", s.called)
	}
}

func TestAHeldReversalCanBeRetriedOrWithdrawn(t *testing.T) {
	refused := workflows.Posted{Held: heldFor(held.Rejected)}
	for _, c := range []struct {
		update workflows.Update[workflows.Person, workflows.Accepted]
		ends   string
		steps  int
	}{
		{workflows.RetryPayout, workflows.StateReversed, 5},
		{workflows.RejectPayout, workflows.ReversalWithdrawn, 2},
	} {
		s := goodSteps()
		s.postReversal = answers(refused, workflows.Posted{BatchNumber: "000124"})
		var told *outcome
		got := reverse(t, s, func(env *testsuite.TestWorkflowEnvironment) {
			told = tell(t, env, time.Hour, c.update, workflows.Person{Who: "anna", Reason: "as agreed"})
		})
		if got.State != c.ends || told.rejected != nil || told.failed != nil || len(s.called) != c.steps {
			t.Errorf("%s: %+v %+v after %v", c.update.Name, got, told, s.called)
		}
	}
}

func TestAReversalThatMeetsADeadCredentialWaitsForIt(t *testing.T) {
	s := goodSteps()
	s.postReversal = fails(deadCredential(workflows.ProviderVisma), workflows.Posted{BatchNumber: "000124"})
	got := reverse(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.ReauthRequired.Name, mock.Anything).Return(nil).Once()
		during(t, env, func() { env.SignalWorkflow(workflows.Reauthenticated.Name, workflows.ProviderVisma) }, time.Hour)
	})
	if got.State != workflows.StateReversed {
		t.Errorf("%+v", got)
	}
}

func TestAWaitingPayoutThatIsReversedEnds(t *testing.T) {
	s := goodSteps()
	s.post = answers(workflows.Posted{Held: heldFor(held.ChangedAfterPosting)})
	s.prove = answers(workflows.Proven{Rows: 3}, workflows.Proven{Rows: 3, Final: workflows.StateReversed, Batch: "000124"})
	env := newEnv(t, s)
	during(t, env, func() { env.SignalWorkflow(workflows.PayoutReversed.Name, "000124") }, time.Hour)
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: takeBack.PayoutRef})
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateReversed || got.BatchNumber != "000124" {
		t.Errorf("%+v", got)
	}
}

func TestAPayoutIsPostedAnewWhereAPersonAsksForIt(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: takeBack.PayoutRef, Repost: &workflows.Person{Who: "anna", Reason: "corrected"}})
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("%+v", got)
	}
	if len(s.decisions) != 1 || s.decisions[0].Kind != workflows.DecisionRepost || s.decisions[0].Reason != "corrected" {
		t.Errorf("recorded %+v", s.decisions)
	}
}

func TestARejectedPayoutIsTakenUpAgainWhereAPersonAsksForIt(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true})
	env := newEnv(t, s)
	during(t, env, func() {
		if got := ask(t, env, workflows.PayoutStatusQuery); got.State != workflows.StateAwaitingApproval {
			t.Errorf("reopened, it is %s", got.State)
		}
	}, time.Hour)
	tell(t, env, 2*time.Hour, workflows.ApprovePayout, annas)
	by := workflows.Person{Who: "anna", Reason: "not booked after all", Instruction: "i1"}
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: takeBack.PayoutRef, Reopen: &by})
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("%+v", got)
	}
	if len(s.decisions) != 2 || s.decisions[0].Kind != workflows.DecisionReopen || s.decisions[0].Reason != by.Reason ||
		s.decisions[0].Instruction.ID != "i1" || s.decisions[0].Instruction.Action != workflows.ActionReopen {
		t.Errorf("recorded %+v", s.decisions)
	}
}

func TestOnlyAPayoutThatWasReversedBeforeCanBeRepostedWhileItWaits(t *testing.T) {
	for code, taken := range map[held.Code]bool{held.ReversedBefore: true, held.BookedElsewhere: false} {
		s := goodSteps()
		s.post = answers(workflows.Posted{Held: heldFor(code)}, workflows.Posted{BatchNumber: "000125"})
		env := newEnv(t, s)
		told := tell(t, env, time.Hour, workflows.RepostPayout, workflows.Person{Who: "anna", Reason: "corrected"})
		if !taken {
			tell(t, env, 2*time.Hour, workflows.RetryPayout, annas)
		}
		env.ExecuteWorkflow(workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: takeBack.PayoutRef})
		if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified || (told.rejected == nil) != taken {
			t.Errorf("%s: %+v, answered %+v", code, got, told)
		}
	}
}

func TestAReversalWhosePeriodClosesBeforeThePostGoesIntoTheNextOne(t *testing.T) {
	s := goodSteps()
	s.postReversal = answers(workflows.Posted{Held: heldFor(held.FiguresChanged)}, workflows.Posted{BatchNumber: "000124"})
	got := reverse(t, s, nil)
	want := []string{"prepare reversal", "post reversal", "prepare reversal", "post reversal", "complete reversal"}
	if got.State != workflows.StateReversed || !slices.Equal(s.called, want) || len(s.decisions) != 1 {
		t.Errorf("%+v after %v, recorded %d times", got, s.called, len(s.decisions))
	}
}

func TestAReversalThatBeginsAnewHasAnEnd(t *testing.T) {
	s := goodSteps()
	changed := workflows.Posted{Held: heldFor(held.FiguresChanged)}
	s.postReversal = answers(changed, changed, changed, workflows.Posted{BatchNumber: "000124"})
	got := reverse(t, s, nil)
	if got.State != workflows.StateReversed || len(s.called) != 9 {
		t.Errorf("%+v after %v", got, s.called)
	}
	if len(s.stops) != 1 || s.stops[0].Held.Code != held.Failed {
		t.Errorf("it stopped as %+v", s.stops)
	}
}
