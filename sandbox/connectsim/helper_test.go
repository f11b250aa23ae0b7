package connectsim_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"kvitt/sandbox/connectsim"
)

const (
	nord     = "11111111-1111-4111-8111-111111111111"
	fjord    = "22222222-2222-4222-8222-222222222222"
	callback = "http://127.0.0.1:8088/connect/visma/callback"
	astrid   = "astrid@nordbutiken.example"
	bo       = "bo@nordbutiken.example" // no API User anywhere
)

// TestMain silences op, which logs every refusal.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// key is made once, because making it takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a simulator behind a server, and a client app that uses it through discovery.
type world struct {
	t      *testing.T
	sim    *connectsim.Sim
	clock  *clock
	issuer string
	app    oauth2.Config
	oidc   *oidc.Provider
}

func newWorld(t *testing.T, change func(*connectsim.Options)) *world {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	w := &world{t: t, clock: &clock{now: time.Now()}, issuer: "http://" + server.Listener.Addr().String()}
	o := connectsim.Options{
		Issuer: w.issuer, Now: w.clock.Now, Key: key(),
		Clients: []connectsim.Client{{
			ID: "isv_kvitt", Secret: "s3cret+/=", Name: "Kvitt", RedirectURIs: []string{callback}, Interactive: true, Service: true, ApprovedBy: []string{nord},
		}},
		Users: []connectsim.User{
			{Email: astrid, Password: "pw", Name: "Astrid Ek", Companies: map[string]bool{nord: true, fjord: true}},
			{Email: bo, Password: "pw", Name: "Bo Alm", Companies: map[string]bool{nord: false}},
		},
		Companies: []connectsim.Company{{TenantID: nord, Name: "Nordbutiken AB"}, {TenantID: fjord, Name: "Fjordbutikken AS"}},
	}
	if change != nil {
		change(&o)
	}
	sim, err := connectsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.sim, server.Config.Handler = sim, sim
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	if w.oidc, err = oidc.NewProvider(t.Context(), w.issuer); err != nil {
		t.Fatal(err)
	}
	w.app = oauth2.Config{
		ClientID: "isv_kvitt", ClientSecret: "s3cret+/=", Endpoint: w.oidc.Endpoint(), RedirectURL: callback,
		Scopes: []string{"openid", "email", "profile", "tenants", "offline_access", "vismanet_erp_interactive_api:read", "vismanet_erp_interactive_api:create"},
	}
	w.app.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return w
}

// browser is a person's browser: it keeps cookies, follows redirects within Visma Connect, and stops at a
// redirect to the app.
type browser struct {
	*http.Client
	w *world
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w: w, Client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), w.issuer) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// seen is the page that the browser has reached.
type seen struct {
	status int
	at     *url.URL // the page, or the address of a redirect to the app
	body   string
	flow   string // the id in the page's form
}

var flowID = regexp.MustCompile(`name="id" value="([^"]+)"`)

func (b *browser) do(r *http.Request) seen {
	b.w.t.Helper()
	response, err := b.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	s := seen{status: response.StatusCode, at: response.Request.URL, body: string(body)}
	if location, err := response.Location(); err == nil {
		s.at = location
	}
	if found := flowID.FindStringSubmatch(s.body); found != nil {
		s.flow = found[1]
	}
	return s
}

func (b *browser) open(address string) seen {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), "GET", address, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) submit(path string, fields ...string) seen {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), "POST", b.w.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

const verifier = "a-verifier-that-is-long-enough-for-pkce-0123456789"

// consent signs a person in, chooses a company, and returns what the app gets.
func (w *world) consent(email, tenant string, options ...oauth2.AuthCodeOption) url.Values {
	w.t.Helper()
	b := w.browser()
	options = append(options, oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1"))
	page := b.open(w.app.AuthCodeURL("state-1", options...))
	page = b.submit("/account/login", "id", page.flow, "email", email, "password", "pw")
	page = b.submit("/account/consent", "id", page.flow, "tenant", tenant, "decision", "allow")
	if !strings.HasPrefix(page.at.String(), callback) {
		w.t.Fatalf("the browser is at %s: %s", page.at, page.body)
	}
	return page.at.Query()
}

func (w *world) exchange(code string) (*oauth2.Token, error) {
	return w.app.Exchange(w.t.Context(), code, oauth2.VerifierOption(verifier))
}

// signIn runs the whole interactive flow.
func (w *world) signIn(email, tenant string) *oauth2.Token {
	w.t.Helper()
	token, err := w.exchange(w.consent(email, tenant).Get("code"))
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) refresh(refreshToken string) (*oauth2.Token, error) {
	return w.app.TokenSource(w.t.Context(), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

func (w *world) service(tenant string, scopes ...string) (*oauth2.Token, error) {
	c := clientcredentials.Config{
		ClientID: w.app.ClientID, ClientSecret: w.app.ClientSecret, TokenURL: w.app.Endpoint.TokenURL, Scopes: scopes,
		AuthStyle: oauth2.AuthStyleInParams, EndpointParams: url.Values{"tenant_id": {tenant}},
	}
	return c.Token(w.t.Context())
}

// refused returns the OAuth error code and the status of an error.
func refused(err error) (string, int) {
	var e *oauth2.RetrieveError
	if errors.As(err, &e) {
		return e.ErrorCode, e.Response.StatusCode
	}
	return "", 0
}

// claims reads a JWT without checking it.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	set := oidc.NewVerifier("", &oidc.StaticKeySet{}, &oidc.Config{SkipClientIDCheck: true, SkipExpiryCheck: true, SkipIssuerCheck: true, InsecureSkipSignatureCheck: true})
	parsed, err := set.Verify(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := parsed.Claims(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// order sends an admin request.
func (w *world) order(method, name, body string) (int, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.issuer+"/_sandbox/connect/"+name, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var got map[string]any
	_ = json.NewDecoder(response.Body).Decode(&got) // not all have one
	return response.StatusCode, got
}
