package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"kvitt/internal/fault"
)

// The time without requests after a failure that may be temporary: short enough that a one-time refresh
// token whose answer was lost can be tried again within its grace period (5 to 60 seconds), long enough to
// avoid a storm of requests.
const (
	coolDown        = 2 * time.Second
	longestCoolDown = 5 * time.Minute
)

// How long a renewal waits for the lock, and how long its request and its save may take together. The
// second starts when the lock is taken, so that a long wait for the lock leaves enough time to save the
// answer.
const (
	lockTimeout  = 90 * time.Second
	renewTimeout = 90 * time.Second
)

// rounds limits how often a renewal starts over because the saved grant has changed while it was working
// on the one before.
const rounds = 3

// Source returns the access tokens of one connection. However many goroutines and processes ask, an expiry
// costs one refresh; the new grant is saved before anyone gets its access token.
//
// After an answer that makes the grant useless, every further call gets that same fault.Auth without
// asking Visma Connect, until the Keeper holds another grant. A dead refresh token is marked as such in
// the Keeper, so that all processes know, after a restart too; other refusals (a role, the client's own
// secret) are remembered by this Source, until Forget is called.
type Source struct {
	provider *Provider
	keeper   Keeper

	mu      sync.Mutex
	cached  Grant
	refused string // the access token that Visma.net answered 401 to
	flight  *flight
	dead    *failure // of one grant, permanently
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

// unsaved is a grant that Visma Connect has issued and the Keeper could not save: with one-time refresh
// tokens it is the only valid one.
type unsaved struct{ from, next Grant }

// Source returns the source of the grant that the keeper holds.
func (p *Provider) Source(k Keeper) *Source { return &Source{provider: p, keeper: k} }

// Format describes the source without its secrets, whatever the verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "source of access tokens") }

// Token returns an access token that stays valid for a while. Its errors are *fault.Error of the party
// Visma Connect, or errors of the Keeper.
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
	f = s.join(ctx) // the renewal under way had loaded the refused token
	s.mu.Unlock()
	return f.wait(ctx)
}

// join returns the renewal that is under way, or starts one.
func (s *Source) join(ctx context.Context) *flight {
	if s.flight == nil {
		s.flight = &flight{done: make(chan struct{})}
		// A caller that gives up must neither cancel the refresh of the others nor stop it between the
		// answer and the save.
		go s.renew(context.WithoutCancel(ctx), s.flight)
	}
	return s.flight
}

func (f *flight) wait(ctx context.Context) (*oauth2.Token, error) {
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, &fault.Error{Class: fault.Transient, Party: Party, Attempted: "get an access token", Err: ctx.Err()}
	}
}

// Invalidate reports that Visma.net answered 401 to an access token. The next Token is another one: a
// newer one of another process, or a refreshed one.
func (s *Source) Invalidate(accessToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = accessToken
}

// Forget clears remembered failures, so that the next Token asks Visma Connect again after something
// outside of the grant was corrected.
func (s *Source) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead, s.cooling = nil, nil
}

// Settle waits until nothing is under way between Visma Connect and the Keeper, or ctx ends. Call it when
// a process ends, because a one-time refresh token that is not saved is lost with the process.
func (s *Source) Settle(ctx context.Context) {
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
	if f != nil {
		_, _ = f.wait(ctx)
	}
	s.mu.Lock()
	late := s.unsaved
	s.mu.Unlock()
	if late != nil {
		_ = s.save(ctx, late.from, late.next)
	}
}

func (s *Source) renew(ctx context.Context, f *flight) {
	g, refreshed, err := s.obtain(ctx)
	s.mu.Lock()
	if f.err = err; err == nil {
		s.cached, f.token, f.refreshed = g, tokenOf(&g), refreshed
		if refreshed && s.refused == g.AccessToken {
			s.refused = "" // Visma Connect returned the same token; asking again changes nothing
		}
	}
	s.flight = nil
	s.mu.Unlock()
	close(f.done)
}

// obtain returns a grant with a valid access token: the saved one if another process has refreshed it,
// otherwise a refreshed one.
func (s *Source) obtain(ctx context.Context) (g Grant, refreshed bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if g, done, err := s.kept(waiting); done || err != nil {
		return g, false, err
	}
	if _, err := s.provider.discover(waiting); err != nil { // not while others wait for the lock
		s.failed(&Grant{}, err)
		return Grant{}, false, err
	}
	unlock, err := s.keeper.Lock(waiting)
	if err != nil {
		return Grant{}, false, fmt.Errorf("get an access token: lock the grant: %w", err)
	}
	defer unlock()
	working, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	for range rounds {
		g, refreshed, err = s.refreshKept(working)
		if !errors.Is(err, ErrMoved) {
			return g, refreshed, err
		}
	}
	return Grant{}, false, &fault.Error{
		Class: fault.Transient, Party: Party, Attempted: "get an access token",
		Words: "the saved grant keeps changing", Err: err,
	}
}

// refreshKept refreshes the saved grant if that is still needed. The error is ErrMoved when another grant
// was saved meanwhile: our lock had run out, or the connection was authorised again. Then the answer about
// the earlier grant has no consequences.
func (s *Source) refreshKept(ctx context.Context) (g Grant, refreshed bool, err error) {
	g, done, err := s.kept(ctx)
	if err == nil && !done {
		g, done, err = s.saveLate(ctx, g)
	}
	if done || err != nil {
		return g, false, err
	}
	next, err := s.provider.Refresh(ctx, g)
	if err == nil {
		return next, true, s.save(ctx, g, next)
	}
	now, loadErr := s.keeper.Load(ctx)
	switch {
	case loadErr != nil && !errors.Is(loadErr, ErrNoGrant):
		return Grant{}, false, fmt.Errorf("get an access token: load the grant: %w", loadErr)
	case !now.Same(&g):
		return Grant{}, false, ErrMoved
	case isDead(&g, err):
		g.DeadSince = s.provider.now().UTC()
		if saveErr := s.keeper.Save(ctx, now, g); errors.Is(saveErr, ErrMoved) {
			return Grant{}, false, ErrMoved
		}
	}
	s.failed(&g, err)
	return Grant{}, false, err
}

// save saves a refreshed grant before anyone uses it. A grant that cannot be saved is remembered, and
// saved before anything else is tried. A grant whose connection was ended meanwhile is revoked.
func (s *Source) save(ctx context.Context, from, next Grant) error {
	s.mu.Lock()
	s.unsaved = &unsaved{from: from, next: next}
	s.mu.Unlock()
	err := s.keeper.Save(ctx, from, next)
	gone := errors.Is(err, ErrNoGrant)
	if err != nil && !gone && !errors.Is(err, ErrMoved) {
		return fmt.Errorf("get an access token: save the refreshed grant: %w", err)
	}
	s.mu.Lock()
	s.unsaved, s.cooling = nil, nil
	s.mu.Unlock()
	if gone {
		_ = s.provider.Revoke(ctx, next) // if this fails, it expires later
		return ErrMoved
	}
	return err
}

// saveLate saves the grant that Visma Connect issued last time and the Keeper could not save, unless the
// saved grant has changed since. done is true if that gives a valid access token.
func (s *Source) saveLate(ctx context.Context, kept Grant) (g Grant, done bool, err error) {
	s.mu.Lock()
	late := s.late(&kept)
	s.mu.Unlock()
	if late == nil {
		return kept, false, nil
	}
	if err := s.save(ctx, late.from, late.next); err != nil {
		return Grant{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return late.next, s.usable(&late.next), nil
}

// late returns the grant that Visma Connect issued for the saved grant and that is not saved yet.
func (s *Source) late(kept *Grant) *unsaved {
	if s.unsaved == nil || !s.unsaved.from.Same(kept) {
		return nil
	}
	return s.unsaved
}

// kept reads the saved grant. done is true if its access token is valid; err is set if the grant must not
// be tried.
func (s *Source) kept(ctx context.Context) (g Grant, done bool, err error) {
	g, err = s.keeper.Load(ctx)
	switch {
	case errors.Is(err, ErrNoGrant), err == nil && g.Flow == "":
		return Grant{}, false, &fault.Error{
			Class: fault.Auth, Party: Party, Attempted: "get an access token",
			Words: "the connection is not authorised", Remedy: "Authorise the connection.",
		}
	case err != nil:
		return Grant{}, false, fmt.Errorf("get an access token: load the grant: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.coolsFor()
	switch {
	case s.usable(&g):
		return g, true, nil
	case s.late(&g) != nil: // its successor is known, and only has to be saved
		return g, false, nil
	case s.dead != nil && s.dead.grant.Same(&g):
		return Grant{}, false, s.dead.err
	case !g.DeadSince.IsZero():
		return Grant{}, false, deadSince(&g)
	case left > 0:
		return Grant{}, false, waiting(s.cooling.err, left)
	}
	return g, false, nil
}

// isDead reports whether an error means that the grant's refresh token will never be valid again, so that
// a new consent is needed.
func isDead(g *Grant, err error) bool {
	e := fault.As(err)
	return e != nil && e.Class == fault.Auth && e.Code == CodeInvalidGrant && g.RefreshToken != ""
}

// deadSince returns the failure of a grant that some process found dead.
func deadSince(g *Grant) error {
	return &fault.Error{
		Class: fault.Auth, Party: Party, Attempted: "refresh the access token", Status: http.StatusBadRequest,
		Code: CodeInvalidGrant, Remedy: remedies[CodeInvalidGrant],
		Words: "it refused the refresh token on " + g.DeadSince.Format(time.DateTime) + " UTC and is not asked again",
	}
}

// failed remembers a failure: permanently when the grant is dead, for a while when it may be temporary.
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

// waiting returns the last failure, with the time for which it will be repeated.
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
