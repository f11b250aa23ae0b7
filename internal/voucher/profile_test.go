package voucher_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// small is the smallest profile; the tests below spoil it in one place each.
const small = `version: 1
name: Small
time_zone: Europe/Stockholm
accounts:
  settlement: "1930"
  clearing: 1686
components:
  SALE/PURCHASE: {account: clearing, text: "Klarna sales"}
  FEE/*:
    account: "6064"
    vat_account: "2641"
`

// smallWithDebt can book a payout that is not paid out.
var smallWithDebt = strings.Replace(small, "components:", "  debt: \"2890\"\ncomponents:", 1)

func TestASmallProfileIsEnough(t *testing.T) {
	p := profile(t, small)
	if p.Name != "Small" || p.Version != 1 || p.TimeZone != "Europe/Stockholm" || p.Location().String() != "Europe/Stockholm" {
		t.Errorf("profile: %+v", p)
	}
	if p.Posting != (voucher.Posting{Mode: voucher.Review, ReviewAfterChange: 1}) || p.Periods.Policy != voucher.HoldPeriod || !p.Start.IsZero() {
		t.Errorf("defaults: %+v, %+v, %v", p.Posting, p.Periods, p.Start)
	}
	if want := []string{"1686", "1930", "2641", "6064"}; !slices.Equal(p.Accounts(), want) {
		t.Errorf("accounts %v, want %v", p.Accounts(), want)
	}
	if got := p.UsedBy("1686"); !slices.Equal(got, []string{"SALE/PURCHASE"}) {
		t.Errorf("1686 is used by %v", got)
	}
	if got := p.UsedBy("1930"); !slices.Equal(got, []string{"settlement"}) {
		t.Errorf("1930 is used by %v", got)
	}
	again := profile(t, small)
	if p.Hash() != again.Hash() || len(p.Hash()) != 64 || p.Hash() == profile(t, small+"#\n").Hash() {
		t.Errorf("hash %s", p.Hash())
	}
}

func TestAProfileSaysEverythingItCanSay(t *testing.T) {
	p := profile(t, small+`
ledger: "1"
branch: HQ
transaction_code: KLARNA
subaccount: {2: "000", 1: "10"}
posting: {mode: auto, review_first: 3}
periods: {policy: next_open}
start: 2026-03-01
overrides:
  - when: {currency: NOK, country: NO, merchant_id: K1}
    branch: "2"
    accounts: {clearing: {NOK: "1687"}}
    components:
      FEE/SERVICING_FEE: {account: "6065", vat_code: "25", subaccount: {1: "20", 2: "000"}}
texts:
  description: "{payment_reference} {currency}"
`)
	if p.Posting != (voucher.Posting{Mode: voucher.Auto, ReviewFirst: 3, ReviewAfterChange: 3}) || p.Periods.Policy != voucher.NextOpen || p.TransactionCode != "KLARNA" {
		t.Errorf("profile: %+v", p)
	}
	if p.BeforeStart(time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)) || !p.BeforeStart(time.Date(2026, 2, 28, 22, 59, 0, 0, time.UTC)) {
		t.Error("the start is not 1 March in Stockholm")
	}
	want := voucher.Uses{
		Ledgers: []string{"1"}, Branches: []string{"2", "HQ"},
		Accounts: []string{"1686", "1687", "1930", "2641", "6064", "6065"}, VATCodes: []string{"25"},
		Subaccounts: [][]voucher.Segment{{{ID: 1, Value: "10"}, {ID: 2, Value: "000"}}, {{ID: 1, Value: "20"}, {ID: 2, Value: "000"}}},
		Currencies:  []settlement.Currency{"NOK"},
	}
	if diff := cmp.Diff(want, p.Uses()); diff != "" {
		t.Errorf("uses differ (-want +got):\n%s", diff)
	}
}

// A rule may send what takes money, and what carries VAT, to accounts of their own;
// each of them has to be in the company.
func TestARuleHasAccountsForTheOtherDirectionAndForVAT(t *testing.T) {
	p := profile(t, smallWithDebt+"  CREDIT/*: {account: \"2999\", taken: \"8420\", taxed: \"6065\"}\n")
	for _, account := range []string{"2999", "8420", "6065"} {
		if users := p.UsedBy(account); !slices.Equal(users, []string{"CREDIT/*"}) || !slices.Contains(p.Accounts(), account) {
			t.Errorf("%s is used by %v", account, users)
		}
	}
	credit := func(amount, total int64) *voucher.Voucher {
		return compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalCredit: total, settlement.TotalSettlement: total}), row("CREDIT/CASH_ADVANCE_FEES", amount)))
	}
	if v := credit(80, 80); balance(v, "2999") != -80 || balance(v, "8420") != 0 {
		t.Errorf("what gives is booked as\n%s", table(v))
	}
	if v := credit(-80, -80); balance(v, "8420") != 80 || balance(v, "2999") != 0 {
		t.Errorf("what takes is booked as\n%s", table(v))
	}
}

// Each case changes one thing in the small profile; the error says where and
// what helps.
func TestAMistakeInAProfileIsNamedWithItsPlaceAndARemedy(t *testing.T) {
	for _, test := range []struct {
		name, from, to string
		line, column   int
		problem        string
		remedy         string
	}{
		{"misspelt member", "time_zone", "timezone", 3, 1, `the profile has no member "timezone"`, `did you mean "time_zone"?`},
		{"misspelt account name", "clearing: 1686", "cleering: 1686", 6, 3, `accounts has no member "cleering"`, `did you mean "clearing"?`},
		{"misspelt reference", "account: clearing", "account: claering", 8, 28, `there is no account named "claering"`, `did you mean "clearing"?`},
		{"misspelt rule member", "vat_account", "vat_acount", 11, 5, `FEE/* has no member "vat_acount"`, `did you mean "vat_account"?`},
		{"misspelt account of what takes", "account: clearing", "account: clearing, taken: claering", 8, 45, `there is no account named "claering"`, `did you mean "clearing"?`},
		{"an account of what takes that is not there", "account: clearing", "account: clearing, taken: loan_costs", 8, 45, `uses the account "loan_costs", which is not under accounts`, "add it there"},
		{"an account of what is taxed that is no number", "account: clearing", `account: clearing, taxed: "6 0"`, 8, 45, `"6 0" is not an account number`, "in quotes"},
		{"misspelt member for what takes", "account: clearing", "account: clearing, takn: fees", 8, 38, `SALE/PURCHASE has no member "takn"`, `did you mean "taken"?`},
		{"misspelt type", "SALE/PURCHASE", "SALES/PURCHASE", 8, 3, `Klarna has no type "SALES"`, `did you mean "SALE"?`},
		{"misspelt detailed type", "SALE/PURCHASE", "SALE/PURCHACE", 8, 3, `Klarna has no detailed type "PURCHACE" that we know of`, `did you mean "SALE/PURCHASE"?`},
		{"no detailed type", "SALE/PURCHASE", "SALE", 8, 3, `"SALE" is not a kind of rows`, `TYPE/DETAILED_TYPE`},
		{"detailed type in small letters", "SALE/PURCHASE", "SALE/purchase", 8, 3, `"purchase" is not a detailed type`, "in capitals"},
		{"unknown placeholder", `"Klarna sales"`, `"Klarna {curency}"`, 8, 44, `there is no placeholder {curency} here`, `did you mean "currency"?`},
		{"open brace", `"Klarna sales"`, `"Klarna {currency"`, 8, 44, `do not pair up`, `{currency}`},
		{"closing brace", `"Klarna sales"`, `"Klarna }{"`, 8, 44, `do not pair up`, `{currency}`},
		{"long text", `Klarna sales`, strings.Repeat("x", 61), 8, 44, `text is 61 characters long, and 60 is the most`, "shorten it"},
		{"two lines of text", `"Klarna sales"`, `"Klarna\nsales"`, 8, 44, `text has to be one line of text`, ""},
		{"empty text", `"Klarna sales"`, `""`, 8, 44, `text is empty`, "leave the member out"},
		{"no value", `name: Small`, `name:`, 2, 0, `name has no value`, "leave the member out"},
		{"members twice", `FEE/*:`, `FEE/*: {}`, 10, 0, "", ""},
		{"tab", "  FEE/*:", "\tFEE/*:", 9, 0, "", ""},
		{"unclosed quote", `"6064"`, `"6064`, 11, 0, "", ""},
		{"unclosed brace", `"Klarna sales"}`, `"Klarna sales"`, 9, 0, "", ""},
		{"the same member twice", `name: Small`, "name: Small\nname: Large", 3, 1, `mapping key "name" already defined at [2:1]`, "keep one of the two"},
		{"not an account number", `"6064"`, `"60 64"`, 10, 14, `"60 64" is not an account number`, "in quotes"},
		{"a list for an account", `"6064"`, `["6064"]`, 10, 14, "account has to be a single value", ""},
		{"another version", "version: 1", "version: 2", 1, 10, `version "2" is not one that this Kvitt reads`, "write 1"},
		{"unknown zone", "Europe/Stockholm", "Europe/Stokholm", 3, 12, `there is no time zone "Europe/Stokholm"`, "Europe/Stockholm"},
		{"the machine's zone", "Europe/Stockholm", "Local", 3, 12, `there is no time zone "Local"`, ""},
		{"no zone", "time_zone: Europe/Stockholm\n", "", 1, 1, `the profile has no "time_zone"`, "add it"},
		{"no settlement account", `  settlement: "1930"` + "\n", "", 4, 1, `accounts has no "settlement"`, "payouts arrive"},
		{"unknown currency", `"1930"`, `{SEKK: "1930"}`, 5, 16, `"SEKK" is not a currency`, `did you mean "SEK"?`},
		{"no currencies", `"1930"`, `{}`, 5, 15, `settlement names no account`, ""},
		{"an account that is not there", "account: clearing", "account: reserve", 8, 28, `uses the account "reserve", which is not under accounts`, "add it there"},
		{"a VAT account that is not there", `vat_account: "2641"`, `vat_account: input_vat`, 11, 18, `uses the account "input_vat"`, "add it there"},
		{"a rule without account", "account: clearing, ", "", 8, 3, `the rule for SALE/PURCHASE has no account`, "SALE/*"},
		{"an anchor", `"6064"`, `&fees "6064"`, 10, 14, "anchors, aliases and tags are not used", "write the value out"},
		{"an alias", `"6064"`, `*fees`, 10, 14, "anchors, aliases and tags are not used", ""},
		{"a tag", `"6064"`, `!!str 6064`, 10, 14, "anchors, aliases and tags are not used", ""},
		{"a second document", "components:", "---\ncomponents:", 8, 0, "a second document starts here", ""},
		{"a list", small, "- 1\n- 2\n", 1, 0, "the profile has to have members", ""},
		{"a word", small, "hello\n", 1, 1, "the profile has to have members", ""},
		{"nothing", small, "", 1, 1, "the document is empty", "preset"},
		{"only comments", small, "# nothing\n", 1, 1, "the document is empty", "preset"},
		{"not UTF-8", "Small", "Sm\xe5", 2, 9, "the document is not UTF-8", "save it as UTF-8"},
		{"too large", "Small\n", "Small\n#" + strings.Repeat("x", 70_000) + "\n", 1, 1, "is the most", ""},
		{"too deep", `"6064"`, strings.Repeat("[", 100), 10, 0, "nests too deeply", ""},
		{"too deep in dashes", `"6064"`, "\n      " + strings.Repeat("- ", 100), 11, 0, "nests too deeply", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(small, test.from) {
				t.Fatalf("nothing to change: %q", test.from)
			}
			wantProfileError(t, strings.Replace(small, test.from, test.to, 1), test.line, test.column, test.problem, test.remedy)
		})
	}
}

func TestAMistakeInAnOptionalPartIsNamedToo(t *testing.T) {
	for _, test := range []struct {
		name, add       string
		line, column    int
		problem, remedy string
	}{
		{"mode", "posting: {mode: automatic}", 12, 17, `mode cannot be "automatic"`, "known are draft, review, auto"},
		{"near mode", "posting: {mode: rewiev}", 12, 17, `mode cannot be "rewiev"`, `did you mean "review"?`},
		{"review_first", "posting: {review_first: -1}", 12, 25, `review_first "-1" is not a number that fits`, ""},
		{"policy", "periods: {policy: open}", 12, 19, `policy cannot be "open"`, ""},
		{"start", "start: 1 March", 12, 8, `"1 March" is not a date`, "2026-01-31"},
		{"no such day", "start: 2026-02-30", 12, 8, `"2026-02-30" is not a date`, ""},
		{"segment number", `subaccount: {0: "10"}`, 12, 14, `"0" is not the number of a segment`, ""},
		{"segment name", `subaccount: {dept: "10"}`, 12, 14, `"dept" is not the number of a segment`, ""},
		{"no segments", `subaccount: {}`, 12, 13, `subaccount has no segments`, ""},
		{"overrides that are no list", "overrides: {when: {currency: SEK}}", 12, 0, "overrides has to be a list", "dash"},
		{"no when", "overrides:\n  - ledger: \"2\"", 13, 5, "the override has no `when`", "currency, country or merchant_id"},
		{"empty when", "overrides:\n  - when: {}\n    ledger: \"2\"", 13, 5, "the override has no `when`", ""},
		{"when twice", "overrides:\n  - when: {currency: SEK}\n  - when: {currency: SEK}", 14, 5, "an override with the same `when` stands before", ""},
		{"country code", "overrides:\n  - when: {country: no}", 13, 21, `"no" is not a country code`, "two capitals"},
		{"misspelt condition", "overrides:\n  - when: {curency: NOK}", 13, 12, `when has no member "curency"`, `did you mean "currency"?`},
		{"currency", "overrides:\n  - when: {currency: KR}", 13, 22, `"KR" is not a currency`, "known are AUD"},
		{"a country with a bank", "overrides:\n  - when: {country: NO}\n    accounts: {settlement: \"1\"}", 13, 5, `a country cannot choose the account "settlement"`, ""},
		{"a country with a ledger", "overrides:\n  - when: {country: NO}\n    ledger: \"2\"", 14, 5, "a country cannot choose the ledger", ""},
		{"an override without account", "overrides:\n  - when: {country: NO}\n    components: {SALE/*: {text: x}}", 14, 18, "the rule for SALE/* has no account", ""},
		{"a profile member in an override", "overrides:\n  - when: {country: NO}\n    time_zone: x", 14, 5, `has no member "time_zone"`, ""},
		{"long description", "texts: {description: \"" + strings.Repeat("x", 36) + "\"}", 12, 22, "description is 36 characters long, and 35 is the most", ""},
		{"a row placeholder in the description", "texts: {description: \"{detailed_type}\"}", 12, 22, "there is no placeholder {detailed_type} here", ""},
		{"misspelt text", "texts: {deposits: x}", 12, 9, `texts has no member "deposits"`, `did you mean "deposit"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantProfileError(t, small+test.add+"\n", test.line, test.column, test.problem, test.remedy)
		})
	}
}

// wantProfileError checks a *ProfileError; a column of 0 is any.
func wantProfileError(t *testing.T, doc string, line, column int, problem, remedy string) {
	t.Helper()
	p, err := voucher.ParseProfile([]byte(doc))
	if err == nil {
		t.Fatalf("accepted: %+v", p)
	}
	var e *voucher.ProfileError
	if !errors.As(err, &e) || e.Code() != "profile_invalid" {
		t.Fatalf("got %v, want a *ProfileError", err)
	}
	if e.Line != line || column != 0 && e.Column != column {
		t.Errorf("at %d:%d, want %d:%d: %v", e.Line, e.Column, line, column, err)
	}
	if !strings.Contains(e.Problem, problem) || !strings.Contains(e.Remedy, remedy) {
		t.Errorf("it reads\n%v\nwant %q and %q", err, problem, remedy)
	}
	if !strings.HasPrefix(err.Error(), fmt.Sprintf("read posting profile: line %d, column %d: ", e.Line, e.Column)) {
		t.Errorf("it reads %v", err)
	}
}

func TestNorwayIsACountryAndNotANo(t *testing.T) {
	profile(t, small+"overrides:\n  - when: {country: NO}\n    branch: NO\n")
}

func TestADetailedTypeThatKlarnaInventsCanBeGivenARule(t *testing.T) {
	p := profile(t, smallWithDebt+"  CHARGE/SOMETHING_ELSE: {account: clearing}\n")
	compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalCharge: 5, settlement.TotalSettlement: -5}), row("CHARGE/SOMETHING_ELSE", 5)))
}

func TestWindowsLineEndsAndAByteOrderMarkAreRead(t *testing.T) {
	profile(t, "\ufeff"+strings.ReplaceAll(small, "\n", "\r\n"))
}

func TestTheRuleOfAPairInheritsFromTheRuleOfItsType(t *testing.T) {
	p := profile(t, smallWithDebt+"  FEE/SERVICING_FEE: {text: Servicing}\n")
	v := compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: -125}), row("FEE/SERVICING_FEE", 60, 15), row("FEE/RETURN_FEE", 40, 10)))
	wantTable(t, v, `
6064           0.40               Klarna fee, return fee
6064           0.60               Servicing
2641           0.25               Klarna fee VAT
2890                        1.25  Klarna payout carried as debt
               1.25         1.25`)
}
