package signin

import (
	"net/http"
	"time"

	"kvitt/internal/web"
)

// How often something may fail. What succeeds is not counted, so that nobody
// can keep others out by failing beside them.
const (
	addressBurst, addressEvery = 20, 3 * time.Second // steps of a sign-in from one address
	nameBurst, nameEvery       = 10, time.Minute     // tries with one link, or of one e-mail address
)

// remote is the address that a request comes from.
func remote(r *http.Request) string { return web.AddressOf(r.RemoteAddr) }

// hurried answers a request that comes too often, and tells whether it did.
func (g *Gate) hurried(w http.ResponseWriter, r *http.Request, l *web.Limiter, key, next string) bool {
	delay := l.Wait(key, g.now())
	if delay <= 0 {
		return false
	}
	web.RetryAfter(w, delay)
	g.refuse(w, r, RateLimited, "", next)
	return true
}
