package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// straddling dates every other row of a payout on the last day of March, and
// the others in April.
func straddling(s *shop.Settlement) {
	for i := range s.Rows {
		day := time.Date(2026, 3, 31, 21, 59, 59, 0, time.UTC) // the last second of March in Stockholm
		if i%2 == 1 {
			day = day.Add(time.Second)
		}
		s.Rows[i].CaptureDate = day
	}
}

// splitting makes a house whose profile splits payouts by period, with one that
// straddles the end of March.
func splitting(t *testing.T, policy string) (*house, *shop.Payout) {
	t.Helper()
	p := settled(t, "2026-04-02", straddling)
	h := town(t).unconnected(t, plan{payouts: []*shop.Payout{p}})
	h.splits(t, policy, "1790")
	h.connect(t)
	return h, p
}

// splits sets the profile: where what is owed at a period's end goes, or
// nowhere, so that nothing is split.
func (h *house) splits(t *testing.T, policy, receivable string) {
	t.Helper()
	h.splitsIn(t, "auto", policy, receivable)
}

func (h *house) splitsIn(t *testing.T, mode, policy, receivable string) {
	t.Helper()
	split := ""
	if receivable != "" {
		split = "\n  split: true"
	}
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: "+mode, "policy: hold", "policy: "+policy+split,
		presetAccrual, strings.Replace(presetAccrual, "1790", orElse(receivable, "1790"), 1)))
}

// on are the balances of the accounts at the end of a day.
func (h *house) on(day string) map[string]int64 {
	left := map[string]int64{}
	for _, b := range h.Visma.Books(h.firm.TenantID).List {
		for _, l := range b.Lines {
			if b.Date.Format(time.DateOnly) <= day {
				left[l.Account] += l.Debit - l.Credit
			}
		}
	}
	return left
}

// parts are the batches of what was captured in March, and what took them back.
func (h *house) parts(p *shop.Payout) (parts, back []*vismasim.Batch) {
	for _, b := range h.Visma.Books(h.firm.TenantID).List {
		switch {
		case !strings.HasSuffix(b.Description, "Klarna "+p.PaymentReference+" till 2026-03-31"):
		case b.Reverses == "":
			parts = append(parts, b)
		default:
			back = append(back, b)
		}
	}
	return parts, back
}

// splitOnce makes sure that March has what was captured in March, once, and
// that nothing of it is left in April.
func (h *house) splitOnce(t *testing.T, p *shop.Payout) {
	t.Helper()
	parts, back := h.parts(p)
	if len(parts) != 1 || len(back) != 1 {
		t.Fatalf("%d batches have what was captured in March and %d take it back, want one each", len(parts), len(back))
	}
	if !parts[0].Released() || parts[0].Period != "202603" || back[0].Date.Format(time.DateOnly) != "2026-04-01" || len(parts[0].Attachments) != 1 {
		t.Errorf("the part is %+v\ntaken back by %+v", parts[0], back[0])
	}
	var sales, fees, vat int64
	for i, r := range p.Rows.(shop.List) {
		switch {
		case i%2 == 1:
		case r.Type == "SALE":
			sales += r.Amount
		case r.Type == "RETURN":
			sales -= r.Amount
		case r.Type == "FEE":
			fees += r.Amount
			vat += r.VAT
		}
	}
	march := h.on("2026-03-31")
	if sales == 0 || march["1686"] != -sales || march["6064"]+march["6065"]+march["6066"] != fees || march["2648"] != vat || march["1790"] != sales-fees-vat || march["16861"] != 0 {
		t.Errorf("at the end of March the books hold %v, want sales of %d, fees of %d and VAT of %d", march, sales, fees, vat)
	}
	april := h.on("2026-04-30")
	if april["2648"] != 0 || april["1790"] != 0 || april["16861"] != p.Totals.Settlement || april["1686"] != p.Totals.Return-p.Totals.Sale {
		t.Errorf("at the end of April the books hold %v", april)
	}
}

func TestAPayoutThatStraddlesAMonthIsSplit(t *testing.T) {
	t.Parallel()
	h, p := splitting(t, "hold")
	report(t, h.done(t, h.backfill("2026-04-01", "2026-04-30", "--dry-run")...)).came(t, counted{Found: 1})
	report(t, h.done(t, h.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 1, Posted: 1})
	h.splitOnce(t, p)
	parts, _ := h.parts(p)
	says(t, h.done(t, "payout", "show", h.id, p.PaymentReference), "In the earlier period 202603")
	says(t, h.done(t, "payout", "show", h.id, p.PaymentReference), "Batch "+parts[0].Number+", verified.")
	says(t, h.starter(t, "accrue", h.id, "--at", "2026-03-31", "--dry-run").with(t, 1), "the posting profile splits payouts by period")

	// Reversed and posted anew by another profile, March still has its part once,
	// as it was.
	h.correct(t, "reverse", p).with(t, 0)
	h.splits(t, "hold", "1688")
	h.correct(t, "repost", p).with(t, 0)
	h.verified(t, p.PaymentReference)
	h.splitOnce(t, p)
	if shows := h.done(t, "payout", "show", h.id, p.PaymentReference).out; !strings.Contains(shows, "\n1790 ") || strings.Contains(shows, "\n1688 ") {
		t.Errorf("it does not show the part that was booked:\n%s", shows)
	}

	// The profile no longer splits; what is booked in March is told of, and not
	// accrued again.
	h.splits(t, "hold", "")
	says(t, h.starter(t, "accrue", h.id, "--at", "2026-03-31").with(t, 1), "payouts that were split have booked their part of it already: "+p.PaymentReference)
}

func TestThePartOfAPayoutIsBookedOnceWhateverBecomesOfTheRequest(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]vismasim.Fault{
		"a time-out before": {Kind: vismasim.TimeoutBeforeCommit, Delay: 100 * time.Millisecond},
		"a time-out after":  {Kind: vismasim.TimeoutAfterCommit, Delay: 100 * time.Millisecond},
		"a job lost after":  {Kind: vismasim.JobLostAfterCommit},
		"a reset after":     {Kind: vismasim.ResetAfterCommit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, p := splitting(t, "hold")
			f.Method, f.Path, f.Body = http.MethodPost, journals, "Klarna "+p.PaymentReference+" till 2026-03-31"
			inject(t, h, f)
			report(t, h.done(t, h.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 1, Posted: 1})
			h.splitOnce(t, p)
		})
	}
}

func TestThePartsOfPayoutsAreBookedOnceWhenTheWorkerIsKilledOverThem(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
	posted, hung := settled(t, "2026-04-02", straddling), settled(t, "2026-04-02", straddling)
	h := w.unconnected(t, plan{payouts: []*shop.Payout{posted, hung}})
	h.splits(t, "hold", "1790")
	h.connect(t)
	// One part is accepted and one has its document, and nobody hears of either.
	inject(t, h, vismasim.Fault{Kind: vismasim.TimeoutAfterCommit, Method: http.MethodPost, Path: journals, Body: "Klarna " + posted.PaymentReference + " till 2026-03-31"})
	inject(t, h, vismasim.Fault{Kind: vismasim.TimeoutAfterCommit, Method: http.MethodPost, Path: "/v2/journaltransaction/module/*/*/attachment", Body: "kvitt.split." + hung.PaymentReference})
	backfill := w.run(t, nil, h.backfill("2026-04-01", "2026-04-30")...)
	until(t, waitFor, "both parts stand in the books", func() string {
		one, _ := h.parts(posted)
		other, _ := h.parts(hung)
		if len(one) == 1 && len(other) == 1 && len(other[0].Attachments) == 1 {
			return ""
		}
		return fmt.Sprintf("%d and %d parts", len(one), len(other))
	})
	if err := w.RestartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	report(t, backfill.wait(t).with(t, 0)).came(t, counted{Found: 2, Posted: 2})
	for _, p := range []*shop.Payout{posted, hung} {
		if parts, back := h.parts(p); len(parts) != 1 || len(back) != 1 || !parts[0].Released() {
			t.Errorf("%s: %d parts, %d take it back", p.PaymentReference, len(parts), len(back))
		}
	}
	if books := h.Visma.Books(h.firm.TenantID); books.Batches != 6 || len(books.DuplicateTokens) > 2 {
		t.Errorf("there are %d batches, tokens twice: %v", books.Batches, books.DuplicateTokens)
	}
}

func TestAPartWhosePeriodIsClosedWaitsOrIsLeftOut(t *testing.T) {
	t.Parallel()
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		h, p := splitting(t, "hold")
		if err := h.Visma.ClosePeriod(h.firm.TenantID, "202603"); err != nil {
			t.Fatal(err)
		}
		report(t, h.starter(t, h.backfill("2026-04-01", "2026-04-30")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
		h.held(t, p.PaymentReference, "period_closed")
		if n := len(h.Visma.Books(h.firm.TenantID).List); n != 0 {
			t.Errorf("there are %d batches", n)
		}
		if err := h.Visma.OpenPeriod(h.firm.TenantID, "202603"); err != nil {
			t.Fatal(err)
		}
		h.done(t, "payout", "retry", h.id, p.PaymentReference)
		h.splitOnce(t, p)
	})
	t.Run("closed after the payout was booked, and given up", func(t *testing.T) {
		t.Parallel()
		h, p := splitting(t, "hold")
		part := "Klarna " + p.PaymentReference + " till 2026-03-31"
		inject(t, h, vismasim.Fault{Kind: vismasim.Rejected, Message: "Financial period 03-2026 is closed.", Method: http.MethodPost, Path: journals, Body: part, Times: -1})
		report(t, h.starter(t, h.backfill("2026-04-01", "2026-04-30")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
		h.held(t, p.PaymentReference, "rejected")
		if b := h.Visma.Books(h.firm.TenantID).WithReference(p.PaymentReference); len(b) != 1 || b[0].Released() {
			t.Errorf("the payout stands in %+v, want one batch that is not released", b)
		}
		h.splits(t, "hold", "")
		h.verified(t, p.PaymentReference)
		if parts, _ := h.parts(p); len(parts) != 0 {
			t.Errorf("there are %d parts", len(parts))
		}
		if got := h.show(t, p.PaymentReference); got.State != workflows.StateVerified {
			t.Errorf("it is %s", got.State)
		}
	})
	t.Run("next open", func(t *testing.T) {
		t.Parallel()
		h, p := splitting(t, "next_open")
		if err := h.Visma.ClosePeriod(h.firm.TenantID, "202603"); err != nil {
			t.Fatal(err)
		}
		report(t, h.done(t, h.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 1, Posted: 1})
		h.once(t, p)
		says(t, h.done(t, "payout", "show", h.id, p.PaymentReference), "Nothing is booked in the period 202603 of what was captured by 2026-03-31")
	})
}

func TestAPayoutOfWhichItCannotBeToldWhatBelongsWhereIsHeld(t *testing.T) {
	t.Parallel()
	t.Run("accrued before", func(t *testing.T) {
		t.Parallel()
		first := settled(t, "2026-04-02", straddling)
		h := town(t).house(t, plan{payouts: []*shop.Payout{first}})
		h.splits(t, "hold", "")
		report(t, h.done(t, h.backfill("2026-04-01", "2026-04-02")...)).came(t, counted{Found: 1, Posted: 1})
		h.done(t, "accrue", h.id, "--at", "2026-03-31")
		h.splits(t, "hold", "1790")
		late := settled(t, "2026-04-07", straddling)
		late.MerchantID = h.merchant.MerchantID
		h.merchant.Add(late)
		report(t, h.starter(t, h.backfill("2026-04-01", "2026-04-30")...).with(t, 3)).came(t, counted{Found: 2, Skipped: 1, Held: 1})
		if why := h.held(t, late.PaymentReference, "split_unclear"); !strings.Contains(why.Detail, "is accrued already") {
			t.Errorf("the words are %q", why.Detail)
		}
		h.splits(t, "hold", "")
		h.verified(t, late.PaymentReference)
	})
	t.Run("rows without a day", func(t *testing.T) {
		t.Parallel()
		p := settled(t, "2026-04-02", straddling)
		p.Rows.(shop.List)[0].CaptureDate = time.Time{}
		h := town(t).unconnected(t, plan{payouts: []*shop.Payout{p}})
		h.splits(t, "hold", "1790")
		h.connect(t)
		report(t, h.starter(t, h.backfill("2026-04-01", "2026-04-30")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
		if why := h.held(t, p.PaymentReference, "split_unclear"); !strings.Contains(why.Detail, "without a capture date: 1") {
			t.Errorf("the words are %q", why.Detail)
		}
	})
}

func TestAPayoutOfThreeMonthsIsSplitIntoEach(t *testing.T) {
	t.Parallel()
	days := []time.Time{
		time.Date(2026, 2, 27, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 30, 9, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC),
	}
	p := settled(t, "2026-04-02", func(s *shop.Settlement) {
		s.Rows = append(s.Rows, shop.SaleRows(uint64(serial.Add(1))+2_000_000, 10_000, 300, 350, 2500)...) //nolint:gosec // it counts from 1
		for i := range s.Rows {
			s.Rows[i].CaptureDate = days[i*len(days)/len(s.Rows)]
		}
	})
	h := town(t).unconnected(t, plan{payouts: []*shop.Payout{p}})
	h.splits(t, "hold", "1790")
	h.connect(t)
	report(t, h.done(t, h.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 1, Posted: 1})
	rows, owed := p.Rows.(shop.List), map[string]int64{}
	for i := range rows {
		r := &rows[i]
		for _, end := range []string{"2026-02-28", "2026-03-31"} {
			if r.CaptureDate.Format(time.DateOnly) > end {
				continue
			}
			if r.Type == "SALE" {
				owed[end] += r.Amount
			} else {
				owed[end] -= r.Amount + r.VAT
			}
		}
	}
	for _, end := range []string{"2026-02-28", "2026-03-31", "2026-04-30"} {
		if got := h.on(end)["1790"]; got != owed[end] {
			t.Errorf("at the end of %s the receivable is %d, want %d", end, got, owed[end])
		}
	}
	if owed["2026-02-28"] == 0 || owed["2026-03-31"] == owed["2026-02-28"] {
		t.Errorf("the payout straddles nothing: %v", owed)
	}
	if n := len(h.Visma.Books(h.firm.TenantID).List); n != 5 {
		t.Errorf("there are %d batches, want the payout, two parts, and what takes them back", n)
	}
}

// Who approves a payout has seen its parts: another part is another approval.
func TestThePartsOfAPayoutAreReviewedWithIt(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	p := settled(t, "2026-04-02", straddling)
	h := w.unconnected(t, plan{payouts: []*shop.Payout{p}, posting: "review"})
	h.splitsIn(t, "review", "hold", "1790")
	h.connect(t)
	h.awaiting(t, []*shop.Payout{p})
	reviewer := w.resident(t, "approver")
	reviewer.name = "split"
	reviewer.open("/connections/"+h.id+"/payouts/"+p.PaymentReference, 200)
	reviewer.sees("payout", "In the earlier period 202603, reversed on the first day of the next", "1790", "till 2026-03-31")

	// The page refreshes itself for a while after something happened; this one stays as it was seen.
	var seen bool
	reviewer.must(reviewer.Await("(async () => { const now = document.getElementById('now'); now.replaceWith(now.cloneNode(true)); return true })()", &seen))
	before := h.hash(t, p.PaymentReference)
	h.splitsIn(t, "review", "hold", "1688")
	until(t, waitFor, "the voucher is compiled anew", func() string {
		if now := h.hash(t, p.PaymentReference); now != before {
			return ""
		}
		return before
	})
	reviewer.goes("Approve this voucher and post it")
	reviewer.sees("changed", "compiled anew since you saw it")
	h.splitsIn(t, "review", "hold", "1790")
	until(t, waitFor, "it is what it was", func() string {
		if now := h.hash(t, p.PaymentReference); now == before {
			return ""
		}
		return "another one"
	})
	h.done(t, "payout", "approve", h.id, p.PaymentReference)
	h.verified(t, p.PaymentReference)
	h.splitOnce(t, p)
	parts, _ := h.parts(p)
	reviewer.open("/connections/"+h.id+"/payouts/"+p.PaymentReference, 200)
	reviewer.sees("posted", "Batch in 202603", parts[0].Number)
}

// What an earlier installation has booked is found where it stands, in periods
// that were closed since too.
func TestANewInstallationFindsWhatStandsInClosedPeriods(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"hold", "next_open"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
			p := settled(t, "2026-04-02", straddling)
			h := w.unconnected(t, plan{payouts: []*shop.Payout{p}})
			h.splits(t, policy, "1790")
			h.connect(t)
			report(t, h.done(t, h.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 1, Posted: 1})

			w.stopped(t)
			w.emptied(t)
			for _, period := range []string{"202603", "202604"} {
				if err := h.Visma.ClosePeriod(h.firm.TenantID, period); err != nil {
					t.Fatal(err)
				}
			}
			w.anew(t)
			again := w.createAnew(t, h)
			again.splits(t, policy, "1790")
			again.connect(t)
			report(t, w.done(t, again.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 1, Posted: 1, Adopted: 1})
			again.splitOnce(t, p)
			parts, _ := again.parts(p)
			says(t, again.done(t, "payout", "show", again.id, p.PaymentReference), "Batch "+parts[0].Number+", verified.")
		})
	}
}
