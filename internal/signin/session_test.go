package signin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"kvitt/internal/signin"
)

// bytes is the database file, with what SQLite has not moved into it yet.
func (h *house) bytes() string {
	h.t.Helper()
	var all strings.Builder
	path := strings.TrimPrefix(h.url, "sqlite:")
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		all.Write(b)
	}
	if !strings.Contains(all.String(), "anna@example.com") {
		h.t.Fatal("the database cannot be looked through")
	}
	return all.String()
}

func (h *house) logged() string {
	h.t.Helper()
	var all strings.Builder
	for _, e := range h.log.All() {
		b, err := json.Marshal(e.ContextMap())
		if err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintln(&all, e.Message, string(b))
	}
	return all.String()
}

// inside is a browser that is signed in.
func (h *house) inside(email string, role signin.Role) (*browser, signin.Entry) {
	h.t.Helper()
	p := h.known(email, role)
	b := h.browser()
	h.want(b.signIn(email), http.StatusSeeOther, "")
	return b, p
}

func TestACookieFromBeforeTheSignInNeverBecomesASession(t *testing.T) {
	h := newHouse(t)
	attacker, _ := h.inside("mallory@example.com", signin.Viewer)
	h.known("anna@example.com", signin.Administrator)
	for name, planted := range map[string]string{
		"made up": "made-up-by-the-attacker", "the attacker's own": attacker.cookies["__Host-kvitt"],
	} {
		victim := h.browser()
		victim.cookies["__Host-kvitt"] = planted
		h.want(victim.signIn("anna@example.com"), http.StatusSeeOther, "")
		if victim.cookies["__Host-kvitt"] == planted {
			t.Fatalf("%s: the planted cookie became the session", name)
		}
		h.want(victim.get("/people"), http.StatusOK, "anna@example.com")
		attacker.cookies["__Host-kvitt"] = planted
		attacker.out() // and what was planted is good for nothing any more
	}
	// The same by a link.
	victim := h.browser()
	victim.cookies["__Host-kvitt"] = "made-up"
	h.want(victim.post("/signin/link", form("token", h.invite("anna@example.com", signin.Administrator))), http.StatusSeeOther, "")
	if victim.cookies["__Host-kvitt"] == "made-up" {
		t.Error("the planted cookie became the session")
	}
}

func TestEverySignInHasASessionOfItsOwn(t *testing.T) {
	h := newHouse(t)
	b, _ := h.inside("anna@example.com", signin.Viewer)
	first := b.cookies["__Host-kvitt"]
	h.want(b.signIn("anna@example.com"), http.StatusSeeOther, "")
	second := b.cookies["__Host-kvitt"]
	if first == second || len(first) != 43 {
		t.Errorf("the sessions are %q and %q", first, second)
	}
	b.cookies["__Host-kvitt"] = first
	b.out()
}

// A morning of work elsewhere does not end it, and a night does. What a page asks
// by itself is no work.
func TestASessionLivesAWorkingDayInWhichSomethingHappens(t *testing.T) {
	h := newHouse(t)
	b, _ := h.inside("anna@example.com", signin.Viewer)
	h.clock.pass(8 * time.Hour)
	h.want(b.get("/"), http.StatusOK, "anna@example.com")
	b, _ = h.inside("bo@example.com", signin.Viewer)
	h.clock.pass(signin.IdleLife - time.Minute)
	h.want(b.get("/", func(r *http.Request) { r.Header.Set(signin.PollHeader, "1") }), http.StatusOK, "bo@example.com")
	h.clock.pass(time.Minute)
	b.out()
	b, _ = h.inside("carl@example.com", signin.Viewer)
	h.clock.pass(signin.IdleLife)
	b.out()
	a := b.get("/signin")
	h.want(a, http.StatusOK, "problem=expired")
	h.want(b.get("/signin"), http.StatusOK, "problem= ") // said once
}

func TestASessionEndsAfterTwelveHoursWhateverHappens(t *testing.T) {
	h := newHouse(t)
	b, _ := h.inside("anna@example.com", signin.Viewer)
	const step = 15 * time.Minute
	for passed := step; passed < signin.SessionLife; passed += step {
		h.clock.pass(step)
		h.want(b.get("/"), http.StatusOK, "anna@example.com")
	}
	h.clock.pass(step)
	b.out()
}

func TestThatASessionWasSeenIsWrittenOnceAMinute(t *testing.T) {
	h := newHouse(t)
	h.inside("anna@example.com", signin.Viewer)
	b, _ := h.inside("bo@example.com", signin.Viewer)
	h.clock.pass(59 * time.Second)
	h.want(b.get("/"), http.StatusOK, "")
	h.clock.pass(signin.IdleLife - 59*time.Second)
	b.out() // not written, so it counts from the sign-in
	b, _ = h.inside("bo@example.com", signin.Viewer)
	h.clock.pass(time.Minute)
	h.want(b.get("/"), http.StatusOK, "")
	h.clock.pass(signin.IdleLife - time.Second)
	h.want(b.get("/"), http.StatusOK, "bo@example.com")
}

func TestSessionsThatAreOverAreSwept(t *testing.T) {
	h := newHouse(t)
	old, _ := h.inside("anna@example.com", signin.Viewer)
	h.clock.pass(signin.IdleLife)
	h.inside("bo@example.com", signin.Viewer)
	n, err := h.store.SweepSignIns(t.Context(), h.clock.Now(), h.clock.Now().Add(-signin.SessionLife), h.clock.Now().Add(-signin.IdleLife), h.clock.Now())
	if err != nil || n != 0 {
		t.Errorf("signing in left %d for the sweep (%v)", n, err)
	}
	old.out()
}

func TestSigningOutEndsTheSession(t *testing.T) {
	h := newHouse(t)
	b, _ := h.inside("anna@example.com", signin.Viewer)
	id := b.cookies["__Host-kvitt"]
	if a := b.get("/signout"); a.body != "anna@example.com as viewer (true) at /signout" { // a page like any other, which does nothing
		t.Errorf("GET /signout: %d %s", a.status, a.body)
	}
	a := b.post("/signout", nil)
	if a.status != http.StatusSeeOther || a.to() != "/signin" || len(b.cookies) != 0 {
		t.Errorf("signing out: %d to %s, cookies %v", a.status, a.to(), b.cookies)
	}
	b.cookies["__Host-kvitt"] = id
	b.out()
	if got := h.lastEntry(); got != "anna@example.com person.signed_out" {
		t.Errorf("the trail ends with %s", got)
	}
	a = b.post("/signout", nil, as("HX-Request", "true"))
	if a.status != http.StatusOK || a.header.Get("HX-Redirect") != "/signin" {
		t.Errorf("signing out with htmx: %d, %v", a.status, a.header)
	}
}

func TestWhoIsDisabledIsOutAtTheNextRequest(t *testing.T) {
	h := newHouse(t)
	b, p := h.inside("anna@example.com", signin.Viewer)
	h.known("root@example.com", signin.Administrator)
	token := h.invite("anna@example.com", signin.Viewer)
	if _, err := h.gate.Disable(t.Context(), root, p.ID); err != nil {
		t.Fatal(err)
	}
	b.out()
	h.want(b.post("/signin/link", form("token", token)), http.StatusNotFound, "problem=link_unknown")
	if _, err := h.gate.Enable(t.Context(), root, p.ID); err != nil {
		t.Fatal(err)
	}
	b.out() // the session does not come back
}

func TestAnotherRoleHoldsFromTheNextRequestOn(t *testing.T) {
	h := newHouse(t)
	b, p := h.inside("anna@example.com", signin.Viewer)
	h.want(b.get("/approve"), http.StatusForbidden, "forbidden: anna@example.com needs approver")
	for _, c := range []struct {
		role            signin.Role
		approve, people int
	}{
		{signin.Administrator, 200, 200}, {signin.Approver, 200, 403}, {signin.Viewer, 403, 403},
	} {
		h.known("root@example.com", signin.Administrator)
		if _, err := h.gate.SetRole(t.Context(), root, p.ID, c.role); err != nil {
			t.Fatal(err)
		}
		h.want(b.get("/"), http.StatusOK, string(c.role))
		h.want(b.get("/approve"), c.approve, "")
		h.want(b.get("/people"), c.people, "")
	}
}

func TestWhoIsNotSignedInIsAskedTo(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	for _, c := range []struct {
		method, target string
		change         []func(*http.Request)
		status         int
		to, htmx       string
	}{
		{"GET", "/", nil, 303, "/signin", ""},
		{"HEAD", "/payouts", nil, 303, "/signin?next=%2Fpayouts", ""},
		{"GET", "/payouts?state=held", nil, 303, "/signin?next=%2Fpayouts%3Fstate%3Dheld", ""},
		{"GET", "/signin-help", nil, 303, "/signin?next=%2Fsignin-help", ""},
		{"POST", "/payouts", nil, 401, "", ""},
		{"DELETE", "/payouts", nil, 401, "", ""},
		{"GET", "/part", []func(*http.Request){as("HX-Request", "true"), as("HX-Current-URL", publicURL+"/payouts?state=held")}, 401, "", "/signin?next=%2Fpayouts%3Fstate%3Dheld"},
		{"POST", "/part", []func(*http.Request){as("HX-Request", "true"), as("HX-Current-URL", "https://evil.example.com/payouts")}, 401, "", "/signin"},
		{"POST", "/part", []func(*http.Request){as("HX-Request", "true")}, 401, "", "/signin"},
	} {
		a := b.do(c.method, c.target, nil, c.change...)
		if a.status != c.status || a.to() != c.to || a.header.Get("HX-Redirect") != c.htmx {
			t.Errorf("%s %s: %d to %q, htmx %q", c.method, c.target, a.status, a.to(), a.header.Get("HX-Redirect"))
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s may be kept in a cache", c.method, c.target)
		}
	}
	in, _ := h.inside("anna@example.com", signin.Viewer)
	h.clock.pass(signin.IdleLife)
	h.want(in.post("/payouts", nil), http.StatusUnauthorized, "problem=expired")
}

func TestAPortalWithAPathIsReachedUnderIt(t *testing.T) {
	h := newHouse(t, func(o *signin.Options) { o.PublicURL = publicURL + "/kvitt/"; o.OIDC = signin.OIDC{} })
	b := h.browser()
	if a := b.get("/payouts"); a.to() != "/kvitt/signin?next=%2Fpayouts" {
		t.Errorf("sent to %s", a.to())
	}
	link, err := h.gate.Invite(t.Context(), root, "anna@example.com", "", signin.Viewer)
	if err != nil || !strings.HasPrefix(link, publicURL+"/kvitt/signin/link#") {
		t.Fatal(link, err)
	}
	if a := b.post("/signin/link", form("token", link)); a.to() != "/kvitt/" {
		t.Errorf("sent to %s", a.to())
	}
	if a := b.get("/signin?next=/payouts"); a.to() != "/kvitt/payouts" {
		t.Errorf("sent to %s", a.to())
	}
}

func TestNextNeverLeadsToAnotherSite(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "anna@example.com"
	for wish, want := range map[string]string{
		"/payouts":                      "/payouts",
		"/payouts?state=held&x=//y#z":   "/payouts?state=held&x=//y#z",
		"":                              "/",
		"payouts":                       "/",
		"//evil.example.com":            "/",
		"///evil.example.com":           "/",
		`/\evil.example.com`:            "/",
		`\\evil.example.com`:            "/",
		`/x\..\evil`:                    "/",
		"https://evil.example.com":      "/",
		"https:/evil.example.com":       "/",
		"javascript:alert(1)":           "/",
		"/\t/evil.example.com":          "/",
		"/\n/evil.example.com":          "/",
		"\t//evil.example.com":          "/",
		" //evil.example.com":           "/",
		"/\x00/evil.example.com":        "/",
		"/%":                            "/",
		"/signin":                       "/",
		"/signin/oidc":                  "/",
		"/signout":                      "/",
		"/" + strings.Repeat("x", 2000): "/",
	} {
		b := h.browser()
		b.from = fmt.Sprintf("198.51.100.%d:1", len(wish)%250)
		h.clock.pass(time.Minute)
		target := "/signin/oidc?" + form("next", wish).Encode()
		if a := b.get(b.atProvider(target)); a.to() != want {
			t.Errorf("%q led to %q after the sign-in, want %q", wish, a.to(), want)
		}
		if a := b.get("/signin?" + form("next", wish).Encode()); a.to() != want {
			t.Errorf("%q led to %q, want %q", wish, a.to(), want)
		}
	}
}
