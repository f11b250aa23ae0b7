package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"kvitt/internal/notice"
)

// DriftInput asks what became of the batches that a connection has posted.
type DriftInput struct {
	Connection string `json:"connection"`
}

// DriftFound counts what was found, by its word.
type DriftFound struct {
	Looked int            `json:"looked"`
	Words  map[string]int `json:"words,omitempty"`
}

// DriftNotTakenBack is the word of an accrual that Visma.net has not taken back.
const DriftNotTakenBack = "not_taken_back"

// CheckDrift compares what was posted lately with what Visma.net has now.
var CheckDrift = Activity[DriftInput, DriftFound]{Name: "CheckDrift", StartToClose: long, Heartbeat: pulse, GiveUp: 2 * time.Hour}

// checkDrift looks at the batches that were posted lately, as part of the
// daily check. A run that was checked before this was built goes on without,
// in its past, and with it from its next day on: so the version is asked for
// by the day, until it is there.
func (c *connection) checkDrift(ctx workflow.Context) {
	if !c.watches {
		day := workflow.Now(ctx).UTC().Format(time.DateOnly)
		c.watches = workflow.GetVersion(ctx, "drift-"+day, workflow.DefaultVersion, 1) == 1
	}
	if !c.watches || c.Visma.State != SideConnected {
		return
	}
	found, err := CheckDrift.Run(ctx, c.ID, DriftInput{Connection: c.ID})
	if err != nil {
		workflow.GetLogger(ctx).Warn("what became of the batches was not found out", "error", err)
		return
	}
	if n := found.Words[DriftNotTakenBack]; n > 0 {
		c.tell(ctx, string(notice.NotTakenBack), notice.Facts{Kind: notice.NotTakenBack, NotTakenBack: int64(n)}, workflow.Now(ctx).UTC().Format(time.DateOnly))
	}
}
