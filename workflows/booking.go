package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// lookDaily is the interval at which a held booking checks whether its cause has gone:
// a period that was opened, an outage that is over.
const lookDaily = 24 * time.Hour

// booking is the part that the workflows of all kinds of bookings share: post by the
// exactly-once protocol, stop, tell why, wait, and let people decide.
type booking struct {
	connection string
	what       string        // it is, in sentences: "the reversal of payout P1"
	head       func() string // of what an operator is shown

	state     string
	since     time.Time
	held      *Held // why it waits, nil while it moves
	looking   *Held // why it waited until it began to look by itself whether the cause has gone
	told      bool  // why it is held is recorded and can be read in Temporal
	posted    Posted
	sending   bool          // from here on Visma.net may know of the batch
	lookAgain time.Duration // when to look again for a batch of which nobody knows
	again     bool          // a person wants sent once more what was refused repeatedly
	anew      anew
	nudges    int // commands and facts that end a wait
	done      bool
	stops     stopKeeper
}

// step is one thing that a booking does: it returns what stops it.
type step = func(workflow.Context) (*Held, error)

// run takes the steps that are still to be taken, again after each wait, until the
// booking is done. Only a cancelled workflow ends with an error.
func (b *booking) run(ctx workflow.Context, advance step, wait func(ctx workflow.Context, stop *Held, seen int) error) error {
	for !b.done {
		// Counted before the steps: what arrives while they run must not be lost.
		seen := b.nudges
		stop, err := advance(ctx)
		if err == nil && !b.done {
			err = wait(ctx, stop, seen)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take takes steps in order until one stops the booking, or it is done.
func (b *booking) take(ctx workflow.Context, steps ...step) (*Held, error) {
	for _, step := range steps {
		stop, err := step(ctx)
		switch {
		case temporal.IsCanceledError(err):
			return nil, err
		case err != nil:
			return stopFor(err), nil
		case stop != nil || b.done:
			return stop, nil
		}
	}
	return nil, nil
}

// post runs the exactly-once protocol, unless there is a batch already. While the
// outcome is unknown, nothing else of this booking moves. What stops it otherwise
// is for refused to settle.
func (b *booking) post(ctx workflow.Context, words string, send func() (Posted, error), refused func(*Held) (*Held, error)) (*Held, error) {
	if b.posted.BatchNumber != "" {
		return nil, nil
	}
	b.sending = true
	b.enter(ctx, StatePosting)
	b.show(ctx, words)
	asked := b.again
	got, err := send()
	if err != nil {
		return nil, err
	}
	if stop := b.answered(got, asked); stop != nil && b.lookAgain > 0 {
		return stop, nil
	} else if stop != nil {
		return refused(stop)
	}
	b.posted = got
	b.enter(ctx, StatePosted)
	return nil, nil
}

// answered returns what stops a booking after the protocol ran, and until when. A
// wish to send again that came meanwhile was not asked of it and stays.
func (b *booking) answered(got Posted, asked bool) *Held {
	b.again, b.lookAgain = b.again && !asked, got.LookAgain
	if got.Held == nil && got.LookAgain > 0 {
		return held.Because(held.OutcomeUnknown, "")
	}
	return got.Held
}

// wait shows why the booking stopped, lets tell tell whoever needs to know, after
// which it is told, and returns when something has changed since the seen-th nudge, or when it is time
// to look by itself.
func (b *booking) wait(ctx workflow.Context, state string, stop *Held, seen int, tell func(workflow.Context, *Held) error) (changed bool, err error) {
	b.held, b.looking, b.anew = stop, nil, 0
	b.enter(ctx, state)
	b.show(ctx, fmt.Sprintf("**%s** (`%s`)\n\n%s", stop.Detail, stop.Code, stop.Remedy))
	if err := tell(ctx, stop); err != nil {
		return false, err
	}
	changed, err = workflow.AwaitWithTimeout(ctx, patience(stop.Code, b.lookAgain), func() bool { return b.nudges > seen })
	b.held, b.told = nil, false
	if !changed {
		b.looking = stop
	}
	return changed, err
}

// stoppedBy returns what a person sees as the reason: why the booking waits, or why it
// waited until just now.
func (b *booking) stoppedBy() *Held { return cmp.Or(b.held, b.looking) }

// waitAs is wait for what has no payout's row to be recorded in.
func (b *booking) waitAs(work, name string) func(workflow.Context, *Held, int) error {
	return func(ctx workflow.Context, stop *Held, seen int) error {
		_, err := b.wait(ctx, StateHeld, stop, seen, func(ctx workflow.Context, stop *Held) error {
			if err := b.stops.keep(ctx, Stopped{b.connection, work, name, *stop}); err != nil {
				return err
			}
			if err := b.tellHeld(ctx, stop); err != nil {
				return err
			}
			b.told = true
			return nil
		})
		return err
	}
}

// tellHeld lets operators find a workflow that stopped, and its connection know
// when it stopped for want of a credential.
func (b *booking) tellHeld(ctx workflow.Context, stop *Held) error {
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttrState.ValueSet(b.state), AttrHeldReason.ValueSet(string(stop.Code))); err != nil {
		return err
	}
	if provider := providerOf(stop.Code); provider != "" {
		ReauthRequired.Send(ctx, ConnectionWorkflowID(b.connection), ReauthNeeded{
			Provider: provider, WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID, Reason: stop.Detail,
		})
	}
	return nil
}

// finish leaves the search attributes as an operator filters by them, and the last
// words.
func (b *booking) finish(ctx workflow.Context, words string, attributes ...temporal.SearchAttributeUpdate) error {
	if err := workflow.UpsertTypedSearchAttributes(ctx, append([]temporal.SearchAttributeUpdate{AttrState.ValueSet(b.state)}, attributes...)...); err != nil {
		return err
	}
	b.show(ctx, words)
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// hear ends a wait for a credential once that works again.
func (b *booking) hear(ctx workflow.Context) {
	Reauthenticated.Listen(ctx, func(_ workflow.Context, provider string) {
		if b.held != nil && providerOf(b.held.Code) == provider {
			b.nudges++
		}
	})
}

// retries lets people make a booking that is held look again.
func (b *booking) retries(ctx workflow.Context) error {
	return RetryPayout.Handle(ctx, func(by Person) error { return b.may("retry", by) }, func(ctx workflow.Context, by Person) (Accepted, error) {
		if err := proven(ctx, b.connection, RetryPayout.Name, by.Instruction, by); err != nil {
			return Accepted{State: b.state}, err
		}
		b.again = sendsAgain(b.stoppedBy())
		return b.command(ctx)
	})
}

// command wakes the booking and waits until it has acted: it stopped again, and
// that is recorded, or it is done.
func (b *booking) command(ctx workflow.Context) (Accepted, error) {
	b.held, b.told = nil, false
	b.nudges++
	err := workflow.Await(ctx, func() bool { return b.done || b.told })
	return Accepted{State: b.state}, err
}

func (b *booking) may(verb string, by Person) error {
	if b.held == nil && (verb != "retry" || b.looking == nil) {
		return fmt.Errorf("%s %s: it is %s and moves; wait until it stops", verb, b.what, b.state)
	}
	return named(by)
}

func (b *booking) enter(ctx workflow.Context, state string) {
	if b.state != state {
		b.state, b.since = state, workflow.Now(ctx)
	}
}

func (b *booking) end(ctx workflow.Context, state string) {
	b.enter(ctx, state)
	b.done = true
}

// show tells an operator in Temporal's Web UI where the booking stands.
func (b *booking) show(ctx workflow.Context, words string) {
	tellOperator(ctx, b.head()+"\n\n"+words)
}

// sendsAgain tells whether a retry means that the batch is sent once more.
func sendsAgain(why *Held) bool { return why != nil && why.Code == held.RefusedRepeatedly }

// stopFor turns an activity's error into what a booking waits for.
func stopFor(err error) *Held {
	if c, ok := credentialError(err); ok {
		return held.Because(credentialCode(c.Provider), c.Reason)
	}
	return held.Because(held.Failed, cause(err).Error())
}

// cause is an activity's own error, without what Temporal says around it.
func cause(err error) error {
	var activity *temporal.ActivityError
	if errors.As(err, &activity) && activity.Unwrap() != nil {
		return activity.Unwrap()
	}
	return err
}

// patience returns how long what is held waits before it looks by itself.
func patience(code held.Code, lookAgain time.Duration) time.Duration {
	switch code {
	case held.OutcomeUnknown, held.RefusedRepeatedly:
		return cmp.Or(lookAgain, lookDaily)
	case held.PeriodClosed, held.PeriodMissing, held.Failed:
		return lookDaily
	default:
		const tenYears = 10 * 365 * lookDaily
		return tenYears
	}
}

func providerOf(code held.Code) string {
	switch code {
	case held.CredentialKlarna:
		return ProviderKlarna
	case held.CredentialVisma:
		return ProviderVisma
	default:
		return ""
	}
}

func credentialCode(provider string) held.Code {
	if provider == ProviderKlarna {
		return held.CredentialKlarna
	}
	return held.CredentialVisma
}
