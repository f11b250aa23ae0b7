package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"kvitt/internal/posting"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// enough is a fee whose VAT is large enough to show the exchange rate.
func enough(s *shop.Settlement) {
	s.Rows = append(s.Rows, shop.Of(shop.TypeFee, "SERVICING_FEE", 400_00).WithVAT(2500))
}

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
	home, away := settled(t, "2026-03-10"), settled(t, "2026-03-11", in("NOK"), enough, homely)
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

// A shop sells at home with VAT on its fees, and abroad with a reverse charge.
func TestAnOverrideHasTheVATOfItsCountry(t *testing.T) {
	t.Parallel()
	abroad := func(r shop.Row) shop.Row {
		r.PurchaseCountry = "FI"
		return r
	}
	right := settled(t, "2026-03-10", and(abroad(shop.Of(shop.TypeFee, "SERVICING_FEE", 20_02))))
	wrong := settled(t, "2026-03-11", and(abroad(shop.Of(shop.TypeFee, "SERVICING_FEE", 20_02).WithVAT(2500))))
	h := town(t).house(t, plan{payouts: []*shop.Payout{right, wrong}})
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", "\ntexts:\n", `
overrides:
  - when: {country: FI}
    vat:
      rates: {"0": {}}
      reverse_charge: {rate: "25.5", input: "2645", output: "2614"}

texts:
`))
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 2, Posted: 1, Held: 1})
	balances := map[string]int64{}
	for _, l := range h.batch(t, right.PaymentReference).Lines {
		balances[l.Account] += l.Debit - l.Credit
	}
	if balances["2645"] != 5_11 || balances["2614"] != -5_11 { // 25.5 % of 20.02 is 5.1051
		t.Errorf("the reverse charge is %d and %d", balances["2645"], balances["2614"])
	}
	why := h.held(t, wrong.PaymentReference, "vat_rate_unexpected")
	if !strings.Contains(why.Detail, "expects 0 % for country FI") {
		t.Errorf("it says %s", why.Detail)
	}
}

func TestABatchThatDoesNotTakeKlarnasRateIsHeldAndNotReleased(t *testing.T) {
	t.Parallel()
	away := settled(t, "2026-03-11", in("NOK"), enough, homely)
	h := town(t).unconnected(t, plan{payouts: []*shop.Payout{away}})
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", "vat:\n", "vat:\n  exchange_rate: klarna\n"))
	h.connect(t)
	inject(t, h, vismasim.Fault{Kind: vismasim.RateIgnored, Method: http.MethodPost, Path: journals})
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	why := h.held(t, away.PaymentReference, "batch_differs")
	_, rate, told := strings.Cut(why.Detail, ", meant was ")
	if !told || !strings.Contains(why.Detail, "exchange rate is ") {
		t.Fatalf("it says %s", why.Detail)
	}
	b := h.batch(t, away.PaymentReference)
	if b.Released() {
		t.Errorf("batch %s was released at the rate %s", b.Number, b.Rate)
	}
	// Somebody gives it the rate, and it goes on.
	if err := h.Visma.EditBatch(h.firm.TenantID, b.Number, func(b *vismasim.Batch) { b.Rate = rate }); err != nil {
		t.Fatal(err)
	}
	h.done(t, "payout", "retry", h.id, away.PaymentReference)
	if got := h.verified(t, away.PaymentReference); got.State != workflows.StateVerified {
		t.Errorf("it is %s", got.State)
	}
	// What somebody changes later is told.
	if err := h.Visma.EditBatch(h.firm.TenantID, b.Number, func(b *vismasim.Batch) { b.Rate = "0.9" }); err != nil {
		t.Fatal(err)
	}
	if got := h.look(t); got.Words[posting.Edited] != 1 {
		t.Errorf("the daily check found %+v", got)
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
