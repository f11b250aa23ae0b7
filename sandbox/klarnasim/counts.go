package klarnasim

import (
	"maps"
	"net/http"
)

// mostURLs is the number of different addresses that are counted individually.
const mostURLs = 20_000

// Counts are the requests since the start or the last reset.
type Counts struct {
	Total      int64            `json:"total"`
	ByEndpoint map[string]int64 `json:"by_endpoint"` // "/payouts/{payment_reference}": 12
	ByStatus   map[int]int64    `json:"by_status"`   // 0 is a connection that was reset
	ByURL      map[string]int64 `json:"by_url"`      // path and query; the first 20,000 different ones
	Faults     int64            `json:"faults"`      // how often a fault took effect
	serial     int64
}

func newCounts() Counts {
	return Counts{ByEndpoint: map[string]int64{}, ByStatus: map[int]int64{}, ByURL: map[string]int64{}}
}

// Requests returns the counts of requests.
func (s *Sim) Requests() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.ByEndpoint, c.ByStatus, c.ByURL = maps.Clone(c.ByEndpoint), maps.Clone(c.ByStatus), maps.Clone(c.ByURL)
	return c
}

// ResetRequests restarts the counts. Correlation ids continue.
func (s *Sim) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	serial := s.counts.serial
	s.counts = newCounts()
	s.counts.serial = serial
}

// arrived counts a request, and returns the faults that strike it and its number.
func (s *Sim) arrived(endpoint string, r *http.Request) ([]Fault, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.counts
	c.Total++
	c.serial++
	c.ByEndpoint[endpoint]++
	if url := r.URL.RequestURI(); len(c.ByURL) < mostURLs || c.ByURL[url] > 0 {
		c.ByURL[url]++
	}
	hit := s.matching(endpoint, r)
	c.Faults += int64(len(hit))
	return hit, c.serial
}

func (s *Sim) answered(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.ByStatus[status]++
}
