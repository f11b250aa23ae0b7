package vismasim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/sandbox/vismasim"
)

const (
	tenant = "11111111-1111-4111-8111-111111111111"
	other  = "22222222-2222-4222-8222-222222222222"
)

// clock is a clock that only moves when a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a simulator behind a server. Tokens are "<tenant> <verb> <verb>…".
type world struct {
	t      *testing.T
	sim    *vismasim.Sim
	server *httptest.Server
	clock  *clock
	token  string
}

func byToken(token string) (string, []string, bool) {
	parts := strings.Split(token, ",")
	scopes := []string{}
	for _, verb := range parts[1:] {
		scopes = append(scopes, "vismanet_erp_service_api:"+verb)
	}
	return parts[0], scopes, parts[0] != ""
}

// newWorld starts a simulator with the Swedish demo company and a second one; change changes the options.
func newWorld(t *testing.T, change func(*vismasim.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC)}, token: tenant + ",read,create,update"}
	o := vismasim.Options{
		Companies: []vismasim.Company{vismasim.SwedishCompany(tenant, "Nordbutiken AB"), vismasim.NorwegianCompany(other, "Fjordbutikken AS")},
		Authorize: byToken, Now: w.clock.Now,
	}
	if change != nil {
		change(&o)
	}
	sim, err := vismasim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.sim, w.server = sim, httptest.NewServer(sim)
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		w.server.Close()
	})
	return w
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

// try sends a request; headers are given as "Name: value".
func (w *world) try(method, path, body string, headers ...string) (reply, error) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := w.server.Client().Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, got}, err
}

// ask sends a request and expects a status.
func (w *world) ask(status int, method, path, body string, headers ...string) reply {
	w.t.Helper()
	got, err := w.try(method, path, body, headers...)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	if got.status != status {
		w.t.Fatalf("%s %s answered %d, want %d: %s", method, path, got.status, status, got.body)
	}
	return got
}

// read decodes an answer with its numbers as they were written.
func read[T any](t *testing.T, r reply) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return v
}

type object = map[string]any

// line is a line of a voucher; amounts as JSON literals, "" for none.
type line struct{ account, debit, credit string }

// voucher is the body of a POST; change may alter it before it is written.
func voucher(lines []line, change ...func(object)) string {
	v := func(x any) object { return object{"value": x} }
	var written []any
	for i, l := range lines {
		entry := object{
			"operation": "Insert", "accountNumber": v(l.account), "referenceNumber": v("PR-1"),
			"transactionDescription": v(fmt.Sprintf("line %d", i+1)),
			"subaccount": []any{
				object{"segmentId": 1, "segmentValue": "10"}, object{"segmentId": 2, "segmentValue": "010"},
			},
		}
		if l.debit != "" {
			entry["debitAmountInCurrency"] = v(json.Number(l.debit))
		}
		if l.credit != "" {
			entry["creditAmountInCurrency"] = v(json.Number(l.credit))
		}
		written = append(written, entry)
	}
	doc := object{
		"hold": v(false), "transactionDate": v("2026-01-30T00:00:00"), "ledger": v("1"), "currencyId": v("SEK"),
		"description": v("[kvitt:0011223344556677] Klarna PR-1"), "journalTransactionLines": written,
	}
	for _, c := range change {
		c(doc)
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func set(name string, x any) func(object) {
	return func(doc object) { doc[name] = object{"value": x} }
}

func lineNo(n int, change func(object)) func(object) {
	return func(doc object) { change(doc["journalTransactionLines"].([]any)[n].(object)) }
}

// payoutLines is the Swedish example payout: 85 900 SEK.
var payoutLines = []line{
	{"1930", "85900", ""},
	{"6064", "2480.00", ""},
	{"2641", "620", ""},
	{"1687", "5000", ""},
	{"1687", "", "2000"},
	{"1686", "8000", ""},
	{"1686", "", "100000"},
}

// post creates a batch and returns its number and ETag.
func (w *world) post(body string) (number, etag string) {
	w.t.Helper()
	r := w.ask(http.StatusCreated, "POST", "/v2/journaltransaction", body)
	return last(r.header.Get("Location")), r.header.Get("ETag")
}

func last(location string) string { return location[strings.LastIndex(location, "/")+1:] }

// journal reads a batch back.
func (w *world) journal(number string) object {
	w.t.Helper()
	return read[object](w.t, w.ask(http.StatusOK, "GET", "/v2/journaltransaction/"+number, ""))
}

// message is the "message" of an error body.
func message(t *testing.T, r reply) string {
	t.Helper()
	return read[struct{ Message string }](t, r).Message
}
