package voucher_test

import (
	"bytes"
	"errors"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// Whatever is typed, a profile is either read or refused with a place in the
// document; and one that is read compiles a voucher that balances or says why
// not.
func FuzzParseProfile(f *testing.F) {
	for _, name := range voucher.Presets() {
		doc, err := voucher.Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	for _, seed := range []string{
		small, small + "overrides:\n  - when: {country: NO}\n    components: {FEE/*: {text: '{country}'}}\n",
		small + "subaccount: {1: \"10\"}\ntexts: {description: |\n  x}\nstart: 2026-01-01\nposting: {mode: auto}\n",
		small + "vat: {rates: {\"25\": {}}}\noverrides:\n  - when: {currency: SEK}\n    vat: {rates: {\"25\": {account: \"2\"}, \"0\": {}}, transaction: true, exchange_rate: klarna}\n" +
			"  - when: {country: NO}\n    vat: {reverse_charge: {rate: \"25\", input: \"1\", output: clearing}}\n  - when: {merchant_id: K}\n    vat: {reverse_charge: false}\n",
		"", "a: &x 1\nb: *x", "!!map {}", "? a\n: b", "- - -", "\"\\u0000\": {", "<<: {a: b}", "%YAML 1.2\n---\n", "a: |2-\n  b", "{a: [b, {c: }]}",
		"version: 1\nversion: 1", "accounts: {settlement: {\"*\": 1}}", "\xff", "components: {SALE/*: {account: 1.5e3}}",
	} {
		f.Add([]byte(seed))
	}
	p, rows := nordicWeek("SEK", 100, 25)
	tally := settlement.NewTally("SEK")
	for i := range rows {
		tally.Add(&rows[i])
	}
	proof, err := settlement.Prove(p, tally, int64(len(rows)), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		profile, err := voucher.ParseProfile(doc)
		if err != nil {
			var e *voucher.ProfileError
			if !errors.As(err, &e) {
				t.Fatalf("got %T: %v", err, err)
			}
			if e.Line < 1 || e.Column < 1 || e.Line > bytes.Count(doc, []byte("\n"))+bytes.Count(doc, []byte("\r"))+2 || e.Problem == "" {
				t.Fatalf("no such place: %v", err)
			}
			return
		}
		if len(profile.Accounts()) == 0 {
			t.Fatal("a profile without accounts")
		}
		v, err := voucher.Compile(profile, proof, target)
		if err != nil {
			if code := codeOf(err); code != "component_unknown" && code != "vat_rate_unexpected" {
				t.Fatalf("held as %q: %v", codeOf(err), err)
			}
			return
		}
		if err := v.Check(); err != nil {
			t.Fatal(err)
		}
		again, err := voucher.ParseProfile(doc)
		if err != nil || again.Hash() != profile.Hash() {
			t.Fatalf("read twice, and it differs: %v", err)
		}
	})
}

// What a batch description holds, a token is found in it exactly where Kvitt
// put one.
func FuzzFindToken(f *testing.F) {
	f.Add("Rättelse ", " Klarna")
	f.Add("[kvitt:", "]")
	f.Add("[kvitt:0123456789abcdef", "")
	f.Fuzz(func(t *testing.T, before, after string) {
		own := voucher.Token("K1", before, after, 0)
		found, ok := voucher.FindToken(before + own + after)
		if !ok {
			t.Fatalf("the token is not found in %q", before+own+after)
		}
		if earlier, ok := voucher.FindToken(before); ok && earlier != found || !ok && found != own {
			t.Fatalf("found %q, want %q", found, own)
		}
	})
}
