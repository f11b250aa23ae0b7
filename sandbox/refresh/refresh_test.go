package refresh_test

import (
	"maps"
	"testing"
	"time"
)

// A refresh token that is used twice is dead, so a second refresh would not only be counted: it would end
// the connection.
func TestTwoProcessesOfFiftyGoroutinesRefreshOncePerExpiryForTenHours(t *testing.T) {
	onBoth(t, 0, func(t *testing.T, w *world) {
		one, other := w.worker(orders{}), w.worker(orders{})
		// An access token lives for an hour and is replaced a minute before it
		// expires.
		const replaced = 59 * time.Minute
		begun := w.clock.now()
		for passed := time.Duration(0); passed < 10*time.Hour; passed = w.clock.now().Sub(begun) {
			w.good("after "+passed.String(), w.askAll(one, other)...)
			asked, refused := w.refreshes()
			if due := int(passed / replaced); asked != due || refused != 0 {
				t.Fatalf("after %s: %d refreshes, %d of them refused, for %d expiries", passed, asked, refused, due)
			}
			// Three times while it is valid, and right after it is due.
			if next := (passed/replaced+1)*replaced - passed; next < 20*time.Minute {
				w.clock.forward(next + time.Second)
				begun = begun.Add(time.Second) // the lifetime of its successor starts then
			} else {
				w.clock.forward(20 * time.Minute)
			}
		}
		if asked, _ := w.refreshes(); asked != 10 {
			t.Errorf("%d refreshes in ten hours", asked)
		}
	})
}

func TestAKillBetweenAnswerAndSaveIsHarmlessWithinTheGracePeriod(t *testing.T) {
	// The time until its lease expires is real time, and counts.
	const grace = 20 * time.Second
	onBoth(t, grace, func(t *testing.T, w *world) {
		w.clock.forward(time.Hour)
		w.dies(w.worker(orders{DieBeforeSave: true}))
		one, other := w.worker(orders{}), w.worker(orders{})
		w.good("after the crash", w.askAll(one, other)...)
		if asked, refused := w.refreshes(); asked != 2 || refused != 0 {
			t.Errorf("%d refreshes, %d of them refused", asked, refused)
		}
		w.clock.forward(time.Hour) // and everything continues as before
		w.good("an hour later", w.askAll(one, other)...)
		if asked, refused := w.refreshes(); asked != 3 || refused != 0 {
			t.Errorf("an hour later: %d refreshes, %d of them refused", asked, refused)
		}
	})
}

func TestAKillBetweenAnswerAndSaveCostsOneRefusalAfterTheGracePeriod(t *testing.T) {
	onBoth(t, 5*time.Second, func(t *testing.T, w *world) {
		w.clock.forward(time.Hour)
		w.dies(w.worker(orders{DieBeforeSave: true}))
		w.clock.forward(time.Minute)
		one, other := w.worker(orders{}), w.worker(orders{})
		refused := map[string]int{"auth invalid_grant": goroutines}
		for range 5 {
			for _, got := range w.askAll(one, other) {
				if len(got.Tokens) != 0 || !maps.Equal(got.Errors, refused) {
					t.Fatalf("%+v", got)
				}
			}
			w.clock.forward(time.Hour)
		}
		restarted := w.worker(orders{})
		if got := w.askAll(restarted)[0]; !maps.Equal(got.Errors, refused) {
			t.Errorf("after a restart: %+v", got)
		}
		if asked, no := w.refreshes(); asked != 2 || no != 1 {
			t.Errorf("%d refreshes were requested and %d refused; want the lost one and one more", asked, no)
		}
		w.consent() // which is the remedy
		w.good("authorized again", w.askAll(one, other, restarted)...)
	})
}
