package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/archive"
	"kvitt/internal/config"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

// listing is a Klarna that answers with these bytes.
func listing(t *testing.T, answers map[string]string) *Klarna {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[strings.TrimPrefix(r.URL.Path, "/settlements/v1")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	s := shopStore(t, "auto")
	text, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	v := vault.New(keys, s)
	if err := v.Put(t.Context(), "c1", access.FieldKlarna, vault.Secret(`{"key":"`+deskKey+`"}`)); err != nil {
		t.Fatal(err)
	}
	return &Klarna{Store: s, Doors: &access.Doors{Store: s, Vault: v, Config: &config.Config{KlarnaBaseURL: server.URL}}}
}

func entry(reference, date string) string {
	return fmt.Sprintf(`{"payment_reference":%s,"payout_date":%s,"currency_code":"SEK","merchant_settlement_type":"NET","merchant_id":"K1","totals":{"sale_amount":1000,"settlement_amount":1000}}`, reference, date)
}

func pageWith(name string, entries ...string) string {
	return fmt.Sprintf(`{"%s":[%s],"pagination":{"count":%d,"total":%d,"offset":0,"next":null}}`, name, strings.Join(entries, ","), len(entries), len(entries))
}

var january = workflows.Window{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}

func TestAPayoutThatCannotBeReadIsHeldAlone(t *testing.T) {
	page := pageWith("payouts",
		entry(`"9000000004"`, `"2026-01-05T07:45:00Z"`), entry(`"9000000005"`, "null"),
		entry(`"../x"`, `"2026-01-06T07:45:00Z"`), entry(`"9000000007"`, `"2025-12-06"`),
		strings.Replace(entry(`"9000000008"`, `"2025-12-06T07:45:00Z"`), "1000}", "1.5}", 1))
	answers := map[string]string{"/payouts": page, "/payouts/9000000005": entry(`"9000000005"`, "null")}
	k := listing(t, answers)
	ctx := t.Context()
	var got workflows.Listing
	for range 2 { // listing it again changes nothing
		var err error
		if got, err = k.ListPayouts(ctx, workflows.ListPayoutsInput{Connection: "c1", Window: january}); err != nil {
			t.Fatal(err)
		}
	}
	// The last one is broken too, but its day is known, and was not asked for.
	if got.Found != 4 || len(got.Due) != 4 {
		t.Fatalf("found %d, due %v", got.Found, got.Due)
	}
	for _, due := range got.Due {
		if due.PaymentReference == "9000000004" {
			continue
		}
		ref := workflows.PayoutRef{Connection: "c1", PaymentReference: due.PaymentReference}
		proven, err := k.ProvePayout(ctx, ref)
		if err != nil || proven.Held == nil || proven.Held.Code != held.BadData || !strings.Contains(proven.Held.Detail, "cannot be read: entry") {
			t.Errorf("%s: %+v, %v", due.PaymentReference, proven, err)
			continue
		}
		hold := &Ledger{Store: k.Store, Doors: k.Doors}
		if _, err := hold.HoldPayout(ctx, workflows.Hold{PayoutRef: ref, Held: *proven.Held}); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for body, err := range archive.Read(ctx, k.Store, "c1", due.PaymentReference, archive.KindUnusable) {
			if err != nil || string(body) != page {
				t.Errorf("%s: archived %s, %v", due.PaymentReference, body, err)
			}
			kept++
		}
		if kept != 1 {
			t.Errorf("%s: its bytes are archived %d times", due.PaymentReference, kept)
		}
	}
	waiting, err := k.Store.Waiting(ctx, "c1")
	if err != nil || len(waiting) != 3 {
		t.Fatalf("%d wait, %v", len(waiting), err)
	}
	// Wherever a span is asked for, those without a date are in it.
	for _, span := range []store.PayoutFilter{{Connection: "c1", From: january.From, To: january.To}, {Connection: "c1", State: workflows.StateHeld}} {
		rows, err := k.Store.Payouts(ctx, span)
		undated := 0
		for i := range rows {
			if rows[i].Date.IsZero() {
				undated++
			}
			if rows[i].State == workflows.StateHeld && (rows[i].Currency != "" || rows[i].Settlement != 0 || rows[i].MerchantID != "") {
				t.Errorf("%s: figures of an entry that cannot be read are believed", rows[i].PaymentReference)
			}
		}
		if err != nil || undated != 2 {
			t.Errorf("%d without a date, %v", undated, err)
		}
	}
	corrected(t, k, answers)
}

// corrected lets Klarna correct an entry: the payout goes on when it is retried.
func corrected(t *testing.T, k *Klarna, answers map[string]string) {
	t.Helper()
	ref := workflows.PayoutRef{Connection: "c1", PaymentReference: "9000000005"}
	if _, err := k.ProvePayout(t.Context(), ref); err == nil { // asked for three times before it counts
		t.Error("an answer that still cannot be read was taken")
	}
	answers["/payouts/9000000005"] = entry(`"9000000005"`, `"2026-01-05T07:45:00Z"`)
	answers["/transactions"] = pageWith("transactions", `{"type":"SALE","detailed_type":"PURCHASE","amount":1000,"currency_code":"SEK"}`)
	proven, err := k.ProvePayout(t.Context(), ref)
	if err != nil || proven.Held != nil || proven.Settlement != 1000 {
		t.Errorf("got %+v, %v", proven, err)
	}
}

func TestWhatWasBorneWithIsKeptWithThePayout(t *testing.T) {
	odd := strings.Replace(entry(`"9000000006"`, `"2026-01-05T07:45:00Z"`), `"NET"`, `"NET","currency_code_of_registration_country":752`, 1)
	row := `{"type":"SALE","detailed_type":"PURCHASE","amount":500,"currency_code":"SEK","merchant_reference1":"order \ud83d","vat_rate":25.0}`
	k := listing(t, map[string]string{"/payouts": pageWith("payouts", odd), "/transactions": pageWith("transactions", row, row)})
	ctx := t.Context()
	if _, err := k.ListPayouts(ctx, workflows.ListPayoutsInput{Connection: "c1", Window: january}); err != nil {
		t.Fatal(err)
	}
	ref := workflows.PayoutRef{Connection: "c1", PaymentReference: "9000000006"}
	if proven, err := k.ProvePayout(ctx, ref); err != nil || proven.Held != nil {
		t.Fatalf("got %+v, %v", proven, err)
	}
	p, err := k.Store.Payout(ctx, "c1", "9000000006")
	if err != nil {
		t.Fatal(err)
	}
	var warnings klarna.Warnings
	if err := json.Unmarshal(p.Warnings, &warnings); err != nil || len(warnings) != 3 || warnings[1].Count != 2 {
		t.Errorf("kept %s, %v", p.Warnings, err)
	}
	counts, err := k.Store.PayoutCounts(ctx)
	if err != nil || len(counts) != 1 || counts[0].Warned != 1 {
		t.Errorf("counted %+v, %v", counts, err)
	}
}
