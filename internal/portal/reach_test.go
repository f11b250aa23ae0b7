package portal

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

var older = regexp.MustCompile(`rel="next" href="([^"]*)"`)

// walk goes through the pages of a list to its end and gives all of them.
func (o *office) walk(path string) (pages []string) {
	o.t.Helper()
	base, _, _ := strings.Cut(path, "?")
	for len(pages) < 50 {
		body := o.get(signin.Administrator, path).Body.String()
		pages = append(pages, body)
		next := older.FindStringSubmatch(body)
		if next == nil {
			return pages
		}
		query, _, _ := strings.Cut(next[1], "#")
		path = base + strings.ReplaceAll(query, "&amp;", "&")
	}
	o.t.Fatalf("%s has no end", path)
	return nil
}

func TestEveryListIsNewestFirstAndPagesToItsEnd(t *testing.T) {
	o := newOffice(t)
	var many []store.Payout
	first := time.Date(2025, 1, 1, 6, 0, 0, 0, time.UTC)
	for i := range 2*mostPayouts + 5 {
		many = append(many, store.Payout{
			PaymentReference: fmt.Sprintf("X%03d", i), Date: first.AddDate(0, 0, i), Currency: "SEK", SettlementType: "NET", Settlement: 1, Payout: json.RawMessage(`{}`),
		})
	}
	_, err := o.store.UpsertPayouts(t.Context(), "c1", many)
	o.must(err)
	for i := range 25 {
		at := first.AddDate(0, 0, i)
		o.must(o.store.PutSyncRun(t.Context(), store.SyncRun{ID: fmt.Sprintf("sync/c1/now/%02d@r", i), ConnectionID: "c1", Mode: "now", From: at, To: at, StartedAt: at, FinishedAt: &at, Outcome: "fetched"}))
		o.must(o.store.Audit(t.Context(), store.AuditEntry{Who: fmt.Sprintf("who%02d", i), ConnectionID: "c1", Subject: "connection/c1", Action: "connection.configure"}))
	}
	for i := range mostPast + 5 {
		o.must(o.store.Audit(t.Context(), store.AuditEntry{Who: fmt.Sprintf("by%02d.", i), ConnectionID: "c1", Subject: "payout/P1", Action: "payout.retry"}))
	}
	for _, list := range []struct {
		path        string
		newest, old string
		pages       int
	}{
		{"/connections/c1/payouts", "P2", "X000", 3},
		{"/connections/c1/payouts?state=discovered", "X204", "X000", 3},
		{"/connections/c1/payouts?state=awaiting_approval", "P2", "P1", 1},
		{"/connections/c1", "who24", "who00", 2},
		{"/connections/c1?runs=3", "2025-01-05", "2025-01-01", 1},
		{"/connections/c1/payouts/P1", "by54.", "by00.", 2},
	} {
		pages := o.walk(list.path)
		if list.pages > 1 && len(pages) < list.pages {
			t.Errorf("%s has %d pages", list.path, len(pages))
		}
		whole := strings.Join(pages, "")
		newest, old := strings.Index(whole, list.newest), strings.Index(whole, list.old)
		if newest < 0 || old < 0 || newest > old {
			t.Errorf("%s: the newest stands at %d, the oldest at %d", list.path, newest, old)
		}
	}
	if got := o.get(signin.Viewer, "/connections/c1/payouts?page=99999999999999999999"); got.Code != http.StatusOK {
		t.Errorf("a page that cannot be is answered %d", got.Code)
	}
}

func TestAPayoutShowsAllItsBatchesDocumentsAndTotals(t *testing.T) {
	o := newOffice(t)
	o.must(o.store.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error {
		p.State, p.HeldReason = workflows.StateReversed, ""
		p.Proof = json.RawMessage(`{"payout":{"payment_reference":"P1","currency":"SEK"},"components":[{"type":"SALE","detailed_type":"PURCHASE","rows":3,"amount":100000}],"rows":3,"evidence":{"parts":1,"digest":"d1"}}`)
		return nil
	}, nil))
	for i, b := range []struct{ number, state, reverses string }{{"000123", posting.Reversed, ""}, {"000124", posting.Verified, "000123"}} {
		_, err := o.store.EnsureBooking(t.Context(), store.Booking{
			CompanyID: "42", Token: fmt.Sprintf("[kvitt:%016d]", i), ConnectionID: "c1", PaymentReference: "P1", Revision: i, VoucherHash: "h",
			Voucher: o.json(voucher.Voucher{Reverses: b.reverses}), Period: "202603", Mode: "auto", State: b.state, BatchNumber: b.number,
		})
		o.must(err)
	}
	o.must(o.store.PutDocuments(t.Context(), []store.Document{{
		ConnectionID: "c1", PaymentReference: "P1", Kind: "pdf", SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("%PDF"))), Size: 4, Encoding: "identity", Body: []byte("%PDF"), FetchedAt: time.Now(),
	}}))
	one := "/connections/c1/payouts/P1"
	o.says(o.get(signin.Viewer, one), 200, "000123", "reverses batch 000123", "SALE/PURCHASE", "d1", one+"/documents/pdf", "Proof")
	if got := o.get(signin.Viewer, one+"/documents/pdf"); got.Code != 200 || !strings.Contains(got.Header().Get("Content-Disposition"), "kvitt-P1-pdf.pdf") {
		t.Errorf("the document is answered %d, %q", got.Code, got.Header())
	}
	o.says(o.get(signin.Viewer, one+"/documents/csv"), http.StatusNotFound)
}

func TestABackfillIsFoundAgainAndADryRunSaysSo(t *testing.T) {
	o := newOffice(t)
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	run := func(id, mode string, started time.Time, over bool) {
		r := store.SyncRun{ID: "backfill/c1/2026-02-01/2026-02-28@" + id, ConnectionID: "c1", Mode: mode, From: at, To: at, StartedAt: started, Result: json.RawMessage(`{"found":7}`)}
		if over {
			r.FinishedAt, r.Outcome = &started, "fetched"
		}
		o.must(o.store.PutSyncRun(t.Context(), r))
	}
	run("dry", "dry_run", at, true)
	run("real", "backfill", at.Add(time.Hour), true)
	page := "/connections/c1/backfills/2026-02-01/2026-02-28"
	o.wires.answer = `{"state":"done","posting":"review"}`
	o.says(o.get(signin.Viewer, "/connections/c1"), 200, page+"?run="+url.QueryEscape("backfill/c1/2026-02-01/2026-02-28@dry"), page+"?run="+url.QueryEscape("backfill/c1/2026-02-01/2026-02-28@real"))
	o.says(o.get(signin.Viewer, page+"?run="+url.QueryEscape("backfill/c1/2026-02-01/2026-02-28@dry")), 200, "Dry run 2026-02-01", "Nothing is posted.")
	if body := o.get(signin.Viewer, page).Body.String(); strings.Contains(body, "Dry run 2026") {
		t.Error("a real backfill is called a dry run")
	}
	o.wires.answer = `{"state":"running","dry_run":true,"windows":1}`
	o.says(o.get(signin.Viewer, page), 200, "Dry run 2026-02-01", "Nothing is posted.")
}

// What was decided meanwhile, here or in another tab.
func TestASecondDecisionIsToldWhatHappened(t *testing.T) {
	o := newOffice(t)
	o.must(o.store.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error {
		p.State, p.HeldReason = workflows.StateVerified, ""
		return nil
	}, &store.AuditEntry{Who: "bo@example.com", Action: "payout.approve"}))
	_, err := o.store.EnsureBooking(t.Context(), store.Booking{
		CompanyID: "42", Token: "[kvitt:0000000000000001]", ConnectionID: "c1", PaymentReference: "P1", VoucherHash: "h", Voucher: json.RawMessage(`{}`),
		Period: "202603", Mode: "auto", State: posting.Verified, BatchNumber: "000254",
	})
	o.must(err)
	o.wires.refuse = operate.ErrNotRunning
	one := "/connections/c1/payouts/P1"
	o.says(o.post(signin.Approver, one+"/approve", url.Values{"voucher": {"hashP1"}}), http.StatusConflict, "already approved by bo@example.com", "batch 000254", "Batches in Visma.net")
	o.says(o.post(signin.Approver, one+"/reject", url.Values{"reason": {"x"}}), http.StatusConflict, "already approved by bo@example.com")
	o.wires.refuse = &operate.RefusalError{Words: "approve payout P1: it is posting, and only a payout that awaits approval can be approved"}
	o.says(o.post(signin.Approver, one+"/approve", url.Values{"voucher": {"hashP1"}}), http.StatusConflict, "already approved by bo@example.com")
	o.says(o.post(signin.Approver, "/connections/c1/review", url.Values{"payout": {"P1 hashP1"}, "sure": {"yes"}}), 200, "already approved by bo@example.com")
	for tag, words := range map[string]string{"sv": "redan godkänd av bo@example.com", "nb": "allerede godkjent av bo@example.com"} {
		if got := o.in(tag, http.MethodPost, signin.Approver, one+"/approve", url.Values{"voucher": {"hashP1"}}).Body.String(); !strings.Contains(got, words) {
			t.Errorf("%s does not say %q", tag, words)
		}
	}
	// Another voucher than the one that was seen is told as before.
	o.wires.refuse = &operate.RefusalError{Words: "approve payout P2: its voucher has been compiled anew since you saw it; look at it again"}
	o.says(o.post(signin.Approver, "/connections/c1/payouts/P2/approve", url.Values{"voucher": {"old"}}), http.StatusConflict, "compiled anew since you saw it")
}

func TestARejectedPayoutIsReopenedWithAReasonByAnApprover(t *testing.T) {
	o := newOffice(t)
	o.must(o.store.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error { p.State, p.HeldReason = workflows.StateRejected, ""; return nil }, nil))
	one := "/connections/c1/payouts/P1"
	o.says(o.get(signin.Approver, one), 200, one+"/reopen", "Reopen")
	o.says(o.post(signin.Viewer, one+"/reopen", url.Values{"reason": {"x"}}), http.StatusForbidden)
	o.says(o.post(signin.Approver, one+"/reopen", url.Values{"reason": {" "}}), http.StatusConflict, "no reason was given")
	o.says(o.post(signin.Approver, "/connections/c1/payouts/P2/reopen", url.Values{"reason": {"x"}}), http.StatusConflict, "only a payout that was rejected can be reopened")
	if len(o.wires.started) > 0 {
		t.Fatalf("started %+v", o.wires.started)
	}
	o.says(o.post(signin.Approver, one+"/reopen", url.Values{"reason": {"not booked after all"}}), http.StatusSeeOther)
	in, _ := o.wires.started[0].Input.(workflows.PayoutInput)
	if in.Reopen == nil || in.Reopen.Who != "approver@example.com" || in.Reopen.Reason != "not booked after all" || in.Reopen.Instruction == "" {
		t.Errorf("asked for %+v", in.Reopen)
	}
}

func TestARefusalKeepsWhatWasTypedAndOffersTheMissingBox(t *testing.T) {
	o := newOffice(t)
	o.wires.answer = `{"id":"c1","state":"active","posting":"review"}`
	early := url.Values{"from": {"2025-11-01"}, "to": {"2025-11-30"}}
	got := o.post(signin.Approver, "/connections/c1/backfills", early)
	o.says(got, http.StatusConflict, "the connection starts on 2026-01-01", `value="2025-11-01"`, `value="2025-11-30"`, `name="earlier" value="yes" autofocus`)
	early.Set("to", "2025-10-01")
	o.says(o.post(signin.Approver, "/connections/c1/backfills", early), http.StatusConflict, "the last day is before the first", `value="2025-10-01"`)
	o.says(o.post(signin.Approver, "/connections/c1/review", url.Values{"do": {"chosen"}}), http.StatusConflict, "no payout was selected", `value="P2 hashP2"`)
	o.says(o.get(signin.Viewer, "/connections/c1/reports/register?from=2026-03-31&to=2026-03-01"), http.StatusConflict, "the first or last day is not valid", `value="2026-03-31"`)
	o.says(o.post(signin.Administrator, "/people", url.Values{"email": {"bo"}, "name": {"Bo Ek"}, "role": {"approver"}}), http.StatusConflict, `value="bo"`, `value="Bo Ek"`, `value="approver" selected`)
}

func TestPeopleKeepTheirRoleAndTheLastAdministratorStays(t *testing.T) {
	o := newOffice(t)
	o.says(o.post(signin.Administrator, "/people", url.Values{"email": {"viewer@example.com"}, "role": {"administrator"}}), 200,
		"viewer@example.com already has access and keeps the role viewer", "/signin/link#")
	who, err := o.gate.ByEmail(t.Context(), "viewer@example.com")
	o.must(err)
	if who.Role != signin.Viewer {
		t.Errorf("inviting again made a %s", who.Role)
	}
	o.says(o.post(signin.Administrator, "/people/"+who.ID, url.Values{"do": {"link"}}), 200, "/signin/link#", "viewer@example.com")
	admin, err := o.gate.ByEmail(t.Context(), "administrator@example.com")
	o.must(err)
	for _, form := range []url.Values{{"do": {"disable"}}, {"do": {"role"}, "role": {"viewer"}}} {
		o.says(o.post(signin.Administrator, "/people/"+admin.ID, form), http.StatusConflict, "this is the only administrator", "Make another person an administrator first")
	}
}

func TestTheLanguageSwitchKeepsPageAndFilters(t *testing.T) {
	o := newOffice(t)
	o.says(o.get(signin.Viewer, "/connections/c1/payouts?state=held&page=2&done=retry"), 200, "back=%2fconnections%2fc1%2fpayouts%3fpage%3d2%26state%3dheld\"")
	for _, path := range []string{"/connections", "/connections/c1/find?reference=P1", "/people", "/nowhere?x=1", "/connections/new"} {
		body := o.get(signin.Administrator, path).Body.String()
		back := regexp.MustCompile(`/language\?to=sv&amp;back=([^"]*)"`).FindStringSubmatch(body)
		if back == nil {
			t.Errorf("%s has no switch", path)
			continue
		}
		if at, err := url.QueryUnescape(back[1]); err != nil || at != path {
			t.Errorf("on %s the switch leads back to %q", path, at)
		}
	}
}

// What a form was sent to may have no page of its own.
func TestTheLanguageSwitchOfARefusalLeadsToThePageOfItsForm(t *testing.T) {
	o := newOffice(t)
	for _, from := range []struct{ referer, back string }{
		{"http://127.0.0.1:8088/connections/c1/payouts?state=awaiting_approval", "/connections/c1/payouts?state=awaiting_approval"},
		{"http://elsewhere.example/x", "/connections/c1/review"},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8088/connections/c1/review", strings.NewReader("do=chosen"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Referer", from.referer)
		r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: o.who[signin.Approver]})
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		found := regexp.MustCompile(`/language\?to=sv&amp;back=([^"]*)"`).FindStringSubmatch(w.Body.String())
		if found == nil {
			t.Fatalf("there is no switch: %s", w.Body)
		}
		if back, err := url.QueryUnescape(found[1]); err != nil || back != from.back {
			t.Errorf("from %s the switch leads to %q", from.referer, back)
		}
	}
}

func TestAPageTellsThatJavaScriptIsOff(t *testing.T) {
	o := newOffice(t)
	for tag, words := range map[string]string{"en": "JavaScript is off.", "sv": "JavaScript är avstängt.", "nb": "JavaScript er slått av."} {
		if got := o.in(tag, http.MethodGet, signin.Viewer, "/connections", nil).Body.String(); !strings.Contains(got, "<noscript>") || !strings.Contains(got, words) {
			t.Errorf("%s does not say %q", tag, words)
		}
	}
}

// in is answered for somebody with a role, in a language.
func (o *office) in(tag, method string, role signin.Role, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8088"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: o.who[role]})
	r.AddCookie(&http.Cookie{Name: languageCookie, Value: tag})
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w
}
