package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kvitt/internal/signin"
)

// What takes a fresh sign-in sends who has an older one to sign in first, at the
// provider as well, and then back.
func TestAnOldSessionSignsInAgainFirstAndComesBack(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Administrator)
	b := h.browser()
	b.signIn("anna@example.com")
	h.clock.pass(signin.FreshFor - time.Second)
	h.want(b.get("/fresh"), http.StatusOK, "fresh by GET")

	h.clock.pass(time.Second)
	h.want(b.get("/people"), http.StatusOK, "anna@example.com") // the rest goes on
	a := b.get("/fresh?x=1")
	if h.want(a, http.StatusSeeOther, ""); a.to() != "/signin?again=1&next=%2Ffresh%3Fx%3D1" {
		t.Fatalf("it leads to %s", a.to())
	}
	h.want(b.get(a.to()), http.StatusOK, "start=/signin/oidc?again=1&next=%2Ffresh%3Fx%3D1 problem=stale")
	h.want(b.post("/fresh", url.Values{}, as("Referer", publicURL+"/people")), http.StatusUnauthorized, "next=%2Fpeople problem=stale email= next=/people")
	if a := b.get("/fresh", as("HX-Request", "true"), as("HX-Current-URL", publicURL+"/people")); a.header.Get("HX-Redirect") != "/signin?again=1&next=%2Fpeople" {
		t.Errorf("htmx is led to %q", a.header.Get("HX-Redirect"))
	}

	to := b.get("/signin/oidc?again=1&next=%2Ffresh").to()
	if u, err := url.Parse(to); err != nil || u.Query().Get("prompt") != "login" || u.Query().Get("max_age") != "0" {
		t.Errorf("the provider is asked by %s", to)
	}
	if a := b.get(h.op.authorize(to)); a.to() != "/fresh" {
		t.Fatalf("it comes back to %s: %d %s", a.to(), a.status, a.body)
	}
	h.want(b.get("/fresh"), http.StatusOK, "fresh by GET")
	h.want(b.post("/fresh", url.Values{}), http.StatusOK, "fresh by POST")
	if a := b.get("/signin?again=1&next=%2Ffresh"); a.to() != "/fresh" {
		t.Errorf("who is fresh is asked once more: %d %s", a.status, a.body)
	}
}

// A provider that lets somebody in without asking says so in auth_time: then
// nobody is fresh by it.
func TestAProviderThatDidNotAskMakesNobodyFresh(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Administrator)
	asked := h.clock.Now().Add(-time.Hour)
	h.op.token = func(claims map[string]any) { claims["auth_time"] = asked.Unix() }
	b := h.browser()
	h.want(b.signIn("anna@example.com"), http.StatusSeeOther, "")
	h.want(b.get("/people"), http.StatusOK, "anna@example.com")
	h.want(b.get("/fresh"), http.StatusSeeOther, "")
	h.want(b.get(b.atProvider("/signin/oidc?again=1&next=%2Ffresh")), http.StatusForbidden, "problem=not_again")
	h.want(b.get("/fresh"), http.StatusSeeOther, "")
	if got := h.trail(); strings.Count(strings.Join(got, "\n"), "signed_in") != 1 {
		t.Errorf("%v", got)
	}
	asked = h.clock.Now()
	h.want(b.get(b.atProvider("/signin/oidc?again=1&next=%2Ffresh")), http.StatusSeeOther, "")
	h.want(b.get("/fresh"), http.StatusOK, "fresh by GET")
}

// Without a provider a new one-time link does it, and leads back in the browser
// that asked.
func TestANewLinkIsAFreshSignIn(t *testing.T) {
	h := newHouse(t, func(o *signin.Options) { o.OIDC = signin.OIDC{} })
	b := h.browser()
	h.want(b.post("/signin/link", url.Values{"token": {h.invite("anna@example.com", signin.Administrator)}}), http.StatusSeeOther, "")
	h.clock.pass(signin.FreshFor)
	h.want(b.get(b.get("/fresh?x=1").to()), http.StatusOK, "problem=stale")
	token := h.invite("anna@example.com", signin.Administrator)
	if a := b.post("/signin/link", url.Values{"token": {token}}); a.to() != "/fresh?x=1" {
		t.Fatalf("it comes back to %s", a.to())
	}
	h.want(b.get("/fresh"), http.StatusOK, "fresh by GET")
	if _, waits := b.cookies["__Host-kvitt-next"]; waits {
		t.Error("where to go is remembered for the next link too")
	}
	// What a cookie says leads to no other site.
	b.cookies["__Host-kvitt-next"] = url.QueryEscape("//evil.example.com/x")
	if a := b.post("/signin/link", url.Values{"token": {h.invite("anna@example.com", signin.Administrator)}}); a.to() != "/" {
		t.Errorf("it leads to %s", a.to())
	}
}

func TestAPersonSeesAndEndsTheirOwnSessionsOnly(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.known("bo@example.com", signin.Viewer)
	one, two, other := h.browser(), h.browser(), h.browser()
	one.signIn("anna@example.com")
	h.clock.pass(time.Minute)
	two.from = "198.51.100.9:1"
	two.signIn("anna@example.com")
	other.signIn("bo@example.com")
	lines := strings.Split(strings.TrimSpace(two.get("/sessions").body), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "198.51.100.9 true") || !strings.HasSuffix(lines[1], "192.0.2.7 false") {
		t.Fatalf("%v", lines)
	}
	first, _, _ := strings.Cut(lines[1], " ")
	other.get("/sessions?end=" + first)
	h.want(one.get("/"), http.StatusOK, "anna@example.com") // nobody else ends it
	two.get("/sessions?end=" + first)
	one.out()
	if got := h.lastEntry(); !strings.HasPrefix(got, "anna@example.com person.signed_out") {
		t.Errorf("the trail says %q", got)
	}
	one.signIn("anna@example.com")
	two.get("/sessions?end=others")
	one.out()
	h.want(two.get("/"), http.StatusOK, "anna@example.com")
	h.want(other.get("/"), http.StatusOK, "bo@example.com")
	// What is over is not listed.
	h.clock.pass(signin.IdleLife)
	two.signIn("anna@example.com")
	if lines := strings.Split(strings.TrimSpace(two.get("/sessions").body), "\n"); len(lines) != 1 {
		t.Errorf("%v", lines)
	}
}
