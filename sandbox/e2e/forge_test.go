package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

// stranger reaches Temporal, as whoever is on its network does, and has neither
// the keyset nor Kvitt's database.
func (w *world) stranger(t *testing.T) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: w.Temporal.Address, Logger: stack.Quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sent sends an update and tells what became of it.
func sent(t *testing.T, c client.Client, workflowID, name string, in any) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, nil)
	}
	return err
}

// seen is the sealed message that a history of Temporal keeps, as anybody there
// can copy it: of the update of a name, or, with "", of the start.
func seen(t *testing.T, c client.Client, workflowID, update string) *commonpb.Payload {
	t.Helper()
	for events := c.GetWorkflowHistory(t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if p := message(e, update); p != nil {
			return p
		}
	}
	t.Fatalf("the history of %s has no %q", workflowID, update)
	return nil
}

func message(e *history.HistoryEvent, update string) *commonpb.Payload {
	if update == "" {
		return e.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0]
	}
	input := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput()
	if input.GetName() != update {
		return nil
	}
	return input.GetArgs().GetPayloads()[0]
}

// Whoever reaches Temporal decides nothing: neither with a message of their own,
// nor with one that they copied from a history.
func TestWhoeverReachesTemporalDecidesNothing(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	payouts := days(t, "2026-02-02", 3)
	h := w.house(t, plan{payouts: payouts, posting: "review"})
	h.awaiting(t, payouts)
	h.done(t, "payout", "approve", h.id, payouts[0].PaymentReference)
	h.verified(t, payouts[0].PaymentReference)
	h.done(t, "connection", "pause", h.id)
	h.done(t, "connection", "resume", h.id)
	stranger, off := w.stranger(t), false
	connection := workflows.ConnectionWorkflowID(h.id)
	first, second := payoutID(h, payouts[0]), payoutID(h, payouts[1])
	cfo := workflows.Person{Who: "cfo@example.com", Instruction: "guessed"}
	copied := converter.NewRawValue(seen(t, stranger, first, "Approve"))

	for _, test := range []struct {
		name, workflow, update string
		in                     any
	}{
		{"approve", second, "Approve", cfo},
		{"reject", second, "Reject", workflows.Person{Who: "cfo@example.com", Reason: "forged", Instruction: "guessed"}},
		{"turn four eyes off and post by itself", connection, "ConfigureConnection", workflows.Configure{
			Settings: workflows.Settings{Posting: "auto"}, FourEyes: &off, Who: "cfo@example.com", Instruction: "guessed",
		}},
		{"disconnect", connection, "Disconnect", cfo},
		{"approve with a copied approval", second, "Approve", copied},
		{"reject with a copied approval", second, "Reject", copied},
		{"pause with a copied pause", connection, "Pause", converter.NewRawValue(seen(t, stranger, connection, "Pause"))},
		{"disconnect with a copied pause", connection, "Disconnect", converter.NewRawValue(seen(t, stranger, connection, "Pause"))},
	} {
		if err := sent(t, stranger, test.workflow, test.update, test.in); err == nil {
			t.Errorf("%s: it was carried out", test.name)
		} else if strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
			t.Errorf("%s: nobody refused it: %v", test.name, err)
		}
	}
	if got := h.show(t, payouts[1].PaymentReference); got.State != workflows.StateAwaitingApproval {
		t.Errorf("the payout is %s", got.State)
	}
	if got := h.status(t); got.State != workflows.ConnActive || got.Posting != "review" {
		t.Errorf("the connection is %s and posts by %s", got.State, got.Posting)
	}

	// A workflow that is started from a copied message is refused where it would act.
	h.done(t, "payout", "reverse", h.id, payouts[0].PaymentReference, "--reason", "to be copied")
	reversal := workflows.ReverseWorkflowID(h.id, payouts[0].PaymentReference, 1)
	started := converter.NewRawValue(seen(t, stranger, reversal, ""))
	for id, name := range map[string]string{
		workflows.ReverseWorkflowID(h.id, payouts[0].PaymentReference, 3): workflows.ReversePayoutWorkflowName,
		workflows.BackfillWorkflowID(h.id, "2020-01-01", "2026-12-31"):    workflows.SettlementSyncWorkflowName,
	} {
		in := any(started)
		if name == workflows.SettlementSyncWorkflowName {
			in = workflows.SyncInput{Connection: h.id, Mode: workflows.ModeBackfill, From: "2020-01-01", To: "2026-12-31", Who: "cfo@example.com", Instruction: "guessed"}
		}
		run, err := stranger.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "kvitt"}, name, in)
		if err != nil {
			t.Fatal(err)
		}
		var ended workflows.ReverseResult
		if err := run.Get(t.Context(), nil); err == nil && name == workflows.SettlementSyncWorkflowName {
			t.Errorf("%s went through", id)
		}
		if value, err := w.temporal.QueryWorkflow(t.Context(), id, "", "Status"); err == nil && value.Get(&ended) == nil && ended.BatchNumber != "" {
			t.Errorf("%s booked batch %s", id, ended.BatchNumber)
		}
	}
	if books := w.Visma.Books(h.firm.TenantID); books.Batches != 2 {
		t.Errorf("%d batches are booked, and two were asked for", books.Batches)
	}
	h.done(t, "payout", "approve", h.id, payouts[1].PaymentReference)
	h.verified(t, payouts[1].PaymentReference)
}

// A decision about a held payout is a row of Kvitt's database, and what lets the
// payout act on it is proven like any command: whoever reaches Temporal neither
// takes one nor lets another payout go on with somebody's message.
func TestWhoeverReachesTemporalTakesNoDecisionAboutAHeldPayout(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 2)
	h := w.unconnected(t, plan{payouts: payouts})
	for _, p := range payouts {
		h.Klarna.Inject(klarnasim.Fault{Kind: klarnasim.FaultTotal, PaymentReference: p.PaymentReference})
	}
	h.connect(t)
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 2, Held: 2})
	h.acceptAll(t, payouts[0])
	h.verified(t, payouts[0].PaymentReference)

	stranger, second := w.stranger(t), payoutID(h, payouts[1])
	copied := converter.NewRawValue(seen(t, stranger, payoutID(h, payouts[0]), workflows.RetryPayout.Name))
	forged := workflows.Person{Who: "cfo@example.com", Reason: "rounding", Instruction: "guessed"}
	for _, test := range []struct {
		name, update string
		in           any
	}{
		{"retry", workflows.RetryPayout.Name, forged},
		{"retry with somebody's accepted difference", workflows.RetryPayout.Name, copied},
		{"close", workflows.RejectPayout.Name, forged},
		{"close with a copied retry", workflows.RejectPayout.Name, copied},
		{"post anew", workflows.RepostPayout.Name, forged},
	} {
		if err := sent(t, stranger, second, test.update, test.in); err == nil {
			t.Errorf("%s: it was carried out", test.name)
		} else if strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
			t.Errorf("%s: nobody refused it: %v", test.name, err)
		}
	}
	h.held(t, payouts[1].PaymentReference, string(held.FormulaDiffers))
	all, err := h.store.Decisions(t.Context(), h.id, store.WorkPayout, payouts[1].PaymentReference)
	if err != nil || len(all) > 0 {
		t.Errorf("decided was %+v, %v", all, err)
	}
	if books := h.Visma.Books(h.firm.TenantID); books.Batches != 1 {
		t.Errorf("%d batches are booked, and one difference was accepted", books.Batches)
	}
}

func payoutID(h *house, p *shop.Payout) string {
	return workflows.PayoutWorkflowID(h.id, p.PaymentReference)
}
