package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
)

// Home is the page for a browser that asked for no other.
const Home = "/"

// longest is the limit for the length of an address, in bytes; no page of ours comes near it.
const longest = 2000

// Local returns the wish as an address of this site, or Home when it could lead to another site. Browsers
// read "//host" and "/\host" as another site, leave out tabs and line breaks before they parse, and
// resolve "." and ".."; so does http.Redirect. An address that contains any of these, plain or
// percent-encoded, is not an address of ours.
func Local(wish string) string {
	u, err := url.Parse(wish)
	if err != nil || len(wish) > longest || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return Home
	}
	for _, text := range []string{wish, u.Path} {
		whole := path.Clean(strings.SplitN(text, "?", 2)[0])
		plain := strings.TrimSuffix(strings.SplitN(strings.SplitN(text, "#", 2)[0], "?", 2)[0], "/")
		odd := strings.ContainsFunc(text, func(r rune) bool { return r == '\\' || unicode.IsControl(r) || r == unicode.ReplacementChar })
		if !strings.HasPrefix(text, "/") || odd || plain != "" && path.Clean(plain) != plain || strings.HasPrefix(whole, "//") {
			return Home
		}
	}
	return wish
}

// Go redirects the browser to an address of these pages, or to Home when it is none.
func Go(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, Local(to), http.StatusSeeOther)
}

// Leave redirects the browser to another party's page. The address must come from that party's discovery
// document, and never from a request.
func Leave(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // the only place; its callers are listed in a test
}
