package vismasim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/vismasim"
)

func TestTheAdminEndpointsWork(t *testing.T) {
	w := newWorld(t, nil)
	w.token = tenant + ",read,create,update"
	added := w.ask(http.StatusOK, "POST", "/_sandbox/visma/batches", `{"tenant":"`+tenant+`","date":"2026-01-20","description":"Klarna by hand",
		"lines":[{"account":"1930","debit":100,"reference":"PR-9"},{"account":"1686","credit":100,"reference":"PR-9"}]}`)
	if got := read[object](t, added)["number"]; got != "000001" {
		t.Errorf("the batch by someone else has number %v", got)
	}
	w.ask(http.StatusBadRequest, "POST", "/_sandbox/visma/batches", `{"tenant":"`+tenant+`","date":"2026-01-20","lines":[{"account":"1930","debit":100}]}`)
	books := read[object](t, w.ask(http.StatusOK, "GET", "/_sandbox/visma/books?tenant="+tenant, ""))
	if got := fmt.Sprint(books["batches"], books["debit"], books["credit"]); got != "1100100" {
		t.Errorf("the books are %v", books)
	}
	found := read[[]vismasim.Batch](t, w.ask(http.StatusOK, "GET", "/_sandbox/visma/batches?contains=Klarna&tenant="+tenant, ""))
	if len(found) != 1 || !found[0].BySomeone {
		t.Errorf("the batches are %+v", found)
	}

	w.ask(http.StatusNoContent, "POST", "/_sandbox/visma/periods", `{"tenant":"`+tenant+`","period":"202601","state":"closed"}`)
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", voucher(payoutLines))
	w.ask(http.StatusNoContent, "POST", "/_sandbox/visma/periods", `{"tenant":"`+tenant+`","period":"202601","state":"open"}`)
	w.post(voucher(payoutLines))
	w.ask(http.StatusBadRequest, "POST", "/_sandbox/visma/periods", `{"tenant":"`+tenant+`","period":"202601","state":"ajar"}`)
	if got := read[[]vismasim.Period](t, w.ask(http.StatusOK, "GET", "/_sandbox/visma/periods?tenant="+tenant, "")); len(got) != 156 {
		t.Errorf("there are %d periods", len(got))
	}

	w.ask(http.StatusNoContent, "POST", "/_sandbox/visma/accounts", `{"tenant":"`+tenant+`","number":"6064","type":"Expense","inactive":true}`)
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", voucher(payoutLines))

	w.ask(http.StatusNoContent, "POST", "/_sandbox/visma/faults", `{"kind":"error_before_commit","status":503,"times":-1,"delay_ms":5}`)
	w.ask(http.StatusServiceUnavailable, "GET", "/v1/ledger", "")
	if got := read[[]object](t, w.ask(http.StatusOK, "GET", "/_sandbox/visma/faults", "")); len(got) != 1 || fmt.Sprint(got[0]["fired"]) != "1" {
		t.Errorf("the faults are %v", got)
	}
	w.ask(http.StatusNoContent, "DELETE", "/_sandbox/visma/faults", "")
	w.ask(http.StatusBadRequest, "POST", "/_sandbox/visma/faults", `{"kind":"nonsense"}`)
	w.ask(http.StatusNoContent, "POST", "/_sandbox/visma/latency", `{"ms":1}`)

	w.ask(http.StatusNoContent, "DELETE", "/_sandbox/visma/requests", "")
	w.ask(http.StatusOK, "GET", "/v2/journaltransaction/000001", "")
	w.ask(http.StatusNotFound, "GET", "/v2/nothing", "")
	got := read[map[string]int](t, w.ask(http.StatusOK, "GET", "/_sandbox/visma/requests", ""))
	if diff := cmp.Diff(map[string]int{"GET /v2/journaltransaction/{number}": 1, "GET (unknown)": 1}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTheHourlyLimitIsCountedAndReported(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.Rate.Limit = 2 })
	first := w.ask(http.StatusOK, "GET", "/v1/ledger", "")
	if h := first.header; h.Get("X-RateLimit-Limit") != "2" || h.Get("X-RateLimit-Remaining") != "1" || h.Get("X-RateLimit-Reset") != "3600" || h.Get("X-RateLimit-Policy") != "4" {
		t.Errorf("the headers are %v", h)
	}
	w.ask(http.StatusOK, "GET", "/v1/ledger", "")
	w.clock.advance(10 * time.Minute)
	over := w.ask(http.StatusTooManyRequests, "GET", "/v1/ledger", "")
	if over.header.Get("Retry-After") != "3000" || over.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("the headers are %v", over.header)
	}
	w.clock.advance(50 * time.Minute)
	w.ask(http.StatusOK, "GET", "/v1/ledger", "")
}

func TestTheSameFailingRequestIsRefusedUnread(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.Rate.ClientError = 2 })
	bad := voucher([]line{{"9999", "1", ""}, {"1686", "", "1"}})
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", bad)
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", bad)
	got := w.ask(http.StatusTooManyRequests, "POST", "/v2/journaltransaction", bad)
	if message(t, got) != "Same request made too many times" || got.header.Get("Retry-After") != "300" {
		t.Errorf("the answer is %s, Retry-After %s", got.body, got.header.Get("Retry-After"))
	}
	w.post(voucher(payoutLines))
	w.clock.advance(5 * time.Minute)
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", bad)
}

func TestTheSameRequestIsRefusedAfterFiveInAMinute(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.Rate.SameRequest = 5 })
	for range 5 {
		w.post(voucher(payoutLines))
	}
	w.ask(http.StatusTooManyRequests, "POST", "/v2/journaltransaction", voucher(payoutLines))
	w.clock.advance(time.Minute)
	w.post(voucher(payoutLines))
}
