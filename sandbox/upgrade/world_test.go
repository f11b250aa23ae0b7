package upgrade

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"testing"
	"time"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"kvitt/activities"
	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/pgtest"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(pgtest.Run(m))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// firm is a connection of the fixture with its merchant and its company.
type firm struct{ id, posting, merchant, tenant, key string }

// firms are those of the fixture. They never change: tokens are made of them.
var firms = []firm{
	{"auto", "auto", "K800001", "5f1d2c3b-8a4e-4c6d-9b7a-000000000001", "klarna_test_api_upgrade00000000000000000001"},
	{"draft", "draft", "K800002", "5f1d2c3b-8a4e-4c6d-9b7a-000000000002", "klarna_test_api_upgrade00000000000000000002"},
	{"review", "review", "K800003", "5f1d2c3b-8a4e-4c6d-9b7a-000000000003", "klarna_test_api_upgrade00000000000000000003"},
	{"accrues", "auto", "K800004", "5f1d2c3b-8a4e-4c6d-9b7a-000000000004", "klarna_test_api_upgrade00000000000000000004"},
}

// world is the simulated providers and one installation of Kvitt.
type world struct {
	t          *testing.T
	visma      *vismasim.Sim
	klarna     *klarnasim.Sim
	wire       *wire
	store      *store.Store
	vault      *vault.Vault
	wait       time.Duration // how long an absent batch is looked for
	config     *config.Config
	doors      *access.Doors
	activities *testsuite.TestActivityEnvironment
}

// recordedAt is when fixtures are recorded, by the clock of Visma.net. It stands
// still, so that what is late stays late, and two recordings are the same.
var recordedAt = time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)

// newWorld opens a database beside the providers. The books are those of folder,
// so long after they were recorded.
func newWorld(t *testing.T, database, folder string, later, wait time.Duration) *world {
	t.Helper()
	w := &world{t: t, wait: wait}
	merchants := map[string]*shop.Shop{}
	from := klarnasim.Options{Environment: "test"}
	to := vismasim.Options{Dir: folder, JobDelay: -1, Now: func() time.Time { return recordedAt.Add(later) }, Authorize: func(token string) (string, []string, bool) {
		_, scopes, ok := vismasim.Anyone("")(token)
		return token, scopes, ok
	}}
	for _, f := range firms {
		merchants[f.id] = shop.New(f.merchant, "SEK", payoutsOf(t, f)...)
		from.Keys = append(from.Keys, klarnasim.Key{Key: f.key, MerchantID: f.merchant})
		company := vismasim.SwedishCompany(f.tenant, "Kvitt "+f.id+" AB")
		company.Segments, company.ClosedThrough = nil, "202511"
		company.Number, company.CorporateID = "092100200"+f.tenant[len(f.tenant)-1:], "556012345"+f.tenant[len(f.tenant)-1:]
		to.Companies = append(to.Companies, company)
	}
	var err error
	w.klarna, err = klarnasim.New(merchants[firms[0].id], from)
	must(t, err)
	for _, f := range firms[1:] {
		w.klarna.Serve(merchants[f.id])
	}
	w.visma, err = vismasim.New(to)
	must(t, err)
	klarna, visma := httptest.NewServer(w.klarna), httptest.NewServer(w.visma)
	t.Cleanup(func() { klarna.Close(); _ = w.visma.Close(); visma.Close() })
	w.config = &config.Config{KlarnaBaseURL: klarna.URL, VismaAPIURL: visma.URL, VismaConnectURL: "http://127.0.0.1:1", VismaClientID: "isv_kvitt", VismaClientSecret: "none"}
	w.wire = &wire{to: http.DefaultTransport.(*http.Transport).Clone()}

	w.store, err = store.Open(t.Context(), database)
	must(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	must(t, w.store.Migrate(t.Context()))
	text, err := os.ReadFile("testdata/only-for-tests.keyset.json")
	must(t, err)
	keys, err := vault.Open(string(text))
	must(t, err)
	w.vault = vault.New(keys, w.store)
	must(t, w.vault.Check(t.Context()))
	for n, r := range recipes {
		if r.klarna != "" {
			w.klarna.Inject(klarnasim.Fault{Kind: r.klarna, PaymentReference: reference(n), Row: 1})
		}
	}
	w.begin()
	return w
}

// begin starts a worker: one that knows nothing but what the database says.
func (w *world) begin() {
	w.doors = &access.Doors{Store: w.store, Vault: w.vault, Config: w.config, HTTP: &http.Client{Transport: w.wire}}
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w.activities = suite.NewTestActivityEnvironment()
	w.activities.SetTestTimeout(time.Minute)
	activities.Register(w.activities, w.doors, nil, activities.Settings{UnknownWait: w.wait, TaskQueue: "kvitt"})
}

// grant is a grant that does not end, so that nobody is asked for another one.
func grant(f firm) ([]byte, error) {
	return json.Marshal(connect.Grant{ //nolint:gosec // on its way into the vault
		Flow: connect.FlowService, TenantID: f.tenant, AccessToken: f.tenant, Version: 1,
		IssuedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Expiry: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		Scope: "vismanet_erp_service_api:read vismanet_erp_service_api:create vismanet_erp_service_api:update",
	})
}

// run carries an activity out by its registered name, as a workflow would.
func run[In, Out any](w *world, a workflows.Activity[In, Out], in In) (out Out, err error) {
	got, err := w.activities.ExecuteActivity(a.Name, in)
	if err != nil {
		return out, err
	}
	return out, got.Get(&out)
}

// crash is a request before or after which the worker dies.
type crash struct {
	method, path string // as in path.Match
	after        bool   // the provider has done what it was asked, and nobody heard
	skip         int
	sent         bool // only once a batch was sent
}

// wire carries requests, and lets the worker die over one.
type wire struct {
	to    http.RoundTripper
	armed *crash
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	c := w.armed
	if c != nil && r.Method == http.MethodPost && r.URL.Path == journals {
		defer func() { c.sent = false }()
	}
	if c == nil || c.sent || c.method != r.Method {
		return w.to.RoundTrip(r)
	}
	if ok, _ := path.Match(c.path, r.URL.Path); !ok {
		return w.to.RoundTrip(r)
	}
	if c.skip--; c.skip >= 0 {
		return w.to.RoundTrip(r)
	}
	w.armed = nil
	if c.after {
		answer, err := w.to.RoundTrip(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}
	panic(died) // nothing after it is written down, as when a process is killed
}

const died = "the worker dies here"
