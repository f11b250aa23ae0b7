package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// posted makes a house whose one payout stands in the books.
func posted(t *testing.T, p plan) (*house, *shop.Payout) {
	t.Helper()
	payout := settled(t, "2026-03-10")
	p.payouts = []*shop.Payout{payout}
	h := town(t).house(t, p)
	report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 1, Posted: 1})
	return h, payout
}

// correct runs reverse or repost.
func (h *house) correct(t *testing.T, verb string, p *shop.Payout) said {
	t.Helper()
	return h.starter(t, "payout", verb, h.id, p.PaymentReference, "--reason", "as the accountant said", "--output", "json")
}

// balances are the accounts that are not at zero.
func (h *house) balances() map[string]int64 {
	left := map[string]int64{}
	for number, a := range h.Visma.Books(h.firm.TenantID).Accounts {
		for currency, sums := range a.Currencies {
			if sums.Balance() != 0 {
				left[number+" "+currency] = sums.Balance()
			}
		}
	}
	return left
}

func names(b *vismasim.Batch) (all []string) {
	for _, a := range b.Attachments {
		all = append(all, a.Name)
	}
	return all
}

func TestAPayoutIsReversedAndPostedAnewAndEachStandsOnce(t *testing.T) {
	t.Parallel()
	h, p := posted(t, plan{})
	before := h.balances()
	h.starter(t, "payout", "reverse", h.id, p.PaymentReference).refused(t, 2, "--reason")

	h.correct(t, "repost", p).refused(t, 1, "only a payout that was reversed")
	h.correct(t, "reverse", p).with(t, 0)
	if got := h.show(t, p.PaymentReference); got.State != workflows.StateReversed {
		t.Errorf("after the reversal it is %s", got.State)
	}
	if left := h.balances(); len(left) > 0 {
		t.Errorf("accounts are left with %v", left)
	}
	batches := h.Visma.Books(h.firm.TenantID).WithReference(p.PaymentReference)
	if len(batches) != 2 {
		t.Fatalf("it stands in %d batches", len(batches))
	}
	for i, b := range batches {
		if !b.Released() || !slices.Contains(names(b), "kvitt."+p.PaymentReference+".reversal.txt") {
			t.Errorf("batch %s is %s with %v", b.Number, b.Status, names(b))
		}
		if i == 1 && !strings.Contains(b.Description, batches[0].Number) {
			t.Errorf("the reversal does not name what it reverses: %q", b.Description)
		}
	}
	h.correct(t, "reverse", p).refused(t, 1, "reversed already")
	report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 1, Skipped: 1})

	h.correct(t, "repost", p).with(t, 0)
	if got := h.show(t, p.PaymentReference); got.State != workflows.StateVerified || got.Posting.Batch == batches[0].Number {
		t.Errorf("posted anew it is %s, batch %s", got.State, got.Posting.Batch)
	}
	if after := h.balances(); len(after) != len(before) || after["16861 SEK"] != before["16861 SEK"] {
		t.Errorf("posted anew the accounts stand at %v, and stood at %v", after, before)
	}
	if books := h.Visma.Books(h.firm.TenantID); books.Batches != 3 || len(books.DuplicateTokens) > 0 {
		t.Errorf("%d batches, tokens that stand twice: %v", books.Batches, books.DuplicateTokens)
	}
	h.correct(t, "reverse", p).with(t, 0) // and once more
	if left := h.balances(); len(left) > 0 {
		t.Errorf("reversed again, accounts are left with %v", left)
	}
}

func TestWhatWasNeverPostedCannotBeReversed(t *testing.T) {
	t.Parallel()
	p := settled(t, "2026-03-10")
	h := town(t).house(t, plan{payouts: []*shop.Payout{p}, posting: "review"})
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	h.correct(t, "reverse", p).refused(t, 1, "nothing was posted")
	if n := h.Visma.Books(h.firm.TenantID).Batches; n != 0 {
		t.Errorf("there are %d batches", n)
	}
}

func TestFiguresThatChangeAfterPostingEndInAReversalAndANewPosting(t *testing.T) {
	t.Parallel()
	h, p := posted(t, plan{})
	corrected := settled(t, "2026-03-10", func(s *shop.Settlement) {
		s.PaymentReference = p.PaymentReference
		s.Rows = shop.SaleRows(77, 88_800, 2_220, 350, 2500)
	})
	corrected.MerchantID = h.merchant.MerchantID
	h.Klarna.Serve(shop.New(h.merchant.MerchantID, "SEK", corrected))
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	h.held(t, p.PaymentReference, "changed_after_posting")

	h.correct(t, "reverse", p).with(t, 0)
	h.correct(t, "repost", p).with(t, 0)
	if got := h.verified(t, p.PaymentReference); got.Settled != corrected.Totals.Settlement {
		t.Errorf("it is posted with %d, want %d", got.Settled, corrected.Totals.Settlement)
	}
	if got := h.balances()["16861 SEK"]; got != corrected.Totals.Settlement {
		t.Errorf("the bank holds %d, want %d", got, corrected.Totals.Settlement)
	}
	kinds := map[string]bool{}
	for _, d := range h.show(t, p.PaymentReference).Document {
		kinds[d.Kind] = true
	}
	for _, kind := range []string{"transactions", "transactions.2", "proof", "proof.1", "proof.2", "pdf", "pdf.2", "csv", "csv.2"} {
		if !kinds[kind] {
			t.Errorf("%s is not in the archive: %v", kind, kinds)
		}
	}
}

func TestAReversalIsPostedOnceWhateverBecomesOfTheRequest(t *testing.T) {
	t.Parallel()
	h, p := posted(t, plan{})
	inject(t, h, vismasim.Fault{Method: http.MethodPost, Path: journals, Kind: vismasim.TimeoutAfterCommit, Delay: 100 * time.Millisecond})
	h.correct(t, "reverse", p).with(t, 0)
	if got := h.show(t, p.PaymentReference); got.State != workflows.StateReversed || !got.Posting.Adopted {
		t.Errorf("it is %s, adopted: %t", got.State, got.Posting.Adopted)
	}
	if n := len(h.Visma.Books(h.firm.TenantID).WithReference(p.PaymentReference)); n != 2 || len(h.balances()) > 0 {
		t.Errorf("%d batches, left %v", n, h.balances())
	}
}

func TestAReversalWaitsForItsPeriodOrMovesWithTheOriginalDateAsTheProfileSays(t *testing.T) {
	t.Parallel()
	h, p := posted(t, plan{})
	if err := h.Visma.ClosePeriod(h.firm.TenantID, "202603"); err != nil {
		t.Fatal(err)
	}
	if s := h.correct(t, "reverse", p).with(t, 3); !strings.Contains(s.out, "period_closed") {
		t.Errorf("held for %s", s.out)
	}
	h.correct(t, "reverse", p).refused(t, 1, "being reversed already")
	says(t, h.done(t, "payout", "list", h.id), "reversal held: period_closed")
	if got := h.stock(t); got.Reversals["period_closed"] != 1 {
		t.Errorf("the daily notice counts %+v", got)
	}
	if state := h.show(t, p.PaymentReference).State; state != workflows.StateVerified {
		t.Errorf("meanwhile it is %s", state)
	}
	h.done(t, "profile", "set", h.id, h.profile(t, "policy: hold", "policy: next_open", "mode: review", "mode: auto"))
	h.done(t, "payout", "retry", h.id, p.PaymentReference)
	if list := h.done(t, "payout", "list", h.id); strings.Contains(list.out, "reversal") {
		t.Errorf("afterwards a reversal is still told of:\n%s", list.out)
	}
	if state := h.show(t, p.PaymentReference).State; state != workflows.StateReversed {
		t.Errorf("afterwards it is %s", state)
	}
	batches := h.Visma.Books(h.firm.TenantID).WithReference(p.PaymentReference)
	if len(batches) != 2 || batches[1].Period != "202604" || !strings.Contains(batches[1].Description, "2026-03-10") {
		t.Errorf("the reversal stands in %+v", batches[1])
	}
}

func TestAReversalCanBeWithdrawnBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	h, p := posted(t, plan{})
	if err := h.Visma.ClosePeriod(h.firm.TenantID, "202603"); err != nil {
		t.Fatal(err)
	}
	h.correct(t, "reverse", p).with(t, 3)
	h.correct(t, "reject", p).with(t, 0)
	if list := h.done(t, "payout", "list", h.id); strings.Contains(list.out, "reversal") {
		t.Errorf("it is withdrawn and still told of:\n%s", list.out)
	}
	if state := h.show(t, p.PaymentReference).State; state != workflows.StateVerified {
		t.Errorf("afterwards it is %s", state)
	}
	h.once(t, p)
}

func TestADraftIsTakenBackByADraft(t *testing.T) {
	t.Parallel()
	h, p := posted(t, plan{posting: "draft"})
	h.correct(t, "reverse", p).with(t, 0)
	for _, b := range h.Visma.Books(h.firm.TenantID).WithReference(p.PaymentReference) {
		if b.Status != vismasim.Hold {
			t.Errorf("batch %s is %s", b.Number, b.Status)
		}
	}
	h.correct(t, "repost", p).with(t, 0)
	if n := len(h.Visma.Books(h.firm.TenantID).WithReference(p.PaymentReference)); n != 3 {
		t.Errorf("%d batches", n)
	}
}

// A reversal that waits for its period is seen in the browser, with what helps,
// and looks again when it is told to.
func TestAHeldReversalIsSeenAndRetriedInABrowser(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	payout := settled(t, "2026-03-10")
	h := w.house(t, plan{payouts: []*shop.Payout{payout}})
	report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 1, Posted: 1})
	if err := h.Visma.ClosePeriod(h.firm.TenantID, "202603"); err != nil {
		t.Fatal(err)
	}
	h.correct(t, "reverse", payout).with(t, 3)

	p := w.resident(t, "approver")
	p.name = "held-reversal"
	p.open("/connections", 200)
	p.sees("connections", "Held reversals: 1")
	p.open("/connections/"+h.id, 200)
	p.sees("connection", "1 reversal held")
	p.goes("1 reversal held")
	p.sees("list", payout.PaymentReference, "reversal held", "period_closed")
	p.goes(payout.PaymentReference)
	p.sees("payout", "Its reversal has been held since", "202603", "verified")
	p.goes("Try again now")
	p.sees("again", "Retrying.", "Its reversal has been held since")
	h.done(t, "profile", "set", h.id, h.profile(t, "policy: hold", "policy: next_open", "mode: review", "mode: auto"))
	p.goes("Try again now")
	p.sees("reversed", "reversed", "reversal held", "reversal continued")
	if strings.Contains(p.Text(), "Its reversal has been held") {
		t.Error("it is reversed, and shown as held")
	}
	if n := len(h.Visma.Books(h.firm.TenantID).WithReference(payout.PaymentReference)); n != 2 {
		t.Errorf("it stands in %d batches, want itself and its mirror", n)
	}
}
