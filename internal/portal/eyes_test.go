package portal

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kvitt/internal/instruct"
	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// How the second pair of eyes is kept by each route that acts.
const (
	barred    = "whoever made the profile is refused by the activity"
	twice     = "another person has to confirm it"
	noBooks   = "nothing gets into the books by it, or only what it was allowed before"
	sameOfTwo = "what ends a payout against the books is decided alike by two persons; what a voucher rests on bars its maker from approving it"
	itself    = "it is how the second person confirms"
	seenLater = "the version it makes is reviewed by somebody else, and it cannot change how vouchers are posted"
	register  = "a link that was seen by who made it makes its sessions count as theirs; an account at the provider is one person"
)

var ways = map[string]string{
	"POST /connections":                                      noBooks, // a connection to the same company inherits the rule
	"POST /connections/{id}/klarna":                          noBooks,
	"POST /connections/{id}/visma/connect":                   noBooks,
	"POST /connections/{id}/visma/service":                   noBooks,
	"POST /connections/{id}/start":                           noBooks,
	"POST /connections/{id}/pause":                           noBooks,
	"POST /connections/{id}/resume":                          noBooks,
	"POST /connections/{id}/sync":                            noBooks,
	"POST /connections/{id}/disconnect":                      noBooks,
	"POST /connections/{id}/backfills":                       noBooks,
	"POST /connections/{id}/backfills/{from}/{to}/{verb}":    noBooks,
	"POST /connections/{id}/payouts/{ref}/approve":           barred,
	"POST /connections/{id}/review":                          barred,
	"POST /connections/{id}/payouts/{ref}/reject":            noBooks,
	"POST /connections/{id}/payouts/{ref}/retry":             noBooks,
	"POST /connections/{id}/payouts/{ref}/reverse":           twice,
	"POST /connections/{id}/payouts/{ref}/reversal/retry":    noBooks,
	"POST /connections/{id}/payouts/{ref}/repost":            noBooks, // as a new voucher, which is approved like any other
	"POST /connections/{id}/accruals":                        twice,
	"POST /connections/{id}/payouts/{ref}/decisions":         sameOfTwo,
	"POST /connections/{id}/payouts/{ref}/decisions/undo":    noBooks,
	"POST /connections/{id}/payouts/{ref}/reversal/withdraw": noBooks,
	"POST /connections/{id}/accruals/batch":                  sameOfTwo,
	"POST /connections/{id}/accruals/undo":                   noBooks,
	"POST /connections/{id}/opening":                         noBooks,
	"POST /connections/{id}/interview":                       seenLater,
	"POST " + tryPath:                                        noBooks,
	"POST /connections/{id}/accruals/retry":                  noBooks,
	"POST /connections/{id}/profile/edit":                    seenLater,
	"POST /connections/{id}/four-eyes":                       twice,
	"POST /connections/{id}/requests/{request}":              itself,
	"POST /connections/{id}/payouts/{ref}/reopen":            noBooks, // as a new voucher, which is approved like any other
	"POST /session":                                          noBooks,
	"POST /people":                                           register,
	"POST /people/{person}":                                  register,
}

func TestEveryRouteThatActsIsKnownToTheSecondPairOfEyes(t *testing.T) {
	_, p := newHall(t)
	there := map[string]bool{}
	for _, one := range p.routes() {
		if there[one.pattern] = true; strings.HasPrefix(one.pattern, "POST ") && ways[one.pattern] == "" {
			t.Errorf("can one person get past the second pair of eyes by %s? Say so here, and test it", one.pattern)
		}
	}
	for pattern := range ways {
		if !there[pattern] {
			t.Errorf("%s is no route", pattern)
		}
	}
}

var confirmForm = regexp.MustCompile(`action="(/connections/c1/requests/[A-Za-z0-9]+)"`)

func TestWhatTakesTwoPersonsIsDoneWhenAnotherOneConfirmsIt(t *testing.T) {
	for name, c := range map[string]struct {
		who  signin.Role
		path string
		form url.Values
		sent func(o *office) any
	}{
		twice + ": four eyes off": {signin.Administrator, "/connections/c1/four-eyes", url.Values{"four_eyes": {"off"}}, func(o *office) any {
			return o.wires.updates["connection/c1 ConfigureConnection"]
		}},
		twice + ": a reversal": {signin.Administrator, "/connections/c1/payouts/P1/reverse", url.Values{"reason": {"wrong account"}}, func(o *office) any {
			if len(o.wires.started) == 0 {
				return nil
			}
			return o.wires.started[0].Input
		}},
		twice + ": an accrual": {signin.Administrator, "/connections/c1/accruals", url.Values{"at": {"2026-01-31"}, "currency": {"SEK"}, "voucher": {"h1"}, "sure": {"yes"}}, func(o *office) any {
			if len(o.wires.started) == 0 {
				return nil
			}
			return o.wires.started[0].Input
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.posted("P1")
			o.wires.answer = `{"state":"verified","done":true}`
			o.says(o.post(c.who, c.path, c.form), http.StatusSeeOther)
			if got := c.sent(o); got != nil {
				t.Fatalf("one person was enough: %+v", got)
			}
			mine := o.get(c.who, "/connections/c1/requests")
			o.says(mine, http.StatusOK, "Another person has to confirm it.")
			other := o.get(signin.Approver, "/connections/c1/requests")
			found := confirmForm.FindStringSubmatch(other.Body.String())
			if found == nil {
				t.Fatalf("nobody else can confirm it: %s", other.Body)
			}
			o.says(o.post(c.who, found[1], nil), http.StatusConflict, "did both")
			o.says(o.post(signin.Viewer, found[1], nil), http.StatusForbidden)
			if got := c.sent(o); got != nil {
				t.Fatalf("one person was enough: %+v", got)
			}
			o.says(o.post(signin.Approver, found[1], nil), http.StatusSeeOther)
			id := ""
			switch in := c.sent(o).(type) {
			case workflows.Configure:
				id = in.Instruction
			case workflows.ReverseInput:
				id = in.Instruction
			case workflows.AccrualInput:
				id = in.Instruction
			default:
				t.Fatalf("sent was %+v", in)
			}
			written, err := instruct.NewBook(o.vault, o.store).Read(t.Context(), id)
			o.must(err)
			if written.Who != "approver@example.com" || written.First == nil || written.First.Who != "administrator@example.com" {
				t.Errorf("written was %+v", written)
			}
			o.says(o.post(signin.Approver, found[1], nil), http.StatusConflict) // once
		})
	}
}

// posted is a payout that stands in the books.
func (o *office) posted(reference string) {
	o.t.Helper()
	_, err := o.store.EnsureBooking(o.t.Context(), store.Booking{
		CompanyID: "42", Token: "[kvitt:0123456789abcdef]", ConnectionID: "c1", PaymentReference: reference, VoucherHash: "h", Voucher: o.json(nil),
		Period: "202601", Mode: "review", State: "verified", BatchNumber: "100001",
	})
	o.must(err)
	o.must(o.store.UpdatePayout(o.t.Context(), "c1", reference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.BatchNumber = workflows.StateVerified, "", "100001"
		return nil
	}, nil))
}

func TestWhoSignedInByALinkThatTheAuthorSawIsTheAuthor(t *testing.T) {
	o := newOffice(t)
	// The administrator makes a link for a second approver, and opens it.
	link, err := o.gate.Invite(t.Context(), signin.Person{Email: "administrator@example.com", Role: signin.Administrator}, "shadow@example.com", "", signin.Approver)
	o.must(err)
	_, token, _ := strings.Cut(link, "#")
	var shadow string
	for _, c := range o.ask(http.MethodPost, "/signin/link", "", url.Values{"token": {token}}).Result().Cookies() {
		if c.Name == "__Host-kvitt" {
			shadow = c.Value
		}
	}
	o.says(o.post(signin.Administrator, "/connections/c1/four-eyes", url.Values{"four_eyes": {"off"}}), http.StatusSeeOther)
	found := confirmForm.FindStringSubmatch(o.get(signin.Approver, "/connections/c1/requests").Body.String())
	o.says(o.ask(http.MethodPost, found[1], shadow, nil), http.StatusConflict, "signed in with a link that administrator@example.com has seen")
	if page := o.ask(http.MethodGet, "/connections/c1/payouts?state=awaiting_approval", shadow, nil).Body.String(); strings.Contains(page, `value="P2 hashP2"`) {
		t.Error("the shadow may approve what the administrator's profile led to")
	}
}

func TestEveryKindOfRequestHasWords(t *testing.T) {
	for _, l := range languages {
		for _, kind := range operate.RequestKinds() {
			if !words(t, l.Tag).has("requests.kind." + kind) {
				t.Errorf("%s has no words for %s", l.Tag, kind)
			}
		}
	}
}
