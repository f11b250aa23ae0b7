package signin

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"kvitt/internal/store"
	"kvitt/internal/web"
)

// FreshFor is how long after signing in a person may do what takes a fresh
// sign-in: a browser that was left alone, or a cookie that was stolen, changes no
// credentials, people or books.
const FreshFor = 15 * time.Minute

// nextCookie remembers where a person wanted to go who fetches a new one-time
// link first: the link itself must lead nobody anywhere.
const nextCookie = "__Host-kvitt-next"

// RequireFresh is Require for what takes a sign-in of the last FreshFor. Who has
// an older one signs in again first, and comes back.
func (g *Gate) RequireFresh(need Role, h http.Handler) http.Handler {
	return g.Require(need, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, x, err := g.whose(r); {
		case err != nil:
			g.unavailable(w, r, "look up a session", err)
		case g.isFresh(&x):
			h.ServeHTTP(w, r)
		default:
			g.askAgain(w, r)
		}
	}))
}

func (g *Gate) isFresh(x *store.Session) bool { return g.now().Before(x.CreatedAt.Add(FreshFor)) }

func (g *Gate) askAgain(w http.ResponseWriter, r *http.Request) {
	web.Because(r.Context(), web.SignIn, string(Stale))
	switch {
	case fromHTMX(r):
		w.Header().Set("HX-Redirect", g.againAddress(g.pageOf(r)))
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		web.Go(w, r, g.againAddress(g.pageOf(r)))
	default:
		g.againPage(w, r, Stale.status(), g.formOf(r))
	}
}

// againAddress is the page to sign in on anew, although somebody is signed in.
func (g *Gate) againAddress(next string) string {
	return g.address("/signin?again=1&next=" + url.QueryEscape(next))
}

// againPage asks for a fresh sign-in.
func (g *Gate) againPage(w http.ResponseWriter, r *http.Request, status int, next string) {
	v := g.view(Stale, "", next)
	v.Again = true
	if v.Start != "" {
		v.Start = g.address("/signin/oidc?again=1&next=" + url.QueryEscape(next))
	}
	g.setCookie(w, nextCookie, url.QueryEscape(next), FreshFor)
	g.pages.SignIn(w, r, status, v)
}

// nextOf is where a person wanted to go before they fetched a one-time link.
func (g *Gate) nextOf(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(nextCookie)
	if err != nil {
		return home
	}
	g.forget(w, nextCookie)
	wish, err := url.QueryUnescape(c.Value)
	if err != nil {
		return home
	}
	return localPath(wish)
}

// SendLink sends the person who is signed in a one-time link of their own, which
// nobody else has seen. It tells whether it did; where not, it has answered.
func (g *Gate) SendLink(w http.ResponseWriter, r *http.Request, send func(ctx context.Context, to, link string) error) (sent bool, err error) {
	p, ok := PersonOf(r.Context())
	if !ok || g.hurried(w, r, g.names, "email/"+store.FoldEmail(p.Email), home) {
		return false, nil
	}
	token, l := g.link(p.String())
	l.PersonID = p.ID
	if err := g.store.PutLink(r.Context(), l); err != nil {
		return false, err
	}
	if err := send(r.Context(), p.Email, g.Register.address(token)); err != nil {
		return false, err
	}
	return true, nil
}

// tooOld tells whether the provider says itself that the person has not signed in
// there for FreshFor. One that says nothing, as Google, is believed.
func (g *Gate) tooOld(who *identity) bool {
	return !who.SignedIn.IsZero() && !g.now().Before(who.SignedIn.Add(FreshFor))
}
