// Package activities is where the workflows' decisions meet the world: one
// small struct for each outside party, with its dependencies injected.
//
// Activities are thin: the proof, the voucher and the exactly-once protocol
// live in internal. Errors from outside are mapped here, once, to what
// Temporal should do. An activity must never return a secret, a row or a
// document: only references and sums travel through Temporal.
package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"kvitt/internal/access"
	"kvitt/internal/instruct"
	"kvitt/internal/notify"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// Settings are what an operator chooses for the activities.
type Settings struct {
	// UnknownWait limits how long a batch must have stayed absent before it is
	// posted again.
	UnknownWait time.Duration
	TaskQueue   string
	// PublicURL is where browsers reach the portal, for the links in notices.
	PublicURL string
	// Channels are where notices go, besides the log.
	Channels []notify.Channel
	// SyncLimit, GrantWarning and GrantLifetime say when which notice is due.
	SyncLimit, GrantWarning, GrantLifetime time.Duration
}

// Register makes every activity known to a worker, under its declared name.
func Register(r worker.ActivityRegistry, doors *access.Doors, temporal client.Client, s Settings) {
	book := instruct.NewBook(doors.Vault, doors.Store)
	ledger := &Ledger{Store: doors.Store, Doors: doors, Instructions: book}
	from := &Klarna{Doors: doors, Store: doors.Store}
	to := &Visma{Doors: doors, Store: doors.Store, Instructions: book, UnknownWait: s.UnknownWait, GrantLifetime: s.GrantLifetime}
	schedules := &Schedules{Temporal: temporal, TaskQueue: s.TaskQueue}

	add(r, workflows.BeginSync, ledger.BeginSync)
	add(r, workflows.FinishSync, ledger.FinishSync)
	add(r, workflows.HoldPayout, ledger.HoldPayout)
	add(r, workflows.KeepStop, ledger.KeepStop)
	add(r, workflows.RecordDecision, ledger.RecordDecision)
	add(r, workflows.ProveInstruction, ledger.ProveInstruction)
	add(r, workflows.PayoutState, ledger.PayoutState)
	add(r, workflows.SaveConnection, ledger.SaveConnection)

	add(r, workflows.ListPayouts, from.ListPayouts)
	add(r, workflows.ProvePayout, from.ProvePayout)
	add(r, workflows.VerifyKlarna, from.VerifyKlarna)

	add(r, workflows.CompileVoucher, to.CompileVoucher)
	add(r, workflows.PostVoucher, to.PostVoucher)
	add(r, workflows.PostSplit, to.PostSplit)
	add(r, workflows.CompleteBatch, to.CompleteBatch)
	add(r, workflows.PrepareReversal, to.PrepareReversal)
	add(r, workflows.PostReversal, to.PostReversal)
	add(r, workflows.CompleteReversal, to.CompleteReversal)
	add(r, workflows.PrepareAccrual, to.PrepareAccrual)
	add(r, workflows.PostAccrual, to.PostAccrual)
	add(r, workflows.CompleteAccrual, to.CompleteAccrual)
	add(r, workflows.VerifyVisma, to.VerifyVisma)
	add(r, workflows.EraseSecrets, to.EraseSecrets)
	add(r, workflows.CheckDrift, to.CheckDrift)

	notices := &Notices{Store: doors.Store, Channels: s.Channels, PublicURL: s.PublicURL, SyncLimit: s.SyncLimit, GrantWarning: s.GrantWarning}
	add(r, workflows.TakeStock, notices.TakeStock)
	add(r, workflows.Notify, notices.Notify)
	add(r, workflows.DropNotice, notices.DropNotice)

	preview := &Preview{Klarna: from, Visma: to}
	add(r, workflows.PreviewPayout, preview.PreviewPayout)

	add(r, workflows.SetSchedule, schedules.SetSchedule)
}

// add registers a function under the name of its declaration; the types hold
// the two together.
func add[In, Out any](r worker.ActivityRegistry, a workflows.Activity[In, Out], fn func(context.Context, In) (Out, error)) {
	r.RegisterActivityWithOptions(func(ctx context.Context, in In) (Out, error) {
		defer alive(ctx)()
		out, err := fn(ctx, in)
		return out, toTemporal(ctx, err)
	}, activity.RegisterOptions{Name: a.Name})
}

// alive tells Temporal, once in a while, that this process still works on an
// activity, until the returned function is called: so what a process that died
// had begun is taken up again within seconds, and a slow answer of Visma.net
// (minutes, at worst) is waited for. A short activity never tells, because each
// heartbeat costs.
func alive(ctx context.Context) (stop func()) {
	if activity.GetInfo(ctx).HeartbeatTimeout == 0 {
		return func() {}
	}
	const every = 10 * time.Second
	ended := make(chan struct{})
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(ended) }
}

// final tells whether nothing more will happen to a payout by itself.
func final(ctx context.Context, s *store.Store, p *store.Payout) (bool, error) {
	switch p.State {
	case workflows.StateVerified, workflows.StateRejected, workflows.StateReversed:
		return true, nil
	case workflows.StatePosted: // final for a draft, on its way for the others
		posting, err := s.BookingOf(ctx, p.ConnectionID, p.PaymentReference, p.Revision)
		return err == nil && posting.State == "draft", err
	default:
		return false, nil
	}
}
