package connect

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/fault"
)

func wantFault(t *testing.T, err error, class fault.Class) *fault.Error {
	t.Helper()
	e := fault.As(err)
	if e == nil || e.Class != class || e.Party != "Visma Connect" {
		t.Fatalf("the error is %v, want one of class %s", err, class)
	}
	for _, secret := range []string{testClientSecret, "canary", "eyJ"} {
		if strings.Contains(fmt.Sprintf("%v %+v", err, e), secret) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
	return e
}

func TestAConfigurationWithoutTLSIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		wrong  string
	}{
		"default":       {Config{ClientID: "i", ClientSecret: "s"}, ""},
		"loopback":      {Config{Issuer: "http://127.0.0.1:9/", ClientID: "i", ClientSecret: "s"}, ""},
		"plain http":    {Config{Issuer: "http://connect.visma.com", ClientID: "i", ClientSecret: "s"}, "not https"},
		"no URL":        {Config{Issuer: "connect.visma.com", ClientID: "i", ClientSecret: "s"}, "not an absolute URL"},
		"with password": {Config{Issuer: "https://u:pw@connect.visma.com", ClientID: "i", ClientSecret: "s"}, "has a user"},
		"no secret":     {Config{ClientID: "i"}, "both needed"},
	} {
		_, err := New(c.config)
		if (err == nil) != (c.wrong == "") || err != nil && (!strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "pw@")) {
			t.Errorf("%s: error %v, want %q", name, err, c.wrong)
		}
	}
}

func TestTheDiscoveryDocumentIsReadOnceADay(t *testing.T) {
	v := newVisma(t)
	p := v.provider()
	const path = "/.well-known/openid-configuration"
	for range 3 {
		if _, err := p.Service(context.Background(), testTenant); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.count(path); n != 1 {
		t.Errorf("it was read %d times", n)
	}
	v.clock.move(25 * time.Hour)
	v.failNext(status(503, ""))
	if err := p.Discover(context.Background()); err != nil {
		t.Errorf("the old document is not used while Visma Connect is down: %v", err)
	}
	v.clock.move(2 * time.Minute)
	if err := p.Discover(context.Background()); err != nil || v.count(path) != 3 {
		t.Errorf("it was read %d times, %v", v.count(path), err)
	}
}

func TestADiscoveryDocumentThatCannotBeTrustedIsRefused(t *testing.T) {
	for name, change := range map[string]func(*visma){
		"another issuer":   func(v *visma) { v.document["issuer"] = "https://evil.example" },
		"clear token":      func(v *visma) { v.document["token_endpoint"] = "http://connect.visma.com/connect/token" },
		"clear revocation": func(v *visma) { v.document["revocation_endpoint"] = "http://connect.visma.com/x" },
		"no authorization": func(v *visma) { delete(v.document, "authorization_endpoint") },
		"HTML":             func(v *visma) { v.failNext(status(200, "<html>")) },
		"not found":        func(v *visma) { v.failNext(status(404, "")) },
		"redirect elsewhere": func(v *visma) {
			v.failNext(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisma(t)
			change(v)
			if e := wantFault(t, v.provider().Discover(context.Background()), fault.Rejected); !strings.Contains(e.Remedy, "KVITT_VISMA_CONNECT_URL") {
				t.Errorf("the remedy is %q", e.Remedy)
			}
		})
	}
}

func TestTheServiceFlowAsksForOneCompanyAndAllScopes(t *testing.T) {
	v := newVisma(t)
	g, err := v.provider().Service(context.Background(), testTenant)
	if err != nil {
		t.Fatal(err)
	}
	form := v.forms[0]
	if form.Get("grant_type") != "client_credentials" || form.Get("tenant_id") != testTenant || form.Get("scope") != strings.Join(ServiceScopes(), " ") {
		t.Errorf("asked with %v", form)
	}
	if form.Get("client_secret") != "" {
		t.Error("the secret went into the form, though the header is supported")
	}
	if g.Flow != FlowService || g.TenantID != testTenant || g.RefreshToken != "" || !g.Expiry.Equal(v.clock.now().Add(time.Hour)) {
		t.Errorf("the grant is %s", g)
	}
}

func TestTheClientAuthenticatesAsTheDocumentSaysAndTriesOnce(t *testing.T) {
	v := newVisma(t)
	v.document["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
	g, err := v.provider().Service(context.Background(), testTenant)
	if err != nil || v.forms[0].Get("client_secret") != testClientSecret {
		t.Errorf("%s, %v", g, err)
	}
	if err := v.provider().Revoke(context.Background(), Grant{RefreshToken: "r"}); err != nil {
		t.Error(err)
	}
	v.failNext(nil, status(401, `{"error":"invalid_client"}`))
	_, err = v.provider().Service(context.Background(), testTenant)
	wantFault(t, err, fault.Auth)
	if n := v.count("/connect/token"); n != 2 {
		t.Errorf("the token endpoint was asked %d times", n)
	}
}

func TestRefusalsAreClassifiedByWhatHelps(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		class   fault.Class
		remedy  string
	}{
		"invalid_grant":        {status(400, `{"error":"invalid_grant","error_description":"expired"}`), fault.Auth, "Authorise the connection again"},
		"invalid_tenant":       {status(400, `{"error":"invalid_tenant"}`), fault.Auth, "role API User"},
		"invalid_client":       {status(401, `{"error":"invalid_client"}`), fault.Auth, "KVITT_VISMA_CLIENT_ID"},
		"unauthorized_client":  {status(400, `{"error":"unauthorized_client"}`), fault.Auth, "approved the app"},
		"invalid_scope":        {status(400, `{"error":"invalid_scope"}`), fault.Auth, "scopes"},
		"invalid_request":      {status(400, `{"error":"invalid_request"}`), fault.Rejected, ""},
		"an error with 200":    {status(200, `{"error":"invalid_grant"}`), fault.Auth, ""},
		"temporarily":          {status(400, `{"error":"temporarily_unavailable"}`), fault.Transient, ""},
		"429":                  {status(429, ""), fault.Throttled, ""},
		"500":                  {status(500, `{"error":"invalid_grant"}`), fault.Transient, ""},
		"502 with HTML":        {status(502, "<html>Bad Gateway</html>"), fault.Transient, ""},
		"403 with HTML":        {status(403, "<html>Blocked</html>"), fault.Rejected, ""},
		"redirect":             {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusTemporaryRedirect) }, fault.Rejected, ""},
		"200 with HTML":        {status(200, "<html>"), fault.Transient, ""},
		"200 without a token":  {status(200, `{"token_type":"Bearer"}`), fault.Transient, ""},
		"a secret in the text": {status(400, `{"error":"invalid_request","error_description":"`+testClientSecret+` is bad"}`), fault.Rejected, ""},
		"dropped":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Transient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisma(t)
			g := v.connected()
			v.failNext(nil, c.handler) // discovery, then the answer
			_, err := v.provider().Refresh(context.Background(), g)
			if e := wantFault(t, err, c.class); !strings.Contains(e.Remedy, c.remedy) || strings.Contains(e.Words, "<") {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestA429SaysHowLongToWait(t *testing.T) {
	v := newVisma(t)
	v.failNext(nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(429)
	})
	_, err := v.provider().Service(context.Background(), testTenant)
	if e := wantFault(t, err, fault.Throttled); e.RetryAfter != 7*time.Second {
		t.Errorf("to wait %s", e.RetryAfter)
	}
}

func TestARefreshTokenIsKeptUnlessANewOneComes(t *testing.T) {
	for _, oneTime := range []bool{false, true} {
		v := newVisma(t)
		v.oneTime = oneTime
		g := v.connected()
		next, err := v.provider().Refresh(context.Background(), g)
		if err != nil || (next.RefreshToken != g.RefreshToken) != oneTime || next.AccessToken == g.AccessToken || next.Version != g.Version+1 ||
			next.TenantID != g.TenantID || next.Scope != g.Scope || next.Flow != FlowInteractive {
			t.Errorf("one-time %t: %s, %v", oneTime, next, err)
		}
	}
	v := newVisma(t)
	g := v.connected()
	v.reply["refresh_token"] = nil
	if next, err := v.provider().Refresh(context.Background(), g); err != nil || next.RefreshToken != g.RefreshToken {
		t.Errorf("%s, %v", next, err)
	}
}

func TestTheTimeOfAConsentIsKeptThroughRefreshes(t *testing.T) {
	v := newVisma(t)
	g := v.connected()
	consented := v.clock.now()
	for range 3 {
		v.clock.move(40 * time.Minute)
		next, err := v.provider().Refresh(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		g = next
	}
	if !g.ConsentedAt.Equal(consented) || g.IssuedAt.Equal(consented) {
		t.Errorf("consented %s, issued %s, want %s and later", g.ConsentedAt, g.IssuedAt, consented)
	}
	service, err := v.provider().Service(t.Context(), testTenant)
	if err != nil || !service.ConsentedAt.IsZero() {
		t.Errorf("nobody consents to the service flow: %s, %v", service.ConsentedAt, err)
	}
}

func TestAGrantThatCannotBeRefreshedSaysWhatHelps(t *testing.T) {
	v := newVisma(t)
	for _, g := range []Grant{{}, {Flow: "legacy"}, {Flow: FlowInteractive}} {
		_, err := v.provider().Refresh(context.Background(), g)
		if e := wantFault(t, err, fault.Auth); !strings.Contains(e.Remedy, "Authorise") {
			t.Errorf("%+v", e)
		}
	}
}

func TestAScopeThatWasNotGrantedIsNamed(t *testing.T) {
	v := newVisma(t)
	v.reply["scope"] = "vismanet_erp_service_api:read vismanet_erp_service_api:create"
	_, err := v.provider().Service(context.Background(), testTenant)
	if e := wantFault(t, err, fault.Auth); e.Code != "missing_scope" || !strings.Contains(e.Words, "vismanet_erp_service_api:update") {
		t.Errorf("%+v", e)
	}
	v.reply["scope"] = nil // grants the requested scopes
	if _, err := v.provider().Service(context.Background(), testTenant); err != nil {
		t.Error(err)
	}
}

func TestTokensAreRevoked(t *testing.T) {
	v := newVisma(t)
	g := v.connected()
	if err := v.provider().Revoke(context.Background(), g); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{g.RefreshToken}, v.revoked); diff != "" {
		t.Error(diff)
	}
	if _, err := v.provider().Refresh(context.Background(), g); fault.ClassOf(err) != fault.Auth {
		t.Errorf("a revoked token was refreshed: %v", err)
	}
	v.failNext(nil, status(503, ""))
	wantFault(t, v.provider().Revoke(context.Background(), g), fault.Transient)
	delete(v.document, "revocation_endpoint")
	wantFault(t, v.provider().Revoke(context.Background(), g), fault.Rejected)
}

func TestClaimsAreReadWithoutBeingTrusted(t *testing.T) {
	token := func(payload string) string {
		return "eyJh." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".x"
	}
	c, err := AccessTokenClaims(token(`{"sub":"s","client_id":"isv_kvitt","tenant_id":"t-1","scope":["a","b"],"auth_time":1769846400,"exp":1769850000,"aud":["x"]}`))
	want := Claims{Subject: "s", ClientID: "isv_kvitt", TenantID: "t-1", Scopes: []string{"a", "b"}, AuthTime: time.Unix(1769846400, 0).UTC(), ExpiresAt: time.Unix(1769850000, 0).UTC()}
	if err != nil || !cmp.Equal(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := AccessTokenClaims(token(`{"scope":"a b"}`)); err != nil || !cmp.Equal(c, Claims{Scopes: []string{"a", "b"}}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"", "canary", "a.b", "a.canary!.c", token("canary"), token(`{"scope":7}`), token(`[]`)} {
		if c, err := AccessTokenClaims(bad); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %+v, %v", bad, c, err)
		}
	}
}

func TestNoFormOfPrintingShowsASecret(t *testing.T) {
	v := newVisma(t)
	p := v.provider()
	c, err := NewConsent(testRedirect)
	if err != nil {
		t.Fatal(err)
	}
	g := Grant{Flow: FlowInteractive, RefreshToken: "refresh-canary", AccessToken: "access-canary"}
	secrets := []string{"canary", c.State, c.Nonce, c.Verifier}
	var b bytes.Buffer
	for _, value := range []any{g, &g, []Grant{g}, c, &c, p.config, p, p.Source(nil), struct{ G Grant }{g}, map[string]Consent{"c": c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&b, verb, value)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "value", value)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "grant", g, "consent", c)
	fmt.Fprint(&b, g.String(), g.GoString(), c.String(), errors.New(g.String()))
	for _, secret := range secrets {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q was printed", secret)
		}
	}
	if !strings.Contains(b.String(), "[redacted]") {
		t.Error("nothing was printed")
	}
	kept, err := json.Marshal(g)
	var back Grant
	if err != nil || json.Unmarshal(kept, &back) != nil || back != g {
		t.Errorf("the Keeper cannot save it: %s, %v", kept, err)
	}
}
