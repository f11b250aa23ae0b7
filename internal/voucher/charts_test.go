package voucher_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"kvitt/internal/voucher"
)

// entry is a row of presets/charts.csv.
type entry struct{ name, nature, under, source string }

// charts reads presets/charts.csv, by preset and number.
func charts(t *testing.T) map[string]map[string]entry {
	t.Helper()
	file, err := os.Open(filepath.Join("presets", "charts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]entry{}
	for _, r := range rows[1:] {
		preset, chart, year, number := r[0], r[1], r[2], r[3]
		if all[preset] == nil {
			all[preset] = map[string]entry{}
		}
		if _, twice := all[preset][number]; twice {
			t.Errorf("%s has %s twice", preset, number)
		}
		if chart == "" || year == "" || r[4] == "" || r[7] == "" || !slices.Contains([]string{"asset", "liability", "income", "cost"}, r[5]) {
			t.Errorf("%s, %s: a member is missing: %q", preset, number, r)
		}
		all[preset][number] = entry{r[4], r[5], r[6], r[7]}
	}
	return all
}

// natures are those that an account may have, by what a profile uses it for.
var natures = map[string][]string{
	"settlement": {"asset"}, "receivable": {"asset"}, "vat": {"asset"}, "clearing": {"asset"}, "reserve": {"asset"}, "disputes": {"asset"},
	"input_vat": {"asset", "liability"}, "debt": {"liability"}, "loan": {"liability"}, "fees_invoice": {"liability"},
	"fees": {"cost"}, "loan_costs": {"cost"}, "commission": {"income"}, "suspense": {"asset", "liability"},
	"input": {"asset", "liability"}, "output": {"liability"}, "base": {"cost"}, "base_contra": {"cost"},
}

// Every account of every preset, those of its examples and comments too, is in the
// chart that it is for, with its official name, and is what its use asks for.
func TestEveryAccountOfEveryPresetIsInItsChart(t *testing.T) {
	all := charts(t)
	used := regexp.MustCompile(`([a-z_]+): "([0-9]{4,5})"`)
	perCurrency := regexp.MustCompile(`settlement: \{([^}]*)\}`)
	number := regexp.MustCompile(`\b[0-9]{4,5}\b`)
	for _, name := range voucher.Presets() {
		document, err := voucher.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range used.FindAllStringSubmatch(string(document), -1) {
			use, account := m[1], m[2]
			chart, ok := all[name][account]
			switch want := natures[use]; {
			case use == "account":
			case !ok:
				t.Errorf("%s: %s %s is not in the chart", name, use, account)
			case want == nil:
				t.Errorf("%s: nothing is known of the use %q of %s", name, use, account)
			case !slices.Contains(want, chart.nature):
				t.Errorf("%s: %s %s %s is of the nature %s, want %v", name, use, account, chart.name, chart.nature, want)
			}
			seen[account] = true
		}
		for _, m := range perCurrency.FindAllStringSubmatch(string(document), -1) {
			for _, account := range number.FindAllString(m[1], -1) {
				if got := all[name][account]; got.nature != "asset" {
					t.Errorf("%s: settlement %s is %+v", name, account, got)
				}
			}
		}
		for _, account := range preset(t, name).Accounts() {
			if !seen[account] {
				t.Errorf("%s: %s was not looked at", name, account)
			}
		}
		// Numbers in comments: those that are not years, standards or amounts.
		for _, account := range number.FindAllString(string(document), -1) {
			if _, ok := all[name][account]; !ok && !slices.Contains(notAccounts, account) {
				t.Errorf("%s names %s, which is not in the chart", name, account)
			}
		}
	}
}

// notAccounts are numbers in the presets that are no accounts: years, a court's
// case, the standard of the Norwegian chart, and accounts that a comment warns of.
var notAccounts = []string{"2025", "2026", "2019", "4102", "1570", "1576", "1580", "1515", "1686", "1700", "1701"}

// An account of the company's own is opened under one of the chart.
func TestOwnAccountsAreUnderOnesOfTheChart(t *testing.T) {
	for name, chart := range charts(t) {
		for number, e := range chart {
			own := e.source == "the company's own number"
			if own != (e.under != "") {
				t.Errorf("%s, %s: %+v", name, number, e)
			}
			if parent, ok := chart[e.under]; own && e.under != "-" && (!ok || parent.nature != e.nature || parent.under != "") {
				t.Errorf("%s: %s %s is under %s, which is %+v", name, number, e.name, e.under, parent)
			}
		}
	}
}

// Their balances have to equal Klarna's, so nothing else is booked there.
func TestReserveDebtAndClearingAreApart(t *testing.T) {
	for _, name := range voucher.Presets() {
		p := preset(t, name)
		for _, account := range p.Accounts() {
			users := p.UsedBy(account)
			apart := 0
			for _, use := range []string{"debt", "fees_invoice", "settlement"} {
				if slices.Contains(users, use) {
					apart++
				}
			}
			held, sold := slices.Contains(users, "HOLDBACK/ROLLING_RESERVE"), slices.Contains(users, "SALE/PURCHASE")
			if apart > 1 || held && (sold || apart > 0) || sold && apart > 0 {
				t.Errorf("%s: %s is used by %v", name, account, users)
			}
		}
	}
}
