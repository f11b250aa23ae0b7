package access_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/pgtest"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// issuer is the part of Visma Connect that these tests need: it counts requests, issues tokens for every
// request, and refuses what the test sets.
type issuer struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	refuse  map[string]string // token endpoint: grant type to error code
	broken  map[string]int    // path to status
	scope   string            // granted instead of the scope asked for
	asked   map[string]int    // by path
	revoked []string
	forms   []url.Values
	serial  int
	claims  map[string]any // of the identity token
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, refuse: map[string]string{}, broken: map[string]int{}, asked: map[string]int{}, claims: map[string]any{}}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked[r.URL.Path]++
	must(i.t, r.ParseForm())
	if status := i.broken[r.URL.Path]; status != 0 {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		must(i.t, json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"revocation_endpoint": i.URL + "/revocation", "jwks_uri": i.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256"},
			"authorization_response_iss_parameter_supported": true,
		}))
	case "/token":
		i.forms = append(i.forms, r.PostForm)
		if code := i.refuse[r.PostForm.Get("grant_type")]; code != "" {
			w.WriteHeader(http.StatusBadRequest)
			must(i.t, json.NewEncoder(w).Encode(map[string]any{"error": code}))
			return
		}
		i.serial++
		must(i.t, json.NewEncoder(w).Encode(map[string]any{
			"access_token": fmt.Sprint("access-", i.serial), "refresh_token": fmt.Sprint("refresh-", i.serial),
			"token_type": "Bearer", "expires_in": 3600, "scope": i.scope, "id_token": i.sign(),
		}))
	case "/jwks":
		must(i.t, json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key().Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}}))
	case "/revocation":
		i.revoked = append(i.revoked, r.PostForm.Get("token"))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// key is made once, because making it takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// sign makes an identity token.
func (i *issuer) sign() string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key(), KeyID: "1"}}, nil)
	must(i.t, err)
	claims := map[string]any{"iss": i.URL, "aud": "isv_kvitt", "sub": "astrid", "email": "astrid@example.com", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(claims, i.claims)
	payload, err := json.Marshal(claims)
	must(i.t, err)
	signed, err := signer.Sign(payload)
	must(i.t, err)
	text, err := signed.CompactSerialize()
	must(i.t, err)
	return text
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// house is a store, a vault and the doors of an installation.
type house struct {
	store *store.Store
	vault *vault.Vault
	doors *access.Doors
	at    *issuer
}

// onBoth runs a test with the connection c1 on each kind of database.
func onBoth(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for name, address := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) { f(t, newHouse(t, address(t))) })
	}
}

func newHouse(t *testing.T, address string) *house {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.Migrate(t.Context()))
	must(t, s.CreateConnection(t.Context(), store.Connection{
		ID: "c1", Name: "Garn AB", Provider: "klarna", Region: "eu", Environment: "live", Posting: "review", Start: "2026-01-01",
	}))
	text, err := vault.NewKeyset()
	must(t, err)
	keys, err := vault.Open(text)
	must(t, err)
	h := &house{store: s, vault: vault.New(keys, s), at: newIssuer(t)}
	h.doors = &access.Doors{Store: s, Vault: h.vault, Config: &config.Config{
		VismaConnectURL: h.at.URL, VismaAPIURL: h.at.URL, VismaClientID: "isv_kvitt", VismaClientSecret: "hemligt",
	}}
	return h
}

// put puts a grant into the vault, fresh for an hour.
func (h *house) put(t *testing.T, field string, g connect.Grant) connect.Grant {
	t.Helper()
	g.Flow, g.IssuedAt, g.Expiry = connect.FlowInteractive, time.Now(), time.Now().Add(time.Hour)
	b, err := json.Marshal(g) //nolint:gosec // a test's
	must(t, err)
	must(t, h.vault.Put(t.Context(), "c1", field, vault.Secret(b)))
	return g
}
