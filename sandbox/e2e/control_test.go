package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// asked holds what --detach, --pause, --resume and --cancel answer.
type asked struct {
	WorkflowID string `json:"workflow_id"`
	Connection string `json:"connection"`
	From       string `json:"from"`
	To         string `json:"to"`
	DryRun     bool   `json:"dry_run"`
	Asked      string `json:"asked"`
}

const (
	controlFrom = "2026-07-01"
	controlTo   = "2026-07-31"
)

// control acts on the backfill of a house.
func (h *house) control(t *testing.T, flag string) {
	t.Helper()
	got := decode[asked](t, h.done(t, "backfill", h.id, "--from", controlFrom, "--to", controlTo, "--output", "json", "--"+flag))
	if got.Asked != flag && flag != "detach" || got.WorkflowID != workflows.BackfillWorkflowID(h.id, controlFrom, controlTo) {
		t.Errorf("--%s answered %+v", flag, got)
	}
}

func TestABackfillCanBePausedResumedAndFollowedBySeveral(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 10)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	detached := decode[asked](t, w.done(t, h.backfill(controlFrom, controlTo, "--concurrency", "1", "--detach")...))
	if detached.Asked != "start" {
		t.Errorf("--detach answered %+v", detached)
	}
	h.someBooked(t, 2)
	w.starter(t, h.backfill(controlFrom, controlTo)...).refused(t, 1, "runs already", "--attach", "--cancel")
	follower := w.run(t, nil, "backfill", h.id, "--from", controlFrom, "--to", controlTo, "--attach", "--output", "json")

	h.control(t, "pause")
	until(t, waitFor, "the backfill pauses, with nothing under way", func() string {
		if p := h.progress(t, controlFrom, controlTo); p.State != "paused" || len(p.Running) > 0 {
			return fmt.Sprintf("%s, running %v", p.State, p.Running)
		}
		return ""
	})
	if stands := h.progress(t, controlFrom, controlTo); stands.Posted >= len(payouts) {
		t.Errorf("all %d were posted before the pause", stands.Posted)
	}
	before := w.Visma.Books(h.firm.TenantID).Batches
	for range 3 { // questions that take a while; nothing moves meanwhile
		w.done(t, "payout", "list", h.id)
	}
	if after := w.Visma.Books(h.firm.TenantID).Batches; after != before {
		t.Errorf("%d batches when it paused, and %d afterwards", before, after)
	}

	h.control(t, "resume")
	report(t, follower.wait(t).with(t, 0)).came(t, counted{Found: 10, Posted: 10})
	h.once(t, payouts...)
	again := w.starter(t, "backfill", h.id, "--from", controlFrom, "--to", controlTo, "--attach", "--output", "json")
	report(t, again.with(t, 0)).came(t, counted{Found: 10, Posted: 10})
	w.starter(t, "backfill", h.id, "--from", controlFrom, "--to", controlTo, "--pause").refused(t, 1, "none of exactly these days runs")
}

func TestACancelledBackfillEndsInOrderAndTheRestIsPostedLater(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 10)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	backfill := w.run(t, nil, h.backfill(controlFrom, controlTo, "--concurrency", "2")...)
	h.someBooked(t, 2)
	h.control(t, "cancel")
	s := backfill.wait(t).with(t, 1)
	got := report(t, s)
	if got.Posted == 0 || got.Posted >= len(payouts) || got.Held+got.Failed > 0 || !strings.Contains(s.err, "stopped before it was done") {
		t.Errorf("the cancelled backfill came to %+v:\n%s", got.counted(), s.err)
	}
	for _, p := range got.Payouts {
		if p.State != workflows.StateVerified && p.State != workflows.StateDiscovered {
			t.Errorf("payout %s was left in the middle: %s", p.PaymentReference, p.State)
		}
	}
	if runs, err := w.store.SyncRuns(t.Context(), h.id, 1); err != nil || len(runs) != 1 || runs[0].Outcome != workflows.OutcomeCancelled {
		t.Errorf("kept was %+v, %v", runs, err)
	}
	report(t, w.done(t, h.backfill(controlFrom, controlTo)...)).came(t, counted{Found: 10, Posted: 10 - got.Posted, Skipped: got.Posted})
	h.once(t, payouts...)
}

func TestCtrlCStopsTheWatchingAndNotTheBackfill(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 8)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	backfill := w.run(t, nil, h.backfill(controlFrom, controlTo, "--concurrency", "2")...)
	h.someBooked(t, 2)
	backfill.interrupt(t)
	s := backfill.wait(t).with(t, 1)
	if s.out != "" || !strings.Contains(s.err, "goes on in Temporal") || !strings.Contains(s.err, "--attach") {
		t.Errorf("Ctrl-C said:\n%s%s", s.out, s.err)
	}
	h.someBooked(t, len(payouts))
	for _, p := range payouts {
		h.verified(t, p.PaymentReference)
	}
	until(t, waitFor, "the backfill has ended", func() string {
		if p := h.progress(t, controlFrom, controlTo); p.State != "done" {
			return p.State
		}
		return ""
	})
	report(t, w.done(t, h.backfill(controlFrom, controlTo)...)).came(t, counted{Found: 8, Skipped: 8})
	h.once(t, payouts...)
}

func TestInReviewModeNothingIsPostedWithoutApproval(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 3)
	h := w.house(t, plan{payouts: payouts, posting: "review"})
	got := report(t, w.starter(t, h.backfill(controlFrom, controlTo)...).with(t, 3))
	got.came(t, counted{Found: 3, Held: 3})
	for _, p := range got.Payouts {
		if p.State != workflows.StateAwaitingApproval || p.HeldReason != "approval" || p.BatchNumber != "" {
			t.Errorf("payout %+v", p)
		}
	}
	if n := w.Visma.Books(h.firm.TenantID).Batches; n != 0 {
		t.Fatalf("%d batches were posted without approval", n)
	}
	w.starter(t, "payout", "retry", h.id, payouts[0].PaymentReference).refused(t, 1, "only a held payout can be retried")
	for _, p := range payouts[:2] {
		answer := facts[map[string]string](t, w.done(t, "payout", "approve", h.id, p.PaymentReference, "--output", "json"))
		if answer["state"] != workflows.StateVerified || answer["batch_number"] == "" {
			t.Errorf("approved, payout %s is %v", p.PaymentReference, answer)
		}
	}
	w.done(t, "payout", "reject", h.id, payouts[2].PaymentReference, "--reason", "booked by hand")
	w.starter(t, "payout", "approve", h.id, payouts[2].PaymentReference).refused(t, 1, "already rejected by")
	h.once(t, payouts[:2]...)
	report(t, w.done(t, h.backfill(controlFrom, controlTo)...)).came(t, counted{Found: 3, Skipped: 3})
	trail, err := w.store.AuditTrail(t.Context(), h.id, 0)
	if err != nil {
		t.Fatal(err)
	}
	decided := map[string]int{}
	for _, e := range trail {
		if e.Who != "" && e.Who != "kvitt" {
			decided[e.Action]++
		}
	}
	if decided["payout.approve"] != 2 || decided["payout.reject"] != 1 {
		t.Errorf("the audit trail has %v", decided)
	}
}

func TestInDraftModeBatchesStayOnHold(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, controlFrom, 2)
	h := w.house(t, plan{payouts: payouts, posting: "draft"})
	got := report(t, w.done(t, h.backfill(controlFrom, controlTo)...))
	got.came(t, counted{Found: 2, Posted: 2})
	for _, p := range got.Payouts {
		if p.State != workflows.StatePosted || p.BatchNumber == "" {
			t.Errorf("payout %+v", p)
		}
	}
	books := w.Visma.Books(h.firm.TenantID)
	if books.Batches != 2 || books.Statuses[vismasim.Hold] != 2 {
		t.Errorf("the books hold %d batches: %v", books.Batches, books.Statuses)
	}
	report(t, w.done(t, h.backfill(controlFrom, controlTo)...)).came(t, counted{Found: 2, Skipped: 2})
}
