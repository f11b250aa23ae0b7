package shop

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestEveryPayoutOfAYearSatisfiesKlarnasFormula(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			for _, p := range s.Payouts() {
				checkFormula(t, p)
			}
		})
	}
}

func TestDebtContinuesFromPayoutToPayoutOfACurrency(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) { checkDebtChain(t, s) })
	}
}

func checkDebtChain(tb testing.TB, s *Shop) {
	tb.Helper()
	debt, last := map[string]int64{}, map[string]time.Time{}
	for _, p := range s.Payouts() {
		if p.Totals.OpeningDebt != debt[p.Currency] {
			tb.Errorf("payout %s opens with a debt of %d, the one before closed with %d",
				p.PaymentReference, p.Totals.OpeningDebt, debt[p.Currency])
		}
		if !p.Date.After(last[p.Currency]) {
			tb.Errorf("payout %s is not later than the one before in %s", p.PaymentReference, p.Currency)
		}
		debt[p.Currency], last[p.Currency] = p.Totals.ClosingDebt, p.Date
	}
}

func TestOneWeekLeavesADebtThatIsRepaidInPartAndThenInFull(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			var chain []*Payout
			for _, p := range s.Payouts() {
				if p.Currency != "NOK" {
					continue
				}
				chain = append(chain, p)
				if n := len(chain); n >= 3 && isDebtStory(chain[n-3], chain[n-2], chain[n-1]) {
					return
				}
			}
			t.Error("no three payouts in NOK open and repay a debt")
		})
	}
}

func isDebtStory(opened, inPart, inFull *Payout) bool {
	return opened.Totals.Deposit > 0 && opened.Totals.Settlement == 0 && opened.Totals.Return > opened.Totals.Sale &&
		inPart.Totals.Repay > 0 && inPart.Totals.Settlement == 0 && inPart.Totals.ClosingDebt > 0 &&
		inFull.Totals.Repay > 0 && inFull.Totals.Settlement > 0 && inFull.Totals.ClosingDebt == 0
}

func TestTheReserveIsReleasedEightPayoutsLaterWithoutAnOrder(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			var held []int64
			released := 0
			for _, p := range s.Payouts() {
				for _, r := range rowsOf(p) {
					if r.DetailedType != "ROLLING_RESERVE" {
						continue
					}
					if r.OrderID != "" || r.Comment == "" || r.Currency != "EUR" {
						t.Errorf("a reserve row should have a comment and no order: %+v", r)
					}
					if r.Type == "HOLDBACK" {
						held = append(held, r.Amount)
						continue
					}
					if r.Amount != held[released] || len(held)-1-released != 8 {
						t.Errorf("payout %s releases %d after %d payouts, held was %d",
							p.PaymentReference, r.Amount, len(held)-1-released, held[released])
					}
					released++
				}
			}
			if released < 30 {
				t.Errorf("only %d releases in a year", released)
			}
		})
	}
}

func TestFeesOfAGrossMarketAreInvoicedMonthly(t *testing.T) {
	s := generate(t, Config{Seed: 8, Start: date(2026, 1, 1), Days: 365, Gross: true})
	seen := map[string]int{}
	for _, p := range s.Payouts() {
		seen[p.Currency+" "+p.SettlementType]++
		for _, r := range rowsOf(p) {
			isFee := r.Type == "FEE" || r.Type == "FEE_REFUND"
			if p.SettlementType == Gross && isFee || p.SettlementType == GrossFee && !isFee {
				t.Errorf("a %s payout has a %s row", p.SettlementType, r.Type)
			}
		}
		if p.SettlementType == GrossFee && p.Totals.Settlement >= 0 {
			t.Errorf("the invoice %s is over %d", p.PaymentReference, p.Totals.Settlement)
		}
	}
	if seen["DKK GROSS_FEE"] != 11 || seen["DKK GROSS"] < 45 || seen["DKK NET"] != 0 || seen["SEK NET"] < 95 {
		t.Errorf("payouts by kind: %v", seen)
	}
}

// Any window of any shop follows the rules, not only the years above.
func TestAnyWindowFollowsTheRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := Generate(Config{
			Seed:      rapid.Uint64().Draw(rt, "seed"),
			Start:     date(2021, 1, 1).AddDate(0, 0, rapid.IntRange(0, 3000).Draw(rt, "start")),
			Days:      rapid.IntRange(1, 120).Draw(rt, "days"),
			Gross:     rapid.Bool().Draw(rt, "gross"),
			LargeRows: -1,
		})
		if err != nil {
			rt.Fatal(err)
		}
		references := map[string]bool{}
		for _, p := range s.Payouts() {
			checkFormula(t, p)
			if references[p.PaymentReference] || len(p.PaymentReference) > 12 || p.Rows.Len() == 0 {
				rt.Fatalf("payout %q occurs twice, has a long reference or no rows", p.PaymentReference)
			}
			references[p.PaymentReference] = true
		}
		checkDebtChain(t, s)
		if t.Failed() {
			rt.FailNow()
		}
	})
}
