package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kvitt/internal/store"
)

func TestALockIsHeldByOneAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		stores := []*store.Store{db.open(t), db.open(t)}
		var inside, most atomic.Int32
		together(t, 8, func(ctx context.Context, i int) error {
			for range 3 {
				unlock, err := stores[i%2].Lock(ctx, "visma/c1", time.Minute)
				if err != nil {
					return err
				}
				most.Store(max(most.Load(), inside.Add(1)))
				// Work that others could interleave with.
				if _, err := stores[i%2].Connections(ctx); err != nil {
					return err
				}
				inside.Add(-1)
				unlock()
			}
			return nil
		})
		same(t, "the most holders at once", most.Load(), int32(1))
	})
}

func TestALockEndsWithItsTimeToLiveWhenItsHolderDied(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		a, b := db.open(t), db.open(t)
		dead, err := a.Lock(t.Context(), "visma/c1", 100*time.Millisecond)
		must(t, err)
		alive, err := b.Lock(t.Context(), "visma/c1", time.Minute)
		must(t, err)

		dead() // the holder that lost the lease cannot release it
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = a.Lock(ctx, "visma/c1", time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "take the lock visma/c1: ") {
			t.Errorf("while it is held: %v", err)
		}

		alive()
		alive()
		again, err := a.Lock(t.Context(), "visma/c1", time.Minute)
		must(t, err)
		alive() // a second unlock does not release another holder's lease
		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := b.Lock(ctx, "visma/c1", time.Minute); err == nil {
			t.Error("a held lease was released")
		}
		again()
	})
}

func TestAHeldLockOutlivesItsTimeToLive(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		a, b := db.open(t), db.open(t)
		const ttl = 2 * time.Second // a busy machine renews late
		unlock, err := a.Hold(t.Context(), "visma/c1", ttl)
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 2*ttl)
		defer cancel()
		if _, err := b.Lock(ctx, "visma/c1", time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while it is held: %v", err)
		}
		unlock()
		unlock()
		again, err := b.Hold(t.Context(), "visma/c1", time.Minute)
		must(t, err)
		again()
	})
}

func TestLocksOfDifferentNamesDoNotWaitForEachOther(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		for _, name := range []string{"a", "b"} {
			unlock, err := s.Lock(t.Context(), name, time.Minute)
			must(t, err)
			defer unlock()
		}
	})
}
