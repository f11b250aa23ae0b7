package voucher_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

func TestAComponentWithoutARuleHoldsThePayoutWithTheRuleItNeeds(t *testing.T) {
	p := payout(settlement.Totals{Sale: 100_00, Fee: 20_00, Tax: 5_00, Charge: 7_00, Settlement: 68_00})
	proof := prove(t, p, row("SALE/PURCHASE", 100_00), row("FEE/BRAND_NEW", 12_00, 3_00), row("FEE/", 8_00, 2_00), row("CHARGE/BRAND_NEW", 7_00))
	err := held(t, preset(t, "se-bas"), proof, "component_unknown")
	const want = `compile voucher for payout 1234567890: posting profile "Sweden (BAS)" has no rule for CHARGE/BRAND_NEW (-7.00 SEK), ` +
		`no rule for FEE/ (-8.00 SEK), no vat_account for the VAT of FEE/ (-2.00 SEK), ` +
		`no rule for FEE/BRAND_NEW (-12.00 SEK), no vat_account for the VAT of FEE/BRAND_NEW (-3.00 SEK); ` +
		"add `CHARGE/BRAND_NEW: {account: …}` to components, `FEE/*: {account: …, vat_account: …}` to components, " +
		"`FEE/BRAND_NEW: {account: …, vat_account: …}` to components"
	if err.Error() != want {
		t.Errorf("it reads\n%s\nwant\n%s", err, want)
	}
	added := preset(t, "se-bas", "components:\n", "components:\n  FEE/*: {account: fees, vat_account: input_vat}\n  CHARGE/BRAND_NEW: {account: suspense}\n")
	compile(t, added, proof)
}

func TestAnAccountWithoutANumberForTheCurrencyHoldsThePayout(t *testing.T) {
	p := payout(settlement.Totals{Sale: 100_00, OpeningDebt: 30_00, Repay: 30_00, Settlement: 70_00})
	proof := prove(t, p, row("SALE/PURCHASE", 100_00))
	err := held(t, preset(t, "se-bas", `settlement: "1930"`, `settlement: {NOK: "1930"}`, `debt: "2890"`, `# debt: "2890"`), proof, "component_unknown")
	if !strings.Contains(err.Error(), "has no number for accounts.debt in SEK (-30.00 SEK), no number for accounts.settlement in SEK (-70.00 SEK); add `accounts.debt`, `accounts.settlement`") {
		t.Errorf("it reads %s", err)
	}
	held(t, preset(t, "se-bas", `clearing: "1686"`, `clearing: {NOK: "1686"}`), proof, "component_unknown")
}

func TestVATWithoutAnAccountHoldsThePayout(t *testing.T) {
	p := payout(settlement.Totals{Fee: 100_00, Tax: 25_00, Settlement: -125_00})
	proof := prove(t, p, row("FEE/SERVICING_FEE", 100_00, 25_00))
	without := `FEE/SERVICING_FEE: {account: fees, text: "Klarna fee, servicing"}`
	err := held(t, preset(t, "se-bas", `FEE/SERVICING_FEE: {account: fees, vat_account: input_vat, text: "Klarna fee, servicing"}`, without), proof, "component_unknown")
	if !strings.Contains(err.Error(), "no vat_account for the VAT of FEE/SERVICING_FEE (-25.00 SEK)") {
		t.Errorf("it reads %s", err)
	}
}

func TestARefundOfVATThatLeavesNoTraceInTheMoneyIsHeld(t *testing.T) {
	p := payout(settlement.Totals{Sale: 1000_00, FeeRefund: 40_00, TaxRefund: 10_00, Settlement: 1040_00})
	err := held(t, preset(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 1000_00), row("FEE_REFUND/FEE_REFUND", 40_00, 10_00)), "formula_differs")
	var u *voucher.UnexplainedError
	if !errors.As(err, &u) || u.Difference != -10_00 || !strings.Contains(err.Error(), "refunds VAT of 10.00 SEK") {
		t.Errorf("it reads %s", err)
	}
}

func TestDebtThatNothingAccountsForIsHeld(t *testing.T) {
	p := payout(settlement.Totals{Sale: 1000_00, Deposit: 300_00, ClosingDebt: 300_00, Settlement: 1000_00})
	err := held(t, preset(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 1000_00)), "debt_differs")
	var u *voucher.UnexplainedError
	if !errors.As(err, &u) || u.Difference != 1300_00 {
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
		"debt that does not change": prove(t, payout(settlement.Totals{OpeningDebt: 5, ClosingDebt: 5})),
	} {
		t.Run(name, func(t *testing.T) {
			err := held(t, preset(t, "se-bas"), proof, "nothing_to_book")
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
		p := payout(settlement.Totals{Sale: 1, Settlement: 1})
		p.Date, _ = time.Parse(time.RFC3339, test.moment)
		v := compile(t, preset(t, test.preset), prove(t, p, row("SALE/PURCHASE", 1)))
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
`
	rows := []settlement.Row{
		row("SALE/PURCHASE", 1), row("SALE/PURCHASE", 10), row("SALE/PURCHASE", 100),
		row("FEE/SERVICING_FEE", 7, 2), row("FEE/SERVICING_FEE", 8, 1), row("FEE/RETURN_FEE", 3),
	}
	rows[1].Country, rows[2].MerchantID, rows[4].Country, rows[5].Country = "NO", "K2", "NO", "NO"
	v := compile(t, profile(t, doc), prove(t, payout(settlement.Totals{Sale: 111, Fee: 18, Tax: 3, Settlement: 90}), rows...))
	type line struct {
		account, branch, text, subaccount, vatCode string
		debit, credit                              int64
	}
	var got []line
	for _, l := range v.Lines {
		got = append(got, line{l.Account, l.Branch, l.Text, l.Subaccount[0].Value, l.VATCode, l.Debit, l.Credit})
	}
	want := []line{
		{"1930", "HQ", "Klarna payout 1234567890", "10", "", 90, 0},
		{"1001", "HQ", "Sales", "10", "", 0, 1},
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
	if !slices.Equal(uses.Branches, []string{"HQ", "NORWAY", "SECOND"}) || len(uses.Subaccounts) != 3 || !slices.Equal(uses.VATCodes, []string{"25"}) {
		t.Errorf("uses: %+v", uses)
	}
}

func TestTextsFitAndPlaceholdersAreFilledOnce(t *testing.T) {
	p := payout(settlement.Totals{Sale: 1, Settlement: 1})
	p.PaymentReference = "{currency}-12345678901234567890123456789012345678901234567890"
	changed := preset(t, "se-bas", `"Klarna sales"`, `"{type} {detailed_type} {payment_reference}"`)
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

func TestADescriptionStartsWithTheTokenOfThePosting(t *testing.T) {
	p := payout(settlement.Totals{Sale: 1, Settlement: 1})
	v := compile(t, preset(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 1)))
	const want = "[kvitt:3bf440c9e57e2e78] Klarna 1234567890 SEK 2026-01-30"
	if v.Description != want {
		t.Errorf("description %q, want %q", v.Description, want)
	}
	if token, ok := voucher.FindToken("Rättelse: " + v.Description); !ok || token != v.Token {
		t.Errorf("found token %q, %t", token, ok)
	}
	for _, s := range []string{"", "kvitt", "[kvitt:]", "[kvitt:3BF440C9E57E2E78]", "[kvitt:3bf440c9e57e2e7]", "[kvitt:3bf440c9e57e2e781]"} {
		if token, ok := voucher.FindToken(s); ok {
			t.Errorf("found token %q in %q", token, s)
		}
	}
}

// A token is written into books for years: it must never come out differently.
func TestTheTokenIsMadeOfTheBusinessAlone(t *testing.T) {
	if got, want := voucher.Token("K100001", "1234567890", "5566778899", 0), "[kvitt:3bf440c9e57e2e78]"; got != want {
		t.Errorf("token %s, want %s", got, want)
	}
	seen := map[string]bool{}
	for _, token := range []string{
		voucher.Token("K1", "2", "3", 0), voucher.Token("K1", "2", "3", 1), voucher.Token("K12", "", "3", 0),
		voucher.Token("K1", "23", "", 0), voucher.Token("", "K12", "3", 0), voucher.Token("K1", "2", "30", 0),
	} {
		if seen[token] {
			t.Errorf("token %s names two postings", token)
		}
		seen[token] = true
	}
}

func TestCompilingNeedsACompany(t *testing.T) {
	proof := prove(t, payout(settlement.Totals{Sale: 1, Settlement: 1}), row("SALE/PURCHASE", 1))
	if _, err := voucher.Compile(preset(t, "se-bas"), proof, voucher.Target{}); err == nil {
		t.Error("compiled without a company")
	}
}

func TestAVoucherSurvivesJSON(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	want := compile(t, preset(t, "se-bas", "# branch: \"1\"\n# subaccount", "branch: \"1\"\nsubaccount"), prove(t, p, rows...))
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got voucher.Voucher
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("the voucher changed (-want +got):\n%s", diff)
	}
	if want.Hash() != got.Hash() || !strings.Contains(string(doc), `"date":"2026-01-30"`) {
		t.Errorf("hash %s became %s in %s", want.Hash(), got.Hash(), doc)
	}
}

// Hashes are stored with postings and compared years later.
func TestTheHashOfAVoucherIsStable(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	v := compile(t, preset(t, "se-bas", "# branch: \"1\"\n# subaccount", "branch: \"1\"\nsubaccount"), prove(t, p, rows...))
	if got, want := v.Hash(), "668a2d010aeb583b2ababf53c91bd6bdf398fde01283152464518b8d40f0f140"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestTheHashCoversWhatIsPostedAndNothingElse(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	proof := prove(t, p, rows...)
	fresh := func() *voucher.Voucher { return compile(t, preset(t, "se-bas"), proof) }
	hash := fresh().Hash()
	for name, change := range map[string]func(*voucher.Voucher){
		"token": func(v *voucher.Voucher) { v.Token += "x" }, "description": func(v *voucher.Voucher) { v.Description += "x" },
		"payment reference": func(v *voucher.Voucher) { v.PaymentReference = "" }, "ledger": func(v *voucher.Voucher) { v.Ledger = "2" },
		"branch": func(v *voucher.Voucher) { v.Branch = "2" }, "code": func(v *voucher.Voucher) { v.TransactionCode = "2" },
		"date": func(v *voucher.Voucher) { v.Date.Day++ }, "currency": func(v *voucher.Voucher) { v.Currency = "NOK" },
		"settlement": func(v *voucher.Voucher) { v.Settlement++ }, "invoice": func(v *voucher.Voucher) { v.Invoice++ },
		"order":   func(v *voucher.Voucher) { v.Lines[0], v.Lines[1] = v.Lines[1], v.Lines[0] },
		"line":    func(v *voucher.Voucher) { v.Lines = v.Lines[1:] },
		"account": func(v *voucher.Voucher) { v.Lines[0].Account = "1" }, "text": func(v *voucher.Voucher) { v.Lines[0].Text = "" },
		"reference": func(v *voucher.Voucher) { v.Lines[0].Reference = "" }, "debit": func(v *voucher.Voucher) { v.Lines[0].Debit++ },
		"credit": func(v *voucher.Voucher) { v.Lines[0].Credit++ }, "VAT code": func(v *voucher.Voucher) { v.Lines[0].VATCode = "1" },
		"line branch": func(v *voucher.Voucher) { v.Lines[0].Branch = "2" },
		"subaccount":  func(v *voucher.Voucher) { v.Lines[0].Subaccount = []voucher.Segment{{ID: 1, Value: "1"}} },
	} {
		v := fresh()
		if change(v); v.Hash() == hash {
			t.Errorf("another %s has the same hash", name)
		}
	}
	v := fresh()
	v.Lines[0].Role, v.Lines[1].Components, v.Outside = "", nil, v.Lines[1].Components
	if v.Hash() != hash {
		t.Error("what only explains the voucher changes its hash")
	}
}

func TestAVoucherThatMustNotBePostedFailsItsCheck(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	proof := prove(t, p, rows...)
	bill := payout(settlement.Totals{Fee: 100, Tax: 25, Settlement: -125})
	bill.Type = settlement.GrossFee
	billProof := prove(t, bill, row("FEE/SERVICING_FEE", 100, 25))
	for name, test := range map[string]struct {
		proof      *settlement.Proof
		change     func(*voucher.Voucher)
		difference int64
	}{
		"one öre too much":           {proof, func(v *voucher.Voucher) { v.Lines[1].Debit++ }, -1},
		"another bank line":          {proof, func(v *voucher.Voucher) { v.Lines[0].Debit--; v.Lines[1].Debit++ }, 1},
		"another settlement amount":  {proof, func(v *voucher.Voucher) { v.Settlement++ }, 1},
		"no bank line":               {proof, func(v *voucher.Voucher) { v.Lines[0].Role = voucher.RoleComponent }, 8_590_000},
		"a negative debit":           {proof, func(v *voucher.Voucher) { v.Lines[1].Debit = -v.Lines[1].Debit }, 0},
		"a line with both sides":     {proof, func(v *voucher.Voucher) { v.Lines[1].Credit = 1 }, 0},
		"a line with neither":        {proof, func(v *voucher.Voucher) { v.Lines[1].Debit = 0 }, 0},
		"a line without an account":  {proof, func(v *voucher.Voucher) { v.Lines[1].Account = "" }, 0},
		"a text that is too long":    {proof, func(v *voucher.Voucher) { v.Lines[1].Text = strings.Repeat("ö", 61) }, 0},
		"a reference too long":       {proof, func(v *voucher.Voucher) { v.Lines[1].Reference = strings.Repeat("1", 16) }, 0},
		"a description without mark": {proof, func(v *voucher.Voucher) { v.Description = "Klarna" }, 0},
		"a description too long":     {proof, func(v *voucher.Voucher) { v.Description += strings.Repeat("x", 60) }, 0},
		"no token":                   {proof, func(v *voucher.Voucher) { v.Token = "" }, 0},
		"a single line":              {proof, func(v *voucher.Voucher) { v.Lines = v.Lines[:1] }, 0},
		"sums that do not fit": {proof, func(v *voucher.Voucher) {
			v.Lines[1].Debit, v.Lines[3].Debit = math.MaxInt64, math.MaxInt64
		}, 0},
		"another bill":             {billProof, func(v *voucher.Voucher) { v.Invoice++ }, 1},
		"a bill paid by the bank":  {billProof, func(v *voucher.Voucher) { v.Lines[0].Role = voucher.RoleSettlement }, 125},
		"a bill stated as another": {billProof, func(v *voucher.Voucher) { v.Settlement = 7 }, 7},
	} {
		t.Run(name, func(t *testing.T) {
			v := compile(t, preset(t, "se-bas"), test.proof)
			test.change(v)
			err := v.Check()
			var u *voucher.UnbalancedError
			if !errors.As(err, &u) || u.Code() != "voucher_unbalanced" {
				t.Fatalf("got %v, want an *UnbalancedError", err)
			}
			if u.Difference != test.difference {
				t.Errorf("difference %d, want %d: %v", u.Difference, test.difference, err)
			}
		})
	}
}

func TestLinesLeadBackToTheRowsBehindThem(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	v := compile(t, preset(t, "se-bas"), prove(t, p, rows...))
	for _, l := range v.Lines {
		var sum int64
		for _, c := range l.Components {
			if l.Role == voucher.RoleVAT {
				sum += c.VAT
			} else {
				sum += c.Amount
			}
		}
		if l.Role != voucher.RoleSettlement && sum != l.Debit+l.Credit {
			t.Errorf("the components behind %q come to %d, the line to %d", l.Text, sum, l.Debit+l.Credit)
		}
	}
}

func TestDatesAreCivil(t *testing.T) {
	d, err := voucher.ParseDate("2026-02-28")
	if err != nil || d.String() != "2026-02-28" || d.Time().Hour() != 0 {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", "2026-02-30", "28.2.2026", "2026-2-8", "2026-02-28T00:00:00Z"} {
		if d, err := voucher.ParseDate(bad); err == nil {
			t.Errorf("%q was read as %s", bad, d)
		}
	}
	var zero voucher.Date
	doc, err := json.Marshal(zero)
	if err != nil || string(doc) != `""` || json.Unmarshal(doc, &zero) != nil || !zero.IsZero() {
		t.Errorf("no date is written %s, %v", doc, err)
	}
	if !d.Before(voucher.Date{Year: 2026, Month: 3, Day: 1}) || d.Before(d) {
		t.Error("the order of days is wrong")
	}
}
