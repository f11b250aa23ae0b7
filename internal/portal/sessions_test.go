package portal

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/internal/signin"
)

// Each of these routes asks somebody whose session is older than the limit to sign
// in again, and does nothing.
func TestWhatTakesAFreshSignInAsksForOne(t *testing.T) {
	h, p := newHall(t)
	now := time.Now()
	var err error
	if p.Gate, err = signin.New(signin.Options{Store: h.store, PublicURL: p.Config.PublicURL, Pages: p, Now: func() time.Time { return now }}); err != nil {
		t.Fatal(err)
	}
	h.gate, h.Handler = p.Gate, p.Handler(nil)
	session := h.session(t, signin.Administrator)
	routes := p.routes()
	for pattern := range takesFresh {
		if !slices.ContainsFunc(routes, func(one route) bool { return one.pattern == pattern }) {
			t.Errorf("there is no route %s", pattern)
		}
	}
	now = now.Add(signin.FreshFor)
	for _, one := range routes {
		if !takesFresh[one.pattern] {
			continue
		}
		method, path := one.address()
		got := h.ask(method, path, session, url.Values{"do": {"disable"}})
		switch {
		case method == http.MethodGet && (got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/signin?again=1&next=")):
			t.Errorf("%s is answered %d", one.pattern, got.Code)
		case method == http.MethodPost && (got.Code != http.StatusUnauthorized || !strings.Contains(got.Body.String(), "last 15 minutes")):
			t.Errorf("%s is answered %d %s", one.pattern, got.Code, got.Body)
		}
	}
	// Without a provider the page says how a new link comes; by mail too, if there is
	// mail, to the person alone.
	page := func() string {
		return h.ask(http.MethodGet, "/signin?again=1&next=%2Fpeople", session, nil).Body.String()
	}
	if body := page(); !strings.Contains(body, "starter portal invite EMAIL") || strings.Contains(body, "/session/link") {
		t.Errorf("%s", body)
	}
	if got := h.ask(http.MethodPost, "/session/link", session, nil); got.Code != http.StatusNotFound {
		t.Errorf("without mail a link is answered %d", got.Code)
	}
	var letters []string
	p.Mail = func(_ context.Context, to, _, text string) error {
		letters = append(letters, to+" "+text)
		return nil
	}
	if body := page(); !strings.Contains(body, `action="/session/link"`) {
		t.Errorf("%s", body)
	}
	got := h.ask(http.MethodPost, "/session/link", session, url.Values{"next": {"/people"}})
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/signin?again=1&done=mailed&next=%2Fpeople" || len(letters) != 1 || !strings.HasPrefix(letters[0], "administrator@example.com ") {
		t.Fatalf("%d to %s, %v", got.Code, got.Header().Get("Location"), letters)
	}
	_, token, _ := strings.Cut(letters[0], "/signin/link#")
	token, _, _ = strings.Cut(token, "\n")
	if got := h.ask(http.MethodPost, "/signin/link", session, url.Values{"token": {strings.TrimSpace(token)}}); got.Code != http.StatusSeeOther {
		t.Errorf("the link is answered %d", got.Code)
	}
}

func TestOnesOwnSessionsAreListedAndEndedInThreeLanguages(t *testing.T) {
	h, _ := newHall(t)
	first, second, other := h.session(t, signin.Viewer), h.session(t, signin.Viewer), h.session(t, signin.Approver)
	for tag, words := range map[string]string{"en": "Your sessions", "sv": "Dina sessioner", "nb": "Dine økter"} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8088/sessions", http.NoBody)
		r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: second})
		r.AddCookie(&http.Cookie{Name: languageCookie, Value: tag})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body := w.Body.String()
		if !strings.Contains(body, words) {
			t.Errorf("%s: %s", tag, body)
		}
		if n := strings.Count(body, `name="session" value="`); n != 2 { // the other one, and all others
			t.Errorf("%s: %d sessions can be ended", tag, n)
		}
	}
	if got := h.ask(http.MethodPost, "/sessions", second, url.Values{"session": {"others"}}); got.Code != http.StatusSeeOther {
		t.Errorf("it is answered %d", got.Code)
	}
	for session, want := range map[string]int{first: http.StatusSeeOther, second: http.StatusOK, other: http.StatusOK} {
		if got := h.ask(http.MethodGet, "/sessions", session, nil).Code; got != want {
			t.Errorf("a session is answered %d, want %d", got, want)
		}
	}
}
