package refresh_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/pgtest"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
	"kvitt/sandbox/connectsim"
)

const (
	clientID     = "isv_kvitt"
	clientSecret = "s3cret+/="
	connection   = "c1"
	tenant       = "11111111-1111-4111-8111-111111111111"
	redirect     = "http://127.0.0.1:8088/connect/visma/callback"
	astrid       = "astrid@nordbutiken.example"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := work(text); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // op logs every refusal
	os.Exit(pgtest.Run(m))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock runs with the machine's clock and can be put forward. All processes use it.
type clock struct{ by atomic.Int64 }

func (c *clock) ahead() time.Duration    { return time.Duration(c.by.Load()) }
func (c *clock) now() time.Time          { return time.Now().Add(c.ahead()) }
func (c *clock) forward(d time.Duration) { c.by.Add(int64(d)) }

// world is a simulated Visma Connect with one-time refresh tokens, and a
// database that holds one grant of it.
type world struct {
	t                        *testing.T
	clock                    *clock
	sim                      *connectsim.Sim
	issuer, database, keyset string
}

func onBoth(t *testing.T, grace time.Duration, f func(t *testing.T, w *world)) {
	t.Helper()
	for name, address := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newWorld(t, address(t), grace))
		})
	}
}

func newWorld(t *testing.T, database string, grace time.Duration) *world {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	w := &world{t: t, clock: &clock{}, issuer: "http://" + server.Listener.Addr().String(), database: database}
	var err error
	w.sim, err = connectsim.New(connectsim.Options{
		Issuer: w.issuer, Now: w.clock.now, Refresh: connectsim.RefreshPolicy{OneTime: true, Grace: grace},
		Clients:   []connectsim.Client{{ID: clientID, Secret: clientSecret, Name: "Kvitt", RedirectURIs: []string{redirect}, Interactive: true}},
		Users:     []connectsim.User{{Email: astrid, Password: "pw", Name: "Astrid Ek", Companies: map[string]bool{tenant: true}}},
		Companies: []connectsim.Company{{TenantID: tenant, Name: "Nordbutiken AB"}},
	})
	must(t, err)
	server.Config.Handler = w.sim
	server.Start()
	t.Cleanup(server.Close)
	w.keyset, err = vault.NewKeyset()
	must(t, err)
	w.consent()
	w.sim.ResetCounters()
	return w
}

// consent plays Astrid's consent, and saves the grant as the product would.
func (w *world) consent() {
	t := w.t
	t.Helper()
	s, err := store.Open(t.Context(), w.database)
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	keys, err := vault.Open(w.keyset)
	must(t, err)
	// By the machine's clock, because the times inside signed tokens are real.
	provider, err := connect.New(connect.Config{Issuer: w.issuer, ClientID: clientID, ClientSecret: clientSecret})
	must(t, err)
	c, err := connect.NewConsent(redirect)
	must(t, err)
	address, err := provider.AuthCodeURL(t.Context(), c)
	must(t, err)
	grant, _, err := provider.Exchange(t.Context(), c, w.approve(address))
	must(t, err)
	grant.IssuedAt, grant.Expiry = grant.IssuedAt.Add(w.clock.ahead()), grant.Expiry.Add(w.clock.ahead())
	secret, err := json.Marshal(grant) //nolint:gosec // on its way into the vault
	must(t, err)
	must(t, vault.New(keys, s).Put(t.Context(), connection, access.FieldVisma, vault.Secret(secret)))
}

var flow = regexp.MustCompile(`name="id" value="([^"]+)"`)

// approve is Astrid's browser: she signs in, chooses the company and consents.
func (w *world) approve(address string) url.Values {
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
	for _, form := range []url.Values{
		{"to": {"/account/login"}, "email": {astrid}, "password": {"pw"}},
		{"to": {"/account/consent"}, "tenant": {tenant}, "decision": {"allow"}},
	} {
		body, err := io.ReadAll(page.Body)
		must(t, err)
		found := flow.FindSubmatch(body)
		if found == nil {
			t.Fatalf("no form at %s: %s", page.Request.URL, body)
		}
		form.Set("id", string(found[1]))
		page, err = browser.PostForm(w.issuer+form.Get("to"), form)
		must(t, err)
	}
	back, err := page.Location()
	must(t, err)
	return back.Query()
}

// refreshes returns how often a refresh was requested, and how often refused.
func (w *world) refreshes() (asked, refused int) {
	counts := w.sim.Counters()
	return counts["token.refresh_token"], counts["token.refresh_token.invalid_grant"]
}

// good checks that all goroutines got the same valid access token.
func (w *world) good(when string, all ...results) {
	w.t.Helper()
	tokens := map[string]int{}
	for _, one := range all {
		for token, n := range one.Tokens {
			tokens[token] += n
		}
		if len(one.Errors) > 0 {
			w.t.Fatalf("%s: %v", when, one.Errors)
		}
	}
	for token, n := range tokens {
		if _, _, ok := w.sim.Check(token); !ok || n != goroutines*len(all) {
			w.t.Fatalf("%s: the token is valid: %t, and %d of %d goroutines have it", when, ok, n, goroutines*len(all))
		}
	}
}
