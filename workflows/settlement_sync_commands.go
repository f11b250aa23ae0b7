package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"
)

// listen registers what people and payouts can tell a sync.
func (s *sync) listen(ctx workflow.Context) error {
	PauseSync.Listen(ctx, s.onPause)
	ResumeSync.Listen(ctx, s.onResume)
	CancelSync.Listen(ctx, s.onCancel)
	PayoutParked.Listen(ctx, s.onParked)
	Reauthenticated.Listen(ctx, s.onReauthenticated)
	return ProgressQuery.Answer(ctx, func() Progress {
		p := s.Progress
		p.State, p.Running = s.state(), s.active
		if s.blocked != "" {
			p.Words = "Waits for " + s.blocked + ": " + s.reason
		}
		return p
	})
}

// drainSignals handles what arrived before continuing as new.
func (s *sync) drainSignals(ctx workflow.Context) {
	PauseSync.Drain(ctx, s.onPause)
	ResumeSync.Drain(ctx, s.onResume)
	CancelSync.Drain(ctx, s.onCancel)
	PayoutParked.Drain(ctx, s.onParked)
	Reauthenticated.Drain(ctx, s.onReauthenticated)
}

func (s *sync) onPause(ctx workflow.Context, _ Person)  { s.paused = true; s.show(ctx) }
func (s *sync) onResume(ctx workflow.Context, _ Person) { s.paused = false; s.show(ctx) }
func (s *sync) onCancel(ctx workflow.Context, _ Person) { s.cancelled = true; s.show(ctx) }

func (s *sync) onReauthenticated(ctx workflow.Context, provider string) {
	if s.blocked == provider {
		s.blocked, s.reason = "", ""
	}
	s.show(ctx)
}

// onParked gives the payout's place to another one. A payout that waits for a
// person is counted as held; one that waits for a credential stops the sync
// from starting others that would only meet the same refusal.
func (s *sync) onParked(ctx workflow.Context, in Parked) {
	s.release(in.PaymentReference)
	if in.Provider != "" {
		s.block(ctx, CredentialError{in.Provider, in.Reason})
	}
	if !in.ByItself {
		s.parked[in.PaymentReference] = in.Rows
		s.Progress.Held++
		s.Progress.Rows += in.Rows
	}
	s.show(ctx)
}

// unpark takes a payout that went on after all out of those counted as held.
func (s *sync) unpark(ref string) {
	if rows, ok := s.parked[ref]; ok {
		delete(s.parked, ref)
		s.Progress.Held--
		s.Progress.Rows -= rows
	}
}

func (s *sync) release(ref string) {
	s.active = slices.DeleteFunc(s.active, func(r string) bool { return r == ref })
}

// block stops starting payouts until the provider works again, and asks the
// connection to say when.
func (s *sync) block(ctx workflow.Context, c CredentialError) {
	if s.blocked == c.Provider {
		return
	}
	s.blocked, s.reason = c.Provider, c.Reason
	s.show(ctx)
	ReauthRequired.Send(ctx, ConnectionWorkflowID(s.in.Connection), ReauthNeeded{
		Provider: c.Provider, WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID, Reason: c.Reason,
	})
}

// call runs an activity of the sync itself and waits out a dead credential.
func call[In, Out any](ctx workflow.Context, s *sync, a Activity[In, Out], in In) (Out, error) {
	for {
		out, err := a.Run(ctx, s.in.Connection, in)
		c, dead := credentialError(err)
		if !dead {
			return out, err
		}
		s.block(ctx, c)
		if err := workflow.Await(ctx, func() bool { return s.blocked == "" || s.cancelled }); err != nil || s.cancelled {
			return out, err
		}
	}
}

// shielded returns a context that a cancellation of the workflow does not
// reach, and watches for one: it stops the sync as the Cancel signal does.
func (s *sync) shielded(ctx workflow.Context) (workflow.Context, workflow.CancelFunc) {
	calm, cancel := workflow.NewDisconnectedContext(ctx)
	workflow.Go(calm, func(calm workflow.Context) {
		ctx.Done().Receive(calm, nil)
		if ctx.Err() != nil {
			s.onCancel(calm, Person{})
		}
	})
	return calm, cancel
}

func (s *sync) state() string {
	switch {
	case s.Progress.State == "done":
		return "done"
	case s.cancelled:
		return "finishing"
	case s.blocked != "":
		return "waiting"
	case s.paused:
		return "paused"
	default:
		return "running"
	}
}

// words is the progress as an operator reads it in Temporal's Web UI.
func (s *sync) words() string {
	p := s.Progress
	var b strings.Builder
	fmt.Fprintf(&b, "### %s of connection %s\n\n%s: %d of %d windows listed; %d payouts found, %d posted (%d adopted), %d held, %d skipped, %d failed; %d rows.",
		map[string]string{ModeSchedule: "Sync", ModeNow: "Sync", ModeBackfill: "Backfill"}[s.in.Mode], s.in.Connection,
		s.state(), p.WindowsRun, p.Windows, p.Found, p.Posted, p.Adopted, p.Held, p.Skipped, p.Failed, p.Rows)
	if s.blocked != "" {
		fmt.Fprintf(&b, "\n\n**Waits for %s**: %s", s.blocked, s.reason)
	}
	if len(s.active) > 0 {
		fmt.Fprintf(&b, "\n\nRunning: %s", strings.Join(s.active, ", "))
	}
	return b.String()
}

func (s *sync) show(ctx workflow.Context) { tellOperator(ctx, s.words()) }
