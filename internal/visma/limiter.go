package visma

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kvitt/internal/fault"
)

// Limiter is the request budget of one connection. Visma.net counts requests
// per company and client in a fixed window, so all clients of a connection in
// this process share one. It spaces requests out, and after an answer that
// says the budget is used up it lets nothing through until the window resets.
type Limiter struct {
	rate *rate.Limiter // nil: no spacing

	mu    sync.Mutex
	until time.Time // nothing is sent before this moment
}

// patience is how long a request waits for the window to reset by itself.
// A longer wait belongs to the caller, who is told with fault.Throttled.
const patience = 15 * time.Second

// A reset this far away is a figure that was misread.
const longestWait = 24 * time.Hour

// NewLimiter returns a limiter of so many requests a second with that burst;
// perSecond 0 means no spacing, only the pauses that Visma.net asks for.
func NewLimiter(perSecond rate.Limit, burst int) *Limiter {
	l := &Limiter{}
	if perSecond > 0 {
		l.rate = rate.NewLimiter(perSecond, max(burst, 1))
	}
	return l
}

// wait returns when a request may be sent. Nothing has been sent when it
// fails, so its errors are Throttled or Transient for reads and writes alike.
func (l *Limiter) wait(ctx context.Context, attempted string) error {
	for {
		left := l.pause()
		if left <= 0 {
			break
		}
		if left > patience {
			return &fault.Error{
				Class: fault.Throttled, Party: party, Attempted: attempted, RetryAfter: left,
				Words:  "the request budget is used up; nothing was sent",
				Remedy: "Kvitt goes on by itself when the budget is renewed.",
			}
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return notSent(attempted, ctx.Err())
		}
	}
	err := ctx.Err()
	if l.rate != nil {
		err = l.rate.Wait(ctx)
	}
	if err != nil {
		return notSent(attempted, err)
	}
	return nil
}

func notSent(attempted string, err error) error {
	return &fault.Error{
		Class: fault.Transient, Party: party, Attempted: attempted,
		Words: "nothing was sent", Err: err,
	}
}

// pause returns how long nothing may be sent.
func (l *Limiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}

// observe learns from an answer: a 429, or the last request of a window.
func (l *Limiter) observe(status int, header http.Header, body []byte) {
	if status == http.StatusTooManyRequests && isSameRequestLimit(body) {
		return // counts one request that fails again and again, not the budget
	}
	var wait time.Duration
	switch {
	case status == http.StatusTooManyRequests:
		wait = retryAfter(header)
	case strings.TrimSpace(header.Get("X-RateLimit-Remaining")) == "0":
		wait = rateLimitReset(header)
	}
	if wait <= 0 {
		return
	}
	until := time.Now().Add(wait)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.until) {
		l.until = until
	}
}

// isSameRequestLimit recognises the limit on repeating one failing request.
func isSameRequestLimit(body []byte) bool {
	return strings.Contains(strings.ToLower(string(body)), "same request")
}

// retryAfter reads Retry-After (seconds or an HTTP date), else the reset of
// the rate-limit window; 0 when neither says anything.
func retryAfter(header http.Header) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 {
		return atMost(seconds)
	}
	if at, err := http.ParseTime(text); err == nil {
		if left := time.Until(at); left > 0 {
			return min(left, longestWait)
		}
		return 0
	}
	return rateLimitReset(header)
}

// rateLimitReset reads X-RateLimit-Reset: seconds from now, or, when the
// figure is that large, seconds since 1970.
func rateLimitReset(header http.Header) time.Duration {
	seconds, err := strconv.ParseInt(strings.TrimSpace(header.Get("X-RateLimit-Reset")), 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	const epoch = 1_000_000_000 // 2001; no window is 31 years long
	if seconds >= epoch {
		return max(0, min(time.Until(time.Unix(seconds, 0)), longestWait))
	}
	return atMost(seconds)
}

func atMost(seconds int64) time.Duration {
	if seconds > int64(longestWait/time.Second) {
		return longestWait
	}
	return time.Duration(seconds) * time.Second
}
