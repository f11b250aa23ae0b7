package workflows

import (
	"strconv"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Stopped asks KeepStop to remember why a reversal or an accrual waits. Whatever
// ends one forgets it: the activity that does.
type Stopped struct {
	Connection string `json:"connection"`
	Work       string `json:"work"` // WorkReversal or WorkAccrual
	Name       string `json:"name"` // the payment reference, or the accrual's name
	Held       Held   `json:"held"`
}

// What waits besides payouts, as the store calls it.
const (
	WorkReversal = "reversal"
	WorkAccrual  = "accrual"
)

// KeepStop remembers why something that is not a payout waits.
var KeepStop = Activity[Stopped, Nothing]{Name: "KeepStop", StartToClose: quick, GiveUp: giveUp}

// stopKeeper lets the database know why a workflow waits, once for each reason.
type stopKeeper struct {
	asked int
	keeps bool
	last  Held
}

// keep remembers why the workflow waits. One that waited before this was built
// remembers from its next stop on: so the version is asked for by the stop,
// until it is there. What cannot be remembered is still told in Temporal.
func (k *stopKeeper) keep(ctx workflow.Context, about Stopped) error {
	if !k.keeps {
		k.asked++
		k.keeps = workflow.GetVersion(ctx, "stop-"+strconv.Itoa(k.asked), workflow.DefaultVersion, 1) == 1
	}
	if !k.keeps || k.last.Same(&about.Held) {
		return nil
	}
	_, err := KeepStop.Run(ctx, about.Connection, about)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		workflow.GetLogger(ctx).Error("why it is held was not remembered", "error", err)
		return nil
	}
	k.last = about.Held
	return nil
}
