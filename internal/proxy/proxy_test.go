package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestTheBrowsersAddressIsTheOneThatOurProxiesVouchFor(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"nobody forwards", "203.0.113.9:4711", nil, "203.0.113.9:4711"},
		{"a stranger says who he is", "203.0.113.9:4711", []string{"127.0.0.1"}, "203.0.113.9:4711"},
		{"our proxy says nothing", "127.0.0.1:4711", nil, "127.0.0.1:4711"},
		{"our proxy", "127.0.0.1:4711", []string{"203.0.113.9"}, "203.0.113.9:0"},
		{"our proxy, mapped", "[::ffff:127.0.0.1]:4711", []string{"203.0.113.9"}, "203.0.113.9:0"},
		{"two of ours", "127.0.0.1:4711", []string{"203.0.113.9, 10.1.2.3"}, "203.0.113.9:0"},
		{"two headers", "127.0.0.1:4711", []string{"203.0.113.9", "10.1.2.3"}, "203.0.113.9:0"},
		{"the browser made one up", "127.0.0.1:4711", []string{"127.0.0.1, 198.51.100.1, 203.0.113.9"}, "203.0.113.9:0"},
		{"somebody else's proxy between", "10.0.0.1:4711", []string{"192.0.2.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9:0"},
		{"with a port", "127.0.0.1:4711", []string{"203.0.113.9:51234"}, "203.0.113.9:0"},
		{"IPv6", "[fd00::1]:4711", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		{"IPv6 with a port", "[fd00::1]:4711", []string{"[2001:db8::7]:51234"}, "[2001:db8::7]:0"},
		{"IPv6 in brackets", "[fd00::1]:4711", []string{"[2001:db8::7]"}, "[2001:db8::7]:0"},
		{"nonsense", "127.0.0.1:4711", []string{"unknown"}, "127.0.0.1:4711"},
		{"nonsense before it", "127.0.0.1:4711", []string{"_hidden, 10.0.0.2"}, "10.0.0.2:0"},
		{"somebody in our own network", "127.0.0.1:4711", []string{"10.9.9.9"}, "10.9.9.9:0"},
		{"empty", "127.0.0.1:4711", []string{""}, "127.0.0.1:4711"},
		{"without an end", "127.0.0.1:4711", []string{strings.Repeat("10.0.0.2,", 10000) + "10.0.0.3"}, "10.0.0.2:0"},
		{"a socket", "@", []string{"203.0.113.9"}, "@"},
	} {
		var got string
		h := Forwarded(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = c.remote
		for _, header := range []string{"Forwarded", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
			r.Header.Set(header, "for=198.51.100.77") // and none of these is read
		}
		r.Header["X-Forwarded-For"] = c.forwarded
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want || r.RemoteAddr != c.remote {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWithoutTrustedProxiesNobodyIsBelieved(t *testing.T) {
	var got string
	h := Forwarded(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if h.ServeHTTP(httptest.NewRecorder(), r); got != "127.0.0.1:1" {
		t.Error(got)
	}
}

func TestAProxyMayForwardThePathOrStripIt(t *testing.T) {
	h := Under("/kvitt", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("HX-Redirect", to)
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		_, _ = io.WriteString(w, r.URL.EscapedPath())
	}))
	for asked, path := range map[string]string{
		"/kvitt": "/", "/kvitt/": "/", "/": "/", "/kvitt/connections": "/connections", "/connections": "/connections",
		"/kvitt/files/a%2Fb": "/files/a%2Fb", "/kvittra/x": "/kvittra/x", "/kvitt//evil": "/evil", "/kvitt/kvitt": "/kvitt",
	} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, asked, http.NoBody)); w.Body.String() != path {
			t.Errorf("%s is served as %s, want %s", asked, w.Body, path)
		}
	}
	for to, want := range map[string]string{
		"/": "/kvitt/", "/connections?a=/b": "/kvitt/connections?a=/b", "/kvitt": "/kvitt", "/kvitt/signin": "/kvitt/signin", "/kvitt?x=1": "/kvitt?x=1", "/kvittra": "/kvitt/kvittra",
		"https://connect.visma.com/x": "https://connect.visma.com/x", "//elsewhere.example": "//elsewhere.example",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/kvitt/x?to="+strings.ReplaceAll(to, "?", "%3F"), http.NoBody))
		if got := w.Header().Get("Location"); got != want || w.Header().Get("HX-Redirect") != want {
			t.Errorf("a redirect to %s leads to %s, want %s", to, got, want)
		}
	}
}
