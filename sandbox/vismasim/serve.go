package vismasim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// answer is a response that is not sent yet: a fault may replace it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return answer{status: http.StatusInternalServerError, header: http.Header{}}
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: body}
}

func emptyAnswer(status int) answer { return answer{status: status, header: http.Header{}} }

func (a answer) with(key, value string) answer {
	a.header.Set(key, value)
	return a
}

func (a answer) send(w http.ResponseWriter) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}

// call is one request that reached an endpoint.
type call struct {
	*http.Request
	c       *company
	body    []byte
	vismaID string // the request's id, in error messages and Ipp-Request-Id
	at      time.Time
	fault   Fault
}

// route is an endpoint: the scope verb it needs, whether it can run in the
// background, and what it does. do runs with Sim.mu held.
type route struct {
	verb       string
	background bool
	do         func(*call) (answer, error)
}

const (
	interactiveScope = "vismanet_erp_interactive_api:"
	serviceScope     = "vismanet_erp_service_api:"
	mostBytes        = 30_000_000 // the usual default of such a server
)

func (s *Sim) handle(pattern, verb string, do func(*call) (answer, error)) {
	s.routes[pattern] = route{verb: verb, background: !strings.Contains(pattern, "/background/"), do: do}
	// The mux only finds the pattern and the path values; see invoke.
	s.mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
		if into, ok := r.Context().Value(found{}).(**http.Request); ok {
			*into = r
		}
	})
}

// found is the context key under which invoke gives the mux a place for the request with its path values.
type found struct{}

// match finds the endpoint of a request and its path values.
func (s *Sim) match(r *http.Request) (*http.Request, route, bool) {
	_, pattern := s.mux.Handler(r)
	to, ok := s.routes[pattern]
	if !ok {
		return r, route{}, false
	}
	var matched *http.Request
	s.mux.ServeHTTP(nowhere{}, r.WithContext(context.WithValue(r.Context(), found{}, &matched)))
	return matched, to, matched != nil
}

// nowhere discards the mux's own answer, a redirect to a cleaner path.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

// ServeHTTP answers the API, and the admin endpoints under /_sandbox/visma/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sandbox/visma/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	r, body, err := receive(r)
	if err != nil {
		return // the client disconnected while sending
	}
	fault, latency, vismaID := s.arrive(r, body)
	defer s.leave()
	ctx := r.Context()
	if fault.commits() {
		ctx = context.WithoutCancel(ctx) // the commit happens even if the client has disconnected
	}
	if !s.wait(ctx, latency+fault.latency()) {
		abort() // there is nobody to answer
	}
	if s.breaks(w, r, fault, false, vismaID) {
		return
	}
	reply := s.process(r, body, vismaID, fault)
	reply.header.Set("Ipp-Request-Id", vismaID)
	reply.header.Set("Request-Context", "appId=cid-v1:"+vismaID)
	if s.breaks(w, r, fault, true, vismaID) {
		return
	}
	fault.spoil(&reply)
	reply.send(w)
}

// receive reads a request to its end. A file is only measured while it arrives, and only the beginning of
// a large body is stored.
func receive(r *http.Request) (*http.Request, []byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		body, err := io.ReadAll(io.LimitReader(r.Body, mostBytes+1))
		r.Body = io.NopCloser(bytes.NewReader(body))
		return r, body, err
	}
	var start beginning
	r.Body = io.NopCloser(io.TeeReader(r.Body, &start))
	u := readUpload(r)
	_, err := io.Copy(io.Discard, r.Body)
	r.Body = io.NopCloser(bytes.NewReader(start))
	return r.WithContext(context.WithValue(r.Context(), uploaded{}, u)), start, err
}

func (s *Sim) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
}

// arrive counts a request and finds the fault that strikes it.
func (s *Sim) arrive(r *http.Request, body []byte) (Fault, time.Duration, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, pattern := s.mux.Handler(r)
	if pattern == "" {
		pattern = r.Method + " (unknown)"
	}
	s.requests[pattern]++
	s.inside++
	fault, id := s.fire(r, body), s.newID("request")
	s.arrived(r, body, id, fault)
	return fault, s.latency, id
}

// wait lets time pass; it returns false when the client or the simulator has gone.
func (s *Sim) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.closed:
		return false
	}
}

// process carries out or queues the request, and makes the answer.
func (s *Sim) process(r *http.Request, body []byte, vismaID string, fault Fault) (reply answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.wrote(vismaID, func(w *Write) { w.Status = reply.status }) }()
	s.settle()
	now := s.o.Now()
	tenant, scopes, ok := s.o.Authorize(bearer(r))
	c := s.companies[tenant]
	if !ok || c == nil {
		return jsonAnswer(http.StatusUnauthorized, map[string]any{"statusCode": 401, "message": "Unauthorized. Access token is missing or invalid."})
	}
	if r.ContentLength > mostBytes {
		return jsonAnswer(http.StatusRequestEntityTooLarge, map[string]any{"statusCode": 413, "message": "Request body too large."})
	}
	if reply, refused := s.limiter.refuse(tenant, r, body, now); refused {
		s.limiter.refused++
		return reply
	}
	matched, to, ok := s.match(r)
	if !ok {
		return jsonAnswer(http.StatusNotFound, map[string]any{"statusCode": 404, "message": "Resource not found"})
	}
	if !slices.Contains(scopes, interactiveScope+to.verb) && !slices.Contains(scopes, serviceScope+to.verb) {
		return jsonAnswer(http.StatusForbidden, map[string]any{"statusCode": 403, "message": "The access token does not have the scope that this operation needs: " + to.verb + "."})
	}
	request := &call{Request: matched, c: c, body: body, vismaID: vismaID, at: now, fault: fault}
	reply = s.invoke(request, to, fault)
	s.limiter.headers(tenant, reply.header, now)
	s.limiter.learn(tenant, r, body, reply.status, now)
	return reply
}

func (s *Sim) invoke(request *call, to route, fault Fault) answer {
	if notify := request.Header.Get("erp-api-background"); notify != "" && to.background {
		return s.enqueue(request, notify, fault)
	}
	if reply, ok := fault.instead(request); ok {
		return reply
	}
	return request.answered(to)
}

// answered runs the endpoint and turns a refusal into the API's form.
func (q *call) answered(to route) answer {
	reply, err := to.do(q)
	if err == nil {
		return reply
	}
	if no, ok := err.(*refusal); ok { //nolint:errorlint // endpoints return refusals bare
		return no.answer(q.vismaID)
	}
	return jsonAnswer(http.StatusInternalServerError, map[string]string{"message": "VismaId: " + q.vismaID + ". " + err.Error()})
}

func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}
