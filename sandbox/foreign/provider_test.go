package foreign_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/visma/connect"
)

const (
	clientID     = "isv_kvitt"
	clientSecret = "s3cret+/=&%"
	redirect     = "http://127.0.0.1:8088/connect/visma/callback"
)

// world is the foreign provider and our client of it.
type world struct {
	*connect.Provider
	t      *testing.T
	issuer string
	ahead  time.Duration // lead of our own clock

	mu    sync.Mutex
	asked map[string]int // requests by path
}

func start(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("the foreign OpenID provider needs Node.js 20 or later, and there is no `node` on PATH: install it (Debian: apt-get install nodejs npm), then run `make foreign`")
	}
	if _, err := os.ReadFile("provider.js"); err != nil { // reading it also makes go test notice its changes
		t.Fatal(err)
	}
	if _, err := os.Stat("node_modules/oidc-provider/package.json"); err != nil {
		t.Fatal("the foreign OpenID provider is not installed: run `make foreign`, which `make test` does by itself")
	}
	// Not the test's own context, which ends before the provider can end.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	node := exec.CommandContext(ctx, "node", "provider.js")
	node.Env = append(os.Environ(), "CLIENT_ID="+clientID, "CLIENT_SECRET="+clientSecret, "REDIRECT_URI="+redirect, "NO_COLOR=1")
	var said strings.Builder
	node.Stderr = &said
	in, err := node.StdinPipe()
	must(t, err)
	out, err := node.StdoutPipe()
	must(t, err)
	must(t, node.Start())
	t.Cleanup(func() {
		defer cancel()
		_ = in.Close() // the provider ends with its input
		if err := node.Wait(); err != nil || t.Failed() {
			t.Errorf("the provider ended with %v and printed:\n%s", err, &said)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the provider did not start: %v", err)
	}
	w := &world{t: t, asked: map[string]int{}}
	var begun struct{ Issuer string }
	must(t, json.Unmarshal(line, &begun))
	w.issuer = begun.Issuer
	w.Provider, err = connect.New(connect.Config{
		Issuer: w.issuer, ClientID: clientID, ClientSecret: clientSecret, HTTPClient: &http.Client{Transport: w},
		Now: func() time.Time { return time.Now().Add(w.ahead) },
	})
	must(t, err)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// RoundTrip counts our client's requests.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked[r.URL.Path]++
	w.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (w *world) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[path]
}

// begin begins a consent. The provider issues a refresh token only to clients that ask for consent, as
// OpenID Connect says.
func (w *world) begin() (connect.Consent, string) {
	w.t.Helper()
	c, err := connect.NewConsent(redirect)
	must(w.t, err)
	c.Prompt = connect.PromptConsent
	address, err := w.AuthCodeURL(w.t.Context(), c)
	must(w.t, err)
	return c, address
}

var (
	action = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	prompt = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
)

// browse plays a person's browser that goes through the provider's own pages until it is sent back to us.
// The person declines at the named prompt.
func (w *world) browse(address, declines string) url.Values {
	t := w.t
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirect) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(address)
	must(t, err)
	for range 4 {
		body, err := io.ReadAll(page.Body)
		must(t, err)
		if back, err := page.Location(); err == nil {
			return back.Query()
		}
		form, asks := action.FindSubmatch(body), prompt.FindSubmatch(body)
		if form == nil || asks == nil {
			t.Fatalf("%s answered %s without a form: %s", page.Request.URL, page.Status, body)
		}
		to, err := page.Request.URL.Parse(string(form[1]))
		must(t, err)
		if string(asks[1]) == declines {
			page, err = browser.Get(to.String() + "/abort")
		} else {
			page, err = browser.PostForm(to.String(), url.Values{"prompt": {string(asks[1])}, "login": {"astrid"}, "password": {"pw"}})
		}
		must(t, err)
	}
	t.Fatal("the pages do not end")
	return nil
}

func (w *world) consent() (connect.Grant, connect.Identity) {
	w.t.Helper()
	c, address := w.begin()
	grant, who, err := w.Exchange(w.t.Context(), c, w.browse(address, ""))
	must(w.t, err)
	return grant, who
}

func refused(t *testing.T, err error, class fault.Class, code string) {
	t.Helper()
	if e := fault.As(err); e == nil || e.Class != class || e.Code != code || e.Remedy == "" && class == fault.Auth {
		t.Errorf("the error is %v, want %s %s", err, class, code)
	}
}

// memory is a keeper for one process.
type memory struct {
	mu    sync.Mutex
	grant connect.Grant
}

func (m *memory) Load(context.Context) (connect.Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.grant, nil
}

func (m *memory) Save(_ context.Context, from, next connect.Grant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.grant.Same(&from) {
		return connect.ErrMoved
	}
	m.grant = next
	return nil
}

func (m *memory) Lock(context.Context) (func(), error) { return func() {}, nil }
