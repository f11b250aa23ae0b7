package voucher_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

var target = voucher.Target{Company: "5566778899"}

// preset reads an embedded profile, with changes made to its text.
func preset(tb testing.TB, name string, changes ...string) *voucher.Profile {
	tb.Helper()
	doc, err := voucher.Preset(name)
	if err != nil {
		tb.Fatal(err)
	}
	return profile(tb, changed(tb, name, string(doc), changes))
}

// firstRelease reads a preset as the first release had it, which companies have stored,
// with changes made to its text.
func firstRelease(tb testing.TB, name string, changes ...string) *voucher.Profile {
	tb.Helper()
	doc, err := os.ReadFile(filepath.Join("testdata", "profiles-1", name+".yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	return profile(tb, changed(tb, name, string(doc), changes))
}

func changed(tb testing.TB, name, text string, changes []string) string {
	tb.Helper()
	for i := 0; i < len(changes); i += 2 {
		if changes[i] == "take" { // the example of a reverse charge with this member
			example := regexp.MustCompile(`(?m)^  # (reverse_charge: \{.*` + changes[i+1] + `.*\})$`)
			if !example.MatchString(text) {
				tb.Fatalf("preset %s shows no reverse charge with %s", name, changes[i+1])
			}
			text = example.ReplaceAllString(text, "  $1")
			continue
		}
		if !strings.Contains(text, changes[i]) {
			tb.Fatalf("preset %s has no %q to change", name, changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

// decided is the decision that nothing is owed on fees without VAT, for the stored
// presets that leave it open.
var decided = []string{"# vat:\n#   rates:\n#     \"0\": {}", "vat:\n  reverse_charge: false"}

func profile(tb testing.TB, doc string) *voucher.Profile {
	tb.Helper()
	p, err := voucher.ParseProfile([]byte(doc))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// row makes a row of a pair "TYPE/DETAILED_TYPE" in SEK.
func row(pair string, amount int64, vat ...int64) settlement.Row {
	typ, detailed, _ := strings.Cut(pair, "/")
	r := settlement.Row{Type: typ, DetailedType: detailed, Amount: amount, Currency: "SEK"}
	if len(vat) > 0 {
		r.VAT = vat[0]
	}
	return r
}

// payout is one of Friday 30 January 2026, 06:00 UTC, in SEK.
func payout(totals settlement.Totals) settlement.Payout {
	return settlement.Payout{
		PaymentReference: "1234567890", MerchantID: "K100001", Currency: "SEK", RegistrationCurrency: "SEK",
		Date: time.Date(2026, 1, 30, 6, 0, 0, 0, time.UTC), Type: settlement.Net, Totals: totals,
	}
}

// prove proves a payout whose rows take its currency.
func prove(tb testing.TB, p settlement.Payout, rows ...settlement.Row) *settlement.Proof {
	tb.Helper()
	tally := settlement.NewTally(p.Currency)
	for i := range rows {
		rows[i].Currency = p.Currency
		tally.Add(&rows[i])
	}
	proof, err := settlement.Prove(p, tally, int64(len(rows)), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return proof
}

func compile(tb testing.TB, p *voucher.Profile, proof *settlement.Proof) *voucher.Voucher {
	tb.Helper()
	v, err := voucher.Compile(p, proof, target)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// held asserts that compiling stops with an error under code.
func held(tb testing.TB, p *voucher.Profile, proof *settlement.Proof, code string) error {
	tb.Helper()
	v, err := voucher.Compile(p, proof, target)
	if err == nil {
		tb.Fatalf("compiled, want it held as %q:\n%s", code, table(v))
	}
	if got := codeOf(err); got != code {
		tb.Fatalf("held as %q (%v), want %q", got, err, code)
	}
	return err
}

func codeOf(err error) string {
	var coded interface{ Code() string }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return ""
}

// table writes a voucher as an accountant would read it.
func table(v *voucher.Voucher) string {
	var b strings.Builder
	for i := range v.Lines {
		l := &v.Lines[i]
		fmt.Fprintf(&b, "%-6s %12s %12s  %s\n", l.Account, amount(l.Debit, v.Currency), amount(l.Credit, v.Currency), l.Text)
	}
	debit, credit := v.Total()
	fmt.Fprintf(&b, "%-6s %12s %12s\n", "", amount(debit, v.Currency), amount(credit, v.Currency))
	return b.String()
}

func amount(minor int64, c settlement.Currency) string {
	if minor == 0 {
		return ""
	}
	return settlement.Format(minor, c)
}

// wantTable compares a voucher with the table of an accountant.
func wantTable(tb testing.TB, v *voucher.Voucher, want string) {
	tb.Helper()
	got, want := strings.TrimSpace(table(v)), strings.TrimSpace(want)
	if normal(got) != normal(want) {
		tb.Errorf("the voucher is\n%s\nwant\n%s", got, want)
	}
}

func normal(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// balance returns what a voucher does to an account: debit less credit.
func balance(v *voucher.Voucher, account string) int64 {
	var sum int64
	for i := range v.Lines {
		if l := &v.Lines[i]; l.Account == account {
			sum += l.Debit - l.Credit
		}
	}
	return sum
}

func tallyOf(rows []settlement.Row) *settlement.Tally {
	tally := settlement.NewTally("SEK")
	for i := range rows {
		tally.Add(&rows[i])
	}
	return tally
}
