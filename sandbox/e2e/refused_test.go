package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// allHeld backfills and makes sure that every payout is held for one reason
// with these words.
func (h *house) allHeld(t *testing.T, payouts []*shop.Payout, reason string, words ...string) {
	t.Helper()
	got := report(t, h.starter(t, h.backfill("2026-01-01", "2026-06-30")...).with(t, 3))
	got.came(t, counted{Found: len(payouts), Held: len(payouts)})
	for _, p := range payouts {
		why := h.held(t, p.PaymentReference, reason)
		for _, w := range words {
			if !strings.Contains(why.Detail, w) {
				t.Errorf("the words lack %q: %s", w, why.Detail)
			}
		}
	}
}

func (h *house) retried(t *testing.T, payouts []*shop.Payout) {
	t.Helper()
	for _, p := range payouts {
		h.done(t, "payout", "retry", h.id, p.PaymentReference)
	}
	h.once(t, payouts...)
}

func TestAnAccountThatDoesNotExistOrIsInactiveHoldsUntilItIsThere(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 2)
	h := w.house(t, plan{payouts: payouts, profile: w.profile(t, `clearing: "1686"`, `clearing: "1681"`)})
	h.allHeld(t, payouts, "account_unknown", "1681", h.firm.Name)
	account := vismasim.Account{Number: "1681", Description: "Klarna", Type: "Asset", Inactive: true}
	if err := w.Visma.SetAccount(h.firm.TenantID, account); err != nil {
		t.Fatal(err)
	}
	w.starter(t, "payout", "retry", h.id, payouts[0].PaymentReference).with(t, 3)
	h.held(t, payouts[0].PaymentReference, "account_inactive")
	account.Inactive = false
	if err := w.Visma.SetAccount(h.firm.TenantID, account); err != nil {
		t.Fatal(err)
	}
	h.retried(t, payouts)
}

func TestSubaccountsThatTheProfileLacksHoldUntilItNamesThem(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 2)
	firm := w.take(t, &w.segmented)
	h := w.house(t, plan{payouts: payouts, firm: &firm})
	h.allHeld(t, payouts, "subaccount_invalid", "2 subaccount segments")
	w.done(t, "profile", "set", h.id, w.profile(t, `# subaccount: {1: "10", 2: "000"}`, `subaccount: {1: "10", 2: "010"}`))
	for _, p := range payouts {
		h.verified(t, p.PaymentReference)
	}
	for _, b := range h.once(t, payouts...).List {
		for _, l := range b.Lines {
			if l.Subaccount != "10-010" {
				t.Errorf("batch %s line %d has the subaccount %q", b.Number, l.Number, l.Subaccount)
			}
		}
	}
}

func TestWhatVismaRefusesIsHeldWithItsWordsAndPostedOnceCorrected(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 2)
	h := w.house(t, plan{payouts: payouts})
	for i, kind := range []vismasim.FaultKind{vismasim.Rejected, vismasim.JobRejected} {
		inject(t, h, vismasim.Fault{
			Kind: kind, Method: http.MethodPost, Path: journals, Body: payouts[i].PaymentReference,
			Message: "Error creating document. Error: the moon is in the wrong house.",
		})
	}
	h.allHeld(t, payouts, "rejected", "the moon is in the wrong house")
	if books := w.Visma.Books(h.firm.TenantID); books.Batches != 0 {
		t.Errorf("the books hold %d batches", books.Batches)
	}
	h.retried(t, payouts)
}

func TestAReleaseThatFailsIsRetriedAloneAndNeverForAChangedBatch(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 1)
	p := payouts[0]
	h := w.house(t, plan{payouts: payouts})
	for range 2 {
		inject(t, h, vismasim.Fault{Kind: vismasim.ReleaseFailed, Method: http.MethodPost, Path: journals + "/*/action/release", Message: "The batch is being edited."})
	}
	h.allHeld(t, payouts, "release_failed", "The batch is being edited")
	// Whoever posts again is caught.
	inject(t, h, vismasim.Fault{Kind: vismasim.Rejected, Method: http.MethodPost, Path: journals, Times: -1, Message: "posted again"})
	w.starter(t, "payout", "retry", h.id, p.PaymentReference).with(t, 3)
	h.held(t, p.PaymentReference, "release_failed")

	number := w.Visma.Books(h.firm.TenantID).List[0].Number
	h.edit(t, number, 1, "1940")
	w.starter(t, "payout", "retry", h.id, p.PaymentReference).with(t, 3)
	why := h.held(t, p.PaymentReference, "batch_differs")
	if !strings.Contains(why.Detail, "1940") || !strings.Contains(why.Detail, "16861") {
		t.Errorf("the words name neither what stands there nor what was meant: %s", why.Detail)
	}
	if b := w.Visma.Books(h.firm.TenantID).List[0]; b.Released() {
		t.Errorf("batch %s was released", b.Number)
	}
	w.starter(t, "payout", "reject", h.id, p.PaymentReference, "--reason", "wrong").refused(t, 1, "can only be reversed")

	h.edit(t, number, 1, "16861")
	h.retried(t, payouts)
	if got := h.show(t, p.PaymentReference); got.State != workflows.StateVerified || got.Posting.Adopted {
		t.Errorf("%s, adopted %t", got.State, got.Posting.Adopted)
	}
}

// edit lets somebody else change the account of a batch's line.
func (h *house) edit(t *testing.T, batch string, line int, account string) {
	t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {stack.ClientID}, "client_secret": {h.ClientSecret}, "tenant_id": {h.firm.TenantID},
		"scope": {"vismanet_erp_service_api:update vismanet_erp_service_api:read"},
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	h.ask(t, http.MethodPost, h.ConnectURL+"/connect/token", "application/x-www-form-urlencoded", "", []byte(form.Encode()), &token)
	type value map[string]any
	body, err := json.Marshal(map[string]any{"journalTransactionLines": []any{
		map[string]any{"operation": "Update", "lineNumber": value{"value": line}, "accountNumber": value{"value": account}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.ask(t, http.MethodPut, h.VismaURL+journals+"/"+batch, "application/json", token.AccessToken, body, nil)
}

// ask makes one request of somebody else's.
func (h *house) ask(t *testing.T, method, address, contentType, token string, body []byte, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode > 299 {
		err = fmt.Errorf("%s %s answered %s: %s", method, address, answer.Status, text)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
