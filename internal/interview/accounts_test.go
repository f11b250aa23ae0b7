package interview_test

import (
	"slices"
	"strings"
	"testing"

	"kvitt/internal/interview"
	"kvitt/internal/voucher"
)

// of is the document that answers make, and what is read from it.
func of(t *testing.T, given interview.Answers) (interview.Answers, string, *voucher.Profile) {
	t.Helper()
	answers := interview.Complete(given, nil)
	document, err := interview.Document(answers)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := voucher.ParseProfile(document)
	if err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return answers, string(document), profile
}

// Nobody meets an account in the checks of the company that no question has named.
func TestEveryAccountOfADocumentWasAnswered(t *testing.T) {
	all := []interview.Answers{}
	for _, given := range documents {
		all = append(all, given)
	}
	for _, country := range []string{"se", "no", "fi", "dk"} {
		for _, accruals := range []string{"none", "request", "split"} {
			all = append(all, interview.Answers{"country": country, "accruals": accruals, "reverse_charge": "owed", "loans": "yes", "commission": "exempt", "fee_bill": "kvitt"})
		}
	}
	for _, given := range all {
		answers, _, profile := of(t, given)
		for _, number := range profile.Accounts() {
			if !slices.ContainsFunc(interview.Accounts(answers), func(q interview.Question) bool { return answers.Account(q.Key).Number == number }) {
				t.Errorf("%v: %s, of %v, was not asked for", given, number, profile.UsedBy(number))
			}
		}
	}
}

func TestAccrualsAreAskedForAndLeftOut(t *testing.T) {
	for _, c := range []struct {
		country, accruals string
		receivable, vat   string
		split             bool
	}{
		{"se", "", "", "", false},
		{"se", "request", "1790", "2648", false},
		{"se", "split", "1790", "2648", true},
		{"no", "request", "1574", "", false}, // no VAT of Klarna's is expected there
		{"fi", "split", "1839", "", true},
		{"dk", "none", "", "", false},
	} {
		answers, document, profile := of(t, interview.Answers{"country": c.country, "accruals": c.accruals})
		if profile.Accrues() != (c.receivable != "") || profile.Periods.Split != c.split {
			t.Errorf("%s, %s: accrues %v, splits %v", c.country, c.accruals, profile.Accrues(), profile.Periods.Split)
		}
		if got := answers.Account("account.accrual").Number; got != c.receivable {
			t.Errorf("%s, %s: the receivable is %q, want %q", c.country, c.accruals, got, c.receivable)
		}
		if got := answers.Account("account.accrual_vat").Number; got != c.vat {
			t.Errorf("%s, %s: VAT waits on %q, want %q", c.country, c.accruals, got, c.vat)
		}
		if left := strings.Contains(document, "# Left out by the answer accruals: none"); left == profile.Accrues() {
			t.Errorf("%s, %s: the document says that it is left out: %v", c.country, c.accruals, left)
		}
	}
}

// An accrual that a person has set up is answered, one of the preset is not.
func TestAnAccrualInUseIsTakenOver(t *testing.T) {
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, replacement, accruals, receivable string }{
		{`accrual: {receivable: "1790", vat: "2648"}`, `accrual: {receivable: "1689", vat: "2648"}`, "request", "1689"},
		{"  # split: true", "  split: true", "split", ""},
		{"", "", "", ""},
	} {
		hand := strings.Replace(string(preset), c.old, c.replacement, 1)
		answers := interview.Adopt([]byte(hand))
		if got := answers["accruals"]; got != c.accruals {
			t.Errorf("%s: accruals are %q, want %q", c.replacement, got, c.accruals)
		}
		if got := answers.Account("account.accrual").Number; got != c.receivable {
			t.Errorf("%s: the receivable is %q, want %q", c.replacement, got, c.receivable)
		}
	}
}

// The return asks for the amount that the tax is on as well as for the tax.
func TestAReverseChargeHasItsTaxableAmount(t *testing.T) {
	for _, country := range []string{"se", "no", "fi", "dk"} {
		for _, given := range []interview.Answers{
			{"vat_return": "ledger"}, {"vat_return": "open"}, {"vat_return": "transactions", "vat_code.input": "25", "vat_code.reverse": "TJ25"},
		} {
			given["country"], given["reverse_charge"] = country, "owed"
			_, _, profile := of(t, given)
			for _, gap := range profile.VATGaps() {
				if given["vat_return"] != "open" || strings.Contains(gap.Detail, "states the tax") {
					t.Errorf("%v: %s", given, gap.Detail)
				}
			}
		}
	}
}
