package klarna

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	defaultRetry = 5 * time.Second // after a 429 that says nothing
	defaultReset = time.Second     // when the budget is used up and no reset is told
	longestPause = time.Minute     // no header stops this process for longer
	longestRetry = 24 * time.Hour  // nor a payout
)

// pause holds back the requests of a client until the other side's budget is
// full again.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

// wait blocks while there is a pause.
func (p *pause) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		rest := time.Until(p.until)
		p.mu.Unlock()
		if rest <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// observe reads what an answer says about the budget: X-RateLimit-Remaining: 0
// and 429 both mean that the next request has to wait. It returns for how long.
func (p *pause) observe(response *http.Response, now time.Time) time.Duration {
	var rest time.Duration
	switch remaining, known := leadingNumber(response.Header.Get("X-Ratelimit-Remaining")); {
	case response.StatusCode == http.StatusTooManyRequests:
		rest = retryAfter(response.Header, now)
	case known && remaining <= 0:
		rest = reset(response.Header, now)
		if rest <= 0 {
			rest = defaultReset
		}
	default:
		return 0
	}
	rest = min(rest, longestPause)
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := now.Add(rest); until.After(p.until) {
		p.until = until
	}
	return rest
}

// retryAfter is the time to wait before asking again: Retry-After in seconds
// or as a date, else X-RateLimit-Reset, else a few seconds.
func retryAfter(h http.Header, now time.Time) time.Duration {
	told := h.Get("Retry-After")
	var rest time.Duration
	if seconds, ok := leadingNumber(told); ok {
		rest = fromSeconds(seconds)
	} else if at, err := http.ParseTime(told); err == nil {
		rest = at.Sub(now)
		if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
			rest = at.Sub(theirs) // our clocks may differ
		}
	} else {
		rest = reset(h, now)
	}
	if rest <= 0 {
		rest = defaultRetry
	}
	return min(rest, longestRetry)
}

// reset is the time until the budget is full again, 0 when that is not told.
// Klarna tells seconds; what is far too large to be that is a Unix time.
func reset(h http.Header, now time.Time) time.Duration {
	seconds, ok := leadingNumber(h.Get("X-Ratelimit-Reset"))
	switch {
	case !ok || seconds < 0:
		return 0
	case seconds >= 1_000_000_000:
		return time.Unix(int64(min(seconds, 1e12)), 0).Sub(now)
	}
	return fromSeconds(seconds)
}

// fromSeconds is at least nothing and at most longestRetry.
func fromSeconds(seconds float64) time.Duration {
	return time.Duration(min(max(seconds, 0), longestRetry.Seconds()) * float64(time.Second))
}

// leadingNumber reads the number that a header such as "40, 40;w=1" starts with.
func leadingNumber(header string) (float64, bool) {
	header, _, _ = strings.Cut(header, ",")
	header, _, _ = strings.Cut(header, ";")
	n, err := strconv.ParseFloat(strings.TrimSpace(header), 64)
	return n, err == nil && !math.IsNaN(n)
}
