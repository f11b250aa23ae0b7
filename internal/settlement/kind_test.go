package settlement_test

import (
	"slices"
	"testing"

	"kvitt/internal/settlement"
)

func TestTheCatalogueNamesEveryKindOnce(t *testing.T) {
	seen := map[string]bool{}
	types := map[string]bool{settlement.TypeTax: true} // the one type without detailed types
	for _, k := range settlement.Kinds() {
		if seen[k.Pair()] {
			t.Errorf("%s stands twice", k.Pair())
		}
		seen[k.Pair()] = true
		types[k.Type] = true
		if !slices.Contains(settlement.Types(), k.Type) {
			t.Errorf("%s is of a type that Klarna does not have", k.Pair())
		}
	}
	for _, typ := range settlement.Types() {
		if !types[typ] {
			t.Errorf("no kind of type %s", typ)
		}
	}
}

// Klarna's Settlements API publishes these detailed types; the documentation
// alone knows the last four.
func TestTheCatalogueKnowsEveryPublishedDetailedType(t *testing.T) {
	published := []string{
		"COMMISSION", "CREDITED_CORRECTION", "PURCHASE_FEE_PERCENTAGE", "PURCHASE_FEE_PERCENTAGE_REFUND",
		"LATE_RETURN_FEE", "PURCHASE_FEE_FIXED", "EXPIRY_FEE_GROSS", "EXPIRY_FEE", "SERVICING_FEE", "RETURN_FEE",
		"EXTRA_INVOICE_FEE", "PURCHASE_RETURN", "COMMISSION_RETURN", "REVERSAL", "FRAUD_POLICY_CHARGE",
		"COMMISSION_RETURN_GROSS", "FRAUD_POLICY_CREDIT_NET", "PURCHASE", "MANUAL_ENTRY", "LOAN_PAYOUT",
		"LOAN_AMORTISATION", "LOAN_FEE", "FEE_REFUND", "PURCHASE_COMMISSION_PERCENTAGE", "EXTEND_DUE_DATE_FEE",
		"TRANSFER_FROM_LEGACY_INTEGRATION", "FIXED_FEE_CORRECTION_UK", "PERCENTAGE_FEE_CORRECTION_UK",
		"VAT_ON_FEE_CORRECTION_UK", "FIXED_FEE_CORRECTION_SE", "PERCENTAGE_FEE_CORRECTION_SE",
		"PERCENTAGE_FEE_CORRECTION", "FIXED_FEE_CORRECTION", "ROLLING_RESERVE", "PERCENTAGE_FEES",
		"PAYMENT_REMINDER", "CORRECTION", "UNDER_REVIEW", "INSUFFICIENT_BANK_ACCOUNT_DETAILS", "DISPUTE_FEE",
		"DISPUTE_FEE_REFUND", "CORRECTION_DISPUTE", "PAYMENT_DEFAULT", "REVENUE_SHARE", "REVENUE_SHARE_REVERSAL",
		"CASH_ADVANCE_AMORTISATION", "CASH_ADVANCE_FEES", "CASH_ADVANCE_PAYOUT", "LIABILITY_TRANSFER",
	}
	for _, name := range published {
		if !slices.ContainsFunc(settlement.Kinds(), func(k settlement.Kind) bool { return k.DetailedType == name }) {
			t.Errorf("%s is nowhere", name)
		}
	}
}

func TestAmountsAreWrittenInMajorUnits(t *testing.T) {
	for _, test := range []struct {
		minor    int64
		currency settlement.Currency
		want     string
	}{
		{0, "SEK", "0.00"},
		{5, "SEK", "0.05"},
		{-5, "SEK", "-0.05"},
		{-123450, "SEK", "-1234.50"},
		{1500, "JPY", "1500"},
		{-1 << 63, "SEK", "-92233720368547758.08"},
		{7, "XYZ", "7 minor units"},
	} {
		if got := settlement.Format(test.minor, test.currency); got != test.want {
			t.Errorf("%d %s is written %q, want %q", test.minor, test.currency, got, test.want)
		}
	}
	if !slices.IsSorted(settlement.Currencies()) || !slices.Contains(settlement.Currencies(), "NOK") {
		t.Errorf("currencies: %v", settlement.Currencies())
	}
}
