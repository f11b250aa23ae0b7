package vismasim

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"
)

// FaultKind is a kind of fault of a request.
type FaultKind string

// Faults of the request itself. "Commit" is the point at which the books (or the queue of background jobs)
// have changed.
const (
	Slow                FaultKind = "slow"                  // answers after Delay
	TimeoutBeforeCommit FaultKind = "timeout_before_commit" // does nothing, never answers (with Delay: 504 after it)
	TimeoutAfterCommit  FaultKind = "timeout_after_commit"  // does it, never answers (with Delay: 504 after it)
	TimeoutThenCommit   FaultKind = "timeout_then_commit"   // never answers, and does it Delay after the request
	ResetBeforeCommit   FaultKind = "reset_before_commit"   // the connection breaks
	ResetAfterCommit    FaultKind = "reset_after_commit"
	ErrorBeforeCommit   FaultKind = "error_before_commit" // Status (500), nothing done
	ErrorAfterCommit    FaultKind = "error_after_commit"  // Status (500), all done
	HTMLError           FaultKind = "html_error"          // a gateway's page: Status (502), nothing done
	Truncated           FaultKind = "truncated"           // does it, answers with half of the body
	Throttled           FaultKind = "throttled"           // 429 with Retry-After: Delay (1 s)
	ThrottledBare       FaultKind = "throttled_bare"      // 429 without Retry-After
	PagesShift          FaultKind = "pages_shift"         // from the second page on, a list has Shift (1) more entries at its front
	Unauthorized        FaultKind = "unauthorized"        // 401, as after a revoked grant
	Forbidden           FaultKind = "forbidden"           // 403 without details
	NoLicense           FaultKind = "no_license"          // 403, IPPException 12027
	NotFound            FaultKind = "not_found"           // 404 for every request
	Rejected            FaultKind = "rejected"            // 400 with Message, nothing done
	NothingListed       FaultKind = "nothing_listed"      // Status (200) with Message as the whole body, for lists
	ReleaseFailed       FaultKind = "release_failed"      // 200 with actionResult Failed, nothing done
	RateIgnored         FaultKind = "rate_ignored"        // does it, with the company's own exchange rate
)

// Faults of the background job that a request starts; the request itself is answered 202 as always. They
// do not strike requests that start no job.
const (
	JobLate               FaultKind = "job_late"                 // finishes Delay later than others
	JobLostBeforeCommit   FaultKind = "job_lost_before_commit"   // never done, its id answers Status (404)
	JobLostAfterCommit    FaultKind = "job_lost_after_commit"    // done, its id answers Status (404)
	JobFailedBeforeCommit FaultKind = "job_failed_before_commit" // status Failed, not done
	JobFailedAfterCommit  FaultKind = "job_failed_after_commit"  // status Failed, done all the same
	JobErrorBeforeCommit  FaultKind = "job_error_before_commit"  // Finished with statusCode Status (500), not done
	JobErrorAfterCommit   FaultKind = "job_error_after_commit"   // Finished with statusCode Status (500), done
	JobRejected           FaultKind = "job_rejected"             // Finished with statusCode 400 and Message
	JobNoLocation         FaultKind = "job_no_location"          // Finished 201, responseHeaders null
	JobContentGone        FaultKind = "job_content_gone"         // done, its content answers 410
	JobElsewhere          FaultKind = "job_elsewhere"            // its address is on another host
)

var requestFaults = []FaultKind{
	Slow, TimeoutBeforeCommit, TimeoutAfterCommit, TimeoutThenCommit, ResetBeforeCommit, ResetAfterCommit, ErrorBeforeCommit, ErrorAfterCommit,
	HTMLError, Truncated, Throttled, ThrottledBare, PagesShift, Unauthorized, Forbidden, NoLicense, NotFound, Rejected, NothingListed, ReleaseFailed, RateIgnored,
}

var jobFaults = []FaultKind{
	JobLate, JobLostBeforeCommit, JobLostAfterCommit, JobFailedBeforeCommit, JobFailedAfterCommit, JobErrorBeforeCommit,
	JobErrorAfterCommit, JobRejected, JobNoLocation, JobContentGone, JobElsewhere,
}

// Fault is a fault that strikes matching requests.
type Fault struct {
	Kind    FaultKind     `json:"kind"`
	Method  string        `json:"method,omitempty"`  // empty: any
	Path    string        `json:"path,omitempty"`    // as in path.Match ("/v2/journaltransaction/*"); empty: any
	Tenant  string        `json:"tenant,omitempty"`  // only requests of this company; empty: of any
	Body    string        `json:"body,omitempty"`    // only requests whose body contains this text, a payment reference for example
	Skip    int           `json:"skip,omitempty"`    // this many matching requests are spared first
	Times   int           `json:"times,omitempty"`   // 0: once; -1: until cleared
	Status  int           `json:"status,omitempty"`  // for the kinds that answer with one
	Message string        `json:"message,omitempty"` // starts with "<": sent as HTML
	Delay   time.Duration `json:"-"`
	DelayMS int64         `json:"delay_ms,omitempty"` // Delay, in JSON

	// With any kind: the background job that the request starts is due this much later, and lists show its
	// batch only this long after it was made.
	JobAfter      time.Duration `json:"-"`
	JobAfterMS    int64         `json:"job_after_ms,omitempty"`
	ListedAfter   time.Duration `json:"-"`
	ListedAfterMS int64         `json:"listed_after_ms,omitempty"`
	Shift         int           `json:"shift,omitempty"` // of PagesShift; negative: entries were removed

	// Name is the fault's name in Watch.
	Name string `json:"name,omitempty"`
}

// Strike is a fault that has struck a request. Server is the address at which the request arrived, Path
// its path.
type Strike struct {
	Fault  Fault
	Server string
	Path   string
}

// Watch makes f receive every strike of a fault that has a name, before the fault takes effect. f must be
// quick and must not use the simulator.
func (s *Sim) Watch(f func(Strike)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// armed is a fault with its remaining strikes.
type armed struct {
	Fault
	Skipped int `json:"skipped"`
	Fired   int `json:"fired"`
}

// Inject arms a fault. Faults are checked in the order in which they were injected; only the first that
// matches strikes a request.
func (s *Sim) Inject(f Fault) error {
	if !slices.Contains(requestFaults, f.Kind) && !slices.Contains(jobFaults, f.Kind) {
		return fmt.Errorf("inject a fault: unknown kind %q; the kinds are %v and %v", f.Kind, requestFaults, jobFaults)
	}
	if _, err := path.Match(f.Path, "/"); err != nil {
		return fmt.Errorf("inject a fault: its path %q is not a pattern: %w", f.Path, err)
	}
	for _, d := range []struct {
		is *time.Duration
		ms *int64
	}{{&f.Delay, &f.DelayMS}, {&f.JobAfter, &f.JobAfterMS}, {&f.ListedAfter, &f.ListedAfterMS}} {
		if *d.ms > 0 {
			*d.is = time.Duration(*d.ms) * time.Millisecond
		}
		*d.ms = d.is.Milliseconds()
	}
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f})
	return nil
}

// ClearFaults disarms every fault.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fire finds the fault for a request and counts one strike.
func (s *Sim) fire(r *http.Request, body []byte) Fault {
	for i, f := range s.faults {
		if !s.concerns(&f.Fault, r, body) {
			continue
		}
		if f.Skipped < f.Skip {
			f.Skipped++
			continue
		}
		f.Fired++
		if f.Times > 0 && f.Fired >= f.Times {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		if f.Name != "" && s.watch != nil {
			at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
			s.watch(Strike{f.Fault, fmt.Sprint(at), r.URL.Path})
		}
		return f.Fault
	}
	return Fault{}
}

func (s *Sim) concerns(f *Fault, r *http.Request, body []byte) bool {
	if f.Method != "" && f.Method != r.Method || slices.Contains(jobFaults, f.Kind) && r.Header.Get("erp-api-background") == "" {
		return false
	}
	if f.Kind == PagesShift {
		if n, _ := strconv.Atoi(r.URL.Query().Get("pageNumber")); n < 2 {
			return false
		}
	}
	if f.Path != "" {
		if ok, _ := path.Match(f.Path, r.URL.Path); !ok {
			return false
		}
	}
	if f.Tenant != "" {
		if tenant, _, _ := s.o.Authorize(bearer(r)); tenant != f.Tenant {
			return false
		}
	}
	return bytes.Contains(body, []byte(f.Body))
}

// commits reports whether the request is carried out before its answer is lost, even if the client is
// killed while it waits.
func (f Fault) commits() bool {
	return f.Kind == TimeoutAfterCommit || f.Kind == TimeoutThenCommit || f.Kind == ResetAfterCommit || f.Kind == ErrorAfterCommit
}

func (f Fault) latency() time.Duration {
	if f.Kind == Slow || f.Kind == TimeoutThenCommit {
		return f.Delay
	}
	return 0
}

func (f Fault) status(otherwise int) int {
	if f.Status != 0 {
		return f.Status
	}
	return otherwise
}

// breaks applies the faults that leave the request without an answer. It is called before and after the
// commit, and reports whether it has handled the request.
func (s *Sim) breaks(w http.ResponseWriter, r *http.Request, f Fault, committed bool, vismaID string) bool {
	before, after := !committed, committed
	switch {
	case f.Kind == TimeoutBeforeCommit && before, f.Kind == TimeoutAfterCommit && after:
		s.hang(w, r, f)
	case f.Kind == TimeoutThenCommit && after:
		s.hang(w, r, Fault{})
	case f.Kind == ResetBeforeCommit && before, f.Kind == ResetAfterCommit && after:
		reset(w)
	case f.Kind == ErrorBeforeCommit && before, f.Kind == ErrorAfterCommit && after:
		f.page(http.StatusInternalServerError, "VismaId: "+vismaID+". An error has occurred.").send(w)
	case f.Kind == HTMLError && before:
		html := f
		if html.Message == "" {
			html.Message = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
		}
		html.page(http.StatusBadGateway, "").send(w)
	case f.Kind == Throttled && before:
		wait := max(int((f.Delay+time.Second-1)/time.Second), 1)
		f.page(http.StatusTooManyRequests, "Rate limit is exceeded. Try again later.").with("Retry-After", strconv.Itoa(wait)).send(w)
	case f.Kind == ThrottledBare && before:
		f.page(http.StatusTooManyRequests, "Rate limit is exceeded. Try again later.").send(w)
	case f.Kind == Unauthorized && before:
		f.page(http.StatusUnauthorized, "Unauthorized. Access token is missing or invalid.").send(w)
	case f.Kind == Forbidden && before:
		f.page(http.StatusForbidden, "Forbidden").send(w)
	case f.Kind == NotFound && before:
		f.page(http.StatusNotFound, "Not found.").send(w)
	case f.Kind == NoLicense && before:
		jsonAnswer(f.status(http.StatusForbidden), map[string]string{
			"ExceptionType": "IPPException", "ExceptionMessage": "No license for this company.",
			"ExceptionFaultCode": "12027", "ExceptionMessageID": "12027_" + vismaID, "ExceptionDetails": "",
		}).send(w)
	default:
		return false
	}
	return true
}

// page is the fault's own message, as JSON or, when it starts with "<", HTML.
func (f Fault) page(status int, message string) answer {
	if f.Message != "" {
		message = f.Message
	}
	if bytes.HasPrefix([]byte(message), []byte("<")) {
		return answer{status: f.status(status), header: http.Header{"Content-Type": {"text/html"}}, body: []byte(message)}
	}
	return jsonAnswer(f.status(status), map[string]string{"message": message})
}

// instead answers in place of the endpoint, without doing anything.
func (f Fault) instead(q *call) (answer, bool) {
	switch f.Kind {
	case Rejected:
		return refuse("creating document", "%s", f.message("The document is not valid.")).answer(q.vismaID), true
	case NothingListed:
		return answer{status: f.status(http.StatusOK), header: http.Header{"Content-Type": {"application/json"}}, body: []byte(f.Message)}, true
	case ReleaseFailed:
		return jsonAnswer(http.StatusOK, actionResult{ID: q.vismaID, Result: "Failed", Error: f.message("The batch could not be released.")}), true
	default:
		return answer{}, false
	}
}

func (f Fault) message(otherwise string) string {
	if f.Message != "" {
		return f.Message
	}
	return otherwise
}

// spoil changes an answer before it is sent.
func (f Fault) spoil(a *answer) {
	if f.Kind == Truncated {
		a.body = a.body[:len(a.body)/2]
	}
}

// hang keeps the client waiting until it gives up, or answers 504 after Delay.
func (s *Sim) hang(w http.ResponseWriter, r *http.Request, f Fault) {
	var over <-chan time.Time
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		f.page(http.StatusGatewayTimeout, "<html><body><h1>504 Gateway Time-out</h1></body></html>").send(w)
	case <-r.Context().Done():
	case <-s.closed:
		abort()
	}
}

// abort ends the request without an answer, as net/http allows.
func abort() { panic(http.ErrAbortHandler) } //nolint:forbidigo // net/http's own way

// reset breaks the connection so that the client sees "connection reset".
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		abort()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
