package vismasim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/vismasim"
)

const byPeriod = "/v2/journaltransaction?periodId=202601"

func (w *world) listed(query string) []object {
	w.t.Helper()
	return read[[]object](w.t, w.ask(http.StatusOK, "GET", byPeriod+query, ""))
}

func TestA429MayLackRetryAfter(t *testing.T) {
	w := newWorld(t, nil)
	w.inject(vismasim.Fault{Kind: vismasim.ThrottledBare})
	if got := w.ask(http.StatusTooManyRequests, "GET", "/v1/ledger", ""); got.header.Get("Retry-After") != "" {
		t.Errorf("it says Retry-After: %s", got.header.Get("Retry-After"))
	}
}

func TestABatchCanBeListedLate(t *testing.T) {
	w := newWorld(t, nil)
	f := onPost(vismasim.ErrorAfterCommit)
	f.ListedAfter = 3 * time.Second
	w.inject(f)
	w.ask(http.StatusInternalServerError, "POST", "/v2/journaltransaction", voucher(payoutLines))
	if n := len(w.listed("")); n != 0 || w.sim.Books(tenant).Batches != 1 {
		t.Errorf("%d batches are listed at once", n)
	}
	w.clock.advance(3 * time.Second)
	if n := len(w.listed("")); n != 1 {
		t.Errorf("%d batches are listed later", n)
	}
}

func TestAJobCanBeLateWithAnyOtherFault(t *testing.T) {
	w := newWorld(t, nil)
	f := onPost(vismasim.ErrorAfterCommit)
	f.JobAfterMS = 2000
	w.inject(f)
	w.ask(http.StatusInternalServerError, "POST", "/v2/journaltransaction", voucher(payoutLines), inBackground)
	w.clock.advance(time.Second)
	if got := w.sim.Books(tenant).Batches; got != 0 || w.sim.Pending() != 1 {
		t.Errorf("a second later there are %d batches, and %d to come", got, w.sim.Pending())
	}
	w.clock.advance(2 * time.Second)
	if got := w.sim.Books(tenant).Batches; got != 1 || w.sim.Pending() != 0 {
		t.Errorf("when the job is due there are %d batches", got)
	}
}

func TestATimedOutRequestIsDoneAfterTheClientGaveUp(t *testing.T) {
	w := newWorld(t, nil)
	f := onPost(vismasim.TimeoutThenCommit)
	f.Delay = 200 * time.Millisecond
	w.inject(f)
	ctx, cancel := context.WithCancel(t.Context())
	ended := w.hang(ctx)
	w.until("the request arrives", func() bool { return w.sim.Requests()["POST /v2/journaltransaction"] == 1 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || w.sim.Books(tenant).Batches != 0 {
		t.Errorf("the client ended with %v", err)
	}
	w.until("it is done all the same", func() bool { return w.sim.Books(tenant).Batches == 1 })
}

func TestAJobCanBeGoneAndOnAnotherHost(t *testing.T) {
	w := newWorld(t, nil)
	gone := onPost(vismasim.JobLostAfterCommit)
	gone.Status = http.StatusGone
	w.inject(gone)
	id := w.start(voucher(payoutLines))
	w.clock.advance(time.Second)
	w.ask(http.StatusGone, "GET", "/v1/background/"+id, "")

	w.inject(onPost(vismasim.JobElsewhere))
	got := w.ask(http.StatusAccepted, "POST", "/v2/journaltransaction", voucher(payoutLines), inBackground)
	if at := got.header.Get("Location"); !strings.HasPrefix(at, "https://integration.visma.net/") {
		t.Errorf("the job is at %s", at)
	}
}

func TestPagesShiftWhileAListIsRead(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.MaxPageSize = 4 })
	w.post(voucher(payoutLines)) // seven lines: two pages
	lines := func(page int) (numbers []any, total any) {
		for _, b := range w.listed(fmt.Sprintf("&pageNumber=%d", page)) {
			parts, _ := b["journalTransactionLines"].([]any)
			for _, l := range parts {
				numbers = append(numbers, l.(object)["lineNumber"])
			}
			total = b["metadata"].(object)["totalCount"]
		}
		return numbers, total
	}
	for shift, want := range map[int]string{0: "[4 5 6 7] 8", 1: "[4 5 6 7] 8", -1: "[6 7] 6"} {
		w.inject(vismasim.Fault{Kind: vismasim.PagesShift, Shift: shift})
		lines(1) // the fault spares the first page
		numbers, total := lines(2)
		if got := fmt.Sprint(numbers, " ", total); got != want {
			t.Errorf("shifted by %d, the second page is %s, want %s", shift, got, want)
		}
	}
}

func TestEveryStrikeOfANamedFaultIsReported(t *testing.T) {
	w := newWorld(t, nil)
	struck := make(chan vismasim.Strike, 2)
	w.sim.Watch(func(s vismasim.Strike) { struck <- s })
	w.inject(vismasim.Fault{Kind: vismasim.Slow, Path: "/v1/ledger"})
	w.inject(vismasim.Fault{Kind: vismasim.Slow, Path: "/v1/ledger", Name: "slow ledger"})
	w.ask(http.StatusOK, "GET", "/v1/ledger", "")
	w.ask(http.StatusOK, "GET", "/v1/ledger", "")
	if len(struck) != 1 {
		t.Fatalf("%d strikes were reported", len(struck))
	}
	if got := <-struck; got.Fault.Name != "slow ledger" || "http://"+got.Server != w.server.URL {
		t.Errorf("reported was %+v", got)
	}
}

func TestWritesAreRecordedWithTheirResults(t *testing.T) {
	w := newWorld(t, nil)
	marked := voucher(payoutLines, func(o object) { o["description"] = object{"value": "[kvitt:00ff] payout"} })
	w.inject(onPost(vismasim.JobRejected))
	w.start(marked)
	w.inject(onPost(vismasim.ResetBeforeCommit))
	_, _ = w.try("POST", "/v2/journaltransaction", marked)
	w.post(marked)
	w.token = ""
	w.ask(http.StatusUnauthorized, "POST", "/v2/journaltransaction", marked)
	w.clock.advance(time.Second)
	var got []string
	for _, one := range w.sim.Writes() {
		got = append(got, fmt.Sprint(one.Token, " ", one.Fault, " ", one.Status, " ", one.Done, " ", one.Refused()))
	}
	want := []string{
		"[kvitt:00ff] job_rejected 202 400 true", "[kvitt:00ff] reset_before_commit 0 0 false", "[kvitt:00ff]  201 0 false", "[kvitt:00ff]  401 0 false",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("writes are\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w.sim.ResetRequests()
	if n := len(w.sim.Writes()); n != 0 {
		t.Errorf("%d writes are left", n)
	}
}
