package signin

import (
	"net/http"
	"net/url"
	"strings"

	"kvitt/internal/web"
)

// home is where a person goes who asked for nothing else.
const home = web.Home

// localPath is a wish where to go after signing in, or home when it could lead
// to another site or round in a circle.
func localPath(wish string) string {
	wish = web.Local(wish)
	if u, err := url.Parse(wish); err != nil || u.Path == "/signin" || strings.HasPrefix(u.Path, "/signin/") || u.Path == "/signout" {
		return home
	}
	return wish
}

// pageOf is the page that a request belongs to: for a part of a page that htmx
// asks for, the page around it.
func (g *Gate) pageOf(r *http.Request) string {
	if !fromHTMX(r) {
		return localPath(r.URL.RequestURI())
	}
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil || u.Scheme+"://"+u.Host != g.origin {
		return home
	}
	return localPath(strings.TrimPrefix(u.RequestURI(), g.base))
}

// formOf is the page with the form that a request was sent from.
func (g *Gate) formOf(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Scheme+"://"+u.Host != g.origin {
		return home
	}
	return localPath(strings.TrimPrefix(u.RequestURI(), g.base))
}

func fromHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// address is one of the portal's own, as the browser sees it: KVITT_PUBLIC_URL
// may have a path.
func (g *Gate) address(path string) string { return g.base + path }

// signInAddress is the page to sign in on, and to come back from.
func (g *Gate) signInAddress(next string) string {
	if next == home {
		return g.address("/signin")
	}
	return g.address("/signin?next=" + url.QueryEscape(next))
}
