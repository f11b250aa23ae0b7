package signin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"kvitt/internal/signin"
	"kvitt/internal/store"
)

const publicURL = "https://kvitt.example.com"

// root is who may do everything, as the command line is.
var root = signin.Person{Name: "root", Role: signin.Administrator}

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is a gate with a database, a provider, and pages behind it.
type house struct {
	t     *testing.T
	url   string
	store *store.Store
	clock *clock
	gate  *signin.Gate
	web   http.Handler
	op    *op
	log   *observer.ObservedLogs
}

// newHouse is a house whose provider is played; change may leave it out.
func newHouse(t *testing.T, change ...func(*signin.Options)) *house {
	t.Helper()
	h := &house{t: t, clock: &clock{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}}
	h.url = "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")
	h.op = newOP(t, h.clock.Now)
	var err error
	if h.store, err = store.Open(t.Context(), h.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	if err := h.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var core zapcore.Core
	core, h.log = observer.New(zap.DebugLevel)
	o := signin.Options{
		Store: h.store, PublicURL: publicURL, Pages: pages{}, Now: h.clock.Now, Log: zap.New(core),
		OIDC: signin.OIDC{Issuer: h.op.issuer(), ClientID: clientID, ClientSecret: clientSecret, Name: "Firman"},
	}
	for _, f := range change {
		f(&o)
	}
	if h.gate, err = signin.New(o); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.gate.Routes(mux)
	for path, need := range map[string]signin.Role{"/": signin.Viewer, "/approve": signin.Approver, "/people": signin.Administrator} {
		mux.Handle(path, h.gate.Require(need, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p, ok := signin.PersonOf(r.Context())
			fmt.Fprintf(w, "%s as %s (%v) at %s", p, p.Role, ok, r.URL.Path)
		})))
	}
	h.web = mux
	return h
}

// pages tell what they were asked to render.
type pages struct{}

func (pages) SignIn(w http.ResponseWriter, _ *http.Request, status int, v signin.SignInView) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "sign in: provider=%s start=%s problem=%s email=%s next=%s", v.Provider, v.Start, v.Problem, v.Email, v.Next)
	if v.Claim != "" {
		fmt.Fprintf(w, " claim=%s came=%s", v.Claim, strings.Join(v.Came, ","))
	}
}

func (pages) Link(w http.ResponseWriter, _ *http.Request, status int, v signin.LinkView) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "link: action=%s script=%s token=%s first=%v email=%s problem=%s", v.Action, v.Script, v.Token, v.First, v.Email, v.Problem)
}

func (pages) Forbidden(w http.ResponseWriter, r *http.Request, need signin.Role) {
	p, _ := signin.PersonOf(r.Context())
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, "forbidden: %s needs %s", p, need)
}

// known adds a person.
func (h *house) known(email string, role signin.Role) signin.Entry {
	h.t.Helper()
	if _, err := h.gate.Invite(h.t.Context(), root, email, "", role); err != nil {
		h.t.Fatal(err)
	}
	people, err := h.gate.People(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range people {
		if p.Email == store.FoldEmail(email) {
			return p
		}
	}
	h.t.Fatalf("%s was invited and is not there", email)
	return signin.Entry{}
}

func (h *house) invite(email string, role signin.Role) (token string) {
	h.t.Helper()
	link, err := h.gate.Invite(h.t.Context(), root, email, "", role)
	if err != nil {
		h.t.Fatal(err)
	}
	return tokenOf(h.t, link)
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	token, ok := strings.CutPrefix(link, publicURL+"/signin/link#")
	if !ok || len(token) != 43 {
		t.Fatalf("%q is no link with a token of 256 bits after #", link)
	}
	return token
}

// trail is the audit trail, oldest first: who, action and what came after.
func (h *house) trail() []string {
	h.t.Helper()
	entries, err := h.store.AuditTrail(h.t.Context(), "", 0)
	if err != nil {
		h.t.Fatal(err)
	}
	all := make([]string, len(entries))
	for i, e := range entries {
		all[len(entries)-1-i] = strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Who, e.Action, e.After))
	}
	return all
}

func (h *house) lastEntry() string {
	h.t.Helper()
	all := h.trail()
	return all[len(all)-1]
}

// browser keeps cookies, as far as a browser would.
type browser struct {
	h       *house
	from    string
	cookies map[string]string
	set     []*http.Cookie // by the last answer
}

func (h *house) browser() *browser {
	return &browser{h: h, from: "192.0.2.7:4711", cookies: map[string]string{}}
}

// answer holds what a request got.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) to() string { return a.header.Get("Location") }

func (b *browser) do(method, target string, form url.Values, change ...func(*http.Request)) answer {
	b.h.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(context.WithoutCancel(b.h.t.Context()), method, target, body)
	r.RemoteAddr = b.from
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	b.h.web.ServeHTTP(w, r)
	result := w.Result()
	b.set = result.Cookies()
	for _, c := range b.set {
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") {
			b.h.t.Errorf("the cookie %s is not a careful one", c)
		}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return answer{result.StatusCode, w.Body.String(), result.Header}
}

func (b *browser) get(target string, change ...func(*http.Request)) answer {
	b.h.t.Helper()
	return b.do(http.MethodGet, target, nil, change...)
}

func (b *browser) post(target string, form url.Values, change ...func(*http.Request)) answer {
	b.h.t.Helper()
	return b.do(http.MethodPost, target, form, change...)
}

// atProvider goes to the provider, signs in there, and gives the address that
// the browser is sent back to, as a path.
func (b *browser) atProvider(target string) string {
	b.h.t.Helper()
	a := b.get(target)
	b.h.want(a, http.StatusSeeOther, "")
	return b.h.op.authorize(a.to())
}

// signIn signs in at the provider and comes back.
func (b *browser) signIn(email string) answer {
	b.h.t.Helper()
	b.h.op.email = email
	return b.get(b.atProvider("/signin/oidc"))
}

func (h *house) want(a answer, status int, words string) {
	h.t.Helper()
	if a.status != status || !strings.Contains(a.body, words) {
		h.t.Fatalf("got %d to %q: %s\nwant %d with %q", a.status, a.to(), a.body, status, words)
	}
}

// out wants a browser that is not signed in.
func (b *browser) out() {
	b.h.t.Helper()
	if a := b.get("/"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/signin") {
		b.h.t.Fatalf("somebody is signed in: %d %s", a.status, a.body)
	}
}

func as(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}
