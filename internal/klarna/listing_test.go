package klarna

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kvitt/internal/fault"
)

var thePayout = TransactionsQuery{PaymentReference: "4711"}

func TestEveryRowComesOnceAndInOrder(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 2345} {
		s := serve(t, pages("transactions", rows(n)))
		client := s.client(Options{PageSize: 100})
		for range 2 { // a listing can be read again
			all := collect(t, client.Transactions(t.Context(), thePayout))
			if len(all) != n {
				t.Fatalf("got %d rows, want %d", len(all), n)
			}
			for i := range all {
				if all[i].Amount != int64(i+1) {
					t.Fatalf("row %d has the amount %d", i, all[i].Amount)
				}
			}
		}
		if want := int64(2 * max(1, (n+99)/100)); s.requests.Load() != want {
			t.Errorf("%d rows took %d requests, want %d", n, s.requests.Load(), want)
		}
	}
}

func TestAPageTellsWhereItStandsAndCarriesItsBytes(t *testing.T) {
	all := rows(5)
	client := serve(t, pages("transactions", all)).client(Options{PageSize: 2})
	var offset int64
	for page, err := range client.Transactions(t.Context(), TransactionsQuery{"4711", ""}) {
		if err != nil {
			t.Fatal(err)
		}
		if page.Offset != offset || page.Total != 5 {
			t.Errorf("offset %d of %d, want %d of 5", page.Offset, page.Total, offset)
		}
		if want := pageOf("transactions", all, int(offset), 2, 5); string(page.Answer.Body) != want {
			t.Errorf("got the bytes %s, want %s", page.Answer.Body, want)
		}
		if want := fmt.Sprintf("/settlements/v1/transactions?offset=%d&payment_reference=4711&size=2", offset); page.Answer.Path != want {
			t.Errorf("got %s, want %s", page.Answer.Path, want)
		}
		offset += 2
	}
}

func TestAPageIs500RowsUnlessAskedForLess(t *testing.T) {
	for asked, want := range map[int]string{0: "500", 501: "500", -1: "500", 7: "7"} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("size"); got != want {
				t.Errorf("asked for %s rows, want %s", got, want)
			}
			pages("transactions", nil)(w, r)
		})
		collect(t, s.client(Options{PageSize: asked}).Transactions(t.Context(), thePayout))
	}
}

func TestSeveralPagesAreInFlightButNeverMoreThanAllowed(t *testing.T) {
	const inFlight = 4
	var running, most, asked atomic.Int64
	var together sync.WaitGroup // the first pages after the first wait for each other
	together.Add(inFlight)
	listing := pages("transactions", rows(100))
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		if offset, _ := window(r); offset > 0 && offset <= 5*inFlight {
			together.Done()
			together.Wait()
		}
		listing(w, r)
	}).client(Options{PageSize: 5})
	var yielded int64
	for _, err := range client.Transactions(t.Context(), thePayout) {
		if err != nil {
			t.Fatal(err)
		}
		yielded++
		if ahead := asked.Load() - yielded; ahead > inFlight {
			t.Errorf("%d pages were asked for ahead of page %d", ahead, yielded)
		}
	}
	if yielded != 20 || most.Load() > inFlight {
		t.Errorf("%d pages, %d at the same time", yielded, most.Load())
	}
}

func TestConnectionsAreReused(t *testing.T) {
	s := serve(t, pages("transactions", rows(400)))
	client := s.client(Options{PageSize: 5})
	collect(t, client.Transactions(t.Context(), thePayout))
	collect(t, client.Transactions(t.Context(), thePayout))
	if got := s.connections.Load(); got > defaultInFlight+1 {
		t.Errorf("160 pages took %d connections", got)
	}
}

func TestNothingRunsAnyMoreWhenTheLoopIsLeft(t *testing.T) {
	s := serveWrong(t, func(w http.ResponseWriter, r *http.Request) {
		if offset, size := window(r); offset > 0 {
			<-r.Context().Done() // an answer that never comes
		} else {
			reply(w, http.StatusOK, pageOf("transactions", rows(100), offset, size, 100))
		}
	})
	for name, read := range map[string]func(context.Context, context.CancelFunc, *Client) error{
		"by the consumer": func(ctx context.Context, _ context.CancelFunc, c *Client) error {
			for _, err := range c.Transactions(ctx, thePayout) {
				return err
			}
			return nil
		},
		"by its context": func(ctx context.Context, cancel context.CancelFunc, c *Client) error {
			for _, err := range c.Transactions(ctx, thePayout) {
				if err != nil {
					wantFault(t, err, fault.Transient)
					if !errors.Is(err, context.Canceled) {
						return err
					}
					return nil
				}
				cancel()
			}
			return errors.New("the listing ended without an error")
		},
		"by a panic": func(ctx context.Context, _ context.CancelFunc, c *Client) (err error) {
			defer func() { _ = recover() }()
			for range c.Transactions(ctx, thePayout) {
				panic("the consumer broke")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := s.client(Options{PageSize: 10})
			before := goleak.IgnoreCurrent()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if err := read(ctx, cancel, client); err != nil {
				t.Fatal(err)
			}
			client.Close()
			s.CloseClientConnections()
			goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
		})
	}
}

func TestAnErrorComesInItsPlaceAndEndsTheListing(t *testing.T) {
	listing := pages("transactions", rows(50))
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if offset, _ := window(r); offset == 30 {
			reply(w, http.StatusInternalServerError, "{}")
			return
		}
		listing(w, r)
	}).client(Options{PageSize: 10})
	var seen []string
	for page, err := range client.Transactions(t.Context(), thePayout) {
		if err != nil {
			wantFault(t, err, fault.Transient, "list transactions of payout 4711, from item 31: Klarna answered 500")
			seen = append(seen, "error")
			continue
		}
		seen = append(seen, fmt.Sprint(page.Offset))
	}
	if got := strings.Join(seen, " "); got != "0 10 20 error" {
		t.Errorf("got %s", got)
	}
}

// moving serves a listing of 50 rows in pages of 10, in which the answer at
// one offset is another one than it should be.
func moving(offset int, answer string) http.HandlerFunc {
	listing := pages("transactions", rows(50))
	return func(w http.ResponseWriter, r *http.Request) {
		if at, _ := window(r); at == offset {
			reply(w, http.StatusOK, answer)
			return
		}
		listing(w, r)
	}
}

func TestAListingThatMovesIsNoticed(t *testing.T) {
	all := rows(60)
	second := pageOf("transactions", all, 10, 10, 50)
	for name, c := range map[string]struct {
		offset int
		answer string
		says   string
		seen   int
	}{
		"rows were added":      {20, pageOf("transactions", all, 20, 10, 51), "there were 50 items at first and 51 now", 20},
		"rows were removed":    {20, pageOf("transactions", all, 20, 10, 49), "there were 50 items at first and 49 now", 20},
		"the total went":       {20, strings.Replace(second, `"total":50,`, "", 1), "there were 50 items at first and -1 now", 20},
		"a wrong count":        {20, strings.Replace(pageOf("transactions", all, 20, 10, 50), `"count":10`, `"count":9`, 1), "says it has 9 items and has 10", 20},
		"a short page":         {20, pageOf("transactions", all[:27], 20, 10, 50), "has 7 items where 10 were due of 50", 20},
		"an empty page":        {20, pageOf("transactions", all[:20], 20, 10, 50), "has 0 items where 10 were due of 50", 20},
		"a short last page":    {40, pageOf("transactions", all[:49], 40, 10, 50), "has 9 items where 10 were due of 50", 40},
		"a long page":          {20, pageOf("transactions", all, 20, 11, 50), "has 11 items where 10 were due of 50", 20},
		"the same bytes":       {20, second, "starts at 10 and not at 20", 20},
		"the same rows":        {20, strings.Replace(second, `"offset":10`, `"offset":20`, 1), "repeats the one at 10", 20},
		"rows without offset":  {20, strings.Replace(second, `"offset":10,`, "", 1), "repeats the one at 10", 20},
		"a short first page":   {0, pageOf("transactions", all[:5], 0, 10, 50), "has 5 items where 10 were due of 50", 0},
		"an impossible total":  {0, pageOf("transactions", all, 0, 10, 5), "has 10 items where 5 were due of 5", 0},
		"a first page of more": {0, strings.Replace(pageOf("transactions", all, 0, 11, 50), `"total":50,`, "", 1), "where at most 10 were due", 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, moving(c.offset, c.answer)).client(Options{PageSize: 10})
			seen := 0
			for page, err := range client.Transactions(t.Context(), thePayout) {
				if err == nil {
					seen += len(page.Items)
					continue
				}
				e := wantFault(t, err, fault.Transient, c.says)
				var moved *MovedError
				if !errors.Is(err, ErrMoved) || !errors.As(err, &moved) || moved.Offset != int64(c.offset) || e.RequestID != "corr-200" {
					t.Errorf("%v is not the signal to start over", err)
				}
				if seen != c.seen {
					t.Errorf("noticed after %d rows, want %d", seen, c.seen)
				}
				return
			}
			t.Errorf("nothing was noticed in %d rows", seen)
		})
	}
}

func TestOneRowMayEqualAnother(t *testing.T) {
	same := slices.Repeat([]string{`{"amount":500,"type":"HOLDBACK","currency_code":"SEK","order_id":null}`}, 3)
	client := serve(t, pages("transactions", same)).client(Options{PageSize: 1})
	if got := collect(t, client.Transactions(t.Context(), thePayout)); len(got) != 3 || got[2].OrderID != "" {
		t.Errorf("got %+v", got)
	}
}

func TestAListingWithoutATotalIsReadUntilAPageIsNotFull(t *testing.T) {
	for _, n := range []int{0, 9, 10, 25} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			offset, size := window(r)
			answer := pageOf("transactions", rows(n), offset, size, n)
			reply(w, http.StatusOK, strings.Replace(answer, fmt.Sprintf(`"total":%d,`, n), "", 1))
		}).client(Options{PageSize: 10})
		if got := collect(t, client.Transactions(t.Context(), thePayout)); len(got) != n {
			t.Errorf("got %d rows, want %d", len(got), n)
		}
	}
}

func TestRowsThatWereNotAskedForAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		query TransactionsQuery
		rows  string
		says  string
	}{
		"another payout": {thePayout, `{"amount":1,"type":"SALE","currency_code":"SEK","payment_reference":"4712"}`, "item 1: the row belongs to payout 4712"},
		"another order":  {TransactionsQuery{OrderID: "a"}, `{"amount":1,"type":"SALE","currency_code":"SEK","order_id":"b"}`, `the row belongs to order "b"`},
		"no order":       {TransactionsQuery{"4711", "a"}, `{"amount":1,"type":"SALE","currency_code":"SEK"}`, `list transactions of order a in payout 4711, from item 1`},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, pages("transactions", []string{c.rows})).client(Options{})
			for _, err := range client.Transactions(t.Context(), c.query) {
				wantFault(t, err, fault.BadData, c.says)
			}
		})
	}
	client := serve(t, pages("payouts", []string{onePayout})).client(Options{})
	for _, err := range client.Payouts(t.Context(), PayoutsQuery{Currency: "EUR"}) {
		wantFault(t, err, fault.BadData, "payout 4711 is in SEK, and only EUR was asked for")
	}
}

func TestARowThatLacksWhatTheBooksNeedIsBadData(t *testing.T) {
	for row, says := range map[string]string{
		`{"type":"SALE","currency_code":"SEK"}`:                            "transactions[0] lacks amount",
		`{"amount":null,"type":"","currency_code":"SEK"}`:                  "transactions[0] lacks amount and type",
		`{"amount":1,"type":"SALE","currency_code":null}`:                  "transactions[0] lacks currency_code",
		`{"amount":1.0,"type":"SALE","currency_code":"SEK"}`:               "transactions[0].amount is 1.0, not a whole number",
		`{"amount":"1","type":"SALE","currency_code":"SEK"}`:               `transactions[0].amount is "1", not a whole number`,
		`{"amount":1,"vat_amount":2.5,"type":"FEE","currency_code":"SEK"}`: "transactions[0].vat_amount is 2.5, not a whole number",
		`{"amount":1,"vat_rate":25.0,"type":"FEE","currency_code":"SEK"}`:  "transactions[0].vat_rate cannot be read, and the fee states no vat_amount",
		`{"amount":1,"type":5,"currency_code":"SEK"}`:                      "transactions[0].type is 5, not a string",
		`null`: "transactions[0] is null, not an object",
	} {
		client := serveWrong(t, pages("transactions", []string{row})).client(Options{})
		for _, err := range client.Transactions(t.Context(), thePayout) {
			wantFault(t, err, fault.BadData, says)
		}
	}
}

func TestPayoutsAreListedByWindowAndCurrency(t *testing.T) {
	var payouts []string
	for i := range 25 {
		payouts = append(payouts, strings.Replace(onePayout, "4711", fmt.Sprint(5000+i), 1))
	}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("start_date") != "2026-01-01T00:00:00Z" || q.Get("end_date") != "2026-02-01T00:00:00Z" || q.Get("currency_code") != "SEK" {
			t.Errorf("asked %s", r.URL.RawQuery)
		}
		pages("payouts", payouts)(w, r)
	}).client(Options{PageSize: 10})
	all := collect(t, client.Payouts(t.Context(), PayoutsQuery{
		Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Currency: "SEK",
	}))
	if len(all) != 25 || all[24].PaymentReference != "5024" {
		t.Errorf("got %d payouts", len(all))
	}
}

func TestAPayoutThatComesTwiceMeansThatTheListingMoved(t *testing.T) {
	first := strings.Replace(onePayout, "4711", "4710", 1)
	for _, err := range serve(t, pages("payouts", []string{first, onePayout, onePayout})).client(Options{PageSize: 2}).Payouts(t.Context(), PayoutsQuery{}) {
		if err != nil {
			wantFault(t, err, fault.Transient, "payout 4711 (NET) of merchant K123456 in SEK on 2026-01-14T23:10:00Z came twice")
			return
		}
	}
	t.Error("nothing was noticed")
}
