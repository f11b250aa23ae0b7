// Package workflows is the deterministic heart of Kvitt: the life of a
// connection, one settlement sync, and one payout, as Temporal workflows.
//
// It decides the order of things and what waits for what. It must never do
// I/O, read a clock other than workflow.Now, or import a client, the store or
// the vault; secrets never pass through it. Names of workflows, activities,
// signals, queries and updates are public: recorded histories depend on them.
package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The names under which the workflows are registered.
const (
	ConnectionWorkflowName     = "ConnectionWorkflow"
	SettlementSyncWorkflowName = "SettlementSyncWorkflow"
	PayoutWorkflowName         = "PayoutWorkflow"
	ReversePayoutWorkflowName  = "ReversePayoutWorkflow"
	AccrualWorkflowName        = "AccrualWorkflow"
)

// Register makes every workflow known to a worker, under its stable name.
func Register(r worker.WorkflowRegistry) {
	for name, fn := range map[string]any{
		ConnectionWorkflowName:     ConnectionWorkflow,
		SettlementSyncWorkflowName: SettlementSyncWorkflow,
		PayoutWorkflowName:         PayoutWorkflow,
		ReversePayoutWorkflowName:  ReversePayoutWorkflow,
		AccrualWorkflowName:        AccrualWorkflow,
	} {
		r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
}

// ConnectionWorkflowID is the workflow id of a connection.
func ConnectionWorkflowID(connection string) string { return "connection/" + connection }

// PayoutWorkflowID is the workflow id of a payout.
func PayoutWorkflowID(connection, paymentReference string) string {
	return "payout/" + connection + "/" + paymentReference
}

// ParsePayoutWorkflowID is the inverse of PayoutWorkflowID.
func ParsePayoutWorkflowID(id string) (connection, paymentReference string, ok bool) {
	rest, ok := strings.CutPrefix(id, "payout/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

// ReverseWorkflowID is the workflow id of the reversal with that revision.
func ReverseWorkflowID(connection, paymentReference string, revision int) string {
	return fmt.Sprintf("reverse/%s/%s/%d", connection, paymentReference, revision)
}

// AccrualWorkflowID is the workflow id of the accrual of a day and currency.
func AccrualWorkflowID(connection, at, currency string) string {
	return "accrual/" + connection + "/" + at + "/" + currency
}

// BackfillWorkflowID is the workflow id of a backfill; both days are included.
func BackfillWorkflowID(connection, from, to string) string {
	return "backfill/" + connection + "/" + from + "/" + to
}

// ScheduleID is the id of a connection's schedule, and the prefix of the
// workflow ids of the syncs it starts.
func ScheduleID(connection string) string { return "sync/" + connection }

// SyncNowWorkflowID is the workflow id of a sync that a person asked for.
func SyncNowWorkflowID(connection string, at time.Time) string {
	return "sync/" + connection + "/now/" + at.UTC().Format("2006-01-02T15:04:05Z")
}
