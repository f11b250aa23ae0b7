package connect

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"kvitt/internal/fault"
)

func TestTheConsentAddressHasEveryParameter(t *testing.T) {
	v := newVisma(t)
	c, err := NewConsent(testRedirect)
	if err != nil {
		t.Fatal(err)
	}
	address, err := v.provider().AuthCodeURL(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	challenge := sha256.Sum256([]byte(c.Verifier))
	for name, want := range map[string]string{
		"client_id": testClientID, "response_type": "code", "response_mode": "query", "redirect_uri": testRedirect,
		"state": c.State, "nonce": c.Nonce, "code_challenge_method": "S256", "prompt": "select_account",
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "scope": strings.Join(InteractiveScopes(), " "),
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(address, c.Verifier) || strings.Contains(address, testClientSecret) || u.Path != "/connect/authorize" {
		t.Errorf("the address is %s", address)
	}
}

func TestEachConsentHasSecretsOfItsOwn(t *testing.T) {
	a, _ := NewConsent(testRedirect)
	b, _ := NewConsent(testRedirect)
	for _, pair := range [][2]string{{a.State, b.State}, {a.Nonce, b.Nonce}, {a.Verifier, b.Verifier}, {a.State, a.Nonce}} {
		if pair[0] == pair[1] || len(pair[0]) < 26 {
			t.Errorf("%q and %q", pair[0], pair[1])
		}
	}
}

func TestARedirectAddressIsHTTPSOrLoopback(t *testing.T) {
	for address, good := range map[string]bool{
		testRedirect: true, "https://kvitt.example/connect/visma/callback": true,
		"http://kvitt.example/callback": false, "https://kvitt.example/cb#x": false, "/callback": false, "": false,
	} {
		if _, err := NewConsent(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAConsentBecomesAGrantAndNamesThePerson(t *testing.T) {
	v := newVisma(t)
	p := v.provider()
	c, _ := NewConsent(testRedirect)
	address, err := p.AuthCodeURL(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	callback := v.consent(address)
	g, who, err := p.Exchange(context.Background(), c, callback)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Identity{Subject: "user-1", Name: "Kajsa Kanarie", Email: "kajsa@example.com", TenantID: testTenant}); who != want {
		t.Errorf("%+v consented", who)
	}
	if g.Flow != FlowInteractive || g.TenantID != testTenant || g.RefreshToken == "" || g.AccessToken == "" || !g.Expiry.Equal(v.clock.now().Add(time.Hour)) {
		t.Errorf("the grant is %s", g)
	}
	_, _, err = p.Exchange(context.Background(), c, callback) // the code again
	if e := wantFault(t, err, fault.Auth); e.Code != "invalid_grant" {
		t.Errorf("a replayed code: %v", err)
	}
}

func TestACallbackThatIsNotOursIsRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(url.Values)
		class  fault.Class
		code   string
	}{
		"forged state":  {func(q url.Values) { q.Set("state", "forged") }, fault.Rejected, "invalid_state"},
		"no state":      {func(q url.Values) { q.Del("state") }, fault.Rejected, "invalid_state"},
		"another iss":   {func(q url.Values) { q.Set("iss", "https://evil.example") }, fault.Rejected, "invalid_iss"},
		"no iss":        {func(q url.Values) { q.Del("iss") }, fault.Rejected, "missing_iss"},
		"two states":    {func(q url.Values) { q.Add("state", "forged") }, fault.Rejected, "invalid_callback"},
		"two codes":     {func(q url.Values) { q.Add("code", "stolen") }, fault.Rejected, "invalid_callback"},
		"no code":       {func(q url.Values) { q.Del("code") }, fault.Rejected, "invalid_callback"},
		"declined":      {func(q url.Values) { q.Set("error", "access_denied") }, fault.Auth, "access_denied"},
		"server error":  {func(q url.Values) { q.Set("error", "server_error") }, fault.Transient, "server_error"},
		"another error": {func(q url.Values) { q.Set("error", "invalid_request") }, fault.Rejected, "invalid_request"},
		"declined, but forged": {func(q url.Values) {
			q.Set("error", "access_denied")
			q.Set("state", "forged")
		}, fault.Rejected, "invalid_state"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisma(t)
			p := v.provider()
			consent, _ := NewConsent(testRedirect)
			address, err := p.AuthCodeURL(context.Background(), consent)
			if err != nil {
				t.Fatal(err)
			}
			callback := v.consent(address)
			c.change(callback)
			_, _, err = p.Exchange(context.Background(), consent, callback)
			if e := wantFault(t, err, c.class); e.Code != c.code {
				t.Errorf("%+v", e)
			}
			if v.count("/connect/token") != 0 {
				t.Error("the code was sent")
			}
		})
	}
	c := Consent{} // a consent without a state matches nothing, not even an empty state
	if err := c.checkCallback(&discovery{}, url.Values{"code": {"x"}}); fault.As(err) == nil {
		t.Error("an empty state matched")
	}
}

func TestAnIdentityTokenThatCannotBeTrustedIsRefused(t *testing.T) {
	for name, change := range map[string]func(*visma){
		"another nonce":    func(v *visma) { v.claims["nonce"] = "other" },
		"another audience": func(v *visma) { v.claims["aud"] = "isv_other" },
		"another issuer":   func(v *visma) { v.claims["iss"] = "https://evil.example" },
		"expired":          func(v *visma) { v.claims["exp"] = v.clock.now().Add(-3 * time.Minute).Unix() },
		"not yet valid":    func(v *visma) { v.claims["nbf"] = v.clock.now().Add(time.Hour).Unix() },
		"another key":      func(v *visma) { v.signer = testKeys()[1] },
		"no signature":     func(v *visma) { v.reply["id_token"] = v.sign("none", map[string]any{"sub": "user-1"}) },
		"missing":          func(v *visma) { v.reply["id_token"] = nil },
		"nonsense":         func(v *visma) { v.reply["id_token"] = "eyJ.canary.x" },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisma(t)
			change(v)
			_, _, err := exchange(v)
			if e := wantFault(t, err, fault.Rejected); e.Code != "invalid_id_token" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestAClockThatIsALittleOffIsTolerated(t *testing.T) {
	v := newVisma(t)
	v.claims["exp"] = v.clock.now().Add(-time.Minute).Unix()
	v.claims["nbf"] = v.clock.now().Add(2 * time.Minute).Unix()
	v.claims["iat"] = v.clock.now().Add(2 * time.Minute).Unix()
	if _, _, err := exchange(v); err != nil {
		t.Error(err)
	}
}

func TestAConsentWithMissingScopesIsRefused(t *testing.T) {
	v := newVisma(t)
	v.reply["scope"] = "openid email profile offline_access vismanet_erp_interactive_api:read vismanet_erp_interactive_api:create"
	_, _, err := exchange(v)
	if e := wantFault(t, err, fault.Auth); e.Code != "missing_scope" || !strings.Contains(e.Words, "vismanet_erp_interactive_api:update") {
		t.Errorf("%+v", e)
	}
	v = newVisma(t)
	v.reply["refresh_token"] = nil
	_, _, err = exchange(v)
	if e := wantFault(t, err, fault.Auth); e.Code != "missing_scope" || !strings.Contains(e.Words, "offline_access") {
		t.Errorf("%+v", e)
	}
}

func TestACodeThatCouldNotBeExchangedNeedsANewConsent(t *testing.T) {
	v := newVisma(t)
	v.failNext(nil, status(503, ""))
	_, _, err := exchange(v)
	if e := wantFault(t, err, fault.Transient); !strings.Contains(e.Remedy, "Start the consent again") {
		t.Errorf("%+v", e)
	}
}

func TestThePersonIsKnownEvenWithoutTheUserInfo(t *testing.T) {
	v := newVisma(t)
	delete(v.document, "userinfo_endpoint")
	_, who, err := exchange(v)
	if err != nil || who.Name != "Kajsa Kanarie" || who.Email != "" {
		t.Errorf("%+v, %v", who, err)
	}
}

func exchange(v *visma) (Grant, Identity, error) {
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
	return p.Exchange(context.Background(), c, v.consent(address))
}
