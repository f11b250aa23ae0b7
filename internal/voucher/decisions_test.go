package voucher_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// sale is a payout of 1000.00 of sales with one fee of 100.00 in a currency.
func sale(t *testing.T, currency settlement.Currency, fee settlement.Row) *settlement.Proof {
	t.Helper()
	p := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: fee.Amount, settlement.TotalTax: fee.VAT, settlement.TotalSettlement: 1000_00 - fee.Amount - fee.VAT})
	p.Currency, p.RegistrationCurrency = currency, currency
	return prove(t, p, row("SALE/PURCHASE", 1000_00), fee)
}

func TestAFeeOfSwedishMerchantsCarriesItsVATOrIsExempt(t *testing.T) {
	for _, name := range []string{"se-bas", "se-bas-2025"} {
		p := preset(t, name)
		held(t, p, sale(t, "SEK", row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00)), "vat_rate_unexpected")
		held(t, p, sale(t, "SEK", rated(row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00, 15_00), 1500)), "vat_rate_unexpected")
		for _, kind := range []string{"FEE/SERVICING_FEE", "FEE/LOAN_FEE"} {
			v := compile(t, p, sale(t, "SEK", row(kind, 100_00)))
			if balance(v, "2641") != 0 {
				t.Errorf("%s: %s books VAT on what is exempt", name, kind)
			}
		}
	}
	v := compile(t, preset(t, "se-bas"), prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 110_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 865_00}),
		row("SALE/PURCHASE", 1000_00), rated(row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00, 25_00), 2500), row("FEE/SERVICING_FEE", 10_00)))
	if balance(v, "6064") != 110_00 || balance(v, "2641") != 25_00 {
		t.Errorf("25 %% and 0 %%:\n%s", table(v))
	}
}

// Bought from abroad without VAT: the company decides before anything is booked.
func TestAFeeWithoutVATWaitsForADecision(t *testing.T) {
	currencies := map[string]settlement.Currency{"no-ns4102": "NOK", "fi": "EUR", "dk": "DKK"}
	for name, currency := range currencies {
		without, foreign := row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00), rated(row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00, 25_00), 2500)
		err := held(t, preset(t, name), sale(t, currency, without), "vat_undecided")
		for _, words := range []string{"FEE/PURCHASE_FEE_PERCENTAGE (100.00 " + string(currency) + ")", "`vat.reverse_charge`"} {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%q is not in %v", words, err)
			}
		}
		held(t, preset(t, name), sale(t, currency, foreign), "vat_rate_unexpected")
		held(t, preset(t, name, nothingOwed...), sale(t, currency, foreign), "vat_rate_unexpected")
		held(t, firstRelease(t, name), sale(t, currency, without), "vat_undecided")
		compile(t, preset(t, name, nothingOwed...), sale(t, currency, without))
		compile(t, preset(t, name), sale(t, currency, row("FEE/LOAN_FEE", 100_00))) // exempt

		// What an earlier version may have posted is compiled as it was.
		posted := target
		posted.Posted = true
		if _, err := voucher.Compile(firstRelease(t, name), sale(t, currency, without), posted); err != nil {
			t.Errorf("%s: a voucher that may be posted: %v", name, err)
		}
	}
}

// Fees of a GROSS payout are booked from their bill, and so is the decision.
func TestFeesThatAGrossPayoutListsNeedNoDecision(t *testing.T) {
	gross := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 100_00, settlement.TotalSettlement: 1000_00})
	gross.Type = settlement.Gross
	compile(t, preset(t, "no-ns4102"), prove(t, gross, row("SALE/PURCHASE", 1000_00), row("FEE/PURCHASE_FEE_FIXED", 100_00)))
}

func TestAReverseChargeStatesItsBaseInLinesThatComeToZero(t *testing.T) {
	v := compile(t, preset(t, "no-ns4102", owed("base: ")...), sale(t, "NOK", row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00)))
	for account, want := range map[string]int64{"1529": 900_00, "1520": -1000_00, "7770": 100_00, "2714": 25_00, "2704": -25_00, "7786": 100_00, "7787": -100_00} {
		if got := balance(v, account); got != want {
			t.Errorf("account %s: %d, want %d\n%s", account, got, want, table(v))
		}
	}
	for i := range v.Lines {
		switch l := &v.Lines[i]; l.Account {
		case "7787":
			l.Credit--
		case "7770":
			l.Debit--
		}
	}
	if err := v.Check(); err == nil || !strings.Contains(err.Error(), "the base of its reverse charge") {
		t.Errorf("a base that does not come to zero: %v", err)
	}
}

// Where Visma.net makes VAT transactions, the fee line is the taxable amount.
func TestAReverseChargeByVATCodesHasItsBaseOnTheFeeLine(t *testing.T) {
	v := compile(t, preset(t, "no-ns4102", owed("base_code: ")...), prove(t, func() settlement.Payout {
		p := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 150_00, settlement.TotalSettlement: 850_00})
		p.Currency, p.RegistrationCurrency = "NOK", "NOK"
		return p
	}(), row("SALE/PURCHASE", 1000_00), row("FEE/PURCHASE_FEE_PERCENTAGE", 100_00), row("FEE/LOAN_FEE", 50_00)))
	for i := range v.Lines {
		l := &v.Lines[i]
		want := map[string]string{"7770": "86", "2714": "86", "2704": "86"}[l.Account]
		if l.VATCode != want || l.Account == "7786" {
			t.Errorf("account %s has the VAT code %q, want %q", l.Account, l.VATCode, want)
		}
	}
	if !v.VATTransaction || balance(v, "2714") != 25_00 {
		t.Errorf("\n%s", table(v))
	}
}

// The rate of 25.00 EUR = 278.40 SEK is 11.136; that of 0.02 EUR = 0.22 SEK would
// be 11, and 50,000 EUR booked at it would be 6,800.12 SEK off.
func TestARateOfTooLittleVATIsRefused(t *testing.T) {
	proof := func(fee, first, second, tax1, tax2 int64) *settlement.Proof {
		p := payout(settlement.Totals{settlement.TotalSale: 50_000_00, settlement.TotalFee: fee, settlement.TotalTax: first + second, settlement.TotalSettlement: 50_000_00 - fee - first - second})
		p.Currency = "EUR"
		rows := []settlement.Row{row("SALE/PURCHASE", 50_000_00)}
		for _, part := range [][3]int64{{fee * first / (first + second), first, tax1}, {fee - fee*first/(first+second), second, tax2}} {
			if part[1] != 0 {
				r := rated(row("FEE/PURCHASE_FEE_FIXED", part[0], part[1]), 2500)
				r.TaxInRegistrationCurrency = part[2]
				rows = append(rows, r)
			}
		}
		return prove(t, p, rows...)
	}
	p := preset(t, "se-bas", "  # exchange_rate: klarna", "  exchange_rate: klarna")
	if v := compile(t, p, proof(100_00, 15_00, 10_00, 166_50, 111_90)); v.ExchangeRate != "11.13600000" {
		t.Errorf("rate %q, want 11.136", v.ExchangeRate)
	}
	err := held(t, p, proof(8, 2, 0, 22, 0), "rate_imprecise")
	for _, words := range []string{"0.02 EUR is 0.22 SEK", "11.00000000", "`vat.exchange_rate: visma`"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q is not in %v", words, err)
		}
	}
	// The way out.
	visma := preset(t, "se-bas", "  # exchange_rate: klarna", "  exchange_rate: visma")
	if v := compile(t, visma, proof(8, 2, 0, 22, 0)); v.ExchangeRate != "" {
		t.Errorf("rate %q, want Visma.net's", v.ExchangeRate)
	}
}

// What Klarna takes under a type that gives is booked where the rule says.
func TestATakenAmountHasAnAccountOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		amount  int64
		account string
	}{{800_00, "2999"}, {-800_00, "8420"}} {
		v := compile(t, preset(t, "se-bas"), &settlement.Proof{
			Payout:     payout(settlement.Totals{settlement.TotalSettlement: c.amount}),
			Components: []settlement.Component{{Key: settlement.Key{Type: settlement.TypeCredit, DetailedType: "CASH_ADVANCE_FEES"}, Rows: 1, Amount: c.amount}},
		})
		if got := balance(v, c.account); got != -c.amount {
			t.Errorf("%d: account %s has %d\n%s", c.amount, c.account, got, table(v))
		}
	}
}

func TestStoredProfilesOfTheFirstReleaseAreRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "profiles-1", "*.yaml"))
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := voucher.ParseProfile(document); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		const shown = `# accrual: {receivable: "", clearing: clearing, fees: fees, vat: "", other: disputes}`
		if !strings.Contains(string(document), shown) {
			t.Fatalf("%s shows no accrual", file)
		}
		// As whoever used it has written it.
		accruing := strings.Replace(string(document), shown, `accrual: {receivable: "1687", clearing: clearing, fees: fees, vat: "1650", other: disputes}`, 1)
		accruing = strings.Replace(accruing, "  # split: true", "  split: true", 1)
		switch p, err := voucher.ParseProfile([]byte(accruing)); {
		case err != nil:
			t.Errorf("%s: %v", file, err)
		case !p.Accrues() || !p.Periods.Split || len(p.WithoutEffect()) != 3:
			t.Errorf("%s: accrues %v, splits %v, without effect %v", file, p.Accrues(), p.Periods.Split, p.WithoutEffect())
		}
	}
}
