package connect

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/internal/fault"
)

// during runs f while the token endpoint handles a request, and then lets it answer.
func (v *visma) during(f func()) {
	v.failNext(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Unlock()
		f()
		v.mu.Lock()
		v.token(w, r)
	})
}

// expired returns a keeper with a one-time grant whose access token has expired, and a provider that has
// read the discovery document.
func expired(t *testing.T) (*visma, *Provider, *memory) {
	t.Helper()
	v := newVisma(t)
	v.oneTime, v.grace = true, 0
	k := newMemory(v.connected())
	p := v.provider()
	if err := p.Discover(context.Background()); err != nil {
		t.Fatal(err)
	}
	v.clock.move(time.Hour)
	return v, p, k
}

func TestADeadRefreshTokenIsNotSentAgainByAnyProcess(t *testing.T) {
	v, p, k := expired(t)
	v.live = map[string]bool{}
	asked := v.count("/connect/token")
	processes := []*Source{p.Source(k), p.Source(k)}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, err := processes[i%2].Token(context.Background())
			if e := fault.As(err); e == nil || e.Class != fault.Auth || e.Code != CodeInvalidGrant || e.Remedy == "" {
				t.Errorf("the error is %v", err)
			}
		})
	}
	all.Wait()
	_, err := v.provider().Source(k).Token(context.Background()) // after a restart
	if e := wantFault(t, err, fault.Auth); e.Code != CodeInvalidGrant || !strings.Contains(e.Words, "2026-01-31 09:00:00 UTC") {
		t.Errorf("%+v", e)
	}
	if n := v.count("/connect/token") - asked; n != 1 {
		t.Errorf("the dead token was sent %d times", n)
	}
}

func TestARefusalThatIsNotAboutTheGrantDoesNotKillIt(t *testing.T) {
	for _, code := range []string{CodeInvalidTenant, CodeInvalidClient} {
		v, p, k := expired(t)
		v.failNext(status(400, `{"error":"`+code+`"}`))
		s := p.Source(k)
		for range 3 {
			_, err := s.Token(context.Background())
			if e := wantFault(t, err, fault.Auth); e.Code != code {
				t.Errorf("%+v", e)
			}
		}
		if !k.grant.DeadSince.IsZero() {
			t.Errorf("after %s the grant counts as dead", code)
		}
		mustToken(t, p.Source(k)) // a restart, after it was corrected
	}
}

func TestAnAuthorisationDuringARefreshIsNotOverwritten(t *testing.T) {
	v, p, k := expired(t)
	authorised := v.connected()
	v.during(func() { k.set(func(k *memory) { k.grant = authorised }) })
	if token := mustToken(t, p.Source(k)); token != authorised.AccessToken || k.grant != authorised {
		t.Error("the earlier grant is saved, or used")
	}
}

func TestANewerGrantIsTriedWhenItsPredecessorIsRefused(t *testing.T) {
	v, p, k := expired(t)
	next := v.connected()
	next.Expiry = v.clock.now() // a newer grant that already needs a refresh
	v.during(func() {
		k.set(func(k *memory) { k.grant = next })
		v.mu.Lock()
		v.live = map[string]bool{next.RefreshToken: true}
		v.mu.Unlock()
	})
	if mustToken(t, p.Source(k)) != k.grant.AccessToken || !k.grant.DeadSince.IsZero() || v.refreshes != 1 {
		t.Errorf("%d refreshes, the grant is %s", v.refreshes, k.grant)
	}
}

func TestAConnectionEndedDuringARefreshStaysEnded(t *testing.T) {
	v, p, k := expired(t)
	v.during(func() { k.set(func(k *memory) { k.grant, k.loadErr = Grant{}, ErrNoGrant }) })
	_, err := p.Source(k).Token(context.Background())
	if e := wantFault(t, err, fault.Auth); !strings.Contains(e.Words, "not authorised") {
		t.Errorf("%+v", e)
	}
	if k.grant != (Grant{}) || k.saves != 0 || len(v.live) != 0 || len(v.revoked) != 1 {
		t.Errorf("%d saves, %d live refresh tokens, %d revoked", k.saves, len(v.live), len(v.revoked))
	}
}

func TestAnUnsavedGrantReplacesOneFoundDead(t *testing.T) {
	v, p, k := expired(t)
	here, there := p.Source(k), p.Source(k)
	k.set(func(k *memory) { k.saveErr = errors.New("database is down") })
	if _, err := here.Token(context.Background()); err == nil {
		t.Fatal("a token was returned that is not saved")
	}
	k.set(func(k *memory) { k.saveErr = nil })
	v.clock.move(time.Second)
	_, err := there.Token(context.Background()) // the old token is used up
	wantFault(t, err, fault.Auth)
	if mustToken(t, here) != k.grant.AccessToken || !k.grant.DeadSince.IsZero() {
		t.Errorf("the grant is %s", k.grant)
	}
	if mustToken(t, there) != k.grant.AccessToken || v.refreshes != 1 {
		t.Errorf("%d refreshes", v.refreshes)
	}
}

func TestANewAuthorisationIsAnotherGrant(t *testing.T) {
	v := newVisma(t)
	p := v.provider()
	begun := Grant{Flow: FlowService, TenantID: testTenant} // as a candidate
	k := newMemory(begun)
	s := p.Source(k)
	mustToken(t, s)
	v.clock.move(time.Hour)
	v.failNext(status(400, `{"error":"invalid_tenant"}`))
	_, err := s.Token(context.Background())
	wantFault(t, err, fault.Auth)
	fresh := newMemory(begun) // verified by another process
	mustToken(t, p.Source(fresh))
	k.set(func(k *memory) { k.grant = fresh.grant })
	mustToken(t, s)
	v.clock.move(time.Hour)
	mustToken(t, s)
}

func TestARevocationTriesBothTokens(t *testing.T) {
	v := newVisma(t)
	g := v.connected()
	p := v.provider()
	v.failNext(nil, status(503, ""))
	if err := p.Revoke(context.Background(), g); fault.ClassOf(err) != fault.Transient {
		t.Errorf("the error is %v", err)
	}
	if n := v.count("/connect/revocation"); n != 2 {
		t.Errorf("%d requests", n)
	}
	if err := p.Revoke(context.Background(), g); err != nil || !slices.Equal(v.revoked, []string{g.RefreshToken}) {
		t.Errorf("%v, %d revoked", err, len(v.revoked))
	}
}

func TestSettleSavesGrantsBeforeTheProcessEnds(t *testing.T) {
	v, p, k := expired(t)
	s := p.Source(k)
	asked, answer := make(chan struct{}), make(chan struct{})
	v.during(func() { close(asked); <-answer })
	go func() { _, _ = s.Token(context.Background()) }()
	<-asked
	settled := make(chan struct{})
	go func() { s.Settle(context.Background()); close(settled) }()
	select {
	case <-settled:
		t.Error("it ended in the middle of a refresh")
	default:
	}
	close(answer)
	<-settled
	if k.saves != 1 {
		t.Errorf("%d saves", k.saves)
	}

	v.clock.move(time.Hour)
	k.set(func(k *memory) { k.saveErr = errors.New("database is down") })
	_, _ = s.Token(context.Background())
	k.set(func(k *memory) { k.saveErr = nil })
	s.Settle(context.Background())
	if k.saves != 2 || v.refreshes != 2 {
		t.Errorf("%d refreshes, %d saves", v.refreshes, k.saves)
	}
	s.Settle(context.Background()) // nothing is under way
}
