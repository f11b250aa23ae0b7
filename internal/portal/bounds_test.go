package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"kvitt/internal/operate"
	"kvitt/internal/signin"
)

func TestEveryRouteHasBoundsAndEveryBoundARoute(t *testing.T) {
	_, p := newHall(t)
	var patterns []string
	for _, one := range p.routes() {
		patterns = append(patterns, one.pattern)
		b := boundOf(one.pattern)
		if b.within <= 0 || b.within > streamLife {
			t.Errorf("%s may take %s", one.pattern, b.within)
		}
		if limit := p.crowds[b.crowd]; b.crowd != "" && (limit == nil || limit.most <= 0 || limit.each <= 0 || limit.each > limit.most) {
			t.Errorf("%s belongs to the crowd %q", one.pattern, b.crowd)
		}
		for _, costly := range []string{"/reports/", "/files/", "/find", "/events"} {
			if strings.Contains(one.pattern, costly) && b.crowd == "" {
				t.Errorf("%s may be asked for by everybody at once", one.pattern)
			}
		}
	}
	for pattern := range bounds {
		if !slices.Contains(patterns, pattern) {
			t.Errorf("%s has bounds and is no route", pattern)
		}
	}
}

func TestDaysWithoutAnEndAreRefusedWithTheLimit(t *testing.T) {
	o := newOffice(t)
	const all = "from=0001-01-01&to=9999-12-31"
	for path, words := range map[string]string{
		"/connections/c1/reports/debt?" + all:                            "between 2000-01-01 and 2099-12-31",
		"/connections/c1/reports/register?from=2001-01-01&to=2026-12-31": "more than 10 years",
		"/connections/c1/files/clearing.csv?" + all:                      "Check the years.",
		"/connections/c1/files/fees.pdf?from=2001-01-01&to=2026-12-31":   "Ask for fewer years at once.",
		"/connections/c1/files/register.xlsx?" + all:                     "Check the years.",
		"/connections/c1/files/pack?month=0001-01":                       "between 2000-01-01",
		"/connections/c1/accruals?at=0001-01-01":                         "Check the years.",
		"/connections/c1/find?reference=" + strings.Repeat("a", 300):     "longer than",
	} {
		o.says(o.get(signin.Viewer, path), http.StatusConflict, words)
	}
	o.says(o.post(signin.Approver, "/connections/c1/backfills", url.Values{"from": {"0001-01-01"}, "to": {"9999-12-31"}, "earlier": {"yes"}}), http.StatusConflict, "Check the years.")
	if len(o.wires.started) != 0 {
		t.Errorf("started: %+v", o.wires.started)
	}
}

func TestAFormThatIsTooLargeSaysTheLimit(t *testing.T) {
	o := newOffice(t)
	answer := o.post(signin.Approver, "/connections/c1/payouts/P1/reject", url.Values{"reason": {strings.Repeat("a", mostForm)}})
	o.says(answer, http.StatusRequestEntityTooLarge, "1024 KiB", "Send less at once.")
}

func TestTooManyAtOnceHaveToComeBack(t *testing.T) {
	h, p := newHall(t)
	session := h.session(t, signin.Viewer)
	for name, limit := range p.crowds {
		limit.patience = time.Millisecond
		for i := range limit.most {
			if limit.enter(t.Context(), strings.Repeat("x", i)) == nil {
				t.Fatalf("%s: %d are too many", name, i)
			}
		}
	}
	for _, one := range p.routes() {
		if boundOf(one.pattern).crowd == "" || !signin.Viewer.Allows(one.need) {
			continue
		}
		method, path := one.address()
		answer := h.ask(method, path, session, nil)
		if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" || !strings.Contains(answer.Body.String(), "for one person") {
			t.Errorf("%s beside too many others is answered %d", one.pattern, answer.Code)
		}
	}
}

func TestOnePersonTakesSoManyPlacesAndNotThoseOfOthers(t *testing.T) {
	c := &crowd{most: 3, each: 2, patience: time.Millisecond}
	first, second := c.enter(t.Context(), "anna"), c.enter(t.Context(), "anna")
	if first == nil || second == nil || c.enter(t.Context(), "anna") != nil {
		t.Error("a person has two places")
	}
	if c.enter(t.Context(), "bo") == nil || c.enter(t.Context(), "cia") != nil {
		t.Error("there are three places")
	}
	first()
	first() // counts once
	if c.enter(t.Context(), "cia") == nil || c.enter(t.Context(), "dan") != nil {
		t.Error("one place came free")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if (&crowd{most: 0, patience: time.Hour}).enter(ctx, "x") != nil {
		t.Error("who has gone got a place")
	}
}

func TestAPageThatTakesTooLongIsStoppedAndSaysSo(t *testing.T) {
	o := newOffice(t)
	h, p := newHall(t)
	session := h.session(t, signin.Viewer)
	standard.within = time.Millisecond
	t.Cleanup(func() { standard.within = time.Minute })
	slow := route{"GET /slow", signin.Viewer, func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}}
	page := p.Gate.Require(signin.Viewer, p.serve(p.bounded(slow), nil))
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8088/slow", http.NoBody)
	r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: session})
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	o.says(w, http.StatusServiceUnavailable, "It was stopped after", "fewer days")
}

func TestAStreamEndsWhenThePersonMayNotSeeItAnyMore(t *testing.T) {
	o := newOffice(t)
	o.wires.answer = `{"state":"running"}`
	session := o.session(t, signin.Viewer)
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8088/connections/c1/backfills/2026-01-01/2026-01-31/events", http.NoBody)
	r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: session})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	w := &firstWrite{ResponseRecorder: httptest.NewRecorder(), begun: make(chan struct{})}
	ended := make(chan struct{})
	go func() { o.ServeHTTP(w, r.WithContext(ctx)); close(ended) }()
	select {
	case <-w.begun:
	case <-ended:
		t.Fatalf("there was no stream: %d %s", w.Code, w.Body)
	}
	people, err := o.gate.People(t.Context())
	o.must(err)
	for _, one := range people {
		if one.Role == signin.Viewer {
			_, err := o.gate.Disable(t.Context(), signin.Person{Email: "root@example.com", Role: signin.Administrator}, one.ID)
			o.must(err)
		}
	}
	<-ended
	if ctx.Err() != nil {
		t.Error("the stream goes on")
	}
}

// firstWrite tells when an answer has begun.
type firstWrite struct {
	*httptest.ResponseRecorder
	begun chan struct{}
	done  bool
}

func (w *firstWrite) Write(b []byte) (int, error) {
	n, err := w.ResponseRecorder.Write(b)
	if !w.done {
		w.done = true
		close(w.begun)
	}
	return n, err
}

func TestEveryRefusalOfThePortalIsTold(t *testing.T) {
	h, p := newHall(t)
	core, logs := observer.New(zap.InfoLevel)
	p.Log = zap.New(core)
	h.Handler = p.Handler(nil)
	viewer := h.session(t, signin.Viewer)
	for name, ask := range map[string]func(){
		"role":    func() { h.ask(http.MethodGet, "/people", viewer, nil) },
		"sign_in": func() { h.ask(http.MethodPost, "/connections/x/sync", "", nil) },
		"size":    func() { h.ask(http.MethodPost, "/signin/link", "", url.Values{"token": {strings.Repeat("a", 40<<10)}}) },
		"rate": func() {
			for range 40 {
				h.ask(http.MethodGet, "/signin/link", "", nil)
				h.ask(http.MethodPost, "/signin/link", "", url.Values{"token": {"x"}})
			}
		},
		"cross_site": func() {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8088/signout", http.NoBody)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			h.ServeHTTP(httptest.NewRecorder(), r)
		},
	} {
		logs.TakeAll()
		ask()
		told := logs.FilterMessage("refused").FilterField(zap.String("reason", name)).All()
		if len(told) == 0 || told[0].ContextMap()["from"] == "" {
			t.Errorf("%s: %v", name, logs.All())
		}
		if name == "role" && (len(told) != 1 || told[0].ContextMap()["who"] != "viewer@example.com" || told[0].ContextMap()["path"] != "/people") {
			t.Errorf("%s: %v", name, told)
		}
	}
}

func TestAnErrorPageNamesNoServerAndNoFile(t *testing.T) {
	h, p := newHall(t)
	session := h.session(t, signin.Viewer)
	for status, err := range map[int]error{
		http.StatusInternalServerError: errors.New("open /var/lib/kvitt.db: dial tcp 10.0.0.7:5432"),
		http.StatusServiceUnavailable:  fmt.Errorf("reach Temporal at temporal.internal:7233: %w", operate.ErrNoAnswer),
	} {
		page := p.Gate.Require(signin.Viewer, p.serve(func(http.ResponseWriter, *http.Request) error { return err }, nil))
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8088/x", http.NoBody)
		r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: session})
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		if body := w.Body.String(); w.Code != status || strings.Contains(body, "7233") || strings.Contains(body, "/var/lib") || strings.Contains(body, "5432") || !strings.Contains(body, "starter doctor") {
			t.Errorf("%d: %s", w.Code, body)
		}
	}
}

func TestStaticFilesAreServedAndNotListed(t *testing.T) {
	h, _ := newHall(t)
	for path, status := range map[string]int{"/static/portal.css": 200, "/static/": 404, "/static": 404, "/static/../pages/": 404} {
		if got := h.ask(http.MethodGet, path, "", nil).Code; got != status && (status != 404 || got == 200) {
			t.Errorf("%s is answered %d", path, got)
		}
	}
}

func TestEveryAnswerTellsTheBrowserWhatItMayDo(t *testing.T) {
	h, p := newHall(t)
	h.Handler = p.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	for _, path := range []string{"/signin", "/codec/decode", "/static/portal.css", "/static/", "/connections", "/nowhere"} {
		a := h.ask(http.MethodGet, path, "", nil).Header()
		if !strings.Contains(a.Get("Content-Security-Policy"), "frame-ancestors 'none'") || a.Get("X-Content-Type-Options") != "nosniff" || a.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, a)
		}
	}
	p.Config.PublicURL = "https://kvitt.example.com"
	w := httptest.NewRecorder()
	p.Handler(nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://kvitt.example.com/signin", http.NoBody))
	if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=31536000; includeSubDomains" {
		t.Errorf("Strict-Transport-Security: %q", got)
	}
	w = httptest.NewRecorder()
	p.Handler(nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://kvitt.example.com/language?to=sv", http.NoBody))
	for _, c := range w.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			t.Errorf("%+v", c)
		}
	}
}
