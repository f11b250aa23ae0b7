package shop

import (
	"strings"
	"testing"
	"time"
)

func TestASaleIsThreeRowsOfOneCapture(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			type capture struct{ sale, percentage, fixed int }
			captures, where := map[string]*capture{}, map[string]*Payout{}
			for p, r := range s.Transactions() {
				if p != nil && p.SettlementType != Net || r.Currency == "DKK" && strings.Contains(name, "gross") {
					continue // its fees are invoiced
				}
				c := captures[r.CaptureID]
				if c == nil {
					c = &capture{}
					captures[r.CaptureID], where[r.CaptureID] = c, p
				}
				switch r.Type + "/" + r.DetailedType {
				case "SALE/PURCHASE":
					c.sale++
				case "FEE/PURCHASE_FEE_PERCENTAGE":
					c.percentage++
				case "FEE/PURCHASE_FEE_FIXED":
					c.fixed++
				default:
					continue
				}
				if r.CaptureID == "" || where[r.CaptureID] != p {
					t.Errorf("capture %q is spread over payouts", r.CaptureID)
				}
			}
			delete(captures, "") // rows without a capture
			for id, c := range captures {
				if *c != (capture{1, 1, 1}) {
					t.Errorf("capture %s has the rows %+v", id, *c)
				}
			}
		})
	}
}

func TestReturnsComeInPartsAndNeverExceedTheSale(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			sold, back, parts := map[string]int64{}, map[string]int64{}, map[string]int{}
			soldIn, refunds := map[string]*Payout{}, map[string]bool{}
			var returns, elsewhere, inParts int
			for p, r := range s.Transactions() {
				switch r.Type {
				case "SALE":
					sold[r.OrderID] += r.Amount
					soldIn[r.OrderID] = p
				case "RETURN", "REVERSAL":
					back[r.OrderID] += r.Amount
					if parts[r.OrderID]++; parts[r.OrderID] == 2 {
						inParts++
					}
					if r.RefundID == "" || refunds[r.RefundID] || r.CaptureID != "" {
						t.Fatalf("a %s row has refund id %q and capture id %q", r.Type, r.RefundID, r.CaptureID)
					}
					refunds[r.RefundID] = true
					returns++
					if soldIn[r.OrderID] != p {
						elsewhere++
					}
				}
			}
			for order, amount := range back {
				if amount > sold[order] {
					t.Errorf("order %s gave back %d of %d", order, amount, sold[order])
				}
			}
			if returns < 2000 || elsewhere < returns*8/10 || inParts < 200 {
				t.Errorf("%d returns, %d in another payout than the sale, %d orders in parts", returns, elsewhere, inParts)
			}
		})
	}
}

func TestFeeVATIsRoundedPerRowAndAlsoGivenInKronor(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			for p, r := range s.Transactions() {
				isFee := r.Type == "FEE" || r.Type == "FEE_REFUND"
				if isFee != (r.VATRate == 2500) {
					t.Fatalf("a %s row has VAT rate %d", r.Type, r.VATRate)
				}
				if off := r.Amount*25 - r.VAT*100; isFee && (off > 50 || off < -50) {
					t.Fatalf("the VAT on %d is %d in payout %s", r.Amount, r.VAT, p.PaymentReference)
				}
				if isFee != (r.VATAtHome > 0) && r.Currency != "SEK" || r.Currency == "SEK" && r.VATAtHome != 0 {
					t.Fatalf("a %s row in %s has VAT of %d and %d öre", r.Type, r.Currency, r.VAT, r.VATAtHome)
				}
			}
		})
	}
}

func TestEveryKindOfRowOccursInAYear(t *testing.T) {
	kinds := []string{
		"SALE/PURCHASE", "FEE/PURCHASE_FEE_PERCENTAGE", "FEE/PURCHASE_FEE_FIXED", "FEE/EXTEND_DUE_DATE_FEE",
		"FEE/LATE_RETURN_FEE", "FEE/DISPUTE_FEE", "FEE/SERVICING_FEE", "FEE_REFUND/DISPUTE_FEE_REFUND",
		"FEE_REFUND/PURCHASE_FEE_PERCENTAGE_REFUND", "FEE_REFUND/PURCHASE_FEE_FIXED", "RETURN/PURCHASE_RETURN",
		"RETURN/PAYMENT_DEFAULT", "REVERSAL/REVERSAL", "REVERSAL/FRAUD_POLICY_CHARGE",
		"REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", "CREDIT/CORRECTION_DISPUTE",
		"CHARGE/TRANSFER_FROM_LEGACY_INTEGRATION", "COMMISSION/COMMISSION", "CORRECTION/CREDITED_CORRECTION",
		"CORRECTION/PERCENTAGE_FEE_CORRECTION", "CORRECTION/PERCENTAGE_FEE_CORRECTION_SE",
		"HOLDBACK/ROLLING_RESERVE", "RELEASE/ROLLING_RESERVE", "HOLDBACK/UNDER_REVIEW", "RELEASE/UNDER_REVIEW",
	}
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			seen, signs, withoutOrder := map[string]int{}, map[bool]int{}, map[string]int{}
			for p, r := range s.Transactions() {
				if p == nil {
					continue
				}
				seen[r.Type+"/"+r.DetailedType]++
				if r.Type == "CORRECTION" {
					signs[r.Amount < 0]++
				}
				if r.OrderID == "" {
					withoutOrder[r.Type]++
				}
			}
			for _, kind := range kinds {
				if seen[kind] == 0 {
					t.Errorf("no %s row in a year", kind)
				}
			}
			if len(seen) != len(kinds) || signs[true] == 0 || signs[false] == 0 || len(withoutOrder) < 6 {
				t.Errorf("kinds %v, corrections by sign %v, rows without order %v", seen, signs, withoutOrder)
			}
		})
	}
}

func TestAYearHasARealisticSize(t *testing.T) {
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			large := 0
			for _, p := range s.Payouts() {
				switch n := p.Rows.Len(); {
				case n == 20_000 && p.Currency == "SEK":
					large++
				case p.SettlementType == GrossFee: // a month of fees
				case n < 15 || n > 450:
					t.Errorf("payout %s of %s in %s has %d rows", p.PaymentReference, p.Date.Format(time.DateOnly), p.Currency, n)
				}
			}
			if n := len(s.Payouts()); large != 1 || n < 245 || n > 275 {
				t.Errorf("%d payouts, %d of them with 20,000 rows", n, large)
			}
		})
	}
}

func TestUnpaidRowsHaveNoPayoutAndAreNotInTheFuture(t *testing.T) {
	s := generate(t, Config{Seed: 4, Start: date(2026, 1, 1), Days: 60})
	if len(s.Unpaid()) == 0 {
		t.Fatal("everything is paid on the last day")
	}
	for _, r := range s.Unpaid() {
		if !r.CaptureDate.Before(date(2026, 3, 2)) {
			t.Errorf("a row of %s is in the future", r.CaptureDate)
		}
	}
}
