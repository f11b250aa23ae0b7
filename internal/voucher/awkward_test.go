package voucher_test

import (
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// about gives a row Klarna's comment, which tells what it is about.
func about(r settlement.Row, comment string) settlement.Row {
	r.Comment = comment
	return r
}

// awkwardPayouts are those that do not come every week.
func awkwardPayouts() []kindOfPayout {
	const netting = "Netting, statement 4711"
	sale, fee := row("SALE/PURCHASE", 1_000_00), row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00)
	refund := row("FEE_REFUND/PURCHASE_FEE_PERCENTAGE_REFUND", 40_00)
	bill := kindOfPayout{
		typ: settlement.GrossFee, totals: settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalFeeRefund: 40_00, settlement.TotalSettlement: -60_00},
		rows: []settlement.Row{fee, refund},
	}
	billed := func(name string, stated func(int64) int64) kindOfPayout {
		k := bill
		k.name, k.stated = name, stated
		return k
	}
	return []kindOfPayout{
		{
			name: "fee-refunded", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalFeeRefund: 40_00, settlement.TotalSettlement: 940_00},
			rows:   []settlement.Row{sale, fee, refund},
		},
		{
			name: "gross-with-refunded-fee", typ: settlement.Gross, outside: true,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalFeeRefund: 40_00, settlement.TotalSettlement: 1_000_00},
			rows:   []settlement.Row{sale, fee, refund},
		},
		billed("gross-fee-less-refund", nil),
		billed("gross-fee-stated-as-positive", func(n int64) int64 { return -n }),
		billed("gross-fee-stated-as-zero", func(int64) int64 { return 0 }),
		{
			name: "zero-all-held-back", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalHoldback: 1_000_00},
			rows:   []settlement.Row{sale, row("HOLDBACK/INSUFFICIENT_BANK_ACCOUNT_DETAILS", 1_000_00)},
		},
		{
			name: "released", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalRelease: 1_350_00, settlement.TotalSettlement: 1_350_00},
			rows: []settlement.Row{
				row("RELEASE/INSUFFICIENT_BANK_ACCOUNT_DETAILS", 1_000_00), row("RELEASE/UNDER_REVIEW", 150_00), row("RELEASE/ROLLING_RESERVE", 200_00),
			},
		},
		{
			name: "zero-debt-repaid-in-part", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 300_00, settlement.TotalOpeningDebt: 500_00, settlement.TotalRepay: 300_00, settlement.TotalClosingDebt: 200_00},
			rows:   []settlement.Row{row("SALE/PURCHASE", 300_00)},
		},
		{
			name: "debt-grows", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalReturn: 150_00, settlement.TotalOpeningDebt: 50_00, settlement.TotalDeposit: 150_00, settlement.TotalClosingDebt: 200_00},
			rows:   []settlement.Row{row("RETURN/PURCHASE_RETURN", 150_00)},
		},
		{
			name: "negative-stated-and-carried-as-debt", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00, settlement.TotalDeposit: 50_00, settlement.TotalClosingDebt: 50_00},
			rows:   []settlement.Row{row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 150_00)},
		},
		{
			name: "disputes-and-unpaid", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalReturn: 30_00, settlement.TotalReversal: 20_00, settlement.TotalFee: 15_00, settlement.TotalFeeRefund: 15_00, settlement.TotalSettlement: 950_00},
			rows: []settlement.Row{
				sale, row("RETURN/PAYMENT_DEFAULT", 30_00), row("REVERSAL/REVERSAL", 20_00),
				row("FEE/DISPUTE_FEE", 15_00), row("FEE_REFUND/DISPUTE_FEE_REFUND", 15_00),
			},
		},
		{
			name: "commission-taken-back", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalCommission: 40_00, settlement.TotalCommissionReversal: 12_00, settlement.TotalSettlement: 28_00},
			rows: []settlement.Row{
				row("COMMISSION/PURCHASE_COMMISSION_PERCENTAGE", 30_00), row("COMMISSION/REVENUE_SHARE", 10_00), row("REVERSAL/COMMISSION_RETURN", 12_00),
			},
		},
		{
			name: "corrections", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalFeeCorrection: 74_00, settlement.TotalSettlement: 74_00},
			rows: []settlement.Row{
				row("CORRECTION/CREDITED_CORRECTION", -7_00), row("CORRECTION/CORRECTION", 5_00), row("CORRECTION/CORRECTION_DISPUTE", 80_00),
				row("CORRECTION/PERCENTAGE_FEE_CORRECTION", -3_00), row("CORRECTION/VAT_ON_FEE_CORRECTION_UK", -1_00),
			},
		},
		{
			name: "charges-and-credits", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalCharge: 50_00, settlement.TotalCredit: 110_00, settlement.TotalSettlement: 60_00},
			rows: []settlement.Row{
				row("CHARGE/MANUAL_ENTRY", 10_00), row("CHARGE/LIABILITY_TRANSFER", 20_00), row("CHARGE/PAYMENT_REMINDER", 5_00),
				row("CHARGE/TRANSFER_FROM_LEGACY_INTEGRATION", 15_00), row("CREDIT/MANUAL_ENTRY", 7_00), row("CREDIT/LIABILITY_TRANSFER", 3_00),
				row("CREDIT/CORRECTION_DISPUTE", 100_00),
			},
		},
		{
			name: "loan-and-what-it-costs", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalCredit: 1_001_00, settlement.TotalCharge: 52_00, settlement.TotalFee: 5_00, settlement.TotalSettlement: 944_00},
			rows: []settlement.Row{
				about(row("CREDIT/LOAN_PAYOUT", 1_000_00), "Loan 1"), about(row("CHARGE/LOAN_AMORTISATION", 50_00), "Loan Amortisation 2026-01-28"),
				row("CHARGE/CASH_ADVANCE_FEES", 2_00), row("CREDIT/CASH_ADVANCE_FEES", 1_00), row("FEE/LOAN_FEE", 5_00),
			},
		},
		{
			name: "kustom-netting-held", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalHoldback: 40_00, settlement.TotalSettlement: 960_00},
			rows:   []settlement.Row{sale, about(row("HOLDBACK/UNDER_REVIEW", 40_00), netting)},
		},
		{
			name: "kustom-netting-deducted", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalRelease: 40_00, settlement.TotalCharge: 40_00, settlement.TotalSettlement: 1_000_00},
			rows: []settlement.Row{
				sale, about(row("RELEASE/UNDER_REVIEW", 40_00), netting), about(row("CHARGE/LIABILITY_TRANSFER", 40_00), netting),
			},
		},
		{
			name: "tax-row", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalTax: 5_00, settlement.TotalSettlement: 1_000_00},
			rows:   []settlement.Row{sale, {Type: settlement.TypeTax, Amount: 5_00}},
		},
	}
}

// A Swedish merchant is paid in another currency: the VAT line tells what
// Klarna's invoice says in kronor.
func TestTheVoucherOfAPayoutWhoseVATIsDueInAnotherCurrency(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalFeeRefund: 40_00, settlement.TotalTaxRefund: 10_00, settlement.TotalSettlement: 925_00})
	p.Currency = "NOK"
	fee := rated(row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00, 25_00), 2500)
	refund := rated(row("FEE_REFUND/PURCHASE_FEE_PERCENTAGE_REFUND", 40_00, 10_00), 2500)
	fee.TaxInRegistrationCurrency, refund.TaxInRegistrationCurrency = 24_27, 9_71
	proof := prove(t, p, row("SALE/PURCHASE", 1_000_00), fee, refund)
	sameAsFile(t, "se-bas-paid-in-nok", compile(t, firstRelease(t, "se-bas", `settlement: "1930"`, `settlement: {SEK: "1930", NOK: "1937"}`), proof))
	sameAsFile(t, "se-bas-paid-in-nok-at-klarnas-rate", compile(t, firstRelease(t, "se-bas", "vat:\n", "vat:\n  exchange_rate: klarna\n"), proof))
}

// Swedish VAT on the fee of a Norwegian or Finnish shop is not deductible there:
// the preset puts it where a person looks, and a profile that expects none holds it.
func TestTheVoucherOfAFeeWithForeignVAT(t *testing.T) {
	foreign := func(c *country) *settlement.Proof {
		p := payout(settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 875_00})
		p.Currency, p.RegistrationCurrency = c.currency, c.currency
		return prove(t, p, row("SALE/PURCHASE", 1_000_00), rated(row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00, 25_00), 2500))
	}
	for _, c := range firstReleases {
		if c.vat != 0 || c.name != "" {
			continue
		}
		sameAsFile(t, c.preset+"-foreign-vat", compile(t, firstRelease(t, c.preset), foreign(&c)))
		if c.preset != "no-ns4102" { // its profile lists no rates
			sameText(t, c.preset+"-foreign-vat-that-is-not-expected", held(t, firstRelease(t, c.preset, c.changes...), foreign(&c), "vat_rate_unexpected").Error()+"\n")
		}
	}
}

// What is held has no voucher; the file holds what a person reads instead.
func TestWhatHasNoVoucher(t *testing.T) {
	unknown := kindOfPayout{
		name: "unknown-detailed-type", typ: settlement.Net,
		totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 30_00, settlement.TotalCharge: 5_00, settlement.TotalSettlement: 965_00},
		rows:   []settlement.Row{row("SALE/PURCHASE", 1_000_00), row("FEE/BRAND_NEW_FEE", 30_00), row("CHARGE/BRAND_NEW_CHARGE", 5_00)},
	}
	for _, c := range countries[:1] {
		sameText(t, c.file(&unknown), held(t, firstRelease(t, c.preset), unknown.in(t, &c), "component_unknown").Error()+"\n")
	}
	refund := settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalFeeRefund: 40_00, settlement.TotalTaxRefund: 10_00, settlement.TotalSettlement: 915_00}
	proof := prove(t, payout(refund), row("SALE/PURCHASE", 1_000_00), row("FEE/PURCHASE_FEE_FIXED", 100_00, 25_00), row("FEE_REFUND/PURCHASE_FEE_FIXED", 40_00, 10_00))
	sameText(t, "se-bas-tax-refund-that-went-nowhere", held(t, firstRelease(t, "se-bas"), proof, "formula_differs").Error()+"\n")
	if _, err := voucher.Compile(firstRelease(t, "se-bas"), prove(t, payout(settlement.Totals{})), target); codeOf(err) != "nothing_to_book" {
		t.Errorf("a payout without any amounts: %v", err)
	} else {
		sameText(t, "se-bas-nothing-at-all", err.Error()+"\n")
	}
	wrong := prove(t, payout(settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 12_00, settlement.TotalSettlement: 888_00}), row("SALE/PURCHASE", 1_000_00), rated(row("FEE/PURCHASE_FEE_FIXED", 100_00, 12_00), 1200))
	sameText(t, "se-bas-vat-of-another-rate", held(t, firstRelease(t, "se-bas"), wrong, "vat_rate_unexpected").Error()+"\n")
}

// The files have a payout of every settlement type, and rows of every type.
func TestTheVouchersLeaveNoTypeOut(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range kindsOfPayout() {
		seen[string(k.typ)] = true
		for _, r := range k.rows {
			seen[r.Type] = true
		}
	}
	for _, typ := range append(settlement.Types(), string(settlement.Net), string(settlement.Gross), string(settlement.GrossFee)) {
		if !seen[typ] {
			t.Errorf("no voucher is of the type %s", typ)
		}
	}
}
