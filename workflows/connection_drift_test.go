package workflows_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"kvitt/workflows"
)

func TestTheDailyCheckLooksAtWhatWasPosted(t *testing.T) {
	s := goodSteps()
	connect(t, s, 51*time.Hour, func(env *testsuite.TestWorkflowEnvironment) { setUp(t, env) })
	if s.drifts != 2 {
		t.Errorf("in two days it looked %d times", s.drifts)
	}
}

func TestAnAccrualThatWasNotTakenBackIsToldDailyWhileItStands(t *testing.T) {
	s := goodSteps()
	s.astray = map[string]int{workflows.DriftNotTakenBack: 2, "edited": 1}
	connect(t, s, 3*day+time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		during(t, env, func() { s.change(func() { s.astray = nil }) }, 2*day+time.Hour)
	})
	wantTold(t, s, "accrual_not_taken_back", "accrual_not_taken_back")
	if len(s.told) != 2 || s.told[0].NotTakenBack != 2 {
		t.Errorf("%+v", s.told)
	}
}

func TestWithoutVismaNetNothingIsLookedAt(t *testing.T) {
	s := goodSteps()
	connect(t, s, 27*time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		during(t, env, func() {
			s.verify[workflows.ProviderVisma] = func(workflows.VerifyInput) (workflows.Verified, error) {
				return workflows.Verified{Words: "revoked"}, nil
			}
		}, time.Hour)
	})
	if s.drifts != 0 {
		t.Errorf("it looked %d times", s.drifts)
	}
}

// A connection that was checked before this was built goes on in its past as
// it did, and looks from the next day on.
func TestAConnectionOfAnOlderVersionLooksFromItsNextDayOn(t *testing.T) {
	s := goodSteps()
	connect(t, s, 99*time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		env.SetStartTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
		env.OnGetVersion("drift-2026-01-02", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	})
	if s.drifts != 3 {
		t.Errorf("in four days, the first of them in its past, it looked %d times", s.drifts)
	}
}
