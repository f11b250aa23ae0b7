package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"

	"kvitt/internal/held"
	"kvitt/workflows"
)

func accrue(t *testing.T, s *steps, arrange func(env *testsuite.TestWorkflowEnvironment)) workflows.AccrualResult {
	t.Helper()
	env := newEnv(t, s)
	if arrange != nil {
		arrange(env)
	}
	env.ExecuteWorkflow(workflows.AccrualWorkflowName, workflows.AccrualInput{Connection: "c1", At: "2026-01-31", Currency: "SEK", Who: "anna"})
	return result[workflows.AccrualResult](t, env)
}

func TestAnAccrualIsPreparedPostedAndCompleted(t *testing.T) {
	s := goodSteps()
	got := accrue(t, s, nil)
	if want := []string{"prepare accrual", "post accrual", "complete accrual"}; got.State != workflows.StateVerified || got.BatchNumber != "000125" || !slices.Equal(s.called, want) {
		t.Errorf("%+v after %v", got, s.called)
	}
}

func TestAnAccrualThatCannotBePostedIsRefusedAndSendsNothing(t *testing.T) {
	s := goodSteps()
	s.prepareAccrual = answers(workflows.PreparedAccrual{Refused: "period 202601 is closed"})
	if got := accrue(t, s, nil); got.State != workflows.AccrualRefused || got.Refused == "" || len(s.called) != 1 {
		t.Errorf("%+v after %v", got, s.called)
	}
	s = goodSteps()
	s.postAccrual = answers(workflows.Posted{Held: heldFor(held.Rejected)})
	if got := accrue(t, s, nil); got.State != workflows.AccrualRefused || len(s.called) != 2 {
		t.Errorf("Visma.net said no: %+v after %v", got, s.called)
	}
}

func TestAnAccrualWhoseOutcomeIsUnknownIsLookedForAndNotRefused(t *testing.T) {
	s := goodSteps()
	s.postAccrual = answers(workflows.Posted{LookAgain: time.Minute}, workflows.Posted{LookAgain: time.Minute}, workflows.Posted{BatchNumber: "000125", Adopted: true})
	if got := accrue(t, s, nil); got.State != workflows.StateVerified || !got.Adopted || len(s.called) != 5 {
		t.Errorf("%+v after %v", got, s.called)
	}
}

func TestAnAccrualThatDiffersWaitsUntilAPersonLetsItLookAgain(t *testing.T) {
	s := goodSteps()
	s.completeAccrual = answers(workflows.Completed{Held: heldFor(held.BatchDiffers)}, workflows.Completed{State: workflows.StateVerified})
	var told *outcome
	got := accrue(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		told = tell(t, env, time.Hour, workflows.RetryPayout, annas)
	})
	if got.State != workflows.StateVerified || told.rejected != nil || len(s.called) != 4 {
		t.Errorf("%+v after %v, answered %+v", got, s.called, told)
	}
	if len(s.stops) != 1 || s.stops[0].Work != workflows.WorkAccrual || s.stops[0].Name != "accrual 2026-01-31 SEK" || s.stops[0].Held.Code != held.BatchDiffers {
		t.Errorf("remembered %+v", s.stops)
	}
}

func TestAnAccrualThatMeetsADeadCredentialWaitsForIt(t *testing.T) {
	s := goodSteps()
	s.postAccrual = fails(deadCredential(workflows.ProviderVisma), workflows.Posted{BatchNumber: "000125"})
	got := accrue(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.ReauthRequired.Name, mock.Anything).Return(nil).Once()
		during(t, env, func() { env.SignalWorkflow(workflows.Reauthenticated.Name, workflows.ProviderVisma) }, time.Hour)
	})
	if got.State != workflows.StateVerified {
		t.Errorf("%+v", got)
	}
}
