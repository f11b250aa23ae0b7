package stack

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"kvitt/workflows"
)

// Costs are the costs of workflows: events in their histories, and Temporal's billable actions as far as
// histories show them.
type Costs struct {
	Payouts, Actions, Events int
}

// Cost counts the workflows that a visibility query finds.
func Cost(ctx context.Context, c client.Client, query string) (Costs, error) {
	var total Costs
	var page []byte
	for {
		found, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page, PageSize: 200})
		if err != nil {
			return total, err
		}
		for _, w := range found.GetExecutions() {
			if w.GetType().GetName() == workflows.PayoutWorkflowName {
				total.Payouts++
			}
			events := c.GetWorkflowHistory(ctx, w.GetExecution().GetWorkflowId(), w.GetExecution().GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				e, err := events.Next()
				if err != nil {
					return total, err
				}
				total.Events++
				total.Actions += billable(e)
			}
		}
		if page = found.GetNextPageToken(); len(page) == 0 {
			return total, nil
		}
	}
}

// billable returns the number of actions of an event. The start of a child is counted in both parent and
// child, to be on the safe side.
func billable(e *historypb.HistoryEvent) int {
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
		enumspb.EVENT_TYPE_TIMER_STARTED,
		enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
		enumspb.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
		enumspb.EVENT_TYPE_MARKER_RECORDED:
		return 1
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		return int(e.GetActivityTaskStartedEventAttributes().GetAttempt()) - 1 // retries
	default:
		return 0
	}
}
