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
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, Settlement: 875}, rows: fees,
		},
		{
			name: "GROSS: fees are listed, not deducted", typ: settlement.Gross,
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, Settlement: 1000}, rows: fees,
			readings: []string{settlement.GrossFeesNotDeducted},
		},
		{
			name: "GROSS: fee rows in no total", typ: settlement.Gross,
			totals: settlement.Totals{Sale: 1000, Settlement: 1000}, rows: fees,
			readings: []string{settlement.GrossFeesOutsideTotals},
		},
		{
			name: "GROSS: deducted all the same", typ: settlement.Gross,
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, Settlement: 875}, rows: fees,
			readings: []string{settlement.GrossFeesDeducted},
		},
		{
			name: "GROSS: without any fees, as published", typ: settlement.Gross,
			totals: settlement.Totals{Sale: 1000, Settlement: 1000}, rows: fees[:1],
		},
		{
			name: "GROSS_FEE: the bill as money taken, as published", typ: settlement.GrossFee,
			totals: settlement.Totals{Fee: 100, Tax: 25, Settlement: -125}, rows: bill,
		},
		{
			name: "GROSS_FEE: the bill as a positive amount", typ: settlement.GrossFee,
			totals: settlement.Totals{Fee: 100, Tax: 25, Settlement: 125}, rows: bill,
			readings: []string{settlement.FeeInvoiceAsPositiveSettlement},
		},
		{
			name: "GROSS_FEE: the bill moves no money", typ: settlement.GrossFee,
			totals: settlement.Totals{Fee: 100, Tax: 25}, rows: bill,
			readings: []string{settlement.FeeInvoiceWithoutSettlement},
		},
		{
			name: "GROSS_FEE: a bill with refunds moves no money either", typ: settlement.GrossFee,
			totals: settlement.Totals{Fee: 100, Tax: 25, FeeRefund: 40, TaxRefund: 10}, rows: refund[1:],
			readings: []string{settlement.FeeInvoiceWithoutSettlement},
		},
		{
			name:   "VAT of fee refunds is paid out",
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, FeeRefund: 40, TaxRefund: 10, Settlement: 925}, rows: refund,
			readings: []string{settlement.TaxRefundInFormula},
		},
		{
			name:   "VAT of fee refunds is only stated",
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, FeeRefund: 40, TaxRefund: 10, Settlement: 915}, rows: refund,
			readings: []string{settlement.TaxRefundOutsideFormula},
		},
		{
			name:   "VAT of fee refunds is taken off the tax",
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 15, FeeRefund: 40, Settlement: 925}, rows: refund,
			readings: []string{settlement.TaxNetOfRefund},
		},
		{
			name:   "a negative result is lifted to zero by new debt",
			totals: settlement.Totals{Sale: 1000, Return: 1500, Deposit: 500, ClosingDebt: 500}, rows: lossy,
			readings: []string{settlement.DepositInFormula},
		},
		{
			name:   "a negative result stays negative beside new debt",
			totals: settlement.Totals{Sale: 1000, Return: 1500, Deposit: 500, ClosingDebt: 500, Settlement: -500}, rows: lossy,
			readings: []string{settlement.DepositOutsideFormula},
		},
		{
			name:   "a negative result is collected, as published",
			totals: settlement.Totals{Sale: 1000, Return: 1500, Settlement: -500}, rows: lossy,
		},
		{
			name:   "commission taken back stays a reversal, as published",
			totals: settlement.Totals{Commission: 300, Reversal: 45, Settlement: 255}, rows: commission,
		},
		{
			name:   "commission taken back has its own total",
			totals: settlement.Totals{Commission: 300, CommissionReversal: 45, Settlement: 255}, rows: commission,
			readings: []string{settlement.CommissionReturnsApart},
		},
		{
			name:   "only revenue shares taken back have their own total",
			totals: settlement.Totals{Commission: 300, Reversal: 40, CommissionReversal: 5, Settlement: 255}, rows: commission,
			readings: []string{settlement.RevenueShareReversalsApart},
		},
		{
			name:   "COMMISSION rows that take back reduce the commission",
			totals: settlement.Totals{Commission: 260, Settlement: 260}, rows: taken,
			readings: []string{settlement.CommissionReturnsNetted},
		},
		{
			name:   "COMMISSION rows that take back have their own total",
			totals: settlement.Totals{Commission: 300, CommissionReversal: 40, Settlement: 260}, rows: taken,
			readings: []string{settlement.CommissionReturnsApart},
		},
		{
			name:   "merchant protection reduces the reversal, below zero too",
			totals: settlement.Totals{Reversal: -20, Settlement: 20},
			rows:   rows{row("REVERSAL/FRAUD_POLICY_CHARGE", 80), row("REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", 100)},
		},
		{
			name:   "a correction goes either way",
			totals: settlement.Totals{FeeCorrection: -30, Settlement: -30},
			rows:   rows{row("CORRECTION/CORRECTION", -50), row("CORRECTION/CORRECTION", 20)},
		},
		{
			name:   "TAX rows are tax",
			totals: settlement.Totals{Fee: 100, Tax: 25, Settlement: -125},
			rows:   rows{row("FEE/SERVICING_FEE", 100), row("TAX/VAT", 25)},
		},
		{
			name:   "rows that come with the sign of their effect",
			totals: settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, Settlement: 875},
			rows:   rows{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", -100, -25)},
		},
		{
			name:   "charges, credits, reserve and debt repaid",
			totals: settlement.Totals{Credit: 900, Charge: 200, Holdback: 50, Release: 70, Repay: 20, OpeningDebt: 20, Settlement: 700},
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
			if bill := p.Type == settlement.GrossFee; counted != p.Totals.Settlement && !bill {
				t.Errorf("the terms that count come to %d, and the settlement amount is %d", counted, p.Totals.Settlement)
			}
		})
	}
}

func TestAReadingHasToBeExact(t *testing.T) {
	p := payout(settlement.Totals{Commission: 300, CommissionReversal: 44, Settlement: 256})
	rows := []settlement.Row{row("COMMISSION/COMMISSION", 300), row("REVERSAL/COMMISSION_RETURN", 45)}
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "rows_differ")
	if m.Component != "commission_reversal" || m.Difference != -1 || m.Also != nil {
		t.Errorf("the closest reading is one off: %+v", m)
	}
}

func TestTheDifferenceIsThatOfTheClosestReading(t *testing.T) {
	p := payout(settlement.Totals{Return: 500, Deposit: 500, ClosingDebt: 500, Settlement: -499})
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
		p := payout(settlement.Totals{FeeCorrection: test.total})
		m := mismatch(t, errorOf(settlement.Prove(p, tally(row("CORRECTION/CORRECTION", test.rows)), 1, nil)), "rows_differ")
		if m.Difference != test.want {
			t.Errorf("%d less %d is %d, want %d", test.total, test.rows, m.Difference, test.want)
		}
	}
}

func TestCommissionReversalIsMadeOfNothingElse(t *testing.T) {
	p := payout(settlement.Totals{CommissionReversal: 45, Settlement: -45})
	for _, pair := range []string{"REVERSAL/REVERSAL", "CHARGE/COMMISSION_RETURN", "COMMISSION/COMMISSION"} {
		mismatch(t, errorOf(settlement.Prove(p, tally(row(pair, 45)), 1, nil)), "rows_differ")
	}
}

func TestTwoExactReadingsHoldThePayout(t *testing.T) {
	rows := []settlement.Row{
		row("SALE/PURCHASE", 1000), row("RETURN/PURCHASE_RETURN", 1500), row("FEE_REFUND/FEE_REFUND", 400, 100),
	}
	p := payout(settlement.Totals{
		Sale: 1000, Return: 1500, FeeRefund: 400, TaxRefund: 100, Deposit: 100, ClosingDebt: 100, Settlement: 0,
	})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 3, nil)), "formula_differs")
	if m.Difference != 0 || !strings.Contains(m.Error(), "in more than one way, and nothing says which is meant") ||
		!strings.Contains(m.Error(), "tax_refund_in_formula+deposit_outside_formula") {
		t.Errorf("it reads %s", m)
	}
}

func TestOnlyGrossPayoutsMayLeaveFeesOut(t *testing.T) {
	rows := []settlement.Row{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", 100, 25)}
	p := payout(settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, Settlement: 1000})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "formula_differs")
	if m.Difference != 125 {
		t.Errorf("difference %d, want 125", m.Difference)
	}
	p.Totals.Fee, p.Totals.Tax = 0, 0
	mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "rows_differ")
}

func TestOnlyBillsMayStateFeesInAnotherWay(t *testing.T) {
	for _, typ := range []settlement.SettlementType{settlement.Net, "SOMETHING_NEW"} {
		for _, stated := range []int64{125, 0} {
			p := payout(settlement.Totals{Fee: 100, Tax: 25, Settlement: stated})
			p.Type = typ
			mismatch(t, errorOf(settlement.Prove(p, tally(row("FEE/SERVICING_FEE", 100, 25)), 1, nil)), "formula_differs")
		}
	}
}

func TestABillWithSalesInItIsReadAsPublished(t *testing.T) {
	rows := []settlement.Row{row("SALE/PURCHASE", 1000), row("FEE/SERVICING_FEE", 100, 25)}
	p := payout(settlement.Totals{Sale: 1000, Fee: 100, Tax: 25, Settlement: -875})
	p.Type = settlement.GrossFee
	mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "formula_differs")
}
