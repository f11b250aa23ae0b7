package klarna

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"kvitt/internal/fault"
)

// unsettled is a listing without a network that shows a row too many in its
// first readings.
func unsettled(t *testing.T, readings int64) *Client {
	t.Helper()
	var read atomic.Int64
	return newClient(t, Credential{Klarna, Europe, testKey, ""}, Options{PageSize: 10, HTTPClient: inMemory(func(w http.ResponseWriter, r *http.Request) {
		offset, size := window(r)
		total := 20
		if offset == 0 {
			read.Add(1)
		} else if read.Load() <= readings {
			total = 21
		}
		reply(w, http.StatusOK, pageOf("transactions", rows(20), offset, size, total))
	})})
}

func TestReadStartsOverWithAFreshTallyWhenTheListingMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := unsettled(t, 2)
		var tally, begun int64
		start := time.Now()
		err := Read(t.Context(), client.Transactions(t.Context(), thePayout),
			func() error { begun++; tally = 0; return nil },
			func(p *Page[Transaction]) error {
				for i := range p.Items {
					tally += p.Items[i].Amount
				}
				p.Release()
				return nil
			})
		if err != nil || begun != 3 || tally != 210 {
			t.Errorf("got %d after %d readings: %v", tally, begun, err)
		}
		if waited := time.Since(start); waited != 3*readingPause {
			t.Errorf("waited %s between the readings", waited)
		}
	})
}

func TestReadGivesUpAListingThatNeverHoldsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := 0
		err := Read(t.Context(), unsettled(t, 99).Transactions(t.Context(), thePayout),
			func() error { begun++; return nil }, func(*Page[Transaction]) error { return nil })
		wantFault(t, err, fault.BadData, "after 3 readings: the listing moved", "give Klarna the request number")
		if begun != readings || !errors.Is(err, ErrMoved) {
			t.Errorf("gave up after %d readings: %v", begun, err)
		}
	})
}

func TestReadReturnsTheConsumersErrorsAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := errors.New("the archive is full")
		fine := func() error { return nil }
		seq := unsettled(t, 0).Transactions(t.Context(), thePayout)
		if err := Read(t.Context(), seq, func() error { return own }, nil); !errors.Is(err, own) {
			t.Errorf("got %v", err)
		}
		if err := Read(t.Context(), seq, fine, func(*Page[Transaction]) error { return own }); !errors.Is(err, own) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), readingPause/2)
		defer cancel()
		err := Read(ctx, unsettled(t, 99).Transactions(ctx, thePayout), fine, func(*Page[Transaction]) error { return nil })
		wantFault(t, err, fault.Transient, "the listing moved")
	})
}

func TestALongPayoutNeedsTheMemoryOfAFewPages(t *testing.T) {
	const size, n, most = 500, 150_000, 30 << 20 // the answers together are more than 100 MB
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	client := newClient(t, Credential{Klarna, Europe, testKey, ""}, Options{
		HTTPClient: inMemory(endless(size, n)), Limiter: rate.NewLimiter(rate.Inf, 1),
	})
	for page, err := range client.Transactions(t.Context(), thePayout) {
		if err != nil {
			t.Fatal(err)
		}
		if page.Offset%(size*50) == size*49 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			if live := int64(m.HeapAlloc) - int64(before.HeapAlloc); live > most {
				t.Errorf("after %d rows %d bytes are in use", page.Offset+size, live)
			}
		}
		page.Release()
	}
}

// endless serves n rows, whole pages of them, which are the same row for row
// except for one amount.
func endless(size int, n int64) http.HandlerFunc {
	page := string(samplePage(0, size, n))
	start, rows, _ := strings.Cut(page, `{"amount":1000,`)
	rows, _, _ = strings.Cut(rows, `"pagination"`)
	return func(w http.ResponseWriter, r *http.Request) {
		offset, _ := window(r)
		reply(w, http.StatusOK, fmt.Sprintf(`%s{"amount":%d,%s"pagination":{"count":%d,"total":%d,"offset":%d}}`, start, offset, rows, size, n, offset))
	}
}
