package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/visma/connect"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/stack"
)

// canary is something that must not be found where it does not belong.
type canary struct {
	name  string
	text  string
	forms [][]byte
}

// newCanary is a canary in clear and in base64 at every offset.
func newCanary(name, text string) canary {
	c := canary{name: name, text: text, forms: [][]byte{[]byte(text)}}
	for offset := range 3 {
		if len(text) < 12 {
			break // too little of it would be left
		}
		padded := append(make([]byte, offset), text...)
		encoded := base64.RawStdEncoding.EncodeToString(padded)
		// Without what depends on the neighbours.
		c.forms = append(c.forms, []byte(encoded[4:len(encoded)-4]))
	}
	return c
}

func (c canary) in(text []byte) bool {
	for _, form := range c.forms {
		if bytes.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestNoSecretIsFoundWhereItDoesNotBelong(t *testing.T) {
	t.Parallel()
	const reason = "bokförd av Kanariefågel Kvitter"
	firms := companies(1)
	firms[0].Name = "Kanarieholmen Handel AB"
	good, bad := days(t, "2026-08-03", 3), settled(t, "2026-08-10", in("GBP"))
	w := start(t, stack.Options{
		Companies: firms, Shop: stack.Shop{Made: merchant(nil)}, Environment: []string{"KVITT_LOG_LEVEL=debug", "KVITT_LOG_FORMAT=json"},
	})
	h := w.house(t, plan{payouts: append(good, bad)})
	refused := "klarna_test_api_refused00000000000000000000000000"
	w.starter(t, "connection", "klarna-key", h.id, "--key-file", keyFile(t, refused)).with(t, 1)
	w.starter(t, h.backfill("2026-08-01", "2026-08-31")...).with(t, 3)
	w.Klarna.Inject(klarnasim.Fault{Kind: klarnasim.FaultStatus, Path: "/payouts", Times: 1})
	w.starter(t, "sync", h.id).with(t, 0)
	w.starter(t, "doctor")
	w.done(t, "connection", "show", h.id)
	w.done(t, "payout", "show", h.id, good[0].PaymentReference)
	w.done(t, "payout", "reject", h.id, bad.PaymentReference, "--reason", reason)

	secrets := []canary{
		newCanary("Klarna's key", h.key), newCanary("the refused key", refused), newCanary("the client secret", w.ClientSecret), newCanary("the webhook's secret", webhookSecret),
		newCanary("the access token", accessToken(t, h)), newCanary("the keyset", keysetSecret(t, w)),
	}
	private := []canary{
		newCanary("the company's name", firms[0].Name), newCanary("a person's reason", reason),
		newCanary("Klarna's merchant id", h.merchant.MerchantID), newCanary("a voucher's text", "Klarna: avgift, procent"),
	}
	database, temporal := contents(t, w, "kvitt.db*"), contents(t, w, "temporal.db*")
	w.mu.Lock()
	told := []byte(w.said.String())
	w.mu.Unlock()
	// What is searched for must be findable, or finding nothing says nothing.
	for name, found := range map[string]bool{
		"the connection in the database": bytes.Contains(database, []byte(h.id)),
		"the connection in Temporal":     bytes.Contains(temporal, []byte("payout/"+h.id+"/"+good[0].PaymentReference)),
		"the encoding in Temporal":       bytes.Contains(temporal, []byte("binary/encrypted")),
		"the company in the database":    private[0].in(database),
		"debug messages in the log":      strings.Contains(w.log.String(), `"level":"debug"`),
	} {
		if !found {
			t.Errorf("%s was not found", name)
		}
	}
	places := map[string][]byte{
		"the database": database, "Temporal's database": temporal, "the worker's log": []byte(w.log.String()),
		"what starter said": told, "the metrics": metrics(t, w),
	}
	for place, text := range places {
		for _, c := range secrets {
			if c.in(text) {
				t.Errorf("%s was found in %s", c.name, place)
			}
		}
	}
	for _, place := range []string{"Temporal's database", "the metrics"} {
		for _, c := range private {
			if c.in(places[place]) {
				t.Errorf("%s was found in %s", c.name, place)
			}
		}
	}
}

// contents are all bytes of some files of a world.
func contents(t *testing.T, w *world, pattern string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.Dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v %v", pattern, files, err)
	}
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// accessToken is the token that the vault keeps for a house.
func accessToken(t *testing.T, h *house) string {
	t.Helper()
	secret, err := h.vault.Get(t.Context(), h.id, access.FieldVisma)
	if err != nil {
		t.Fatal(err)
	}
	var grant connect.Grant
	if err := json.Unmarshal([]byte(secret.Reveal()), &grant); err != nil || len(grant.AccessToken) < 40 {
		t.Fatalf("the vault holds no access token: %v", err)
	}
	return grant.AccessToken
}

// keysetSecret is a part of the keyset that nobody has by chance.
func keysetSecret(t *testing.T, w *world) string {
	t.Helper()
	text := string(contents(t, w, "keyset.json"))
	_, value, found := strings.Cut(text, `"value":"`)
	if !found || len(value) < 40 {
		t.Fatal("the keyset is not as expected")
	}
	return value[8:40]
}

func metrics(t *testing.T, w *world) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.Metrics+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(text, []byte("kvitt_")) {
		t.Fatalf("the metrics are not as expected: %v\n%.300s", err, text)
	}
	return text
}
