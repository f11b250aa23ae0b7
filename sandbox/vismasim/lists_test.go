package vismasim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/vismasim"
)

type listed struct {
	Module      string
	BatchNumber string
	Status      string
	Description string
	DebitTotal  json.Number
	Lines       []struct{ LineNumber int } `json:"journalTransactionLines"`
	Metadata    struct{ TotalCount, MaxPageSize int }
	Attachments []object
}

func (w *world) list(query string) []listed {
	w.t.Helper()
	return read[[]listed](w.t, w.ask(http.StatusOK, "GET", "/v2/journaltransaction?"+query, ""))
}

func numbers(batches []listed) (all []string) {
	for _, b := range batches {
		all = append(all, b.BatchNumber)
	}
	return all
}

func TestAListNeedsAPeriodOrATime(t *testing.T) {
	w := newWorld(t, nil)
	got := w.ask(http.StatusBadRequest, "GET", "/v2/journaltransaction?pageNumber=1&pageSize=10", "")
	if message(t, got) != "Either PeriodId or LastModifiedDateTime must be provided." {
		t.Errorf("the refusal reads %s", got.body)
	}
	w.ask(http.StatusBadRequest, "GET", "/v2/journaltransaction?periodId=2026-01", "")
	w.ask(http.StatusBadRequest, "GET", "/v2/journaltransaction?lastModifiedDateTime=yesterday", "")
	if got := w.ask(http.StatusOK, "GET", "/v2/journaltransaction?periodId=203112", ""); string(got.body) != "[]" {
		t.Errorf("an empty list is %s", got.body)
	}
}

func TestPagesCountLinesAndSplitBatches(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.MaxPageSize = 4 })
	for range 3 {
		w.post(voucher([]line{{"1930", "10", ""}, {"6064", "5", ""}, {"1686", "", "15"}}))
	}
	var got []string
	for page := 1; ; page++ {
		batches := w.list(fmt.Sprintf("periodId=202601&module=GL&pageNumber=%d&pageSize=100", page))
		if len(batches) == 0 {
			break
		}
		for _, b := range batches {
			got = append(got, fmt.Sprintf("%d:%s:%d", page, b.BatchNumber, len(b.Lines)))
			if b.Metadata.TotalCount != 9 || b.Metadata.MaxPageSize != 4 || b.DebitTotal != "15.0" {
				t.Errorf("metadata %+v and total %s; want 9 lines, at most 4, and the whole batch's 15.0", b.Metadata, b.DebitTotal)
			}
		}
	}
	want := []string{"1:000001:3", "1:000002:1", "2:000002:2", "2:000003:2", "3:000003:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("page:batch:lines (-want +got):\n%s", diff)
	}
	if got := w.list("periodId=202601"); len(got) != 2 {
		t.Errorf("without a page number the first page is expected, not %d batches", len(got))
	}
}

func TestUnknownQueryParametersAreIgnored(t *testing.T) {
	w := newWorld(t, nil)
	w.post(voucher(payoutLines))
	if got := w.list("periodId=202601&description=nothing+like+it"); len(got) != 1 {
		t.Errorf("%d batches were found, want the unfiltered one", len(got))
	}
}

func TestAListIsFilteredByStatusModuleAndTime(t *testing.T) {
	w := newWorld(t, nil)
	w.post(voucher(payoutLines, set("hold", true)))
	w.post(voucher(payoutLines))
	w.clock.advance(time.Hour)
	third, _ := w.post(voucher(payoutLines))
	w.ask(http.StatusOK, "POST", "/v2/journaltransaction/"+third+"/action/release", "")
	if _, err := w.sim.AddBatch(tenant, vismasim.ForeignBatch{
		Module: "AR", Date: "2026-01-15", Description: "invoice", Lines: []vismasim.ForeignLine{{Account: "1510", Debit: 5}, {Account: "3001", Credit: 5}},
	}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"periodId=202601":                                    "000001 000001 000002 000003", // AR first
		"periodId=202601&module=GL":                          "000001 000002 000003",
		"periodId=202601&module=AR":                          "000001",
		"periodId=202601&module=GL&status=Hold":              "000001",
		"periodId=202601&module=GL&status=Unreleased":        "000001 000002",
		"periodId=202601&module=GL&status=Posted":            "000003",
		"periodId=202602":                                    "",
		"lastModifiedDateTime=2026-02-03T09:30:00&module=GL": "000003",
		"lastModifiedDateTime=2026-02-03&module=GL":          "000001 000002 000003",
	} {
		if got := strings.Join(numbers(w.list(query)), " "); got != want {
			t.Errorf("%s found %q, want %q", query, got, want)
		}
	}
}

func TestTheLedgerHasTransactionsAndBalances(t *testing.T) {
	w := newWorld(t, nil)
	for _, day := range []string{"2026-01-30", "2026-02-02"} {
		number, _ := w.post(voucher(payoutLines, set("transactionDate", day+"T00:00:00")))
		w.ask(http.StatusOK, "POST", "/v2/journaltransaction/"+number+"/action/release", "")
	}
	w.post(voucher(payoutLines)) // balanced, not released
	w.ask(http.StatusBadRequest, "GET", "/v1/GeneralLedgerTransactions?account=1686", "")
	type row struct {
		BatchNumber, Period, RefNumber, Subaccount string
		BegBalance, EndingBalance                  json.Number
	}
	rows := read[[]row](t, w.ask(http.StatusOK, "GET", "/v1/GeneralLedgerTransactions?ledger=1&account=1686&fromPeriod=202602&toPeriod=202602", ""))
	want := []row{
		{"000002", "202602", "PR-1", "10-010", "-92000.0", "-84000.0"},
		{"000002", "202602", "PR-1", "10-010", "-84000.0", "-184000.0"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	if got := read[[]row](t, w.ask(http.StatusOK, "GET", "/v1/GeneralLedgerTransactions?ledger=1&includeUnreleased=true&fromDate=2026-01-30&toDate=2026-01-30", "")); len(got) != 14 {
		t.Errorf("%d transactions on 30 January, want 14", len(got))
	}
	type balance struct{ BeginningBalance, PeriodToDateDebit, PeriodToDateCredit, YearToDateBalance json.Number }
	balances := read[[]balance](t, w.ask(http.StatusOK, "GET", "/v2/generalLedgerBalance?periodId=202602&account=1686&ledger=1&pageNumber=1&pageSize=10", ""))
	if diff := cmp.Diff([]balance{{"-92000.0", "8000.0", "100000.0", "-184000.0"}}, balances); diff != "" {
		t.Errorf("balances (-want +got):\n%s", diff)
	}
	w.ask(http.StatusBadRequest, "GET", "/v2/generalLedgerBalance", "")
}
