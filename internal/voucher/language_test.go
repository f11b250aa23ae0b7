package voucher_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// phrases are the texts of a language, by member and by kind of rows.
func phrases(t *testing.T, language string) map[string]string {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("texts", language+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var read struct{ Texts, Rules map[string]string }
	if err := yaml.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	for kind, text := range read.Rules {
		read.Texts[kind] = text
	}
	return read.Texts
}

// The five languages say the same things, and each fits on a line with the longest
// names and figures.
func TestEveryLanguageSaysTheSame(t *testing.T) {
	english := phrases(t, "en")
	placeholder := regexp.MustCompile(`\{[a-z_]+\}`)
	long := strings.NewReplacer("{provider}", "Klarna", "{payment_reference}", "1234567890", "{currency}", "SEK", "{payout_date}", "2026-01-30",
		"{vat_rate}", "25.5", "{batch_number}", "0001234", "{voucher_date}", "2026-01-30", "{date}", "2026-01-30")
	for _, language := range voucher.Languages() {
		texts := phrases(t, language)
		if len(texts) != len(english) {
			t.Errorf("%s has %d texts, and English %d", language, len(texts), len(english))
		}
		for key, text := range texts {
			want := placeholder.FindAllString(english[key], -1)
			got := placeholder.FindAllString(text, -1)
			slices.Sort(want)
			slices.Sort(got)
			if text == "" || !slices.Equal(want, got) {
				t.Errorf("%s, %s: %q has %v, want %v", language, key, text, got, want)
			}
			most := 60
			if key == "description" || strings.HasSuffix(key, "_description") || key == "reversal" {
				most = 35
			}
			if n := utf8.RuneCountInString(long.Replace(text)); n > most {
				t.Errorf("%s, %s: %q is %d characters long", language, key, long.Replace(text), n)
			}
		}
	}
}

// Every kind of rows that a preset knows has a text in its language, and Kustom is
// Kustom in all of them.
func TestVouchersNameWhoPaysOut(t *testing.T) {
	kinds := append(settlement.Kinds(), settlement.Kind{Type: settlement.TypeTax, DetailedType: "ANY"})
	kustom := target
	kustom.Provider = "Kustom"
	for _, name := range voucher.Presets() {
		profile := decidedPreset(t, name)
		for _, k := range kinds {
			vat := int64(0)
			if strings.HasPrefix(name, "se-") && (k.Type == settlement.TypeFee || k.Type == settlement.TypeFeeRefund) {
				vat = 25
			}
			proof := &settlement.Proof{
				Payout:     payout(settlement.Totals{}),
				Components: []settlement.Component{{Key: settlement.Key{Type: k.Type, DetailedType: k.DetailedType}, Rows: 1, Amount: 100, VAT: vat}},
			}
			e := proof.Effect(proof.Components[0])
			proof.Payout.Totals[settlement.TotalSettlement] = e.Amount + e.VAT
			v, err := voucher.Compile(profile, proof, kustom)
			if err != nil {
				t.Errorf("%s, %s: %v", name, k.Pair(), err)
				continue
			}
			for _, text := range append([]string{v.Description}, texts(v)...) {
				if strings.Contains(text, "Klarna") || !strings.Contains(text, "Kustom") || strings.ContainsAny(text, "{}_") {
					t.Errorf("%s, %s: %q", name, k.Pair(), text)
				}
			}
		}
	}
}

func texts(v *voucher.Voucher) []string {
	var all []string
	for i := range v.Lines {
		all = append(all, v.Lines[i].Text)
	}
	return all
}

func TestPlaceholdersCountOrdersAndNameThePeriod(t *testing.T) {
	p := firstRelease(t, "se-bas", `text: "Klarna sales"`, `text: "{provider}: {orders} orders of {period}"`,
		`settlement: "Klarna payout {payment_reference}"`, `settlement: "{provider} {period}, {orders} orders"`, "vat:\n", "vat:\n  reverse_charge: false\n")
	v := compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalSale: 600_00, settlement.TotalReturn: 100_00, settlement.TotalSettlement: 500_00}),
		row("SALE/PURCHASE", 100_00), row("SALE/PURCHASE", 200_00), row("SALE/PURCHASE", 300_00), row("RETURN/PURCHASE_RETURN", 100_00)))
	wantTable(t, v, `
1930         500.00               Klarna 2026-01, 3 orders
1686         100.00               Klarna returns
1686                      600.00  Klarna: 3 orders of 2026-01
             600.00       600.00`)
}

// A text with the number of orders is one line, however many countries there are.
func TestTheNumberOfOrdersIsThatOfTheLine(t *testing.T) {
	p := firstRelease(t, "se-bas", `text: "Klarna sales"`, `text: "{orders} sales"`)
	one, two := row("SALE/PURCHASE", 100_00), row("SALE/PURCHASE", 200_00)
	two.Country = "NO"
	wantTable(t, compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalSale: 300_00, settlement.TotalSettlement: 300_00}), one, two)), `
1930         300.00               Klarna payout 1234567890
1686                      300.00  2 sales
             300.00       300.00`)
}
