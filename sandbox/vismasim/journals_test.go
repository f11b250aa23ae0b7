package vismasim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/vismasim"
)

func TestABatchReadsBackAsItWasSent(t *testing.T) {
	w := newWorld(t, nil)
	created := w.ask(http.StatusCreated, "POST", "/v2/journaltransaction", voucher(payoutLines))
	if len(created.body) != 0 {
		t.Errorf("the body of a 201 is %q, want none", created.body)
	}
	location := created.header.Get("Location")
	if !strings.HasPrefix(location, "https://finance.visma.net/") || last(location) != "000001" {
		t.Errorf("Location is %q, want another host and the batch number 000001", location)
	}
	got := w.ask(http.StatusOK, "GET", "/v2/journaltransaction/000001", "")
	if got.header.Get("ETag") != created.header.Get("ETag") {
		t.Errorf("ETag is %s, was %s when created", got.header.Get("ETag"), created.header.Get("ETag"))
	}
	batch := read[object](t, got)
	if stamp := `"` + batch["timeStamp"].(string) + `"`; stamp != got.header.Get("ETag") {
		t.Errorf("timeStamp %s is not the ETag %s", stamp, got.header.Get("ETag"))
	}
	head := object{}
	for _, name := range []string{"status", "hold", "transactionDate", "postPeriod", "financialPeriod", "currencyId", "description", "debitTotal", "creditTotalInCurrency", "controlTotal"} {
		head[name] = batch[name]
	}
	want := object{
		"status": "Balanced", "hold": false, "transactionDate": "2026-01-30T00:00:00", "postPeriod": "012026", "financialPeriod": "202601",
		"currencyId": "SEK", "description": "[kvitt:0011223344556677] Klarna PR-1", "debitTotal": json.Number("102000.0"),
		"creditTotalInCurrency": json.Number("102000.0"), "controlTotal": json.Number("102000.0"),
	}
	if diff := cmp.Diff(want, head); diff != "" {
		t.Errorf("the batch (-want +got):\n%s", diff)
	}
	first := batch["journalTransactionLines"].([]any)[0].(object)
	if first["subaccount"].(object)["subaccountNumber"] != "10-010" || first["referenceNumber"] != "PR-1" || first["debitAmount"] != json.Number("85900.0") {
		t.Errorf("the first line is %v", first)
	}
}

func TestAnUnknownBatchIsNotFound(t *testing.T) {
	w := newWorld(t, nil)
	w.ask(http.StatusNotFound, "GET", "/v2/journaltransaction/000404", "")
	w.ask(http.StatusNotFound, "GET", "/v1/journaltransaction", "")
	w.ask(http.StatusNotFound, "DELETE", "/v2/journaltransaction/000001", "")
}

func TestABatchNumberMayBeSentInBase64(t *testing.T) {
	w := newWorld(t, nil)
	w.post(voucher(payoutLines))
	w.ask(http.StatusOK, "GET", "/v2/journaltransaction/b64(MDAwMDAx)", "")
}

func TestABatchOnHoldNeedNotBalanceAndCannotBeReleased(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines[:1], set("hold", true)))
	if got := w.journal(number)["status"]; got != "Hold" {
		t.Errorf("status is %v, want Hold", got)
	}
	refused := w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction/"+number+"/action/release", "{}")
	if got := message(t, refused); !strings.Contains(got, "VismaId: ") || !strings.Contains(got, "Batch status is not valid for processing.") {
		t.Errorf("the refusal reads %q", got)
	}
}

func TestABatchIsPutOnHoldByDefault(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines, func(doc object) { delete(doc, "hold") }))
	if got := w.journal(number)["status"]; got != "Hold" {
		t.Errorf("status is %v, want Hold", got)
	}
}

func TestAReleasedBatchIsPostedByTheCompanysSetting(t *testing.T) {
	for want, automatic := range map[string]bool{"Posted": true, "Unposted": false} {
		t.Run(want, func(t *testing.T) {
			w := newWorld(t, func(o *vismasim.Options) { o.Companies[0].PostOnRelease = automatic })
			number, etag := w.post(voucher(payoutLines))
			released := w.ask(http.StatusOK, "POST", "/v2/journaltransaction/"+number+"/action/release", "", "If-Match: "+etag)
			if got := read[object](t, released)["actionResult"]; got != "Done" {
				t.Errorf("actionResult is %v, want Done", got)
			}
			if got := w.journal(number)["status"]; got != want {
				t.Errorf("status is %v, want %s", got, want)
			}
			again := w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction/"+number+"/action/release", "{}")
			if got := message(t, again); got != "Journal transaction can't be released because it is already released." {
				t.Errorf("the refusal reads %q", got)
			}
			w.ask(http.StatusBadRequest, "PUT", "/v2/journaltransaction/"+number, `{"description":{"value":"x"}}`)
		})
	}
}

func TestAnAutoReversingBatchIsReversedOnTheFirstDayOfTheNextPeriod(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines, func(b object) { b["autoReversing"] = object{"value": true} }))
	if n := len(w.sim.Books(tenant).List); n != 1 {
		t.Fatalf("before the release there are %d batches", n)
	}
	w.ask(http.StatusOK, "POST", "/v2/journaltransaction/"+number+"/action/release", "")
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction/"+number+"/action/release", "")
	books := w.sim.Books(tenant)
	if len(books.List) != 2 {
		t.Fatalf("after it there are %d batches", len(books.List))
	}
	own, back := books.List[0], books.List[1]
	if back.Reverses != own.Number || back.Date.Day() != 1 || back.Period <= own.Period || back.Description != own.Description || !back.Released() {
		t.Errorf("it is reversed by %+v", back)
	}
	for number, a := range books.Accounts {
		for currency, sums := range a.Currencies {
			if sums.Balance() != 0 {
				t.Errorf("%s has a balance of %d %s left", number, sums.Balance(), currency)
			}
		}
	}
	if got := w.journal(back.Number); got["reversingEntry"] != true || got["autoReversing"] != false || got["originalBatchNumber"] != number {
		t.Errorf("it reads %v", got)
	}
}

func TestAQueuedReleaseIsDoneLater(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.Release, o.ReleaseDelay = vismasim.ReleaseQueued, 1e9 })
	number, _ := w.post(voucher(payoutLines))
	release := "/v2/journaltransaction/" + number + "/action/release"
	if got := read[object](t, w.ask(http.StatusOK, "POST", release, ""))["actionResult"]; got != "Queued" {
		t.Errorf("actionResult is %v, want Queued", got)
	}
	if got := w.journal(number)["status"]; got != "Balanced" {
		t.Errorf("status right after is %v, want Balanced", got)
	}
	w.ask(http.StatusBadRequest, "POST", release, "")
	w.clock.advance(1e9)
	if got := w.journal(number)["status"]; got != "Posted" {
		t.Errorf("status later is %v, want Posted", got)
	}
}

func TestAReleaseIntoAPeriodThatWasClosedIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines, set("hold", true)))
	if err := w.sim.ClosePeriod(tenant, "202601"); err == nil || !strings.Contains(err.Error(), "batch 000001 is not released") {
		t.Errorf("a period with an unreleased batch was closed: %v", err)
	}
	if err := w.sim.DeactivatePeriod(tenant, "202601"); err != nil {
		t.Fatal(err)
	}
	w.ask(http.StatusBadRequest, "PUT", "/v2/journaltransaction/"+number, `{"hold":{"value":false}}`)
	if err := w.sim.OpenPeriod(tenant, "202601"); err != nil {
		t.Fatal(err)
	}
	w.ask(http.StatusNoContent, "PUT", "/v2/journaltransaction/"+number, `{"hold":{"value":false}}`)
}

func TestAnUpdateWithAnOldETagIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	number, etag := w.post(voucher(payoutLines, set("hold", true)))
	path := "/v2/journaltransaction/" + number
	changed := w.ask(http.StatusNoContent, "PUT", path, `{"description":{"value":"changed"}}`, "If-Match: "+etag)
	if changed.header.Get("ETag") == etag {
		t.Error("the ETag did not change")
	}
	stale := w.ask(http.StatusPreconditionFailed, "PUT", path, `{"description":{"value":"again"}}`, "If-Match: "+etag)
	if len(stale.body) != 0 {
		t.Errorf("the body of a 412 is %q, want none", stale.body)
	}
	w.ask(http.StatusPreconditionFailed, "POST", path+"/action/release", "", "If-Match: "+etag)
	if got := w.journal(number)["description"]; got != "changed" {
		t.Errorf("description is %v", got)
	}
}

func TestLinesAreChangedByTheirOperation(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher([]line{{"1930", "10", ""}, {"1686", "", "7"}, {"6064", "1", ""}}, set("hold", true)))
	w.ask(http.StatusNoContent, "PUT", "/v2/journaltransaction/"+number, `{"hold":{"value":false},"journalTransactionLines":[
		{"operation":"Update","lineNumber":{"value":2},"creditAmountInCurrency":{"value":10}},
		{"operation":"Delete","lineNumber":{"value":3}}]}`)
	batch := w.journal(number)
	if batch["status"] != "Balanced" || len(batch["journalTransactionLines"].([]any)) != 2 {
		t.Errorf("the batch is %v", batch)
	}
	w.ask(http.StatusBadRequest, "PUT", "/v2/journaltransaction/"+number,
		`{"journalTransactionLines":[{"operation":"Update","lineNumber":{"value":3}}]}`)
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	w := newWorld(t, nil)
	number, etag := w.post(voucher(payoutLines))
	w.ask(http.StatusBadRequest, "PUT", "/v2/journaltransaction/"+number,
		`{"description":{"value":"half done"},"journalTransactionLines":[{"operation":"Delete","lineNumber":{"value":1}}]}`)
	got := w.ask(http.StatusOK, "GET", "/v2/journaltransaction/"+number, "")
	if got.header.Get("ETag") != etag || strings.Contains(string(got.body), "half done") {
		t.Errorf("the batch has changed: %s", got.body)
	}
}

func TestATokenMustBeValidAndHaveTheScope(t *testing.T) {
	w := newWorld(t, nil)
	for token, want := range map[string]int{
		"": http.StatusUnauthorized, "33333333-3333-4333-8333-333333333333,read": http.StatusUnauthorized,
		tenant + ",create": http.StatusForbidden, tenant + ",read": http.StatusOK,
	} {
		w.token = token
		w.ask(want, "GET", "/v1/organization", "")
	}
	w.token = tenant + ",read"
	w.ask(http.StatusForbidden, "POST", "/v2/journaltransaction", voucher(payoutLines))
	w.token = tenant + ",read,create"
	number, _ := w.post(voucher(payoutLines))
	w.ask(http.StatusForbidden, "POST", "/v2/journaltransaction/"+number+"/action/release", "")
	w.token = other + ",read"
	w.ask(http.StatusNotFound, "GET", "/v2/journaltransaction/"+number, "")
}
