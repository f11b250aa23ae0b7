package voucher_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

var renew = flag.Bool("renew", false, "write the vouchers of testdata anew")

// country is a preset with the currency it is for. VAT is what Klarna charges
// there, in percent.
type country struct {
	name     string // of its files; the preset when empty
	preset   string
	currency settlement.Currency
	vat      int64
	changes  []string
	only     []string // kinds of payouts; nil: all
}

func (c *country) file(k *kindOfPayout) string { return cmp.Or(c.name, c.preset) + "-" + k.name }

func (c *country) has(k *kindOfPayout) bool { return c.only == nil || slices.Contains(c.only, k.name) }

var countries = []country{
	{preset: "se-bas", currency: "SEK", vat: 25},
	{name: "se-bas-vat-transactions", preset: "se-bas", currency: "SEK", vat: 25, changes: []string{
		`    "25": {}`, `    "25": {code: "25", id: "25", base_code: "25", base_id: "25"}`, "  # transaction: true\n", "  transaction: true\n",
	}, only: []string{"net", "gross-fee", "fee-refunded"}},
	{preset: "se-bas-2025", currency: "SEK", vat: 25, only: []string{"net", "disputes-commission-loan-and-correction"}},
	{preset: "no-ns4102", currency: "NOK", changes: nothingOwed},
	{name: "no-ns4102-reverse-charge", preset: "no-ns4102", currency: "NOK", changes: owed("base: "), only: []string{"net", "gross-fee", "fee-refunded"}},
	{name: "no-ns4102-vat-transactions", preset: "no-ns4102", currency: "NOK", changes: owed("base_code: "), only: []string{"net", "gross-fee", "fee-refunded"}},
	{preset: "fi", currency: "EUR", changes: owed("base: ")},
	{name: "fi-vat-transactions", preset: "fi", currency: "EUR", changes: owed("base_code: "), only: []string{"net", "fee-refunded"}},
	{preset: "dk", currency: "DKK", changes: owed("base: ")},
	{name: "dk-vat-transactions", preset: "dk", currency: "DKK", changes: owed("base_code: "), only: []string{"net", "fee-refunded"}},
}

// nothingOwed decides that nothing is owed on fees without VAT.
var nothingOwed = []string{"  # reverse_charge: false\n", "  reverse_charge: false\n"}

// owed takes over the reverse charge that a preset shows: with lines of base and
// contra, or with codes of which Visma.net makes VAT transactions.
func owed(with string) []string {
	if with == "base_code: " {
		return []string{"take", with, "  # transaction: true\n", "  transaction: true\n"}
	}
	return []string{"take", with}
}

// firstReleases are the presets of the first release, as companies have stored them.
var firstReleases = []country{
	{preset: "se-bas", currency: "SEK", vat: 25},
	{preset: "no-ns4102", currency: "NOK", changes: decided},
	{name: "no-ns4102-reverse-charge", preset: "no-ns4102", currency: "NOK", changes: []string{
		"# vat:\n#   rates:\n#     \"0\": {}", "vat:\n  rates:\n    \"0\": {}\n  reverse_charge: {rate: \"25\", input: \"2713\", output: \"2703\"}",
	}, only: []string{"net", "gross-fee", "fee-refunded"}},
	{preset: "fi", currency: "EUR", changes: []string{
		"# vat:\n#   rates:\n#     \"0\": {}", "vat:\n  rates:\n    \"0\": {}\n  reverse_charge: {rate: \"25.5\", input: \"1763\", output: \"2939\"}",
	}},
	{preset: "dk", currency: "DKK", changes: []string{
		"# vat:\n#   rates:\n#     \"0\": {}", "vat:\n  rates:\n    \"0\": {}\n  reverse_charge: {rate: \"25\", input: \"7740\", output: \"7720\"}",
	}},
}

// kindOfPayout is a payout that every country has a voucher of.
type kindOfPayout struct {
	name    string
	typ     settlement.SettlementType
	totals  settlement.Totals // Fee, Settlement and so on without VAT
	outside bool              // fees that are not deducted
	stated  func(int64) int64 // how Klarna states the amount of a bill, if not as money taken
	rows    []settlement.Row
}

func kindsOfPayout() []kindOfPayout {
	fee := func(amount int64) settlement.Row { return row("FEE/PURCHASE_FEE_PERCENTAGE", amount) }
	return append(awkwardPayouts(), []kindOfPayout{
		{
			name: "net", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 100_000_00, settlement.TotalReturn: 8_000_00, settlement.TotalFee: 2_480_00, settlement.TotalHoldback: 5_000_00, settlement.TotalRelease: 2_000_00, settlement.TotalSettlement: 86_520_00},
			rows: []settlement.Row{
				row("SALE/PURCHASE", 100_000_00), row("RETURN/PURCHASE_RETURN", 8_000_00), fee(2_480_00),
				row("HOLDBACK/ROLLING_RESERVE", 5_000_00), row("RELEASE/ROLLING_RESERVE", 2_000_00),
			},
		},
		{
			name: "gross", typ: settlement.Gross, outside: true,
			totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalFee: 100_00, settlement.TotalSettlement: 1_000_00},
			rows:   []settlement.Row{row("SALE/PURCHASE", 1_000_00), fee(100_00)},
		},
		{
			name: "gross-fee", typ: settlement.GrossFee,
			totals: settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalSettlement: -100_00},
			rows:   []settlement.Row{fee(100_00)},
		},
		{
			name: "negative-carried-as-debt", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalDeposit: 50_00, settlement.TotalClosingDebt: 50_00, settlement.TotalSettlement: 0},
			rows:   []settlement.Row{row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 150_00)},
		},
		{
			name: "debt-repaid", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 300_00, settlement.TotalFee: 8_00, settlement.TotalOpeningDebt: 50_00, settlement.TotalRepay: 50_00, settlement.TotalSettlement: 242_00},
			rows:   []settlement.Row{row("SALE/PURCHASE", 300_00), fee(8_00)},
		},
		{
			name: "negative", typ: settlement.Net,
			totals: settlement.Totals{settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00},
			rows:   []settlement.Row{row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 150_00)},
		},
		{
			name: "disputes-commission-loan-and-correction", typ: settlement.Net,
			totals: settlement.Totals{
				settlement.TotalReversal: -20_00, settlement.TotalCommission: 30_00, settlement.TotalCommissionReversal: 10_00, settlement.TotalFeeCorrection: -7_00, settlement.TotalCredit: 500_00, settlement.TotalCharge: 103_00, settlement.TotalSettlement: 430_00,
			},
			rows: []settlement.Row{
				row("REVERSAL/FRAUD_POLICY_CHARGE", 80_00), row("REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", 100_00),
				row("COMMISSION/COMMISSION", 30_00), row("COMMISSION/COMMISSION_RETURN", 10_00), row("CORRECTION/CREDITED_CORRECTION", -7_00),
				row("CREDIT/CASH_ADVANCE_PAYOUT", 500_00), row("CHARGE/CASH_ADVANCE_AMORTISATION", 100_00), row("CHARGE/LOAN_FEE", 3_00),
			},
		},
	}...)
}

// in makes the payout one of a country, with the VAT that Klarna charges there.
func (k *kindOfPayout) in(t *testing.T, c *country) *settlement.Proof {
	t.Helper()
	p := payout(k.totals)
	p.Type, p.Currency, p.RegistrationCurrency = k.typ, c.currency, c.currency
	rows := append([]settlement.Row(nil), k.rows...)
	for i := range rows {
		r := &rows[i]
		if c.vat == 0 || r.DetailedType == "LOAN_FEE" { // interest carries none
			continue
		}
		switch vat := r.Amount * c.vat / 100; r.Type {
		case settlement.TypeFee:
			r.VAT, r.VATRate = vat, c.vat*100
			p.Totals[settlement.TotalTax] += vat
		case settlement.TypeFeeRefund:
			r.VAT, r.VATRate = vat, c.vat*100
			p.Totals[settlement.TotalTaxRefund] += vat
		}
	}
	if !k.outside {
		p.Totals[settlement.TotalSettlement] += p.Totals[settlement.TotalTaxRefund] - p.Totals[settlement.TotalTax]
	}
	if k.stated != nil {
		p.Totals[settlement.TotalSettlement] = k.stated(p.Totals[settlement.TotalSettlement])
	}
	return prove(t, p, rows...)
}

// TestTheVouchersOfEveryCountryAndKindOfPayout compares with text files that an
// accountant can read: testdata/vouchers. -renew writes them anew.
func TestTheVouchersOfEveryCountryAndKindOfPayout(t *testing.T) {
	for _, c := range countries {
		profile := preset(t, c.preset, c.changes...)
		for _, k := range kindsOfPayout() {
			if !c.has(&k) {
				continue
			}
			v := compile(t, profile, k.in(t, &c))
			sameAsFile(t, c.file(&k), v)
			back := voucher.Mirror(profile, voucher.Reversed{Voucher: v, MerchantID: "K100001", Company: target.Company, Batch: "000123"})
			back.MoveTo(voucher.Date{Year: 2026, Month: 3, Day: 1})
			if err := back.Check(); err != nil {
				t.Errorf("%s %s: its reversal: %v", c.preset, k.name, err)
			}
			if k.name == "net" {
				sameAsFile(t, c.file(&k)+"-reversed-in-march", back)
			}
		}
	}
}

func sameAsFile(t *testing.T, name string, v *voucher.Voucher) {
	t.Helper()
	got := fmt.Sprintf("%s %s\n%s\n\n%s", v.Date, v.Currency, v.Description, tidy(table(v)))
	for _, c := range v.Outside {
		got += fmt.Sprintf("billed apart: %s %s\n", c.Pair(), settlement.Format(c.Amount, v.Currency))
	}
	for i := range v.Lines {
		if l := &v.Lines[i]; l.VATCode+l.VATID+l.Branch != "" {
			got += fmt.Sprintf("%s %s: VAT code %q, VAT id %q, branch %q\n", l.Account, l.Text, l.VATCode, l.VATID, l.Branch)
		}
	}
	if v.VATTransaction {
		got += "makes VAT transactions\n"
	}
	if v.ExchangeRate != "" {
		got += "exchange rate " + v.ExchangeRate + "\n"
	}
	sameText(t, name, got)
}

// sameText compares with a file of testdata/vouchers.
func sameText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "vouchers", name+".txt")
	if *renew {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is now\n%s\nand was\n%s", name, got, want)
	}
}

func tidy(table string) string {
	lines := strings.Split(table, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}
