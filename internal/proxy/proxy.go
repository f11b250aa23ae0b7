// Package proxy lets the portal stand behind a reverse proxy: below a path of a
// host that others use too, and with the browser's own address where it is known
// which proxy tells it.
//
// It must never believe a header of somebody who is not one of the operator's
// proxies, and never take the portal's own address from a request: that is
// KVITT_PUBLIC_URL, whatever Host and X-Forwarded-Host say.
package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Forwarded gives each request that comes through trusted proxies the address of
// the browser as RemoteAddr. Of what X-Forwarded-For lists the last entry is the
// word of the proxy that connects to us; what stands before it holds as long as
// proxies of ours have said it. The first that is none of them is the browser.
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

// hops is more proxies than anybody has in a row.
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

// address reads an entry: an address, with a port as some proxies add one.
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

// Under serves next below a path, such as /kvitt: with proxies that hand the path
// on and with those that take it off. Redirects to paths get it put before them.
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

// Address puts the path before the address of a page, unless it is there.
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

// answer is what goes back to the browser.
type answer struct {
	http.ResponseWriter
	path string
	said bool
}

// leading are the headers that lead a browser to another page.
var leading = []string{"Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url"}

// WriteHeader puts the path before where the answer leads.
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
