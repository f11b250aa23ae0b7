package workflows_test

import (
	"strings"
	"testing"
	"time"

	"kvitt/internal/held"
	"kvitt/workflows"
)

// Whoever reaches Temporal can send a message; only the portal and the command
// line can write down who asked for it.
func TestACommandWithoutAnInstructionLeavesNoTrace(t *testing.T) {
	s := goodSteps()
	s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true})
	env := newEnv(t, s)
	forged := &outcome{}
	during(t, env, func() {
		env.UpdateWorkflow(workflows.ApprovePayout.Name, "forged", forged, workflows.Person{Who: "cfo@example.com"})
	}, time.Minute)
	tell(t, env, time.Hour, workflows.RejectPayout, workflows.Person{Who: "anna", Reason: "test"})
	env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
	if forged.rejected == nil || !strings.Contains(forged.rejected.Error(), "portal or command line") {
		t.Errorf("the forged approval was answered with %v", forged.rejected)
	}
	if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateRejected || len(s.decisions) != 1 {
		t.Errorf("it is %s after %+v", got.State, s.decisions)
	}
}

// An instruction that does not prove the decision refuses it, whatever it is, and
// the payout waits as before.
func TestADecisionThatIsNotProvenIsRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		update workflows.Update[workflows.Person, workflows.Accepted]
		by     workflows.Person
	}{
		{"approve", workflows.ApprovePayout, workflows.Person{Who: "cfo@example.com", VoucherHash: "v1"}},
		{"reject", workflows.RejectPayout, workflows.Person{Who: "cfo@example.com", Reason: "forged"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := goodSteps()
			s.compile = answers(workflows.Compiled{VoucherHash: "v1", NeedsApproval: true})
			s.deny = func(d workflows.Decision) string {
				if d.Who == "cfo@example.com" {
					return "nobody is known to have asked for it"
				}
				return ""
			}
			env := newEnv(t, s)
			forged := tell(t, env, time.Minute, test.update, test.by)
			during(t, env, func() {
				if got := ask(t, env, workflows.PayoutStatusQuery); got.State != workflows.StateAwaitingApproval || got.Held == nil || got.Held.Code != held.Approval {
					t.Errorf("it is %+v", got)
				}
			}, 2*time.Minute)
			approved := tell(t, env, time.Hour, workflows.ApprovePayout, workflows.Person{Who: "anna", VoucherHash: "v1"})
			env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
			if forged.failed == nil || approved.failed != nil || approved.rejected != nil {
				t.Errorf("forged: %v; anna's: %v %v", forged.failed, approved.failed, approved.rejected)
			}
			if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified || len(s.decisions) != 1 || s.decisions[0].Who != "anna" {
				t.Errorf("it is %s after %+v", got.State, s.decisions)
			}
			want := workflows.Instruction{
				ID: "instruction of Approve", Action: "Approve", Who: "anna",
				Digest: workflows.DigestOf(workflows.Person{Who: "anna", VoucherHash: "v1"}),
			}
			if s.decisions[0].Instruction != want {
				t.Errorf("proven with %+v, want %+v", s.decisions[0].Instruction, want)
			}
		})
	}
}

// A payout that is held, because of a decision or for want of one, is let go on by
// nobody who cannot prove it; the revision of a repost is raised by that record.
func TestAHeldPayoutGoesOnOnlyForAProvenCommand(t *testing.T) {
	for _, test := range []struct {
		code   held.Code
		update workflows.Update[workflows.Person, workflows.Accepted]
	}{
		{held.FormulaDiffers, workflows.RetryPayout},
		{held.ReversedBefore, workflows.RepostPayout},
	} {
		t.Run(test.update.Name, func(t *testing.T) {
			s := goodSteps()
			s.post = func() (workflows.Posted, error) {
				if len(s.decisions) == 0 {
					return workflows.Posted{Held: heldFor(test.code)}, nil
				}
				return workflows.Posted{BatchNumber: "000123"}, nil
			}
			s.deny = func(d workflows.Decision) string {
				if d.Who == "cfo@example.com" {
					return "nobody is known to have asked for it"
				}
				return ""
			}
			env := newEnv(t, s)
			forged := tell(t, env, time.Minute, test.update, workflows.Person{Who: "cfo@example.com", Reason: "forged"})
			during(t, env, func() {
				if got := ask(t, env, workflows.PayoutStatusQuery); got.Held == nil || got.Held.Code != test.code {
					t.Errorf("it is %+v", got)
				}
			}, 2*time.Minute)
			by := workflows.Person{Who: "anna", Reason: "r"}
			tell(t, env, time.Hour, test.update, by)
			env.ExecuteWorkflow(workflows.PayoutWorkflowName, jan)
			if got := result[workflows.PayoutResult](t, env); got.State != workflows.StateVerified || forged.failed == nil || len(s.decisions) != 1 {
				t.Fatalf("it is %s after %+v; the forged one was answered with %v", got.State, s.decisions, forged.failed)
			}
			want := workflows.Instruction{ID: "instruction of " + test.update.Name, Action: test.update.Name, Who: "anna", Digest: workflows.DigestOf(by)}
			if s.decisions[0].Instruction != want {
				t.Errorf("proven with %+v, want %+v", s.decisions[0].Instruction, want)
			}
		})
	}
}

func TestAReversalThatNobodyAskedForIsRefused(t *testing.T) {
	s := goodSteps()
	s.deny = func(workflows.Decision) string { return "nobody is known to have asked for it" }
	env := newEnv(t, s)
	env.ExecuteWorkflow(workflows.ReversePayoutWorkflowName, takeBack)
	got := result[workflows.ReverseResult](t, env)
	if got.State != workflows.ReversalRefused || got.BatchNumber != "" || strings.Contains(strings.Join(s.called, " "), "post reversal") {
		t.Errorf("%+v, called %v", got, s.called)
	}
}

func TestACommandToAConnectionThatIsNotProvenChangesNothing(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	setUp(t, env)
	off := false
	during(t, env, func() { s.change(func() { s.forged = true }) }, time.Hour)
	var all []*outcome
	all = append(all,
		tell(t, env, 2*time.Hour, workflows.ConfigureConnection, workflows.Configure{Settings: workflows.Settings{Posting: "auto"}, FourEyes: &off, Who: "cfo@example.com"}),
		tell(t, env, 3*time.Hour, workflows.PauseConnection, workflows.Person{Who: "cfo@example.com"}),
		tell(t, env, 4*time.Hour, workflows.SetKlarnaCredential, workflows.CredentialSet{Who: "cfo@example.com"}),
		tell(t, env, 5*time.Hour, workflows.Disconnect, workflows.Person{Who: "cfo@example.com"}),
	)
	saved := 0
	during(t, env, func() { s.change(func() { saved = len(s.saved) }) }, time.Hour+time.Minute)
	during(t, env, func() {
		s.change(func() {
			if len(s.saved) != saved {
				t.Errorf("recorded: %+v", s.saved[saved:])
			}
			s.forged = false
		})
		if got := ask(t, env, workflows.ConnectionStatus); got.State != workflows.ConnActive {
			t.Errorf("it is %s", got.State)
		}
	}, 6*time.Hour)
	tell(t, env, 7*time.Hour, workflows.Disconnect, annas)
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, shop)
	for i, o := range all {
		if o.failed == nil {
			t.Errorf("message %d was carried out: %+v", i, o)
		}
	}
}

// A workflow that Temporal says goes on from an earlier run is one that Temporal
// itself continued. Somebody else's start would bring settings of long ago back.
func TestAConnectionCannotBeStartedInMidLife(t *testing.T) {
	s := goodSteps()
	env := newEnv(t, s)
	in := shop
	in.Carry = &workflows.Status{ID: "c1", State: workflows.ConnActive, Settings: workflows.Settings{Posting: "auto"}}
	env.ExecuteWorkflow(workflows.ConnectionWorkflowName, in)
	if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "there is none") || len(s.saved) != 0 {
		t.Errorf("%v; recorded %+v", err, s.saved)
	}
}

// The digest binds an instruction to every word of a message, and not to its id.
func TestTheDigestIsOfEveryWord(t *testing.T) {
	on := true
	base := workflows.Configure{Settings: workflows.Settings{Posting: "review"}, Who: "anna"}
	seen := map[string]int{}
	for i, c := range []workflows.Configure{
		base, {Settings: base.Settings, Who: "bo"}, {Settings: workflows.Settings{Posting: "auto"}, Who: "anna"}, {Settings: base.Settings, FourEyes: &on, Who: "anna"},
	} {
		digest := workflows.DigestOf(c)
		if before, twice := seen[digest]; twice {
			t.Errorf("messages %d and %d have one digest", before, i)
		}
		seen[digest] = i
	}
	if workflows.DigestOf(base) != workflows.DigestOf(base.WithInstruction("i1")) {
		t.Error("the id of the instruction changes the digest")
	}
}
