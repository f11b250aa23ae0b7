package voucher_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kvitt/internal/settlement"
	"kvitt/internal/settlement/settlementtest"
	"kvitt/internal/voucher"
)

// nordic is one Swedish connection that sells in four countries: 25 % VAT at
// home, reverse charge abroad, and a merchant id whose fees carry 25 % anywhere.
const nordic = `overrides:
  - when: {country: FI}
    accounts: {input_vat: "1763"}
    branch: "FI"
    vat:
      rates: {"0": {}}
      reverse_charge: {rate: "25.5", input: input_vat, output: "2939", input_code: "RI", output_code: "RO"}
  - when: {country: "NO"}
    vat:
      rates: {"0": {}}
      reverse_charge: {rate: "25", input: "2713", output: "2703"}
  - when: {currency: EUR}
    vat: {transaction: true, exchange_rate: klarna}
  - when: {merchant_id: K200002}
    vat:
      rates: {"25": {account: "2642", code: "25", id: "I25"}}
      reverse_charge: false
`

func nordicProfile(tb testing.TB) *voucher.Profile {
	tb.Helper()
	return firstRelease(tb, "se-bas", "\ntexts:\n", "\n"+nordic+"\ntexts:\n")
}

// of gives a row a country and a merchant id.
func of(r settlement.Row, country, merchant string) settlement.Row {
	r.Country, r.MerchantID = country, merchant
	return r
}

func abroad() []settlement.Row {
	return []settlement.Row{
		row("SALE/PURCHASE", 1000_00),
		of(rated(row("FEE/SERVICING_FEE", 100_00, 25_00), 2500), "SE", "K100001"),
		of(row("FEE/PURCHASE_FEE_PERCENTAGE", 10_02), "FI", "K100001"),
		of(row("FEE/PURCHASE_FEE_FIXED", 2), "FI", "K100001"),
		of(row("FEE/PURCHASE_FEE_PERCENTAGE", 20_02), "NO", "K100001"),
		of(rated(row("FEE/SERVICING_FEE", 40_00, 10_00), 2500), "NO", "K200002"),
	}
}

func TestEachCountryOwesTheReverseChargeOfItsOwn(t *testing.T) {
	v := compile(t, nordicProfile(t), prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 170_06, settlement.TotalTax: 35_00, settlement.TotalSettlement: 794_94}), abroad()...))
	// 25.5 % of 10.04 is 2.5602, and 25 % of 20.02 is 5.005.
	wantTable(t, v, `
1930         794.94               Klarna payout 1234567890
1686                     1000.00  Klarna sales
6064           0.02               Klarna fee, fixed
6064          20.02               Klarna fee, percentage
6064          10.02               Klarna fee, percentage
6064         140.00               Klarna fee, servicing
2641          25.00               Klarna fee VAT
2642          10.00               Klarna fee VAT
1763           2.56               Klarna fees, reverse charge 25.5 %, input VAT
2703                        5.01  Klarna fees, reverse charge 25 %, output VAT
2713           5.01               Klarna fees, reverse charge 25 %, input VAT
2939                        2.56  Klarna fees, reverse charge 25.5 %, output VAT
            1007.57      1007.57`)
	for _, l := range v.Lines {
		at := []string{l.VATCode, l.VATID, l.Branch}
		want := map[string][]string{"1763": {"RI", "", "FI"}, "2939": {"RO", "", "FI"}, "2642": {"25", "I25", ""}}[l.Account]
		if want == nil && l.Role != voucher.RoleComponent {
			want = []string{"", "", ""}
		}
		if want != nil && !slices.Equal(at, want) {
			t.Errorf("the line on %s has code, id and branch %q, want %q", l.Account, at, want)
		}
	}
}

// The vouchers of one connection that sells in several countries, as text files
// for an accountant.
func TestTheVouchersOfOneConnectionInSeveralCountries(t *testing.T) {
	p := nordicProfile(t)
	sameAsFile(t, "nordic-by-country", compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 170_06, settlement.TotalTax: 35_00, settlement.TotalSettlement: 794_94}), abroad()...)))
	merchant := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 40_00, settlement.TotalTax: 10_00, settlement.TotalSettlement: 950_00})
	merchant.MerchantID = "K200002"
	sale, fee := row("SALE/PURCHASE", 1000_00), rated(row("FEE/SERVICING_FEE", 40_00, 10_00), 2500)
	fee.TaxInRegistrationCurrency = 113_50
	sameAsFile(t, "nordic-by-merchant-id", compile(t, p, prove(t, merchant, sale, fee)))
	euro := merchant
	euro.Currency, euro.MerchantID = "EUR", "K100001"
	sameAsFile(t, "nordic-by-currency", compile(t, p, prove(t, euro, sale, fee)))
}

// What is under one level is summed before it is rounded; two levels are two
// sums, and each comes to zero.
func TestTheReverseChargeIsRoundedOnceForEachLevel(t *testing.T) {
	fee := func(amount int64, country string) settlement.Row {
		return of(row("FEE/SERVICING_FEE", amount), country, "")
	}
	v := compile(t, nordicProfile(t), prove(t, payout(settlement.Totals{settlement.TotalFee: 8, settlement.TotalSettlement: -8}),
		fee(1, "FI"), of(row("FEE/EXPIRY_FEE", 1), "FI", ""), fee(2, "NO"), of(row("FEE/EXPIRY_FEE", 4), "NO", "")))
	if got := balance(v, "1763"); got != 1 { // 25.5 % of 0.02 is 0.0051, twice 0.0026 would be nothing
		t.Errorf("Finland owes %d", got)
	}
	if got := balance(v, "2713"); got != 2 { // 25 % of 0.06 is 0.015, 0.005 and 0.01 would be two as well
		t.Errorf("Norway owes %d", got)
	}
	refund := compile(t, nordicProfile(t), prove(t, payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalFeeRefund: 200_00, settlement.TotalSettlement: 100_00}),
		fee(100_00, "FI"), of(row("FEE_REFUND/FEE_REFUND", 200_00), "NO", "")))
	if fi, no := balance(refund, "1763"), balance(refund, "2713"); fi != 25_50 || no != -50_00 {
		t.Errorf("Finland owes %d and Norway %d", fi, no)
	}
}

func TestTheRatesOfAnOverrideAreExpectedOfItsRowsAlone(t *testing.T) {
	p := nordicProfile(t)
	fee := func(vat, rate int64, country, merchant string) *settlement.Proof {
		return prove(t, payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: vat, settlement.TotalSettlement: -100_00 - vat}),
			of(rated(row("FEE/SERVICING_FEE", 100_00, vat), rate), country, merchant))
	}
	for name, c := range map[string]struct {
		proof *settlement.Proof
		words string // of the error; empty: it compiles
	}{
		"VAT at home":                        {fee(25_00, 2500, "SE", ""), ""},
		"none abroad":                        {fee(0, 0, "NO", ""), ""},
		"VAT abroad":                         {fee(25_00, 2500, "NO", ""), "expects 0 % for country NO"},
		"VAT of the merchant abroad":         {fee(25_00, 2500, "NO", "K200002"), ""},
		"the merchant's VAT without a rate":  {fee(25_00, 0, "NO", "K200002"), ""},
		"none of the merchant":               {fee(0, 0, "NO", "K200002"), "expects 25 % for merchant_id K200002"},
		"another rate at home":               {fee(12_00, 1200, "SE", ""), `the posting profile "Sweden (BAS)" expects 0 %, 25 %`},
		"a country that nothing is said of":  {fee(12_00, 1200, "DK", ""), "expects 0 %, 25 %"},
		"another rate of the merchant at FI": {fee(12_00, 1200, "FI", "K200002"), "expects 25 % for merchant_id K200002"},
	} {
		if c.words == "" {
			compile(t, p, c.proof)
			continue
		}
		if err := held(t, p, c.proof, "vat_rate_unexpected"); !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %q is not in %v", name, c.words, err)
		}
	}
	both := prove(t, payout(settlement.Totals{settlement.TotalFee: 300_00, settlement.TotalTax: 49_00, settlement.TotalSettlement: -349_00}),
		of(rated(row("FEE/EXPIRY_FEE", 100_00, 25_00), 2500), "NO", ""), of(rated(row("FEE/SERVICING_FEE", 100_00, 12_00), 1200), "NO", ""),
		of(rated(row("FEE/LOAN_FEE", 100_00, 12_00), 1200), "SE", ""))
	err := held(t, p, both, "vat_rate_unexpected")
	const want = `compile voucher for payout 1234567890: FEE/EXPIRY_FEE has VAT of 25 % (25.00 SEK on 100.00), ` +
		`FEE/SERVICING_FEE has VAT of 12 % (12.00 SEK on 100.00), and the posting profile "Sweden (BAS)" expects 0 % for country NO; ` +
		`FEE/LOAN_FEE has VAT of 12 % (12.00 SEK on 100.00), and the posting profile "Sweden (BAS)" expects 0 %, 25 %`
	if err.Error() != want {
		t.Errorf("it reads\n%v\nwant\n%v", err, want)
	}
}

func TestTheMembersOfTheBatchAreThoseOfItsCurrencyAndMerchant(t *testing.T) {
	p := nordicProfile(t)
	fee := row("FEE/SERVICING_FEE", 100_00, 25_00)
	fee.TaxInRegistrationCurrency = 250_00
	bill := payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: -125_00})
	if v := compile(t, p, prove(t, bill, fee)); v.VATTransaction || v.ExchangeRate != "" {
		t.Errorf("in SEK: %+v", v)
	}
	bill.Currency = "EUR"
	if v := compile(t, p, prove(t, bill, fee)); !v.VATTransaction || v.ExchangeRate != "10.00000000" {
		t.Errorf("in EUR: VAT transaction %v, rate %q", v.VATTransaction, v.ExchangeRate)
	}
	not := firstRelease(t, "se-bas", "\ntexts:\n", "\n"+nordic+"  - when: {merchant_id: K100001, currency: EUR}\n    vat: {transaction: false, exchange_rate: visma}\n\ntexts:\n")
	if v := compile(t, not, prove(t, bill, fee)); v.VATTransaction || v.ExchangeRate != "" {
		t.Errorf("of a merchant who does not want it: VAT transaction %v, rate %q", v.VATTransaction, v.ExchangeRate)
	}
}

func TestAMistakeInTheVATOfAnOverrideIsNamedWithItsPlace(t *testing.T) {
	for _, test := range []struct {
		vat             string
		line, column    int
		problem, remedy string
	}{
		{`{rate: {}}`, 14, 11, `vat has no member "rate"`, `did you mean "rates"?`},
		{`{rates: {"x": {}}}`, 14, 19, `"x" is not a VAT rate`, ""},
		{`{rates: {"25": {account: claering}}}`, 14, 35, `no account named "claering"`, "clearing"},
		{`{rates: {"25": {account: reserve}}}`, 14, 35, `vat uses the account "reserve", which is not under accounts`, "add it there"},
		{`{reverse_charge: {rate: "25"}}`, 14, 28, "needs its rate and the accounts", ""},
		{`{reverse_charge: true}`, 14, 27, `reverse_charge cannot be "true"`, ""},
		{`{reverse_charge: none}`, 14, 27, `reverse_charge cannot be "none"`, ""},
		{`{rates: {}, transaction: true}`, 14, 22, "a country cannot choose `transaction` of vat", "a currency or a merchant_id"},
		{`{exchange_rate: klarna}`, 14, 11, "a country cannot choose `exchange_rate` of vat", "a currency or a merchant_id"},
	} {
		wantProfileError(t, small+"overrides:\n  - when: {country: \"NO\"}\n    vat: "+test.vat+"\n", test.line, test.column, test.problem, test.remedy)
	}
	// An account of the override's own is found, whichever stands first.
	profile(t, small+"overrides:\n  - when: {country: \"NO\"}\n    vat: {rates: {\"25\": {account: reserve}}}\n    accounts: {reserve: \"1\"}\n")
}

func TestTheCompanyIsAskedForWhatTheVATOfOverridesNeeds(t *testing.T) {
	p := nordicProfile(t)
	uses := p.Uses()
	for _, account := range []string{"1763", "2939", "2713", "2703", "2642"} {
		if !slices.Contains(uses.Accounts, account) {
			t.Errorf("account %s is not among %v", account, uses.Accounts)
		}
	}
	if want := []string{"25", "RI", "RO"}; !slices.Equal(uses.VATCodes, want) {
		t.Errorf("VAT codes %v, want %v", uses.VATCodes, want)
	}
	if got := p.UsedBy("2939"); !slices.Equal(got, []string{"vat.reverse_charge.output"}) {
		t.Errorf("2939 is used by %v", got)
	}
	want := []voucher.VATRow{
		{Member: "rates", Value: "0 %"},
		{Member: "rates", Value: "25 %"},
		{When: "currency EUR", Member: "transaction", Value: "true"},
		{When: "currency EUR", Member: "exchange_rate", Value: "klarna"},
		{When: "country NO", Member: "rates", Value: "0 %"},
		{When: "country NO", Member: "reverse_charge.input", Value: "25 %", Account: "2713", Number: "2713"},
		{When: "country NO", Member: "reverse_charge.output", Value: "25 %", Account: "2703", Number: "2703"},
		{When: "country FI", Member: "rates", Value: "0 %"},
		{When: "country FI", Member: "reverse_charge.input", Value: "25.5 %", Account: "input_vat", Number: "1763", Code: "RI"},
		{When: "country FI", Member: "reverse_charge.output", Value: "25.5 %", Account: "2939", Number: "2939", Code: "RO"},
		{When: "merchant_id K200002", Member: "rates", Value: "25 %", Account: "2642", Number: "2642", Code: "25", ID: "I25"},
		{When: "merchant_id K200002", Member: "reverse_charge", Value: "false"},
	}
	for _, row := range p.VAT() {
		if !slices.Contains(voucher.VATMembers, row.Member) {
			t.Errorf("%s is none of VATMembers", row.Member)
		}
	}
	if diff := cmp.Diff(want, p.VAT()); diff != "" {
		t.Errorf("as a table (-want +got):\n%s", diff)
	}
}

func TestReverseChargesOfTwoLevelsAreComparedWithTheirOwn(t *testing.T) {
	proof := prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 170_06, settlement.TotalTax: 35_00, settlement.TotalSettlement: 794_94}), abroad()...)
	before := compile(t, nordicProfile(t), proof)
	after := compile(t, firstRelease(t, "se-bas", "\ntexts:\n", "\n"+strings.Replace(nordic, `"2703"`, `"2709"`, 1)+"\ntexts:\n"), proof)
	c := voucher.Compare(before, after)
	var changed []string
	for i := range c.Lines {
		if p := &c.Lines[i]; p.Change != voucher.Same {
			changed = append(changed, string(p.Change)+" "+p.Old.Account+" "+p.New.Account+" "+strings.Join(p.Fields, ","))
		}
	}
	if !slices.Equal(changed, []string{"changed 2703 2709 account"}) || c.Changes() != 1 {
		t.Errorf("%q", changed)
	}
	after.ExchangeRate, after.VATTransaction = "1.5", true
	if c := voucher.Compare(before, after); len(c.Head) != 2 {
		t.Errorf("the head: %+v", c.Head)
	}
}

// Whatever Klarna settles, each level's reverse charge is its rate of the fees
// without VAT that fall to it, and the voucher balances.
func TestEachLevelsReverseChargeComesToItsRateOfItsFees(t *testing.T) {
	p := firstRelease(t, "se-bas", "vat:\n  rates:\n    \"25\": {}\n    \"0\": {}", `
overrides:
  - when: {country: SE}
    vat: {reverse_charge: {rate: "25", input: "9001", output: "9002"}}
  - when: {country: "NO"}
    vat: {reverse_charge: {rate: "12.5", input: "9003", output: "9004"}}
  - when: {country: "NO", merchant_id: K100001, currency: JPY}
    vat: {reverse_charge: false}
vat:
  reverse_charge: {rate: "25.5", input: "9005", output: "9006"}`)
	rate := map[string]int64{"SE": 2500, "NO": 1250, "": 2550}
	input := map[string]string{"SE": "9001", "NO": "9003", "": "9005"}
	output := map[string]string{"SE": "9002", "NO": "9004", "": "9006"}
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		proof, err := c.Prove()
		if err != nil {
			t.Skip("not provable")
		}
		v, err := voucher.Compile(p, proof, target)
		if err != nil {
			t.Skip("held: the other properties are about that")
		}
		base := map[string]int64{}
		for _, r := range c.Rows {
			fee := r.Type == "FEE" || r.Type == "FEE_REFUND"
			exempt := r.Country == "NO" && c.Payout.Currency == "JPY" || r.DetailedType == "LOAN_FEE" // interest, in the preset
			if !fee || r.VATRate != 0 || c.Payout.Type == settlement.Gross || exempt {
				continue
			}
			base[r.Country] += map[string]int64{"FEE": 1, "FEE_REFUND": -1}[r.Type] * max(r.Amount, -r.Amount)
		}
		for _, country := range slices.Sorted(maps.Keys(rate)) {
			half := int64(5000)
			if base[country] < 0 {
				half = -half
			}
			want := (base[country]*rate[country] + half) / 10000
			if got := balance(v, input[country]); got != want {
				t.Fatalf("country %q owes %d on %d, want %d:\n%s", country, got, base[country], want, table(v))
			}
			if got := balance(v, output[country]); got != -want {
				t.Fatalf("country %q has output VAT of %d, want %d", country, got, -want)
			}
		}
	})
}
