package voucher_test

import (
	"errors"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// accept is a difference that a person accepted.
func accept(code, component string, difference int64, account string) settlement.Accepted {
	return settlement.Accepted{Code: code, Component: component, Difference: difference, Account: account, Reason: "seen"}
}

// What a person accepted is a line of its own, and the bank line stays what
// Klarna paid.
func TestAnAcceptedDifferenceIsALineOfItsOwn(t *testing.T) {
	type rows = []settlement.Row
	sale := row("SALE/PURCHASE", 1000_00)
	before := &settlement.Debt{PaymentReference: "before", Closing: 637_50}
	for _, test := range []struct {
		name     string
		typ      settlement.SettlementType
		totals   settlement.Totals
		rows     rows
		missing  int64 // rows that Klarna announced and did not deliver
		previous *settlement.Debt
		accepted []settlement.Accepted
		want     string
	}{
		{
			name:   "a total that is more than its rows",
			totals: settlement.Totals{settlement.TotalSale: 1010_00, settlement.TotalSettlement: 1010_00}, rows: rows{sale},
			accepted: []settlement.Accepted{accept("rows_differ", "sale", 10_00, "suspense")},
			want: `
1930        1010.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
2999                       10.00  Accepted difference, sale
            1010.00      1010.00`,
		},
		{
			name:   "two totals, one of which takes",
			totals: settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 99_00, settlement.TotalTax: 26_00, settlement.TotalSettlement: 875_00},
			rows:   rows{sale, row("FEE/SERVICING_FEE", 100_00, 25_00)},
			accepted: []settlement.Accepted{
				accept("rows_differ", "fee", -1_00, "6064"), accept("rows_differ", "tax", 1_00, "2641"),
			},
			want: `
1930         875.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
6064         100.00               Klarna fee, servicing
2641          25.00               Klarna fee VAT
2641           1.00               Accepted difference, tax
6064                        1.00  Accepted difference, fee
            1001.00      1001.00`,
		},
		{
			name:   "rows that never came, and their total",
			totals: settlement.Totals{settlement.TotalSale: 1010_00, settlement.TotalSettlement: 1010_00}, rows: rows{sale}, missing: 1,
			accepted: []settlement.Accepted{accept("rows_incomplete", "", 1, ""), accept("rows_differ", "sale", 10_00, "1686")},
			want: `
1930        1010.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
1686                       10.00  Accepted difference, sale
            1010.00      1010.00`,
		},
		{
			name:   "the settlement amount is less than the totals",
			totals: settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalSettlement: 990_00}, rows: rows{sale},
			accepted: []settlement.Accepted{accept("formula_differs", "settlement", -10_00, "suspense")},
			want: `
1930         990.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
2999          10.00               Accepted difference, settlement
            1000.00      1000.00`,
		},
		{
			name: "the total of a fee that a gross payout only lists moves nothing", typ: settlement.Gross,
			totals:   settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 90_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 1000_00},
			rows:     rows{sale, row("FEE/SERVICING_FEE", 100_00, 25_00)},
			accepted: []settlement.Accepted{accept("rows_differ", "fee", -10_00, "")},
			want: `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
            1000.00      1000.00`,
		},
		{
			name: "a bill that is stated as a positive amount", typ: settlement.GrossFee,
			totals:   settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 126_00},
			rows:     rows{row("FEE/SERVICING_FEE", 100_00, 25_00)},
			accepted: []settlement.Accepted{accept("formula_differs", "settlement", 1_00, "2999")},
			want: `
2990                      126.00  Klarna fee invoice
6064         100.00               Klarna fee, servicing
2641          25.00               Klarna fee VAT
2999           1.00               Accepted difference, settlement
             126.00       126.00`,
		},
		{
			name:   "a debt that was invoiced apart, and is in the books",
			totals: settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalSettlement: 1000_00}, rows: rows{sale}, previous: before,
			accepted: []settlement.Accepted{accept("debt_differs", "opening_debt_balance", -637_50, "")},
			want: `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
            1000.00      1000.00`,
		},
		{
			name:   "a debt that was invoiced apart, and is settled here",
			totals: settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalSettlement: 1000_00}, rows: rows{sale}, previous: before,
			accepted: []settlement.Accepted{accept("debt_differs", "opening_debt_balance", -637_50, "2440")},
			want: `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
2890         637.50               Accepted difference, opening debt balance
2440                      637.50  Accepted difference, opening debt balance
            1637.50      1637.50`,
		},
		{
			name:   "a closing debt that does not follow",
			totals: settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalClosingDebt: 5_00, settlement.TotalSettlement: 1000_00}, rows: rows{sale},
			accepted: []settlement.Accepted{accept("debt_differs", "closing_debt_balance", 5_00, "suspense")},
			want: `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
2890                        5.00  Accepted difference, closing debt balance
2999           5.00               Accepted difference, closing debt balance
            1005.00      1005.00`,
		},
		{
			name:   "debt that nothing accounts for",
			totals: settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalDeposit: 300_00, settlement.TotalClosingDebt: 300_00, settlement.TotalSettlement: 1000_00}, rows: rows{sale},
			accepted: []settlement.Accepted{accept("debt_differs", "deposit", 300_00, "suspense")},
			want: `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
2890                      300.00  Accepted difference, deposit
2999         300.00               Accepted difference, deposit
            1300.00      1300.00`,
		},
		{
			name:     "VAT refunded outside the settlement amount",
			totals:   settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFeeRefund: 40_00, settlement.TotalTaxRefund: 10_00, settlement.TotalSettlement: 1040_00},
			rows:     rows{sale, row("FEE_REFUND/FEE_REFUND", 40_00, 10_00)},
			accepted: []settlement.Accepted{accept("formula_differs", "tax_refund", -10_00, "suspense")},
			want: `
1930        1040.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
6064                       40.00  Klarna fee refunded
2641                       10.00  Klarna fee VAT
2999          10.00               Accepted difference, tax refund
            1050.00      1050.00`,
		},
		{
			name:     "a type that nobody has told us of",
			totals:   settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalSettlement: 990_00},
			rows:     rows{sale, row("ADJUSTMENT/X", 10_00)},
			accepted: []settlement.Accepted{accept("component_unknown", "ADJUSTMENT/X", -10_00, "suspense")},
			want: `
1930         990.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
2999          10.00               Accepted difference, ADJUSTMENT/X
            1000.00      1000.00`,
		},
		{
			name:     "an unknown type that moves nothing",
			totals:   settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalSettlement: 1000_00},
			rows:     rows{sale, row("ADJUSTMENT/X", 10_00)},
			accepted: []settlement.Accepted{accept("component_unknown", "ADJUSTMENT/X", -10_00, "")},
			want: `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
            1000.00      1000.00`,
		},
		{
			name:     "VAT on a commission",
			totals:   settlement.Totals{settlement.TotalCommission: 100_00, settlement.TotalSettlement: 125_00},
			rows:     rows{row("COMMISSION/COMMISSION", 100_00, 25_00)},
			accepted: []settlement.Accepted{accept("rows_differ", "COMMISSION/COMMISSION", -25_00, "2611")},
			want: `
1930         125.00               Klarna payout 1234567890
3990                      100.00  Klarna commission
2611                       25.00  Accepted difference, COMMISSION/COMMISSION
             125.00       125.00`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := payout(test.totals)
			if test.typ != "" {
				p.Type = test.typ
			}
			announced := int64(len(test.rows)) + test.missing
			proof, err := settlement.Prove(p, tallyOf(test.rows), announced, test.previous, test.accepted...)
			if err != nil {
				t.Fatal(err)
			}
			if len(proof.Accepted) != len(test.accepted) {
				t.Errorf("the proof keeps %+v", proof.Accepted)
			}
			v := compile(t, firstRelease(t, "se-bas"), proof)
			wantTable(t, v, test.want)
			for i := range test.accepted { // one minor unit off, or another account to fill in, and it is held
				other := append([]settlement.Accepted(nil), test.accepted...)
				other[i].Difference++
				if proof, err := settlement.Prove(p, tallyOf(test.rows), announced, test.previous, other...); err == nil {
					if _, err := voucher.Compile(firstRelease(t, "se-bas"), proof, target); err == nil {
						t.Errorf("accepted as %+v, and it is booked", other[i])
					}
				}
			}
		})
	}
}

func TestAnAcceptedDifferenceThatMovesMoneyNamesAnAccount(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1010_00, settlement.TotalSettlement: 1010_00})
	rows := []settlement.Row{row("SALE/PURCHASE", 1000_00)}
	_, err := settlement.Prove(p, tallyOf(rows), 1, nil, accept("rows_differ", "sale", 10_00, ""))
	var e *settlement.AcceptedError
	if !errors.As(err, &e) || e.Code() != "rows_differ" {
		t.Fatalf("got %v", err)
	}
	proof, err := settlement.Prove(p, tallyOf(rows), 1, nil, accept("rows_differ", "sale", 10_00, "12 34"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := voucher.Compile(firstRelease(t, "se-bas"), proof, target); !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
}
