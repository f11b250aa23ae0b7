package report_test

import (
	"fmt"
	"testing"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/report"
	"kvitt/internal/store"
)

// A reference that more payouts carry than a page shows leads to all of them,
// the newest first, each once.
func TestASearchPagesToItsEnd(t *testing.T) {
	w := newWorld(t, sqlite(t))
	const payouts = 2*report.MostHits + 30
	page := []byte(`{"transactions":[{"type":"SALE","detailed_type":"PURCHASE","amount":100,"currency_code":"SEK","capture_date":"2026-01-02T10:00:00Z","sale_date":"2026-01-02T10:00:00Z","order_id":"11111111-1111-4111-8111-111111111111","merchant_reference1":"subscription-7","purchase_country":"SE"}],"pagination":{"count":1,"total":1,"offset":0}}`)
	for i := range payouts {
		ref := fmt.Sprintf("S%03d", (i*37)%payouts) // names do not follow the days
		_, err := w.store.UpsertPayouts(t.Context(), "c1", []store.Payout{{
			PaymentReference: ref, MerchantID: "M", Date: first.AddDate(0, 0, i), Currency: "SEK", SettlementType: "NET", Settlement: 100, Payout: []byte("{}"),
		}})
		w.must(err)
		to := archive.NewWriter(w.store, "c1", ref, archive.KindTransactions)
		w.must(to.Add(t.Context(), &klarna.Answer{Body: page}))
		_, err = to.Close(t.Context())
		w.must(err)
		w.must(w.store.UpdatePayout(t.Context(), "c1", ref, func(p *store.Payout) error {
			p.State, p.HeldReason, p.Held, p.Rows = "held", "rows_differ", []byte(`{"code":"rows_differ"}`), 1
			return nil
		}, nil))
	}
	w.current()
	var all []report.Hit
	for n := 1; ; n++ {
		hits, more, err := w.FindPage(t.Context(), "subscription-7", n)
		w.must(err)
		all = append(all, hits...)
		if more != (n < 3) || len(hits) > report.MostHits {
			t.Fatalf("page %d has %d payouts, more: %t", n, len(hits), more)
		}
		if !more {
			break
		}
	}
	if len(all) != payouts {
		t.Fatalf("%d payouts of %d", len(all), payouts)
	}
	for i := range all[1:] {
		if !all[i].Date.After(all[i+1].Date) {
			t.Fatalf("%s of %s comes before %s of %s", all[i].PaymentReference, all[i].Date, all[i+1].PaymentReference, all[i+1].Date)
		}
	}
	if hits, more, err := w.FindPage(t.Context(), "subscription-7", 1_000_000); err != nil || more || len(hits) > 0 {
		t.Errorf("a page after the last: %d, %t, %v", len(hits), more, err)
	}
}
