package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"kvitt/workflows"
)

var shop = workflows.ConnectionInput{ID: "c1", Who: "anna", Settings: workflows.Settings{
	Name: "Nordic Shop", Provider: "klarna", Region: "eu", Posting: "review", Start: "2026-01-01", ProfileVersion: 1,
}}

func asContinueAsNew(err error, target **workflow.ContinueAsNewError) bool {
	return errors.As(err, target)
}

func decode(t *testing.T, next *workflow.ContinueAsNewError, into any) {
	t.Helper()
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, into); err != nil {
		t.Fatalf("decode the carried input: %v", err)
	}
}

// connect runs a connection until `until`, when it is disconnected.
func connect(t *testing.T, s *steps, until time.Duration, arrange func(env *testsuite.TestWorkflowEnvironment)) {
	t.Helper()
	env := newEnv(t, s)
	if arrange != nil {
		arrange(env)
	}
	tell(t, env, until, workflows.Disconnect, annas)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, shop)
	if !env.IsWorkflowCompleted() || env.GetWorkflowError() != nil {
		t.Fatalf("the connection did not end in order: %v", env.GetWorkflowError())
	}
}

func setUp(t *testing.T, env *testsuite.TestWorkflowEnvironment) {
	t.Helper()
	tell(t, env, time.Minute, workflows.SetKlarnaCredential, workflows.CredentialSet{Who: "anna"})
	tell(t, env, 2*time.Minute, workflows.AuthorizeVisma, workflows.CredentialSet{Who: "anna"})
}

func at(t *testing.T, env *testsuite.TestWorkflowEnvironment, after time.Duration, check func(workflows.Status)) {
	t.Helper()
	during(t, env, func() { check(ask(t, env, workflows.ConnectionStatus)) }, after)
}

func TestAConnectionBecomesActiveWhenBothSidesWork(t *testing.T) {
	s := goodSteps()
	connect(t, s, time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		at(t, env, 30*time.Second, func(got workflows.Status) {
			if got.State != workflows.ConnSetup {
				t.Errorf("at first: %s", got.State)
			}
		})
		setUp(t, env)
		at(t, env, 90*time.Second, func(got workflows.Status) {
			if got.State != workflows.ConnVerifying || got.MerchantID != "K123" {
				t.Errorf("with one side: %+v", got)
			}
		})
		at(t, env, 3*time.Minute, func(got workflows.Status) {
			if got.State != workflows.ConnActive || got.Company != "42" || got.BaseCurrency != "SEK" {
				t.Errorf("with both sides: %+v", got)
			}
		})
	})
	if len(s.schedules) != 2 || s.schedules[0].Paused || !s.schedules[1].Delete {
		t.Errorf("schedules: %+v", s.schedules)
	}
	if last := s.saved[len(s.saved)-1]; last.Action != "disconnect" || last.Status.State != workflows.ConnDisconnected {
		t.Errorf("last saved: %+v", last)
	}
	if s.called[len(s.called)-1] != "erase" {
		t.Errorf("secrets were not erased: %v", s.called)
	}
}

func TestARefusedCandidateLeavesTheCredentialInUse(t *testing.T) {
	s := goodSteps()
	var second *outcome
	connect(t, s, time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		during(t, env, func() {
			s.change(func() {
				s.verify[workflows.ProviderKlarna] = func(workflows.VerifyInput) (workflows.Verified, error) {
					return workflows.Verified{Code: workflows.RefusedRevoked, Words: "Klarna does not know this key.", Remedy: "Copy it again."}, nil
				}
			})
		}, 3*time.Minute)
		second = tell(t, env, 4*time.Minute, workflows.SetKlarnaCredential, workflows.CredentialSet{Who: "anna"})
		at(t, env, 5*time.Minute, func(got workflows.Status) {
			if got.State != workflows.ConnActive || got.Klarna.State != workflows.SideConnected {
				t.Errorf("after the refusal: %+v", got.Klarna)
			}
		})
	})
	if second.failed == nil {
		t.Error("the refusal did not reach the person")
	}
	if got := workflows.RefusedCode(second.failed); got != workflows.RefusedRevoked {
		t.Errorf("a page can only tell that it was refused: the code is %q", got)
	}
}

func TestADeadCredentialPausesTheScheduleAndWakesTheWaitingOnesLater(t *testing.T) {
	s := goodSteps()
	var env2 *testsuite.TestWorkflowEnvironment
	connect(t, s, 70*24*time.Hour-30*time.Minute, func(env *testsuite.TestWorkflowEnvironment) {
		env2 = env
		setUp(t, env)
		during(t, env, func() {
			s.change(func() {
				s.verify[workflows.ProviderVisma] = func(workflows.VerifyInput) (workflows.Verified, error) {
					return workflows.Verified{Words: "invalid_grant", Remedy: "Authorise again."}, nil
				}
			})
			env.SignalWorkflow(workflows.ReauthRequired.Name, workflows.ReauthNeeded{Provider: workflows.ProviderVisma, WorkflowID: "payout/c1/10001", Reason: "invalid_grant"})
		}, time.Hour)
		at(t, env, 59*24*time.Hour, func(got workflows.Status) {
			if got.State != workflows.ConnReauthRequired || len(got.Waiting) != 1 || got.Visma.LastError == "" || got.Visma.Remedy == "" {
				t.Errorf("while dead: %+v", got)
			}
		})
		env.OnSignalExternalWorkflow(mock.Anything, "payout/c1/10001", "", workflows.Reauthenticated.Name, workflows.ProviderVisma).Return(nil).Once()
		during(t, env, func() {
			s.change(func() { s.verify[workflows.ProviderVisma] = goodSteps().verify[workflows.ProviderVisma] })
		}, 60*24*time.Hour)
		tell(t, env, 60*24*time.Hour+time.Minute, workflows.AuthorizeVisma, workflows.CredentialSet{Who: "anna"})
		at(t, env, 60*24*time.Hour+time.Hour, func(got workflows.Status) {
			if got.State != workflows.ConnActive || len(got.Waiting) != 0 {
				t.Errorf("after re-authorisation: %+v", got)
			}
		})
	})
	env2.AssertExpectations(t)
	paused := []bool{}
	for _, sch := range s.schedules {
		paused = append(paused, sch.Paused)
	}
	if len(paused) != 4 || paused[0] || !paused[1] || paused[2] {
		t.Errorf("the schedule was paused: %v", paused)
	}
}

func TestCommandsThatDoNotFitAreRejectedWithoutATrace(t *testing.T) {
	s := goodSteps()
	var early, nameless, badDay *outcome
	connect(t, s, time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		early = tell(t, env, time.Second, workflows.SyncNow, annas)
		nameless = tell(t, env, 2*time.Second, workflows.SetKlarnaCredential, workflows.CredentialSet{})
		badDay = tell(t, env, 3*time.Second, workflows.ConfigureConnection, workflows.Configure{Who: "anna", Settings: workflows.Settings{Start: "31/1"}})
	})
	for name, o := range map[string]*outcome{"sync before setup": early, "no name": nameless, "bad day": badDay} {
		if o.rejected == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if len(s.saved) != 2 {
		t.Errorf("rejected commands left a trace: %+v", s.saved)
	}
}

func TestPauseAndResume(t *testing.T) {
	s := goodSteps()
	connect(t, s, time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		tell(t, env, 3*time.Minute, workflows.PauseConnection, annas)
		at(t, env, 4*time.Minute, func(got workflows.Status) {
			if got.State != workflows.ConnPaused {
				t.Errorf("paused: %s", got.State)
			}
		})
		tell(t, env, 5*time.Minute, workflows.ResumeConnection, annas)
		at(t, env, 6*time.Minute, func(got workflows.Status) {
			if got.State != workflows.ConnActive {
				t.Errorf("resumed: %s", got.State)
			}
		})
	})
}

func TestBothSidesAreReadDaily(t *testing.T) {
	s := goodSteps()
	reads := 0
	works := s.verify[workflows.ProviderKlarna]
	s.verify[workflows.ProviderKlarna] = func(in workflows.VerifyInput) (workflows.Verified, error) {
		reads++
		return works(in)
	}
	connect(t, s, 10*24*time.Hour+time.Hour, func(env *testsuite.TestWorkflowEnvironment) { setUp(t, env) })
	if reads != 11 {
		t.Errorf("Klarna was read %d times in ten days, want once at setup and once a day", reads)
	}
}

func TestAConnectionContinuesAsNewWithItsStatus(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	setUp(t, env)
	during(t, env, func() { env.SetContinueAsNewSuggested(true) }, time.Hour)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, shop)
	var next *workflow.ContinueAsNewError
	if !asContinueAsNew(env.GetWorkflowError(), &next) {
		t.Fatalf("it did not continue as new: %v", env.GetWorkflowError())
	}
	var in workflows.ConnectionInput
	decode(t, next, &in)
	if in.Carry == nil || in.Carry.State != workflows.ConnActive || in.Carry.Company != "42" {
		t.Errorf("carried: %+v", in.Carry)
	}
}

func TestARevivedConnectionGoesOnWhereTheDatabaseSawItLast(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	last := workflows.Status{
		ID: "c1", Settings: shop.Settings, State: workflows.ConnActive, Company: "42", MerchantID: "K123",
		Klarna: workflows.Side{State: workflows.SideConnected}, Visma: workflows.Side{State: workflows.SideConnected},
	}
	at(t, env, time.Minute, func(got workflows.Status) {
		if got.State != workflows.ConnActive || got.Company != "42" || got.Every != time.Hour {
			t.Errorf("revived as %+v", got)
		}
	})
	tell(t, env, time.Hour, workflows.Disconnect, annas)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, workflows.ConnectionInput{ID: "c1", Who: "anna", Revive: &last})
	if env.GetWorkflowError() != nil {
		t.Fatal(env.GetWorkflowError())
	}
	if len(s.schedules) != 2 || s.schedules[0].Paused || s.saved[0].Action != "revive" {
		t.Errorf("schedules %+v, saved %+v", s.schedules, s.saved[0])
	}
}

func TestAConnectionWithoutAFirstDayWaitsUntilAPersonStartsIt(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	setUp(t, env)
	at(t, env, time.Hour, func(got workflows.Status) {
		if got.State != workflows.ConnVerifying || got.Klarna.State != workflows.SideConnected || got.Visma.State != workflows.SideConnected || len(s.schedules) != 0 {
			t.Errorf("before the start: %+v, schedules %+v", got, s.schedules)
		}
	})
	tell(t, env, 2*time.Hour, workflows.ConfigureConnection, workflows.Configure{Who: "anna", Settings: workflows.Settings{Start: "2026-02-01"}})
	at(t, env, 3*time.Hour, func(got workflows.Status) {
		if got.State != workflows.ConnActive || got.Start != "2026-02-01" || len(s.schedules) != 1 {
			t.Errorf("after the start: %+v, schedules %+v", got, s.schedules)
		}
	})
	tell(t, env, 4*time.Hour, workflows.Disconnect, annas)
	in := shop
	in.Settings.Start = ""
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, in)
	if env.GetWorkflowError() != nil {
		t.Fatal(env.GetWorkflowError())
	}
}
