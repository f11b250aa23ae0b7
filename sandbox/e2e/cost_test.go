package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

// A posted payout costs at most this in Temporal, its share of the sync
// included.
const (
	mostActions = 8
	mostEvents  = 45
)

// cost makes sure that the backfill of n payouts that has just run was cheap:
// in Temporal, and in what it asked of Klarna and Visma.net.
func cost(t *testing.T, h *house, n int) {
	t.Helper()
	run, err := h.temporal.DescribeWorkflowExecution(t.Context(), workflows.BackfillWorkflowID(h.id, quarterFrom, quarterTo), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := stack.Cost(t.Context(), h.temporal, fmt.Sprintf("WorkflowType = 'PayoutWorkflow' OR RunId = '%s'", run.GetWorkflowExecutionInfo().GetExecution().GetRunId()))
	if err != nil {
		t.Fatal(err)
	}
	if got.Payouts != n {
		t.Fatalf("%d payout workflows were found, want %d", got.Payouts, n)
	}
	actions, events := float64(got.Actions)/float64(n), float64(got.Events)/float64(n)
	t.Logf("%.2f actions and %.2f events for each payout", actions, events)
	if actions > mostActions || events > mostEvents {
		t.Errorf("a payout costs %.2f actions and %.2f events; %d and %d are allowed", actions, events, mostActions, mostEvents)
	}
	requests(t, h.world, n)
}

// requests makes sure that nothing is asked twice that can be known once.
func requests(t *testing.T, w *world, n int) {
	t.Helper()
	got := map[string]int{}
	for endpoint, asked := range w.Klarna.Requests().ByEndpoint {
		got["klarna "+endpoint] = int(asked)
	}
	for endpoint, asked := range w.Visma.Requests() {
		got["visma "+endpoint] = asked
	}
	const months = 3
	// An earlier installation may have booked a payout in any period since.
	now := time.Now()
	periods := 12*(now.Year()-2026) + int(now.Month())
	most := map[string]int{
		"klarna /payouts":                                                       months, // one listing a month
		"klarna /transactions":                                                  n + 60, // one page a payout, more for large ones
		"klarna /reports/payout":                                                n,      // one PDF a payout
		"klarna /reports/payout-with-transactions":                              n,      // one CSV a payout
		"visma POST /v2/journaltransaction":                                     n,
		"visma GET /v1/background/{id}":                                         3 * n, // polls
		"visma GET /v2/journaltransaction/{number}":                             2 * n, // read back before and after the release
		"visma POST /v2/journaltransaction/{number}/action/release":             n,
		"visma POST /v2/journaltransaction/module/{module}/{number}/attachment": 3 * n,       // CSV, PDF, proof
		"visma GET /v2/journaltransaction":                                      3 * periods, // each once; an empty one again, after a batch that is there was seen in its own
		"visma GET /v1/organization":                                            1,
		"visma GET /v1/account":                                                 1,
		"visma GET /v1/ledger":                                                  1,
		"visma GET /v1/branch":                                                  1,
		"visma GET /v1/currency":                                                1,
		"visma GET /v1/financialPeriod":                                         2, // pages
		"visma GET /v1/dimension/{id}":                                          1,
		"visma GET /v1/dimension/{id}/{segment}":                                1,
	}
	var table strings.Builder
	for endpoint, asked := range got {
		fmt.Fprintf(&table, "%-80s %5d %6.2f\n", endpoint, asked, float64(asked)/float64(n))
		limit, known := most[endpoint]
		if !known || asked > limit {
			t.Errorf("%s was asked %d times for %d payouts, at most %d are allowed", endpoint, asked, n, limit)
		}
	}
	t.Logf("requests, and for each of %d payouts:\n%s", n, table.String())
}
