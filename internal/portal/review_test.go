package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// wires is a Temporal that answers every update with yes and remembers it.
type wires struct {
	operate.Temporal
	mu      sync.Mutex
	updates map[string]any // by workflow id and name
	started []operate.Start
	answer  string // of every query, as JSON
	refuse  error  // the answer to every update, if any
}

func (w *wires) Start(_ context.Context, s operate.Start) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started = append(w.started, s)
	return nil
}

func (w *wires) Query(_ context.Context, _, _ string, out any) error {
	return json.Unmarshal([]byte(w.answer), out)
}

func (w *wires) NextRun(context.Context, string) (time.Time, error) { return time.Time{}, nil }

func (w *wires) Update(_ context.Context, workflowID, name string, in, out any, _ time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.updates[workflowID+" "+name] = in
	if w.refuse != nil {
		return w.refuse
	}
	return json.Unmarshal([]byte(`{"state":"verified"}`), out)
}

func (w *wires) Signal(context.Context, string, string, any) error { return nil }

// office is a portal with a connection, whose profile is a preset, and two
// payouts that await approval.
type office struct {
	*hall
	t      *testing.T
	portal *Portal
	store  *store.Store
	wires  *wires
	vault  *vault.Vault
	who    map[signin.Role]string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	h, p := newHall(t)
	s := h.store
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	v := vault.New(keys, s)
	o := &office{hall: h, t: t, portal: p, store: s, vault: v, wires: &wires{updates: map[string]any{}}, who: map[signin.Role]string{}}
	p.Now = func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }
	p.Desk = &operate.Desk{Store: s, Vault: v, Doors: &access.Doors{Store: s, Vault: v, Config: p.Config}, Temporal: o.wires}
	for _, role := range signin.Roles() {
		o.who[role] = h.session(t, role)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.CreateConnection(t.Context(), store.Connection{
		ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "review", State: workflows.ConnActive, Start: "2026-01-01", ProfileVersion: 1, CompanyID: "42", FourEyes: true,
	}))
	_, err = s.AddProfile(t.Context(), "c1", []byte(preset(t)), "h1", "approver@example.com")
	must(err)
	_, err = s.AddProfile(t.Context(), "c1", []byte(preset(t)+"\n"), "h2", "administrator@example.com")
	must(err)
	_, err = s.UpsertPayouts(t.Context(), "c1", []store.Payout{
		{PaymentReference: "P1", Date: p.Now(), Currency: "SEK", SettlementType: "NET", Settlement: 1_234_56, Payout: json.RawMessage(`{}`)},
		{PaymentReference: "P2", Date: p.Now(), Currency: "EUR", SettlementType: "NET", Settlement: 50_00, Payout: json.RawMessage(`{}`)},
	})
	must(err)
	for i, r := range []string{"P1", "P2"} {
		must(s.UpdatePayout(t.Context(), "c1", r, func(row *store.Payout) error {
			row.State, row.HeldReason, row.VoucherHash, row.ProfileVersion = workflows.StateAwaitingApproval, "approval", "hash"+r, i+1
			return nil
		}, nil))
	}
	return o
}

func preset(t *testing.T) string {
	t.Helper()
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

// get and post are answered for somebody with a role.
func (o *office) get(role signin.Role, path string) *httptest.ResponseRecorder {
	return o.ask(http.MethodGet, path, o.who[role], nil)
}

func (o *office) post(role signin.Role, path string, form url.Values) *httptest.ResponseRecorder {
	return o.ask(http.MethodPost, path, o.who[role], form)
}

func (o *office) says(answer *httptest.ResponseRecorder, status int, words ...string) {
	o.t.Helper()
	if answer.Code != status {
		o.t.Fatalf("answered %d, want %d: %s", answer.Code, status, answer.Body)
	}
	for _, w := range words {
		if !strings.Contains(answer.Body.String(), w) {
			o.t.Errorf("the page does not say %q:\n%s", w, answer.Body)
		}
	}
}

func TestPayoutsAreApprovedOnlyAsTheyWereShownAndAfterAYes(t *testing.T) {
	o := newOffice(t)
	o.says(o.get(signin.Approver, "/connections/c1/payouts?state=awaiting_approval"), 200, "another person", `value="P2 hashP2"`, "1 payout, 50.00 EUR")
	if page := o.get(signin.Viewer, "/connections/c1/payouts?state=awaiting_approval").Body.String(); strings.Contains(page, "checkbox") {
		t.Error("a viewer can choose payouts")
	}
	o.says(o.post(signin.Approver, "/connections/c1/review", url.Values{"do": {"chosen"}}), http.StatusConflict, "no payout was selected")
	both := url.Values{"payout": {"P1 hashP1", "P2 another"}, "do": {"chosen"}}
	o.says(o.post(signin.Administrator, "/connections/c1/review", both), 200, "left out: P2", "1 payout, 1\u00a0234.56 SEK")
	if len(o.wires.updates) > 0 {
		t.Fatalf("before it was confirmed %v was asked for", o.wires.updates)
	}
	both.Set("sure", "yes")
	both["payout"] = []string{"P1 hashP1", "P2"}
	o.says(o.post(signin.Administrator, "/connections/c1/review", both), 200, "1 approved, 0 approved and still being posted, 1 not approved.", "nobody said which voucher was looked at")
	want := workflows.Person{Who: "administrator@example.com", VoucherHash: "hashP1"}
	got, _ := o.wires.updates["payout/c1/P1 Approve"].(workflows.Person)
	if row, err := o.store.Instruction(t.Context(), got.Instruction); err != nil || row.ConnectionID != "c1" {
		t.Errorf("who asks is not written down: %+v %v", row, err)
	}
	if got.Instruction = ""; got != want || len(o.wires.updates) != 1 {
		t.Errorf("asked for was %v", o.wires.updates)
	}
}

func (o *office) latest() store.ProfileVersion {
	o.t.Helper()
	p, err := o.store.Profile(o.t.Context(), "c1", 0)
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

func TestAProfileIsSavedOnTopOfTheVersionThatWasEdited(t *testing.T) {
	o := newOffice(t)
	const edit = "/connections/c1/profile/edit"
	changed := strings.Replace(strings.Replace(preset(t), `debt: "2890"`, `debt: "2893"`, 1), "accrual: {", "accrual: {other: disputes, ", 1) + `
overrides:
  - when: {country: FI}
    vat: {rates: {"0": {}}, reverse_charge: {rate: "25.5", input: "1763", output: "2939", input_code: RI}}
  - when: {merchant_id: K200002}
    vat: {reverse_charge: false}
`
	form := func(on, do string) url.Values {
		return url.Values{
			"on": {on}, "do": {do}, "reason": {"new accounts"}, "payout": {"latest"},
			"document":      {strings.ReplaceAll(changed, "\n", "\r\n")}, // as browsers send it
			"account:fees":  {"6040"},
			"was:fees":      {"6064"},
			"account:debt":  {"2890"}, // left alone in the list, changed in the document
			"was:debt":      {"2890"},
			"account:other": {"1"},
		}
	}
	o.says(o.get(signin.Administrator, edit), 200, `name="account:settlement"`, "could not be read")
	o.says(o.post(signin.Administrator, edit, form("2", "pick")), 200, "fees: &#34;6040&#34;")
	o.says(o.post(signin.Administrator, edit, form("2", "preview")), 200, "none has been proven yet")
	o.says(o.post(signin.Administrator, edit, form("1", "save")), http.StatusConflict, "version 2 was added meanwhile, by administrator@example.com", "fees: &#34;6040&#34;")
	without := form("2", "save")
	without.Set("reason", "  ")
	o.says(o.post(signin.Administrator, edit, without), http.StatusUnprocessableEntity, "Enter a reason.")
	typo := form("2", "save")
	typo.Set("document", strings.Replace(preset(t), "accounts:\n", "acounts:\n", 1))
	o.says(o.post(signin.Administrator, edit, typo), http.StatusUnprocessableEntity, "column 1:", "acounts", "Nothing was saved.")
	if v := o.latest(); v.Version != 2 || len(o.wires.updates) > 0 {
		t.Fatalf("version %d was saved by what had to be refused; %v", v.Version, o.wires.updates)
	}
	o.says(o.post(signin.Administrator, edit, form("2", "save")), http.StatusSeeOther)
	v := o.latest()
	if want := strings.Replace(changed, `fees: "6064"`, `fees: "6040"`, 1); string(v.Document) != want {
		t.Errorf("saved was another document:\n%v", voucher.Near(voucher.CompareText(want, string(v.Document)), 0))
	}
	if v.Version != 3 || v.Reason != "new accounts" || v.CreatedBy != "administrator@example.com" {
		t.Errorf("saved was %d, %q by %s", v.Version, v.Reason, v.CreatedBy)
	}
	if got := o.wires.updates["connection/c1 ConfigureConnection"].(workflows.Configure); got.Settings.ProfileVersion != 3 {
		t.Errorf("the connection was told %+v", got)
	}
	o.says(o.get(signin.Viewer, "/connections/c1/profile"), 200, "Version 3 is in use.", "new accounts", "6040",
		"country FI", "Reverse charge, input VAT", "25.5 %", "1763", "<td>RI</td>", "merchant_id K200002", "<small>reverse_charge</small>",
		"no effect and can be removed: <code>accrual.other</code>")
	o.says(o.get(signin.Viewer, "/connections/c1/profile/versions/3"), 200, "Differences from version 2", "fees: &#34;6040&#34;")
	o.says(o.get(signin.Viewer, "/connections/c1/profile/versions/4"), http.StatusNotFound)
	o.says(o.get(signin.Viewer, "/connections/c1/profile/versions/x"), http.StatusNotFound)
}

// What the pages of review and profile look up while they are written.
func TestEveryAccountAndEveryChangeHasAName(t *testing.T) {
	english := words(t, "en")
	slots, err := voucher.Slots([]byte(preset(t)))
	if err != nil || len(slots) != 12 {
		t.Fatalf("%d accounts, %v", len(slots), err)
	}
	for i := range slots {
		if !english.has("account." + slots[i].Name) {
			t.Errorf("the account %s has no name", slots[i].Name)
		}
	}
	for _, key := range []string{
		"change.same", "change.changed", "change.added", "change.removed", "profile.period.hold", "profile.period.next_open",
		"done.profile", "done.eyes_true", "done.eyes_false",
		"review.title", "confirm.title", "reviewed.title", "preview.title", "profile.title", "version.title", "edit.title",
	} {
		if !english.has(key) {
			t.Errorf("there are no words for %s", key)
		}
	}
}

func TestTheSecondPairOfEyesIsTurnedOnByAnAdministrator(t *testing.T) {
	o := newOffice(t)
	o.says(o.post(signin.Approver, "/connections/c1/four-eyes", url.Values{"four_eyes": {"off"}}), http.StatusForbidden)
	o.alone()
	o.says(o.post(signin.Administrator, "/connections/c1/four-eyes", url.Values{"four_eyes": {"on"}}), http.StatusSeeOther)
	got := o.wires.updates["connection/c1 ConfigureConnection"].(workflows.Configure)
	if got.FourEyes == nil || !*got.FourEyes || got.Who != "administrator@example.com" {
		t.Errorf("asked for was %+v", got)
	}
}

// alone lets one person be enough.
func (o *office) alone() {
	o.t.Helper()
	row, err := o.store.Connection(o.t.Context(), "c1")
	o.must(err)
	row.FourEyes = false
	o.must(o.store.SaveConnection(o.t.Context(), row))
}
