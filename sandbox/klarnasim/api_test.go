package klarnasim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/shop"
)

func TestAKeyIsAcceptedInThreeFormsAndOnlyForItsHost(t *testing.T) {
	for _, c := range []struct {
		name, auth string
		change     func(*Options)
		status     int
	}{
		{name: "bare key", auth: "Basic " + liveKey, status: 200},
		{name: "scheme in lower case", auth: "basic " + liveKey, status: 200},
		{name: "empty user name", auth: basic("", liveKey), status: 200},
		{name: "right user name", auth: basic(username, liveKey), status: 200},
		{name: "wrong user name", auth: basic("a0b1c2d3-0000-4000-8000-000000000002", liveKey), status: 401},
		{name: "user name for a key without", auth: basic(username, testKey), status: 401},
		{name: "no header", status: 401},
		{name: "bearer", auth: "Bearer " + liveKey, status: 401},
		{name: "not base64", auth: "Basic ????", status: 401},
		{name: "base64 without a colon", auth: "Basic aGVsbG8=", status: 401},
		{name: "unknown key", auth: "Basic " + otherKey, status: 401},
		{name: "test key on live", auth: "Basic " + testKey, status: 401},
		{name: "key of another region", auth: "Basic " + naKey, status: 401},
		{name: "key of Kustom at Klarna", auth: "Basic " + kcoKey, status: 401},
		{name: "browser client id", auth: "Basic klarna_live_client_abc", status: 401},
		{name: "test key on test", auth: basic("", testKey), status: 200, change: func(o *Options) { o.Environment = "test" }},
		{name: "live key on test", auth: "Basic " + liveKey, status: 401, change: func(o *Options) { o.Environment = "test" }},
		{name: "key in its region", auth: "Basic " + naKey, status: 200, change: func(o *Options) { o.Region = "na" }},
		{name: "Kustom", auth: "Basic " + kcoKey, status: 200, change: func(o *Options) { o.Provider = "kustom" }},
		{name: "key of Klarna at Kustom", auth: "Basic " + liveKey, status: 401, change: func(o *Options) { o.Provider = "kustom" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*Options) {}
			}
			s := newStage(t, func(o *Options) {
				change(o)
				for i := range o.Keys { // each key belongs to the region unless it says otherwise
					if o.Keys[i].Region == "" {
						o.Keys[i].Region = orElse(o.Region, "eu")
					}
				}
			})
			s.auth = c.auth
			if c.status == http.StatusOK {
				read[payoutList](s, "/payouts?size=1")
				return
			}
			s.refused("/payouts?size=1", c.status)
		})
	}
}

func TestKeysAreRevokedRestoredAndRotated(t *testing.T) {
	s := newStage(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.RevokeKey(liveKey))
	s.refused("/payouts", 401)
	must(s.RestoreKey(liveKey))
	read[payoutList](s, "/payouts")
	must(s.RotateKey(liveKey, otherKey))
	s.refused("/payouts", 401)
	s.auth = basic(username, otherKey)
	read[payoutList](s, "/payouts")
	for _, err := range []error{s.RevokeKey("nobody"), s.RotateKey("nobody", "x"), s.RotateKey(otherKey, ""), s.AddKey(Key{})} {
		if err == nil {
			t.Error("an impossible change of keys was accepted")
		}
	}
}

func TestAKeySeesItsMerchantOnly(t *testing.T) {
	p, err := shop.Settlement{MerchantID: "K700", Rows: shop.SaleRows(1, 100, 3, 2, 2500)}.Payout()
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, func(o *Options) { o.Keys = append(o.Keys, Key{Key: otherKey, MerchantID: "K700"}) })
	s.auth = "Basic " + otherKey
	s.refused("/payouts", 401)
	s.Serve(shop.New("K700", "SEK", p))
	if list := read[payoutList](s, "/payouts"); list.Pagination.Total != 1 || list.Payouts[0]["merchant_id"] != "K700" {
		t.Errorf("the second merchant sees %+v", list)
	}
}

func TestEveryRowOfEveryPayoutIsServedAsTheShopHasIt(t *testing.T) {
	s := newStage(t)
	for _, p := range s.shop.Payouts() {
		rows := s.all(p.PaymentReference, "500")
		if len(rows) != p.Rows.Len() {
			t.Fatalf("payout %s has %d rows, %d were served", p.PaymentReference, p.Rows.Len(), len(rows))
		}
		var want shop.Row
		for i, got := range rows {
			p.Rows.Row(i, &want)
			if got.Amount != want.Amount || got.VATAmount != want.VAT || got.Type != want.Type ||
				got.DetailedType != want.DetailedType || got.PaymentReference != p.PaymentReference ||
				(got.OrderID == nil) != (want.OrderID == "") || got.CaptureID != want.CaptureID {
				t.Fatalf("row %d of payout %s is served as %+v, the shop has %+v", i, p.PaymentReference, got, want)
			}
		}
	}
}

func TestPagesJoinWithoutAGapWhateverTheirSize(t *testing.T) {
	s := newStage(t)
	p := s.shop.Payouts()[7]
	want := s.all(p.PaymentReference, "500")
	for _, size := range []string{"", "1", "7", "20", "499"} {
		if diff := cmp.Diff(want, s.all(p.PaymentReference, size)); diff != "" {
			t.Errorf("with pages of %s the rows differ:\n%s", size, diff)
		}
	}
}

func TestPagingIsAsPublished(t *testing.T) {
	s := newStage(t)
	total := len(s.shop.Payouts())
	first := read[payoutList](s, "/payouts?currency_code=SEK&start_date=2025-01-01T00%3A00%3A00Z")
	if first.Pagination.Count != 20 || first.Pagination.Prev != nil || first.Pagination.Next == nil {
		t.Fatalf("the first page is %+v", first.Pagination)
	}
	next, err := url.Parse(*first.Pagination.Next)
	if err != nil || !next.IsAbs() || !strings.HasPrefix(next.String(), s.url+prefix+"/payouts?") ||
		next.Query().Get("offset") != "20" || next.Query().Get("size") != "20" || next.Query().Get("currency_code") != "SEK" ||
		next.Query().Get("start_date") != "2025-01-01T00:00:00Z" {
		t.Errorf("the next page is at %s (%v)", next, err)
	}
	for query, want := range map[string]pagination{
		"":                     {Count: 20, Total: total},
		"?size=500":            {Count: total, Total: total},
		"?size=1":              {Count: 1, Total: total},
		"?size=500&offset=5":   {Count: total - 5, Total: total, Offset: 5},
		"?size=10&offset=9999": {Count: 0, Total: total, Offset: 9999},
	} {
		got := read[payoutList](s, "/payouts"+query)
		if got.Pagination.Count != want.Count || got.Pagination.Total != want.Total || got.Pagination.Offset != want.Offset ||
			len(got.Payouts) != want.Count {
			t.Errorf("%q gives %+v with %d payouts, want %+v", query, got.Pagination, len(got.Payouts), want)
		}
	}
	back := read[payoutList](s, "/payouts?size=10&offset=4")
	if back.Pagination.Prev == nil || !strings.Contains(*back.Pagination.Prev, "offset=0&size=10") {
		t.Errorf("the page before offset 4 is %v", back.Pagination.Prev)
	}
}

func TestWrongParametersAreRefused(t *testing.T) {
	s := newStage(t)
	for _, path := range []string{
		"/payouts?size=501", "/payouts?size=0", "/payouts?size=many", "/payouts?offset=-1", "/payouts?offset=x",
		"/payouts?start_date=yesterday", "/payouts?end_date=2025-13-01", "/payouts?start_date=2025-01-01T00:00:00",
		"/payouts?currency_code=kr", "/payouts?currency_code=sek", "/transactions?size=501", "/transactions?offset=-5",
		"/payouts/summary", "/payouts/summary?start_date=2025-07-01", "/reports/payout", "/reports/payout-with-transactions",
		"/reports/payouts-summary?end_date=2025-07-01", "/reports/payouts-summary-with-transactions",
	} {
		s.refused(path, http.StatusBadRequest)
	}
	s.refused("/payouts/nothing", http.StatusNotFound)
	s.refused("/reports/payout?payment_reference=nothing", http.StatusNotFound)
	s.refused("/reports/payout-with-transactions?payment_reference=nothing", http.StatusNotFound)
	s.refused("/orders", http.StatusForbidden)
	s.refused("/payouts/1/summary", http.StatusForbidden)
	if list := read[rowList](s, "/transactions?payment_reference=nothing"); list.Pagination.Total != 0 || list.Transactions == nil {
		t.Errorf("the transactions of an unknown payout are %+v", list)
	}
}

func TestPayoutsAreFilteredByDateInclusively(t *testing.T) {
	s := newStage(t)
	p := s.shop.Payouts()[9]
	at := func(d time.Duration) string { return url.QueryEscape(p.Date.Add(d).Format(time.RFC3339)) }
	day := p.Date.Format(time.DateOnly)
	nextDay := p.Date.AddDate(0, 0, 1).Format(time.DateOnly)
	for query, there := range map[string]bool{
		"start_date=" + at(0) + "&end_date=" + at(0):                          true,
		"start_date=" + at(time.Second):                                       false,
		"end_date=" + at(-time.Second):                                        false,
		"start_date=" + day + "&end_date=" + day:                              false, // a bare date is the start of its day
		"start_date=" + day + "&end_date=" + nextDay:                          true,
		"start_date=" + day + "T00:00:00Z&end_date=" + day + "T23:59:59Z":     true,
		"start_date=" + nextDay + "&end_date=" + day:                          false,
		"start_date=" + day + "T00:00:00Z&currency_code=" + p.Currency:        true,
		"start_date=" + day + "T00:00:00%2B02:00&end_date=" + at(time.Minute): true,
	} {
		found := false
		for _, got := range read[payoutList](s, "/payouts?size=500&"+query).Payouts {
			found = found || got["payment_reference"] == p.PaymentReference
		}
		if found != there {
			t.Errorf("%s: the payout of %s is there: %t", query, p.Date, found)
		}
	}
	for _, got := range read[payoutList](s, "/payouts?size=500&currency_code=NOK").Payouts {
		if got["currency_code"] != "NOK" {
			t.Errorf("a payout in %s among those in NOK", got["currency_code"])
		}
	}
}

func TestRowsOfAnOrderAreFoundAcrossPayouts(t *testing.T) {
	s := newStage(t)
	payouts := map[string]map[string]bool{}
	for p, r := range s.shop.Transactions() {
		if p == nil || r.OrderID == "" {
			continue
		}
		if payouts[r.OrderID] == nil {
			payouts[r.OrderID] = map[string]bool{}
		}
		payouts[r.OrderID][p.PaymentReference] = true
	}
	for order, in := range payouts {
		if len(in) < 3 {
			continue
		}
		list := read[rowList](s, "/transactions?size=500&order_id="+order)
		found := map[string]bool{}
		for _, r := range list.Transactions {
			found[r.PaymentReference] = true
			if r.OrderID == nil || *r.OrderID != order {
				t.Errorf("a row of another order: %+v", r)
			}
		}
		if len(found) < len(in) {
			t.Errorf("order %s is in the payouts %v, found in %v", order, in, found)
		}
		return
	}
	t.Fatal("no order is spread over three payouts")
}

func TestRowsThatAreNotPaidYetNameNoPayout(t *testing.T) {
	s := newStage(t)
	total := read[rowList](s, "/transactions?size=1").Pagination.Total
	last := read[rowList](s, fmt.Sprintf("/transactions?size=1&offset=%d", total-1))
	if len(s.shop.Unpaid()) == 0 || last.Transactions[0].PaymentReference != "" {
		t.Errorf("of %d rows the last is %+v", total, last.Transactions[0])
	}
	if first := read[rowList](s, "/transactions?size=1"); first.Transactions[0].PaymentReference == "" {
		t.Error("the first row names no payout")
	}
}

func TestSummariesAddUpTheirPayouts(t *testing.T) {
	s := newStage(t)
	type summary struct {
		Currency   string `json:"summary_settlement_currency"`
		Settlement int64  `json:"summary_total_settlement_amount"`
		Sale       int64  `json:"summary_total_sale_amount"`
	}
	want := map[string]summary{}
	for _, p := range s.shop.Payouts() {
		if p.Date.Month() == time.September {
			sum := want[p.Currency]
			want[p.Currency] = summary{p.Currency, sum.Settlement + p.Totals.Settlement, sum.Sale + p.Totals.Sale}
		}
	}
	const september = "start_date=2025-09-01T00:00:00Z&end_date=2025-09-30T23:59:59Z"
	got := read[[]summary](s, "/payouts/summary?"+september)
	if len(got) != 4 {
		t.Fatalf("%d summaries", len(got))
	}
	for _, sum := range got {
		if sum != want[sum.Currency] {
			t.Errorf("the summary is %+v, the payouts give %+v", sum, want[sum.Currency])
		}
	}
	if one := read[[]summary](s, "/payouts/summary?currency_code=DKK&"+september); len(one) != 1 || one[0].Currency != "DKK" {
		t.Errorf("the summary in DKK is %+v", one)
	}
}

func TestFuturePayoutsAppearWithTheClock(t *testing.T) {
	now := time.Date(2025, time.September, 1, 0, 0, 0, 0, time.UTC)
	s := newStage(t, func(o *Options) { o.HideFuture, o.Now = true, func() time.Time { return now } })
	before := read[payoutList](s, "/payouts").Pagination.Total
	now = now.AddDate(0, 1, 0)
	after := read[payoutList](s, "/payouts").Pagination.Total
	if before == 0 || after <= before || after >= len(s.shop.Payouts()) {
		t.Errorf("%d payouts in September, %d in October", before, after)
	}
	hidden := s.shop.Payouts()[len(s.shop.Payouts())-1]
	s.refused("/payouts/"+hidden.PaymentReference, http.StatusNotFound)
}

func TestTheLiveDeviationsAreServedUnlessStrict(t *testing.T) {
	live, strict := newStage(t), newStage(t, func(o *Options) { o.Strict = true })
	for _, name := range []string{
		`"shipping_address_country"`, `"initial_payment_method_number_of_installments"`, `"customer_vat":[{`, `"order_id":null`,
		`"additional_data"`, `"next":null`, `"merchant_id"`,
	} {
		if !strings.Contains(live.ask("/transactions?size=500").body+live.ask(lastPage(live)).body, name) {
			t.Errorf("the live rows have no %s", name)
		}
		if strings.Contains(strict.ask("/transactions?size=500").body+strict.ask(lastPage(strict)).body, name) {
			t.Errorf("the strict rows have %s", name)
		}
	}
	if body := live.ask("/payouts").body; !strings.Contains(body, commissionReversal) || !strings.Contains(body, "payout_channel") {
		t.Error("the live payouts have no undocumented members")
	}
}

func lastPage(s *stage) string {
	total := read[rowList](s, "/transactions?size=1").Pagination.Total
	return fmt.Sprintf("/transactions?size=500&offset=%d", total-400)
}

func TestTheRateLimitIsReported(t *testing.T) {
	now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	s := newStage(t, func(o *Options) { o.RequestsPerSecond, o.Now = 2, func() time.Time { return now } })
	for _, want := range []string{"1", "0"} {
		a := s.ask("/payouts?size=1")
		if a.status != 200 || a.header.Get("X-Ratelimit-Remaining") != want || a.header.Get("X-Ratelimit-Limit") != "2, 2;w=1" {
			t.Errorf("the answer is %d with %v", a.status, a.header)
		}
	}
	if a := s.refused("/payouts?size=1", 429); a.header.Get("X-Ratelimit-Reset") != "1" || a.header.Get("Retry-After") != "" {
		t.Errorf("the refusal has %v", a.header)
	}
	now = now.Add(time.Second)
	read[payoutList](s, "/payouts?size=1")
	unlimited := newStage(t)
	if a := unlimited.ask("/payouts?size=1"); a.header.Get("X-Ratelimit-Limit") != "200, 200;w=1" {
		t.Errorf("without a limit the header is %v", a.header)
	}
	if unlimited.SetRequestsPerSecond(1) {
		t.Error("a limit was set without a clock")
	}
}

func TestAnImpossibleSimulatorIsRefused(t *testing.T) {
	some := shop.New("K1", "SEK")
	keys := []Key{{Key: liveKey}}
	for name, err := range map[string]error{
		"no shop":         second(New(nil, Options{Keys: keys})),
		"no keys":         second(New(some, Options{})),
		"empty key":       second(New(some, Options{Keys: []Key{{}}})),
		"limit, no clock": second(New(some, Options{Keys: keys, RequestsPerSecond: 1})),
		"hide, no clock":  second(New(some, Options{Keys: keys, HideFuture: true})),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second(_ *Sim, err error) error { return err }
