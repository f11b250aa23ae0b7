package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/workflows"
)

// resident signs somebody with a role in at a world's portal.
func (w *world) resident(t *testing.T, role string) *person {
	t.Helper()
	p := w.sits(t, "en")
	n := serial.Add(1)
	p.signsInWith(w.invite(t, fmt.Sprintf("%s%d@example.com", role, n), role), "", "")
	return p
}

// awaiting posts the payouts of a house, all of which have to be approved first.
func (h *house) awaiting(t *testing.T, payouts []*shop.Payout) {
	t.Helper()
	day := func(p *shop.Payout) string { return p.Date.Format(time.DateOnly) }
	h.starter(t, h.backfill(day(payouts[0]), day(payouts[len(payouts)-1]))...).with(t, 3)
	for _, p := range payouts {
		if got := h.show(t, p.PaymentReference); got.State != workflows.StateAwaitingApproval {
			t.Fatalf("%s is %s", p.PaymentReference, got.State)
		}
	}
}

func total(payouts ...*shop.Payout) (sum int64) {
	for _, p := range payouts {
		sum += p.Totals.Settlement
	}
	return sum
}

// spaced is an amount in SEK as the portal writes it.
func spaced(minor int64) string {
	whole := fmt.Sprint(minor / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + " " + whole[i:]
	}
	return fmt.Sprintf("%s.%02d", whole, minor%100)
}

// Payouts are looked at in a list and approved together, after what they come to
// was shown; a voucher that changed in the meantime is not among them.
func TestPayoutsAreApprovedTogetherInABrowser(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	payouts := days(t, "2026-02-02", 5)
	h := w.house(t, plan{payouts: payouts, posting: "review"})
	h.awaiting(t, payouts)
	p := w.resident(t, "approver")
	p.name = "review"
	list := "/connections/" + h.id + "/payouts?state=awaiting_approval"
	p.open(list, 200)
	p.sees("list", "Payouts awaiting approval", payouts[0].PaymentReference, "5 payouts, "+spaced(total(payouts...))+" SEK")
	p.goes("Approve selected")
	p.sees("none", "no payout was selected")

	p.open(list, 200)
	p.tick("Select " + payouts[0].PaymentReference)
	p.tick("Select " + payouts[2].PaymentReference)
	p.goes("Approve selected")
	p.sees("confirm", "Approve and post these?", "2 payouts, "+spaced(total(payouts[0], payouts[2]))+" SEK")
	if books := w.Visma.Books(h.firm.TenantID); books.Batches != 0 {
		t.Fatalf("before it was confirmed %d batches are booked", books.Batches)
	}
	p.goes("Approve and post 2")
	p.sees("outcome", "2 approved, 0 approved and still being posted, 0 not approved.")
	for _, one := range []*shop.Payout{payouts[0], payouts[2]} {
		h.verified(t, one.PaymentReference)
	}

	// What is confirmed is what was shown.
	p.open(list, 200)
	p.tick("Select " + payouts[1].PaymentReference)
	p.goes("Approve selected")
	before := h.hash(t, payouts[1].PaymentReference)
	h.done(t, "profile", "set", h.id, h.profile(t, `SALE/PURCHASE: {account: clearing}`, `SALE/PURCHASE: {account: clearing, text: "Klarna orders"}`))
	until(t, 30*time.Second, "the voucher is compiled anew", func() string {
		if now := h.hash(t, payouts[1].PaymentReference); now != before {
			return ""
		}
		return before
	})
	p.goes("Approve and post 1")
	p.sees("changed", "0 approved, 0 approved and still being posted, 1 not approved.", "compiled anew since you saw it")
	p.open(list, 200)
	p.goes("Approve all")
	p.sees("confirm-all", "3 payouts, "+spaced(total(payouts[1], payouts[3], payouts[4]))+" SEK", "Back, approve nothing")
	p.goes("Back, approve nothing")
	p.sees("back", "Payouts awaiting approval")

	h.starter(t, "payout", "approve", h.id, "--all").refused(t, 2, "3 payouts", "--yes")
	got := facts[struct {
		Approved int `json:"approved"`
		Refused  int `json:"refused"`
	}](t, h.done(t, "payout", "approve", h.id, "--all", "--to", "2026-02-05", "--yes", "--output", "json"))
	if got.Approved != 2 || got.Refused != 0 {
		t.Errorf("until 5 February: %+v", got)
	}
	h.done(t, "payout", "approve", h.id, "--all", "--yes")
	h.once(t, payouts...)
}

// hash is the hash of a payout's voucher.
func (h *house) hash(t *testing.T, reference string) string {
	t.Helper()
	return facts[struct {
		Hash string `json:"voucher_hash"`
	}](t, h.done(t, "payout", "show", h.id, reference, "--output", "json")).Hash
}

// A profile is changed with the company's own accounts and a real past payout
// beside it. What is posted stays, the next payout is looked at, and by somebody
// else where the connection wants that.
func TestAProfileIsChangedInABrowserAndSomebodyElseApproves(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	payouts := days(t, "2026-02-02", 3)
	h := w.house(t, plan{payouts: payouts})
	h.done(t, h.backfill("2026-02-02", "2026-02-02")...)
	admin := w.known(t, "bo@example.com", "administrator")
	admin.name = "profile"
	home := "/connections/" + h.id + "/profile"
	admin.open("/connections/"+h.id, 200)
	admin.goes("Posting profile")
	admin.sees("profile", "Version 1 is in use.", "SALE/PURCHASE", "1686", "Approval by a second person", "off")
	admin.goes("Change the profile")
	admin.sees("edit", "Accounts, from the company's own chart", "Bank account for payouts")
	if chart := admin.HTML(); !strings.Contains(chart, `<option value="6040">`) {
		t.Error("the company's own accounts are not offered")
	}
	admin.fill("Klarna's fees", "6040")
	admin.goes("Preview")
	admin.sees("compared", "Payout "+payouts[0].PaymentReference+" of 2026-02-02, old and new", "≠ changed", "6064", "6040", "Nothing was saved or posted.")
	var text string
	admin.must(admin.Value(`document.getElementById('document').value`, &text))
	if !strings.Contains(text, `fees: "6040"`) || strings.Contains(text, `fees: "6064"`) {
		t.Error("the account that was picked is not in the document")
	}
	admin.must(admin.Phone(true))
	admin.must(admin.Dark(true))
	admin.sees("compared-phone-dark", "≠ changed")
	var width []int
	admin.must(admin.Value(`[document.documentElement.scrollWidth, window.innerWidth]`, &width))
	if width[0] > width[1] {
		t.Errorf("on a phone the page is %d wide and the screen %d", width[0], width[1])
	}
	admin.must(admin.Phone(false))
	admin.must(admin.Dark(false))
	admin.fill("The document", strings.Replace(text, "accounts:\n", "acounts:\n", 1))
	admin.goes("Preview")
	admin.sees("typo", "column 1:", "acounts", "Nothing was saved.")
	admin.fill("The document", text)
	admin.goes("Save as a new version")
	admin.sees("no-reason", "Enter a reason. Nothing was saved.")
	admin.fill("Reason for the change", "The accountant wants card fees on 6040")
	admin.goes("Save as a new version")
	admin.sees("saved", "The profile is saved as a new version.", "Version 2 is in use.", "The accountant wants card fees on 6040", "Version 1")
	admin.goes("Version 2")
	admin.sees("version", "Differences from version 1", `fees: "6040"`, `fees: "6064"`)
	var lines []int // nothing but the account, whatever a browser does to the ends of lines
	admin.must(admin.Value(`[document.querySelectorAll('.diff .removed').length, document.querySelectorAll('.diff .added').length]`, &lines))
	if lines[0] != 1 || lines[1] != 1 {
		t.Errorf("%d lines were removed and %d added, want the one with the account", lines[0], lines[1])
	}
	admin.open(home, 200)
	admin.goes("Turn on")
	admin.sees("eyes", "From now on another person approves.", "Turn off")

	h.awaiting(t, payouts[1:2])
	admin.open("/connections/"+h.id+"/payouts?state=awaiting_approval", 200)
	admin.sees("mine", "another person", payouts[1].PaymentReference)
	admin.open("/connections/"+h.id+"/payouts/"+payouts[1].PaymentReference, 200)
	admin.goes("Approve this voucher and post it")
	admin.sees("refused", "wants a second pair of eyes; somebody else has to approve it")
	if got := h.show(t, payouts[1].PaymentReference); got.State != workflows.StateAwaitingApproval {
		t.Fatalf("after the author's approval it is %s", got.State)
	}

	other := w.known(t, "cleo@example.com", "approver")
	other.name = "second"
	other.open(home, 200)
	other.sees("profile", "Version 2 is in use.")
	if strings.Contains(other.Text(), "Change the profile") {
		t.Error("an approver is offered to change the profile")
	}
	other.open(home+"/edit", 403)
	other.open("/connections/"+h.id+"/payouts/"+payouts[1].PaymentReference, 200)
	other.goes("Approve this voucher and post it")
	other.sees("approved", "Approved.", "verified")

	h.done(t, h.backfill("2026-02-04", "2026-02-04")...) // one was seen: the next goes by itself
	for _, b := range h.once(t, payouts...).List {
		want := "6040"
		if b.Number == w.Visma.Books(h.firm.TenantID).WithReference(payouts[0].PaymentReference)[0].Number {
			want = "6064" // it was posted before the change
		}
		if !strings.Contains(fmt.Sprintf("%+v", b), want) {
			t.Errorf("batch %s has no line on %s: %+v", b.Number, want, b)
		}
	}
}

func TestADryRunShowsTheVouchersThatItWouldPost(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	payouts := []*shop.Payout{settled(t, "2026-02-02"), settled(t, "2026-02-03", and(shop.Of(shop.TypeFee, "KLARNA_SURCHARGE", 12_50).WithVAT(2500)))}
	h := w.house(t, plan{payouts: payouts})
	said := h.starter(t, h.backfill("2026-02-02", "2026-02-03", "--dry-run")...).with(t, 3)
	if !strings.Contains(said.err, "starter payout preview "+h.id) {
		t.Errorf("the dry run does not say where its vouchers are: %s", said.err)
	}
	p := w.resident(t, "viewer")
	p.name = "dry"
	p.open("/connections/"+h.id+"/backfills/2026-02-02/2026-02-03", 200)
	p.sees("run", "What would be posted", payouts[0].PaymentReference, "component_unknown")
	p.goes(payouts[0].PaymentReference)
	p.sees("voucher", "This is a dry run. Nothing was posted.", "Voucher", "16861", "1686")
	p.goes("← What would be posted")
	p.goes(payouts[1].PaymentReference)
	p.sees("held", "The posting profile has no rule for a kind of row in this payout.", "KLARNA_SURCHARGE")
	if !strings.Contains(h.done(t, "payout", "preview", h.id, payouts[0].PaymentReference).out, "16861") {
		t.Error("the command line does not show the voucher")
	}
	if got := h.show(t, payouts[0].PaymentReference); got.State != workflows.StateDiscovered {
		t.Errorf("a dry run left the payout %s", got.State)
	}
	if books := w.Visma.Books(h.firm.TenantID); books.Batches != 0 {
		t.Errorf("a dry run booked %d batches", books.Batches)
	}
}
