package connect

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/internal/fault"
)

// memory is a Keeper in memory that plays the database shared by processes.
type memory struct {
	mu       sync.Mutex
	grant    Grant
	saves    int
	loadErr  error
	saveErr  error
	lockErr  error
	lock     chan struct{}
	locked   int
	onSave   func(Grant)
	onLocked func() // after the lock was taken
}

func newMemory(g Grant) *memory { return &memory{grant: g, lock: make(chan struct{}, 1)} }

func (m *memory) Load(context.Context) (Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.grant, m.loadErr
}

func (m *memory) Save(_ context.Context, from, g Grant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.saveErr != nil:
		return m.saveErr
	case m.loadErr != nil:
		return m.loadErr
	case !m.grant.Same(&from):
		return ErrMoved
	}
	m.saves++
	m.grant = g
	if m.onSave != nil {
		m.onSave(g)
	}
	return nil
}

func (m *memory) Lock(ctx context.Context) (func(), error) {
	if m.lockErr != nil {
		return nil, m.lockErr
	}
	select {
	case m.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	m.locked++
	m.mu.Unlock()
	if m.onLocked != nil {
		m.onLocked()
	}
	return func() { <-m.lock }, nil
}

func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func mustToken(t *testing.T, s *Source) string {
	t.Helper()
	token, err := s.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

func TestAnAccessTokenIsUsedUntilAMinuteBeforeItExpires(t *testing.T) {
	v := newVisma(t)
	k := newMemory(v.connected())
	s := v.provider().Source(k)
	first := mustToken(t, s)
	v.clock.move(58*time.Minute + 59*time.Second)
	if mustToken(t, s) != first || v.refreshes != 0 {
		t.Error("it was refreshed too early")
	}
	v.clock.move(time.Second)
	second := mustToken(t, s)
	if second == first || v.refreshes != 1 || k.grant.AccessToken != second || k.saves != 1 {
		t.Errorf("%d refreshes, %d saves", v.refreshes, k.saves)
	}
}

func TestAShortLivedTokenIsStillUsedForMostOfItsLife(t *testing.T) {
	v := newVisma(t)
	v.life = 40
	s := v.provider().Source(newMemory(v.connected()))
	first := mustToken(t, s)
	v.clock.move(29 * time.Second)
	if mustToken(t, s) != first {
		t.Error("it was refreshed too early")
	}
	v.clock.move(2 * time.Second)
	if mustToken(t, s) == first {
		t.Error("it was used too long")
	}
}

func TestTheServiceFlowAsksAgainWithoutARefreshToken(t *testing.T) {
	v := newVisma(t)
	g, err := v.provider().Service(context.Background(), testTenant)
	if err != nil {
		t.Fatal(err)
	}
	s := v.provider().Source(newMemory(g))
	first := mustToken(t, s)
	v.clock.move(time.Hour)
	if mustToken(t, s) == first || v.refreshes != 2 {
		t.Errorf("%d tokens were asked for", v.refreshes)
	}
}

func TestTheNewRefreshTokenIsSavedBeforeTheAccessTokenIsReturned(t *testing.T) {
	v := newVisma(t)
	v.oneTime = true
	k := newMemory(v.connected())
	s := v.provider().Source(k)
	old := k.grant
	v.clock.move(time.Hour)
	down := errors.New("database is down")
	k.set(func(k *memory) { k.saveErr = down })
	for range 3 { // the new grant waits to be saved; Visma Connect is not asked again
		if token, err := s.Token(context.Background()); !errors.Is(err, down) || token != nil {
			t.Fatalf("a token was returned that is not saved: %v, %v", token, err)
		}
	}
	if k.grant != old || v.refreshes != 1 {
		t.Fatalf("%d refreshes", v.refreshes)
	}
	k.set(func(k *memory) { k.saveErr = nil })
	if token := mustToken(t, s); token != k.grant.AccessToken || k.grant.RefreshToken == old.RefreshToken || v.refreshes != 1 {
		t.Errorf("%d refreshes, the grant is %s", v.refreshes, k.grant)
	}
}

func TestAGrantSavedLateAfterItsExpiryIsRefreshedOnce(t *testing.T) {
	v := newVisma(t)
	v.oneTime = true
	k := newMemory(v.connected())
	s := v.provider().Source(k)
	v.clock.move(time.Hour)
	k.set(func(k *memory) { k.saveErr = errors.New("database is down") })
	_, _ = s.Token(context.Background())
	v.clock.move(2 * time.Hour) // far beyond the grace period: the new refresh token is the only one
	k.set(func(k *memory) { k.saveErr = nil })
	if mustToken(t, s) != k.grant.AccessToken || v.refreshes != 2 || k.saves != 2 {
		t.Errorf("%d refreshes, %d saves", v.refreshes, k.saves)
	}
}

func TestACrashBetweenAnswerAndSaveIsSurvivedWithinTheGracePeriod(t *testing.T) {
	for _, c := range []struct {
		later time.Duration
		alive bool
	}{{20 * time.Second, true}, {40 * time.Second, false}} {
		v := newVisma(t)
		v.oneTime = true
		k := newMemory(v.connected())
		v.clock.move(time.Hour)
		k.set(func(k *memory) { k.saveErr = errors.New("kill -9") })
		_, _ = v.provider().Source(k).Token(context.Background())
		k.set(func(k *memory) { k.saveErr = nil })
		v.clock.move(c.later)
		s := v.provider().Source(k) // the process that starts after the crash
		_, err := s.Token(context.Background())
		if c.alive {
			if err != nil || v.refreshes != 2 {
				t.Errorf("after %s: %v, %d refreshes", c.later, err, v.refreshes)
			}
			continue
		}
		for range 5 { // a dead grant ends here, not in a loop
			if e := wantFault(t, err, fault.Auth); e.Code != "invalid_grant" {
				t.Errorf("%+v", e)
			}
			_, err = s.Token(context.Background())
		}
		if n := v.count("/connect/token"); n != 3 {
			t.Errorf("the token endpoint was asked %d times", n) // consent, lost refresh, one more try
		}
	}
}

func TestADeadGrantIsTriedOnce(t *testing.T) {
	v := newVisma(t)
	k := newMemory(v.connected())
	s := v.provider().Source(k)
	v.clock.move(time.Hour)
	v.live = map[string]bool{} // revoked
	for range 10 {
		_, err := s.Token(context.Background())
		wantFault(t, err, fault.Auth)
		v.clock.move(time.Hour)
	}
	if n := v.count("/connect/token"); n != 2 {
		t.Errorf("the token endpoint was asked %d times", n)
	}
	v.clock.move(time.Hour)
	k.set(func(k *memory) { k.grant = v.connected() }) // authorised again
	if mustToken(t, s) != k.grant.AccessToken {
		t.Error("the new grant is not used")
	}
}

func TestForgettingLetsADeadGrantBeTriedAgain(t *testing.T) {
	v := newVisma(t)
	g, err := v.provider().Service(context.Background(), testTenant)
	if err != nil {
		t.Fatal(err)
	}
	s := v.provider().Source(newMemory(g))
	v.clock.move(time.Hour)
	v.failNext(nil, status(400, `{"error":"invalid_tenant"}`))
	for range 3 {
		_, err := s.Token(context.Background())
		wantFault(t, err, fault.Auth)
	}
	s.Forget() // the role was given meanwhile
	mustToken(t, s)
}

func TestATemporaryFailureIsNotRetriedAtOnce(t *testing.T) {
	for name, down := range map[string]http.HandlerFunc{
		"503":     status(503, ""),
		"dropped": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisma(t)
			p := v.provider()
			k := newMemory(v.connected())
			s := p.Source(k)
			if err := p.Discover(context.Background()); err != nil {
				t.Fatal(err)
			}
			v.clock.move(time.Hour)
			v.failNext(down, down)
			for range 100 {
				_, err := s.Token(context.Background())
				wantFault(t, err, fault.Transient)
			}
			if n := v.count("/connect/token"); n != 2 {
				t.Errorf("the token endpoint was asked %d times", n)
			}
			_, err := s.Token(context.Background())
			if e := wantFault(t, err, fault.Transient); e.RetryAfter != coolDown {
				t.Errorf("to wait %s", e.RetryAfter)
			}
			v.clock.move(coolDown)
			_, err = s.Token(context.Background())
			wantFault(t, err, fault.Transient)
			v.clock.move(coolDown)
			mustToken(t, s)
			if k.grant.Version == 0 || v.refreshes != 1 {
				t.Errorf("%d refreshes", v.refreshes)
			}
		})
	}
}

func TestAFailedDiscoveryIsNotRetriedAtOnce(t *testing.T) {
	v := newVisma(t)
	g := v.connected()
	v.clock.move(time.Hour)
	s := v.provider().Source(newMemory(g))
	v.failNext(status(503, ""))
	for range 10 {
		_, err := s.Token(context.Background())
		wantFault(t, err, fault.Transient)
	}
	if n := v.count("/.well-known/openid-configuration"); n != 2 {
		t.Errorf("it was asked for %d times", n)
	}
}

func TestWithoutAGrantTheRemedyIsToAuthorise(t *testing.T) {
	v := newVisma(t)
	k := newMemory(Grant{})
	_, err := v.provider().Source(k).Token(context.Background())
	if e := wantFault(t, err, fault.Auth); !strings.Contains(e.Remedy, "Authorise") {
		t.Errorf("%+v", e)
	}
	k.loadErr = ErrNoGrant
	_, err = v.provider().Source(k).Token(context.Background())
	wantFault(t, err, fault.Auth)
}

func TestErrorsOfTheKeeperArePassedOn(t *testing.T) {
	v := newVisma(t)
	g := v.connected()
	v.clock.move(time.Hour)
	down := errors.New("database is down")
	for name, k := range map[string]*memory{"load": {loadErr: down}, "lock": {grant: g, lockErr: down}} {
		_, err := v.provider().Source(k).Token(context.Background())
		if !errors.Is(err, down) || fault.As(err) != nil || !strings.HasPrefix(err.Error(), "get an access token: "+name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
