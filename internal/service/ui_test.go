package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// newUI starts Temporal's Web UI behind its guard, and records the requests that reach it.
func newUI(t *testing.T) (door *httptest.Server, asked *[]*http.Request, logs *observer.ObservedLogs) {
	t.Helper()
	asked = &[]*http.Request{}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r)
		http.SetCookie(w, &http.Cookie{Name: "_csrf", Value: "x"})
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch r.URL.Path {
		case "/away":
			w.Header().Set("Location", "https://evil.example/x?y=1")
			w.WriteHeader(http.StatusFound)
		default:
			_, _ = io.WriteString(w, "the page "+r.URL.RequestURI())
		}
	}))
	t.Cleanup(upstream.Close)
	core, logs := observer.New(zap.InfoLevel)
	h, err := temporalUI(upstream.URL, "http://127.0.0.1:8088", cookieKnows{}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	door = httptest.NewServer(h)
	t.Cleanup(door.Close)
	return door, asked, logs
}

func ask(t *testing.T, method, address string, headers map[string]string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(`{"input":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

const good = "session=good"

func TestASignedInPersonViewsTemporalAndNoCredentialIsForwarded(t *testing.T) {
	door, asked, _ := newUI(t)
	answer := ask(t, http.MethodGet, door.URL+"/api/v1/namespaces?x=1", map[string]string{
		"Cookie": good, "Authorization": "Basic eDp5", "Authorization-Extras": "x", "Origin": door.URL, "X-Forwarded-For": "192.0.2.1", "Referer": door.URL,
	})
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK || string(body) != "the page /api/v1/namespaces?x=1" {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	for _, name := range notHandedOn {
		if got := (*asked)[0].Header.Get(name); got != "" {
			t.Errorf("%s was forwarded: %q", name, got)
		}
	}
	if answer.Header.Get("Set-Cookie") != "" || answer.Header.Get("Access-Control-Allow-Origin") != "" || answer.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%v", answer.Header)
	}
	if got := ask(t, http.MethodGet, door.URL+"/away", map[string]string{"Cookie": good}).Header.Get("Location"); got != "/x?y=1" {
		t.Errorf("it leads to %q", got)
	}
}

func TestNobodyElseReachesTemporalAndNobodyChangesAnything(t *testing.T) {
	door, asked, logs := newUI(t)
	for name, c := range map[string]struct {
		method  string
		headers map[string]string
		status  int
	}{
		"a stranger's program":  {http.MethodGet, nil, http.StatusUnauthorized},
		"a stranger's browser":  {http.MethodGet, map[string]string{"Accept": "text/html"}, http.StatusSeeOther},
		"an old session":        {http.MethodGet, map[string]string{"Cookie": "session=bad"}, http.StatusUnauthorized},
		"a password":            {http.MethodGet, map[string]string{"Authorization": "Basic eDp5"}, http.StatusUnauthorized},
		"a POST":                {http.MethodPost, map[string]string{"Cookie": good}, http.StatusMethodNotAllowed},
		"a PUT":                 {http.MethodPut, map[string]string{"Cookie": good}, http.StatusMethodNotAllowed},
		"a PATCH":               {http.MethodPatch, map[string]string{"Cookie": good}, http.StatusMethodNotAllowed},
		"a DELETE":              {http.MethodDelete, map[string]string{"Cookie": good}, http.StatusMethodNotAllowed},
		"a preflight":           {http.MethodOptions, map[string]string{"Cookie": good}, http.StatusMethodNotAllowed},
		"a POST that says GET":  {http.MethodPost, map[string]string{"Cookie": good, "X-HTTP-Method-Override": "GET"}, http.StatusMethodNotAllowed},
		"a websocket":           {http.MethodGet, map[string]string{"Cookie": good, "Connection": "Upgrade", "Upgrade": "websocket"}, http.StatusMethodNotAllowed},
		"another site's script": {http.MethodGet, map[string]string{"Cookie": good, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, http.StatusForbidden},
	} {
		logs.TakeAll()
		answer := ask(t, c.method, door.URL+"/api/v1/namespaces/kvitt/workflows/x/update/Approve", c.headers)
		if answer.StatusCode != c.status || logs.FilterMessage("refused").FilterField(zap.String("listener", "temporal-ui")).Len() != 1 {
			t.Errorf("%s is answered %d, and the log says: %v", name, answer.StatusCode, logs.All())
		}
		if to := answer.Header.Get("Location"); c.status == http.StatusSeeOther && to != "http://127.0.0.1:8088/signin" {
			t.Errorf("%s is redirected to %q", name, to)
		}
	}
	if len(*asked) != 0 {
		t.Errorf("Temporal was asked %d times", len(*asked))
	}
}

func TestAWebUIThatIsDownIsTold(t *testing.T) {
	h, err := temporalUI("http://127.0.0.1:1", "http://127.0.0.1:8088", cookieKnows{}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("Cookie", good)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "does not answer") || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
