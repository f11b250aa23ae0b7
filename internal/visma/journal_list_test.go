package visma

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kvitt/internal/fault"
)

// threeBatches are 3 + 4 + 2 lines.
func threeBatches(maxPage int) *journal {
	var j journal
	j.maxPage = maxPage
	for i, lines := range []int{3, 4, 2} {
		b := batchSpec{number: fmt.Sprintf("%06d", i+1), description: fmt.Sprintf("[kvitt:%016d] payout", i+1)}
		for l := 1; l <= lines; l++ {
			b.lines = append(b.lines, lineSpec{l, fmt.Sprint(1000 + l), "10.50", "0"})
		}
		j.batches = append(j.batches, b)
	}
	return &j
}

func listOf(t *testing.T, h http.HandlerFunc, q JournalTransactionsQuery) ([]JournalTransaction, error) {
	t.Helper()
	c, _ := newTestClient(t, serve(t, h))
	return c.JournalTransactions(context.Background(), q)
}

func TestBatchesSplitOverPagesAreCombined(t *testing.T) {
	for maxPage := 1; maxPage <= 10; maxPage++ {
		all, err := listOf(t, threeBatches(maxPage).serve, JournalTransactionsQuery{PeriodID: "202601", Module: "GL"})
		if err != nil {
			t.Fatalf("%d lines a page: %v", maxPage, err)
		}
		if len(all) != 3 || len(all[0].Lines) != 3 || len(all[1].Lines) != 4 || len(all[2].Lines) != 2 {
			t.Fatalf("%d lines a page: %+v", maxPage, all)
		}
		for _, b := range all {
			for i, l := range b.Lines {
				if l.LineNumber != i+1 || l.DebitAmount != FromMinor(1050, 2) {
					t.Errorf("%d lines a page: line %d of batch %s is %+v", maxPage, i+1, b.BatchNumber, l)
				}
			}
		}
	}
}

func TestAnEmptyPeriodHasNoBatches(t *testing.T) {
	all, err := listOf(t, answerJSON(http.StatusOK, `[]`), JournalTransactionsQuery{PeriodID: "202601"})
	if err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestALongBatchIsReadQuicklyAndCompletely(t *testing.T) {
	b := batchSpec{number: "000001"}
	for l := 1; l <= 20_000; l++ {
		b.lines = append(b.lines, lineSpec{l, "1930", "1", "0"})
	}
	j := &journal{batches: []batchSpec{b}, maxPage: 7000}
	script := []string{j.page(1, 7000), j.page(2, 7000), j.page(3, 7000)}
	handler, _ := pages(t, script)
	// Checking 20,000 lines against the contract takes longer than reading them.
	all, err := listOf(t, broken(handler), JournalTransactionsQuery{PeriodID: "202601"})
	if err != nil || len(all) != 1 || len(all[0].Lines) != 20_000 {
		t.Errorf("%d batches, %v", len(all), err)
	}
}

func TestABatchAddedWhileTheListIsReadDoesNoHarm(t *testing.T) {
	before, after := threeBatches(5), threeBatches(5)
	// The new batch comes first, so lines that were read come again.
	after.batches = append([]batchSpec{{number: "000004", lines: []lineSpec{{1, "1930", "1", "0"}, {2, "1686", "0", "1"}}}}, after.batches...)
	handler, requests := pages(t, []string{before.page(1, 5), after.page(2, 5), after.page(3, 5)}, []string{after.page(1, 5), after.page(2, 5), after.page(3, 5)})
	all, err := listOf(t, handler, JournalTransactionsQuery{PeriodID: "202601"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, b := range all {
		found[b.BatchNumber] = len(b.Lines)
	}
	if found["000001"] != 3 || found["000002"] != 4 || found["000003"] != 2 {
		t.Errorf("read %v in %d requests", found, *requests)
	}
}

func TestAPossiblyMissedBatchIsAnError(t *testing.T) {
	full, less := threeBatches(5), threeBatches(5)
	less.batches = less.batches[1:] // lines move forward past the page break
	changed := threeBatches(5)
	for i := range changed.batches {
		changed.batches[i].stamp = "BBBB"
	}
	relined := threeBatches(5)
	relined.batches[1].lines[0].debit = "99"
	short := threeBatches(5)
	for name, moving := range map[string][]string{
		"the list shrank":            {full.page(1, 5), less.page(2, 5)},
		"a batch was changed":        {full.page(1, 5), changed.page(2, 5)},
		"a line came back different": {full.page(1, 5), strings.Replace(relined.page(1, 5), "000001", "000003", 1), full.page(2, 5)},
		"the list ends early":        {short.page(1, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			handler, _ := pages(t, moving, []string{full.page(1, 5), full.page(2, 5)})
			if all, err := listOf(t, handler, JournalTransactionsQuery{PeriodID: "202601"}); err != nil || len(all) != 3 {
				t.Errorf("after reading again: %d batches, %v", len(all), err)
			}
			handler, _ = pages(t, moving)
			all, err := listOf(t, handler, JournalTransactionsQuery{PeriodID: "202601"})
			wantFault(t, err, fault.Transient)
			if all != nil {
				t.Errorf("an inconsistent list was returned: %d batches", len(all))
			}
		})
	}
}

func TestABatchWithoutNumberIsBadData(t *testing.T) {
	_, err := listOf(t, broken(answerJSON(http.StatusOK, `[{"batchNumber":"","metadata":{"totalCount":1}}]`)), JournalTransactionsQuery{PeriodID: "202601"})
	wantFault(t, err, fault.BadData)
}

func TestBatchesThatVismaNetDidNotFilterAreFilteredHere(t *testing.T) {
	j := &journal{maxPage: 100}
	for i, b := range []batchSpec{
		{},
		{period: "202602"},
		{period: "012026"},
		{period: "who knows"},
		{module: "ModuleAR"},
		{status: "Posted"},
		{modified: "2026-01-01T00:00:00"},
		{modified: "2026-01-31T08:00:00"}, // without zone: within a day of the time
	} {
		b.number = fmt.Sprint(i)
		b.lines = []lineSpec{{1, "1930", "1", "0"}, {2, "1686", "0", "1"}}
		j.batches = append(j.batches, b)
	}
	since := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		query JournalTransactionsQuery
		want  string
	}{
		"period":     {JournalTransactionsQuery{PeriodID: "202601"}, "0 2 3 4 5 6 7"},
		"module":     {JournalTransactionsQuery{PeriodID: "202601", Module: "GL"}, "0 2 3 5 6 7"},
		"status":     {JournalTransactionsQuery{PeriodID: "202601", Module: "GL", Status: BatchPosted}, "5"},
		"unreleased": {JournalTransactionsQuery{PeriodID: "202601", Module: "GL", Status: BatchUnreleased}, "0 2 3 6 7"},
		"moment":     {JournalTransactionsQuery{ModifiedSince: since}, "0 1 2 3 4 5 7"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := listOf(t, j.serve, c.query)
			if err != nil {
				t.Fatal(err)
			}
			var numbers []string
			for _, b := range all {
				numbers = append(numbers, b.BatchNumber)
			}
			if got := strings.Join(numbers, " "); got != c.want {
				t.Errorf("batches %s, want %s", got, c.want)
			}
		})
	}
}

func TestAListOfBatchesNeedsAPeriodOrATime(t *testing.T) {
	c, _ := newTestClient(t, serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	for _, q := range []JournalTransactionsQuery{
		{}, {PeriodID: "2026-01"}, {PeriodID: "202601", ModifiedSince: time.Now()},
	} {
		if _, err := c.JournalTransactions(context.Background(), q); err == nil {
			t.Errorf("%+v was asked for", q)
		}
	}
}

func TestTheTimeIsSentInUTC(t *testing.T) {
	var query string
	_, err := listOf(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query().Get("lastModifiedDateTime")
		writeJSON(w, http.StatusOK, `[]`)
	}, JournalTransactionsQuery{ModifiedSince: time.Date(2026, 1, 31, 1, 0, 0, 0, time.FixedZone("CET", 3600)), ExpandAttachments: true, Branch: "1", Status: BatchHold})
	if err != nil || query != "2026-01-31 00:00:00" {
		t.Errorf("asked for %q (%v)", query, err)
	}
}
