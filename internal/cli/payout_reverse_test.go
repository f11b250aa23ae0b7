package cli

import (
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func TestReverseStartsAReversalAndSaysWhatBecameOfIt(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	stands := workflows.ReverseStatus{ReverseResult: workflows.ReverseResult{State: workflows.StateReversed, Reverses: "000123", BatchNumber: "000124"}}
	d.temporal.onQuery = func(string, string) (any, error) { return stands, nil }
	reverse := []string{"payout", "reverse", "shop-1", "P1", "--reason", "wrong account"}

	contains(t, d.want(d.run(reverse...), ExitDone).out, "The payout P1 is reversed: batch 000124 takes batch 000123 back.")
	if n := len(d.temporal.started); n != 1 {
		t.Fatalf("%d workflows were started", n)
	}
	got := d.temporal.started[0]
	in, ok := got.Input.(workflows.ReverseInput)
	if !ok || got.ID != "reverse/shop-1/P1/1" || got.Workflow != workflows.ReversePayoutWorkflowName || in.Revision != 1 || in.Who != "anna" || in.Reason != "wrong account" {
		t.Errorf("%+v", got)
	}

	entry, _ := held.Look(held.PeriodClosed)
	stands = workflows.ReverseStatus{
		ReverseResult: workflows.ReverseResult{State: workflows.StateHeld, Reverses: "000123"}, Told: true,
		Held: &workflows.Held{Code: held.PeriodClosed, Detail: "period 202601 is closed", Remedy: entry.Remedy},
	}
	contains(t, d.want(d.run(reverse...), ExitHeld).out, "The reversal of the payout P1 is held.", "period_closed: period 202601 is closed", "→ Open the period")

	stands = workflows.ReverseStatus{ReverseResult: workflows.ReverseResult{State: workflows.ReversalRefused, Refused: "its posting is unknown and not final yet"}}
	contains(t, d.fails(ExitFailed, reverse...), "Reverse the payout P1: its posting is unknown and not final yet.")

	d.temporal.startError = operate.ErrRunning
	contains(t, d.fails(ExitFailed, reverse...), "it is being reversed already")
}

func TestReverseRefusesWhatIsNotInTheBooks(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	contains(t, d.fails(ExitFailed, "payout", "reverse", "shop-1", "P3", "--reason", "x"), "Reverse the payout P3: nothing was posted for it.")
	contains(t, d.fails(ExitFailed, "payout", "repost", "shop-1", "P1", "--reason", "x"), "Repost the payout P1: it is verified, and only a payout that was reversed can be posted anew")
	if len(d.temporal.started) > 0 {
		t.Errorf("started %+v", d.temporal.started)
	}
}

func TestRepostStartsThePayoutAgainForWhoAskedForIt(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.change("shop-1", "P1", func(p *store.Payout) error { p.State = workflows.StateReversed; return nil })
	d.temporal.onQuery = func(string, string) (any, error) {
		return workflows.PayoutStatus{PayoutResult: workflows.PayoutResult{State: workflows.StateReversed}}, nil
	}
	d.run("payout", "repost", "shop-1", "P1", "--reason", "corrected")
	if len(d.temporal.started) != 1 {
		t.Fatalf("started %+v", d.temporal.started)
	}
	in, ok := d.temporal.started[0].Input.(workflows.PayoutInput)
	if !ok || d.temporal.started[0].ID != "payout/shop-1/P1" || in.Repost == nil || in.Repost.Who != "anna" || in.Repost.Reason != "corrected" {
		t.Errorf("%+v", d.temporal.started[0])
	}
}

func TestReopenTakesARejectedPayoutUpForWhoAskedForIt(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	reopen := []string{"payout", "reopen", "shop-1", "P2", "--reason", "not booked after all"}
	contains(t, d.fails(ExitFailed, reopen...), "Reopen the payout P2: it is held, and only a payout that was rejected can be reopened")
	contains(t, d.fails(ExitUsage, reopen[:4]...), "--reason is required")
	d.change("shop-1", "P2", func(p *store.Payout) error { p.State, p.HeldReason = workflows.StateRejected, ""; return nil })
	d.temporal.onQuery = func(string, string) (any, error) {
		d.change("shop-1", "P2", func(p *store.Payout) error {
			p.State, p.HeldReason = workflows.StateAwaitingApproval, string(held.Approval)
			return nil
		})
		return workflows.PayoutStatus{PayoutResult: workflows.PayoutResult{State: workflows.StateAwaitingApproval}, Held: &workflows.Held{Code: held.Approval}}, nil
	}
	contains(t, d.want(d.run(reopen...), ExitHeld).out, "The payout P2 is awaiting_approval.")
	if len(d.temporal.started) != 1 {
		t.Fatalf("started %+v", d.temporal.started)
	}
	in, ok := d.temporal.started[0].Input.(workflows.PayoutInput)
	if !ok || d.temporal.started[0].ID != "payout/shop-1/P2" || in.Reopen == nil || in.Reopen.Who != "anna" || in.Reopen.Reason != "not booked after all" {
		t.Errorf("%+v", d.temporal.started[0])
	}
}

func TestShowTellsWhichBatchTakesWhichOneBack(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	if got := document[payoutDetail](t, d.want(d.run("payout", "show", "shop-1", "P1", "--output", "json"), ExitDone)); got.Revisions != nil {
		t.Errorf("one posting is told as %+v", got.Revisions)
	}
	first, err := d.store.BookingOf(t.Context(), "shop-1", "P1", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.UpdateBooking(t.Context(), first.CompanyID, first.Token, func(p *store.Booking) error { p.State = posting.Reversed; return nil }); err != nil {
		t.Fatal(err)
	}
	back := first
	back.Token, back.Revision, back.BatchNumber, back.State = "[kvitt:00000000000000aa]", 1, "000124", posting.Verified
	back.Voucher = d.json(voucher.Voucher{Reverses: "000123"})
	if _, err := d.store.EnsureBooking(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	d.change("shop-1", "P1", func(p *store.Payout) error { p.State = workflows.StateReversed; return nil })
	contains(t, d.want(d.run("payout", "show", "shop-1", "P1"), ExitDone).out, "reversed, batch 000124", "Revisions", "0  000123            reversed", "1  000124  000123    verified")
}

func TestARetryReachesTheReversalThatWaits(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.temporal.onUpdate = func(m message) (any, error) {
		if m.workflowID == "reverse/shop-1/P1/1" {
			return workflows.Accepted{State: workflows.StateReversed}, nil
		}
		return nil, operate.ErrNotRunning
	}
	d.temporal.onQuery = func(string, string) (any, error) {
		return workflows.ReverseStatus{ReverseResult: workflows.ReverseResult{State: workflows.StateReversed, Reverses: "000123", BatchNumber: "000124"}}, nil
	}
	contains(t, d.want(d.run("payout", "retry", "shop-1", "P1"), ExitDone).out, "batch 000124 takes batch 000123 back")
}

// A reversal that is held keeps its payout's state: the list and the page of the
// payout tell of it, for people and for programs.
func TestAHeldReversalIsSeenWithThePayout(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	entry, _ := held.Look(held.PeriodClosed)
	stop := store.Stop{
		ConnectionID: "shop-1", Work: store.WorkReversal, Name: "P1", Reason: string(held.PeriodClosed),
		Held: d.json(workflows.Held{Code: held.PeriodClosed, Detail: "period 202601 is closed", Remedy: entry.Remedy}),
	}
	if err := d.store.PutStop(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	contains(t, d.want(d.run("payout", "list", "shop-1"), ExitDone).out, "verified, reversal held: period_closed", "P1: its reversal is held: period 202601 is closed", "→ Open the period")
	contains(t, d.want(d.run("payout", "show", "shop-1", "P1"), ExitDone).out, "Its reversal is held: period_closed", "period 202601 is closed", "starter payout retry")
	for _, p := range document[[]listedPayout](t, d.want(d.run("payout", "list", "shop-1", "--output", "json"), ExitDone)) {
		if (p.Reversal != nil) != (p.PaymentReference == "P1") || p.Reversal != nil && (p.Reversal.State != workflows.StateHeld || p.Reversal.HeldReason != "period_closed") {
			t.Errorf("%s: %+v", p.PaymentReference, p.Reversal)
		}
	}
	if err := d.store.ClearStop(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	if got := document[payoutDetail](t, d.want(d.run("payout", "show", "shop-1", "P1", "--output", "json"), ExitDone)); got.Reversal != nil {
		t.Errorf("it went on, and is shown as %+v", got.Reversal)
	}
}
