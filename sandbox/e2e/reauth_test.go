package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/visma/connect"
	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

// post receives what Kvitt tells people by webhook.
type post struct {
	mu   sync.Mutex
	came []map[string]any
}

func (p *post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var told map[string]any
	if json.Unmarshal(body, &told) != nil || r.Header.Get("webhook-signature") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came = append(p.came, told)
}

func (p *post) kinds() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, told := range p.came {
		all = append(all, told["kind"].(string))
	}
	return all
}

// In the middle of a backfill the company takes its consent back. Everything
// waits, through a restart of Temporal and of the worker, until a person
// authorises again in the browser; then it goes on where it stood.
func TestABackfillIsAuthorisedAgainInTheBrowser(t *testing.T) {
	t.Parallel()
	letters := &post{}
	receiver := httptest.NewServer(letters)
	t.Cleanup(receiver.Close)
	firms := companies(2)
	p := settles(t, stack.Options{Companies: firms, Shop: stack.Shop{Made: merchant(nil)}, Environment: []string{
		"KVITT_WEBHOOK_URL=" + receiver.URL, "KVITT_WEBHOOK_SECRET=a secret of the tests that is long enough",
	}})
	p.name = "reauth"
	w := p.world
	payouts := days(t, "2026-04-01", 12)
	h := w.house(t, plan{payouts: payouts, firm: &firms[0]})
	h.slowly(payouts)
	p.open("/connections/"+h.id, 200)
	p.fill("First day", "2026-04-01")
	p.fill("Last day", "2026-04-30")
	p.tick("Also days before")
	p.goes("Start the backfill")
	p.sees("running", "You can leave this page.")
	h.someBooked(t, 2)
	w.Providers.Connect.Revoke(firms[0].TenantID)
	p.must(p.UntilText("waiting"))
	p.sees("waiting", "waiting")
	h.waits(t, "2026-04-01", "2026-04-30", workflows.ProviderVisma)
	until(t, waitFor, "the notice", func() string { return missing(letters.kinds(), "reauth_required") })

	if err := w.RestartTemporal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.RestartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Complaints() // of the stream that the restart cut
	p.open("/connections/"+h.id, 200)
	p.sees("reauth-required", "Visma.net no longer accepts the authorisation.", "Payouts in progress wait")
	p.goes("Authorise again")
	p.goes("Connect")
	p.consents(firms[1], "Approve")
	p.sees("another-company", "This is another company")
	p.goes("Try again")
	p.goes("Connect")
	p.consents(firms[0], "Approve")
	p.sees("connected-again", "Connected", firms[0].Name)
	p.open("/connections/"+h.id+"/backfills/2026-04-01/2026-04-30", 200)
	p.must(p.UntilText("Back to the connection"))
	p.sees("done", "done")
	h.once(t, payouts...)
	until(t, waitFor, "the notice of recovery", func() string { return missing(letters.kinds(), "recovered") })
	if s := h.status(t); s.State != workflows.ConnActive || h.schedulePaused(t) {
		t.Errorf("the connection is %s, its schedule paused: %t", s.State, h.schedulePaused(t))
	}
	p.leaksNothing(h)
	letters.mu.Lock()
	defer letters.mu.Unlock()
	for _, told := range letters.came {
		if link, _ := told["link"].(string); link != "http://"+w.Portal+"/connections/"+h.id || told["helps"] == "" {
			t.Errorf("a notice without link or remedy: %v", told)
		}
	}
	if n := strings.Count(strings.Join(kindsOf(letters.came), " "), "reauth_required"); n != 1 {
		t.Errorf("one loss was told %d times", n)
	}
}

func kindsOf(came []map[string]any) (all []string) {
	for _, told := range came {
		all = append(all, told["kind"].(string))
	}
	return all
}

func missing(all []string, wanted string) string {
	for _, one := range all {
		if one == wanted {
			return ""
		}
	}
	return strings.Join(all, ", ") + " came"
}

// leaksNothing looks for what opens a door wherever it must not be.
func (p *person) leaksNothing(h *house) {
	p.t.Helper()
	secret, err := h.vault.Get(p.t.Context(), h.id, access.FieldVisma)
	p.must(err)
	var grant connect.Grant
	p.must(json.Unmarshal([]byte(secret.Reveal()), &grant))
	if grant.RefreshToken == "" || grant.AccessToken == "" {
		p.t.Fatal("the vault holds no tokens of a consent")
	}
	cookies, err := p.Cookies("http://" + h.Portal)
	p.must(err)
	canaries := []canary{
		newCanary("Klarna's key", h.key), newCanary("the client's secret", h.ClientSecret),
		newCanary("the refresh token", grant.RefreshToken), newCanary("the access token", grant.AccessToken),
	}
	for _, c := range cookies {
		if c.Name == "__Host-kvitt" {
			canaries = append(canaries, newCanary("the session", c.Value))
		}
	}
	_, code, _ := strings.Cut(p.last("code="), "code=")
	code, _, _ = strings.Cut(code, "&")
	canaries = append(canaries, newCanary("the authorisation code", code))
	if len(canaries) != 6 {
		p.t.Fatalf("only %d canaries", len(canaries))
	}
	for place, text := range map[string][]byte{
		"the database": contents(p.t, h.world, "kvitt.db*"), "Temporal's database": contents(p.t, h.world, "temporal.db*"),
		"the worker's log": []byte(h.log.String()), "the metrics": metrics(p.t, h.world), "the pages": []byte(p.pages.String()),
	} {
		if len(text) < 100 {
			p.t.Fatalf("%s is empty", place)
		}
		for _, c := range canaries {
			if c.in(text) {
				p.t.Errorf("%s was found in %s", c.name, place)
			}
		}
	}
}
