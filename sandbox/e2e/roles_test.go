package e2e_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// People sign in at an OpenID Connect provider, see what their role lets them
// see, and are signed out when nothing happens for too long.
func TestPeopleSignInAtTheProviderAndDoWhatTheirRoleAllows(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	w.invite(t, "anna@example.com", "viewer") // whoever she was before
	payouts := days(t, "2026-05-04", 1)
	h := w.house(t, plan{payouts: payouts, posting: "review"})
	w.starter(t, h.backfill("2026-05-01", "2026-05-31")...).with(t, 3)
	waiting := "/connections/" + h.id + "/payouts/" + payouts[0].PaymentReference

	p := w.sits(t, "en")
	p.name = "roles"
	p.must(p.SetCookie("http://"+w.Portal, "__Host-kvitt", "a session that somebody planted"))
	p.open(waiting, 200)
	p.sees("signin", "Sign in with Visma Connect")
	p.goes("Sign in with Visma Connect")
	p.signsInAtTheProvider("anna@example.com")
	p.sees("viewer", payouts[0].PaymentReference, "anna@example.com viewer")
	if at := p.Address(); !strings.HasSuffix(at, waiting) {
		t.Errorf("after signing in the browser is at %s", at)
	}
	if strings.Contains(p.Text(), "Approve this voucher") {
		t.Error("a viewer is offered to approve")
	}
	cookies, err := p.Cookies("http://" + w.Portal)
	p.must(err)
	for _, c := range cookies {
		if c.Name == "__Host-kvitt" && (c.Value == "a session that somebody planted" || !c.HTTPOnly || !c.Secure) {
			t.Errorf("the session's cookie: %+v", c)
		}
	}
	p.open("/people", 403)
	p.sees("forbidden", "Access denied", "administrator")

	database, err := sql.Open("sqlite", filepath.Join(w.Dir, "kvitt.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	w.invite(t, "anna@example.com", "approver")
	p.open(waiting, 200)
	p.sees("still-viewer", "anna@example.com viewer") // who is known keeps their role
	if _, err := database.ExecContext(t.Context(), "UPDATE people SET role = 'approver' WHERE email = 'anna@example.com'"); err != nil {
		t.Fatal(err)
	}
	p.open(waiting, 200)
	p.sees("approver", "Approve this voucher and post it")
	p.open("/connections/"+h.id+"/klarna", 403)

	half := time.Now().Add(-9*time.Hour - time.Minute).UnixMicro()
	if _, err := database.ExecContext(t.Context(), "UPDATE sessions SET seen_at = $1 WHERE person_id = (SELECT id FROM people WHERE email = 'anna@example.com')", half); err != nil {
		t.Fatal(err)
	}
	p.open(waiting, 200)
	p.sees("expired", "You were signed out.", "Sign in again.")
}

// What comes from another site, or from nobody who is signed in, is refused.
func TestTheDoorsOfThePortalStayShut(t *testing.T) {
	t.Parallel()
	p := administrator(t, "en")
	w := p.world
	cookies, err := p.Cookies("http://" + w.Portal)
	p.must(err)
	session := ""
	for _, c := range cookies {
		if c.Name == "__Host-kvitt" {
			session = c.Value
		}
	}
	if session == "" {
		t.Fatal("there is no session")
	}
	ask := func(method, path string, header http.Header, form url.Values) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.Portal+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	mine := func(more ...string) http.Header {
		h := http.Header{"Cookie": {"__Host-kvitt=" + session}}
		for i := 0; i+1 < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	invite := url.Values{"email": {"mallory@example.com"}, "role": {"administrator"}}
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"from another site, as browsers say":      {mine("Sec-Fetch-Site", "cross-site"), 403},
		"from another origin, as old browsers do": {mine("Origin", "https://evil.example"), 403},
		"from nobody":            {http.Header{}, 401},
		"with a made-up session": {http.Header{"Cookie": {"__Host-kvitt=made-up"}}, 401},
		"from here":              {mine("Sec-Fetch-Site", "same-origin"), 200},
	} {
		if got := ask("POST", "/people", c.header, invite); got.StatusCode != c.status {
			t.Errorf("a post %s is answered %s, want %d", name, got.Status, c.status)
		}
	}
	for _, next := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "/%5cevil.example", "javascript:alert(1)"} {
		if got := ask("GET", "/language?to=sv&back="+url.QueryEscape(next), http.Header{}, nil).Header.Get("Location"); !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.HasPrefix(got, "/\\") {
			t.Errorf("back to %q leads to %q", next, got)
		}
	}
	got := ask("GET", "/connections", mine(), nil)
	policy := got.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the content security policy %q lacks %s", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", got.Header)
	}
}
