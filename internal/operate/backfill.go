package operate

import (
	"context"
	"errors"
	"fmt"

	"kvitt/workflows"
)

// MostConcurrency keeps a typing error from exhausting everybody's budget.
const MostConcurrency = 64

// StartBackfill starts a backfill; ErrRunning when one of exactly these days
// runs already.
func (d *Desk) StartBackfill(ctx context.Context, in workflows.SyncInput) (workflowID string, err error) {
	in.Mode = workflows.ModeBackfill
	kind := "Backfill"
	if in.DryRun {
		kind = "Dry run"
	}
	id := workflows.BackfillWorkflowID(in.Connection, in.From, in.To)
	if in, err = instructed(ctx, d, in.Connection, id, workflows.ActionBackfill, in); err != nil {
		return id, err
	}
	return id, d.Temporal.Start(ctx, Start{
		ID:         id,
		Workflow:   workflows.SettlementSyncWorkflowName,
		Input:      in,
		Summary:    fmt.Sprintf("%s of connection %s from %s to %s", kind, in.Connection, in.From, in.To),
		Connection: in.Connection,
		Urgency:    workflows.UrgentBackfill,
	})
}

// Decide asks a payout for what a person decided about it, and waits until it
// has acted on that.
func (d *Desk) Decide(ctx context.Context, connection, reference, verb string, u workflows.Update[workflows.Person, workflows.Accepted], by workflows.Person) (workflows.Accepted, error) {
	out, err := Give(ctx, d, connection, u, workflows.PayoutWorkflowID(connection, reference), by, DecisionWithin)
	if errors.Is(err, ErrNotRunning) {
		return out, err
	}
	return out, Unanswered(verb+" the payout "+reference, err, nil)
}
