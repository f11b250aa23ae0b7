package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"kvitt/internal/fault"
)

// How long nothing is asked after a failure that may heal: short enough that a
// one-time refresh token whose answer was lost can be tried again within its
// grace period (5 to 60 seconds), long enough that no storm comes of it.
const (
	coolDown        = 2 * time.Second
	longestCoolDown = 5 * time.Minute
)

// renewTimeout bounds one renewal: lock, request and save.
const renewTimeout = 90 * time.Second

// Source gives the access tokens of one connection. However many goroutines
// and processes ask, an expiry costs one refresh; the new grant is saved
// before its access token is given to anyone.
//
// After an answer that makes the grant useless, every further call gets that
// same fault.Auth without asking Visma Connect, until the Keeper holds another
// grant or Forget is called.
type Source struct {
	provider *Provider
	keeper   Keeper

	mu      sync.Mutex
	cached  Grant
	refused string // the access token that Visma.net answered 401 to
	flight  *flight
	dead    *failure // of one grant, for good
	cooling *failure // of any grant, for a while
	unsaved *unsaved
}

type flight struct {
	done      chan struct{}
	token     *oauth2.Token
	refreshed bool // Visma Connect was asked
	err       error
}

type failure struct {
	grant Grant
	err   error
	until time.Time
}

// unsaved is a grant that Visma Connect has given and the Keeper could not
// take: with one-time refresh tokens it is the only good one there is.
type unsaved struct{ from, next Grant }

// Source returns the source of the grant that the keeper keeps.
func (p *Provider) Source(k Keeper) *Source { return &Source{provider: p, keeper: k} }

// Format describes the source without its secrets, whatever the verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "source of access tokens") }

// Token returns an access token that is good for a while yet. Its errors are
// *fault.Error of the party Visma Connect, or errors of the Keeper.
func (s *Source) Token(ctx context.Context) (*oauth2.Token, error) {
	s.mu.Lock()
	if s.usable(&s.cached) {
		defer s.mu.Unlock()
		return tokenOf(&s.cached), nil
	}
	f := s.join(ctx)
	s.mu.Unlock()
	token, err := f.wait(ctx)
	if err != nil || f.refreshed {
		return token, err
	}
	s.mu.Lock()
	if token.AccessToken != s.refused {
		defer s.mu.Unlock()
		return token, nil
	}
	f = s.join(ctx) // what was under way had picked up the refused one
	s.mu.Unlock()
	return f.wait(ctx)
}

// join returns the renewal that is under way, or starts one.
func (s *Source) join(ctx context.Context) *flight {
	if s.flight == nil {
		s.flight = &flight{done: make(chan struct{})}
		// A caller that gives up must not take the refresh of the others
		// down with it, nor stop it between the answer and the save.
		go s.renew(context.WithoutCancel(ctx), s.flight)
	}
	return s.flight
}

func (f *flight) wait(ctx context.Context) (*oauth2.Token, error) {
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, &fault.Error{Class: fault.Transient, Party: party, Attempted: "get an access token", Err: ctx.Err()}
	}
}

// Invalidate says that Visma.net answered 401 to an access token. The next
// Token is another one: somebody else's newer one, or a refreshed one.
func (s *Source) Invalidate(accessToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = accessToken
}

// Forget forgets failures, so that the next Token asks Visma Connect again:
// after something was put right outside of the grant.
func (s *Source) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead, s.cooling = nil, nil
}

func (s *Source) renew(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	g, refreshed, err := s.obtain(ctx)
	s.mu.Lock()
	if f.err = err; err == nil {
		s.cached, f.token, f.refreshed = g, tokenOf(&g), refreshed
		if refreshed && s.refused == g.AccessToken {
			s.refused = "" // Visma Connect stands by it; asking again changes nothing
		}
	}
	s.flight = nil
	s.mu.Unlock()
	close(f.done)
}

// obtain returns a grant whose access token is good: the kept one if somebody
// has refreshed it, else a refreshed one.
func (s *Source) obtain(ctx context.Context) (g Grant, refreshed bool, err error) {
	if g, done, err := s.kept(ctx); done || err != nil {
		return g, false, err
	}
	if _, err := s.provider.discover(ctx); err != nil { // not while others wait for the lock
		s.failed(&Grant{}, err)
		return Grant{}, false, err
	}
	unlock, err := s.keeper.Lock(ctx)
	if err != nil {
		return Grant{}, false, fmt.Errorf("get an access token: lock the grant: %w", err)
	}
	defer unlock()
	g, done, err := s.kept(ctx)
	if err == nil && !done {
		g, done, err = s.saveLate(ctx, g)
	}
	if done || err != nil {
		return g, false, err
	}
	next, err := s.provider.Refresh(ctx, g)
	if err != nil {
		if now, done, loadErr := s.kept(ctx); loadErr == nil && done {
			return now, false, nil // somebody was faster, because our lock had run out
		}
		s.failed(&g, err)
		return Grant{}, false, err
	}
	return next, true, s.save(ctx, g, next)
}

// save keeps a refreshed grant before anyone uses it. One that cannot be saved
// is remembered, to be saved before anything else is tried.
func (s *Source) save(ctx context.Context, from, next Grant) error {
	s.mu.Lock()
	s.unsaved = &unsaved{from: from, next: next}
	s.mu.Unlock()
	if err := s.keeper.Save(ctx, next); err != nil {
		return fmt.Errorf("get an access token: save the refreshed grant: %w", err)
	}
	s.mu.Lock()
	s.unsaved, s.cooling = nil, nil
	s.mu.Unlock()
	return nil
}

// saveLate saves what Visma Connect gave the last time and the Keeper could
// not take, unless the kept grant has moved on since. It is done when that
// makes a good access token.
func (s *Source) saveLate(ctx context.Context, kept Grant) (g Grant, done bool, err error) {
	s.mu.Lock()
	late := s.unsaved
	s.mu.Unlock()
	if late == nil || !late.from.same(&kept) {
		return kept, false, nil
	}
	if err := s.save(ctx, late.from, late.next); err != nil {
		return Grant{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return late.next, s.usable(&late.next), nil
}

// kept reads the grant. It is done when its access token is good, and an error
// when it must not be tried.
func (s *Source) kept(ctx context.Context) (g Grant, done bool, err error) {
	g, err = s.keeper.Load(ctx)
	switch {
	case errors.Is(err, ErrNoGrant), err == nil && g.Flow == "":
		return Grant{}, false, &fault.Error{
			Class: fault.Auth, Party: party, Attempted: "get an access token",
			Words: "the connection is not authorized", Remedy: "Authorize the connection.",
		}
	case err != nil:
		return Grant{}, false, fmt.Errorf("get an access token: load the grant: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.usable(&g) {
		return g, true, nil
	}
	if s.dead != nil && s.dead.grant.same(&g) {
		return Grant{}, false, s.dead.err
	}
	if left := s.coolsFor(); left > 0 {
		return Grant{}, false, waiting(s.cooling.err, left)
	}
	return g, false, nil
}

// failed remembers a failure: for good when the grant is dead, for a while
// when it may heal.
func (s *Source) failed(g *Grant, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := fault.As(err)
	if e != nil && e.Class == fault.Auth {
		s.dead = &failure{grant: *g, err: err}
		return
	}
	wait := coolDown
	if e != nil {
		wait = min(max(wait, e.RetryAfter), longestCoolDown)
	}
	s.cooling = &failure{err: err, until: s.provider.now().Add(wait)}
}

func (s *Source) coolsFor() time.Duration {
	if s.cooling == nil {
		return 0
	}
	return s.cooling.until.Sub(s.provider.now())
}

// waiting is the failure of a moment ago, with how long it will be repeated.
func waiting(err error, left time.Duration) error {
	e := fault.As(err)
	if e == nil {
		return err
	}
	again := *e
	again.RetryAfter = left
	return &again
}

func (s *Source) usable(g *Grant) bool {
	return g.fresh(s.provider.now()) && g.AccessToken != s.refused
}

func tokenOf(g *Grant) *oauth2.Token {
	return &oauth2.Token{AccessToken: g.AccessToken, TokenType: "Bearer", Expiry: g.Expiry}
}
