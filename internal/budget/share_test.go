package budget_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kvitt/internal/budget"
)

// book is the shared database, in memory. Its clock differs from the processes' clocks.
type book struct {
	mu     sync.Mutex
	states map[string]json.RawMessage
	writes int
	err    error
}

const ahead = 7 * time.Hour

func (b *book) UpdateBudget(_ context.Context, name string, change func(time.Time, json.RawMessage) (json.RawMessage, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	if b.states == nil {
		b.states = map[string]json.RawMessage{}
	}
	out, err := change(time.Now().Add(ahead), b.states[name])
	if err == nil {
		b.states[name] = out
		b.writes++
	}
	return err
}

// provider counts requests as they arrive.
type provider struct {
	mu   sync.Mutex
	at   []time.Time
	left int // requests left in this window; a negative number means 429
	most int
	ends time.Time
}

func (p *provider) ask() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Now())
}

// busiest returns the largest number of requests within any second.
func (p *provider) busiest() int {
	slices.SortFunc(p.at, time.Time.Compare)
	most, from := 0, 0
	for i, t := range p.at {
		for t.Sub(p.at[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// spend runs the given number of clients per process, each asking as often as it may.
func spend(t *testing.T, shares []*budget.Share, clients int, d time.Duration, ask func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var all sync.WaitGroup
	for _, share := range shares {
		for range clients {
			all.Go(func() {
				for share.Wait(ctx) == nil {
					ask()
					time.Sleep(20 * time.Millisecond) // the time an answer takes
					share.Done()
				}
			})
		}
	}
	all.Wait()
}

func TestAllProcessesTogetherStayBelowTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, klarna := &book{}, &provider{}
		var shares []*budget.Share
		for range 5 {
			shares = append(shares, budget.NewShare(b, "klarna/K1", budget.Spaced(160)))
		}
		spend(t, shares, 16, 10*time.Second, klarna.ask)
		if n := klarna.busiest(); n > 192 {
			t.Errorf("%d requests within a second; Klarna grants 200 and Kvitt may use 192", n)
		}
		if n := len(klarna.at); n < 1500 {
			t.Errorf("%d requests in ten seconds: most of the budget of 1,600 was wasted", n)
		}
		if b.writes > len(klarna.at)/4 {
			t.Errorf("the database was written %d times for %d requests", b.writes, len(klarna.at))
		}
	})
}

func TestAQuietProcessLeavesTheBudgetToABusyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, klarna := &book{}, &provider{}
		busy, quiet := budget.NewShare(b, "k", budget.Spaced(160)), budget.NewShare(b, "k", budget.Spaced(160))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var slowest time.Duration
		var gone sync.WaitGroup
		gone.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				if quiet.Wait(ctx) == nil {
					quiet.Done()
					slowest = max(slowest, time.Since(began))
				}
				time.Sleep(250 * time.Millisecond)
			}
		})
		spend(t, []*budget.Share{busy}, 16, 5*time.Second, klarna.ask)
		gone.Wait()
		if n := len(klarna.at); n < 700 {
			t.Errorf("the busy process sent %d of 800 requests in five seconds", n)
		}
		if slowest > time.Second {
			t.Errorf("the quiet process waited %s for one request", slowest)
		}
	})
}

// counted is a provider that grants a number of requests per window and reports how many are left.
func (p *provider) counted(t *testing.T, share *budget.Share, window time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !now.Before(p.ends) {
		p.left, p.ends = p.most, now.Truncate(window).Add(window)
	}
	p.left--
	if p.left < 0 {
		t.Errorf("a request was sent that could not be granted, %s before the window ends", p.ends.Sub(now))
	}
	share.Left(p.left, p.ends.Sub(now).Truncate(time.Second)+time.Second)
}

func TestNoRequestIsSentOnceTheProviderReportsNoneLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, visma := &book{}, &provider{most: 300}
		var all sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		sent := 0
		for range 3 {
			share := budget.NewShare(b, "visma/isv/1", budget.Counted())
			for range 4 {
				all.Go(func() {
					for share.Wait(ctx) == nil {
						time.Sleep(40 * time.Millisecond)
						visma.counted(t, share, time.Minute)
						visma.mu.Lock()
						sent++
						visma.mu.Unlock()
						share.Done()
					}
				})
			}
		}
		all.Wait()
		if least := 9 * 280; sent < least {
			t.Errorf("%d requests in ten windows of 300: too many were left unused", sent)
		}
	})
}

func TestALimitReportedToOneProcessHoldsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		first, other := budget.NewShare(b, "k", budget.Spaced(40)), budget.NewShare(b, "k", budget.Spaced(40))
		for range 6 { // the lease grows, and some of it is left
			if err := errors.Join(first.Wait(t.Context()), other.Wait(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		first.Close(30 * time.Second)
		if wait, ok, err := first.Take(t.Context()); ok || err != nil || wait != 30*time.Second {
			t.Errorf("the process that got the answer: %s %t %v", wait, ok, err)
		}
		time.Sleep(time.Second) // the other process's lease expires
		if wait, ok, err := other.Take(t.Context()); ok || err != nil || wait != 29*time.Second {
			t.Errorf("the other process: %s %t %v", wait, ok, err)
		}
		before := b.writes
		for range 100 {
			if _, ok, _ := other.Take(t.Context()); ok {
				t.Fatal("a request was let through")
			}
		}
		if b.writes != before {
			t.Errorf("the database was asked %d times although the answer was known", b.writes-before)
		}
		time.Sleep(29 * time.Second)
		if wait, ok, err := other.Take(t.Context()); !ok || err != nil || wait > 0 {
			t.Errorf("after the pause: %s %t %v", wait, ok, err)
		}
	})
}

func TestAnUnusedLeaseIsNotSavedForLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, klarna := &book{}, &provider{}
		var shares []*budget.Share
		for range 12 {
			shares = append(shares, budget.NewShare(b, "k", budget.Spaced(160)))
		}
		for _, s := range shares { // one after the other, so that each gets a large one
			spend(t, []*budget.Share{s}, 16, 500*time.Millisecond, func() {})
		}
		spend(t, shares, 16, 3*time.Second, klarna.ask)
		if n := klarna.busiest(); n > 192 {
			t.Errorf("%d requests within a second; Kvitt may use 192", n)
		}
	})
}

func TestRequestsUnderWayAreSubtracted(t *testing.T) {
	share := budget.NewShare(&book{}, "v", budget.Counted())
	take := func() bool {
		_, ok, err := share.Take(t.Context())
		return ok && err == nil
	}
	for range 4 {
		take()
	}
	share.Left(5, time.Minute) // the first answer; three are under way and may not be counted yet
	share.Done()
	for i := range 2 {
		if !take() {
			t.Errorf("request %d of the two left was not let through", i+1)
		}
	}
	if take() {
		t.Error("one request too many was let through")
	}
}

func TestADeadProcessHoldsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		dead, alive := budget.NewShare(b, "v", budget.Counted()), budget.NewShare(b, "v", budget.Counted())
		for range 8 { // its lease grows
			if err := dead.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := alive.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		alive.Left(50, time.Hour)
		alive.Done()
		time.Sleep(budget.Counted().Life) // after this the dead process's lease has expired
		n := 0
		for {
			wait, ok, err := alive.Take(t.Context())
			if err != nil || !ok {
				if wait < 50*time.Minute {
					t.Errorf("it has to wait %s, %v", wait, err)
				}
				break
			}
			n++
		}
		if n < 35 {
			t.Errorf("it got %d of the 50 left", n)
		}
	})
}

func TestANewWindowIsNotMistakenForTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share := budget.NewShare(&book{}, "v", budget.Counted())
		if err := share.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		share.Left(5, 2*time.Second)
		share.Done()
		time.Sleep(time.Second)
		share.Left(999, time.Hour) // their clock was ahead: a new window has begun
		n := 0
		for range 100 {
			if _, ok, err := share.Take(t.Context()); ok && err == nil {
				n++
				share.Done()
			}
		}
		if n != 100 {
			t.Errorf("%d of 100 requests were let through, although 999 were left", n)
		}
	})
}

func TestWithoutTheDatabaseNothingIsSent(t *testing.T) {
	gone := errors.New("the database has gone")
	share := budget.NewShare(&book{err: gone}, "k", budget.Spaced(40))
	if err := share.Wait(t.Context()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestAStateOfAnotherVersionIsReplaced(t *testing.T) {
	b := &book{states: map[string]json.RawMessage{"k": json.RawMessage(`["x"]`)}}
	if err := budget.NewShare(b, "k", budget.Spaced(40)).Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
