package portal

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// Every way out leads to a route that takes exactly the role which its button asks
// for, and has words for itself and its button.
func TestEveryWayOutIsDoneOnAPageBySomebodyWithItsRole(t *testing.T) {
	_, p := newHall(t)
	english := words(t, "en")
	for _, out := range held.Outs() {
		do, ok := doings[out.Way]
		if ok == (out.Way == held.ByItself) {
			t.Errorf("%s: the page does %+v", out.Way, do)
		}
		if !english.has("way."+string(out.Way)) || ok && !english.has(do.Words) || do.Reason != "" && !english.has(do.Reason) {
			t.Errorf("%s has no words", out.Way)
		}
		if asks := strings.Contains(out.Command, "--reason"); ok && asks != (do.Reason != "") || out.Decision != (do.Kind != "") {
			t.Errorf("%s: the page does %+v, the command is %s", out.Way, do, out.Command)
		}
		pattern := "GET /connections/{id}/" + do.Link
		if do.Post != "" {
			pattern = "POST /connections/{id}/payouts/{ref}/" + do.Post
		}
		i := slices.IndexFunc(p.routes(), func(r route) bool { return r.pattern == strings.TrimSuffix(pattern, "/") })
		if ok && i < 0 {
			t.Errorf("%s: there is no %s", out.Way, pattern)
		} else if ok && do.Post != "" && string(p.routes()[i].need) != do.Role {
			t.Errorf("%s: the button is for the %s, and the route for the %s", out.Way, do.Role, p.routes()[i].need)
		}
	}
}

// hold makes P1 held, with what was posted of it in the state; "" for nothing.
func (o *office) hold(code held.Code, posted string) {
	o.t.Helper()
	why, err := json.Marshal(workflows.Held{Code: code, Acceptable: []workflows.Acceptable{{Component: "fee", Difference: 1}}})
	if err != nil {
		o.t.Fatal(err)
	}
	state := workflows.StateHeld
	if code == held.Approval {
		state = workflows.StateAwaitingApproval
	}
	if posted != "" {
		if _, err := o.store.EnsureBooking(o.t.Context(), store.Booking{
			CompanyID: "42", Token: "KVITT-1", ConnectionID: "c1", PaymentReference: "P1", State: posting.Intended, Period: "202603", Mode: "auto",
			VoucherHash: "h", Voucher: json.RawMessage(`{}`),
		}); err != nil {
			o.t.Fatal(err)
		}
		if _, err := o.store.UpdateBooking(o.t.Context(), "42", "KVITT-1", func(p *store.Booking) error {
			p.State, p.BatchNumber = posted, "000123"
			return nil
		}); err != nil {
			o.t.Fatal(err)
		}
	}
	if err := o.store.UpdatePayout(o.t.Context(), "c1", "P1", func(row *store.Payout) error {
		row.State, row.HeldReason, row.Held = state, string(code), why
		return nil
	}, nil); err != nil {
		o.t.Fatal(err)
	}
}

const payoutP1 = "/connections/c1/payouts/P1"

// The page of a held payout has a button for every way out of its code, for whoever
// may; a viewer reads what can be done, and has none.
func TestThePageOfAHeldPayoutHasAButtonForEveryWayOut(t *testing.T) {
	o := newOffice(t)
	for _, r := range held.All() {
		o.hold(r.Code, "")
		page := o.get(signin.Administrator, payoutP1).Body.String()
		seen := o.get(signin.Viewer, payoutP1).Body.String()
		if strings.Contains(seen, `action="`+payoutP1) {
			t.Errorf("%s: a viewer has buttons", r.Code)
		}
		buttons := 0
		for _, way := range r.Ways {
			do := doings[way]
			switch {
			case way == held.Reverse || way == held.Keep || way == held.ByItself: // nothing is posted; or nothing needs to be done
				continue
			case do.Kind != "" && !strings.Contains(page, `name="kind" value="`+do.Kind+`"`),
				do.Post != "" && !strings.Contains(page, `action="`+payoutP1+"/"+do.Post+`"`),
				do.Link != "" && !strings.Contains(page, `href="/connections/c1/`+do.Link+`"`):
				t.Errorf("%s: the page lets nobody do %s:\n%s", r.Code, way, page)
			}
			buttons++
		}
		if !strings.Contains(page, `action="`+payoutP1) {
			t.Errorf("%s: nothing can be done about it (%d ways)", r.Code, buttons)
		}
	}
}

// What stands in the books can be reversed or kept, and not closed or booked
// elsewhere.
func TestWhatIsInTheBooksIsNotOfferedToBeClosed(t *testing.T) {
	o := newOffice(t)
	o.hold(held.ChangedAfterPosting, posting.Verified)
	page := o.get(signin.Approver, payoutP1).Body.String()
	for path, want := range map[string]bool{"/reverse": true, "/retry": true, "/decisions": true, "/reject": false, "/approve": false} {
		if got := strings.Contains(page, `action="`+payoutP1+path+`"`); got != want {
			t.Errorf("%s is offered: %v", path, got)
		}
	}
	if strings.Contains(page, `value="booked_elsewhere"`) {
		t.Error("it can be booked elsewhere")
	}
}

// A held reversal is tried again or withdrawn, with a reason, by who may.
func TestAHeldReversalIsTriedAgainOrWithdrawnOnThePage(t *testing.T) {
	o := newOffice(t)
	o.hold(held.ChangedAfterPosting, posting.Verified)
	if err := o.store.PutStop(t.Context(), store.Stop{
		ConnectionID: "c1", Work: workflows.WorkReversal, Name: "P1", Reason: string(held.PeriodClosed), Held: json.RawMessage(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	page := o.get(signin.Approver, payoutP1).Body.String()
	for path, want := range map[string]bool{"/reversal/retry": true, "/reversal/withdraw": true, "/reverse": false, "/reject": false, "/retry": false} {
		if got := strings.Contains(page, `action="`+payoutP1+path+`"`); got != want {
			t.Errorf("%s is offered: %v", path, got)
		}
	}
	o.says(o.post(signin.Approver, payoutP1+"/reversal/withdraw", url.Values{}), 409, "no reason was given")
	o.says(o.post(signin.Approver, payoutP1+"/reversal/withdraw", url.Values{"reason": {"it was right"}}), 303)
	got, _ := o.wires.updates[workflows.ReverseWorkflowID("c1", "P1", 1)+" Reject"].(workflows.Person)
	if got.Reason != "it was right" || got.Who != "approver@example.com" || got.Instruction == "" {
		t.Errorf("asked for was %+v of %v", got, o.wires.updates)
	}
}

// A payout that was reversed before is posted anew from its page while it waits.
func TestAPayoutThatWasReversedBeforeIsRepostedFromItsPage(t *testing.T) {
	o := newOffice(t)
	o.hold(held.ReversedBefore, "")
	o.says(o.post(signin.Approver, payoutP1+"/repost", url.Values{"reason": {"corrected"}}), 303)
	if got, _ := o.wires.updates["payout/c1/P1 Repost"].(workflows.Person); got.Reason != "corrected" || got.Instruction == "" {
		t.Errorf("asked for was %v", o.wires.updates)
	}
}
