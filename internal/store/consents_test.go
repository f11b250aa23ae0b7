package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"kvitt/internal/store"
)

func consent(state string, day int) store.Consent {
	return store.Consent{StateHash: state, SessionHash: "session", ConnectionID: "c1", Sealed: []byte{0, 1, 255}, ExpiresAt: at(day, 8)}
}

func TestAConsentIsTakenOnceAndUnchanged(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		want := consent("s1", 2)
		must(t, s.PutConsent(t.Context(), want))
		must(t, s.PutConsent(t.Context(), consent("s2", 2)))
		if err := s.PutConsent(t.Context(), want); !errors.Is(err, store.ErrExists) {
			t.Errorf("a state that is stored already: %v", err)
		}
		stranger := consent("s3", 2)
		stranger.ConnectionID = "c9"
		if err := s.PutConsent(t.Context(), stranger); err == nil {
			t.Error("a consent for a missing connection was stored")
		}
		got, err := s.TakeConsent(t.Context(), "s1")
		must(t, err)
		same(t, "the consent", got, want)
		if _, err := s.TakeConsent(t.Context(), "s1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("taken again: %v", err)
		}
		_, err = s.TakeConsent(t.Context(), "s2")
		must(t, err)
	})
}

func TestOnlyOneOfManyCallersGetsAConsent(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		processes := []*store.Store{db.open(t), db.open(t)}
		connection(t, processes[0], "c1")
		for range 5 {
			must(t, processes[0].PutConsent(t.Context(), consent("s1", 2)))
			var got atomic.Int32
			together(t, 8, func(ctx context.Context, i int) error {
				_, err := processes[i%2].TakeConsent(ctx, "s1")
				if err == nil {
					got.Add(1)
				} else if !errors.Is(err, store.ErrNotFound) {
					return err
				}
				return nil
			})
			same(t, "the callers that got it", got.Load(), int32(1))
		}
	})
}

func TestOnlyExpiredConsentsAreSwept(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		for state, day := range map[string]int{"s1": 1, "s2": 2, "s3": 3} {
			must(t, s.PutConsent(t.Context(), consent(state, day)))
		}
		swept, err := s.SweepConsents(t.Context(), at(2, 8))
		must(t, err)
		same(t, "those swept", swept, int64(1))
		swept, err = s.SweepConsents(t.Context(), at(2, 8).Add(time.Hour))
		must(t, err)
		same(t, "consents swept later", swept, int64(1))
		_, err = s.TakeConsent(t.Context(), "s3")
		must(t, err)
	})
}
