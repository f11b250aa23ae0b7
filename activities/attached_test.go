package activities

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

var update = flag.Bool("update", false, "write the golden files anew")

// attachedPayout has everything that a text on a batch can say.
func attachedPayout(t *testing.T) (*store.Payout, *voucher.Voucher) {
	t.Helper()
	key := func(typ, detailed, country string) settlement.Key {
		return settlement.Key{Type: typ, DetailedType: detailed, Country: country}
	}
	proof := settlement.Proof{
		Payout: settlement.Payout{
			PaymentReference: "10001", MerchantID: "K1", Currency: "SEK", Date: time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC),
			Totals: settlement.Totals{settlement.TotalSale: 1_234_567_89, settlement.TotalReturn: 12_00, settlement.TotalFee: 1_000_00, settlement.TotalTax: 250_00, settlement.TotalTaxRefund: 5_00, settlement.TotalSettlement: 1_233_310_89},
		},
		Components: []settlement.Component{
			{Key: key("FEE", "PURCHASE_FEE_PERCENTAGE", "SE"), Rows: 12_345, Amount: 1_000_00, VAT: 250_00, Against: -10_00, VATAgainst: -2_50},
			{Key: key("SALE", "PURCHASE", ""), Rows: 12_345, Amount: 1_234_567_89},
		},
		Rows: 24_690, Variants: []string{settlement.TaxRefundOutsideFormula},
		Accepted: []settlement.Accepted{
			{Code: "formula_differs", Component: "fee", Difference: -1_50, Account: "6990", Reason: "rounded by Klarna"},
			{Code: "rows_incomplete", Difference: 1_200, Reason: "as Klarna says"},
		},
	}
	body, err := json.Marshal(Proof{&proof, archive.Kept{Parts: 50, Size: 12_345_678, Digest: "aa11"}})
	if err != nil {
		t.Fatal(err)
	}
	batch := func(token string, day voucher.Date) *voucher.Voucher {
		return &voucher.Voucher{Token: token, PaymentReference: "10001", Date: day, Currency: "SEK", Lines: []voucher.Line{
			{Account: "1930", Text: "Klarna 10001", Debit: 1_233_310_89}, {Account: "1686", Text: "Klarna 10001", Credit: 1_233_310_89},
		}}
	}
	v := batch("[kvitt:63d1c3a34552cf5f]", voucher.Date{Year: 2026, Month: 3, Day: 30})
	v.Earlier = []voucher.Part{
		{Period: "202602", At: voucher.Date{Year: 2026, Month: 2, Day: 28}, Batch: batch("[kvitt:1111c3a34552cf5f]", voucher.Date{Year: 2026, Month: 2, Day: 28})},
		{Period: "202601", At: voucher.Date{Year: 2026, Month: 1, Day: 31}, Why: "a part of the payout was captured in the period 202601 of company 5560001 Shop AB, and the period 202601 is not open"},
	}
	return &store.Payout{PaymentReference: "10001", Proof: body, ProfileVersion: 2}, v
}

// attachedTexts are all the texts that Kvitt attaches, in a language.
func attachedTexts(t *testing.T, language voucher.Language) map[string][]byte {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	a := attached{"Klarna", language, zone}
	row, v := attachedPayout(t)
	ref := workflows.PayoutRef{Connection: "c1", PaymentReference: "10001"}
	asked := workflows.ReversalStep{ReverseInput: workflows.ReverseInput{PayoutRef: ref, Who: "anna@example.com", Reason: "wrong account"}}
	accrued := workflows.AccrualStep{AccrualInput: workflows.AccrualInput{At: "2026-02-28", Currency: "SEK", Who: "anna@example.com"}}
	proof, err := a.proof(row, v,
		paper{name: "settlement.10001.pdf", note: a.say("%s has no PDF report for this payout.", "Klarna")},
		paper{name: "settlement.10001.csv", whole: archive.Whole{Parts: 3, Size: 1_234_567, SHA256: "bb22"}, note: a.say("It hangs on this batch compressed, as %s; the digest is of what gunzip makes of it.", "settlement.10001.csv.gz")})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"proof": proof, "part": a.part(ref, v.Earlier[0].Batch),
		"accrual":  a.accrual(&accrued, v.Earlier[0].Batch),
		"reversal": a.reversal(&asked, v, a.say("This batch takes batch %s back.", "000254")),
	}
}

func TestWhatIsAttachedIsInTheLanguageOfTheProfile(t *testing.T) {
	for _, language := range voucher.Languages() {
		for name, text := range attachedTexts(t, voucher.Language(language)) {
			golden := filepath.Join("testdata", "attached", name+"."+language+".txt")
			if *update {
				if err := os.WriteFile(golden, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != string(text) { // English is as it always was
				t.Errorf("%s is\n%s\nwant\n%s", golden, text, want)
			}
		}
	}
}

var (
	attachedSaid = regexp.MustCompile(`\b(?:a\.say\(|takesItselfBack = )("(?:[^"\\]|\\.)*")`)
	attachedVerb = regexp.MustCompile(`%[sd]`)
)

// What the code says, the table has in each language, with the same figures in the same
// order, and nothing else.
func TestWhatIsAttachedHasWordsInEveryLanguage(t *testing.T) {
	said := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range attachedSaid.FindAllStringSubmatch(string(code), -1) {
			english, err := strconv.Unquote(found[1])
			if err != nil {
				t.Fatal(err)
			}
			said[english] = true
			for _, language := range voucher.Languages()[1:] {
				text := attachedWords[english][voucher.Language(language)]
				if text == "" || !slices.Equal(attachedVerb.FindAllString(text, -1), attachedVerb.FindAllString(english, -1)) {
					t.Errorf("%s: %q in %s does not fit %q", name, text, language, english)
				}
			}
		}
	}
	for english := range attachedWords {
		if !said[english] {
			t.Errorf("nothing says %q", english)
		}
	}
	if len(said) < 30 {
		t.Errorf("only %d sentences were found", len(said))
	}
}
