package portal

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
)

// behind is a portal that browsers reach under an address, through a proxy at
// 192.0.2.1.
func behind(t *testing.T, address string) (http.Handler, *signin.Gate) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Desk: &operate.Desk{Store: s}, Config: &config.Config{
		PublicURL: address, VismaConnectURL: "https://connect.visma.com", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")},
	}, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	if p.Gate, err = signin.New(signin.Options{Store: s, PublicURL: address, Pages: p}); err != nil {
		t.Fatal(err)
	}
	return p.Handler(nil), p.Gate
}

// hand is a request as the proxy hands it on.
func hand(h http.Handler, method, path string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8088"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "192.0.2.1:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	change(r)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// leads is every address that a page leads to.
var leads = regexp.MustCompile(`[a-z-]+="(/[^"]*)"`)

func TestBelowAPathEverythingLeadsBelowIt(t *testing.T) {
	for _, handed := range []string{"", "/kvitt"} { // a proxy that takes the path off, and one that hands it on
		h, gate := behind(t, "https://example.com/kvitt")
		link, err := gate.Invite(t.Context(), signin.Person{Email: "root@example.com", Role: signin.Administrator}, "anna@example.com", "", signin.Administrator)
		page, token, _ := strings.Cut(link, "#")
		if err != nil || page != "https://example.com/kvitt/signin/link" {
			t.Fatalf("the link is %s, %v", link, err)
		}
		origin := func(r *http.Request) { r.Header.Set("Origin", "https://example.com") } // an older browser, and the proxy's own Host
		in := hand(h, http.MethodPost, handed+"/signin/link", url.Values{"token": {token}}, origin)
		if in.Code != http.StatusSeeOther || in.Header().Get("Location") != "/kvitt/" {
			t.Fatalf("%q: signed in: %d to %s", handed, in.Code, in.Header().Get("Location"))
		}
		signedIn := func(r *http.Request) {
			for _, c := range in.Result().Cookies() {
				r.AddCookie(c)
			}
		}
		seen := 0
		for _, path := range []string{"/", "", "/connections", "/connections/new", "/people", "/signin", "/signin/link", "/nothing", "/language?to=sv&back=/people", "/signin?next=/people"} {
			w := hand(h, http.MethodGet, handed+path, nil, signedIn)
			if to := w.Header().Get("Location"); to != "" && !strings.HasPrefix(to, "/kvitt/") {
				t.Errorf("%s%s leads to %s", handed, path, to)
			}
			if w.Code/100 == 3 {
				continue // whose body no browser shows
			}
			for _, to := range leads.FindAllStringSubmatch(w.Body.String(), -1) {
				if seen++; !strings.HasPrefix(to[1], "/kvitt/") || strings.HasPrefix(to[1], "/kvitt/kvitt") {
					t.Errorf("%s%s leads to %s", handed, path, to[0])
				}
			}
		}
		if seen < 30 {
			t.Errorf("%d addresses were seen", seen)
		}
		if w := hand(h, http.MethodGet, handed+"/static/portal.css", nil, signedIn); w.Code != http.StatusOK {
			t.Errorf("%s/static/portal.css is answered %d", handed, w.Code)
		}
		if w := hand(h, http.MethodGet, handed+"/people", nil, func(*http.Request) {}); w.Header().Get("Location") != "/kvitt/signin?next=%2Fpeople" {
			t.Errorf("who is not signed in is led to %s", w.Header().Get("Location"))
		}
		other := func(r *http.Request) { signedIn(r); r.Header.Set("Origin", "https://evil.example.com") }
		if w := hand(h, http.MethodPost, handed+"/people", url.Values{"email": {"x@example.com"}}, other); w.Code != http.StatusForbidden {
			t.Errorf("another site's form is answered %d", w.Code)
		}
	}
}

// What a template could lead somewhere with has to be among what below knows.
func TestEveryAttributeThatLeadsSomewhereIsKnown(t *testing.T) {
	files, err := filepath.Glob("pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	known := []string{"href", "src", "action", "formaction", "hx-get", "hx-post", "sse-connect"}
	attribute := regexp.MustCompile(`([a-z-]+)="/`)
	for _, file := range files {
		document, err := pageFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range attribute.FindAllStringSubmatch(string(document), -1) {
			if !slices.Contains(known, found[1]) {
				t.Errorf("%s: %s", file, found[0])
			}
		}
	}
}

func TestOneBrowserBehindTheProxyDoesNotKeepAnotherWaiting(t *testing.T) {
	h, _ := behind(t, "https://example.com/kvitt")
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "198.51.100.1, "+address) // the first is made up
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	try := func(address string) int {
		return hand(h, http.MethodPost, "/kvitt/signin/link", url.Values{"token": {"x" + address}}, from(address)).Code
	}
	for range 100 {
		if try("203.0.113.9") == http.StatusTooManyRequests {
			if got := try("203.0.113.10"); got != http.StatusNotFound {
				t.Errorf("another browser is answered %d", got)
			}
			return
		}
	}
	t.Error("one browser may try without end")
}

func TestAPathThatIsThePagesOwnIsRefused(t *testing.T) {
	for _, path := range []string{"/connections", "/signin/x", "/codec", "/people"} {
		_, err := New(Options{Config: &config.Config{PublicURL: "https://example.com" + path}, Log: zap.NewNop()})
		if err == nil || !strings.Contains(err.Error(), "KVITT_PUBLIC_URL") || !strings.Contains(err.Error(), "/kvitt") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAHostThatTheRequestNamesIsNotTakenForOurs(t *testing.T) {
	h, _ := behind(t, "https://example.com/kvitt")
	w := hand(h, http.MethodGet, "/kvitt/people", nil, func(r *http.Request) {
		r.Host = "evil.example.com"
		for name, value := range map[string]string{"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "//evil.example.com", "Forwarded": "host=evil.example.com"} {
			r.Header.Set(name, value)
		}
	})
	if to := w.Header().Get("Location"); to != "/kvitt/signin?next=%2Fpeople" || strings.Contains(w.Body.String(), "evil") {
		t.Errorf("it leads to %s: %s", to, w.Body)
	}
}
