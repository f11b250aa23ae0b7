package field_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"kvitt/activities"
	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// read gives a case as it is kept.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(os.Getenv("KVITT_REFERENCE_DIR"), "cases", "field", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// parse reads a case into what it is made of.
func parse[T any](t *testing.T, name string) (out T) {
	t.Helper()
	if err := json.Unmarshal(read(t, name), &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// kept is a database with one connection.
func kept(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = s.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "auto", State: "active", Start: "2025-12-01"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve plays a server on this machine.
func serve(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server
}

// shop is Klarna's side of the worker, whose Klarna lists payouts and rows as they
// are written here.
type shop struct {
	*activities.Klarna
	payouts []byte
	rows    map[string][]string // by payment reference
}

func newShop(t *testing.T, payouts []byte) *shop {
	t.Helper()
	s := &shop{payouts: payouts, rows: map[string][]string{}}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/payouts"):
			_, _ = w.Write(s.payouts)
		case strings.HasSuffix(r.URL.Path, "/transactions"):
			_, _ = w.Write(page("transactions", s.rows[r.URL.Query().Get("payment_reference")]...))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	memory := kept(t)
	text, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	secrets := vault.New(keys, memory)
	if err := secrets.Put(t.Context(), "c1", access.FieldKlarna, vault.Secret(`{"key":"klarna_test_api_a2V5"}`)); err != nil {
		t.Fatal(err)
	}
	s.Klarna = &activities.Klarna{Store: memory, Doors: &access.Doors{Store: memory, Vault: secrets, Config: &config.Config{KlarnaBaseURL: server.URL}}}
	return s
}

func page(name string, entries ...string) []byte {
	return fmt.Appendf(nil, `{"%s":[%s],"pagination":{"count":%d,"total":%d,"offset":0,"next":null}}`, name, strings.Join(entries, ","), len(entries), len(entries))
}

// prove lists the payouts and proves each of them.
func (s *shop) prove(t *testing.T, due int) map[string]workflows.Proven {
	t.Helper()
	window := workflows.Window{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
	listed, err := s.ListPayouts(t.Context(), workflows.ListPayoutsInput{Connection: "c1", Window: window})
	if err != nil || len(listed.Due) != due {
		t.Fatalf("%d payouts are due, not %d; %v", len(listed.Due), due, err)
	}
	out := map[string]workflows.Proven{}
	for _, p := range listed.Due {
		proven, err := s.ProvePayout(t.Context(), workflows.PayoutRef{Connection: "c1", PaymentReference: p.PaymentReference})
		if err != nil {
			t.Fatalf("prove %s: %v", p.PaymentReference, err)
		}
		out[p.PaymentReference] = proven
	}
	return out
}

// warned is how often something was borne with in a payout's answers.
func (s *shop) warned(t *testing.T, reference string) (n int64) {
	t.Helper()
	p, err := s.Store.Payout(t.Context(), "c1", reference)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ Count int64 }
	if len(p.Warnings) > 0 && json.Unmarshal(p.Warnings, &all) != nil {
		t.Fatalf("the warnings are %s", p.Warnings)
	}
	for _, w := range all {
		n += w.Count
	}
	return n
}

// token is a bearer token that nobody checks.
type token struct{}

func (token) Token(context.Context) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "token"}, nil
}
func (token) Invalidate(string) {}

// client is the real client of Visma.net at an address.
func client(t *testing.T, address string) *visma.Client {
	t.Helper()
	c, err := visma.New(visma.Options{BaseURL: address, Tokens: token{}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// poster is the real poster with the real client; its clock moves when it waits.
type poster struct {
	*posting.Poster
	clock time.Time
	sent  int // POSTs of a batch
}

// newPoster posts to a Visma.net that answers a POST of a batch with post and
// everything else with rest.
func newPoster(t *testing.T, post, rest http.HandlerFunc) *poster {
	t.Helper()
	p := &poster{clock: time.Now()}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost && r.URL.Path == "/v2/journaltransaction" {
			p.sent++
			post(w, r)
			return
		}
		rest(w, r)
	})
	memory := kept(t)
	if _, err := memory.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10001", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: p.clock}}); err != nil {
		t.Fatal(err)
	}
	p.Poster = &posting.Poster{
		Books: client(t, server.URL), Memory: memory, Absent: 15 * time.Minute, Scans: &posting.Scans{},
		Now:   func() time.Time { return p.clock },
		Pause: func(_ context.Context, d time.Duration) error { p.clock = p.clock.Add(d); return nil },
	}
	return p
}

// until posts until somebody is needed or the batch is there.
func (p *poster) until(t *testing.T, in posting.Intent) posting.Outcome {
	t.Helper()
	for range 200 {
		got, err := p.Post(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got.Stop != nil || got.BatchNumber != "" {
			return got
		}
		p.clock = p.clock.Add(got.LookAgain)
	}
	t.Fatal("it has no end")
	return posting.Outcome{}
}

// intent is a payout of 1,000.00 with a fee of 10.00, as it is meant.
func intent() posting.Intent {
	line := func(account string, debit, credit int64) voucher.Line {
		return voucher.Line{Account: account, Debit: debit, Credit: credit, Reference: "10001"}
	}
	v := &voucher.Voucher{
		Token: voucher.Token("K1", "10001", "42", 0), PaymentReference: "10001", Ledger: "1",
		Date: voucher.Date{Year: 2026, Month: 1, Day: 5}, Currency: "SEK", Settlement: 99_000,
		Lines: []voucher.Line{line("1930", 99_000, 0), line("6570", 1_000, 0), line("1686", 0, 100_000)},
	}
	v.Description = v.Token + " Klarna 10001"
	return posting.Intent{Connection: "c1", Company: "42", Voucher: v, Periods: []string{"202601"}, Branch: "1"}
}
