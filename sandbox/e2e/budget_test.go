package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

func TestTwoWorkersShareOneBudgetAndAreNeverRefused(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
	if _, err := w.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	payouts := days(t, "2026-03-01", 28)
	large := merchant(payouts)
	for i := range 4 { // of 100 pages each, which both workers fetch at the same time
		p, err := shop.Lazy{
			Seed: uint64(i + 1), Rows: 50_000, PaymentReference: fmt.Sprintf("92%09d", i), MerchantID: large.MerchantID, //nolint:gosec // it counts from 0
			Date: time.Date(2026, 3, 29, 12, i, 0, 0, time.UTC),
		}.Payout()
		if err != nil {
			t.Fatal(err)
		}
		large.Add(p)
		payouts = append(payouts, p)
	}
	h := w.house(t, plan{shop: large})
	const playground = 50 // requests a second that Klarna grants
	w.Klarna.SetRequestsPerSecond(playground)
	const granted = 150 // requests in a window; the backfill needs about twice as many
	w.Visma.SetRate(vismasim.RateLimits{Limit: granted, Window: 10 * time.Second})
	w.Klarna.ResetRequests()
	w.Visma.ResetRequests()

	report(t, w.done(t, h.backfill("2026-03-01", "2026-03-31", "--concurrency", "24")...)).came(t, counted{Found: len(payouts), Posted: len(payouts)})
	h.once(t, payouts...)
	asked := 0
	for _, n := range w.Visma.Requests() {
		asked += n
	}
	if asked < granted*3/2 {
		t.Fatalf("Visma.net was asked %d times, too few to meet its limit of %d", asked, granted)
	}
	if n := w.Visma.Refused(); n > 0 {
		t.Errorf("Visma.net refused %d of %d requests", n, asked)
	}
	if k := w.Klarna.Requests(); k.ByStatus[http.StatusTooManyRequests] > 0 {
		t.Errorf("Klarna refused %d of %d requests", k.ByStatus[http.StatusTooManyRequests], k.Total)
	} else if k.Total < 400 {
		t.Fatalf("Klarna was asked %d times, too few to meet its limit of %d a second", k.Total, playground)
	}
}

func TestABackfillOfOneCompanyDoesNotStarveTheSyncOfAnother(t *testing.T) {
	t.Parallel()
	// What is scarce are the places of the worker: the backfill would fill them
	// many times over.
	w := start(t, stack.Options{Companies: companies(2), Shop: stack.Shop{Made: merchant(nil)}, Environment: []string{"KVITT_ACTIVITIES=3"}})
	old := days(t, "2026-01-01", 150)
	busy := w.house(t, plan{payouts: old})
	today := ago(t, 2)
	daily := w.house(t, plan{payouts: []*shop.Payout{today}, start: time.Now().AddDate(0, 0, -30).Format(time.DateOnly)})
	w.Klarna.SetLatency(50 * time.Millisecond)
	w.Visma.SetLatency(50 * time.Millisecond)
	backfill := w.run(t, nil, busy.backfill("2026-01-01", "2026-05-31", "--concurrency", "64")...)
	busy.someBooked(t, 3)

	began := time.Now()
	run := daily.trigger(t)
	took := time.Since(began)
	booked := w.Visma.Books(busy.firm.TenantID).Batches
	if run.Outcome != workflows.OutcomeFetched {
		t.Errorf("the sync came to %s", run.Outcome)
	}
	daily.once(t, today)
	if booked > len(old)*2/3 {
		t.Errorf("the sync took %s and ended when the backfill had booked %d of %d payouts", took, booked, len(old))
	}
	t.Logf("the sync took %s beside a backfill that had booked %d of %d payouts then", took, booked, len(old))
	w.done(t, "backfill", busy.id, "--from", "2026-01-01", "--to", "2026-05-31", "--cancel")
	backfill.wait(t).with(t, 1)
}
