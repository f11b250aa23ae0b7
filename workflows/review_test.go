package workflows_test

import (
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"kvitt/workflows"
)

// The one who changed the profile is refused where the decision is recorded, not
// only on a page, and the payout waits on for somebody else.
func TestAnApprovalThatIsRefusedPostsNothingAndAnotherPersonCanApprove(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true})
	s.deny = func(d workflows.Decision) string {
		if d.Kind == "approve" && d.Who == "anna" {
			return "approve payout 10001: anna made version 2 of the posting profile"
		}
		return ""
	}
	var own, retry, others *outcome
	env := runPayout(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		own = tell(t, env, time.Hour, workflows.ApprovePayout, workflows.Person{Who: "anna", VoucherHash: "v1"})
		during(t, env, func() {
			if got := ask(t, env, workflows.PayoutStatusQuery); got.State != workflows.StateAwaitingApproval {
				t.Errorf("after a refused approval it is %s", got.State)
			}
			s.change(func() {
				if all := strings.Join(s.called, " "); all != "prove compile" {
					t.Errorf("after a refused approval these steps were taken: %s", all)
				}
			})
			env.SignalWorkflow(workflows.ProfileChanged.Name, 2) // compiled anew: the refused approval must not count for it
		}, 2*time.Hour)
		retry = tell(t, env, 3*time.Hour, workflows.ApprovePayout, workflows.Person{Who: "anna", VoucherHash: "v1"})
		others = tell(t, env, 4*time.Hour, workflows.ApprovePayout, workflows.Person{Who: "bo", VoucherHash: "v1"})
	})
	for _, o := range []*outcome{own, retry} {
		if o.failed == nil || !strings.Contains(o.failed.Error(), "anna made version 2") || workflows.RefusedCode(o.failed) != workflows.RefusedSamePerson {
			t.Errorf("the author's approval: %v", o.failed)
		}
	}
	if others.rejected != nil || others.failed != nil {
		t.Errorf("the other person's approval: %v %v", others.rejected, others.failed)
	}
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified {
		t.Errorf("ended as %s", got.State)
	}
	if len(s.decisions) != 1 || s.decisions[0].Who != "bo" {
		t.Errorf("recorded was %+v", s.decisions)
	}
}

func TestADryRunKeepsItsVouchersUnderItsRun(t *testing.T) {
	s := goodSteps()
	s.list = listing(workflows.Listing{Found: 1, Due: due(1)})
	run := ""
	s.preview = func(in workflows.PreviewInput) (workflows.Found, error) {
		run = in.Run
		return workflows.Found{PaymentReference: in.PaymentReference, State: workflows.StateCompiled}, nil
	}
	env := newEnv(t, s)
	in := year
	in.DryRun = true
	env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, in)
	if result[workflows.SyncResult](t, env); run != "run" {
		t.Errorf("the preview was asked for under the run %q", run)
	}
}

func TestASecondPairOfEyesIsTurnedOnAndOffAndOtherSettingsLeaveItAlone(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	on, off := true, false
	tell(t, env, time.Hour, workflows.ConfigureConnection, workflows.Configure{Who: "anna", FourEyes: &on})
	tell(t, env, 2*time.Hour, workflows.ConfigureConnection, workflows.Configure{Who: "anna", Settings: workflows.Settings{ProfileVersion: 2}})
	during(t, env, func() {
		if got := ask(t, env, workflows.ConnectionStatus); !got.FourEyes || got.ProfileVersion != 2 {
			t.Errorf("after it was turned on: %+v", got.Settings)
		}
	}, 3*time.Hour)
	tell(t, env, 4*time.Hour, workflows.ConfigureConnection, workflows.Configure{Who: "anna", FourEyes: &off})
	during(t, env, func() {
		if got := ask(t, env, workflows.ConnectionStatus); got.FourEyes {
			t.Error("it stays on")
		}
	}, 5*time.Hour)
	tell(t, env, 6*time.Hour, workflows.Disconnect, annas)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, workflows.ConnectionInput{ID: "c1", Who: "anna"})
	s.change(func() {
		if n := len(s.saved); n < 4 || !s.saved[1].Status.FourEyes || s.saved[n-1].Status.FourEyes {
			t.Errorf("saved was %+v", s.saved)
		}
	})
}
