package activities

import (
	"encoding/json"
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func TestOnlyOtherFiguresOfAFinalPayoutAreLoud(t *testing.T) {
	s := shopStore(t, "auto")
	k := &Klarna{Store: s}
	payout := settlement.Payout{
		PaymentReference: "10001", MerchantID: "K1", Date: utc("2026-01-05 09:00"), Currency: "SEK", Type: settlement.Net,
		Totals: settlement.Totals{settlement.TotalSale: 100, settlement.TotalSettlement: 100},
	}
	row, err := rowOf("c1", recorded{Payout: payout})
	if err != nil {
		t.Fatal(err)
	}
	// As a version wrote it that did not know every member yet.
	older := row
	older.Payout = json.RawMessage(strings.Replace(string(row.Payout), `"commission_reversal_amount":0,`, "", 1))
	if string(older.Payout) == string(row.Payout) {
		t.Fatal("the older document is not another one")
	}
	if _, err := s.UpsertPayouts(t.Context(), "c1", []store.Payout{older}); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdatePayout(t.Context(), "c1", "10001", func(p *store.Payout) error { p.State = workflows.StateVerified; return nil }, nil); err != nil {
		t.Fatal(err)
	}
	state := func() store.Payout {
		t.Helper()
		p, err := s.Payout(t.Context(), "c1", "10001")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if news, err := k.isNews(t.Context(), &row, false); err != nil || news || state().State != workflows.StateVerified {
		t.Errorf("the same figures, written down otherwise, are news: %v, %v, %s", news, err, state().State)
	}
	payout.Totals[settlement.TotalSale], payout.Totals[settlement.TotalSettlement] = 101, 101
	changed, err := rowOf("c1", recorded{Payout: payout})
	if err != nil {
		t.Fatal(err)
	}
	if news, err := k.isNews(t.Context(), &changed, true); err != nil || news || state().State != workflows.StateVerified {
		t.Errorf("a dry run changed a final payout: %v, %v, %s", news, err, state().State)
	}
	if news, err := k.isNews(t.Context(), &changed, false); err != nil || !news || state().HeldReason != string(held.ChangedAfterPosting) {
		t.Errorf("one öre more after posting is no news: %v, %v, %q", news, err, state().HeldReason)
	}
}
