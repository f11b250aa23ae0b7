package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/store"
	"kvitt/internal/web"
)

// Options are what a Gate needs. HTTPClient, Now and Log may be left out.
type Options struct {
	Store      *store.Store
	PublicURL  string // how browsers reach the portal; https, or http on loopback
	OIDC       OIDC   // the zero value: people sign in by one-time links only
	Pages      Pages
	HTTPClient *http.Client // for the provider; must not follow redirects
	Now        func() time.Time
	Log        *zap.Logger
}

// Gate lets people in, and knows who they are afterwards.
type Gate struct {
	*Register
	pages    Pages
	log      *zap.Logger
	provider *provider // nil when there is none
	origin   string    // of PublicURL
	base     string    // its path, without a slash at the end

	addresses *web.Limiter // steps of a sign-in, by remote address
	names     *web.Limiter // tries with one link or of one e-mail address
	swept     atomic.Int64
}

// New makes a Gate. It asks nobody anything yet: a provider that is down must
// not stop the portal from starting.
func New(o Options) (*Gate, error) {
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("prepare the sign-in: KVITT_PUBLIC_URL is %q, which is no address of a portal", o.PublicURL)
	}
	if u.Scheme != "https" && !loopback(u) {
		return nil, fmt.Errorf("prepare the sign-in: KVITT_PUBLIC_URL is %s, and over plain http browsers keep no session. Use https, or an address on this machine such as http://127.0.0.1:8088", o.PublicURL)
	}
	if o.Store == nil || o.Pages == nil {
		return nil, errors.New("prepare the sign-in: it needs a store and pages")
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	g := &Gate{
		Register: NewRegister(o.Store, o.PublicURL, o.Now), pages: o.Pages, log: o.Log,
		origin: u.Scheme + "://" + u.Host, base: strings.TrimRight(u.EscapedPath(), "/"),
		addresses: web.NewLimiter(addressBurst, addressEvery), names: web.NewLimiter(nameBurst, nameEvery),
	}
	if o.OIDC.Issuer != "" {
		if g.provider, err = newProvider(o.OIDC, g.publicURL+"/signin/callback", o.HTTPClient, g.now); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// loopback tells whether an address is on this machine.
func loopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || err == nil && ip.IsLoopback()
}

// Routes adds the routes of the sign-in. None of them needs a session, and what
// changes something other than a sign-in under way is a POST.
func (g *Gate) Routes(mux *http.ServeMux) {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /signin":          g.signInPage,
		"GET /signin/oidc":     g.toProvider,
		"GET /signin/callback": g.fromProvider,
		"GET /signin/link":     g.linkPage,
		"GET /signin/link.js":  g.linkScript,
		"POST /signin/link":    g.useLink,
		"POST /signout":        g.signOut,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			careful(w)
			h(w, r)
		})
	}
}

// careful keeps answers out of caches and our addresses out of other sites'
// logs. The policy is not no-referrer, with which browsers would send POSTs
// with the origin null.
func careful(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin")
}

// Require lets through who is signed in and has the role, with the Person in
// the context. Who is not signed in is sent to the page to sign in on, and
// comes back afterwards.
func (g *Gate) Require(need Role, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		careful(w)
		p, end, err := g.session(r)
		r = r.WithContext(context.WithValue(r.Context(), endKey{}, end))
		switch {
		case errors.Is(err, errNoSession), errors.Is(err, errEnded):
			g.askToSignIn(w, r, err)
		case err != nil:
			g.unavailable(w, r, "look up a session", err)
		case !p.Role.Allows(need):
			web.By(r.Context(), p.String())
			web.Because(r.Context(), web.Role, "needs "+string(need))
			g.pages.Forbidden(w, r.WithContext(context.WithValue(r.Context(), personKey{}, p)), need)
		default:
			web.By(r.Context(), p.String())
			ctx := context.WithValue(r.Context(), personKey{}, p)
			h.ServeHTTP(w, r.WithContext(context.WithValue(ctx, sessionKey{}, sessionName(r))))
		}
	})
}

// Known tells whether a request comes from somebody who is signed in and has
// the role, for what is no page and answers in its own way.
func (g *Gate) Known(r *http.Request, need Role) bool {
	p, err := g.signedIn(r)
	if err == nil {
		web.By(r.Context(), p.String())
	}
	return err == nil && p.Role.Allows(need)
}

// Still tells whether a request that is under way comes from somebody who is
// still signed in and has the role. It does not count as being seen.
func (g *Gate) Still(r *http.Request, need Role) bool {
	p, _, err := g.whose(r)
	return err == nil && p.Role.Allows(need)
}

func (g *Gate) askToSignIn(w http.ResponseWriter, r *http.Request, why error) {
	to := g.signInAddress(g.pageOf(r))
	switch {
	case fromHTMX(r):
		// htmx follows this whatever the status, but not a redirect.
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		web.Go(w, r, to)
	default:
		next := g.formOf(r)
		v := g.view("", "", next)
		if errors.Is(why, errEnded) || next != home { // a browser drops the cookie of a session that is over
			v.Problem = Expired
		}
		g.pages.SignIn(w, r, http.StatusUnauthorized, v)
	}
}

func (g *Gate) view(problem Problem, email, next string) SignInView {
	v := SignInView{Problem: problem, Email: email, Next: next}
	if g.provider != nil {
		v.Provider, v.Start = g.provider.Name, g.address("/signin/oidc")
		if next != home {
			v.Start += "?next=" + url.QueryEscape(next)
		}
	}
	return v
}

// refuse shows the page to sign in on with what went wrong.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, p Problem, email, next string) {
	switch p {
	case RateLimited:
		web.Because(r.Context(), web.Rate, string(p))
	case Unavailable: // is ours
	default:
		web.Because(r.Context(), web.SignIn, string(p))
	}
	g.pages.SignIn(w, r, p.status(), g.view(p, email, next))
}

// unavailable is our fault, and is logged. A browser that went away is neither.
func (g *Gate) unavailable(w http.ResponseWriter, r *http.Request, attempted string, err error) {
	if r.Context().Err() == nil {
		g.log.Error("sign-in: "+attempted, zap.Error(err))
	}
	g.refuse(w, r, Unavailable, "", home)
}

// signInPage shows the page to sign in on, unless that is done.
func (g *Gate) signInPage(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	switch _, err := g.signedIn(r); {
	case err == nil:
		web.Go(w, r, g.address(next))
	case errors.Is(err, errEnded):
		g.forget(w, sessionCookie)
		g.pages.SignIn(w, r, http.StatusOK, g.view(Expired, "", next))
	case errors.Is(err, errNoSession):
		g.pages.SignIn(w, r, http.StatusOK, g.view("", "", next))
	default:
		g.unavailable(w, r, "look up a session", err)
	}
}

// signOut ends the session, if there is one.
func (g *Gate) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		if err := g.store.EndSession(r.Context(), hashOf(c.Value), g.now()); err != nil {
			g.unavailable(w, r, "sign out", err) // and the session is still there
			return
		}
	}
	g.forget(w, sessionCookie)
	if fromHTMX(r) {
		w.Header().Set("HX-Redirect", g.address("/signin"))
		w.WriteHeader(http.StatusOK)
		return
	}
	web.Go(w, r, g.address("/signin"))
}

// refused audits that somebody was not let in, whom the provider spoke of or
// whose link it was; vouched tells whether that is who they are. Strangers are
// only logged: they could fill a trail that nobody can shorten.
func (g *Gate) refused(ctx context.Context, email string, vouched bool, how string, p Problem) {
	who := "kvitt"
	if vouched {
		who = email
	}
	if err := g.store.NoteRefusal(ctx, g.now(), who, email, how, string(p)); err != nil {
		g.log.Error("sign-in: record a refusal", zap.Error(err))
	}
}
