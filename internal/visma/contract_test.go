package visma

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"golang.org/x/oauth2"
)

// Marks that a test handler sets on its answer; they are removed before it is sent.
const (
	markBroken = "X-Test-Broken" // breaks the contract on purpose: not checked
	markDrop   = "X-Test-Drop"   // close the connection instead of answering
)

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	openapi3filter.RegisterBodyDecoder("application/pdf", openapi3filter.FileBodyDecoder)
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	doc.Servers = nil // the tests answer on loopback
	return doc, nil
})

// loadContract returns our OpenAPI document, validated.
func loadContract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatalf("load openapi.yaml: %v", err)
	}
	return doc
}

// serve starts a Visma.net on loopback. Every request that it receives, and every answer that it sends, is
// checked against openapi.yaml.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	router, err := legacy.NewRouter(loadContract(t))
	if err != nil {
		t.Fatalf("read openapi.yaml: %v", err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		input, err := checkRequest(router, r)
		if err != nil {
			t.Errorf("%s %s breaks the contract: %v", r.Method, r.URL, err)
		}
		recorded := httptest.NewRecorder()
		handler(recorded, r)
		if recorded.Header().Get(markDrop) != "" {
			drop(t, w)
			return
		}
		if recorded.Header().Get(markBroken) == "" && input != nil {
			if err := checkResponse(input, recorded); err != nil {
				t.Errorf("the answer to %s %s breaks the contract: %v", r.Method, r.URL, err)
			}
		}
		send(w, recorded)
	}))
	t.Cleanup(server.Close)
	return server
}

func checkRequest(router routers.Router, r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	route, pathParams, err := router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: pathParams, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: hasBearer, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		return nil, err
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return nil, fmt.Errorf("the query parameter %q is not in the contract", name)
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return input, nil
}

func hasBearer(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if !strings.HasPrefix(input.RequestValidationInput.Request.Header.Get("Authorization"), "Bearer ") {
		return errors.New("it carries no bearer token")
	}
	return nil
}

func checkResponse(input *openapi3filter.RequestValidationInput, recorded *httptest.ResponseRecorder) error {
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: recorded.Code, Header: recorded.Header(), Options: input.Options,
	}
	response.SetBodyBytes(recorded.Body.Bytes())
	return openapi3filter.ValidateResponse(context.Background(), response)
}

func send(w http.ResponseWriter, recorded *httptest.ResponseRecorder) {
	for name, values := range recorded.Header() {
		if name != markBroken {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(recorded.Code)
	_, _ = w.Write(recorded.Body.Bytes())
}

func drop(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("drop the connection: %v", err)
		return
	}
	_ = connection.Close()
}

// fixedTokens returns its tokens one after the other, as they are invalidated.
type fixedTokens struct {
	mu          sync.Mutex
	tokens      []string
	invalidated []string
	err         error
}

func (f *fixedTokens) Token(context.Context) (*oauth2.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	return &oauth2.Token{AccessToken: f.tokens[0]}, nil
}

func (f *fixedTokens) Invalidate(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.invalidated = append(f.invalidated, token)
	if len(f.tokens) > 1 {
		f.tokens = f.tokens[1:]
	}
}

const testToken = "access-token-canary-7f3a"

// newTestClient returns a client of a server, and the tokens that it uses.
func newTestClient(t *testing.T, server *httptest.Server, options ...func(*Options)) (*Client, *fixedTokens) {
	t.Helper()
	tokens := &fixedTokens{tokens: []string{testToken}}
	o := Options{BaseURL: server.URL, HTTPClient: server.Client(), Tokens: tokens}
	for _, option := range options {
		option(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, tokens
}

// answerJSON returns a handler that always gives the same answer.
func answerJSON(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, status, body) }
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// broken marks an answer that breaks the contract on purpose.
func broken(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(markBroken, "1")
		h(w, r)
	}
}
