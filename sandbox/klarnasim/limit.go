package klarnasim

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts the requests of each merchant in whole seconds.
type limiter struct {
	now func() time.Time

	mu        sync.Mutex
	perSecond int
	windows   map[string]*tally
}

// tally counts a merchant's requests in one second.
type tally struct {
	second int64
	used   int
}

// take uses up one request. left is -1 when there is no limit.
func (l *limiter) take(merchant string) (left int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perSecond == 0 {
		return -1, true
	}
	if l.windows == nil {
		l.windows = map[string]*tally{}
	}
	w := l.windows[merchant]
	if w == nil {
		w = &tally{}
		l.windows[merchant] = w
	}
	if second := l.now().Unix(); second != w.second {
		*w = tally{second: second}
	}
	if w.used >= l.perSecond {
		return 0, false
	}
	w.used++
	return l.perSecond - w.used, true
}

// SetRequestsPerSecond changes the limit per merchant; 0 means none. Without a clock (Options.Now) no
// limit can be set, and it returns false.
func (s *Sim) SetRequestsPerSecond(n int) bool {
	if s.options.Now == nil && n > 0 {
		return false
	}
	s.limit.mu.Lock()
	defer s.limit.mu.Unlock()
	s.limit.perSecond = max(0, n)
	return true
}

func (s *Sim) requestsPerSecond() int {
	s.limit.mu.Lock()
	defer s.limit.mu.Unlock()
	return s.limit.perSecond
}

// limitHeaders sets the limit headers as the API does on every answer. Without a limit they show the
// published one, as if there were no other requests.
func (s *Sim) limitHeaders(h http.Header, left int) {
	limit := s.requestsPerSecond()
	if left < 0 {
		limit = 200
		if s.options.Environment == "test" {
			limit = 50
		}
		left = limit - 1
	}
	text := strconv.Itoa(limit)
	h.Set("X-RateLimit-Limit", text+", "+text+";w=1")
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Reset", "1")
}
