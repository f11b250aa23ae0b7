package connectsim_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"kvitt/sandbox/connectsim"
)

func TestDiscoveryNamesVismasPaths(t *testing.T) {
	w := newWorld(t, nil)
	var doc map[string]any
	if err := w.oidc.Claims(&doc); err != nil {
		t.Fatal(err)
	}
	for member, path := range map[string]string{
		"authorization_endpoint": "/connect/authorize", "token_endpoint": "/connect/token", "userinfo_endpoint": "/connect/userinfo",
		"revocation_endpoint": "/connect/revocation", "introspection_endpoint": "/connect/introspect", "end_session_endpoint": "/connect/endsession",
		"jwks_uri": "/.well-known/openid-configuration/jwks", "device_authorization_endpoint": "/connect/deviceauthorization", "issuer": "",
	} {
		if doc[member] != w.issuer+path {
			t.Errorf("%s is %v", member, doc[member])
		}
	}
	if doc["authorization_response_iss_parameter_supported"] != true {
		t.Error("iss in the callback is not announced")
	}
	if diff := cmp.Diff([]any{"client_secret_basic", "client_secret_post"}, doc["token_endpoint_auth_methods_supported"]); diff != "" {
		t.Errorf("authentication methods (-want +got):\n%s", diff)
	}
}

func TestConsentGivesTokensForOneCompany(t *testing.T) {
	w := newWorld(t, nil)
	back := w.consent(astrid, fjord)
	if back.Get("state") != "state-1" || back.Get("iss") != w.issuer || back.Get("session_state") == "" || !strings.Contains(back.Get("scope"), "offline_access") {
		t.Errorf("the callback carries %v", back)
	}
	token, err := w.exchange(back.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if token.ExpiresIn != 3600 || token.RefreshToken == "" || token.TokenType != "Bearer" || token.Extra("scope") != strings.Join(w.app.Scopes, " ") {
		t.Errorf("the tokens are %+v with scope %v", token, token.Extra("scope"))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := w.oidc.Verifier(&oidc.Config{ClientID: "isv_kvitt"}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var who struct {
		Name, Email string
		Tenant      string `json:"tenant_id"`
	}
	if err := id.Claims(&who); err != nil || id.Nonce != "nonce-1" || who.Name != "Astrid Ek" || who.Email != astrid || who.Tenant != fjord {
		t.Errorf("the id token says %+v with nonce %q (%v)", who, id.Nonce, err)
	}
	access := claims(t, token.AccessToken)
	if access["tenant_id"] != fjord || access["client_id"] != "isv_kvitt" || access["sub"] != id.Subject || len(access["scope"].([]any)) != 7 || access["auth_time"] == nil {
		t.Errorf("the access token says %v", access)
	}
	info, err := w.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil || info.Email != astrid || info.Subject != id.Subject {
		t.Errorf("userinfo is %+v (%v)", info, err)
	}
	tenant, scopes, ok := w.sim.Check(token.AccessToken)
	if !ok || tenant != fjord || !slices.Contains(scopes, "vismanet_erp_interactive_api:create") {
		t.Errorf("Check says %s %v %v", tenant, scopes, ok)
	}
}

func TestTheCompanyIsNamedOnlyWithTheScopeTenants(t *testing.T) {
	w := newWorld(t, nil)
	w.app.Scopes = []string{"openid", "vismanet_erp_interactive_api:read"}
	token := w.signIn(astrid, nord)
	if got := claims(t, token.AccessToken)["tenant_id"]; got != nil {
		t.Errorf("tenant_id is %v", got)
	}
	if token.RefreshToken != "" {
		t.Error("there is a refresh token without offline_access")
	}
	if tenant, _, ok := w.sim.Check(token.AccessToken); !ok || tenant != nord {
		t.Errorf("Check says %s %v", tenant, ok)
	}
}

func TestAUserWithoutTheRoleIsAnInvalidTenant(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.exchange(w.consent(bo, nord).Get("code"))
	if code, status := refused(err); code != "invalid_tenant" || status != 400 {
		t.Errorf("the token endpoint answered %d %q: %v", status, code, err)
	}
	w.sim.SetAPIUser(bo, nord, true)
	token := w.signIn(bo, nord)
	w.sim.SetAPIUser(bo, nord, false)
	_, err = w.refresh(token.RefreshToken)
	if code, _ := refused(err); code != "invalid_tenant" {
		t.Errorf("a refresh after the role was taken away: %v", err)
	}
}

func TestACodeIsValidOnceForItsVerifierAndForFiveMinutes(t *testing.T) {
	w := newWorld(t, nil)
	code := w.consent(astrid, nord).Get("code")
	if _, err := w.exchange(code); err != nil {
		t.Fatal(err)
	}
	_, err := w.exchange(code)
	if got, status := refused(err); got != "invalid_grant" || status != 400 {
		t.Errorf("a code that was used before: %v", err)
	}
	_, err = w.app.Exchange(t.Context(), w.consent(astrid, nord).Get("code"), oauth2.VerifierOption("another-verifier-that-is-long-enough-0123456789"))
	if got, _ := refused(err); got != "invalid_grant" {
		t.Errorf("another verifier: %v", err)
	}
	code = w.consent(astrid, nord).Get("code")
	w.clock.advance(5 * time.Minute)
	_, err = w.exchange(code)
	if got, _ := refused(err); got != "invalid_grant" {
		t.Errorf("an expired code: %v", err)
	}
}

func TestTheSecretIsReadFromHeaderOrForm(t *testing.T) {
	w := newWorld(t, nil)
	w.app.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	w.signIn(astrid, nord)
	w.app.ClientSecret = "wrong"
	_, err := w.exchange(w.consent(astrid, nord).Get("code"))
	if code, status := refused(err); code != "invalid_client" || status != 400 {
		t.Errorf("a wrong secret: %d %q", status, code)
	}
	_, err = w.service(nord)
	if code, status := refused(err); code != "invalid_client" || status != 400 {
		t.Errorf("a wrong secret in the service flow: %d %q", status, code)
	}
	w.app.ClientID = "isv_other"
	_, err = w.refresh("anything")
	if code, status := refused(err); code != "invalid_client" || status != 400 {
		t.Errorf("an unknown client: %d %q", status, code)
	}
}

func TestTheServiceFlowNeedsATenantThatHasApproved(t *testing.T) {
	w := newWorld(t, nil)
	token, err := w.service(nord, "vismanet_erp_service_api:read", "vismanet_erp_service_api:create")
	if err != nil {
		t.Fatal(err)
	}
	if token.RefreshToken != "" || token.Extra("expires_in") != float64(3600) || token.Extra("scope") != "vismanet_erp_service_api:read vismanet_erp_service_api:create" {
		t.Errorf("the token is %+v with scope %v", token, token.Extra("scope"))
	}
	if c := claims(t, token.AccessToken); c["tenant_id"] != nord || c["sub"] != nil {
		t.Errorf("the token says %v", c)
	}
	if tenant, scopes, ok := w.sim.Check(token.AccessToken); !ok || tenant != nord || len(scopes) != 2 {
		t.Errorf("Check says %s %v %v", tenant, scopes, ok)
	}
	for _, tenant := range []string{fjord, ""} {
		_, err = w.service(tenant)
		if code, status := refused(err); code != "invalid_tenant" || status != 400 {
			t.Errorf("tenant %q: %d %q", tenant, status, code)
		}
	}
	w.sim.Approve("isv_kvitt", fjord, true)
	if _, err := w.service(fjord); err != nil {
		t.Error(err)
	}
	_, err = w.service(nord, "vismanet_erp_service_api:delete")
	if code, _ := refused(err); code != "invalid_scope" {
		t.Errorf("a scope the app does not have: %v", err)
	}
}

func TestOpaqueAccessTokensWorkToo(t *testing.T) {
	w := newWorld(t, func(o *connectsim.Options) { o.Opaque = true })
	interactive := w.signIn(astrid, nord)
	service, err := w.service(nord)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []*oauth2.Token{interactive, service} {
		if tenant, scopes, ok := w.sim.Check(token.AccessToken); !ok || tenant != nord || len(scopes) == 0 {
			t.Errorf("Check says %s %v %v", tenant, scopes, ok)
		}
	}
	if info, err := w.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(interactive)); err != nil || info.Email != astrid {
		t.Errorf("userinfo is %+v (%v)", info, err)
	}
	for _, nonsense := range []string{"", "x", "a.b.c", interactive.AccessToken + "x"} {
		if _, _, ok := w.sim.Check(nonsense); ok {
			t.Errorf("Check accepts %q", nonsense)
		}
	}
}

func TestAReusedRefreshTokenComesBackUnchanged(t *testing.T) {
	w := newWorld(t, nil)
	token := w.signIn(astrid, nord)
	for range 3 {
		next, err := w.refresh(token.RefreshToken)
		if err != nil || next.RefreshToken != token.RefreshToken || next.AccessToken == token.AccessToken {
			t.Fatalf("the refresh gave %+v (%v)", next, err)
		}
	}
	w.clock.advance(365 * 24 * time.Hour)
	_, err := w.refresh(token.RefreshToken)
	if code, status := refused(err); code != "invalid_grant" || status != 400 {
		t.Errorf("after a year: %d %q", status, code)
	}
}

func TestAOneTimeRefreshTokenIsAcceptedAgainOnlyWithinItsGracePeriod(t *testing.T) {
	w := newWorld(t, func(o *connectsim.Options) {
		o.Refresh = connectsim.RefreshPolicy{OneTime: true, Grace: 60 * time.Second}
	})
	first := w.signIn(astrid, nord).RefreshToken
	second, err := w.refresh(first)
	if err != nil || second.RefreshToken == first {
		t.Fatalf("the refresh gave %v (%v)", second, err)
	}
	w.clock.advance(59 * time.Second)
	if _, err := w.refresh(first); err != nil {
		t.Errorf("within the grace period: %v", err)
	}
	w.clock.advance(time.Second)
	_, err = w.refresh(first)
	if code, _ := refused(err); code != "invalid_grant" {
		t.Errorf("after the grace period: %v", err)
	}
	if _, err := w.refresh(second.RefreshToken); err != nil {
		t.Errorf("the successor: %v", err)
	}
}

func TestOnlyOneOfManySimultaneousRefreshesSucceeds(t *testing.T) {
	w := newWorld(t, func(o *connectsim.Options) { o.Refresh.OneTime = true })
	token := w.signIn(astrid, nord).RefreshToken
	var wg sync.WaitGroup
	through := make(chan bool, 20)
	for range cap(through) {
		wg.Go(func() {
			_, err := w.refresh(token)
			through <- err == nil
		})
	}
	wg.Wait()
	close(through)
	n := 0
	for ok := range through {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d refreshes succeeded, want 1", n)
	}
}

func TestAPolicyAppliesToLaterConsentsOnly(t *testing.T) {
	w := newWorld(t, nil)
	before := w.signIn(astrid, nord).RefreshToken
	w.sim.SetRefreshPolicy(connectsim.RefreshPolicy{OneTime: true}, false)
	if next, err := w.refresh(before); err != nil || next.RefreshToken != before {
		t.Errorf("an earlier consent: %v %v", next, err)
	}
	after := w.signIn(astrid, nord).RefreshToken
	if next, err := w.refresh(after); err != nil || next.RefreshToken == after {
		t.Errorf("a later consent: %v %v", next, err)
	}
}

func TestRevocationEndsAGrantWithItsTokens(t *testing.T) {
	w := newWorld(t, nil)
	token := w.signIn(astrid, nord)
	revoke := func(token, secret string) int {
		form := url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.issuer+"/connect/revocation", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("isv_kvitt", url.QueryEscape(secret))
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := revoke(token.RefreshToken, "wrong"); got != 400 {
		t.Errorf("with a wrong secret the answer is %d", got)
	}
	if _, _, ok := w.sim.Check(token.AccessToken); !ok {
		t.Error("the access token is already invalid")
	}
	if got := revoke(token.RefreshToken, w.app.ClientSecret); got != 200 {
		t.Errorf("the answer is %d", got)
	}
	if _, _, ok := w.sim.Check(token.AccessToken); ok {
		t.Error("the access token is still valid")
	}
	_, err := w.refresh(token.RefreshToken)
	if code, _ := refused(err); code != "invalid_grant" {
		t.Errorf("the refresh token is still valid: %v", err)
	}
	if got := revoke("never heard of", w.app.ClientSecret); got != 200 {
		t.Errorf("an unknown token is answered %d", got)
	}
}

func TestAccessTokensExpireByTheSimulatorsClock(t *testing.T) {
	w := newWorld(t, func(o *connectsim.Options) { o.AccessTokenLife = 10 * time.Minute })
	token, err := w.service(nord)
	if err != nil || token.Extra("expires_in") != float64(600) {
		t.Fatalf("expires_in is %v (%v)", token.Extra("expires_in"), err)
	}
	w.clock.advance(10*time.Minute - time.Second)
	if _, _, ok := w.sim.Check(token.AccessToken); !ok {
		t.Error("the token expired too early")
	}
	w.clock.advance(time.Second)
	if _, _, ok := w.sim.Check(token.AccessToken); ok {
		t.Error("the token did not expire")
	}
}
