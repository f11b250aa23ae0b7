package vismasim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Options set up a simulated Visma.net.
type Options struct {
	Companies []Company
	// Authorize checks a bearer token and returns its company and its scopes. Use Anyone when tokens do
	// not matter.
	Authorize func(token string) (tenantID string, scopes []string, ok bool)

	Now func() time.Time // the wall clock when nil

	// JobDelay is the duration of work in the background: 20 ms when zero, none when negative.
	JobDelay time.Duration
	// Release is the way a release is answered: done at once, or queued and done after ReleaseDelay.
	Release      ReleaseMode
	ReleaseDelay time.Duration
	// ContentLife is the time for which the content of a finished job can be fetched; 24 hours when zero.
	ContentLife time.Duration

	MaxPageSize int // 1000 when zero
	Limits      Limits
	Rate        RateLimits // off when zero
	// ReleaseScope is the verb of the scope that a release needs; it is not documented for the real API.
	// "update" when empty.
	ReleaseScope string
	// LocationURL is the host in Location headers and in a job's originalUri: another host than this one,
	// as in the real API.
	LocationURL string

	// Dir is the directory of a file with everything, which is restored at the next start. Empty: in
	// memory only.
	Dir string
}

// ReleaseMode is the way the release action answers.
type ReleaseMode string

// The ways a release is answered without a fault.
const (
	ReleaseDone      ReleaseMode = "Done"
	ReleaseQueued    ReleaseMode = "Queued"
	ReleaseInProcess ReleaseMode = "InProcess"
)

// Anyone accepts every token for one company, with every scope.
func Anyone(tenantID string) func(string) (string, []string, bool) {
	scopes := []string{serviceScope + "read", serviceScope + "create", serviceScope + "update"}
	return func(string) (string, []string, bool) { return tenantID, scopes, true }
}

// Sim is a simulated Visma.net: an http.Handler, with the controls of the admin endpoints under
// /_sandbox/visma/ as Go methods.
type Sim struct {
	o      Options
	mux    *http.ServeMux
	routes map[string]route
	admin  *http.ServeMux

	mu        sync.Mutex
	companies map[string]*company
	order     []string // tenant ids
	jobs      map[string]*job
	queue     []*job // not finished yet
	version   uint64 // of the last change; becomes the next record's timeStamp
	ids       uint64 // number of generated ids
	faults    []*armed
	watch     func(Strike)
	inside    int // requests being answered
	writes    []Write
	latency   time.Duration
	requests  map[string]int
	limiter   limiter
	journal   *journalFile
	closed    chan struct{}
	once      sync.Once
}

// New sets up the companies and restores the contents of Options.Dir.
func New(o Options) (*Sim, error) {
	if len(o.Companies) == 0 || o.Authorize == nil {
		return nil, errors.New("set up the simulated Visma.net: at least one company and a check of bearer tokens are needed")
	}
	s := &Sim{
		o: withDefaults(o), companies: map[string]*company{}, jobs: map[string]*job{}, requests: map[string]int{},
		latency: 0, closed: make(chan struct{}), routes: map[string]route{},
	}
	for _, c := range o.Companies {
		books, err := newCompany(c)
		if err != nil {
			return nil, err
		}
		if s.companies[c.TenantID] != nil {
			return nil, fmt.Errorf("set up the simulated Visma.net: tenant %s is listed twice", c.TenantID)
		}
		s.companies[c.TenantID], s.order = books, append(s.order, c.TenantID)
	}
	s.limiter = newLimiter(o.Rate)
	s.addRoutes()
	s.addAdmin()
	if o.Dir == "" {
		return s, nil
	}
	if err := s.restore(o.Dir); err != nil {
		return nil, fmt.Errorf("restore the simulated Visma.net from %s: %w", o.Dir, err)
	}
	return s, nil
}

func withDefaults(o Options) Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.JobDelay == 0 {
		o.JobDelay = 20 * time.Millisecond
	}
	o.JobDelay = max(o.JobDelay, 0)
	if o.Release == "" {
		o.Release = ReleaseDone
	}
	if o.ContentLife == 0 {
		o.ContentLife = 24 * time.Hour
	}
	if o.MaxPageSize == 0 {
		o.MaxPageSize = 1000
	}
	if o.ReleaseScope == "" {
		o.ReleaseScope = "update"
	}
	if o.LocationURL == "" {
		o.LocationURL = "https://finance.visma.net"
	}
	o.Limits = o.Limits.orDefault()
	return o
}

// Close releases every hanging request and closes the file in Options.Dir. It returns the first error of
// writing to that file.
func (s *Sim) Close() error {
	s.once.Do(func() { close(s.closed) })
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.close()
}

// Books returns a company's books as they are now. The tenant id may be empty when there is one company.
// An unknown company has empty books.
func (s *Sim) Books(tenantID string) Books {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return Books{TenantID: tenantID}
	}
	return c.report()
}

// Pending is the number of things that may still change the books: background jobs that are not due, and
// unanswered requests.
func (s *Sim) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return len(s.queue) + s.inside
}

// Requests counts the requests since the start or the last ResetRequests, by endpoint: "POST
// /v2/journaltransaction", "GET /v1/background/{id}" ….
func (s *Sim) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int, len(s.requests))
	for endpoint, n := range s.requests {
		counts[endpoint] = n
	}
	return counts
}

// ResetRequests restarts the counts of Requests from zero, and clears the Writes.
func (s *Sim) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.requests)
	s.writes = nil
}

// SetLatency makes every request of the API take this much longer.
func (s *Sim) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

func (s *Sim) company(tenantID string) (*company, error) {
	if tenantID == "" && len(s.order) == 1 {
		tenantID = s.order[0]
	}
	if c := s.companies[tenantID]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("find the simulated company %q: the companies are %v", tenantID, s.order)
}

// touch gives a changed batch its new version and saves it.
func (s *Sim) touch(c *company, b *Batch, at time.Time) {
	s.version++
	b.Stamp, b.Modified = s.version, at
	s.keep(c, kindBatch, b)
}

// release releases a batch, and makes the reversal of an auto-reversing one.
func (s *Sim) release(c *company, b *Batch, at time.Time) {
	c.finishRelease(b, at)
	s.touch(c, b, at)
	if back := c.reversal(b); back != nil {
		c.enter(back)
		s.touch(c, back, at)
	}
}

// settle does what is due: background jobs and queued releases, in the order in which they are due.
// Nothing runs between requests, so nothing can be observed half done and nothing is left behind.
func (s *Sim) settle() {
	now := s.o.Now()
	slices.SortStableFunc(s.queue, func(a, b *job) int { return a.Due.Compare(b.Due) })
	for len(s.queue) > 0 && !s.queue[0].Due.After(now) {
		next := s.queue[0]
		s.queue = s.queue[1:]
		s.run(next)
	}
	for _, tenant := range s.order {
		c := s.companies[tenant]
		for _, b := range c.batches {
			if b.ReleaseDue != nil && !b.ReleaseDue.After(now) {
				at := *b.ReleaseDue
				s.release(c, b, at)
			}
		}
	}
}

// newID makes the next id: it looks random, and is the same in every run that does the same.
func (s *Sim) newID(kind string) string {
	s.ids++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, s.ids))
	id, _ := uuid.FromBytes(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}
