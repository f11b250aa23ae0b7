package signin

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kvitt/internal/web"
)

// How often something may be tried, and how many are remembered.
const (
	addressBurst, addressEvery = 20, 3 * time.Second // steps of a sign-in from one address
	nameBurst, nameEvery       = 10, time.Minute     // tries with one link, or of one e-mail address
	remembered                 = 4096
)

// limiter lets each key try so often. It remembers a bounded number of keys,
// and forgets those first that have not tried for longest: who can come from
// thousands of addresses is not stopped by counting addresses.
type limiter struct {
	burst int
	every time.Duration

	mu   sync.Mutex
	keys map[string]*tries
}

type tries struct {
	limit *rate.Limiter
	last  time.Time
}

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: burst, every: every, keys: map[string]*tries{}}
}

// wait is how long the key has to wait, 0 when it may go on.
func (l *limiter) wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[key]
	if k == nil {
		if len(l.keys) >= remembered {
			l.forget(now)
		}
		k = &tries{limit: rate.NewLimiter(rate.Every(l.every), l.burst)}
		l.keys[key] = k
	}
	k.last = now
	r := k.limit.ReserveN(now, 1)
	delay := r.DelayFrom(now)
	if delay > 0 {
		r.CancelAt(now)
	}
	return delay
}

// forget makes room: of those who may try as often as a new one, or else of
// the one that was quiet for longest.
func (l *limiter) forget(now time.Time) {
	oldest, since := "", time.Time{}
	for key, k := range l.keys {
		if k.limit.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
			continue
		}
		if oldest == "" || k.last.Before(since) {
			oldest, since = key, k.last
		}
	}
	if len(l.keys) >= remembered {
		delete(l.keys, oldest)
	}
}

// remote is the address that a request comes from: the proxy's, where there is
// one, because what a proxy says of others can be made up unless it is known
// which proxy that is. Of an IPv6 address it is the network, of which one
// customer has 2^64 addresses.
func remote(r *http.Request) string { return web.AddressOf(r.RemoteAddr) }

// hurried answers a request that comes too often, and tells whether it did.
func (g *Gate) hurried(w http.ResponseWriter, r *http.Request, l *limiter, key, next string) bool {
	delay := l.wait(key, g.now())
	if delay <= 0 {
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(delay.Seconds()))))
	g.refuse(w, r, RateLimited, "", next)
	return true
}
