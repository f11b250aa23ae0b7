package voucher_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// changes is a comparison as a person reads it.
func changes(c voucher.Comparison) string {
	var b strings.Builder
	for _, h := range c.Head {
		b.WriteString(h.Member + ": " + h.Old + " -> " + h.New + "\n")
	}
	side := func(l *voucher.Line) string {
		if l == nil {
			return "-"
		}
		return l.Account + " " + l.Text
	}
	for i := range c.Lines {
		p := &c.Lines[i]
		b.WriteString(string(p.Change) + " | " + side(p.Old) + " | " + side(p.New) + " | " + strings.Join(p.Fields, ",") + "\n")
	}
	return b.String()
}

func week(t *testing.T) *settlement.Proof {
	t.Helper()
	return prove(t, payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalReturn: 80_00, settlement.TotalFee: 20_00, settlement.TotalTax: 5_00, settlement.TotalSettlement: 895_00}),
		row("SALE/PURCHASE", 1000_00), row("RETURN/PURCHASE_RETURN", 80_00),
		row("FEE/SERVICING_FEE", 12_00, 3_00), row("FEE/EXPIRY_FEE", 8_00, 2_00))
}

func TestTwoVouchersOfAPayoutAreComparedLineByLine(t *testing.T) {
	proof := week(t)
	before := compile(t, firstRelease(t, "se-bas"), proof)
	for name, c := range map[string]struct {
		edits []string
		want  string
	}{
		"nothing": {nil, `
same | 1930 Klarna payout 1234567890 | 1930 Klarna payout 1234567890 | 
same | 1686 Klarna returns | 1686 Klarna returns | 
same | 1686 Klarna sales | 1686 Klarna sales | 
same | 6064 Klarna fee, expiry | 6064 Klarna fee, expiry | 
same | 6064 Klarna fee, servicing | 6064 Klarna fee, servicing | 
same | 2641 Klarna fee VAT | 2641 Klarna fee VAT | 
`},
		"another account and another text": {[]string{`fees: "6064"`, `fees: "6040"`, `"Klarna sales"`, `"Försäljning"`}, `
same | 1930 Klarna payout 1234567890 | 1930 Klarna payout 1234567890 | 
same | 1686 Klarna returns | 1686 Klarna returns | 
changed | 1686 Klarna sales | 1686 Försäljning | text
changed | 6064 Klarna fee, expiry | 6040 Klarna fee, expiry | account
changed | 6064 Klarna fee, servicing | 6040 Klarna fee, servicing | account
same | 2641 Klarna fee VAT | 2641 Klarna fee VAT | 
`},
		"lines that become one, and another ledger": {[]string{`"Klarna fee, servicing"`, `"Fees"`, `"Klarna fee, expiry"`, `"Fees"`, `# ledger: "1"`, `ledger: "2"`}, `
ledger:  -> 2
same | 1930 Klarna payout 1234567890 | 1930 Klarna payout 1234567890 | 
same | 1686 Klarna returns | 1686 Klarna returns | 
same | 1686 Klarna sales | 1686 Klarna sales | 
removed | 6064 Klarna fee, expiry | - | 
added | - | 6064 Fees | 
removed | 6064 Klarna fee, servicing | - | 
same | 2641 Klarna fee VAT | 2641 Klarna fee VAT | 
`},
	} {
		got := voucher.Compare(before, compile(t, firstRelease(t, "se-bas", c.edits...), proof))
		if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), changes(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if wanted := strings.Count(c.want, "changed") + strings.Count(c.want, "added") + strings.Count(c.want, "removed") + strings.Count(c.want, "->"); got.Changes() != wanted {
			t.Errorf("%s: %d changes, want %d", name, got.Changes(), wanted)
		}
	}
}

func TestTwoDocumentsAreComparedLineByLine(t *testing.T) {
	got := voucher.CompareText("a\nb\nc\nd\n", "a\nx\nc\nd\ne\n")
	want := []voucher.TextLine{
		{Change: voucher.Same, Text: "a"},
		{Change: voucher.Removed, Text: "b"},
		{Change: voucher.Added, Text: "x"},
		{Change: voucher.Same, Text: "c"},
		{Change: voucher.Same, Text: "d"},
		{Change: voucher.Added, Text: "e"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	near := voucher.Near(got, 0)
	if len(near) != 2 || len(near[0]) != 2 || near[1][0].Text != "e" {
		t.Errorf("near the changes: %v", near)
	}
	if near := voucher.Near(voucher.CompareText("a\n", "a\n"), 3); near != nil {
		t.Errorf("two equal documents differ in %v", near)
	}
}

func TestAnAccountIsPutIntoTheDocumentAndNothingElseIsTouched(t *testing.T) {
	doc, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(doc), `settlement: "16861"`, `settlement: {SEK: "1930", EUR: '1935', "*": 1940} # banken`, 1)
	slots, err := voucher.Slots([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]string{}
	for i := range slots {
		numbers[slots[i].Key()] = slots[i].Number
	}
	for key, want := range map[string]string{"settlement.SEK": "1930", "settlement.EUR": "1935", "settlement.*": "1940", "fees": "6064"} {
		if numbers[key] != want {
			t.Errorf("the slot %s holds %q, want %q", key, numbers[key], want)
		}
	}
	got, err := voucher.WithAccounts([]byte(text), map[string]string{"settlement.EUR": "1936", "settlement.*": "1941", "fees": "6040", "debt": "28991"})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(`'1935'`, `"1936"`, `"*": 1940}`, `"*": "1941"}`, `fees: "6064"`, `fees: "6040"`).Replace(text)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	profile(t, string(got))
	var wrong *voucher.ProfileError
	if _, err := voucher.WithAccounts([]byte(text), map[string]string{"fees": `6040", x: "1`}); !errors.As(err, &wrong) || wrong.Line == 1 {
		t.Errorf("a number that is none: %v", err)
	}
}

func TestAProfileIsShownAsATable(t *testing.T) {
	p := firstRelease(t, "se-bas", `settlement: "1930"`, `settlement: {SEK: "1930", "*": "1940"}`,
		"# overrides:\n", "overrides:\n", "#   - when: {currency: EUR}\n#     accounts: {settlement: \"1935\"}\n",
		"  - when: {currency: EUR}\n    accounts: {settlement: \"1935\"}\n    components:\n      FEE/EXPIRY_FEE: {account: \"6571\"}\n")
	rows := map[string]voucher.TableRow{}
	for _, r := range p.Table() {
		rows[strings.TrimSpace(r.When+" "+r.Component)] = r
	}
	for key, want := range map[string]voucher.TableRow{
		"SALE/PURCHASE":               {Component: "SALE/PURCHASE", Account: "clearing", Number: "1686", Text: "Klarna sales"},
		"FEE/EXPIRY_FEE":              {Component: "FEE/EXPIRY_FEE", Account: "fees", Number: "6064", VATAccount: "input_vat", VATNumber: "2641", Text: "Klarna fee, expiry"},
		"currency EUR FEE/EXPIRY_FEE": {When: "currency EUR", Component: "FEE/EXPIRY_FEE", Account: "6571", Number: "6571"},
	} {
		if diff := cmp.Diff(want, rows[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	named := p.Named()
	want := []voucher.NamedAccount{{Name: "settlement", Currency: "SEK", Number: "1930"}, {Name: "settlement", Currency: "*", Number: "1940"}, {Name: "clearing", Number: "1686"}}
	if diff := cmp.Diff(want, named[:3]); diff != "" {
		t.Errorf("the named accounts (-want +got):\n%s", diff)
	}
	if last := named[len(named)-1]; last != (voucher.NamedAccount{When: "currency EUR", Name: "settlement", Currency: "EUR", Number: "1935"}) && last.Number != "1935" {
		t.Errorf("the override's account is %+v", last)
	}
}

func TestAfterAChangePayoutsAreReviewedUnlessTheProfileSaysOtherwise(t *testing.T) {
	const lines = "  review_first: 0\n  review_after_change: 1\n"
	for posting, want := range map[string]int{
		lines: 1, "": 1, "  review_first: 4\n": 4, "  review_first: 4\n  review_after_change: 0\n": 0, "  review_after_change: 7\n": 7,
	} {
		if got := firstRelease(t, "se-bas", lines, posting).Posting.ReviewAfterChange; got != want {
			t.Errorf("%q: %d payouts are reviewed after a change, want %d", posting, got, want)
		}
	}
}
