package e2e_test

import (
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
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

func TestAnAccrualIsPostedOnceAndTakenBackInTheNextPeriod(t *testing.T) {
	t.Parallel()
	before, after := settled(t, "2026-03-30", capturedOn("2026-03-27")), settled(t, "2026-04-02", capturedOn("2026-03-31"))
	h := town(t).house(t, plan{payouts: []*shop.Payout{before, after}})
	report(t, h.done(t, h.backfill("2026-03-01", "2026-04-30")...)).came(t, counted{Found: 2, Posted: 2})
	accrue := []string{"accrue", h.id, "--at", "2026-03-31"}
	says(t, h.starter(t, accrue...).with(t, 1), "add `accrual:`")
	stood := h.balances()

	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", "texts:\n",
		"accrual: {receivable: \"1687\", clearing: clearing, fees: fees, vat: \"1650\"}\ntexts:\n"))
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
	for _, l := range own.Lines {
		if l.Account == "1687" && l.Debit != after.Totals.Settlement {
			t.Errorf("the receivable is %d, and Klarna paid %d out", l.Debit, after.Totals.Settlement)
		}
	}
	for account, left := range h.balances() {
		if stood[account] != left {
			t.Errorf("%s: %d before the accrual and %d after it was taken back", account, stood[account], left)
		}
	}
	says(t, h.done(t, "accrue", h.id, "--list"), "verified")
}
