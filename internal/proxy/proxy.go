// Package proxy lets the portal run behind a reverse proxy: below a path of a host that is shared, and
// with the browser's own address where a trusted proxy reports it.
//
// It must never believe a header from anybody but the operator's proxies, and never take the portal's own
// address from a request: that is KVITT_PUBLIC_URL, whatever Host and X-Forwarded-Host say.
package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Forwarded sets RemoteAddr of each request that comes through trusted proxies to the address of the
// browser. The last entry of X-Forwarded-For was added by the proxy that connects to us; earlier entries
// count as long as trusted proxies added them. The first address from the end that is not a trusted proxy
// is the browser.
func Forwarded(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, ok := browser(trusted, r); ok {
			there := *r
			there.RemoteAddr = net.JoinHostPort(from.String(), "0")
			r = &there
		}
		next.ServeHTTP(w, r)
	})
}

// hops is a limit: nobody has more proxies in a row.
const hops = 16

func browser(trusted []netip.Prefix, r *http.Request) (from netip.Addr, ok bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !ours(trusted, at.Addr()) {
		return from, false
	}
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	slices.Reverse(entries)
	for _, entry := range entries[:min(len(entries), hops)] {
		ip, err := address(entry)
		if err != nil {
			return from, ok
		}
		if from, ok = ip, true; !ours(trusted, ip) {
			return from, true
		}
	}
	return from, ok
}

// address parses an entry: an address, with a port as some proxies add one.
func address(entry string) (netip.Addr, error) {
	entry = strings.TrimSpace(entry)
	if at, err := netip.ParseAddrPort(entry); err == nil {
		return at.Addr().Unmap(), nil
	}
	ip, err := netip.ParseAddr(strings.Trim(entry, "[]"))
	return ip.Unmap(), err
}

func ours(trusted []netip.Prefix, ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Under serves next below a path, such as /kvitt: behind proxies that forward the path and behind those
// that strip it. Redirects to paths get it as a prefix.
func Under(path string, next http.Handler) http.Handler {
	if path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if below(path, r.URL.Path) {
			there, u := *r, *r.URL
			u.Path, u.RawPath = "/"+strings.TrimLeft(strings.TrimPrefix(u.Path, path), "/"), ""
			if raw, ok := strings.CutPrefix(r.URL.EscapedPath(), path); ok && r.URL.RawPath != "" {
				u.RawPath = "/" + strings.TrimLeft(raw, "/")
			}
			there.URL = &u
			r = &there
		}
		next.ServeHTTP(&answer{ResponseWriter: w, path: path}, r)
	})
}

// Address puts the prefix before the address of a page, unless it is there.
func Address(path, page string) string {
	if !strings.HasPrefix(page, "/") || strings.HasPrefix(page, "//") || below(path, page) {
		return page
	}
	return path + page
}

func below(path, page string) bool {
	rest, ok := strings.CutPrefix(page, path)
	return ok && (rest == "" || strings.ContainsAny(rest[:1], "/?#"))
}

// answer is the response to the browser.
type answer struct {
	http.ResponseWriter
	path string
	said bool
}

// leading lists the headers that lead a browser to another page.
var leading = []string{"Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url"}

// WriteHeader puts the prefix before the address that the answer leads to.
func (a *answer) WriteHeader(status int) {
	if !a.said {
		a.said = status >= http.StatusOK
		for _, name := range leading {
			if to := a.Header().Get(name); to != "" {
				a.Header().Set(name, Address(a.path, to))
			}
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if !a.said {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
