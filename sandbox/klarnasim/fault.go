package klarnasim

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind is a kind of fault.
type FaultKind string

// The kinds of faults. Those of the first group strike any request, before its key is checked; the second
// change the body of a good answer; the third strike a list from its second page on; the last change a
// payout's data, in JSON and CSV.
//
// Go's http.Transport repeats a GET itself when a reused connection is reset: a client may not notice
// FaultReset with Times 1.
const (
	FaultStatus    FaultKind = "status"    // Status (default 500) with Body or the API's error body
	FaultThrottled FaultKind = "throttled" // 429, with Retry-After when RetryAfter is set
	FaultReset     FaultKind = "reset"     // the connection is reset
	FaultSlow      FaultKind = "slow"      // Milliseconds more before a good answer

	FaultHTML      FaultKind = "html"      // 200 (or Status) and a web page
	FaultGarbage   FaultKind = "garbage"   // 200 and random bytes
	FaultTruncated FaultKind = "truncated" // half of the body, complete as far as HTTP can tell
	FaultCut       FaultKind = "cut"       // half of the body, then the connection is closed

	FaultRepeatedPage FaultKind = "repeated_page" // the previous page again
	FaultRepeatedRows FaultKind = "repeated_rows" // the rows of the previous page under the right offset
	FaultMovedPage    FaultKind = "moved_page"    // Delta (default 1) rows were added at the front: another total, all shifted

	FaultTotal               FaultKind = "total_off"             // Field (default settlement_amount) of the totals is off by Delta (default 1)
	FaultRowDropped          FaultKind = "row_dropped"           // row number Row is missing
	FaultRowChanged          FaultKind = "row_changed"           // Field (default amount) of row number Row is off by Delta, or is Value
	FaultUnknownType         FaultKind = "unknown_type"          // row number Row has the type Value (default SOMETHING_NEW)
	FaultUnknownDetailedType FaultKind = "unknown_detailed_type" // the same for its detailed type
)

// Fault is a deliberate fault. Path, Query and PaymentReference select the requests it strikes; the first
// Skip of them are spared, and after Times strikes it is used up (0: never).
type Fault struct {
	ID   int       `json:"id,omitempty"` // set by Inject
	Kind FaultKind `json:"kind"`

	Path             string            `json:"path,omitempty"`              // below /settlements/v1; may end in *; empty is any
	Query            map[string]string `json:"query,omitempty"`             // parameters that must be there, with these values
	PaymentReference string            `json:"payment_reference,omitempty"` // the payout it concerns; empty: any
	Skip             int               `json:"skip,omitempty"`
	Times            int               `json:"times,omitempty"`

	Status       int    `json:"status,omitempty"`
	Body         string `json:"body,omitempty"`
	RetryAfter   int    `json:"retry_after,omitempty"` // seconds
	Milliseconds int    `json:"milliseconds,omitempty"`
	Field        string `json:"field,omitempty"` // the API's name of the member
	Value        string `json:"value,omitempty"`
	Delta        int64  `json:"delta,omitempty"` // minor units or rows
	Row          int    `json:"row,omitempty"`   // from 0

	// Name is the fault's name in Watch.
	Name string `json:"name,omitempty"`
}

// Strike is a fault that has struck a request. Server is the address at which the request arrived.
type Strike struct {
	Fault  Fault
	Server string
}

// Watch makes f receive every strike of a fault that has a name, before the fault takes effect. f must be
// quick and must not use the simulator.
func (s *Sim) Watch(f func(Strike)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// check returns what is wrong with a fault.
func (f *Fault) check() error {
	switch f.Kind {
	case FaultTotal:
		if f.Field != "" && totalField(f.Field) == nil {
			return fmt.Errorf("adding a fault: the totals have no member %q", f.Field)
		}
	case FaultRowChanged:
		if f.Field != "" && !slices.Contains(rowFields, f.Field) {
			return fmt.Errorf("adding a fault: the member to change is %q, possible are %v", f.Field, rowFields)
		}
	case FaultStatus, FaultThrottled, FaultReset, FaultSlow, FaultHTML, FaultGarbage, FaultTruncated, FaultCut,
		FaultRepeatedPage, FaultRepeatedRows, FaultMovedPage, FaultRowDropped, FaultUnknownType, FaultUnknownDetailedType:
	default:
		return fmt.Errorf("adding a fault: there is no kind %q", f.Kind)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) || f.Row < 0 || f.Skip < 0 || f.Times < 0 {
		return fmt.Errorf("adding a fault: status %d, row %d, skip %d or times %d is out of range", f.Status, f.Row, f.Skip, f.Times)
	}
	return nil
}

// armed is a fault with the number of requests it has seen.
type armed struct {
	Fault
	seen int
}

// Inject adds a fault and returns its id.
func (s *Sim) Inject(f Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastFault++
	f.ID = s.lastFault
	s.faults = append(s.faults, &armed{Fault: f})
	return f.ID
}

// Faults returns the faults that are not used up.
func (s *Sim) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		all[i] = f.Fault
	}
	return all
}

// ClearFault removes a fault; 0 removes all.
func (s *Sim) ClearFault(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f *armed) bool { return id == 0 || f.ID == id })
}

// matching returns the faults that strike a request and counts them. s.mu is held.
func (s *Sim) matching(endpoint string, r *http.Request) []Fault {
	var hit []Fault
	s.faults = slices.DeleteFunc(s.faults, func(f *armed) bool {
		if !f.concerns(endpoint, r) {
			return false
		}
		f.seen++
		if f.seen > f.Skip {
			hit = append(hit, f.Fault)
			if f.Name != "" && s.watch != nil {
				at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
				s.watch(Strike{f.Fault, fmt.Sprint(at)})
			}
		}
		return f.Times > 0 && f.seen >= f.Skip+f.Times
	})
	return hit
}

func (f *Fault) concerns(endpoint string, r *http.Request) bool {
	path := strings.TrimPrefix(r.URL.Path, prefix)
	if start, isPrefix := strings.CutSuffix(f.Path, "*"); isPrefix && !strings.HasPrefix(path, start) ||
		!isPrefix && f.Path != "" && f.Path != path {
		return false
	}
	query := r.URL.Query()
	for name, value := range f.Query {
		if query.Get(name) != value {
			return false
		}
	}
	switch f.Kind {
	case FaultRepeatedPage, FaultRepeatedRows, FaultMovedPage:
		if offset := query.Get("offset"); offset == "" || offset == "0" || endpoint != "/transactions" && endpoint != "/payouts" {
			return false
		}
	case FaultTotal:
		return slices.Contains(totalEndpoints, endpoint) && f.mayBeAbout(r)
	case FaultRowDropped, FaultRowChanged, FaultUnknownType, FaultUnknownDetailedType:
		return slices.Contains(rowEndpoints, endpoint) && f.mayBeAbout(r)
	default: // may strike any request
	}
	return f.mayBeAbout(r)
}

var (
	totalEndpoints = []string{"/payouts", "/payouts/{payment_reference}", "/reports/payout-with-transactions"}
	rowEndpoints   = []string{"/transactions", "/reports/payout-with-transactions"}
)

// mayBeAbout reports whether a request names the fault's payout or none, such as the list of payouts.
func (f *Fault) mayBeAbout(r *http.Request) bool {
	asked := r.PathValue("payment_reference")
	if asked == "" {
		asked = r.URL.Query().Get("payment_reference")
	}
	return f.PaymentReference == "" || asked == "" || asked == f.PaymentReference
}

// delay returns the delay that slow faults add.
func (q *request) delay() time.Duration {
	var d time.Duration
	for _, f := range q.faults {
		if f.Kind == FaultSlow {
			d += time.Duration(f.Milliseconds) * time.Millisecond
		}
	}
	return d
}
