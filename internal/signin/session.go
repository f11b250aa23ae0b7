package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/store"
	"kvitt/internal/web"
)

// How long a session lasts: a working day, with whatever comes in between, and
// not until the next one.
const (
	IdleLife    = 9 * time.Hour  // since it was last seen
	SessionLife = 12 * time.Hour // whatever happens
	seenEvery   = time.Minute    // it is not written down more often
)

// PollHeader is on a request that a page makes by itself: it keeps no session
// alive.
const PollHeader = "Kvitt-Poll"

// How long it is remembered of a link that it was there, to say what is wrong
// with it, and how often what is over is swept.
const (
	linksKept  = 7 * 24 * time.Hour
	sweepEvery = 10 * time.Minute
)

// The cookies. Both have the prefix __Host- and the attribute Secure, also
// where the portal is plain http on loopback: browsers count 127.0.0.1 and
// localhost as trustworthy there. Tried with Chromium 156 (both names: stored,
// and sent back); Firefox does so too, by its documentation, and was not tried.
// Safari does not (WebKit bug 281149), so on one's own machine Kvitt needs one
// of the others. SameSite=Lax and not Strict, because a person who comes from
// the provider, from a mail or from Temporal's Web UI comes from another site.
const (
	sessionCookie = "__Host-kvitt"
	attemptCookie = "__Host-kvitt-signin"
)

var (
	errNoSession = errors.New("there is no session")
	errEnded     = errors.New("the session has ended")
)

func (g *Gate) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (g *Gate) forget(w http.ResponseWriter, name string) { g.setCookie(w, name, "", -time.Second) }

// signedIn is whose session a request has, as they are now. Errors:
// errNoSession, errEnded, the store's.
func (g *Gate) signedIn(r *http.Request) (Person, error) {
	p, _, err := g.session(r)
	return p, err
}

// session is signedIn, and when the session ends if nothing more is asked for.
func (g *Gate) session(r *http.Request) (Person, time.Time, error) {
	p, x, err := g.whose(r)
	if err != nil {
		return Person{}, time.Time{}, err
	}
	now := g.now()
	last, seen := x.CreatedAt.Add(SessionLife), x.SeenAt
	if r.Header.Get(PollHeader) == "" && now.Sub(seen) >= seenEvery {
		if err := g.store.TouchSession(r.Context(), x.Hash, now); err != nil {
			g.log.Warn("sign-in: record that a session was seen", zap.Error(err))
		} else {
			seen = now
		}
	}
	if idle := seen.Add(IdleLife); idle.Before(last) {
		last = idle
	}
	return p, last, nil
}

// whose is the session that a request has, and whose it is, as they are now.
func (g *Gate) whose(r *http.Request) (Person, store.Session, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return Person{}, store.Session{}, errNoSession
	}
	x, p, err := g.store.Session(r.Context(), hashOf(c.Value))
	if errors.Is(err, store.ErrNotFound) {
		return Person{}, x, errEnded
	}
	if err != nil {
		return Person{}, x, err
	}
	now := g.now()
	if p.Disabled() || !now.Before(x.CreatedAt.Add(SessionLife)) || !now.Before(x.SeenAt.Add(IdleLife)) {
		return Person{}, x, errEnded
	}
	who := personFrom(&p)
	who.VouchedBy = x.VouchedBy
	return who, x, nil
}

type endKey struct{}

// EndOf is when the session of what Gate.Require lets through ends; zero when
// nobody is signed in.
func EndOf(ctx context.Context) time.Time {
	end, _ := ctx.Value(endKey{}).(time.Time)
	return end
}

type sessionKey struct{}

// SessionOf names the session of what Gate.Require lets through, for what has
// to end in the session that began it. The name is a hash: it opens nothing.
func SessionOf(ctx context.Context) string {
	name, _ := ctx.Value(sessionKey{}).(string)
	return name
}

func sessionName(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return hashOf(c.Value)
}

// newSession is a session that nobody has yet: its id is new, whatever cookie
// the browser came with.
func (g *Gate) newSession(r *http.Request, person string) (id string, x store.Session) {
	id = newToken()
	now := g.now()
	device := r.UserAgent()
	return id, store.Session{
		Hash: hashOf(id), PersonID: person, CreatedAt: now, SeenAt: now, Remote: remote(r), Device: strings.ToValidUTF8(device[:min(len(device), mostDevice)], ""),
	}
}

// mostDevice limits how much is kept of what a browser calls itself, in bytes.
const mostDevice = 200

// begin gives the browser its new session, ends the one it came with, and goes
// on to next.
func (g *Gate) begin(w http.ResponseWriter, r *http.Request, id, next string) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		if err := g.store.EndSession(r.Context(), hashOf(c.Value), g.now()); err != nil {
			g.log.Warn("sign-in: end the session from before", zap.Error(err))
		}
	}
	g.setCookie(w, sessionCookie, id, SessionLife)
	g.sweep(r.Context())
	web.Go(w, r, g.address(next))
}

// sweep deletes what is over, now and then.
func (g *Gate) sweep(ctx context.Context) {
	now := g.now()
	last := g.swept.Load()
	if now.UnixMicro()-last < sweepEvery.Microseconds() || !g.swept.CompareAndSwap(last, now.UnixMicro()) {
		return
	}
	if _, err := g.store.SweepSignIns(ctx, now, now.Add(-SessionLife), now.Add(-IdleLife), now.Add(-linksKept)); err != nil {
		g.log.Warn("sign-in: sweep what has expired", zap.Error(err))
	}
}
