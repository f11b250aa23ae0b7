package portal

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/web"
)

// mostForm is more than any form of these pages has, in bytes, but for that of a
// trial, which takes files.
const mostForm = 1 << 20

// bound limits how long a page may take to make, and how many of its kind may be
// under way.
type bound struct {
	within time.Duration
	crowd  string // the kind; "" has no limit of its own
}

// standard bounds every route that is not in the list.
var standard = bound{within: time.Minute}

// bounds are the routes that take more than a page, by pattern.
var bounds = map[string]bound{
	"GET /connections/{id}/reports/{name}":                {time.Minute, reporting},
	"GET /connections/{id}/accruals":                      {time.Minute, reporting},
	"POST /connections/{id}/accruals":                     {time.Minute, reporting},
	"POST " + tryPath:                                     {trialWithin + time.Minute, ""},
	"GET /connections/{id}/find":                          {time.Minute, reporting},
	"GET /connections/{id}/files/pack":                    {10 * time.Minute, filing},
	"GET /connections/{id}/files/{file}":                  {10 * time.Minute, filing},
	"GET /connections/{id}/verify/checks":                 {80 * time.Second, asking},
	"GET /connections/{id}/verify/trial":                  {80 * time.Second, asking},
	"POST /connections/{id}/profile/edit":                 {80 * time.Second, asking},
	"POST /connections/{id}/klarna":                       {80 * time.Second, asking},
	"GET /connections/{id}/backfills/{from}/{to}/events":  {streamLife, streaming},
	"POST /connections/{id}/review":                       {80 * time.Second, deciding},
	"POST /connections/{id}/payouts/{ref}/approve":        {standard.within, deciding},
	"POST /connections/{id}/payouts/{ref}/reject":         {standard.within, deciding},
	"POST /connections/{id}/payouts/{ref}/retry":          {standard.within, deciding},
	"POST /connections/{id}/payouts/{ref}/reversal/retry": {standard.within, deciding},
	"POST /connections/{id}/requests/{request}":           {standard.within, deciding},
	"POST /connections/{id}/accruals/retry":               {standard.within, deciding},
	"POST /connections/{id}/backfills/{from}/{to}/{verb}": {standard.within, deciding},
}

func boundOf(pattern string) bound {
	if b, listed := bounds[pattern]; listed {
		return b
	}
	return standard
}

// The crowds.
const (
	reporting = "reports"
	filing    = "files"
	asking    = "questions to Klarna and Visma.net"
	streaming = "streams"
	deciding  = "decisions"
)

// crowds says how many of a kind are under way at once, in all and for one
// person, and how long the next waits for its turn.
func crowds() map[string]*crowd {
	return map[string]*crowd{
		reporting: {most: 3, each: 2, patience: 5 * time.Second},
		filing:    {most: 2, each: 1, patience: 15 * time.Second},
		asking:    {most: 8, each: 3, patience: 5 * time.Second},
		streaming: {most: 64, each: 6},
		deciding:  {most: 32, each: 8, patience: 5 * time.Second},
	}
}

// crowd lets so many in at once.
type crowd struct {
	most, each int
	patience   time.Duration

	mu    sync.Mutex
	in    int
	by    map[string]int
	freed chan struct{} // closed when somebody leaves
}

// enter waits for a place. leave is nil when none came free.
func (c *crowd) enter(ctx context.Context, who string) (leave func()) {
	late := time.NewTimer(c.patience)
	defer late.Stop()
	for {
		c.mu.Lock()
		if c.by == nil {
			c.by, c.freed = map[string]int{}, make(chan struct{})
		}
		if c.in < c.most && c.by[who] < c.each {
			c.in++
			c.by[who]++
			c.mu.Unlock()
			return sync.OnceFunc(func() { c.left(who) })
		}
		freed := c.freed
		c.mu.Unlock()
		select {
		case <-freed:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *crowd) left(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in--
	if c.by[who]--; c.by[who] <= 0 {
		delete(c.by, who)
	}
	close(c.freed)
	c.freed = make(chan struct{})
}

var errTooLong = errors.New("it took too long")

// bounded keeps a page within its bounds. What is refused says the limit and
// what helps.
func (p *Portal) bounded(one route) page {
	b := boundOf(one.pattern)
	limit := p.crowds[b.crowd]
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(r); err != nil {
			return err
		}
		r = asPerson(r)
		if limit != nil {
			leave := limit.enter(r.Context(), by(r))
			if leave == nil {
				web.Because(r.Context(), web.Busy, b.crowd)
				w.Header().Set("Retry-After", "10")
				return p.refusal(w, r, http.StatusServiceUnavailable, "busy", strconv.Itoa(limit.most), strconv.Itoa(limit.each))
			}
			defer leave()
		}
		ctx, cancel := context.WithTimeoutCause(r.Context(), b.within, errTooLong)
		defer cancel()
		err := one.page(w, r.WithContext(ctx))
		if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
			p.Log.Warn("a page took too long", zap.String("route", one.pattern), zap.Duration("within", b.within), zap.Error(err))
			web.Because(r.Context(), web.Busy, "deadline")
			return p.refusal(w, r, http.StatusServiceUnavailable, "slow", strconv.Itoa(int(b.within.Seconds())))
		}
		return err
	}
}

// tooLargeError is a form that is larger than it may be.
type tooLargeError struct{ limit int64 }

func (tooLargeError) Error() string { return "the form is too large" }

// readForm reads a form once and for all: afterwards a part that is missing is
// one that was not sent.
func readForm(r *http.Request) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return nil
	}
	err := r.ParseForm()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLargeError{large.Limit}
	}
	if err != nil {
		return &operate.Error{Attempted: "read what was sent", Happened: "the form could not be read", Helps: "Go back and send it again.", Err: err}
	}
	return nil
}

// refusal is a page that says which limit was met and what helps, in the
// person's language.
func (p *Portal) refusal(w http.ResponseWriter, r *http.Request, status int, key string, args ...any) error {
	it := &refusal{Status: status, Said: &said{"bound." + key, args}}
	p.show(w, r.WithContext(context.WithValue(r.Context(), refusalKey{}, it)), status, "message", message{Title: "bound." + key + ".title"})
	return nil
}

// crossSite answers what another site's page has the browser send.
func (p *Portal) crossSite(w http.ResponseWriter, r *http.Request) {
	web.Because(r.Context(), web.CrossSite, "origin")
	if err := p.refusal(w, r, http.StatusForbidden, "cross_site"); err != nil {
		http.Error(w, "Another site asked for this; nothing was done.", http.StatusForbidden)
	}
}

// streamLife limits how long a stream of events lasts; the browser opens another
// one by itself, if it may.
const streamLife = 15 * time.Minute

// stillIn tells whether the person who opened a stream may still see it.
func (p *Portal) stillIn(r *http.Request) bool { return p.Gate.Still(r, signin.Viewer) }
