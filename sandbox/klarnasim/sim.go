package klarnasim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvitt/sandbox/shop"
)

const prefix = "/settlements/v1"

// Options choose which of Klarna's hosts is simulated, and how.
type Options struct {
	Provider    string // klarna (default) or kustom: decides which keys are valid
	Environment string // live (default) or test
	Region      string // eu (default), na or oc
	Keys        []Key  // at least one

	// PublicURL is the address at which clients reach the simulator, for the links in answers; empty takes
	// scheme and host from each request.
	PublicURL string

	// Strict follows the published description exactly and leaves out what only the live API does.
	Strict bool

	// RequestsPerSecond is the limit per merchant; 0 means none. It needs Now.
	RequestsPerSecond int

	// Latency is added to every answer.
	Latency time.Duration

	// Now is the clock for the limit and for HideFuture.
	Now func() time.Time

	// HideFuture shows a payout only once its date has come. It needs Now.
	HideFuture bool
}

// Sim is the simulated API. It may be used from any number of goroutines.
type Sim struct {
	options Options
	mux     *http.ServeMux
	limit   limiter

	mu        sync.Mutex
	merchants map[string]*shop.Shop
	first     *shop.Shop
	keys      map[string]*Key
	latency   time.Duration
	faults    []*armed
	lastFault int
	watch     func(Strike)
	counts    Counts
}

// New makes a simulator that serves the payouts of a shop. It fails without keys, or without a clock that
// is needed.
func New(s *shop.Shop, o Options) (*Sim, error) {
	o.Provider, o.Environment, o.Region = orElse(o.Provider, "klarna"), orElse(o.Environment, "live"), orElse(o.Region, "eu")
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	switch {
	case s == nil:
		return nil, errors.New("starting the simulated Klarna: there is no shop to serve")
	case len(o.Keys) == 0:
		return nil, errors.New("starting the simulated Klarna: it needs at least one API key")
	case o.Now == nil && (o.RequestsPerSecond > 0 || o.HideFuture):
		return nil, errors.New("starting the simulated Klarna: a rate limit and hidden future payouts need a clock")
	}
	sim := &Sim{
		options: o, merchants: map[string]*shop.Shop{}, keys: map[string]*Key{}, latency: o.Latency,
		limit: limiter{now: o.Now, perSecond: o.RequestsPerSecond}, counts: newCounts(),
	}
	sim.Serve(s)
	for _, k := range o.Keys {
		if err := sim.AddKey(k); err != nil {
			return nil, fmt.Errorf("starting the simulated Klarna: %w", err)
		}
	}
	sim.mux = sim.routes()
	return sim, nil
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// Serve adds a merchant. Keys that name no merchant see the first one.
func (s *Sim) Serve(merchant *shop.Shop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = merchant
	}
	s.merchants[merchant.MerchantID] = merchant
}

// SetLatency changes the delay of every answer.
func (s *Sim) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

func (s *Sim) latencyNow() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latency
}

// ServeHTTP answers one request.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Sim) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for endpoint, answer := range map[string]func(*request) (*reply, *problem){
		"/payouts":                                   s.payouts,
		"/payouts/summary":                           s.summaries,
		"/payouts/{payment_reference}":               s.payout,
		"/transactions":                              s.transactions,
		"/reports/payout-with-transactions":          s.payoutCSV,
		"/reports/payout":                            s.payoutPDF,
		"/reports/payouts-summary-with-transactions": s.summaryCSV,
		"/reports/payouts-summary":                   s.summaryPDF,
	} {
		mux.HandleFunc("GET "+prefix+endpoint, s.handler(endpoint, answer))
	}
	mux.HandleFunc(prefix+"/", s.handler(otherEndpoint, func(q *request) (*reply, *problem) {
		if q.Method != http.MethodGet && q.Method != http.MethodHead {
			return nil, &problem{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "The Settlements API only knows GET"}
		}
		return nil, &problem{http.StatusForbidden, "FORBIDDEN", "Access to " + q.URL.Path + " is not allowed"}
	}))
	s.adminRoutes(mux)
	return mux
}

// otherEndpoint counts requests for paths that the API does not have.
const otherEndpoint = "other"

// request is one request with what is known about it.
type request struct {
	*http.Request
	endpoint    string
	correlation string
	base        string // scheme and host for links
	shop        *shop.Shop
	faults      []Fault
}

// handler handles every request: count, wait, apply faults, check the key and the limit, answer.
func (s *Sim) handler(endpoint string, answer func(*request) (*reply, *problem)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := &request{Request: r, endpoint: endpoint, base: s.base(r)}
		var serial int64
		q.faults, serial = s.arrived(endpoint, r)
		q.correlation = correlationID(serial)
		if !wait(r, s.latencyNow()+q.delay()) {
			return
		}
		w.Header().Set("Klarna-Correlation-Id", q.correlation)
		status := s.respond(w, q, answer)
		s.answered(status)
	}
}

func (s *Sim) respond(w http.ResponseWriter, q *request, answer func(*request) (*reply, *problem)) int {
	if done, status := q.failEarly(w); done {
		return status
	}
	merchant, trouble := s.authenticate(q.Request)
	if trouble != nil {
		return q.send(w, trouble.reply(q))
	}
	q.shop = merchant
	left, ok := s.limit.take(merchant.MerchantID)
	s.limitHeaders(w.Header(), left)
	if !ok {
		return q.send(w, (&problem{http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "The rate limit is exceeded"}).reply(q))
	}
	good, trouble := answer(q)
	if trouble != nil {
		return q.send(w, trouble.reply(q))
	}
	return q.send(w, good)
}

// wait lets time pass, and reports whether the client was still connected after it.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Sim) base(r *http.Request) string {
	if s.options.PublicURL != "" {
		return s.options.PublicURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// correlationID returns a UUID that counts requests.
func correlationID(serial int64) string {
	digits := strconv.FormatInt(serial, 16)
	return "5e77135e-0000-4000-8000-" + strings.Repeat("0", max(0, 12-len(digits))) + digits
}
