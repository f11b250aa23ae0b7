package visma

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/fault"
)

// company is a small Visma.net company, by path.
var company = map[string]string{
	"/v1/organization": `[{"organizationCd":"20","name":"Butiken Norge","baseCurrency":"NOK"},
		{"organizationCd":"10","name":"Butiken AB","baseCurrency":"SEK","corporateId":"556000-0000","currency":{"id":"SEK","isBaseCurrency":true,"decimalPrecision":2},
		 "defaultCountry":{"id":"SE","name":"Sverige"},"branches":[{"number":"1","name":"Huvudkontor"}],"lastModifiedDateTime":"2026-01-02T03:04:05","timeStamp":"AAAA","mainAddress":{"city":"Lund"}}]`,
	"/v1/branch":   `[{"branchId":1,"number":"1","name":"Huvudkontor","isActive":true,"isMainBranch":true,"currency":{"id":"SEK"},"ledger":{"id":"1","description":"Huvudbok"}}]`,
	"/v1/ledger":   `[{"internalId":1,"number":"1","description":"Huvudbok","balanceType":"Actual","currencyId":"SEK","consolBranch":null},{"internalId":2,"number":"B","balanceType":"Budget"}]`,
	"/v1/currency": `[{"id":"SEK","isBaseCurrency":true,"decimalPrecision":2,"isUsedForAccounting":true},{"id":"JPY","decimalPrecision":0,"isUsedForAccounting":false}]`,
	"/v1/account": `[{"accountID":1,"accountCD":"1930","type":"Asset","active":true,"description":"Bank","cashAccount":true,"allowManualEntry":true,"metadata":{"totalCount":3,"maxPageSize":1000}},
		{"accountID":2,"accountCD":"1510","type":"Asset","active":true,"controlAccountModule":"AR","allowManualEntry":false,"metadata":{"totalCount":3}},
		{"accountID":3,"accountCD":"6064","type":"Expense","active":false,"allowManualEntry":null,"errorInfo":"","metadata":{"totalCount":3}}]`,
	"/v1/dimension/SUBACCOUNT": `{"id":"SUBACCOUNT","length":6,"segments":[{"segmentId":1,"description":"Avdelning","length":4,"validate":true,
		"segmentValues":[{"segmentId":1,"valueId":"0001","description":"Webb","active":true}]},{"segmentId":2,"description":"Projekt","length":2,"segmentValues":null}]}`,
	"/v1/financialPeriod": `[{"year":2026,"period":"202601","startDate":"2026-01-01T00:00:00","endDate":"2026-01-31T00:00:00","active":true,"closedInGeneralLedger":false}]`,
	"/v1/vat": `[{"vatCategoryId":"25","vatId":"25I","description":"Ingående 25","type":"Vat","reverseVat":false,"notValidAfter":null,
		"glAccounts":{"vatPayableAccount":null,"vatClaimableAccount":{"type":"Asset","number":"2641","active":true}},
		"schedules":[{"startDate":"2001-01-01T00:00:00","vatRate":25.0,"deductibleVatRate":100,"groupType":"Input"}]}]`,
}

func companyServer(w http.ResponseWriter, r *http.Request) {
	body, ok := company[r.URL.Path]
	if !ok {
		writeJSON(w, http.StatusNotFound, "")
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func TestTheCompanyIsReadAsItIsSetUp(t *testing.T) {
	c, _ := newTestClient(t, serve(t, companyServer))
	ctx := context.Background()

	organization, err := c.Organization(ctx)
	if err != nil || organization.OrganizationCD != "10" || organization.BaseCurrencyID() != "SEK" || organization.DefaultCountry.ID != "SE" ||
		!cmp.Equal(organization.Branches, []NumberName{{"1", "Huvudkontor"}}) {
		t.Errorf("organization %+v, %v", organization, err)
	}
	branches, err := c.Branches(ctx)
	if err != nil || len(branches) != 1 || !branches[0].IsActive || branches[0].Ledger.ID != "1" || branches[0].Currency.ID != "SEK" {
		t.Errorf("branches %+v, %v", branches, err)
	}
	ledgers, err := c.Ledgers(ctx)
	if err != nil || len(ledgers) != 2 || ledgers[0].BalanceType != LedgerActual {
		t.Errorf("ledgers %+v, %v", ledgers, err)
	}
	currencies, err := c.Currencies(ctx)
	if err != nil || len(currencies) != 2 || !currencies[0].IsUsedForAccounting || currencies[1].IsUsedForAccounting {
		t.Errorf("currencies %+v, %v", currencies, err)
	}
	accounts, err := c.Accounts(ctx)
	if err != nil || len(accounts) != 3 || accounts[2].Active || accounts[0].RefusesManualEntry() || !accounts[1].RefusesManualEntry() || accounts[2].RefusesManualEntry() {
		t.Errorf("accounts %+v, %v", accounts, err)
	}
	segments, err := c.Segments(ctx)
	if err != nil || len(segments) != 2 || segments[0].Length != 4 || segments[0].SegmentValues[0].ValueID != "0001" {
		t.Errorf("segments %+v, %v", segments, err)
	}
	periods, err := c.FinancialPeriods(ctx)
	if err != nil || len(periods) != 1 || periods[0].StartDate.String() != "2026-01-01" {
		t.Errorf("periods %+v, %v", periods, err)
	}
	vats, err := c.VATs(ctx)
	if err != nil || len(vats) != 1 || vats[0].Schedules[0].VATRate != FromMinor(25, 0) || vats[0].GLAccounts.VATClaimableAccount.Number != "2641" {
		t.Errorf("VAT codes %+v, %v", vats, err)
	}
}

func TestACompanyWithoutSubaccountsHasNoSegmentsAndNoError(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusNotFound, `{"message":"not found"}`)))
	if segments, err := c.Segments(context.Background()); err != nil || segments != nil {
		t.Errorf("%v, %v", segments, err)
	}
	c, _ = newTestClient(t, serve(t, answerJSON(http.StatusForbidden, "")))
	_, err := c.Segments(context.Background())
	wantFault(t, err, fault.Auth)
}

func TestACompanyWithoutOrganizationIsRefusedWithARemedy(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, `[]`)))
	_, err := c.Organization(context.Background())
	if e := wantFault(t, err, fault.Rejected); !strings.Contains(e.Remedy, "Company Tenant ID") {
		t.Errorf("the remedy is %q", e.Remedy)
	}
}

func TestGeneralLedgerEntriesAreReadPageByPageAndFilteredOnceMore(t *testing.T) {
	row := func(line, batch, account, date string) string {
		return `{"lineNumber":` + line + `,"module":"GL","batchNumber":"` + batch + `","tranDate":"` + date + `T00:00:00","period":"202601","refNumber":"PAY1",
			"branch":{"number":"1"},"account":{"type":"Asset","number":"` + account + `"},"ledger":{"id":"1"},"debitAmount":12.50,"creditAmount":0.0,
			"lastModifiedDateTime":"2026-01-31T10:20:53.75+01:00","metadata":{"totalCount":4,"maxPageSize":2}}`
	}
	var queries []string
	c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		if number, _ := pageAsked(r); number == 1 {
			writeJSON(w, http.StatusOK, `[`+row("1", "000001", "1686", "2026-01-31")+`,`+row("2", "000001", "1930", "2026-01-31")+`]`)
			return
		}
		writeJSON(w, http.StatusOK, `[`+row("1", "000002", "1686", "2026-02-01")+`,`+row("2", "000002", "1686", "2026-01-01")+`]`)
	}))
	rows, err := c.GeneralLedgerTransactions(context.Background(), GeneralLedgerTransactionsQuery{
		Ledger: "1", FromPeriod: "202601", ToPeriod: "202601", Account: "1686", Branch: "1", SubaccountID: "7",
		FromDate: Date{2026, 1, 1}, ToDate: Date{2026, 1, 31}, IncludeUnposted: true, IncludeUnreleased: true,
	})
	if err != nil || len(rows) != 2 || rows[0].BatchNumber != "000001" || rows[1].BatchNumber != "000002" || rows[0].DebitAmount != FromMinor(1250, 2) {
		t.Errorf("%+v, %v", rows, err)
	}
	if want := "account=1686&branch=1&fromDate=2026-01-01&fromPeriod=202601&includeUnposted=true&includeUnreleased=true&ledger=1&pageNumber=2&pageSize=1000&subaccountId=7&toDate=2026-01-31&toPeriod=202601"; len(queries) != 2 || queries[1] != want {
		t.Errorf("asked for %q", queries)
	}
	if _, err := c.GeneralLedgerTransactions(context.Background(), GeneralLedgerTransactionsQuery{}); err == nil {
		t.Error("a query without a ledger was sent")
	}
}

func TestBalancesAreReadAndFilteredOnceMore(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, `[
		{"branch":{"number":"1"},"ledger":{"id":"1"},"balanceType":"Actual","financialPeriod":"202601","account":{"number":"1686"},"subAccountCd":"0001-00","currencyId":"SEK",
		 "periodToDateDebit":100.10,"periodToDateCredit":100.1,"beginningBalance":-0.0,"yearToDateBalance":0,"yearClosed":false,"metadata":{"totalCount":2}},
		{"account":{"number":"1930"},"ledger":{"id":"1"},"branch":null,"yearToDateBalance":5,"metadata":{"totalCount":2}}]`)))
	balances, err := c.GeneralLedgerBalances(context.Background(), GeneralLedgerBalancesQuery{PeriodID: "202601", Account: "1686", Ledger: "1", Branch: "1"})
	if err != nil || len(balances) != 1 || balances[0].PeriodToDateDebit != balances[0].PeriodToDateCredit || !balances[0].BeginningBalance.IsZero() {
		t.Errorf("%+v, %v", balances, err)
	}
	if _, err := c.GeneralLedgerBalances(context.Background(), GeneralLedgerBalancesQuery{}); err == nil {
		t.Error("a query without a period was sent")
	}
}
