package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/notice"
	"kvitt/workflows"
)

const day = 24 * time.Hour

// kinds are what was told, with repetitions of one id left out.
func kinds(all []notice.Facts) (out []string) {
	seen := map[string]bool{}
	for _, f := range all {
		if !seen[f.ID] {
			seen[f.ID] = true
			out = append(out, string(f.Kind))
		}
	}
	return out
}

func wantTold(t *testing.T, s *steps, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, kinds(s.told)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func (s *steps) refuse(provider string) {
	s.change(func() {
		s.verify[provider] = func(workflows.VerifyInput) (workflows.Verified, error) {
			return workflows.Verified{Words: "it was revoked", Remedy: "Authorise again."}, nil
		}
	})
}

func (s *steps) accept(provider string) {
	s.change(func() { s.verify[provider] = goodSteps().verify[provider] })
}

func lose(env *testsuite.TestWorkflowEnvironment, workflowID string) {
	env.SignalWorkflow(workflows.ReauthRequired.Name, workflows.ReauthNeeded{Provider: workflows.ProviderVisma, WorkflowID: workflowID, Reason: "invalid_grant"})
}

func TestALossIsToldOnceAndSoIsTheRecovery(t *testing.T) {
	s := goodSteps()
	connect(t, s, 20*day, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		during(t, env, func() {
			s.refuse(workflows.ProviderVisma)
			lose(env, "payout/c1/1")
			lose(env, "payout/c1/2")
			lose(env, "payout/c1/1")
		}, time.Hour) // and the daily checks meet the refusal again
		env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, "", workflows.Reauthenticated.Name, mock.Anything).Return(nil)
		during(t, env, func() { s.accept(workflows.ProviderVisma) }, 10*day)
		tell(t, env, 10*day+time.Minute, workflows.AuthorizeVisma, workflows.CredentialSet{Who: "anna"})
		// A second loss is another one: the daily check finds it.
		during(t, env, func() { s.refuse(workflows.ProviderKlarna) }, 15*day)
		during(t, env, func() { s.accept(workflows.ProviderKlarna) }, 17*day)
	})
	wantTold(t, s, "reauth_required", "recovered", "reauth_required", "recovered")
	if len(s.told) != 4 {
		t.Fatalf("a notice was sent twice: %+v", s.told)
	}
	if f := s.told[0]; f.Side != workflows.ProviderVisma || f.Reason != "invalid_grant" || f.Remedy == "" || f.Connection != "c1" || f.At.IsZero() {
		t.Errorf("the loss: %+v", f)
	}
	if f := s.told[1]; f.Resumed != 2 {
		t.Errorf("the recovery tells of %d workflows that went on", f.Resumed)
	}
	if f := s.told[2]; f.Side != workflows.ProviderKlarna || f.Reason != "it was revoked" {
		t.Errorf("the second loss: %+v", f)
	}
}

func TestARefusedCandidateIsNoLoss(t *testing.T) {
	s := goodSteps()
	connect(t, s, time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		during(t, env, func() { s.refuse(workflows.ProviderKlarna) }, 3*time.Minute)
		tell(t, env, 4*time.Minute, workflows.SetKlarnaCredential, workflows.CredentialSet{Who: "anna"})
	})
	wantTold(t, s)
}

func TestADeadMailServerHoldsNothingUp(t *testing.T) {
	s := goodSteps()
	s.notify = func(notice.Facts) error { return errors.New("no answer") }
	var env2 *testsuite.TestWorkflowEnvironment
	const lost = 2 * time.Hour
	connect(t, s, 3*day, func(env *testsuite.TestWorkflowEnvironment) {
		env2 = env
		setUp(t, env)
		during(t, env, func() {
			env.SignalWorkflow(workflows.ReauthRequired.Name, workflows.ReauthNeeded{Provider: workflows.ProviderKlarna, WorkflowID: "payout/c1/1", Reason: "401"})
		}, lost)
		env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, "", workflows.Reauthenticated.Name, mock.Anything).Return(nil)
		at(t, env, lost+time.Second, func(got workflows.Status) {
			if got.State != workflows.ConnReauthRequired {
				t.Errorf("the loss was not noted: %s", got.State)
			}
		})
		var before time.Time
		answered := &outcome{}
		during(t, env, func() {
			before = env2.Now()
			env.UpdateWorkflow(workflows.SetKlarnaCredential.Name, "u", &timed{outcome: answered, done: func() {
				if took := env2.Now().Sub(before); took > time.Second {
					t.Errorf("SetKlarnaCredential was answered after %s", took)
				}
			}}, workflows.CredentialSet{Who: "anna", Instruction: "i1"})
		}, lost+2*time.Minute)
		at(t, env, lost+3*time.Minute, func(got workflows.Status) {
			if answered.failed != nil || answered.result == nil || got.State != workflows.ConnActive {
				t.Errorf("answer %+v, state %s", answered, got.State)
			}
		})
	})
	wantTold(t, s, "reauth_required", "recovered")
	if got := kinds(s.dropped); !slices.Equal(got, []string{"reauth_required", "recovered"}) || len(s.dropped) != 2 {
		t.Errorf("given up: %v", got)
	}
	if n := len(s.told); n != 2*10 { // as many as the test suite makes; on a server it is a day
		t.Errorf("%d attempts for two notices", n)
	}
}

// timed is an outcome that says when it came.
type timed struct {
	*outcome
	done func()
}

func (o *timed) Complete(result any, err error) { o.outcome.Complete(result, err); o.done() }

func TestContinuingAsNewLosesNoNotice(t *testing.T) {
	s := goodSteps()
	s.notify = func(notice.Facts) error { return errors.New("no answer") }
	env := newEnv(t, s)
	setUp(t, env)
	during(t, env, func() { lose(env, "payout/c1/1") }, time.Hour)
	during(t, env, func() { env.SetContinueAsNewSuggested(true) }, time.Hour+3*time.Minute)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, shop)
	var next *workflow.ContinueAsNewError
	if !asContinueAsNew(env.GetWorkflowError(), &next) {
		t.Fatalf("it did not continue as new: %v", env.GetWorkflowError())
	}
	var in workflows.ConnectionInput
	decode(t, next, &in)
	if in.Notices == nil || len(in.Notices.Outbox) != 1 {
		t.Fatalf("carried: %+v", in.Notices)
	}
	later := goodSteps()
	env = newEnv(t, later)
	env.SetContinuedExecutionRunID("the run before")
	// What had been told is not told again: the workflow that waits says so again.
	during(t, env, func() { lose(env, "payout/c1/1") }, time.Minute)
	tell(t, env, time.Hour, workflows.Disconnect, annas)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, in)
	wantTold(t, later, "reauth_required")
	if len(later.told) != 1 || later.told[0].ID != s.told[0].ID {
		t.Errorf("delivered %+v, lost %+v", later.told, s.told[0])
	}
}

func TestAConsentThatEndsIsWarnedOfOnceThenDailyInTheLastThreeDays(t *testing.T) {
	interactive := func(consented time.Duration, env *testsuite.TestWorkflowEnvironment) func(workflows.VerifyInput) (workflows.Verified, error) {
		when := time.Time{}
		if consented >= 0 {
			when = env.Now().Add(-consented)
		}
		return func(workflows.VerifyInput) (workflows.Verified, error) {
			return workflows.Verified{OK: true, Company: "42", Flow: "interactive", Consented: when, Lifetime: 30 * day}, nil
		}
	}
	for name, consented := range map[string]time.Duration{"known": 10 * day, "of an earlier version": -1} {
		t.Run(name, func(t *testing.T) {
			s := goodSteps()
			connect(t, s, 40*day, func(env *testsuite.TestWorkflowEnvironment) {
				s.verify[workflows.ProviderVisma] = interactive(consented, env)
				setUp(t, env)
				at(t, env, day/2, func(got workflows.Status) {
					if want := env.Now().Add(30*day - max(0, consented)); want.Sub(got.Visma.Expires).Abs() > day {
						t.Errorf("expires %s, want about %s", got.Visma.Expires, want)
					}
				})
			})
			var days []int
			for _, f := range s.told {
				days = append(days, notice.Days(f.At, f.Expires))
			}
			if diff := cmp.Diff([]int{14, 3, 2, 1}, days); diff != "" {
				t.Errorf("%v with so many days left: %s", kinds(s.told), diff)
			}
		})
	}
	s := goodSteps() // the service flow
	connect(t, s, 40*day, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		at(t, env, time.Hour, func(got workflows.Status) {
			if !got.Visma.Expires.IsZero() {
				t.Errorf("the service flow expires %s", got.Visma.Expires)
			}
		})
	})
	wantTold(t, s)
}

func TestWhatWaitsForAPersonIsToldOnceADay(t *testing.T) {
	s := goodSteps()
	s.stock = answers(workflows.Stock{SyncLimit: 1000 * day, Waiting: map[string]int64{"approval": 2, "period_closed": 1}})
	connect(t, s, 3*day+time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		during(t, env, func() { s.change(func() { s.stock = goodSteps().stock }) }, 2*day+time.Hour)
	})
	wantTold(t, s, "payouts_held", "payouts_held")
	if len(s.told) != 2 || s.told[0].Payouts["approval"] != 2 {
		t.Errorf("%+v", s.told)
	}
}

// A reversal that is held keeps its payout's state: nothing else tells of it.
func TestAHeldReversalOrAccrualIsToldAsAPayoutIs(t *testing.T) {
	for _, stock := range []workflows.Stock{
		{SyncLimit: 1000 * day, Reversals: map[string]int64{"period_closed": 1}}, {SyncLimit: 1000 * day, Accruals: map[string]int64{"batch_differs": 1}},
	} {
		s := goodSteps()
		s.stock = answers(stock)
		connect(t, s, day+time.Hour, func(env *testsuite.TestWorkflowEnvironment) { setUp(t, env) })
		wantTold(t, s, "payouts_held")
		if len(s.told) == 1 && len(s.told[0].Reversals)+len(s.told[0].Accruals) != 1 {
			t.Errorf("%+v", s.told)
		}
	}
}

func TestNoSyncForTooLongIsToldOnceWhenItsTimeIsUp(t *testing.T) {
	s := goodSteps()
	var began, success time.Time
	connect(t, s, 20*day, func(env *testsuite.TestWorkflowEnvironment) {
		began = env.Now()
		s.stock = func() (workflows.Stock, error) {
			return workflows.Stock{LastSync: success, SyncLimit: 26 * time.Hour}, nil
		}
		setUp(t, env)
		for i := range 5 * 24 { // a sync an hour, for five days
			during(t, env, func() { s.change(func() { success = env.Now() }) }, time.Hour+time.Duration(i)*time.Hour)
		}
		// A person pauses, and goes on: nothing was to come in between.
		tell(t, env, 10*day, workflows.PauseConnection, annas)
		tell(t, env, 15*day, workflows.ResumeConnection, annas)
	})
	wantTold(t, s, "sync_late", "sync_late")
	if len(s.told) != 2 {
		t.Fatalf("%+v", s.told)
	}
	for i, want := range []time.Duration{5*day + 26*time.Hour, 15*day + 26*time.Hour} {
		if late := s.told[i].At.Sub(began) - want; late < -time.Minute || late > time.Minute {
			t.Errorf("notice %d came %s after its time", i, late)
		}
	}
	if s.told[0].Never || s.told[0].Limit != 26*time.Hour || !s.told[0].Since.Equal(began.Add(5*day)) {
		t.Errorf("%+v", s.told[0])
	}
}

func TestAConnectionThatNeverSyncedIsLateToo(t *testing.T) {
	s := goodSteps()
	s.stock = answers(workflows.Stock{SyncLimit: 2 * time.Hour})
	connect(t, s, 5*time.Hour, func(env *testsuite.TestWorkflowEnvironment) { setUp(t, env) })
	wantTold(t, s, "sync_late")
	if !s.told[0].Never {
		t.Errorf("%+v", s.told[0])
	}
}

func TestAMissingPayoutIsToldOnceForEachDate(t *testing.T) {
	s := goodSteps()
	sek := notice.Missing{Currency: "SEK", Due: "2026-02-26"}
	connect(t, s, day, func(env *testsuite.TestWorkflowEnvironment) {
		setUp(t, env)
		for i := range 4 {
			during(t, env, func() {
				env.SignalWorkflow(workflows.PayoutsMissing.Name, []notice.Missing{sek, {Currency: "EUR", Due: "2026-02-25"}})
			}, time.Duration(i+1)*time.Hour)
		}
		during(t, env, func() {
			env.SignalWorkflow(workflows.PayoutsMissing.Name, []notice.Missing{{Currency: "SEK", Due: "2026-03-03"}})
		}, 6*time.Hour)
	})
	wantTold(t, s, "due_missing", "due_missing", "due_missing")
	var told []string // two of one signal go out side by side
	for _, f := range s.told {
		told = append(told, f.Missing.Currency+" "+f.Missing.Due)
	}
	slices.Sort(told)
	if !slices.Equal(told, []string{"EUR 2026-02-25", "SEK 2026-02-26", "SEK 2026-03-03"}) {
		t.Errorf("%v", told)
	}
}

func TestOnlyAScheduledSyncReportsMissingPayouts(t *testing.T) {
	for mode, want := range map[string]int{workflows.ModeSchedule: 1, workflows.ModeNow: 0, workflows.ModeBackfill: 0} {
		s := goodSteps()
		s.missing = []notice.Missing{{Currency: "SEK", Due: "2026-02-26"}}
		env := newEnv(t, s)
		sent := 0
		env.OnSignalExternalWorkflow(mock.Anything, "connection/c1", "", workflows.PayoutsMissing.Name, mock.Anything).Return(
			func(_, _, _, _ string, arg any) error {
				sent++
				if got := fmt.Sprint(arg); got != fmt.Sprint(s.missing) {
					t.Errorf("signalled %s", got)
				}
				return nil
			})
		env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, workflows.SyncInput{Connection: "c1", Mode: mode, From: "2026-01-01", To: "2026-01-31"})
		if sent != want || env.GetWorkflowError() != nil {
			t.Errorf("%s: %d signals, %v", mode, sent, env.GetWorkflowError())
		}
	}
}

func TestARunOfAnEarlierVersionBeginsToTellAtItsNextDailyCheck(t *testing.T) {
	s := goodSteps()
	connect(t, s, 6*day, func(env *testsuite.TestWorkflowEnvironment) {
		env.OnGetVersion("notify", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
		env.OnGetVersion(mock.Anything, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.Version(1))
		setUp(t, env)
		during(t, env, func() { lose(env, "payout/c1/1") }, time.Hour)
		env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, "", workflows.Reauthenticated.Name, mock.Anything).Return(nil)
		// The daily check finds that it works after all, and from then on it tells.
		during(t, env, func() { s.refuse(workflows.ProviderKlarna) }, 2*day)
	})
	wantTold(t, s, "recovered", "reauth_required")
}

func TestANameThatCouldWriteHeadersIsNotConfigured(t *testing.T) {
	s := goodSteps()
	var bad *outcome
	connect(t, s, time.Hour, func(env *testsuite.TestWorkflowEnvironment) {
		bad = tell(t, env, time.Second, workflows.ConfigureConnection, workflows.Configure{Who: "anna", Settings: workflows.Settings{Name: "Shop\r\nBcc: x"}})
	})
	if bad.rejected == nil {
		t.Error("it was accepted")
	}
}
