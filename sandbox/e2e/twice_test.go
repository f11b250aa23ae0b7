package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

func TestTheSameDaysBackfilledTwiceAtOnceArePostedOnce(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 12)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	first := w.run(t, nil, h.backfill(controlFrom, "2026-07-12", "--concurrency", "3")...)
	second := w.run(t, nil, h.backfill(controlFrom, controlTo, "--concurrency", "5")...)
	for _, c := range []*command{first, second} {
		got := report(t, c.wait(t).with(t, 0))
		if got.Found != len(payouts) || got.Posted+got.Skipped != len(payouts) || got.Held+got.Failed > 0 {
			t.Errorf("it came to %+v", got.counted())
		}
	}
	h.once(t, payouts...)
}

func TestASyncByScheduleDuringABackfillPostsNothingTwice(t *testing.T) {
	t.Parallel()
	w := town(t)
	var payouts []*shop.Payout
	for n := range 8 {
		payouts = append(payouts, ago(t, n+1))
	}
	day := func(n int) string { return time.Now().AddDate(0, 0, -n).Format(time.DateOnly) }
	h := w.house(t, plan{payouts: payouts, start: day(20)})
	h.slowly(payouts)
	backfill := w.run(t, nil, h.backfill(day(15), day(0), "--concurrency", "2")...)
	h.someBooked(t, 1)
	run := h.trigger(t)
	if run.Outcome != workflows.OutcomeFetched {
		t.Errorf("the sync came to %s", run.Outcome)
	}
	got := report(t, backfill.wait(t).with(t, 0))
	if got.Posted+got.Skipped != len(payouts) {
		t.Errorf("the backfill came to %+v", got.counted())
	}
	h.once(t, payouts...)
}

func TestTwoPeopleWhoDecideAtOnceLetAPayoutBePostedOnce(t *testing.T) {
	t.Parallel()
	w := town(t)
	for name, c := range map[string]struct {
		posting, verb string
		prepare       func(h *house, p *shop.Payout)
	}{
		"both retry": {"auto", "retry", func(h *house, p *shop.Payout) {
			inject(t, h, vismasim.Fault{Kind: vismasim.Rejected, Method: http.MethodPost, Path: journals, Body: p.PaymentReference, Message: "no"})
		}},
		"both approve": {"review", "approve", func(*house, *shop.Payout) {}},
	} {
		t.Run(name, func(t *testing.T) {
			p := settled(t, "2026-07-02")
			h := w.house(t, plan{payouts: []*shop.Payout{p}, posting: c.posting})
			c.prepare(h, p)
			report(t, w.starter(t, h.backfill(controlFrom, controlTo)...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
			inject(t, h, vismasim.Fault{Kind: vismasim.Slow, Delay: 400 * time.Millisecond, Method: http.MethodPost, Path: journals})
			var both []*command
			for range 2 {
				both = append(both, w.run(t, nil, "payout", c.verb, h.id, p.PaymentReference, "--output", "json"))
			}
			worked := 0
			for _, command := range both {
				switch said := command.wait(t); {
				case said.status == 0:
					worked++
				case said.status != 1 || !strings.Contains(said.err, "Error:"):
					t.Errorf("the second one ended with %d:\n%s", said.status, said.err)
				}
			}
			if worked == 0 {
				t.Error("nobody's decision was carried out")
			}
			h.verified(t, p.PaymentReference)
			h.once(t, p)
		})
	}
}

func TestAWorkflowThatAnOperatorTerminatesOrResetsPostsNothingTwice(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 3)
	h := w.house(t, plan{payouts: payouts})
	// Visma.net books the first one, and while nobody knows it, the workflow is
	// terminated.
	inject(t, h, vismasim.Fault{Kind: vismasim.TimeoutAfterCommit, Delay: time.Second, Method: http.MethodPost, Path: journals, Body: payouts[0].PaymentReference})
	backfill := w.run(t, nil, h.backfill(controlFrom, controlTo)...)
	h.someBooked(t, 1)
	until(t, waitFor, "the first one is booked, and nobody knows", func() string {
		if len(w.Visma.Books(h.firm.TenantID).WithReference(payouts[0].PaymentReference)) == 1 {
			return ""
		}
		return "it is not booked yet"
	})
	id := workflows.PayoutWorkflowID(h.id, payouts[0].PaymentReference)
	if err := w.temporal.TerminateWorkflow(t.Context(), id, "", "an operator"); err != nil {
		t.Fatal(err)
	}
	backfill.wait(t)
	report(t, w.done(t, h.backfill(controlFrom, controlTo)...)).came(t, counted{Found: 3, Posted: 1, Adopted: 1, Skipped: 2})
	h.once(t, payouts...)

	// One that had ended is reset to its beginning.
	id = workflows.PayoutWorkflowID(h.id, payouts[1].PaymentReference)
	run, err := w.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.temporal.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: run.GetWorkflowExecutionInfo().GetExecution(), Reason: "an operator",
		WorkflowTaskFinishEventId: 4, RequestId: id,
	})
	if err != nil {
		t.Fatal(err)
	}
	var result workflows.PayoutResult
	if err := w.temporal.GetWorkflow(t.Context(), id, again.GetRunId()).Get(t.Context(), &result); err != nil || result.State != workflows.StateVerified {
		t.Errorf("reset, it came to %+v, %v", result, err)
	}
	h.once(t, payouts...)
}

// namespace makes a further Temporal namespace, and returns the setting that
// leads there. It takes a moment until everybody knows it.
func (w *world) namespace(t *testing.T, name string) (environment string) {
	t.Helper()
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: w.Temporal.Address, Logger: stack.Quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	defer namespaces.Close()
	if err := namespaces.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	return "TEMPORAL_NAMESPACE=" + name
}

// another is a second Temporal namespace with a worker of its own, and the same
// database.
func (w *world) another(t *testing.T) (environment string) {
	t.Helper()
	environment = w.namespace(t, "another")
	until(t, waitFor, "the namespace is there and set up", func() string {
		if s := w.run(t, []string{environment}, "setup").wait(t); s.status != 0 {
			return s.err
		}
		return ""
	})
	if _, err := w.StartWorker(t.Context(), environment); err != nil {
		t.Fatal(err)
	}
	return environment
}

func TestTwoClustersAndNoHistoryAtAllPostNothingTwice(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
	payouts := days(t, controlFrom, 12)
	h := w.house(t, plan{payouts: payouts})
	elsewhere := w.another(t)
	// Each reads the periods before it posts for the first time. While that
	// takes long, both come to mean to post the same payouts.
	inject(t, h, vismasim.Fault{Kind: vismasim.Slow, Delay: 500 * time.Millisecond, Method: http.MethodGet, Path: journals, Times: 30})
	inject(t, h, vismasim.Fault{Kind: vismasim.Slow, Delay: 300 * time.Millisecond, Method: http.MethodPost, Path: journals, Times: 30})
	both := []*command{
		w.run(t, nil, h.backfill(controlFrom, controlTo)...),
		w.run(t, []string{elsewhere}, h.backfill(controlFrom, controlTo)...),
	}
	for i, c := range both {
		s := c.wait(t).with(t, 0)
		if got := report(t, s); got.Posted+got.Skipped != len(payouts) {
			t.Errorf("cluster %d came to %+v", i+1, got.counted())
		}
	}
	h.once(t, payouts...)

	erased := h.erase(t)
	if erased < len(payouts) {
		t.Fatalf("%d histories were erased, of at least %d", erased, len(payouts))
	}
	w.done(t, "setup") // the connection is started again
	report(t, w.done(t, h.backfill(controlFrom, controlTo)...)).came(t, counted{Found: len(payouts), Skipped: len(payouts)})
	for _, p := range payouts { // and whoever starts a payout's workflow by hand
		run, err := w.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: workflows.PayoutWorkflowID(h.id, p.PaymentReference), TaskQueue: "kvitt",
		}, workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: workflows.PayoutRef{Connection: h.id, PaymentReference: p.PaymentReference}})
		if err != nil {
			t.Fatal(err)
		}
		var result workflows.PayoutResult
		if err := run.Get(t.Context(), &result); err != nil || result.State != workflows.StateVerified {
			t.Errorf("payout %s came to %+v, %v", p.PaymentReference, result, err)
		}
	}
	h.once(t, payouts...)
}

// erase removes every history of a connection, as retention does in time.
func (h *house) erase(t *testing.T) (n int) {
	t.Helper()
	gone := map[string]bool{}
	until(t, waitFor, "no history is left", func() string {
		list, err := h.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: "default", Query: fmt.Sprintf("%s = '%s'", workflows.AttrConnection.GetName(), h.id),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list.GetExecutions() {
			gone[e.GetExecution().GetRunId()] = true
			if _, err := h.temporal.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
				Namespace:         "default",
				WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: e.GetExecution().GetWorkflowId(), RunId: e.GetExecution().GetRunId()},
			}); err != nil {
				return err.Error()
			}
		}
		if left := len(list.GetExecutions()); left > 0 {
			return fmt.Sprintf("%d are", left)
		}
		return ""
	})
	return len(gone)
}
