package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
)

// Home is where a browser goes that asked for nothing else.
const Home = "/"

// longest is more than any address of these pages has, in bytes.
const longest = 2000

// Local is a wish where to go, or Home when it could lead to another site.
// Browsers read "//host" and "/\host" as another site, leave tabs and line
// breaks out before they look, and take "." and ".." away; so does
// http.Redirect. What has any of these, as it stands or behind a percent sign,
// is no address of ours.
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

// Go leads the browser on to an address of these pages; to Home when it is none.
func Go(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, Local(to), http.StatusSeeOther)
}

// Leave leads the browser to another party's page. The address must come from
// that party's discovery document, and never from a request.
func Leave(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // the only place; its callers are listed in a test
}
