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

// Limiter is the request budget of one connection. Visma.net counts requests per company and client in a
// fixed window, so all clients of a connection in this process share one. It spaces requests out, and
// after an answer that reports the budget as used up it sends nothing until the window resets.
type Limiter struct {
	rate   *rate.Limiter // nil: no spacing
	shared Shared        // nil: this process is alone

	mu    sync.Mutex
	until time.Time // nothing is sent before this moment
}

// patience is the longest time a request waits for the window to reset. Longer waits are left to the
// caller, who gets fault.Throttled and can serve another connection meanwhile.
const patience = 15 * time.Second

// A reset further away than this is a misread figure.
const longestWait = 24 * time.Hour

// NewLimiter returns a limiter of perSecond requests a second with that burst; perSecond 0 means no
// spacing, only the pauses that Visma.net asks for.
func NewLimiter(perSecond rate.Limit, burst int) *Limiter {
	l := &Limiter{}
	if perSecond > 0 {
		l.rate = rate.NewLimiter(perSecond, max(burst, 1))
	}
	return l
}

// Shared is a budget that several processes spend; *budget.Share is one.
type Shared interface {
	// Take uses up one request and returns how long to wait before sending it; if none is left, ok is
	// false and wait is the time until asking again makes sense.
	Take(ctx context.Context) (wait time.Duration, ok bool, err error)
	Done()                                  // a taken request is over
	Left(requests int, reset time.Duration) // an answer reported this
	Close(d time.Duration)                  // no request for this time
}

// NewSharedLimiter returns the limiter of a budget that other processes spend too.
func NewSharedLimiter(s Shared) *Limiter { return &Limiter{shared: s} }

// wait returns when a request may be sent; the caller calls done when it is over. Nothing has been sent
// when wait fails, so its errors are Throttled or Transient for reads and writes alike.
func (l *Limiter) wait(ctx context.Context, attempted string) error {
	for left := l.pause(); left > 0; left = l.pause() {
		if err := rest(ctx, attempted, left); err != nil {
			return err
		}
	}
	err := ctx.Err()
	switch {
	case err != nil:
	case l.shared != nil:
		return l.take(ctx, attempted)
	case l.rate != nil:
		err = l.rate.Wait(ctx)
	}
	if err != nil {
		return notSent(attempted, err)
	}
	return nil
}

// take is wait with a shared budget.
func (l *Limiter) take(ctx context.Context, attempted string) error {
	for {
		wait, ok, err := l.shared.Take(ctx)
		if err != nil {
			return notSent(attempted, err)
		}
		if err := rest(ctx, attempted, wait); err != nil {
			if ok {
				l.shared.Done()
			}
			return err
		}
		if ok {
			return nil
		}
	}
}

// done reports that a request that wait let through is over.
func (l *Limiter) done() {
	if l.shared != nil {
		l.shared.Done()
	}
}

// rest waits, unless the wait is longer than patience.
func rest(ctx context.Context, attempted string, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if d > patience {
		return &fault.Error{
			Class: fault.Throttled, Party: party, Attempted: attempted, RetryAfter: d,
			Words:  "the request budget is used up; nothing was sent",
			Remedy: "Kvitt continues when the budget is renewed.",
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return notSent(attempted, ctx.Err())
	}
}

func notSent(attempted string, err error) error {
	return &fault.Error{
		Class: fault.Transient, Party: party, Attempted: attempted,
		Words: "nothing was sent", Err: err,
	}
}

// pause returns the time for which nothing may be sent.
func (l *Limiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}

// observe learns from an answer: a 429, or the last request of a window.
func (l *Limiter) observe(status int, header http.Header, body []byte) {
	if status == http.StatusTooManyRequests && isSameRequestLimit(body) {
		return // this limit is about one failing request, not the budget
	}
	remaining, err := strconv.Atoi(strings.TrimSpace(header.Get("X-RateLimit-Remaining")))
	reset := rateLimitReset(header)
	if err == nil && reset > 0 && l.shared != nil {
		l.shared.Left(remaining, reset)
	}
	var wait time.Duration
	switch {
	case status == http.StatusTooManyRequests:
		wait = retryAfter(header)
	case err == nil && remaining <= 0:
		wait = reset
	}
	if wait <= 0 {
		return
	}
	if l.shared != nil {
		l.shared.Close(wait)
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
