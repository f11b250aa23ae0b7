package vismasim_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/vismasim"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

func TestMasterDataCanBeRead(t *testing.T) {
	w := newWorld(t, nil)
	for path, want := range map[string]int{
		"/v1/organization": 1, "/v1/branch": 3, "/v1/ledger": 2, "/v1/currency": 5, "/v1/vat": 5, "/v1/financialPeriod": 156,
		"/v1/subaccount": 12, "/v1/subaccount?active=true": 9, "/v1/subaccount?pageNumber=2&pageSize=5": 5, "/v1/dimension": 4,
	} {
		if got := read[[]any](t, w.ask(http.StatusOK, "GET", path, "")); len(got) != want {
			t.Errorf("%s has %d items, want %d", path, len(got), want)
		}
	}
	all := read[[]object](t, w.ask(http.StatusOK, "GET", "/v1/account", ""))
	active := read[[]object](t, w.ask(http.StatusOK, "GET", "/v1/account?active=true", ""))
	above := read[[]object](t, w.ask(http.StatusOK, "GET", "/v1/account?greaterThanValue=8400", ""))
	if len(active) >= len(all) || len(above) != 4 {
		t.Errorf("%d accounts, %d active, %d above 8400", len(all), len(active), len(above))
	}
	for path, want := range map[string]object{
		"/v1/account/2440":           {"accountCD": "2440", "type": "Liability", "active": true, "controlAccountModule": "AP", "allowManualEntry": true},
		"/v1/account/2650":           {"allowManualEntry": false},
		"/v1/account/1920":           {"active": false, "cashAccount": false},
		"/v1/branch/9":               {"isActive": false, "isMainBranch": false},
		"/v1/financialPeriod/202601": {"year": jsonNumber("2026"), "period": "012026", "startDate": "2026-01-01T00:00:00", "endDate": "2026-01-31T00:00:00", "active": true, "closedInGeneralLedger": false},
		"/v1/currency/SEK":           {"isBaseCurrency": true, "decimalPrecision": jsonNumber("2"), "isUsedForAccounting": true},
		"/v1/currency/GBP":           {"isBaseCurrency": false, "isUsedForAccounting": false},
		"/v1/vat/TJ25":               {"vatCategoryId": "TJ25", "type": "ReverseVat"},
		"/v1/subaccount/10-010":      {"description": "Försäljning, Webb", "active": true},
		"/v1/dimension/SUBACCOUNT":   {"id": "SUBACCOUNT", "length": jsonNumber("5")},
		"/v1/dimension/SUBACCOUNT/2": {"segmentId": jsonNumber("2"), "length": jsonNumber("3")},
	} {
		got := read[object](t, w.ask(http.StatusOK, "GET", path, ""))
		for name := range got {
			if _, ok := want[name]; !ok {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	for _, path := range []string{"/v1/account/0000", "/v1/branch/x", "/v1/financialPeriod/204001", "/v1/currency/XXX", "/v1/vat/x", "/v1/subaccount/x", "/v1/dimension/x", "/v1/dimension/SUBACCOUNT/3"} {
		w.ask(http.StatusNotFound, "GET", path, "")
	}
}

func TestThePeriodAndItsEndDateHaveSeveralForms(t *testing.T) {
	for format, want := range map[string]string{"": "012026", "YYYYPP": "202601", "PP-YYYY": "01-2026"} {
		w := newWorld(t, func(o *vismasim.Options) {
			o.Companies[0].FinancialYear.PeriodFormat, o.Companies[0].FinancialYear.EndsOnNextStart = format, true
		})
		got := read[object](t, w.ask(http.StatusOK, "GET", "/v1/financialPeriod/202601", ""))
		if got["period"] != want || got["endDate"] != "2026-02-01T00:00:00" {
			t.Errorf("%q writes %v until %v", format, got["period"], got["endDate"])
		}
	}
}

func TestThePresetsAreSound(t *testing.T) {
	for _, c := range []vismasim.Company{
		vismasim.SwedishCompany("a", "A"), vismasim.NorwegianCompany("b", "B"), vismasim.FinnishCompany("c", "C"), vismasim.DanishCompany("d", "D"),
	} {
		known := map[string]bool{}
		inactive := 0
		for _, account := range c.Accounts {
			if known[account.Number] {
				t.Errorf("%s: account %s is listed twice", c.Country, account.Number)
			}
			known[account.Number] = true
			if account.Inactive {
				inactive++
			}
		}
		if len(known) < 40 || inactive == 0 || !known[c.YTDAccount] {
			t.Errorf("%s: %d accounts, %d inactive, net income account %q", c.Country, len(known), inactive, c.YTDAccount)
		}
		for _, v := range c.VATs {
			if !known[v.PayableAccount] || !known[v.ClaimableAccount] {
				t.Errorf("%s: VAT %s points at accounts that do not exist", c.Country, v.ID)
			}
		}
		if _, err := vismasim.New(vismasim.Options{Companies: []vismasim.Company{c}, Authorize: vismasim.Anyone(c.TenantID)}); err != nil {
			t.Error(err)
		}
	}
	if _, err := vismasim.New(vismasim.Options{}); err == nil {
		t.Error("a simulator without a company was set up")
	}
}
