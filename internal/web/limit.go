package web

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Remembered is the number of keys a limiter remembers at once.
const Remembered = 4096

// Limiter limits how often each key may try. It remembers a bounded number of keys and forgets first those
// that have not tried for longest: counting addresses does not stop somebody who has thousands of them.
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

// NewLimiter lets each key try burst times at once, and then once per interval every.
func NewLimiter(burst int, every time.Duration) *Limiter {
	return &Limiter{burst: burst, every: every, keys: map[string]*tries{}}
}

// Wait returns how long the key has to wait, 0 when it may go on.
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

// Spent reports whether the key would have to wait, and counts nothing.
func (l *Limiter) Spent(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[key]
	return k != nil && k.limit.TokensAt(now) < 1
}

// forget makes room: it drops the keys that may try as often as a new one, or else the one that was quiet
// for longest.
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

// RetryAfter sets the header that says when to come back.
func RetryAfter(w http.ResponseWriter, delay time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(delay.Seconds())))))
}
