package vismasim

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// RateLimits are the limits of the API. Each is off when zero.
type RateLimits struct {
	// Limit is the number of requests a company may make in a fixed window of Window (one hour when zero).
	// The answers have X-RateLimit-* headers.
	Limit  int
	Window time.Duration
	Policy int // 4 when zero: per company and client, per hour
	// SameRequest is the number of identical requests allowed per minute (5 in the real API).
	SameRequest int
	// ClientError is the number of 4xx answers to the same request in five minutes before it is refused
	// unread (2 in the real API).
	ClientError int
}

// limiter counts requests. It is guarded by Sim.mu.
type limiter struct {
	RateLimits
	refused  int
	windows  map[string]*window
	same     map[[32]byte][]time.Time
	failures map[[32]byte][]time.Time
}

type window struct {
	start time.Time
	used  int
}

func newLimiter(limits RateLimits) limiter {
	if limits.Window == 0 {
		limits.Window = time.Hour
	}
	if limits.Policy == 0 {
		limits.Policy = 4
	}
	return limiter{RateLimits: limits, windows: map[string]*window{}, same: map[[32]byte][]time.Time{}, failures: map[[32]byte][]time.Time{}}
}

// SetRate changes the limits and starts new windows.
func (s *Sim) SetRate(limits RateLimits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limiter = newLimiter(limits)
}

// Refused returns the number of requests over a limit since it was set.
func (s *Sim) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limiter.refused
}

func fingerprint(tenant string, r *http.Request, body []byte) [32]byte {
	return sha256.Sum256([]byte(tenant + "\n" + r.Method + " " + r.URL.String() + "\n" + string(body)))
}

// refuse answers 429 to a request that is over a limit, and otherwise counts it.
func (l *limiter) refuse(tenant string, r *http.Request, body []byte, now time.Time) (answer, bool) {
	if l.Limit > 0 {
		w := l.window(tenant, now)
		if w.used >= l.Limit {
			reply := tooMany("Rate limit is exceeded. Try again later.", w.start.Add(l.Window).Sub(now))
			l.headers(tenant, reply.header, now)
			return reply, true
		}
		w.used++
	}
	key := fingerprint(tenant, r, body)
	if l.SameRequest > 0 && r.Method != http.MethodGet {
		l.same[key] = since(l.same[key], now.Add(-time.Minute))
		if len(l.same[key]) >= l.SameRequest {
			return tooMany("Same request made too many times", l.same[key][0].Add(time.Minute).Sub(now)), true
		}
		l.same[key] = append(l.same[key], now)
	}
	if l.ClientError > 0 {
		l.failures[key] = since(l.failures[key], now.Add(-5*time.Minute))
		if len(l.failures[key]) >= l.ClientError {
			return tooMany("Same request made too many times", l.failures[key][0].Add(5*time.Minute).Sub(now)), true
		}
	}
	return answer{}, false
}

// learn remembers a request that was answered with a client error.
func (l *limiter) learn(tenant string, r *http.Request, body []byte, status int, now time.Time) {
	if l.ClientError > 0 && status >= 400 && status < 500 {
		key := fingerprint(tenant, r, body)
		l.failures[key] = append(l.failures[key], now)
	}
}

func (l *limiter) window(tenant string, now time.Time) *window {
	w := l.windows[tenant]
	if w == nil || !now.Before(w.start.Add(l.Window)) {
		w = &window{start: now.Truncate(l.Window)}
		l.windows[tenant] = w
	}
	return w
}

// headers sets the headers with the client's remaining requests.
func (l *limiter) headers(tenant string, h http.Header, now time.Time) {
	if l.Limit == 0 {
		return
	}
	w := l.window(tenant, now)
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(l.Limit-w.used, 0)))
	h.Set("X-RateLimit-Reset", strconv.Itoa(seconds(w.start.Add(l.Window).Sub(now))))
	h.Set("X-RateLimit-Policy", strconv.Itoa(l.Policy))
}

func tooMany(message string, wait time.Duration) answer {
	return jsonAnswer(http.StatusTooManyRequests, map[string]string{"message": message}).with("Retry-After", strconv.Itoa(seconds(wait)))
}

func seconds(d time.Duration) int { return max(int((d+time.Second-1)/time.Second), 1) }

func since(times []time.Time, from time.Time) []time.Time {
	return slices.DeleteFunc(times, func(t time.Time) bool { return !t.After(from) })
}
