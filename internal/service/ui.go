package service

import (
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/signin"
	"kvitt/internal/web"
)

// temporalUI lets people who are signed in to the portal view Temporal's Web UI, which has no sign-in of
// its own. It is read-only: only GET and HEAD requests are forwarded, and none of the browser's
// credentials are.
func temporalUI(upstream, publicURL string, gate known, log *zap.Logger) (http.Handler, error) {
	to, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			for _, name := range notHandedOn {
				r.Out.Header.Del(name)
			}
		},
		ModifyResponse: func(a *http.Response) error {
			a.Header.Del("Set-Cookie")
			a.Header.Del("Access-Control-Allow-Origin")
			a.Header.Del("Access-Control-Allow-Credentials")
			if there := a.Header.Get("Location"); there != "" {
				a.Header.Set("Location", web.Local(withoutHost(there)))
			}
			return nil
		},
		Transport: &http.Transport{
			ResponseHeaderTimeout: 30 * time.Second, IdleConnTimeout: time.Minute, MaxConnsPerHost: 64, MaxResponseHeaderBytes: 64 << 10,
		},
		ErrorLog: zap.NewStdLog(log),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				log.Warn("Temporal's Web UI does not answer", zap.Error(err))
			}
			http.Error(w, "Temporal's Web UI does not answer; see Kvitt's log for the reason.", http.StatusBadGateway)
		},
	}
	return web.Watch("temporal-ui", log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead, r.Header.Get("Upgrade") != "":
			web.Because(r.Context(), web.UI, "looking only")
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "Temporal's Web UI is read-only; use Kvitt's portal to change something.", http.StatusMethodNotAllowed)
		case strings.Contains(r.Header.Get("Sec-Fetch-Site"), "cross-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate":
			web.Because(r.Context(), web.CrossSite, "origin")
			http.Error(w, "The request came from another site.", http.StatusForbidden)
		case gate.Known(r, signin.Viewer):
			h.Set("Cache-Control", "no-store")
			proxy.ServeHTTP(w, r)
		case strings.Contains(r.Header.Get("Accept"), "text/html"):
			askToSignIn(w, r, publicURL)
		default:
			web.Because(r.Context(), web.UI, "not signed in")
			http.Error(w, "Sign in to Kvitt's portal first.", http.StatusUnauthorized)
		}
	})), nil
}

// askToSignIn redirects to the portal, which is another origin.
func askToSignIn(w http.ResponseWriter, r *http.Request, publicURL string) {
	web.Because(r.Context(), web.UI, "not signed in")
	web.Leave(w, r, publicURL+"/signin")
}

// notHandedOn lists the headers that carry a credential or say where the browser is; they are not
// forwarded.
var notHandedOn = []string{
	"Cookie", "Authorization", "Authorization-Extras", "Proxy-Authorization", "Origin", "Referer",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip",
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
}

// withoutHost returns the path of an address, with its query.
func withoutHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return web.Home
	}
	u.Scheme, u.Host, u.User, u.Opaque = "", "", nil, ""
	return u.String()
}

// ui returns the listener of the Web UI, nil when there is none.
func (p *parts) ui(gate known) (http.Handler, error) {
	if p.config.UIAddr == "" {
		return nil, nil //nolint:nilnil // no listener is no error
	}
	h, err := temporalUI(p.config.UIUpstream, p.config.PublicURL, gate, p.log)
	return h, errors.Join(err)
}
