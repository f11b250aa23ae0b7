package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
	"kvitt/sandbox/connectsim"
	"kvitt/workflows"
)

// TestMain keeps the OpenID provider of the simulator, which logs every
// refusal, quiet.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

const tenant = "11111111-1111-4111-8111-111111111111"

// vismaConnect simulates Visma Connect for one person of one company.
func vismaConnect(t *testing.T, redirect string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	sim, err := connectsim.New(connectsim.Options{
		Issuer: issuer, Key: key,
		Clients:   []connectsim.Client{{ID: "isv_test", Secret: "hemligt", Name: "Kvitt", RedirectURIs: []string{redirect}, Interactive: true}},
		Users:     []connectsim.User{{Email: "astrid@example.com", Password: "pw", Name: "Astrid Ek", Companies: map[string]bool{tenant: true}}},
		Companies: []connectsim.Company{{TenantID: tenant, Name: "Nordbutiken AB"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = sim
	server.Start()
	t.Cleanup(func() { server.Close(); _ = sim.Close() })
	t.Setenv("KVITT_VISMA_CONNECT_URL", issuer)
}

// freeAddress is an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

// screen calls seen once, with the address of the page that is printed.
type screen struct {
	bytes.Buffer
	once sync.Once
	seen func(page string)
}

var pageAddress = regexp.MustCompile(`http://\S+/connect/authorize\?\S+`)

func (s *screen) Write(b []byte) (int, error) {
	if page := pageAddress.Find(b); page != nil {
		s.once.Do(func() { s.seen(string(page)) })
	}
	return s.Buffer.Write(b)
}

// consentOf returns what a person does in a browser: sign in, choose the company,
// and decide.
func consentOf(decision string) func(page string) {
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	form := regexp.MustCompile(`name="id" value="([^"]+)"`)
	read := func(answer *http.Response, err error) (*url.URL, string) {
		if err != nil {
			return &url.URL{}, ""
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		id := ""
		if found := form.FindSubmatch(body); found != nil {
			id = string(found[1])
		}
		return answer.Request.URL, id
	}
	return func(page string) {
		go func() {
			at, id := read(browser.Get(page))
			at, id = read(browser.PostForm("http://"+at.Host+"/account/login", url.Values{"id": {id}, "email": {"astrid@example.com"}, "password": {"pw"}}))
			read(browser.PostForm("http://"+at.Host+"/account/consent", url.Values{"id": {id}, "tenant": {tenant}, "decision": {decision}}))
		}()
	}
}

// authorizeInBrowser runs `connection authorize` while a person decides.
func authorizeInBrowser(d *desk, decision string) said {
	d.t.Helper()
	redirect := "http://" + freeAddress(d.t) + "/connect/visma/callback"
	vismaConnect(d.t, redirect)
	var out bytes.Buffer
	errs := &screen{seen: consentOf(decision)}
	a := newApp(Streams{In: strings.NewReader(""), Out: &out, Err: errs})
	a.console, a.who = d.console, "anna"
	a.dial = func(context.Context, *config.Config, *vault.Keyring) (operate.Temporal, error) {
		return d.temporal, nil
	}
	code := a.run(d.t.Context(), []string{"connection", "authorize", "shop-1", "--redirect", redirect})
	return said{code, out.String(), errs.String()}
}

func TestAPersonConsentsInABrowserAndTheGrantIsVerified(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.onUpdate = func(message) (any, error) {
		return workflows.Status{ID: "shop-1", State: workflows.ConnActive, Klarna: workflows.Side{State: workflows.SideConnected}, Visma: workflows.Side{State: workflows.SideConnected, Identity: "5560001 Nordisk AB"}}, nil
	}
	s := d.want(authorizeInBrowser(d, "allow"), ExitDone)
	contains(t, s.err, "Open this page in a browser", "astrid@example.com consented.")
	contains(t, s.out, "Verified: 5560001 Nordisk AB. The connection shop-1 is active.")
	var g connect.Grant
	if !d.candidate(access.FieldVismaCandidate, &g) || g.Flow != connect.FlowInteractive || g.RefreshToken == "" || g.TenantID != tenant {
		t.Errorf("the vault holds %v", g)
	}
	if strings.Contains(s.err+s.out, g.RefreshToken) || strings.Contains(s.err+s.out, g.AccessToken) {
		t.Error("a token was printed")
	}
}

func TestWhoeverCallsWithoutTheStateDoesNotTakeThePlaceOfTheAnswer(t *testing.T) {
	redirect := "http://" + freeAddress(t) + "/connect/visma/callback"
	asked, err := connect.NewConsent(redirect)
	if err != nil {
		t.Fatal(err)
	}
	address, err := doorAddress(redirect)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openDoor(t.Context(), address, asked.Answered)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	good := "?state=" + asked.State + "&code=1"
	for _, c := range []struct {
		method, address string
		status          int
	}{
		{"GET", redirect + "?state=forged&code=1", 404},
		{"GET", redirect, 404},
		{"GET", redirect + "/more" + good, 404},
		{"POST", redirect + good, 404},
		{"GET", redirect + good, 200},
		{"GET", redirect + good + "&code=2", 200}, // the browser again
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%s %s: %s", c.method, c.address, answer.Status)
		}
	}
	if got, err := d.wait(t.Context()); err != nil || got.Get("state") != asked.State || len(got["code"]) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAPersonWhoDoesNotConsentIsTold(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	s := d.want(authorizeInBrowser(d, "deny"), ExitFailed)
	contains(t, s.err, "Error: Finish the consent: Visma Connect", "access_denied")
	if d.candidate(access.FieldVismaCandidate, new(connect.Grant)) || len(d.temporal.updates) > 0 {
		t.Error("something was put into the vault")
	}
}
