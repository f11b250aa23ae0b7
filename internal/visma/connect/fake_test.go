package connect

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testClientID     = "isv_kvitt"
	testClientSecret = "client-secret-canary-91c4/+="
	testTenant       = "3f1c2d4e-0000-4000-8000-000000000001"
	testRedirect     = "http://127.0.0.1:8088/connect/visma/callback"
)

// clock is a clock that stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// visma is a small Visma Connect with both policies for refresh tokens. It refuses what the real one
// refuses, and counts requests.
type visma struct {
	t      *testing.T
	clock  *clock
	server *httptest.Server
	key    *rsa.PrivateKey

	mu        sync.Mutex
	document  map[string]any // the discovery document
	oneTime   bool
	grace     time.Duration
	life      int                  // lifetime of an access token in seconds; 0: not reported
	live      map[string]bool      // valid refresh tokens
	usedAt    map[string]time.Time // used one-time refresh tokens
	issued    map[string]time.Time // access tokens and when they expire
	codes     map[string]url.Values
	claims    map[string]any // of the identity token, in addition to the usual ones
	signer    *rsa.PrivateKey
	reply     map[string]any // members of the token answer, in addition to the usual ones; nil removes one
	fail      []http.HandlerFunc
	requests  map[string]int // by path
	refreshes int            // requests that issued tokens
	forms     []url.Values
	revoked   []string
	serial    int
}

var testKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func newVisma(t *testing.T) *visma {
	t.Helper()
	v := &visma{
		t: t, clock: newClock(), key: testKeys()[0], signer: testKeys()[0], life: 3600, grace: 30 * time.Second,
		live: map[string]bool{}, usedAt: map[string]time.Time{}, issued: map[string]time.Time{}, codes: map[string]url.Values{},
		claims: map[string]any{}, reply: map[string]any{}, requests: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { v.json(w, 200, v.document) })
	mux.HandleFunc("GET /.well-known/openid-configuration/jwks", v.jwks)
	mux.HandleFunc("POST /connect/token", v.token)
	mux.HandleFunc("POST /connect/revocation", v.revocation)
	mux.HandleFunc("GET /connect/userinfo", v.userinfo)
	v.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.requests[r.URL.Path]++
		if len(v.fail) > 0 {
			fail := v.fail[0]
			v.fail = v.fail[1:]
			if fail != nil {
				fail(w, r)
				return
			}
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(v.server.Close)
	v.document = map[string]any{
		"issuer":                                         v.server.URL,
		"authorization_endpoint":                         v.server.URL + "/connect/authorize",
		"token_endpoint":                                 v.server.URL + "/connect/token",
		"revocation_endpoint":                            v.server.URL + "/connect/revocation",
		"userinfo_endpoint":                              v.server.URL + "/connect/userinfo",
		"jwks_uri":                                       v.server.URL + "/.well-known/openid-configuration/jwks",
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "none", "HS256"},
		"authorization_response_iss_parameter_supported": true,
	}
	return v
}

func (v *visma) provider() *Provider {
	v.t.Helper()
	p, err := New(Config{
		Issuer: v.server.URL, ClientID: testClientID, ClientSecret: testClientSecret,
		HTTPClient: v.server.Client(), Now: v.clock.now,
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return p
}

// failNext answers the next requests with these instead.
func (v *visma) failNext(handlers ...http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fail = append(v.fail, handlers...)
}

func (v *visma) count(path string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.requests[path]
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func (v *visma) json(w http.ResponseWriter, code int, document any) {
	b, err := json.Marshal(document)
	if err != nil {
		v.t.Error(err)
	}
	status(code, string(b))(w, nil)
}

func (v *visma) jwks(w http.ResponseWriter, _ *http.Request) {
	v.json(w, 200, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256",
		"n": base64.RawURLEncoding.EncodeToString(v.key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(v.key.E)).Bytes()),
	}}})
}

// authenticated checks the client in either form.
func (v *visma) authenticated(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return id == testClientID && secret == testClientSecret
}

func (v *visma) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		v.t.Error(err)
	}
	v.forms = append(v.forms, r.PostForm)
	if !v.authenticated(r) {
		v.json(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	answer, refusal := v.grant(r.PostForm)
	if refusal != "" {
		v.json(w, 400, map[string]any{"error": refusal})
		return
	}
	for name, value := range v.reply {
		if answer[name] = value; value == nil {
			delete(answer, name)
		}
	}
	v.json(w, 200, answer)
}

func (v *visma) grant(form url.Values) (answer map[string]any, refusal string) {
	switch form.Get("grant_type") {
	case "client_credentials":
		if form.Get("tenant_id") != testTenant {
			return nil, "invalid_tenant"
		}
		v.refreshes++
		return map[string]any{"access_token": v.access(), "expires_in": v.life, "token_type": "Bearer", "scope": form.Get("scope")}, ""
	case "authorization_code":
		asked, ok := v.codes[form.Get("code")]
		challenge := sha256.Sum256([]byte(form.Get("code_verifier")))
		if !ok || form.Get("redirect_uri") != asked.Get("redirect_uri") ||
			base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
			return nil, "invalid_grant"
		}
		delete(v.codes, form.Get("code"))
		return v.interactive(asked), ""
	case "refresh_token":
		given := form.Get("refresh_token")
		if used, again := v.usedAt[given]; again && v.clock.now().Sub(used) > v.grace || !again && !v.live[given] {
			return nil, "invalid_grant"
		}
		v.refreshes++
		if !v.oneTime {
			return map[string]any{"access_token": v.access(), "expires_in": v.life, "refresh_token": given}, ""
		}
		if _, again := v.usedAt[given]; !again {
			v.usedAt[given] = v.clock.now()
		}
		delete(v.live, given)
		return map[string]any{"access_token": v.access(), "expires_in": v.life, "refresh_token": v.refresh()}, ""
	}
	return nil, "unsupported_grant_type"
}

func (v *visma) interactive(asked url.Values) map[string]any {
	claims := map[string]any{
		"iss": v.document["issuer"], "aud": testClientID, "sub": "user-1", "nonce": asked.Get("nonce"),
		"iat": v.clock.now().Unix(), "exp": v.clock.now().Add(5 * time.Minute).Unix(), "name": "Kajsa Kanarie",
	}
	for name, value := range v.claims {
		claims[name] = value
	}
	return map[string]any{
		"access_token": v.access(), "expires_in": v.life, "token_type": "Bearer", "refresh_token": v.refresh(),
		"scope": asked.Get("scope"), "id_token": v.sign("RS256", claims),
	}
}

func (v *visma) access() string {
	v.serial++
	token := v.sign("RS256", map[string]any{"tenant_id": testTenant, "client_id": testClientID, "scope": []string{"a", "b"}, "jti": v.serial})
	v.issued[token] = v.clock.now().Add(time.Duration(v.life) * time.Second)
	return token
}

func (v *visma) refresh() string {
	v.serial++
	token := fmt.Sprintf("refresh-canary-%d", v.serial)
	v.live[token] = true
	return token
}

func (v *visma) sign(algorithm string, claims map[string]any) string {
	part := func(document any) string {
		b, err := json.Marshal(document)
		if err != nil {
			v.t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]any{"alg": algorithm, "kid": "1", "typ": "JWT"}) + "." + part(claims)
	if algorithm == "none" {
		return text + "."
	}
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, v.signer, crypto.SHA256, digest[:])
	if err != nil {
		v.t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (v *visma) revocation(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || !v.authenticated(r) {
		v.json(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	if r.PostForm.Get("token_type_hint") == "access_token" {
		v.json(w, 400, map[string]any{"error": "unsupported_token_type"})
		return
	}
	delete(v.live, r.PostForm.Get("token"))
	v.revoked = append(v.revoked, r.PostForm.Get("token"))
}

func (v *visma) userinfo(w http.ResponseWriter, r *http.Request) {
	if _, ok := v.issued[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	v.json(w, 200, map[string]any{"sub": "user-1", "email": "kajsa@example.com", "name": "Kajsa"})
}

// consent plays the person who approves the address, and returns the callback.
func (v *visma) consent(address string) url.Values {
	v.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		v.t.Fatal(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.serial++
	code := fmt.Sprintf("code-canary-%d", v.serial)
	v.codes[code] = u.Query()
	return url.Values{"code": {code}, "state": {u.Query().Get("state")}, "iss": {v.server.URL}, "session_state": {"x"}}
}

// connected returns a grant of the interactive flow whose access token is
// fresh.
func (v *visma) connected() Grant {
	v.t.Helper()
	p := v.provider()
	c, err := NewConsent(testRedirect)
	if err != nil {
		v.t.Fatal(err)
	}
	address, err := p.AuthCodeURL(context.Background(), c)
	if err != nil {
		v.t.Fatal(err)
	}
	g, _, err := p.Exchange(context.Background(), c, v.consent(address))
	if err != nil {
		v.t.Fatal(err)
	}
	return g
}
