package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	clientID     = "kvitt"
	clientSecret = "hemligt-hos-firman"
)

// op is an OpenID Connect provider, as small as it can be. It is strict: it
// gives a token only for a code of its own, once, to the client that asked for
// it, with the verifier that belongs to the challenge.
type op struct {
	t      *testing.T
	server *httptest.Server
	now    func() time.Time
	key    *ecdsa.PrivateKey

	discoveries atomic.Int64
	document    func(map[string]any) // changes the discovery document
	token       func(map[string]any) // changes the claims of the id token
	userinfo    map[string]any       // what the userinfo endpoint answers; nil: there is none
	iss         *string              // the parameter iss of answers; nil: none
	email       string
	verified    any // nil: the claim is not there
	down        atomic.Bool

	mu    sync.Mutex
	codes map[string]url.Values // the request that a code is for
	n     int
}

func newOP(t *testing.T, now func() time.Time) *op {
	t.Helper()
	o := &op{t: t, now: now, verified: true, codes: map[string]url.Values{}}
	var err error
	if o.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", o.discovery)
	mux.HandleFunc("POST /token", o.exchange)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { reply(w, o.userinfo) })
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.server.Close)
	return o
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// subject is whose account it is: one for each address.
func (o *op) subject() string {
	if o.email == "" || strings.EqualFold(o.email, "anna@example.com") {
		return "anna-1"
	}
	return o.email + "-1"
}

func (o *op) issuer() string { return o.server.URL }

func (o *op) discovery(w http.ResponseWriter, _ *http.Request) {
	o.discoveries.Add(1)
	d := map[string]any{
		"issuer": o.issuer(), "authorization_endpoint": o.issuer() + "/authorize", "token_endpoint": o.issuer() + "/token",
		"jwks_uri": o.issuer() + "/keys", "id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
	}
	if o.userinfo != nil {
		d["userinfo_endpoint"] = o.issuer() + "/userinfo"
	}
	if o.document != nil {
		o.document(d)
	}
	reply(w, d)
}

// authorize signs the person in, and gives the path that the browser is sent
// back to.
func (o *op) authorize(address string) string {
	o.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		o.t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": publicURL + "/signin/callback", "code_challenge_method": "S256",
	} {
		if q.Get(name) != want {
			o.t.Fatalf("the request has %s %q, want %q", name, q.Get(name), want)
		}
	}
	if !strings.HasPrefix(address, o.issuer()+"/authorize?") || !strings.Contains(q.Get("scope"), "openid") || q.Get("state") == "" || q.Get("nonce") == "" {
		o.t.Fatalf("the request is %s", address)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	code := fmt.Sprint("code-", o.n)
	o.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	if o.iss != nil {
		back.Set("iss", *o.iss)
	}
	return "/signin/callback?" + back.Encode()
}

func (o *op) exchange(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		reply(w, map[string]string{"error": code, "error_description": "hemlig förklaring"})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	asked, ok := o.codes[r.PostFormValue("code")]
	delete(o.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != clientID || secret != clientSecret:
		refuse("invalid_client")
		return
	case !ok || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri"), base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge"):
		refuse("invalid_grant")
		return
	}
	now := o.now()
	claims := map[string]any{
		"iss": o.issuer(), "sub": o.subject(), "aud": clientID, "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	if o.email != "" {
		claims["email"] = o.email
	}
	if o.verified != nil {
		claims["email_verified"] = o.verified
	}
	if o.token != nil {
		o.token(claims)
	}
	reply(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": o.signed(claims)})
}

// signed is a token, with the key that its claim "key" names: ours, or another
// one.
func (o *op) signed(claims map[string]any) string {
	key, algorithm := any(o.key), jose.ES256
	switch claims["key"] {
	case "stranger's":
		key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "shared":
		key, algorithm = []byte(strings.Repeat(clientSecret, 2)), jose.HS256
	}
	delete(claims, "key")
	payload, err := json.Marshal(claims)
	if err != nil {
		o.t.Error(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	if err != nil {
		o.t.Error(err)
		return ""
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		o.t.Error(err)
		return ""
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		o.t.Error(err)
	}
	return token
}
