package web

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Remembered is how many keys a limiter knows at once.
const Remembered = 4096

// Limiter lets each key try so often. It remembers a bounded number of keys,
// and forgets those first that have not tried for longest: who can come from
// thousands of addresses is not stopped by counting addresses.
type Limiter struct {
	burst int
	every time.Duration

	mu   sync.Mutex
	keys map[string]*tries
}

type tries struct {
	limit *rate.Limiter
	last  time.Time
}

// NewLimiter lets each key try burst times at once, and once more every so
// often.
func NewLimiter(burst int, every time.Duration) *Limiter {
	return &Limiter{burst: burst, every: every, keys: map[string]*tries{}}
}

// Wait is how long the key has to wait, 0 when it may go on.
func (l *Limiter) Wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[key]
	if k == nil {
		if len(l.keys) >= Remembered {
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

// Spent tells whether the key would have to wait, and counts nothing.
func (l *Limiter) Spent(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[key]
	return k != nil && k.limit.TokensAt(now) < 1
}

// forget makes room: of those who may try as often as a new one, or else of
// the one that was quiet for longest.
func (l *Limiter) forget(now time.Time) {
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
	if len(l.keys) >= Remembered {
		delete(l.keys, oldest)
	}
}

// RetryAfter says when to come back.
func RetryAfter(w http.ResponseWriter, delay time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(delay.Seconds())))))
}
