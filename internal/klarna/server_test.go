package klarna

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"kvitt/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey      = "klarna_test_api_canary-4f1d"
	testUsername = "2fe0311b-adc5-45e5-ac2b-963dac83c88b"
)

// ourDocument is openapi.yaml, and contract finds the operation of a request.
var ourDocument, contract = func() (*openapi3.T, routers.Router) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		panic(err)
	}
	doc.Servers = openapi3.Servers{{URL: prefix}}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	openapi3filter.RegisterBodyDecoder("application/pdf", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	return doc, router
}()

// server is a small Klarna. Every request to it and every answer from it is
// held against openapi.yaml, unless the test says that the answers are wrong
// on purpose.
type server struct {
	*httptest.Server
	t           *testing.T
	handler     http.Handler
	offContract bool
	requests    atomic.Int64
	connections atomic.Int64
}

func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	return start(t, &server{handler: handler})
}

// serveWrong serves answers that break the contract on purpose.
func serveWrong(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	return start(t, &server{handler: handler, offContract: true})
}

func start(t *testing.T, s *server) *server {
	t.Helper()
	s.t = t
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *server) client(o Options) *Client {
	s.t.Helper()
	o.BaseURL = s.URL
	if o.Limiter == nil {
		o.Limiter = rate.NewLimiter(rate.Inf, 1)
	}
	return newClient(s.t, Credential{Klarna, Europe, testKey, ""}, o)
}

func newClient(t *testing.T, c Credential, o Options) *Client {
	t.Helper()
	client, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	route, params, err := contract.FindRoute(r)
	if err != nil {
		s.t.Errorf("%s %s is not in openapi.yaml: %v", r.Method, r.URL, err)
		http.NotFound(w, r)
		return
	}
	question := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: authenticated, IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), question); err != nil {
		s.t.Errorf("the request breaks openapi.yaml: %v", err)
	}
	if s.offContract {
		s.handler.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	err = openapi3filter.ValidateResponse(r.Context(), (&openapi3filter.ResponseValidationInput{
		RequestValidationInput: question, Status: answer.Code, Header: answer.Header(), Options: question.Options,
	}).SetBodyBytes(bytes.TrimPrefix(body, []byte("\ufeff"))))
	if err != nil {
		s.t.Errorf("the answer to %s breaks openapi.yaml: %v", r.URL, err)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

// authenticated accepts both forms of the header.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header.Get("Authorization")
	key, basic := strings.CutPrefix(header, "Basic ")
	user, password, encoded := in.RequestValidationInput.Request.BasicAuth()
	if basic && (key == testKey || encoded && user == testUsername && password == testKey) {
		return nil
	}
	return fmt.Errorf("the Authorization header has neither form")
}

// reply writes a JSON answer the way Klarna does.
func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Klarna-Correlation-Id", "corr-"+strconv.Itoa(status))
	w.Header().Set("X-RateLimit-Remaining", "15")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// webPage serves what a proxy or a sign-in page would.
func webPage(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// rows are the JSON of n different rows of a payout.
func rows(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"amount":%d,"type":"SALE","detailed_type":"PURCHASE","currency_code":"SEK","order_id":"order-%d","payment_reference":"4711"}`, i+1, i+1)
	}
	return all
}

// pageOf is the answer that holds a part of the items.
func pageOf(name string, items []string, offset, size, total int) string {
	end := min(offset+size, len(items))
	part := items[min(offset, end):end]
	next := "null"
	if end < total {
		next = fmt.Sprintf(`"https://elsewhere.example/settlements/v1/%s?offset=%d"`, name, end)
	}
	return fmt.Sprintf(`{%q:[%s],"pagination":{"count":%d,"total":%d,"offset":%d,"next":%s,"prev":null}}`,
		name, strings.Join(part, ","), len(part), total, offset, next)
}

func window(r *http.Request) (offset, size int) {
	offset, _ = strconv.Atoi(r.URL.Query().Get("offset"))
	size, err := strconv.Atoi(r.URL.Query().Get("size"))
	if err != nil {
		size = 20
	}
	return offset, size
}

// pages serves a listing as it should be.
func pages(name string, items []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		offset, size := window(r)
		reply(w, http.StatusOK, pageOf(name, items, offset, size, len(items)))
	}
}

// answers serves one document.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }
}

// roundTrip is a network without a network, for tests in which time is simulated.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func inMemory(handler http.HandlerFunc) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		handler(w, r)
		return w.Result(), nil
	})}
}

// wantFault checks the class of an error, that it is a *fault.Error of the
// party, and that it says what it must and nothing of the key.
func wantFault(t *testing.T, err error, class fault.Class, says ...string) *fault.Error {
	t.Helper()
	e := fault.As(err)
	if e == nil {
		t.Fatalf("%v is not a *fault.Error", err)
	}
	if e.Class != class {
		t.Errorf("class is %s, want %s: %v", e.Class, class, err)
	}
	for _, words := range says {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
	if whole := fmt.Sprintf("%+v %#v", err, e); strings.Contains(whole, "canary") {
		t.Errorf("the key is in the error: %s", whole)
	}
	return e
}

// collect reads a listing to its end.
func collect[T any](t *testing.T, seq func(func(*Page[T], error) bool)) []T {
	t.Helper()
	var all []T
	for page, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		page.Release()
	}
	return all
}
