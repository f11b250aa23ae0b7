package visma

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kvitt/internal/fault"
)

// others is a shared budget that records the calls.
type others struct {
	waits []time.Duration // negative: none is left for this time
	notes []string
}

func (o *others) Take(context.Context) (time.Duration, bool, error) {
	o.notes = append(o.notes, "take")
	if len(o.waits) == 0 {
		return 0, true, nil
	}
	wait := o.waits[0]
	o.waits = o.waits[1:]
	return wait.Abs(), wait >= 0, nil
}
func (o *others) Done() { o.notes = append(o.notes, "done") }
func (o *others) Left(n int, reset time.Duration) {
	o.notes = append(o.notes, fmt.Sprintf("left %d for %s", n, reset))
}
func (o *others) Close(d time.Duration) { o.notes = append(o.notes, "closed for "+d.String()) }

func TestTheBudgetInAnswersIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &others{}
		c, _ := scriptedClient(t, NewSharedLimiter(shared),
			scriptedAnswer{200, map[string]string{"X-RateLimit-Remaining": "17", "X-RateLimit-Reset": "900"}, "[]"},
			scriptedAnswer{200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "8"}, "[]"},
			scriptedAnswer{429, map[string]string{"Retry-After": "1800"}, ""})
		for range 3 {
			_, _ = c.Ledgers(t.Context())
		}
		want := []string{
			"take", "left 17 for 15m0s", "done",
			"take", "left 0 for 8s", "closed for 8s", "done",
			"take", "closed for 30m0s", "done",
		}
		if !slices.Equal(shared.notes, want) {
			t.Errorf("recorded %q\nwant  %q", shared.notes, want)
		}
	})
}

func TestARequestWaitsUntilTheSharedBudgetHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &others{waits: []time.Duration{-4 * time.Second, 2 * time.Second, -time.Hour}}
		c, transport := scriptedClient(t, NewSharedLimiter(shared), scriptedAnswer{200, nil, "[]"})
		began := time.Now()
		if _, err := c.Ledgers(t.Context()); err != nil || transport.at[0].Sub(began) != 6*time.Second {
			t.Errorf("it was sent after %v, %v", transport.at, err)
		}
		_, err := c.Ledgers(t.Context())
		if e := wantFault(t, err, fault.Throttled); e.RetryAfter != time.Hour || transport.requests != 1 {
			t.Errorf("to wait %s after %d requests", e.RetryAfter, transport.requests)
		}
	})
}

func TestACancelledRequestIsGivenBackToTheSharedBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &others{waits: []time.Duration{5 * time.Second}}
		c, transport := scriptedClient(t, NewSharedLimiter(shared), scriptedAnswer{200, nil, "[]"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Ledgers(ctx)
		wantFault(t, err, fault.Transient)
		if transport.requests != 0 || !slices.Equal(shared.notes, []string{"take", "done"}) {
			t.Errorf("%d requests; recorded %q", transport.requests, shared.notes)
		}
	})
}
