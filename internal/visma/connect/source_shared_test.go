package connect

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"kvitt/internal/fault"
)

func TestARefusedTokenIsReplacedOnlyOnce(t *testing.T) {
	v := newVisma(t)
	k := newMemory(v.connected())
	s := v.provider().Source(k)
	refused := mustToken(t, s)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			s.Invalidate(refused)
			if token, err := s.Token(context.Background()); err != nil || token.AccessToken == refused {
				t.Errorf("%v, %v", token != nil, err)
			}
		})
	}
	all.Wait()
	s.Invalidate(refused) // a late report of the old one
	mustToken(t, s)
	if v.refreshes != 1 {
		t.Errorf("%d refreshes", v.refreshes)
	}
}

func TestATokenReplacedByAnotherProcessCostsNoRefresh(t *testing.T) {
	v := newVisma(t)
	k := newMemory(v.connected())
	here, there := v.provider().Source(k), v.provider().Source(k)
	refused := mustToken(t, here)
	if mustToken(t, there) != refused {
		t.Fatal("two processes use two tokens")
	}
	there.Invalidate(refused)
	replaced := mustToken(t, there)
	here.Invalidate(refused)
	if mustToken(t, here) != replaced || v.refreshes != 1 {
		t.Errorf("%d refreshes", v.refreshes)
	}
}

func TestAWaiterForTheLockUsesTheOthersGrant(t *testing.T) {
	v := newVisma(t)
	v.oneTime = true
	k := newMemory(v.connected())
	v.clock.move(time.Hour)
	other := v.provider()
	k.onLocked = func() { // another process was faster
		k.onLocked = nil
		next, err := other.Refresh(context.Background(), k.grant)
		if err != nil {
			t.Error(err)
		}
		_ = k.Save(context.Background(), k.grant, next)
	}
	if mustToken(t, v.provider().Source(k)) != k.grant.AccessToken || v.refreshes != 1 {
		t.Errorf("%d refreshes", v.refreshes)
	}
}

func TestAnExpiredLockDoesNotKillANewerGrant(t *testing.T) {
	v := newVisma(t)
	v.oneTime = true
	v.grace = 0
	k := newMemory(v.connected())
	v.clock.move(time.Hour)
	other := v.provider()
	v.failNext(nil, func(w http.ResponseWriter, _ *http.Request) { // meanwhile another process refreshes and saves
		v.mu.Unlock()
		next, err := other.Refresh(context.Background(), k.grant)
		if err != nil {
			t.Error(err)
		}
		_ = k.Save(context.Background(), k.grant, next)
		v.mu.Lock()
		status(400, `{"error":"invalid_grant"}`)(w, nil)
	})
	if mustToken(t, v.provider().Source(k)) != k.grant.AccessToken {
		t.Error("the other process's grant is not used")
	}
}

func TestACallerThatGivesUpDoesNotCancelTheRefresh(t *testing.T) {
	v := newVisma(t)
	v.oneTime = true
	k := newMemory(v.connected())
	s := v.provider().Source(k)
	v.clock.move(time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	k.onLocked = cancel // during the refresh
	_, err := s.Token(ctx)
	if err != nil && (fault.ClassOf(err) != fault.Transient || !errors.Is(err, context.Canceled)) {
		t.Errorf("the error is %v", err)
	}
	if mustToken(t, s) != k.grant.AccessToken || v.refreshes != 1 || k.saves != 1 {
		t.Errorf("%d refreshes, %d saves", v.refreshes, k.saves)
	}
}

// Two processes of 25 goroutines each share one one-time refresh token for ten hours.
func TestFiftyGoroutinesInTwoProcessesRefreshOncePerExpiry(t *testing.T) {
	v := newVisma(t)
	v.oneTime = true
	v.grace = 0 // a refresh token that is used twice is dead
	k := newMemory(v.connected())
	start := v.clock.now()
	expiries := []time.Time{k.grant.Expiry}
	k.onSave = func(g Grant) { expiries = append(expiries, g.Expiry) }
	sources := []*Source{v.provider().Source(k), v.provider().Source(k)}
	for v.clock.now().Sub(start) < 10*time.Hour {
		now := v.clock.now()
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				token, err := sources[i%2].Token(context.Background())
				if err != nil {
					t.Errorf("after %s: %v", now.Sub(start), err)
					return
				}
				v.mu.Lock()
				good := v.issued[token.AccessToken].After(now)
				v.mu.Unlock()
				if !good {
					t.Errorf("after %s: an expired token was returned", now.Sub(start))
				}
			})
		}
		all.Wait()
		v.clock.move(time.Minute)
	}
	due := 0 // expiries that came due within the ten hours
	for _, expiry := range expiries {
		if last := v.clock.now().Add(-time.Minute); !last.Add(margin).Before(expiry) {
			due++
		}
	}
	if v.refreshes != due || due != 10 || k.saves != due {
		t.Errorf("%d refreshes and %d saves for %d expiries", v.refreshes, k.saves, due)
	}
}
