package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"kvitt/internal/web"
)

func TestARefusalIsLoggedWithWhoAndWhatAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		kind   web.Kind
		why    string
	}{
		"401":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, web.SignIn, ""},
		"403":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, web.Role, ""},
		"413":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) }, web.Size, ""},
		"429":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, web.Rate, ""},
		"a page":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, "", ""},
		"missing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "", ""},
		"a link": {func(w http.ResponseWriter, r *http.Request) {
			web.Because(r.Context(), web.SignIn, "link_used")
			web.Because(r.Context(), web.Role, "later")
			w.WriteHeader(http.StatusGone)
		}, web.SignIn, "link_used"},
	} {
		core, logs := observer.New(zap.InfoLevel)
		before := counted(t, "x", c.kind)
		h := web.Watch("x", zap.New(core), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			web.By(r.Context(), "anna@example.com")
			c.answer(w, r)
		}))
		r := httptest.NewRequest(http.MethodPost, "/people?secret=1", http.NoBody)
		h.ServeHTTP(httptest.NewRecorder(), r)
		logged := logs.FilterMessage("refused").All()
		if c.kind == "" {
			if len(logged) != 0 {
				t.Errorf("%s: %v", name, logged)
			}
			continue
		}
		if len(logged) != 1 || counted(t, "x", c.kind) != before+1 {
			t.Errorf("%s: %v, counted %v", name, logged, counted(t, "x", c.kind))
			continue
		}
		got := logged[0].ContextMap()
		for field, want := range map[string]any{"who": "anna@example.com", "path": "/people", "method": "POST", "from": "192.0.2.1", "reason": string(c.kind), "why": c.why} {
			if got[field] != want {
				t.Errorf("%s: %s is %v, want %v", name, field, got[field], want)
			}
		}
	}
}
