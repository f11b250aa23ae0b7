package settlement_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/settlement"
)

// Klarna's pages allow more than they say: rows that carry their own sign, a total
// without rows, VAT on corrections. Each is read by its name, and what it gives the
// merchant is the settlement amount.
func TestWhatKlarnasPagesAllowIsReadInNamedWays(t *testing.T) {
	type rows = []settlement.Row
	sale := row("SALE/PURCHASE", 1000)
	fee := row("FEE/PURCHASE_FEE_PERCENTAGE", 100, 25)
	refund := row("FEE_REFUND/FEE_REFUND", 40, 10)
	corrected := func(amount, vat int64) settlement.Row {
		return row("CORRECTION/PERCENTAGE_FEE_CORRECTION", amount, vat)
	}
	const plain = "COMMISSION/PURCHASE_COMMISSION_PERCENTAGE"

	for _, test := range []struct {
		name     string
		typ      settlement.SettlementType
		totals   settlement.Totals
		rows     rows
		readings []string
	}{
		{
			name: "a cost inside a type that gives", totals: settlement.Totals{settlement.TotalCredit: 920, settlement.TotalSettlement: 920},
			rows:     rows{row("CREDIT/CASH_ADVANCE_PAYOUT", 1000), row("CREDIT/CASH_ADVANCE_FEES", -80)},
			readings: []string{"signed_rows_credit"},
		},
		{
			name: "rows of one kind that go both ways", totals: settlement.Totals{settlement.TotalSale: 900, settlement.TotalSettlement: 900},
			rows:     rows{sale, row("SALE/PURCHASE", -100)},
			readings: []string{"signed_rows_sale"},
		},
		{
			name: "fees with the sign of their effect, and one taken back", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 60, settlement.TotalTax: 15, settlement.TotalSettlement: 925},
			rows:     rows{sale, row("FEE/SERVICING_FEE", -100, -25), row("FEE/SERVICING_FEE", 40, 10)},
			readings: []string{"signed_by_effect_fee"},
		},
		{
			name: "fees of which one is taken back", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 60, settlement.TotalTax: 15, settlement.TotalSettlement: 925},
			rows:     rows{sale, row("FEE/SERVICING_FEE", 100, 25), row("FEE/SERVICING_FEE", -40, -10)},
			readings: []string{"signed_rows_fee"},
		},
		{
			name: "a minus that is no more than how Klarna writes a cost", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 140, settlement.TotalTax: 35, settlement.TotalSettlement: 825},
			rows: rows{sale, row("FEE/SERVICING_FEE", 100, 25), row("FEE/SERVICING_FEE", -40, -10)},
		},
		{
			name: "two types with signs of their own", totals: settlement.Totals{settlement.TotalCredit: 920, settlement.TotalCharge: 30, settlement.TotalSettlement: 890},
			rows: rows{
				row("CREDIT/CASH_ADVANCE_PAYOUT", 1000), row("CREDIT/CASH_ADVANCE_FEES", -80),
				row("CHARGE/MANUAL_ENTRY", 50), row("CHARGE/MANUAL_ENTRY", -20),
			},
			readings: []string{"signed_rows_charge", "signed_rows_credit"},
		},
		{
			name: "negative commission behind commission_reversal", totals: settlement.Totals{settlement.TotalCommission: 4000, settlement.TotalCommissionReversal: 1200, settlement.TotalSettlement: 2800},
			rows: rows{row(plain, 4000), row(plain, -1200)}, readings: []string{settlement.NegativeCommissionApart},
		},
		{
			name: "the same netted in commission", totals: settlement.Totals{settlement.TotalCommission: 2800, settlement.TotalSettlement: 2800},
			rows: rows{row(plain, 4000), row(plain, -1200)}, readings: []string{"signed_rows_commission"},
		},
		{
			name: "commission returned as negative commission", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalCommission: -12, settlement.TotalSettlement: 988},
			rows: rows{sale, row("COMMISSION/COMMISSION_RETURN", -12)}, readings: []string{settlement.CommissionReturnsNetted},
		},
		{
			name: "plain commission that is negative", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalCommission: -12, settlement.TotalSettlement: 988},
			rows: rows{sale, row(plain, -12)}, readings: []string{"signed_rows_commission"},
		},
		{
			name: "REVERSAL rows that take commission back reduce the commission", totals: settlement.Totals{settlement.TotalCommission: 288, settlement.TotalSettlement: 288},
			rows:     rows{row("COMMISSION/COMMISSION", 300), row("REVERSAL/COMMISSION_RETURN", 12)},
			readings: []string{settlement.ReversedCommissionNetted},
		},
		{
			name: "tax net, and the refund told beside it", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 15, settlement.TotalFeeRefund: 40, settlement.TotalTaxRefund: 10, settlement.TotalSettlement: 925},
			rows: rows{sale, fee, refund}, readings: []string{settlement.TaxRefundToldBeside},
		},
		{
			name: "a correction without rows", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFeeCorrection: 5, settlement.TotalSettlement: 1005},
			rows: rows{sale}, readings: []string{settlement.FeeCorrectionWithoutRows},
		},
		{
			name: "a correction without rows that takes", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFeeCorrection: -5, settlement.TotalSettlement: 995},
			rows: rows{sale}, readings: []string{settlement.FeeCorrectionWithoutRows},
		},
		{
			name: "VAT of a correction with the sign of tax", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 15, settlement.TotalFeeCorrection: 40, settlement.TotalSettlement: 925},
			rows: rows{sale, fee, corrected(40, -10)}, readings: []string{settlement.CorrectionVATInTax},
		},
		{
			name: "VAT of a correction with its sign, taken off the tax", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 15, settlement.TotalFeeCorrection: 40, settlement.TotalSettlement: 925},
			rows: rows{sale, fee, corrected(40, 10)}, readings: []string{settlement.CorrectionVATOffTax},
		},
		{
			name: "VAT of a correction in its total", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeCorrection: 50, settlement.TotalSettlement: 925},
			rows: rows{sale, fee, corrected(40, 10)}, readings: []string{settlement.CorrectionVATInTotal},
		},
		{
			name: "VAT of a correction in tax_refund", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeCorrection: 40, settlement.TotalTaxRefund: 10, settlement.TotalSettlement: 925},
			rows: rows{sale, fee, corrected(40, 10)}, readings: []string{settlement.CorrectionVATInRefund, settlement.TaxRefundInFormula},
		},
		{
			name: "VAT corrected by a row of its own", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeCorrection: 50, settlement.TotalSettlement: 925},
			rows: rows{sale, fee, corrected(40, 0), row("CORRECTION/VAT_ON_FEE_CORRECTION_UK", 10)},
		},
		{
			name: "a correction in a gross payout, with its VAT in its total", typ: settlement.Gross,
			totals:   settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalFeeCorrection: 50, settlement.TotalSettlement: 1050},
			rows:     rows{sale, fee, corrected(40, 10)},
			readings: []string{settlement.CorrectionVATInTotal, settlement.GrossFeesNotDeducted},
		},
		{
			name: "rows that say nothing but their type", totals: settlement.Totals{settlement.TotalSale: 1000, settlement.TotalSettlement: 1000},
			rows: rows{row("SALE/", 1000)}, readings: []string{settlement.RowsWithoutDetailedType},
		},
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
			if booked, ok := proof.Booked(); !ok || booked != p.Totals[settlement.TotalSettlement] {
				t.Errorf("the components give %d, and the settlement amount is %d", booked, p.Totals[settlement.TotalSettlement])
			}
			for i := range formula(&p.Totals) { // one minor unit off is no reading
				off := p
				*formula(&off.Totals)[i]++
				if proof, err := settlement.Prove(off, tally(test.rows...), int64(len(test.rows)), nil); err == nil {
					t.Errorf("total %d is one off, and it is read as %v", i, proof.Variants)
				}
			}
		})
	}
}

// formula are the totals that the settlement amount is made of.
func formula(t *settlement.Totals) []*int64 {
	return []*int64{
		&t[settlement.TotalSale], &t[settlement.TotalReturn], &t[settlement.TotalReversal], &t[settlement.TotalFee], &t[settlement.TotalFeeCorrection], &t[settlement.TotalFeeRefund], &t[settlement.TotalTax], &t[settlement.TotalTaxRefund],
		&t[settlement.TotalCommission], &t[settlement.TotalCommissionReversal], &t[settlement.TotalCharge], &t[settlement.TotalCredit], &t[settlement.TotalHoldback], &t[settlement.TotalRelease], &t[settlement.TotalSettlement],
	}
}

// Two readings that book differently hold the payout; a person names one.
func TestTwoReadingsOfTheRowsHoldThePayout(t *testing.T) {
	rows := []settlement.Row{
		row("REVERSAL/REVERSAL", 80), row("REVERSAL/REVERSAL", -30),
		row("REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", 50), row("REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", -30),
	}
	p := payout(settlement.Totals{settlement.TotalReversal: 30, settlement.TotalSettlement: -30})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 4, nil)), "rows_differ")
	signed := "signed_rows_reversal+signed_rows_reversal_merchant_protection"
	if m.Difference != 0 || !slices.Equal(m.Readings, []string{settlement.AsPublished, signed}) || !strings.Contains(m.Error(), "in more than one way") {
		t.Fatalf("%+v", m)
	}
	for name, want := range map[string]int64{settlement.AsPublished: -110, signed: -50} {
		proof, err := settlement.Prove(p, tally(rows...), 4, nil, settlement.Accepted{Code: "rows_differ", Component: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := proof.Effect(proof.Components[0]).Amount; got != want {
			t.Errorf("read as %s, the reversals give %d, want %d", name, got, want)
		}
	}
	mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 4, nil, settlement.Accepted{Code: "rows_differ", Component: "some_other"})), "rows_differ")
}

// Of two exact readings of the formula a person names one.
func TestAPersonNamesTheReadingOfTheFormula(t *testing.T) {
	rows := []settlement.Row{
		row("SALE/PURCHASE", 1000), row("RETURN/PURCHASE_RETURN", 1500), row("FEE_REFUND/FEE_REFUND", 400, 100),
	}
	p := payout(settlement.Totals{settlement.TotalSale: 1000, settlement.TotalReturn: 1500, settlement.TotalFeeRefund: 400, settlement.TotalTaxRefund: 100, settlement.TotalDeposit: 100, settlement.TotalClosingDebt: 100})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 3, nil)), "formula_differs")
	if len(m.Readings) != 2 {
		t.Fatalf("%+v", m)
	}
	for _, name := range m.Readings {
		proof, err := settlement.Prove(p, tally(rows...), 3, nil, settlement.Accepted{Code: "formula_differs", Component: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(proof.Variants, "+"); got != name {
			t.Errorf("read as %s, and %s was named", got, name)
		}
	}
}

func TestVATOnACorrectionIsNeverDropped(t *testing.T) {
	rows := []settlement.Row{row("SALE/PURCHASE", 1000), row("CORRECTION/CORRECTION", 40, 10)}
	p := payout(settlement.Totals{settlement.TotalSale: 1000, settlement.TotalFeeCorrection: 40, settlement.TotalSettlement: 1040})
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 2, nil)), "rows_differ")
	if m.Component != "CORRECTION/CORRECTION" || m.Rows != 10 || !strings.Contains(m.Error(), "carry VAT") {
		t.Errorf("%+v", m)
	}
}

func TestAnAcceptedDifferenceIsJustThatOne(t *testing.T) {
	p, rows := week()
	p.Totals[settlement.TotalSale] += 100
	ok := settlement.Accepted{Code: "rows_differ", Component: "sale", Difference: 100, Account: "2999"}
	p.Totals[settlement.TotalSettlement] += 100
	for name, accepted := range map[string]settlement.Accepted{
		"another code":       {Code: "formula_differs", Component: ok.Component, Difference: 100, Account: "2999"},
		"another component":  {Code: ok.Code, Component: "return", Difference: 100, Account: "2999"},
		"another difference": {Code: ok.Code, Component: ok.Component, Difference: 101, Account: "2999"},
		"the other sign":     {Code: ok.Code, Component: ok.Component, Difference: -100, Account: "2999"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 7, nil, accepted)), "rows_differ")
			if m.Component != "sale" || m.Difference != 100 {
				t.Errorf("%+v", m)
			}
		})
	}
	unneeded := settlement.Accepted{Code: "debt_differs", Component: "opening_debt_balance", Difference: 3}
	proof, err := settlement.Prove(p, tally(rows...), 7, nil, unneeded, ok)
	if err != nil || len(proof.Accepted) != 1 || proof.Accepted[0] != ok {
		t.Fatalf("%v, %+v", err, proof)
	}
}

func TestAcceptedDifferencesThatCannotBeUsed(t *testing.T) {
	p, rows := week()
	for _, accepted := range [][]settlement.Accepted{
		{{Code: "bad_data", Difference: 1}},
		{{Code: "no_such_code"}},
		{{Code: "rows_differ", Component: "sale", Difference: 1, Account: "1"}, {Code: "rows_differ", Component: "sale", Difference: 1, Account: "2"}},
	} {
		_, err := settlement.Prove(p, tally(rows...), 7, nil, accepted...)
		var e *settlement.AcceptedError
		if !errors.As(err, &e) || e.Code() == "" || e.Error() == "" {
			t.Errorf("%+v gives %v", accepted, err)
		}
	}
}

func TestABreakBeforeTheNextPayoutCanBeAccepted(t *testing.T) {
	p, rows := week()
	p.Totals[settlement.TotalOpeningDebt], p.Totals[settlement.TotalClosingDebt] = 637, 637
	proof, err := settlement.Prove(p, tally(rows...), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := &settlement.Debt{PaymentReference: "2026W06"}
	m := mismatch(t, proof.LeadsTo(next), "debt_differs")
	if m.Component != "next_opening_debt_balance" || m.Difference != 637 {
		t.Fatalf("%+v", m)
	}
	accepted := settlement.Accepted{Code: m.HeldCode, Component: m.Component, Difference: m.Difference, Account: "2440"}
	if err := settlement.LeadsTo(p, next, accepted); err != nil {
		t.Error(err)
	}
	if err := proof.LeadsTo(next, accepted); err != nil || len(proof.Accepted) != 1 || proof.AcceptedDebt(accepted) != -637 {
		t.Errorf("%v, %+v", err, proof.Accepted)
	}
	accepted.Difference++
	mismatch(t, settlement.LeadsTo(p, next, accepted), "debt_differs")
}

func TestRowsInAnotherCurrencyCanBeLeftOut(t *testing.T) {
	p, rows := week()
	foreign := row("SALE/PURCHASE", 999)
	foreign.Currency = "NOK"
	rows = append(rows, foreign)
	m := mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 8, nil)), "rows_currency")
	proof, err := settlement.Prove(p, tally(rows...), 8, nil, settlement.Accepted{Code: m.HeldCode, Component: m.Component, Difference: m.Difference})
	if err != nil || proof.Excluded != 1 || proof.Rows != 8 {
		t.Fatalf("%v, %+v", err, proof)
	}
	p.Totals[settlement.TotalSale] += 999 // Klarna counts them, so they cannot be left out
	p.Totals[settlement.TotalSettlement] += 999
	mismatch(t, errorOf(settlement.Prove(p, tally(rows...), 8, nil, settlement.Accepted{Code: m.HeldCode, Component: m.Component, Difference: m.Difference})), "rows_differ")
}
