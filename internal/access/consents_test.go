package access_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/fault"
	"kvitt/internal/store"
	"kvitt/internal/visma/connect"
)

const (
	redirect = "https://kvitt.example/connect/visma/callback"
	session  = "session-of-anna"
)

// begin begins a consent and plays the person who approves it: it returns the parameters sent to Visma
// Connect, and those of the callback.
func begin(t *testing.T, h *house, c *access.Consents) (asked, callback url.Values) {
	t.Helper()
	address, err := c.Begin(t.Context(), "c1", session, redirect)
	must(t, err)
	u, err := url.Parse(address)
	must(t, err)
	asked = u.Query()
	h.at.mu.Lock()
	defer h.at.mu.Unlock()
	h.at.claims["nonce"] = asked.Get("nonce")
	return asked, url.Values{"state": {asked.Get("state")}, "code": {"code-1"}, "iss": {h.at.URL}}
}

func wantCode(t *testing.T, err error, code access.ConsentCode) *access.ConsentError {
	t.Helper()
	var e *access.ConsentError
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("the error is %v, want the code %s", err, code)
	}
	return e
}

func TestAFinishedConsentGivesTheSessionThatBeganItAGrant(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		c := h.doors.Consents()
		asked, callback := begin(t, h, c)
		if asked.Get("code_challenge_method") != "S256" || asked.Get("redirect_uri") != redirect || asked.Get("code_verifier") != "" {
			t.Errorf("Visma Connect was asked for %v", asked)
		}
		connection, grant, who, err := c.Finish(t.Context(), session, callback)
		must(t, err)
		if connection != "c1" || grant.RefreshToken == "" || who.Email != "astrid@example.com" {
			t.Errorf("%s, %s, %+v", connection, grant, who)
		}
		sent := h.at.forms[0]
		if sent.Get("redirect_uri") != redirect || len(sent.Get("code_verifier")) < 43 {
			t.Errorf("the token request was %v", sent)
		}
		if _, _, _, err := c.Finish(t.Context(), session, callback); err == nil {
			t.Fatal("the callback was accepted twice")
		} else if e := wantCode(t, err, access.ConsentUnknown); e.Connection != "" {
			t.Errorf("%+v", e)
		}
		if n := h.at.count("/token"); n != 1 {
			t.Errorf("%d codes were sent", n)
		}
	})
}

func TestOnlyOneOfTwoSimultaneousCallbacksIsAccepted(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		_, callback := begin(t, h, h.doors.Consents())
		var all sync.WaitGroup
		results := make(chan error, 8)
		for range 8 {
			all.Go(func() {
				_, _, _, err := h.doors.Consents().Finish(t.Context(), session, callback)
				results <- err
			})
		}
		all.Wait()
		close(results)
		good := 0
		for err := range results {
			if err == nil {
				good++
				continue
			}
			wantCode(t, err, access.ConsentUnknown)
		}
		if good != 1 || h.at.count("/token") != 1 {
			t.Errorf("%d were accepted, %d codes were sent", good, h.at.count("/token"))
		}
	})
}

func TestEachReasonThatAConsentFailedHasItsCode(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *house, c *access.Consents, callback url.Values)
		by     string // another session
		code   access.ConsentCode
		sent   int // codes
	}{
		"another session": {by: "session-of-bo", code: access.ConsentOtherSession},
		"no session":      {by: "-", code: access.ConsentOtherSession},
		"forged state":    {change: func(_ *house, _ *access.Consents, q url.Values) { q.Set("state", "forged") }, code: access.ConsentUnknown},
		"no state":        {change: func(_ *house, _ *access.Consents, q url.Values) { q.Del("state") }, code: access.ConsentUnknown},
		"too late": {change: func(_ *house, c *access.Consents, _ url.Values) {
			c.Now = func() time.Time { return time.Now().Add(c.Life) }
		}, code: access.ConsentExpired},
		"declined":    {change: func(_ *house, _ *access.Consents, q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, code: access.ConsentDenied},
		"no iss":      {change: func(_ *house, _ *access.Consents, q url.Values) { q.Del("iss") }, code: access.ConsentIssuerMissing},
		"another iss": {change: func(_ *house, _ *access.Consents, q url.Values) { q.Set("iss", "https://evil.example") }, code: access.ConsentIssuerWrong},
		"two codes":   {change: func(_ *house, _ *access.Consents, q url.Values) { q.Add("code", "stolen") }, code: access.ConsentFailed},
		"no role":     {change: func(h *house, _ *access.Consents, _ url.Values) { h.at.refuse["authorization_code"] = "invalid_tenant" }, code: access.ConsentTenant, sent: 1},
		"used code":   {change: func(h *house, _ *access.Consents, _ url.Values) { h.at.refuse["authorization_code"] = "invalid_grant" }, code: access.ConsentFailed, sent: 1},
		"too little": {change: func(h *house, _ *access.Consents, _ url.Values) {
			h.at.scope = "openid vismanet_erp_interactive_api:read"
		}, code: access.ConsentScope, sent: 1},
		"unreachable":   {change: func(h *house, _ *access.Consents, _ url.Values) { h.at.broken["/token"] = http.StatusBadGateway }, code: access.ConsentUnreachable, sent: 1},
		"another nonce": {change: func(h *house, _ *access.Consents, _ url.Values) { h.at.claims["nonce"] = "other" }, code: access.ConsentFailed, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, "sqlite:"+t.TempDir()+"/kvitt.db")
			consents := h.doors.Consents()
			_, callback := begin(t, h, consents)
			if c.change != nil {
				c.change(h, consents, callback)
			}
			by := session
			if c.by != "" {
				by = strings.TrimPrefix(c.by, "-")
			}
			_, grant, _, err := consents.Finish(t.Context(), by, callback)
			e := wantCode(t, err, c.code)
			if grant != (connect.Grant{}) || h.at.count("/token") != c.sent {
				t.Errorf("%s, %d codes were sent", grant, h.at.count("/token"))
			}
			if known := fault.As(err) != nil; known != (e.Connection != "") {
				t.Errorf("%+v", e)
			}
			if c.code == access.ConsentUnknown {
				return // the consent that was begun is still waiting
			}
			consents.Now = time.Now
			_, _, _, err = consents.Finish(t.Context(), session, callback)
			wantCode(t, err, access.ConsentUnknown) // whatever the result, it is used up
		})
	}
}

func TestAConsentNeedsVismaConnectASessionAndAConnection(t *testing.T) {
	h := newHouse(t, "sqlite:"+t.TempDir()+"/kvitt.db")
	c := h.doors.Consents()
	if _, err := c.Begin(t.Context(), "c1", "", redirect); err == nil {
		t.Error("it began without a session")
	}
	if _, err := c.Begin(t.Context(), "c9", session, redirect); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("for no connection: %v", err)
	}
	if _, err := c.Begin(t.Context(), "c1", session, "http://kvitt.example/connect/visma/callback"); err == nil {
		t.Error("the callback would come in clear text")
	}
	down := newHouse(t, "sqlite:"+t.TempDir()+"/kvitt.db")
	down.at.broken["/.well-known/openid-configuration"] = http.StatusServiceUnavailable
	_, err := down.doors.Consents().Begin(t.Context(), "c1", session, redirect)
	wantCode(t, err, access.ConsentUnreachable)
}

func TestAWaitingConsentIsSealedAndSwept(t *testing.T) {
	dir := t.TempDir()
	h := newHouse(t, "sqlite:"+dir+"/kvitt.db")
	c := h.doors.Consents()
	asked, callback := begin(t, h, c)
	kept := ""
	for _, name := range []string{"/kvitt.db", "/kvitt.db-wal"} {
		b, err := os.ReadFile(dir + name)
		must(t, err)
		kept += string(b)
	}
	for _, secret := range []string{asked.Get("state"), asked.Get("nonce"), session, "verifier"} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q is in the database in clear text", secret)
		}
	}
	if b, err := json.Marshal(asked); err != nil || strings.Contains(string(b), "verifier") {
		t.Errorf("the browser was sent %s", b)
	}
	c.Now = func() time.Time { return time.Now().Add(3 * c.Life) }
	begin(t, h, c) // the next one sweeps
	c.Now = time.Now
	_, _, _, err := c.Finish(t.Context(), session, callback)
	wantCode(t, err, access.ConsentUnknown)
}
