package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"

	"kvitt/internal/config"
	"kvitt/internal/signin"
	"kvitt/internal/store"
)

// hall is a portal with nothing behind its doors.
type hall struct {
	http.Handler
	gate  *signin.Gate
	store *store.Store
}

func newHall(t *testing.T) (*hall, *Portal) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Config: &config.Config{PublicURL: "http://127.0.0.1:8088", VismaConnectURL: "https://connect.visma.com"}, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	p.pages.missing = func(key string) error { return fmt.Errorf("the pages have no words %q", key) }
	if p.Gate, err = signin.New(signin.Options{Store: s, PublicURL: p.Config.PublicURL, Pages: p}); err != nil {
		t.Fatal(err)
	}
	return &hall{Handler: p.Handler(nil), gate: p.Gate, store: s}, p
}

// session signs somebody with a role in.
func (h *hall) session(t *testing.T, role signin.Role) string {
	t.Helper()
	var link string // that nobody else has seen
	err := h.gate.InviteByMail(t.Context(), signin.Person{Email: "root@example.com", Role: signin.Administrator}, string(role)+"@example.com", "", role,
		func(_ context.Context, _, sent string) error { link = sent; return nil })
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "#")
	answer := h.ask(http.MethodPost, "/signin/link", "", url.Values{"token": {token}})
	for _, c := range answer.Result().Cookies() {
		if c.Name == "__Host-kvitt" && c.Value != "" {
			return c.Value
		}
	}
	t.Fatalf("no session for a %s: %d %s", role, answer.Code, answer.Body)
	return ""
}

func (h *hall) ask(method, path, session string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8088"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: session})
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// address is a path that a route serves.
func (one route) address() (method, path string) {
	method, path, _ = strings.Cut(one.pattern, " ")
	return method, wildcard.ReplaceAllString(strings.ReplaceAll(path, "{$}", ""), "x")
}

func TestEveryRouteIsShutForWhoHasTooLittleOfARole(t *testing.T) {
	h, p := newHall(t)
	sessions := map[signin.Role]string{}
	for _, role := range signin.Roles() {
		sessions[role] = h.session(t, role)
	}
	for _, one := range p.routes() {
		method, path := one.address()
		if got := h.ask(method, path, "", nil).Code; got != http.StatusSeeOther && got != http.StatusUnauthorized {
			t.Errorf("%s without a session is answered %d", one.pattern, got)
		}
		for role, session := range sessions {
			if role.Allows(one.need) {
				continue
			}
			if got := h.ask(method, path, session, nil).Code; got != http.StatusForbidden {
				t.Errorf("%s for a %s is answered %d", one.pattern, role, got)
			}
		}
	}
}

// A trial is a POST because it sends files, and staying signed in because a link
// must not do it; they change nothing.
func TestWhatChangesSomethingTakesMoreThanAViewerAndIsAPost(t *testing.T) {
	_, p := newHall(t)
	for _, one := range p.routes() {
		if method, path := one.address(); method == http.MethodPost && path != tryPath && path != "/session" && !one.need.Allows(signin.Approver) {
			t.Errorf("%s is open to a %s", one.pattern, one.need)
		}
	}
}

func TestAPostFromAnotherSiteIsRefusedOnEveryRoute(t *testing.T) {
	h, p := newHall(t)
	session := h.session(t, signin.Administrator)
	for _, one := range p.routes() {
		method, path := one.address()
		if method != http.MethodPost {
			continue
		}
		r := httptest.NewRequest(method, "http://127.0.0.1:8088"+path, http.NoBody)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: session})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s from another site is answered %d", one.pattern, w.Code)
		}
	}
}
