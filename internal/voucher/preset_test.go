package voucher_test

import (
	"regexp"
	"strings"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// A preset knows every kind of rows that Klarna knows: a payout with one of each
// compiles, and with VAT on every fee.
func TestEveryPresetCoversEveryKindOfRows(t *testing.T) {
	kinds := append(settlement.Kinds(), settlement.Kind{Type: settlement.TypeTax, DetailedType: "ANY"})
	for _, name := range voucher.Presets() {
		profile := decidedPreset(t, name)
		for _, k := range kinds {
			vat := int64(0)
			if sweden := strings.HasPrefix(name, "se-"); sweden && (k.Type == settlement.TypeFee || k.Type == settlement.TypeFeeRefund) {
				vat = 25
			}
			proof := &settlement.Proof{
				Payout:     payout(settlement.Totals{}),
				Components: []settlement.Component{{Key: settlement.Key{Type: k.Type, DetailedType: k.DetailedType}, Rows: 1, Amount: 100, VAT: vat}},
			}
			e := proof.Effect(proof.Components[0])
			proof.Payout.Totals[settlement.TotalSettlement] = e.Amount + e.VAT
			v, err := voucher.Compile(profile, proof, target)
			if err != nil {
				t.Errorf("%s, %s: %v", name, k.Pair(), err)
				continue
			}
			for _, l := range v.Lines {
				if l.Text == "" || strings.Contains(l.Text, "_") {
					t.Errorf("%s, %s: a line reads %q", name, k.Pair(), l.Text)
				}
			}
		}
	}
}

// decidedPreset is a preset in which somebody has decided that nothing is owed on
// fees without VAT.
func decidedPreset(t *testing.T, name string) *voucher.Profile {
	t.Helper()
	if strings.HasPrefix(name, "se-") {
		return preset(t, name)
	}
	return preset(t, name, nothingOwed...)
}

// What Klarna invents is held, also by the presets: none has a catch-all.
func TestNoPresetHasACatchAll(t *testing.T) {
	for _, name := range voucher.Presets() {
		profile := preset(t, name)
		for _, typ := range settlement.Types() {
			proof := &settlement.Proof{
				Payout:     payout(settlement.Totals{}),
				Components: []settlement.Component{{Key: settlement.Key{Type: typ, DetailedType: "BRAND_NEW"}, Rows: 1, Amount: 100}},
			}
			proof.Payout.Totals[settlement.TotalSettlement] = proof.Effect(proof.Components[0]).Amount
			if typ == settlement.TypeTax {
				continue // has no detailed types to invent more of
			}
			held(t, profile, proof, "component_unknown")
		}
	}
}

func TestPresetsAskAPersonFirst(t *testing.T) {
	zones := map[string]string{"se-bas": "Europe/Stockholm", "se-bas-2025": "Europe/Stockholm", "no-ns4102": "Europe/Oslo", "fi": "Europe/Helsinki", "dk": "Europe/Copenhagen"}
	if len(voucher.Presets()) != len(zones) {
		t.Fatalf("presets %v", voucher.Presets())
	}
	for _, name := range voucher.Presets() {
		p := preset(t, name)
		if p.Posting != (voucher.Posting{Mode: voucher.Review, ReviewAfterChange: 1}) || p.Periods.Policy != voucher.HoldPeriod || !p.Start.IsZero() {
			t.Errorf("%s: %+v, %+v", name, p.Posting, p.Periods)
		}
		if p.TimeZone != zones[name] {
			t.Errorf("%s is in %s", name, p.TimeZone)
		}
		if uses := p.Uses(); len(uses.Ledgers) > 0 || len(uses.Subaccounts) > 0 {
			t.Errorf("%s presumes a ledger or a subaccount: %+v", name, uses)
		}
	}
	if _, err := voucher.Preset("se_bas"); err == nil || !strings.Contains(err.Error(), `did you mean "se-bas"?`) {
		t.Errorf("a preset that is not there: %v", err)
	}
}

// What a preset suggests in a comment has to work when it is taken over.
func TestTheExamplesInThePresetsWork(t *testing.T) {
	comment := regexp.MustCompile(`(?m)^# ((?:ledger|branch|subaccount|start|overrides|  - when|    accounts|    components|      SALE/PURCHASE|    branch|    vat): ?.*)$`)
	perCurrency := regexp.MustCompile(`# +(settlement: \{.*\})`)
	wholeType := regexp.MustCompile(`# +(FEE/\*: .*)`)
	for _, name := range voucher.Presets() {
		doc, err := voucher.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		text := comment.ReplaceAllString(string(doc), "$1")
		example := perCurrency.FindStringSubmatch(text)
		catchAll := wholeType.FindStringSubmatch(text)
		if example == nil || catchAll == nil {
			t.Fatalf("%s shows no account per currency or no rule for a type", name)
		}
		text = regexp.MustCompile(`(?m)^  settlement: .*[0-9]"$`).ReplaceAllLiteralString(text, "  "+example[1])
		text = strings.Replace(text, "\ncomponents:\n", "\ncomponents:\n  "+catchAll[1]+"\n", 1)
		p := profile(t, text)
		if uses := p.Uses(); p.Start.IsZero() || len(uses.Currencies) < 2 || len(uses.Branches) != 2 || len(uses.Subaccounts) != 1 || len(uses.Ledgers) != 1 || len(p.VAT()) < 2 {
			t.Errorf("%s: not all examples were taken over: %+v", name, uses)
		}
		vat := int64(0)
		if strings.HasPrefix(name, "se-") {
			vat = 1
		}
		text = strings.Replace(text, "  # reverse_charge: false", "  reverse_charge: false", 1)
		compile(t, profile(t, text), prove(t, payout(settlement.Totals{settlement.TotalFee: 4, settlement.TotalTax: vat, settlement.TotalSettlement: -4 - vat}), row("FEE/BRAND_NEW", 4, vat)))
	}
}
