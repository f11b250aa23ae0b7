package klarnasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/shop"
)

// many returns a payout of several pages.
func many(s *stage) *shop.Payout {
	s.Helper()
	for _, p := range s.shop.Payouts() {
		if p.Rows.Len() == 1700 {
			return p
		}
	}
	s.Fatal("the shop has no large payout")
	return nil
}

func TestAFaultStrikesItsRequestsUntilItIsUsedUp(t *testing.T) {
	s := newStage(t)
	p := s.shop.Payouts()[3]
	s.Inject(Fault{Kind: FaultStatus, Status: 503, Path: "/payouts/*", Skip: 1, Times: 2})
	for i, want := range []int{200, 503, 503, 200} {
		if a := s.ask("/payouts/" + p.PaymentReference); a.status != want {
			t.Errorf("answer %d is %d, want %d", i, a.status, want)
		}
	}
	s.Inject(Fault{Kind: FaultStatus, Status: 418, Body: "no coffee", Query: map[string]string{"offset": "20"}})
	if a := s.ask("/payouts"); a.status != 200 {
		t.Errorf("a request that the fault does not name got %d", a.status)
	}
	if a := s.ask("/payouts?offset=20"); a.status != 418 || a.body != "no coffee" {
		t.Errorf("the answer is %d %q", a.status, a.body)
	}
	id := s.Inject(Fault{Kind: FaultStatus, PaymentReference: p.PaymentReference, Path: "/transactions"})
	s.refused("/transactions?payment_reference="+p.PaymentReference, 500)
	read[rowList](s, "/transactions?payment_reference="+s.shop.Payouts()[4].PaymentReference)
	s.ClearFault(id)
	read[rowList](s, "/transactions?payment_reference="+p.PaymentReference)
	if n := len(s.Faults()); n != 1 {
		t.Errorf("%d faults are left", n)
	}
	s.ClearFault(0)
	if len(s.Faults()) != 0 || s.Requests().Faults != 4 {
		t.Errorf("%d faults are left, %d took effect", len(s.Faults()), s.Requests().Faults)
	}
}

func TestFaultsOfTheWholeAnswer(t *testing.T) {
	s := newStage(t)
	good := s.ask("/payouts?size=50").body
	for kind, right := range map[FaultKind]func(answer, error) bool{
		FaultHTML: func(a answer, err error) bool {
			return err == nil && a.status == 200 && strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && strings.HasPrefix(a.body, "<!DOCTYPE html>")
		},
		FaultGarbage: func(a answer, err error) bool {
			return err == nil && a.status == 200 && a.header.Get("Content-Type") == jsonType && !json.Valid([]byte(a.body))
		},
		FaultTruncated: func(a answer, err error) bool {
			return err == nil && a.status == 200 && a.body == good[:len(good)/2]
		},
		FaultCut: func(a answer, err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && a.body == good[:len(good)/2]
		},
		FaultReset: func(_ answer, err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) },
		FaultThrottled: func(a answer, err error) bool {
			return err == nil && a.status == 429 && a.header.Get("Retry-After") == "7" && a.header.Get("X-Ratelimit-Remaining") == "0"
		},
		FaultStatus: func(a answer, err error) bool { return err == nil && a.status == 500 },
		FaultSlow:   func(a answer, err error) bool { return err == nil && a.body == good },
	} {
		id := s.Inject(Fault{Kind: kind, RetryAfter: 7, Milliseconds: 1})
		if a, err := s.try("/payouts?size=50"); !right(a, err) {
			t.Errorf("%s gives %d, %v, %.100q", kind, a.status, err, a.body)
		}
		s.ClearFault(id)
		if s.ask("/payouts?size=50").body != good {
			t.Errorf("after %s the answer is not back to normal", kind)
		}
	}
	s.Inject(Fault{Kind: FaultHTML, Status: 502, Times: 1})
	if a := s.ask("/payouts"); a.status != 502 {
		t.Errorf("the page comes with %d", a.status)
	}
	p := s.shop.Payouts()[0]
	report := "/reports/payout-with-transactions?payment_reference=" + p.PaymentReference
	whole := s.ask(report).body
	s.Inject(Fault{Kind: FaultTruncated, Times: 1})
	if a := s.ask(report); a.body != whole[:len(whole)/2] {
		t.Error("a streamed report is not truncated")
	}
}

func TestTheAnswerBreaksOffWhereAConnectionCannotBeReset(t *testing.T) {
	s := newStage(t)
	s.Inject(Fault{Kind: FaultReset})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, prefix+"/payouts", nil))
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") != "1" {
		t.Errorf("the answer is %q with %v", w.Body, w.Header())
	}
}

func TestFaultsOfPages(t *testing.T) {
	s := newStage(t)
	p := many(s)
	page := func(offset int) rowList {
		return read[rowList](s, fmt.Sprintf("/transactions?size=500&offset=%d&payment_reference=%s", offset, p.PaymentReference))
	}
	first, good := page(0), page(500)

	s.Inject(Fault{Kind: FaultRepeatedPage, Times: 1})
	if !cmp.Equal(page(0), first) {
		t.Error("the first page cannot repeat another")
	}
	if got := page(500); !cmp.Equal(got, first) {
		t.Errorf("the repeated page is %+v", got.Pagination)
	}
	s.Inject(Fault{Kind: FaultRepeatedRows, Times: 1})
	if got := page(500); !cmp.Equal(got.Transactions, first.Transactions) || !cmp.Equal(got.Pagination, good.Pagination) {
		t.Errorf("the repeated rows come with %+v", got.Pagination)
	}
	s.Inject(Fault{Kind: FaultMovedPage, Times: 1})
	got := page(500)
	if got.Pagination.Total != 1701 || !cmp.Equal(got.Transactions[0], first.Transactions[499]) ||
		!cmp.Equal(got.Transactions[1:], good.Transactions[:499]) {
		t.Errorf("the moved page is %+v", got.Pagination)
	}
	s.Inject(Fault{Kind: FaultMovedPage, Delta: -1, Times: 1})
	if got := page(500); got.Pagination.Total != 1699 || !cmp.Equal(got.Transactions[:499], good.Transactions[1:]) {
		t.Errorf("the page moved the other way is %+v", got.Pagination)
	}
	if !cmp.Equal(page(500), good) {
		t.Error("the page is not back to normal")
	}
	s.Inject(Fault{Kind: FaultMovedPage, Path: "/payouts", Times: 1})
	if list := read[payoutList](s, "/payouts?offset=20"); list.Pagination.Total != len(s.shop.Payouts())+1 {
		t.Errorf("the moved list of payouts is %+v", list.Pagination)
	}
}

func TestATotalThatIsOffByOneOreIsServedEverywhere(t *testing.T) {
	s := newStage(t)
	p := s.shop.Payouts()[5]
	s.Inject(Fault{Kind: FaultTotal, PaymentReference: p.PaymentReference})
	s.Inject(Fault{Kind: FaultTotal, PaymentReference: p.PaymentReference, Field: "tax_amount", Delta: -2})
	type payout struct {
		PaymentReference string `json:"payment_reference"`
		Totals           struct {
			Settlement int64 `json:"settlement_amount"`
			Tax        int64 `json:"tax_amount"`
		}
	}
	check := func(got payout) {
		t.Helper()
		want := s.shop.Payout(got.PaymentReference).Totals
		if got.PaymentReference == p.PaymentReference {
			want.Settlement, want.Tax = want.Settlement+1, want.Tax-2
		}
		if got.Totals.Settlement != want.Settlement || got.Totals.Tax != want.Tax {
			t.Errorf("payout %s has %+v, want %d and %d", got.PaymentReference, got.Totals, want.Settlement, want.Tax)
		}
	}
	check(read[payout](s, "/payouts/"+p.PaymentReference))
	check(read[payout](s, "/payouts/"+s.shop.Payouts()[6].PaymentReference))
	for _, got := range read[struct{ Payouts []payout }](s, "/payouts?size=500").Payouts {
		check(got)
	}
	summary, _, _ := strings.Cut(s.ask("/reports/payout-with-transactions?payment_reference="+p.PaymentReference).body, "\n\n")
	if got := minor(t, records(t, summary)[0]["total_settlement_amount"]); got != p.Totals.Settlement+1 {
		t.Errorf("the report has %d", got)
	}
	s.ClearFault(0)
	if got := read[payout](s, "/payouts/"+p.PaymentReference); got.Totals.Settlement != p.Totals.Settlement {
		t.Error("the shop itself was changed")
	}
}

func TestFaultsOfRows(t *testing.T) {
	s := newStage(t)
	p := many(s)
	good := s.all(p.PaymentReference, "500")
	for _, c := range []struct {
		fault Fault
		right func(rows []row) bool
	}{
		{Fault{Kind: FaultRowDropped, Row: 600}, func(rows []row) bool {
			return len(rows) == 1699 && cmp.Equal(rows[599], good[599]) && cmp.Equal(rows[600:], good[601:])
		}},
		{Fault{Kind: FaultRowChanged, Row: 1699}, func(rows []row) bool { return rows[1699].Amount == good[1699].Amount+1 }},
		{Fault{Kind: FaultRowChanged, Field: "vat_amount", Delta: -3}, func(rows []row) bool { return rows[0].VATAmount == good[0].VATAmount-3 }},
		{Fault{Kind: FaultRowChanged, Field: "order_id"}, func(rows []row) bool { return rows[0].OrderID == nil }},
		{Fault{Kind: FaultRowChanged, Field: "type", Value: "TAX"}, func(rows []row) bool { return rows[0].Type == "TAX" }},
		{Fault{Kind: FaultRowChanged, Field: "detailed_type", Value: "X"}, func(rows []row) bool { return rows[0].DetailedType == "X" }},
		{Fault{Kind: FaultUnknownType, Row: 3}, func(rows []row) bool { return rows[3].Type == "SOMETHING_NEW" }},
		{Fault{Kind: FaultUnknownDetailedType, Value: "CASH_ADVANCE_FEES"}, func(rows []row) bool {
			return rows[0].DetailedType == "CASH_ADVANCE_FEES" && rows[0].Type == good[0].Type
		}},
	} {
		c.fault.PaymentReference = p.PaymentReference
		s.Inject(c.fault)
		if rows := s.all(p.PaymentReference, "500"); !c.right(rows) {
			t.Errorf("%+v has no effect", c.fault)
		}
		s.ClearFault(0)
	}
	s.Inject(Fault{Kind: FaultRowChanged, Field: "currency_code", Value: "XXX"})
	s.Inject(Fault{Kind: FaultRowChanged, Field: "purchase_country", Value: "ZZ", Row: 1})
	if body := s.ask("/transactions?payment_reference=" + p.PaymentReference).body; !strings.Contains(body, `"XXX"`) || !strings.Contains(body, `"ZZ"`) {
		t.Error("currency and country are not changed")
	}
	s.ClearFault(0)
	if !cmp.Equal(good, s.all(p.PaymentReference, "500")) {
		t.Error("the shop itself was changed")
	}
}

func TestRequestsAreCounted(t *testing.T) {
	s := newStage(t)
	p := s.shop.Payouts()[0].PaymentReference
	s.ask("/payouts?size=2")
	s.ask("/payouts?size=2")
	s.ask("/payouts/" + p)
	s.ask("/payouts/nothing")
	s.ask("/nowhere")
	c := s.Requests()
	want := Counts{
		Total:      5,
		ByEndpoint: map[string]int64{"/payouts": 2, "/payouts/{payment_reference}": 2, "other": 1},
		ByStatus:   map[int]int64{200: 3, 404: 1, 403: 1},
	}
	if c.ByURL[prefix+"/payouts?size=2"] != 2 {
		t.Errorf("by address: %v", c.ByURL)
	}
	c.ByURL, c.serial = nil, 0
	if !cmp.Equal(c, want, cmp.AllowUnexported(Counts{})) {
		t.Error(cmp.Diff(want, c, cmp.AllowUnexported(Counts{})))
	}
	before := s.ask("/payouts").header.Get("Klarna-Correlation-Id")
	s.ResetRequests()
	if n := s.Requests().Total; n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
	if s.ask("/payouts").header.Get("Klarna-Correlation-Id") == before {
		t.Error("a correlation id came twice")
	}
}

func TestEveryAnswerTakesTheLatency(t *testing.T) {
	s := newStage(t, func(o *Options) { o.Latency = 20 * time.Millisecond })
	began := time.Now()
	read[payoutList](s, "/payouts?size=1")
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("the answer came after %s", took)
	}
}

func TestTheAdminEndpointsDoWhatTheGoAPIDoes(t *testing.T) {
	s := newStage(t)
	if a := s.admin("/faults", `{"kind":"status","status":503,"path":"/payouts","times":1}`); a.status != 200 || a.body != "{\"id\":1}\n" {
		t.Fatalf("adding a fault answered %d %s", a.status, a.body)
	}
	s.refused("/payouts", 503)
	read[payoutList](s, "/payouts")
	s.admin("/faults", `{"kind":"html"}`)
	if a := s.ask(s.url + AdminPrefix + "/faults"); !strings.Contains(a.body, `"kind":"html"`) {
		t.Errorf("the faults are %s", a.body)
	}
	if a := s.admin("/faults/clear", `{}`); a.status != 200 || a.body != "[]\n" {
		t.Errorf("clearing answered %d %s", a.status, a.body)
	}
	s.admin("/keys", `{"action":"revoke","key":"`+liveKey+`"}`)
	s.refused("/payouts", 401)
	s.admin("/keys", `{"action":"restore","key":"`+liveKey+`"}`)
	s.admin("/keys", `{"action":"rotate","key":"`+liveKey+`","new_key":"`+otherKey+`"}`)
	s.refused("/payouts", 401)
	s.admin("/keys", `{"action":"add","key":"klarna_live_api_new","username":"`+username+`"}`)
	s.auth = basic(username, "klarna_live_api_new")
	read[payoutList](s, "/payouts")
	if keys := decode[[]Key](t, s.ask(s.url+AdminPrefix+"/keys").body); len(keys) != 6 {
		t.Errorf("the keys are %+v", keys)
	}
	s.admin("/latency", `{"milliseconds":1}`)
	overview := decode[map[string]any](t, s.ask(s.url+AdminPrefix+"/").body)
	if overview["latency_milliseconds"] != 1.0 || overview["region"] != "eu" {
		t.Errorf("the overview is %v", overview)
	}
	if counts := decode[Counts](t, s.ask(s.url+AdminPrefix+"/requests").body); counts.Total != s.Requests().Total || counts.Total == 0 {
		t.Errorf("the counts are %+v", counts)
	}
	if a := s.admin("/requests/reset", `{}`); a.status != 200 || s.Requests().Total != 0 {
		t.Errorf("resetting answered %d %s", a.status, a.body)
	}
	if a := s.admin("/reset", `{}`); a.status != 200 || s.latencyNow() != 0 {
		t.Errorf("resetting everything answered %d %s", a.status, a.body)
	}
	for path, body := range map[string]string{
		"/faults": `{"kind":"earthquake"}`, "/latency": `{"milliseconds":-1}`, "/keys": `{"action":"sell"}`,
		"/rate_limit": `{"requests_per_second":3}`, "/faults/clear": `{"what":1}`, "/requests/reset": `nothing`,
	} {
		if a := s.admin(path, body); a.status != 400 || !strings.Contains(a.body, `"error"`) {
			t.Errorf("%s %s answered %d %s", path, body, a.status, a.body)
		}
	}
	for _, fault := range []string{
		`{"kind":"total_off","field":"rows"}`, `{"kind":"row_changed","field":"colour"}`, `{"kind":"status","status":99}`, `{"kind":"row_dropped","row":-1}`,
	} {
		if a := s.admin("/faults", fault); a.status != 400 {
			t.Errorf("the fault %s was accepted", fault)
		}
	}
}

func TestEveryStrikeOfANamedFaultIsReported(t *testing.T) {
	s := newStage(t)
	var struck []Strike
	s.Watch(func(one Strike) { struck = append(struck, one) })
	s.Inject(Fault{Kind: FaultStatus, Name: "list refused", Times: 1})
	s.ask("/payouts")
	s.ask("/payouts")
	if len(struck) != 1 || struck[0].Fault.Name != "list refused" {
		t.Errorf("reported was %+v", struck)
	}
}
