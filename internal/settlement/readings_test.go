package settlement_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/settlement"
)

// Klarna leaves some figures open. Each reading is accepted by its name, and
// only when it is exact.
func TestWhatKlarnaLeavesOpenIsReadInNamedWays(t *testing.T) {
	type rows = []settlement.Row
	fees := rows{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", 100, 25)}
	bill := rows{row("FEE/SERVICING_FEE", 100, 25)}
	refund := rows{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", 100, 25), row("FEE_REFUND/FEE_REFUND", 40, 10)}
	lossy := rows{row("SALE/PURCHASE", 1000), row("RETURN/PURCHASE_RETURN", 1500)}
	commission := rows{row("COMMISSION/COMMISSION", 300), row("REVERSAL/COMMISSION_RETURN", 40), row("REVERSAL/REVENUE_SHARE_REVERSAL", 5)}
	taken := rows{row("COMMISSION/COMMISSION", 300), row("COMMISSION/COMMISSION_RETURN", 40)}

	for _, test := range []struct {
		name     string
		typ      settlement.SettlementType
		totals   settlement.Totals
		rows     rows
		readings []string
	}{
		{
			name:   "NET: fees are deducted, as published",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: 875}, rows: fees,
		},
		{
			name: "GROSS: fees are listed, not deducted", typ: settlement.Gross,
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: 1000}, rows: fees,
			readings: []string{settlement.GrossFeesNotDeducted},
		},
		{
			name: "GROSS: fee rows in no total", typ: settlement.Gross,
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalSettlement: 1000}, rows: fees,
			readings: []string{settlement.GrossFeesOutsideTotals},
		},
		{
			name: "GROSS: deducted all the same", typ: settlement.Gross,
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: 875}, rows: fees,
			readings: []string{settlement.GrossFeesDeducted},
		},
		{
			name: "GROSS: without any fees, as published", typ: settlement.Gross,
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalSettlement: 1000}, rows: fees[:1],
		},
		{
			name: "GROSS_FEE: the bill as money taken, as published", typ: settlement.GrossFee,
			totals: settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: -125}, rows: bill,
		},
		{
			name: "GROSS_FEE: the bill as a positive amount", typ: settlement.GrossFee,
			totals: settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: 125}, rows: bill,
			readings: []string{settlement.FeeInvoiceAsPositiveSettlement},
		},
		{
			name: "GROSS_FEE: the bill moves no money", typ: settlement.GrossFee,
			totals: settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25}, rows: bill,
			readings: []string{settlement.FeeInvoiceWithoutSettlement},
		},
		{
			name: "GROSS_FEE: a bill with refunds moves no money either", typ: settlement.GrossFee,
			totals: settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeRefund: 40, settlement.TotalTaxRefund: 10}, rows: refund[1:],
			readings: []string{settlement.FeeInvoiceWithoutSettlement},
		},
		{
			name:   "VAT of fee refunds is paid out",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeRefund: 40, settlement.TotalTaxRefund: 10, settlement.TotalSettlement: 925}, rows: refund,
			readings: []string{settlement.TaxRefundInFormula},
		},
		{
			name:   "VAT of fee refunds is only stated",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeRefund: 40, settlement.TotalTaxRefund: 10, settlement.TotalSettlement: 915}, rows: refund,
			readings: []string{settlement.TaxRefundOutsideFormula},
		},
		{
			name:   "VAT of fee refunds is taken off the tax",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 15, settlement.TotalFeeRefund: 40, settlement.TotalSettlement: 925}, rows: refund,
			readings: []string{settlement.TaxNetOfRefund},
		},
		{
			name:   "a negative result is lifted to zero by new debt",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalReturn: 1500, settlement.TotalDeposit: 500, settlement.TotalClosingDebt: 500}, rows: lossy,
			readings: []string{settlement.DepositInFormula},
		},
		{
			name:   "a negative result stays negative beside new debt",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalReturn: 1500, settlement.TotalDeposit: 500, settlement.TotalClosingDebt: 500, settlement.TotalSettlement: -500}, rows: lossy,
			readings: []string{settlement.DepositOutsideFormula},
		},
		{
			name:   "a negative result is collected, as published",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalReturn: 1500, settlement.TotalSettlement: -500}, rows: lossy,
		},
		{
			name:   "commission taken back stays a reversal, as published",
			totals: settlement.Totals{settlement.TotalCommission: 300, settlement.TotalReversal: 45, settlement.TotalSettlement: 255}, rows: commission,
		},
		{
			name:   "commission taken back has its own total",
			totals: settlement.Totals{settlement.TotalCommission: 300, settlement.TotalCommissionReversal: 45, settlement.TotalSettlement: 255}, rows: commission,
			readings: []string{settlement.CommissionReturnsApart},
		},
		{
			name:   "only revenue shares taken back have their own total",
			totals: settlement.Totals{settlement.TotalCommission: 300, settlement.TotalReversal: 40, settlement.TotalCommissionReversal: 5, settlement.TotalSettlement: 255}, rows: commission,
			readings: []string{settlement.RevenueShareReversalsApart},
		},
		{
			name:   "COMMISSION rows that take back reduce the commission",
			totals: settlement.Totals{settlement.TotalCommission: 260, settlement.TotalSettlement: 260}, rows: taken,
			readings: []string{settlement.CommissionReturnsNetted},
		},
		{
			name:   "COMMISSION rows that take back have their own total",
			totals: settlement.Totals{settlement.TotalCommission: 300, settlement.TotalCommissionReversal: 40, settlement.TotalSettlement: 260}, rows: taken,
			readings: []string{settlement.CommissionReturnsApart},
		},
		{
			name:   "merchant protection reduces the reversal, below zero too",
			totals: settlement.Totals{settlement.TotalReversal: -20, settlement.TotalSettlement: 20},
			rows:   rows{row("REVERSAL/FRAUD_POLICY_CHARGE", 80), row("REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", 100)},
		},
		{
			name:   "a correction goes either way",
			totals: settlement.Totals{settlement.TotalFeeCorrection: -30, settlement.TotalSettlement: -30},
			rows:   rows{row("CORRECTION/CORRECTION", -50), row("CORRECTION/CORRECTION", 20)},
		},
		{
			name:   "TAX rows are tax",
			totals: settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: -125},
			rows:   rows{row("FEE/SERVICING_FEE", 100), row("TAX/VAT", 25)},
		},
		{
			name:   "rows that come with the sign of their effect",
			totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: 875},
			rows:   rows{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", -100, -25)},
		},
		{
			name:   "charges, credits, reserve and debt repaid",
			totals: settlement.Totals{settlement.TotalCredit: 900, settlement.TotalCharge: 200, settlement.TotalHoldback: 50, settlement.TotalRelease: 70, settlement.TotalRepay: 20, settlement.TotalOpeningDebt: 20, settlement.TotalSettlement: 700},
			rows: rows{
				row("CREDIT/CASH_ADVANCE_PAYOUT", 900), row("CHARGE/CASH_ADVANCE_AMORTISATION", 200),
				row("HOLDBACK/ROLLING_RESERVE", 50), row("RELEASE/UNDER_REVIEW", 70),
			},
		},
		{name: "nothing at all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := payout(test.totals)
			if test.typ != "" {
				p.Type = test.typ
			}
			proof, err := settlement.Prove(p, tally(test.rows...), int64(len(test.rows)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(proof.Variants, test.readings) {
				t.Errorf("read as %v, want %v", proof.Variants, test.readings)
			}
			counted := int64(0)
			for _, term := range proof.Terms() {
				if term.Counted {
					counted += int64(term.Sign) * term.Amount
				}
			}
			if bill := p.Type == settlement.GrossFee; counted != p.Totals[settlement.TotalSettlement] && !bill {
				t.Errorf("the terms that count come to %d, and the settlement amount is %d", counted, p.Totals[settlement.TotalSettlement])
			}
		})
	}
}

func TestAReadingHasToBeExact(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalCommission: 300, settlement.TotalCommissionReversal: 44, settlement.TotalSettlement: 256})
	rows := []settlement.Row{row("COMMISSION/COMMISSION", 300), row("REVERSAL/COMMISSION_RETURN", 45)}
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "rows_differ")
	if m.Component != "commission_reversal" || m.Difference != -1 || m.Also != nil {
		t.Errorf("the closest reading is one off: %+v", m)
	}
}

func TestTheDifferenceIsThatOfTheClosestReading(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalReturn: 500, settlement.TotalDeposit: 500, settlement.TotalClosingDebt: 500, settlement.TotalSettlement: -499})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(row("RETURN/PURCHASE_RETURN", 500)), 1, nil)), "formula_differs")
	if m.Rows != -500 || m.Difference != 1 || !strings.HasSuffix(m.Error(), "a difference of 0.01 SEK (read as deposit_in_formula or deposit_outside_formula)") {
		t.Errorf("it reads %s", m)
	}
}

func TestADifferenceThatDoesNotFitIsTheLargestThatDoes(t *testing.T) {
	for _, test := range []struct{ rows, total, want int64 }{
		{math.MinInt64, 0, math.MaxInt64},
		{math.MinInt64, 2, math.MaxInt64},
		{math.MaxInt64, -2, math.MinInt64},
	} {
		p := payout(settlement.Totals{settlement.TotalFeeCorrection: test.total})
		m := mismatch(t, errorOf(settlement.Prove(p, tally(row("CORRECTION/CORRECTION", test.rows)), 1, nil)), "rows_differ")
		if m.Difference != test.want {
			t.Errorf("%d less %d is %d, want %d", test.total, test.rows, m.Difference, test.want)
		}
	}
}

func TestCommissionReversalIsMadeOfNothingElse(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalCommissionReversal: 45, settlement.TotalSettlement: -45})
	for _, pair := range []string{"REVERSAL/REVERSAL", "CHARGE/COMMISSION_RETURN", "COMMISSION/COMMISSION"} {
		mismatch(t, errorOf(settlement.Prove(p, tally(row(pair, 45)), 1, nil)), "rows_differ")
	}
}

func TestTwoExactReadingsHoldThePayout(t *testing.T) {
	rows := []settlement.Row{
		row("SALE/PURCHASE", 1000), row("RETURN/PURCHASE_RETURN", 1500), row("FEE_REFUND/FEE_REFUND", 400, 100),
	}
	p := payout(settlement.Totals{
		settlement.TotalSale: 1000, settlement.TotalReturn: 1500, settlement.TotalFeeRefund: 400, settlement.TotalTaxRefund: 100, settlement.TotalDeposit: 100, settlement.TotalClosingDebt: 100, settlement.TotalSettlement: 0,
	})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 3, nil)), "formula_differs")
	if m.Difference != 0 || !strings.Contains(m.Error(), "in more than one way, and nothing says which is meant") ||
		!strings.Contains(m.Error(), "tax_refund_in_formula+deposit_outside_formula") {
		t.Errorf("it reads %s", m)
	}
}

func TestOnlyGrossPayoutsMayLeaveFeesOut(t *testing.T) {
	rows := []settlement.Row{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", 100, 25)}
	p := payout(settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: 1000})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "formula_differs")
	if m.Difference != 125 {
		t.Errorf("difference %d, want 125", m.Difference)
	}
	p.Totals[settlement.TotalFee], p.Totals[settlement.TotalTax] = 0, 0
	mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "rows_differ")
}

func TestOnlyBillsMayStateFeesInAnotherWay(t *testing.T) {
	for _, typ := range []settlement.SettlementType{settlement.Net, "SOMETHING_NEW"} {
		for _, stated := range []int64{125, 0} {
			p := payout(settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: stated})
			p.Type = typ
			mismatch(t, errorOf(settlement.Prove(p, tally(row("FEE/SERVICING_FEE", 100, 25)), 1, nil)), "formula_differs")
		}
	}
}

func TestABillWithSalesInItIsReadAsPublished(t *testing.T) {
	rows := []settlement.Row{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", 100, 25)}
	p := payout(settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: -875})
	p.Type = settlement.GrossFee
	mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "formula_differs")
}
