package voucher_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

func TestAComponentWithoutARuleHoldsThePayoutWithTheRuleItNeeds(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 100_00, settlement.TotalFee: 12_00, settlement.TotalTax: 3_00, settlement.TotalCharge: 7_00, settlement.TotalReversal: 10_00, settlement.TotalSettlement: 68_00})
	proof := prove(t, p, row("SALE/PURCHASE", 100_00), row("FEE/BRAND_NEW", 12_00, 3_00), row("REVERSAL/", 10_00), row("CHARGE/BRAND_NEW", 7_00))
	err := held(t, firstRelease(t, "se-bas"), proof, "component_unknown")
	const want = `compile voucher for payout 1234567890: posting profile "Sweden (BAS)" has no rule for CHARGE/BRAND_NEW (-7.00 SEK), ` +
		`no rule for FEE/BRAND_NEW (-12.00 SEK), no vat_account for the VAT of FEE/BRAND_NEW (-3.00 SEK), no rule for REVERSAL/ (-10.00 SEK); ` +
		"add `CHARGE/BRAND_NEW: {account: …}` to components, `FEE/BRAND_NEW: {account: …, vat_account: …}` to components, " +
		"`REVERSAL/*: {account: …}` to components"
	if err.Error() != want {
		t.Errorf("it reads\n%s\nwant\n%s", err, want)
	}
	slices.Reverse(proof.Components)
	if again := held(t, firstRelease(t, "se-bas"), proof, "component_unknown"); again.Error() != want {
		t.Errorf("in another order it reads\n%s", again)
	}
	added := firstRelease(t, "se-bas", "components:\n", "components:\n  FEE/*: {account: fees, vat_account: input_vat}\n  REVERSAL/*: {account: disputes}\n  CHARGE/BRAND_NEW: {account: suspense}\n")
	compile(t, added, proof)
}

func TestAnAccountWithoutANumberForTheCurrencyHoldsThePayout(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 100_00, settlement.TotalOpeningDebt: 30_00, settlement.TotalRepay: 30_00, settlement.TotalSettlement: 70_00})
	proof := prove(t, p, row("SALE/PURCHASE", 100_00))
	err := held(t, firstRelease(t, "se-bas", `settlement: "1930"`, `settlement: {NOK: "1930"}`, `debt: "2890"`, `# debt: "2890"`), proof, "component_unknown")
	if !strings.Contains(err.Error(), "has no number for accounts.debt in SEK (-30.00 SEK), no number for accounts.settlement in SEK (-70.00 SEK); add `accounts.debt`, `accounts.settlement`") {
		t.Errorf("it reads %s", err)
	}
	held(t, firstRelease(t, "se-bas", `clearing: "1686"`, `clearing: {NOK: "1686"}`), proof, "component_unknown")
}

func TestVATWithoutAnAccountHoldsThePayout(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: -125_00})
	proof := prove(t, p, row("FEE/SERVICING_FEE", 100_00, 25_00))
	without := `FEE/SERVICING_FEE: {account: fees, text: "Klarna fee, servicing"}`
	err := held(t, firstRelease(t, "se-bas", `FEE/SERVICING_FEE: {account: fees, vat_account: input_vat, text: "Klarna fee, servicing"}`, without), proof, "component_unknown")
	if !strings.Contains(err.Error(), "no vat_account for the VAT of FEE/SERVICING_FEE (-25.00 SEK)") {
		t.Errorf("it reads %s", err)
	}
}

func TestARefundOfVATThatLeavesNoTraceInTheMoneyIsHeld(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFeeRefund: 40_00, settlement.TotalTaxRefund: 10_00, settlement.TotalSettlement: 1040_00})
	err := held(t, firstRelease(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 1000_00), row("FEE_REFUND/FEE_REFUND", 40_00, 10_00)), "formula_differs")
	var u *voucher.UnexplainedError
	if !errors.As(err, &u) || u.Difference != -10_00 || !strings.Contains(err.Error(), "refunds VAT of 10.00 SEK") {
		t.Errorf("it reads %s", err)
	}
}

func TestABillThatStatesAnotherAmountThanItsRowsIsHeld(t *testing.T) {
	bill := payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalFeeRefund: 40_00, settlement.TotalTaxRefund: 10_00, settlement.TotalSettlement: -85_00})
	bill.Type = settlement.GrossFee
	err := held(t, firstRelease(t, "se-bas"), prove(t, bill, row("FEE/SERVICING_FEE", 100_00, 25_00), row("FEE_REFUND/FEE_REFUND", 40_00, 10_00)), "formula_differs")
	var u *voucher.UnexplainedError
	if !errors.As(err, &u) || u.Booked != -75_00 || u.Settlement != -85_00 || u.Difference != -10_00 {
		t.Errorf("it reads %s", err)
	}
}

func TestRowsWithoutAMerchantBelongToThePayoutsMerchant(t *testing.T) {
	p := profile(t, small+"overrides:\n  - when: {merchant_id: K100001}\n    components: {SALE/PURCHASE: {account: \"1999\"}}\n")
	other := row("SALE/PURCHASE", 10)
	other.MerchantID = "K2"
	v := compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalSale: 11, settlement.TotalSettlement: 11}), row("SALE/PURCHASE", 1), other))
	if balance(v, "1999") != -1 || balance(v, "1686") != -10 {
		t.Errorf("the voucher is\n%s", table(v))
	}
}

func TestDebtThatNothingAccountsForIsHeld(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalDeposit: 300_00, settlement.TotalClosingDebt: 300_00, settlement.TotalSettlement: 1000_00})
	err := held(t, firstRelease(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 1000_00)), "debt_differs")
	var u *voucher.UnexplainedError
	if !errors.As(err, &u) || u.Difference != 300_00 || u.Component != "deposit" {
		t.Errorf("it reads %s", err)
	}
}

func TestAPayoutWithoutAmountsHasNothingToBook(t *testing.T) {
	gross := payout(settlement.Totals{})
	gross.Type = settlement.Gross
	for name, proof := range map[string]*settlement.Proof{
		"no rows":                   prove(t, payout(settlement.Totals{})),
		"rows of zero":              prove(t, payout(settlement.Totals{}), row("SALE/PURCHASE", 0), row("NEW/KIND", 3), row("NEW/KIND", -3)),
		"fees of a gross payout":    prove(t, gross, row("FEE/SERVICING_FEE", 100_00, 25_00)),
		"debt that does not change": prove(t, payout(settlement.Totals{settlement.TotalOpeningDebt: 5, settlement.TotalClosingDebt: 5})),
	} {
		t.Run(name, func(t *testing.T) {
			err := held(t, firstRelease(t, "se-bas"), proof, "nothing_to_book")
			var nothing *voucher.NothingToBookError
			if !errors.As(err, &nothing) {
				t.Errorf("got %T", err)
			}
		})
	}
}

func TestTheVoucherDateIsThePayoutsDayInTheCompanysZone(t *testing.T) {
	for _, test := range []struct {
		preset, moment, want string
	}{
		{"se-bas", "2026-01-31T22:59:59Z", "2026-01-31"},
		{"se-bas", "2026-01-31T23:00:00Z", "2026-02-01"},
		{"se-bas", "2026-06-30T21:59:59Z", "2026-06-30"}, // summer time
		{"se-bas", "2026-06-30T22:00:00Z", "2026-07-01"},
		{"fi", "2026-01-31T22:00:00Z", "2026-02-01"},
		{"no-ns4102", "2025-12-31T23:30:00Z", "2026-01-01"},
	} {
		p := payout(settlement.Totals{settlement.TotalSale: 1, settlement.TotalSettlement: 1})
		p.Date, _ = time.Parse(time.RFC3339, test.moment)
		v := compile(t, firstRelease(t, test.preset), prove(t, p, row("SALE/PURCHASE", 1)))
		if v.Date.String() != test.want {
			t.Errorf("%s in %s is %s, want %s", test.moment, test.preset, v.Date, test.want)
		}
	}
}

func TestTheMostSpecificOverrideWinsFieldByField(t *testing.T) {
	const doc = `
version: 1
name: overrides
time_zone: Europe/Stockholm
ledger: MAIN
branch: HQ
subaccount: {1: "10", 2: "000"}
accounts: {settlement: "1930", clearing: "1686", fees: "6064", input_vat: "2641"}
vat: {reverse_charge: false}
components:
  SALE/*: {account: clearing, text: "Sales {country}"}
  FEE/*: {account: fees, vat_account: input_vat, vat_code: "25", text: Fees, subaccount: {1: "20", 2: "000"}}
  FEE/SERVICING_FEE: {text: Servicing}
overrides:
  - when: {currency: SEK}
    ledger: SEK
    components: {"SALE/*": {account: "1001"}}
  - when: {country: "NO"}
    branch: NORWAY
    components: {"SALE/*": {account: "1002"}, "FEE/SERVICING_FEE": {account: "6065"}}
  - when: {country: "NO", currency: SEK}
    accounts: {fees: "6066"}
    components: {"SALE/*": {account: "1003"}}
  - when: {merchant_id: K2}
    branch: SECOND
    subaccount: {1: "30", 2: "000"}
    components: {"SALE/*": {account: "1004"}}
  - when: {merchant_id: K3}
    components: {"SALE/*": {subaccount: {1: "40", 2: "000"}}}
`
	rows := []settlement.Row{
		row("SALE/PURCHASE", 1), row("SALE/PURCHASE", 10), row("SALE/PURCHASE", 100),
		row("FEE/SERVICING_FEE", 7, 2), row("FEE/SERVICING_FEE", 8, 1), row("FEE/RETURN_FEE", 3), row("SALE/PURCHASE", 1000),
	}
	rows[6].MerchantID = "K3"
	rows[1].Country, rows[2].MerchantID, rows[4].Country, rows[5].Country = "NO", "K2", "NO", "NO"
	v := compile(t, profile(t, doc), prove(t, payout(settlement.Totals{settlement.TotalSale: 1111, settlement.TotalFee: 18, settlement.TotalTax: 3, settlement.TotalSettlement: 1090}), rows...))
	type line struct {
		account, branch, text, subaccount, vatCode string
		debit, credit                              int64
	}
	var got []line
	for _, l := range v.Lines {
		got = append(got, line{l.Account, l.Branch, l.Text, l.Subaccount[0].Value, l.VATCode, l.Debit, l.Credit})
	}
	want := []line{
		{"1930", "HQ", "Klarna payout 1234567890", "10", "", 1090, 0},
		{"1001", "HQ", "Sales", "10", "", 0, 1},
		{"1001", "HQ", "Sales", "40", "", 0, 1000},
		{"1003", "NORWAY", "Sales NO", "10", "", 0, 10},
		{"1004", "SECOND", "Sales", "30", "", 0, 100},
		{"6064", "HQ", "Servicing", "20", "25", 7, 0},
		{"6065", "NORWAY", "Servicing", "20", "25", 8, 0},
		{"6066", "NORWAY", "Fees", "20", "25", 3, 0},
		{"2641", "HQ", "Klarna fee VAT", "20", "25", 2, 0},
		{"2641", "NORWAY", "Klarna fee VAT", "20", "25", 1, 0},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
	if v.Ledger != "SEK" || v.Branch != "HQ" {
		t.Errorf("ledger %q, branch %q", v.Ledger, v.Branch)
	}
	uses := v.Uses()
	if !slices.Equal(uses.Branches, []string{"HQ", "NORWAY", "SECOND"}) || len(uses.Subaccounts) != 4 || !slices.Equal(uses.VATCodes, []string{"25"}) {
		t.Errorf("uses: %+v", uses)
	}
}

func TestTextsFitAndPlaceholdersAreFilledOnce(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1, settlement.TotalSettlement: 1})
	p.PaymentReference = "{currency}-12345678901234567890123456789012345678901234567890"
	changed := firstRelease(t, "se-bas", `"Klarna sales"`, `"{type} {detailed_type} {payment_reference}"`)
	v := compile(t, changed, prove(t, p, row("SALE/PURCHASE", 1)))
	if got, want := v.Lines[1].Text, "SALE PURCHASE {currency}-12345678901234567890123456789012345"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if got, want := v.Lines[1].Reference, "{currency}-1234"; got != want {
		t.Errorf("reference %q, want %q", got, want)
	}
	if len(v.Description) != 60 || !strings.HasPrefix(v.Description, v.Token+" Klarna {currency}-") {
		t.Errorf("description %q", v.Description)
	}
}

func TestALineAlwaysHasAText(t *testing.T) {
	p := profile(t, smallWithDebt+"  FEE/SERVICING_FEE: {text: \"{country}\"}\ntexts: {vat: \"{country}\"}\n")
	v := compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: -125}), row("FEE/SERVICING_FEE", 100, 25)))
	wantTable(t, v, `
6064           1.00               Klarna fee, servicing fee
2641           0.25               Klarna fee VAT
2890                        1.25  Klarna payout carried as debt
               1.25         1.25`)
}

func TestCompilingNeedsACompany(t *testing.T) {
	proof := prove(t, payout(settlement.Totals{settlement.TotalSale: 1, settlement.TotalSettlement: 1}), row("SALE/PURCHASE", 1))
	if _, err := voucher.Compile(firstRelease(t, "se-bas"), proof, voucher.Target{}); err == nil {
		t.Error("compiled without a company")
	}
}
