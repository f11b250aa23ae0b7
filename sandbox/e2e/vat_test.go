package e2e_test

import (
	"testing"

	"kvitt/sandbox/shop"
	"kvitt/workflows"
)

// homely gives the fees of a payout in NOK what their VAT is in SEK.
func homely(s *shop.Settlement) {
	for i := range s.Rows {
		if s.Rows[i].VAT > 0 {
			s.Rows[i].VATAtHome = s.Rows[i].VAT * 97 / 100
		}
	}
}

func TestVATTransactionsAndKlarnasRateAreTakenByTheBooks(t *testing.T) {
	t.Parallel()
	home, away := settled(t, "2026-03-10"), settled(t, "2026-03-11", in("NOK"), homely)
	h := town(t).unconnected(t, plan{payouts: []*shop.Payout{home, away}})
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", `    "25": {}`, `    "25": {code: "25", id: "25"}`,
		"vat:\n", "vat:\n  transaction: true\n  exchange_rate: klarna\n"))
	h.connect(t)
	report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 2, Posted: 2})
	books := h.once(t, home, away)
	var owed int64 // what Klarna's invoice says in SEK
	rows := away.Rows.(shop.List)
	for i := range rows {
		owed += rows[i].VATAtHome
	}
	for _, b := range books.List {
		if !b.VAT || !b.SkipVATCheck {
			t.Errorf("batch %s makes no VAT transactions", b.Number)
		}
		for _, l := range b.Lines {
			if l.Account != "2641" {
				continue
			}
			if l.VATCategory != "25" || l.VATID != "25" {
				t.Errorf("batch %s: the VAT line has code %q and id %q", b.Number, l.VATCategory, l.VATID)
			}
			if b.Currency == "NOK" && l.BaseDebit != owed {
				t.Errorf("VAT of %d öre is booked, and Klarna's invoice says %d", l.BaseDebit, owed)
			}
		}
	}
}

func TestAnUnexpectedVATRateIsHeldUntilTheProfileExpectsIt(t *testing.T) {
	t.Parallel()
	odd := settled(t, "2026-03-10", and(shop.Of(shop.TypeFee, "SERVICING_FEE", 10_00).WithVAT(1200)))
	h := town(t).house(t, plan{payouts: []*shop.Payout{odd}})
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	h.held(t, odd.PaymentReference, "vat_rate_unexpected")
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", `    "25": {}`, "    \"25\": {}\n    \"12\": {}"))
	if got := h.verified(t, odd.PaymentReference); got.State != workflows.StateVerified {
		t.Errorf("it is %s", got.State)
	}
}
