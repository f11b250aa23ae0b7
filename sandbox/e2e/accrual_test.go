package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/activities"
	"kvitt/internal/posting"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// capturedOn dates all rows of a payout.
func capturedOn(day string) func(*shop.Settlement) {
	return func(s *shop.Settlement) {
		at, _ := time.Parse(time.DateOnly, day)
		for i := range s.Rows {
			s.Rows[i].CaptureDate = at.Add(10 * time.Hour)
		}
	}
}

// says looks for words in what a command says, wherever its lines end.
func says(t *testing.T, s said, words string) {
	t.Helper()
	if !strings.Contains(strings.Join(strings.Fields(s.out), " "), words) {
		t.Errorf("%s: it does not say %q:\n%s", s.line, words, s.out)
	}
}

// presetAccrual is the accrual section of the Swedish preset.
const presetAccrual = "accrual: {receivable: \"1790\", vat: \"2648\"}"

func TestAnAccrualIsPostedOnceAndTakenBackInTheNextPeriod(t *testing.T) {
	t.Parallel()
	before, after := settled(t, "2026-03-30", capturedOn("2026-03-27")), settled(t, "2026-04-02", capturedOn("2026-03-31"))
	h := town(t).house(t, plan{payouts: []*shop.Payout{before, after}})
	report(t, h.done(t, h.backfill("2026-03-01", "2026-04-30")...)).came(t, counted{Found: 2, Posted: 2})
	accrue := []string{"accrue", h.id, "--at", "2026-03-31"}
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", presetAccrual, ""))
	says(t, h.starter(t, accrue...).with(t, 1), "add `accrual:`")
	stood := h.balances()

	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto"))
	says(t, h.done(t, append(accrue, "--dry-run")...), "would be posted")
	if n := len(h.Visma.Books(h.firm.TenantID).List); n != 2 {
		t.Fatalf("after the dry run there are %d batches", n)
	}
	h.done(t, accrue...)
	says(t, h.starter(t, accrue...).with(t, 1), "it is in the books already")
	says(t, h.starter(t, "accrue", h.id, "--at", "2026-04-01").with(t, 1), "not the last day of a financial period")

	books := h.Visma.Books(h.firm.TenantID).List
	if len(books) != 4 {
		t.Fatalf("there are %d batches, want two payouts, the accrual and what takes it back", len(books))
	}
	own, back := books[2], books[3]
	if !own.Released() || !own.Reversing || own.Date.Format(time.DateOnly) != "2026-03-31" || back.Reverses != own.Number || back.Date.Format(time.DateOnly) != "2026-04-01" {
		t.Errorf("accrual %+v\ntaken back by %+v", own, back)
	}
	if want := []string{"kvitt.accrual.2026-03-31.SEK.txt", "kvitt.accrual.2026-03-31.SEK.csv"}; !slices.Equal(names(own), want) {
		t.Errorf("on the batch hang %v", names(own))
	}
	for _, l := range own.Lines {
		if l.Account == "1790" && l.Debit != after.Totals.Settlement {
			t.Errorf("the receivable is %d, and Klarna paid %d out", l.Debit, after.Totals.Settlement)
		}
	}
	for account, left := range h.balances() {
		if stood[account] != left {
			t.Errorf("%s: %d before the accrual and %d after it was taken back", account, stood[account], left)
		}
	}
	says(t, h.done(t, "accrue", h.id, "--list"), "verified")

	// Visma.net takes it back, or the daily check tells that it did not.
	if got := h.look(t); got.Words[posting.AsPosted] != 3 || got.Looked != 3 {
		t.Errorf("the daily check found %+v", got)
	}
	says(t, h.done(t, "accrue", h.id, "--list"), "as_posted, taken back by "+back.Number)
	if err := h.Visma.RemoveBatch(h.firm.TenantID, back.Number); err != nil {
		t.Fatal(err)
	}
	if got := h.look(t); got.Words[posting.NotTakenBack] != 1 || got.Words[posting.AsPosted] != 2 {
		t.Errorf("what took it back is gone, and the daily check found %+v", got)
	}
	told := h.done(t, "accrue", h.id, "--list")
	says(t, told, "no batch in it takes batch "+own.Number+" back")
	says(t, told, "Generate reversing entries")
	trail := h.done(t, "audit", h.id)
	says(t, trail, "accrual.drift")
}

// An accrual is looked at, asked for and confirmed in the browser; a viewer sees
// it and cannot ask.
func TestAnAccrualIsAskedForInABrowser(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	before, after := settled(t, "2026-03-30", capturedOn("2026-03-27")), settled(t, "2026-04-02", capturedOn("2026-03-31"))
	h := w.house(t, plan{payouts: []*shop.Payout{before, after}})
	report(t, h.done(t, h.backfill("2026-03-01", "2026-04-30")...)).came(t, counted{Found: 2, Posted: 2})
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto"))
	page := "/connections/" + h.id + "/accruals"

	viewer := w.resident(t, "viewer")
	viewer.open(page+"?at=2026-03-31", 200)
	viewer.sees("viewer", "Would be posted in SEK", "1790", spaced(after.Totals.Settlement), "Only approvers can request an accrual")
	var status int
	viewer.must(viewer.Await(`fetch('`+page+`', {method: 'POST', body: new URLSearchParams({at: '2026-03-31', currency: 'SEK', voucher: 'x', sure: 'yes'})}).then(a => a.status)`, &status))
	viewer.Complaints() // the browser tells of the refusal
	if n := len(h.Visma.Books(h.firm.TenantID).List); status != 403 || n != 2 {
		t.Fatalf("a viewer's request was answered %d, and there are %d batches", status, n)
	}

	p := w.resident(t, "approver")
	p.name = "accruals"
	p.open("/connections/"+h.id, 200)
	p.goes("Accruals")
	p.sees("empty", "No accruals yet.")
	p.fill("Last day of the period", "2026-04-01")
	p.goes("Show")
	p.sees("middle", "Would be posted in SEK")
	p.goes("Accrue SEK …")
	p.goes("Yes, post it")
	p.sees("refused", "not the last day of a financial period")
	p.open(page+"?at=2026-03-31", 200)
	p.sees("figures", "Captured, not paid out 2026-03-31", "Would be posted in SEK", "1790")
	p.goes("Accrue SEK …")
	p.sees("confirm", "Accrue SEK at 2026-03-31?", "Kvitt posts exactly this voucher")
	p.must(p.Await(`fetch('`+page+`', {method: 'POST', body: new URLSearchParams({at: '2026-03-31', currency: 'SEK', voucher: 'another', sure: 'yes'})}).then(a => a.status)`, &status))
	p.Complaints()
	if status != 409 {
		t.Errorf("a voucher that nobody was shown was answered %d", status)
	}
	if n := len(h.Visma.Books(h.firm.TenantID).List); n != 2 {
		t.Fatalf("before it was confirmed there are %d batches", n)
	}
	p.goes("Yes, post it")
	p.sees("asked", "The accrual was requested.", "accrual 2026-03-31 SEK", "verified")
	if books := h.Visma.Books(h.firm.TenantID).List; len(books) != 4 || !books[2].Reversing {
		t.Fatalf("there are %d batches, want the accrual and what takes it back too", len(books))
	}
	h.look(t)
	p.open(page+"?at=2026-03-31", 200)
	p.sees("taken-back", "reversed by batch "+h.Visma.Books(h.firm.TenantID).List[3].Number, "Already requested")
	p.must(p.Phone(true))
	p.must(p.Dark(true))
	p.sees("phone-dark", "Requested accruals")
	var width []int
	p.must(p.Value(`[document.documentElement.scrollWidth, window.innerWidth]`, &width))
	if width[0] > width[1] {
		t.Errorf("on a phone the page is %d wide and the screen %d", width[0], width[1])
	}
}

// An accrual that is held is told of with what helps, and goes on when it is
// asked for again.
func TestAnAccrualThatIsHeldIsSeenAndGoesOn(t *testing.T) {
	t.Parallel()
	before, after := settled(t, "2026-03-30", capturedOn("2026-03-27")), settled(t, "2026-04-02", capturedOn("2026-03-31"))
	h := town(t).house(t, plan{payouts: []*shop.Payout{before, after}})
	report(t, h.done(t, h.backfill("2026-03-01", "2026-04-30")...)).came(t, counted{Found: 2, Posted: 2})
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto"))
	inject(t, h, vismasim.Fault{Kind: vismasim.ReleaseFailed, Method: http.MethodPost, Path: journals + "/*/action/release", Message: "The batch is being edited."})
	accrue := []string{"accrue", h.id, "--at", "2026-03-31"}
	says(t, h.starter(t, accrue...).with(t, 3), "release_failed")
	says(t, h.done(t, "accrue", h.id, "--list"), "The batch is being edited")
	if got := h.stock(t); got.Accruals["release_failed"] != 1 || len(got.Reversals) > 0 {
		t.Errorf("the daily notice counts %+v", got)
	}
	h.done(t, accrue...)
	if list := h.done(t, "accrue", h.id, "--list"); strings.Contains(list.out, "release_failed") || !strings.Contains(list.out, "verified") {
		t.Errorf("it went on, and the list says\n%s", list.out)
	}
	if got := h.stock(t); len(got.Accruals) > 0 {
		t.Errorf("it went on, and the daily notice counts %+v", got)
	}
	if books := h.Visma.Books(h.firm.TenantID).List; len(books) != 4 {
		t.Errorf("there are %d batches, want two payouts, the accrual and what takes it back", len(books))
	}
}

// stock returns what the daily notice goes by.
func (h *house) stock(t *testing.T) workflows.Stock {
	t.Helper()
	got, err := (&activities.Notices{Store: h.store}).TakeStock(t.Context(), workflows.StockInput{Connection: h.id})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
