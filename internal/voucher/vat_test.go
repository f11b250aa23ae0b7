package voucher_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// rated gives a row the VAT rate that Klarna states.
func rated(r settlement.Row, rate int64) settlement.Row {
	r.VATRate = rate
	return r
}

// twoRates is a payout with fees of 25 %, of 12 % and without VAT.
func twoRates(t *testing.T) *settlement.Proof {
	t.Helper()
	return prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 130_00, settlement.TotalTax: 26_20, settlement.TotalSettlement: 843_80}),
		row("SALE/PURCHASE", 1000_00),
		rated(row("FEE/SERVICING_FEE", 100_00, 25_00), 2500), rated(row("FEE/SERVICING_FEE", 10_00, 1_20), 1200),
		rated(row("FEE/LOAN_FEE", 20_00), 0))
}

func TestARateThatTheProfileDoesNotExpectHoldsThePayout(t *testing.T) {
	err := held(t, firstRelease(t, "se-bas"), twoRates(t), "vat_rate_unexpected")
	for _, words := range []string{"FEE/SERVICING_FEE has VAT of 12 % (1.20 SEK on 10.00)", "expects 0 %, 25 %"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q is not in %v", words, err)
		}
	}
	// No VAT where the profile expects some is as wrong.
	err = held(t, firstRelease(t, "se-bas", "    \"0\": {}", "    \"12\": {}"), twoRates(t), "vat_rate_unexpected")
	if !strings.Contains(err.Error(), "FEE/LOAN_FEE has VAT of 0 % (0.00 SEK on 20.00)") {
		t.Error(err)
	}
}

func TestVATIsBookedRateByRate(t *testing.T) {
	p := firstRelease(t, "se-bas", `    "25": {}`, `    "25": {account: "2641", code: "25", id: "I25"}
    "12": {account: "2642", code: "12", id: "I12"}`, `vat: "Klarna fee VAT"`, `vat: "Klarna fee VAT {vat_rate} %"`)
	v := compile(t, p, twoRates(t))
	wantTable(t, v, `
1930         843.80               Klarna payout 1234567890
1686                     1000.00  Klarna sales
6064         110.00               Klarna fee, servicing
8420          20.00               Klarna loan fee
2641          25.00               Klarna fee VAT 25 %
2642           1.20               Klarna fee VAT 12 %
            1000.00      1000.00`)
	for _, l := range v.Lines {
		if l.Role == voucher.RoleVAT && (l.VATID != map[string]string{"2641": "I25", "2642": "I12"}[l.Account] || l.VATCode == "") {
			t.Errorf("%+v", l)
		}
	}
}

func TestRowsThatDoNotStateTheirRateAreHeldAgainstTheRatesByTheirVAT(t *testing.T) {
	for _, c := range []struct {
		vat  int64
		held bool
	}{{25_00, false}, {25_01, false}, {25_02, true}, {20_00, true}, {12_00, true}} {
		proof := prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 100_00, settlement.TotalTax: c.vat, settlement.TotalSettlement: 900_00 - c.vat}),
			row("SALE/PURCHASE", 1000_00), row("FEE/SERVICING_FEE", 100_00, c.vat))
		if _, err := voucher.Compile(firstRelease(t, "se-bas"), proof, target); (codeOf(err) == "vat_rate_unexpected") != c.held {
			t.Errorf("VAT of %d: %v", c.vat, err)
		}
	}
}

func TestARateIsNotGuessedWhereTwoFit(t *testing.T) {
	p := firstRelease(t, "se-bas", `    "25": {}`, "    \"25\": {}\n    \"24\": {}")
	held(t, p, prove(t, payout(settlement.Totals{settlement.TotalFee: 1_00, settlement.TotalTax: 24, settlement.TotalSettlement: -1_24}), row("FEE/SERVICING_FEE", 1_00, 24)), "vat_rate_unexpected")
}

func TestWithoutRatesAnyRateIsTakenAsItComes(t *testing.T) {
	p := firstRelease(t, "se-bas", "vat:\n  rates:\n    \"25\": {}\n    \"0\": {}", "#")
	if got := balance(compile(t, p, twoRates(t)), "2641"); got != 26_20 {
		t.Errorf("input VAT of %d", got)
	}
}

func finnishCharge(t *testing.T, more ...string) *voucher.Profile {
	t.Helper()
	return firstRelease(t, "fi", append([]string{
		"# vat:\n#   rates:\n#     \"0\": {}", "vat:\n  rates:\n    \"0\": {}\n  reverse_charge: {rate: \"25.5\", input: \"1763\", output: \"2939\", input_code: \"RI\", output_code: \"RO\"}",
	}, more...)...)
}

func TestReverseChargeIsTwoLinesThatComeToZero(t *testing.T) {
	p, rows := nordicWeek("EUR", 10, 0)
	v := compile(t, finnishCharge(t), prove(t, p, rows...))
	wantTable(t, v, `
1910        8652.00               Klarna payout 1234567890
1701         800.00               Klarna returns
1701                    10000.00  Klarna sales
1800         500.00               Klarna reserve held back
1800                      200.00  Klarna reserve released
8564          48.00               Klarna fee, fixed
8564         200.00               Klarna fee, percentage
1763          63.24               Klarna fees, reverse charge 25.5 %, input VAT
2939                       63.24  Klarna fees, reverse charge 25.5 %, output VAT
           10263.24     10263.24`)
	for _, l := range v.Lines {
		if l.Role == voucher.RoleReverseCharge && l.VATCode != map[string]string{"1763": "RI", "2939": "RO"}[l.Account] {
			t.Errorf("%+v", l)
		}
	}
}

func TestReverseChargeIsOwedOnFeesAloneLessWhatIsRefundedAndExempt(t *testing.T) {
	proof := prove(t, payout(settlement.Totals{settlement.TotalFee: 150_00, settlement.TotalFeeRefund: 30_00, settlement.TotalCharge: 40_00, settlement.TotalSettlement: -160_00}),
		row("FEE/SERVICING_FEE", 100_00), row("FEE/LOAN_FEE", 50_00), row("FEE_REFUND/FEE_REFUND", 30_00), row("CHARGE/MANUAL_ENTRY", 40_00))
	if got := balance(compile(t, finnishCharge(t), proof), "1763"); got != 17_85 { // 25.5 % of 70.00
		t.Errorf("input VAT of %d", got)
	}
	owed := []string{"FEE/LOAN_FEE: {reverse_charge: false, ", "FEE/LOAN_FEE: {reverse_charge: true, "}
	if got := balance(compile(t, finnishCharge(t, owed...), proof), "1763"); got != 30_60 { // of 120.00
		t.Errorf("input VAT of %d where the loan fee owes it too", got)
	}
	refund := prove(t, payout(settlement.Totals{settlement.TotalFeeRefund: 30_00, settlement.TotalSettlement: 30_00}), row("FEE_REFUND/FEE_REFUND", 30_00))
	if got := balance(compile(t, finnishCharge(t), refund), "1763"); got != -7_65 {
		t.Errorf("input VAT of %d for a refund", got)
	}
	for fee, want := range map[int64]int64{2: 1, 1: 0, 10: 3, 5: 1} { // 25.5 % is rounded, not cut
		small := prove(t, payout(settlement.Totals{settlement.TotalFee: fee, settlement.TotalSettlement: -fee}), row("FEE/SERVICING_FEE", fee))
		if got := balance(compile(t, finnishCharge(t), small), "1763"); got != want {
			t.Errorf("on %d cents %d are owed, want %d", fee, got, want)
		}
	}
	gross := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 100_00, settlement.TotalSettlement: 1000_00})
	gross.Type = settlement.Gross
	listed := prove(t, gross, row("SALE/PURCHASE", 1000_00), row("FEE/SERVICING_FEE", 100_00))
	if got := balance(compile(t, finnishCharge(t), listed), "1763"); got != 0 {
		t.Errorf("fees that are billed apart owe %d here already", got)
	}
}

func TestAReverseChargeThatDoesNotComeToZeroFailsItsCheck(t *testing.T) {
	p, rows := nordicWeek("EUR", 10, 0)
	v := compile(t, finnishCharge(t), prove(t, p, rows...))
	for i := range v.Lines {
		if v.Lines[i].Account == "2939" {
			v.Lines[i].Role = voucher.RoleComponent
		}
	}
	if err := v.Check(); codeOf(err) != "voucher_unbalanced" {
		t.Errorf("it passed: %v", err)
	}
}

// A Swedish shop is paid in NOK; 25.00 NOK of VAT are 24.27 SEK on Klarna's
// invoice.
func TestTheVATInTheMerchantsCurrencyIsBookedByKlarnasRateWhereTheProfileSaysSo(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 875_00})
	p.Currency = "NOK"
	fee := row("FEE/SERVICING_FEE", 100_00, 25_00)
	fee.TaxInRegistrationCurrency = 24_27
	proof := prove(t, p, row("SALE/PURCHASE", 1000_00), fee)
	if v := compile(t, firstRelease(t, "se-bas"), proof); v.ExchangeRate != "" {
		t.Errorf("the rate is %q without being asked for", v.ExchangeRate)
	}
	klarna := firstRelease(t, "se-bas", "vat:\n", "vat:\n  exchange_rate: klarna\n")
	v := compile(t, klarna, proof)
	if v.ExchangeRate != "0.97080000" {
		t.Errorf("the rate is %q", v.ExchangeRate)
	}
	p.Currency = "SEK"
	if v := compile(t, klarna, prove(t, p, row("SALE/PURCHASE", 1000_00), fee)); v.ExchangeRate != "" {
		t.Errorf("the rate is %q in the merchant's own currency", v.ExchangeRate)
	}
}

func TestHashesTellWhatIsNewApart(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	v := compile(t, firstRelease(t, "se-bas"), prove(t, p, rows...))
	seen := map[string]string{v.Hash(): "nothing"}
	for name, change := range map[string]func(*voucher.Voucher){
		"VAT transaction": func(v *voucher.Voucher) { v.VATTransaction = true },
		"exchange rate":   func(v *voucher.Voucher) { v.ExchangeRate = "1.1" },
		"VAT id":          func(v *voucher.Voucher) { v.Lines[1].VATID = "x" },
		"another VAT id":  func(v *voucher.Voucher) { v.Lines[2].VATID = "x" },
	} {
		other := *v
		other.Lines = append([]voucher.Line(nil), v.Lines...)
		change(&other)
		if same, ok := seen[other.Hash()]; ok {
			t.Errorf("%s hashes as %s", name, same)
		}
		seen[other.Hash()] = name
	}
}

func TestWhatAProfileSaysAboutVATIsReadStrictly(t *testing.T) {
	for change, words := range map[string]string{
		"vat:\n  rate: {}\n":                                                                             `no member "rate"`,
		"vat:\n  rates: {\"x\": {}}\n":                                                                   `"x" is not a VAT rate`,
		"vat:\n  rates: {\"25\": {}, \"25.00\": {}}\n":                                                   "stands twice",
		"vat:\n  rates: {\"25\": {account: nonsense}}\n":                                                 `no account named "nonsense"`,
		"vat:\n  reverse_charge: {rate: \"25\"}\n":                                                       "needs its rate and the accounts",
		"vat:\n  reverse_charge: {rate: \"25\", input: \"1\", output: \"?\"}\n":                          "not an account number",
		"vat:\n  transaction: maybe\n":                                                                   "transaction cannot be",
		"vat:\n  return: nobody\n":                                                                       "return cannot be",
		"vat:\n  reverse_charge: {rate: \"25\", input: \"1\", output: \"2\", base: \"3\"}\n":             "needs two accounts",
		"vat:\n  reverse_charge: {rate: \"25\", input: \"1\", output: \"2\", base_contra_code: \"3\"}\n": "a contra line that it does not have",
		"vat:\n  exchange_rate: bank\n":                                                                  "exchange_rate cannot be",
	} {
		doc, err := os.ReadFile(filepath.Join("testdata", "profiles-1", "fi.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = voucher.ParseProfile([]byte(string(doc) + "\n" + change))
		if codeOf(err) != "profile_invalid" || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", change, err)
		}
	}
}
