package vismasim

import (
	"net/http"
	"slices"
	"time"
)

// Write is one request to change something, as it was received, with its result. A judge sees from it what
// a client sent again, and when.
type Write struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Token  string    `json:"token,omitempty"` // the "[name:hex]" of the body
	Fault  FaultKind `json:"fault,omitempty"`
	// Status is the status of the answer, or what it would have been without its fault; 0 when the request
	// was never processed. Done is the status of the background job's result.
	Status int `json:"status,omitempty"`
	Done   int `json:"done,omitempty"`
}

// Refused reports whether the write was clearly refused.
func (w Write) Refused() bool {
	return w.Fault == Rejected || w.Fault == JobRejected || w.Status == http.StatusBadRequest || w.Done == http.StatusBadRequest
}

// Writes returns all requests to change something since the start or the last ResetRequests, in the order
// of their arrival.
func (s *Sim) Writes() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return slices.Clone(s.writes)
}

// arrived records a write. Sim.mu is held, here and below.
func (s *Sim) arrived(r *http.Request, body []byte, id string, f Fault) {
	if r.Method == http.MethodGet {
		return
	}
	s.writes = append(s.writes, Write{
		ID: id, At: s.o.Now(), Method: r.Method, Path: r.URL.Path, Token: string(token.Find(body)), Fault: f.Kind,
	})
}

// wrote records the result of a write.
func (s *Sim) wrote(id string, change func(*Write)) {
	for i := len(s.writes) - 1; i >= 0; i-- {
		if s.writes[i].ID == id {
			change(&s.writes[i])
			return
		}
	}
}
