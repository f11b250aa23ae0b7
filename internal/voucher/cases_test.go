package voucher_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// Payouts that were booked by hand, by the names of the accounts: "debit/credit".
func TestPayoutsAreBookedAsByHand(t *testing.T) {
	type rows = []settlement.Row
	const percentage = "PURCHASE_FEE_PERCENTAGE"
	sale := func(amount int64) settlement.Row { return row("SALE/PURCHASE", amount) }
	returned := func(amount int64) settlement.Row { return row("RETURN/PURCHASE_RETURN", amount) }
	fee := func(amount, vat int64) settlement.Row { return taxed(row("FEE/"+percentage, amount, vat)) }
	refund := taxed(row("FEE_REFUND/"+percentage+"_REFUND", 4000, 1000))
	const commission = "COMMISSION/PURCHASE_COMMISSION_PERCENTAGE"

	for _, test := range []struct {
		name     string
		typ      settlement.SettlementType
		totals   settlement.Totals
		rows     rows
		previous int64 // closing debt of the payout before; 0: none is known
		held     string
		want     string
	}{
		{
			name: "debt opened", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalReturn: 160000, settlement.TotalFee: 3000, settlement.TotalTax: 750, settlement.TotalDeposit: 63750, settlement.TotalClosingDebt: 63750},
			rows: rows{sale(100000), returned(160000), fee(3000, 750)},
			want: "clearing 160000/100000 debt 0/63750 fees 3000/0 input_vat 750/0",
		},
		{
			name: "debt repaid in part, nothing paid", totals: settlement.Totals{settlement.TotalSale: 40000, settlement.TotalFee: 1200, settlement.TotalTax: 300, settlement.TotalRepay: 38500, settlement.TotalOpeningDebt: 63750, settlement.TotalClosingDebt: 25250},
			rows: rows{sale(40000), fee(1200, 300)}, previous: 63750,
			want: "clearing 0/40000 debt 38500/0 fees 1200/0 input_vat 300/0",
		},
		{
			name: "debt invoiced apart", totals: settlement.Totals{settlement.TotalSale: 200000, settlement.TotalFee: 6000, settlement.TotalTax: 1500, settlement.TotalSettlement: 192500},
			rows: rows{sale(200000), fee(6000, 1500)}, previous: 63750, held: "debt_differs",
		},
		{
			name: "zero payout", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalReturn: 96250, settlement.TotalFee: 3000, settlement.TotalTax: 750},
			rows: rows{sale(100000), returned(96250), fee(3000, 750)},
			want: "clearing 96250/100000 fees 3000/0 input_vat 750/0",
		},
		{
			name: "negative, no debt stated", totals: settlement.Totals{settlement.TotalSale: 10000, settlement.TotalReturn: 15000, settlement.TotalSettlement: -5000},
			rows: rows{sale(10000), returned(15000)},
			want: "clearing 15000/10000 debt 0/5000",
		},
		{
			name: "negative stated and carried", totals: settlement.Totals{settlement.TotalSale: 10000, settlement.TotalReturn: 15000, settlement.TotalSettlement: -5000, settlement.TotalDeposit: 5000, settlement.TotalClosingDebt: 5000},
			rows: rows{sale(10000), returned(15000)},
			want: "clearing 15000/10000 debt 0/5000",
		},
		{
			name:   "returns above sales on top of a debt",
			totals: settlement.Totals{settlement.TotalSale: 20000, settlement.TotalReturn: 90000, settlement.TotalFee: 600, settlement.TotalTax: 150, settlement.TotalDeposit: 70750, settlement.TotalOpeningDebt: 10000, settlement.TotalClosingDebt: 80750},
			rows:   rows{sale(20000), returned(90000), fee(600, 150)}, previous: 10000,
			want: "clearing 90000/20000 debt 0/70750 fees 600/0 input_vat 150/0",
		},
		{
			name: "fee bill", typ: settlement.GrossFee, totals: settlement.Totals{settlement.TotalFee: 30000, settlement.TotalTax: 7500, settlement.TotalSettlement: -37500},
			rows: rows{fee(30000, 7500)},
			want: "fees 30000/0 fees_invoice 0/37500 input_vat 7500/0",
		},
		{
			name:   "tax net, and the refund told beside it",
			totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalFee: 10000, settlement.TotalTax: 1500, settlement.TotalFeeRefund: 4000, settlement.TotalTaxRefund: 1000, settlement.TotalSettlement: 92500},
			rows:   rows{sale(100000), fee(10000, 2500), refund},
			want:   "clearing 0/100000 fees 10000/4000 input_vat 2500/1000 settlement 92500/0",
		},
		{
			name: "a correction of fees without rows", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalFee: 10000, settlement.TotalTax: 2500, settlement.TotalFeeCorrection: 4000, settlement.TotalSettlement: 91500},
			rows: rows{sale(100000), fee(10000, 2500)},
			want: "clearing 0/100000 fees 10000/0 input_vat 2500/0 settlement 91500/0 suspense 0/4000",
		},
		{
			name: "a correction of fees with VAT on its row", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalFee: 10000, settlement.TotalTax: 1500, settlement.TotalFeeCorrection: 4000, settlement.TotalSettlement: 92500},
			rows: rows{sale(100000), fee(10000, 2500), taxed(row("CORRECTION/PERCENTAGE_FEE_CORRECTION_SE", 4000, -1000))},
			want: "clearing 0/100000 fees 10000/4000 input_vat 2500/1000 settlement 92500/0",
		},
		{
			name: "VAT corrected by a row of its own", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalFee: 10000, settlement.TotalTax: 2500, settlement.TotalFeeCorrection: 5000, settlement.TotalSettlement: 92500},
			rows: rows{sale(100000), fee(10000, 2500), row("CORRECTION/PERCENTAGE_FEE_CORRECTION_SE", 4000), row("CORRECTION/VAT_ON_FEE_CORRECTION_UK", 1000)},
			want: "clearing 0/100000 fees 10000/0 input_vat 2500/0 settlement 92500/0 suspense 0/5000",
		},
		{
			name: "lending fees that give", totals: settlement.Totals{settlement.TotalSale: 200000, settlement.TotalCredit: 80000, settlement.TotalSettlement: 280000},
			rows: rows{sale(200000), row("CREDIT/CASH_ADVANCE_FEES", 80000)},
			want: "clearing 0/200000 settlement 280000/0 suspense 0/80000",
		},
		{
			name: "lending fees negative inside CREDIT", totals: settlement.Totals{settlement.TotalCredit: 920000, settlement.TotalSettlement: 920000},
			rows: rows{row("CREDIT/CASH_ADVANCE_PAYOUT", 1000000), row("CREDIT/CASH_ADVANCE_FEES", -80000)},
			want: "loan 0/1000000 loan_costs 80000/0 settlement 920000/0",
		},
		{
			name: "commission_reversal behind negative commission", totals: settlement.Totals{settlement.TotalCommission: 4000, settlement.TotalCommissionReversal: 1200, settlement.TotalSettlement: 2800},
			rows: rows{row(commission, 4000), row(commission, -1200)},
			want: "commission 1200/4000 settlement 2800/0",
		},
		{
			name: "the same netted", totals: settlement.Totals{settlement.TotalCommission: 2800, settlement.TotalSettlement: 2800},
			rows: rows{row(commission, 4000), row(commission, -1200)},
			want: "commission 0/2800 settlement 2800/0",
		},
		{
			name: "a reminder is the debt that is left", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalCharge: 63750, settlement.TotalSettlement: 36250},
			rows: rows{sale(100000), about(row("CHARGE/PAYMENT_REMINDER", 63750), "Debt statement 55")},
			want: "clearing 0/100000 debt 63750/0 settlement 36250/0",
		},
		{
			name: "an unknown type with money", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalSettlement: 99000},
			rows: rows{sale(100000), row("ADJUSTMENT/X", 1000)}, held: "component_unknown",
		},
		{
			name: "a commission that carries VAT", totals: settlement.Totals{settlement.TotalCommission: 10000, settlement.TotalSettlement: 12500},
			rows: rows{taxed(row("COMMISSION/COMMISSION", 10000, 2500))}, held: "rows_differ",
		},
		{
			name: "rows that say nothing but their type, where all of it book alike", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalFee: 3000, settlement.TotalTax: 750, settlement.TotalHoldback: 500, settlement.TotalSettlement: 95750},
			rows: rows{row("SALE/", 100000), taxed(row("FEE/", 3000, 750)), row("HOLDBACK/", 500)},
			want: "clearing 0/100000 fees 3000/0 input_vat 750/0 reserve 500/0 settlement 95750/0",
		},
		{
			name: "a return that does not say whether it was paid", totals: settlement.Totals{settlement.TotalSale: 100000, settlement.TotalReturn: 500, settlement.TotalSettlement: 99500},
			rows: rows{sale(100000), row("RETURN/", 500)}, held: "component_unknown",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := payout(test.totals)
			if test.typ != "" {
				p.Type = test.typ
			}
			var previous *settlement.Debt
			if test.previous != 0 {
				previous = &settlement.Debt{PaymentReference: "before", Closing: test.previous}
			}
			proof, err := settlement.Prove(p, tallyOf(test.rows), int64(len(test.rows)), previous)
			var v *voucher.Voucher
			if err == nil {
				v, err = voucher.Compile(preset(t, "se-bas"), proof, target)
			}
			switch {
			case test.held != "" && codeOf(err) != test.held:
				t.Fatalf("got %v, want it held as %s", err, test.held)
			case test.held == "" && err != nil:
				t.Fatal(err)
			case test.held == "":
				if got := byName(t, "se-bas", v); got != test.want {
					t.Errorf("it is booked as\n%s\nwant\n%s\n%s", got, test.want, table(v))
				}
			}
		})
	}
}

// taxed states the Swedish rate of VAT on a row.
func taxed(r settlement.Row) settlement.Row {
	r.VATRate = 2500
	return r
}

var namedAccount = regexp.MustCompile(`(?m)^  ([a-z_]+): "([0-9]+)"`)

// byName sums a voucher by the names that the preset gives its accounts.
func byName(t *testing.T, name string, v *voucher.Voucher) string {
	t.Helper()
	doc, err := voucher.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, m := range namedAccount.FindAllStringSubmatch(string(doc), -1) {
		names[m[2]] = m[1]
	}
	sums := map[string][2]int64{}
	for _, l := range v.Lines {
		s := sums[names[l.Account]]
		sums[names[l.Account]] = [2]int64{s[0] + l.Debit, s[1] + l.Credit}
	}
	var all []string
	for _, account := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, fmt.Sprintf("%s %d/%d", account, sums[account][0], sums[account][1]))
	}
	return strings.Join(all, " ")
}
