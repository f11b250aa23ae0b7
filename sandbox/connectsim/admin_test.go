package connectsim_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kvitt/sandbox/connectsim"
)

func TestRevokingACompanyEndsAllAccessToIt(t *testing.T) {
	w := newWorld(t, nil)
	person := w.signIn(astrid, nord)
	elsewhere := w.signIn(astrid, fjord)
	service, err := w.service(nord)
	if err != nil {
		t.Fatal(err)
	}
	w.sim.Revoke(nord)
	for _, token := range []string{person.AccessToken, service.AccessToken} {
		if _, _, ok := w.sim.Check(token); ok {
			t.Error("an access token is still valid")
		}
	}
	_, err = w.refresh(person.RefreshToken)
	if code, _ := refused(err); code != "invalid_grant" {
		t.Errorf("the refresh: %v", err)
	}
	_, err = w.service(nord)
	if code, _ := refused(err); code != "invalid_tenant" {
		t.Errorf("the service flow: %v", err)
	}
	if _, _, ok := w.sim.Check(elsewhere.AccessToken); !ok {
		t.Error("another company's token is invalid too")
	}
	w.signIn(astrid, nord) // consenting again helps
}

func TestExpiredAccessTokensCanBeRefreshed(t *testing.T) {
	w := newWorld(t, nil)
	token := w.signIn(astrid, nord)
	w.sim.ExpireAccessTokens("")
	if _, _, ok := w.sim.Check(token.AccessToken); ok {
		t.Error("the access token is still valid")
	}
	next, err := w.refresh(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := w.sim.Check(next.AccessToken); !ok {
		t.Error("the new access token is invalid")
	}
}

func TestTheTokenEndpointCanFail(t *testing.T) {
	w := newWorld(t, func(o *connectsim.Options) { o.Refresh.OneTime = true })
	token := w.signIn(astrid, nord).RefreshToken
	w.sim.FailTokens(connectsim.Outage{Times: 2})
	for range 2 {
		if _, status := refused(second(w.refresh(token))); status != 503 {
			t.Errorf("the status is %d", status)
		}
	}
	w.sim.FailTokens(connectsim.Outage{AfterCommit: true})
	if _, err := w.refresh(token); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the error is %v, want a connection reset", err)
	}
	if code, _ := refused(second(w.refresh(token))); code != "invalid_grant" {
		t.Errorf("the token was not used up: %q", code)
	}
	got := w.sim.Counters()
	if got["token.refresh_token"] != 4 || got["token.refresh_token.503"] != 2 || got["token.refresh_token.invalid_grant"] != 1 || got["token.authorization_code"] != 1 || got["consent.allowed"] != 1 {
		t.Errorf("the counters are %v", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheAdminEndpointsWork(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct{ name, body string }{
		{"approvals", `{"client":"isv_kvitt","tenant":"` + fjord + `","approved":true}`},
		{"roles", `{"user":"` + bo + `","tenant":"` + nord + `","api_user":true}`},
		{"refresh-policy", `{"one_time":true,"grace_seconds":5}`},
		{"issuer", `{"parameter":"missing"}`},
	} {
		if status, _ := w.order("POST", c.name, c.body); status != 204 {
			t.Errorf("%s is answered %d", c.name, status)
		}
	}
	if w.consent(bo, nord).Has("iss") {
		t.Error("iss was sent")
	}
	token := w.signIn(bo, nord)
	if next, err := w.refresh(token.RefreshToken); err != nil || next.RefreshToken == token.RefreshToken {
		t.Errorf("the refresh is %v %v", next, err)
	}
	if _, err := w.service(fjord); err != nil {
		t.Error(err)
	}
	w.order("POST", "expire", `{"tenant":"`+nord+`"}`)
	if _, _, ok := w.sim.Check(token.AccessToken); ok {
		t.Error("the access token is still valid")
	}
	w.order("POST", "revoke", `{"tenant":"`+fjord+`"}`)
	if _, err := w.service(fjord); err == nil {
		t.Error("the approval is still in force")
	}
	w.order("POST", "outages", `{"times":1,"status":500}`)
	if _, err := w.service(nord); err == nil {
		t.Error("there was no outage")
	}
	if _, got := w.order("GET", "counters", ""); got["token.client_credentials"] != float64(3) {
		t.Errorf("the counters are %v", got)
	}
	w.order("DELETE", "counters", "")
	if got := w.sim.Counters(); len(got) != 0 {
		t.Errorf("the counters are %v", got)
	}
	if status, _ := w.order("POST", "issuer", `{"parameter":"odd"}`); status != 400 {
		t.Errorf("a parameter that does not exist is answered %d", status)
	}
	if status, _ := w.order("POST", "expire", `nonsense`); status != 400 {
		t.Errorf("nonsense is answered %d", status)
	}
	if got := w.sim.Grants(); len(got) != 1 || got[0].User != bo || got[0].Tenant != nord {
		t.Errorf("the grants are %+v", got)
	}
}

func TestEverythingIsRestoredAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	in := func(o *connectsim.Options) {
		o.Dir, o.Key, o.Opaque = dir, nil, true
		o.Refresh = connectsim.RefreshPolicy{OneTime: true, Grace: time.Minute}
	}
	w := newWorld(t, in)
	token := w.signIn(astrid, nord)
	w.sim.Approve("isv_kvitt", fjord, true)
	w.sim.SetAPIUser(bo, nord, true)

	again := newWorld(t, in)
	if tenant, _, ok := again.sim.Check(token.AccessToken); !ok || tenant != nord {
		t.Errorf("Check says %s %v", tenant, ok)
	}
	if _, err := again.refresh(token.RefreshToken); err != nil {
		t.Error(err)
	}
	if _, err := again.service(fjord); err != nil {
		t.Error(err)
	}
	again.signIn(bo, nord)
	text, err := os.ReadFile(filepath.Join(dir, "connect.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token.RefreshToken, token.AccessToken} {
		if strings.Contains(string(text), secret) {
			t.Error("a token is in the file")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "connect.json"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := connectsim.New(connectsim.Options{Issuer: "http://127.0.0.1:1", Dir: dir}); err == nil {
		t.Error("an unreadable file was ignored")
	}
}

func TestASignedTokenIsValidAfterARestart(t *testing.T) {
	dir := t.TempDir()
	in := func(o *connectsim.Options) { o.Dir, o.Key = dir, nil }
	token := newWorld(t, in).signIn(astrid, nord)
	if _, _, ok := newWorld(t, in).sim.Check(token.AccessToken); !ok {
		t.Error("the signing key was not saved")
	}
}
