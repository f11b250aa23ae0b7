package portal

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func (o *office) json(v any) json.RawMessage {
	o.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestANewConnectionCanWantASecondPairOfEyes(t *testing.T) {
	o := newOffice(t)
	form := url.Values{"name": {"Butik"}, "provider": {"klarna"}, "region": {"eu"}, "preset": {"se-bas"}, "posting": {"review"}}
	for _, language := range []struct{ tag, words string }{{"en", "Second person"}, {"sv", "Attest av annan person"}, {"nb", "Godkjenning av to"}} {
		if got := words(t, language.tag)["new.four_eyes"]; !strings.HasPrefix(got, language.words) {
			t.Errorf("%s: %q", language.tag, got)
		}
	}
	o.says(o.get(signin.Administrator, "/connections/new"), http.StatusOK, `name="four_eyes"`)
	for i, tick := range []string{"", "on"} {
		form.Set("four_eyes", tick)
		o.says(o.post(signin.Administrator, "/connections", form), http.StatusSeeOther)
		if len(o.wires.started) != i+1 {
			t.Fatalf("%d connections were started", len(o.wires.started))
		}
		in, _ := o.wires.started[i].Input.(workflows.ConnectionInput)
		row, err := o.store.Connection(t.Context(), in.ID)
		if err != nil || row.FourEyes != (tick == "on") || in.Settings.FourEyes != row.FourEyes {
			t.Errorf("ticked %q: %+v, %v", tick, in.Settings, err)
		}
	}
	form.Set("name", "")
	o.says(o.post(signin.Administrator, "/connections", form), http.StatusUnprocessableEntity, `value="on" checked`)
}

// accrued records an accrual that Visma.net has not taken back, beside a row of a
// kind that this page does not know.
func (o *office) accrued() {
	o.t.Helper()
	v := voucher.Voucher{Token: "[kvitt:0123456789abcdef]", Date: voucher.Date{Year: 2026, Month: 1, Day: 31}, Currency: "SEK", AutoReversing: true}
	for i, name := range []string{"accrual 2026-01-31 SEK", "split P9 2026-01-31"} {
		token := v.Token[:len(v.Token)-2] + string(rune('a'+i)) + "]"
		v.Token = token
		_, err := o.store.EnsureBooking(o.t.Context(), store.Booking{
			CompanyID: "42", Token: token, ConnectionID: "c1", Kind: store.Accruals[i], Name: name, Day: "2026-01-31", VoucherHash: "h", Voucher: o.json(v), Period: "202601", Mode: "auto",
			State: "verified", BatchNumber: "000007",
		})
		o.must(err)
		if i == 0 {
			o.must(o.store.PutDrift(o.t.Context(), store.Drift{
				CompanyID: "42", Token: token, Word: posting.NotTakenBack, Differences: o.json([]string{"period 202602 has begun, and no batch in it takes batch 000007 back"}),
				Posted: o.json(nil), Found: o.json(posting.Sheet{Batch: "000007"}),
			}))
		}
	}
}

func TestThePageOfAccrualsTellsWhatIsHeldAndWhatWasNotTakenBack(t *testing.T) {
	o := newOffice(t)
	o.alone()
	o.accrued()
	o.must(o.store.PutStop(t.Context(), store.Stop{
		ConnectionID: "c1", Work: store.WorkAccrual, Name: "accrual 2026-01-31 SEK", Reason: string(held.BatchDiffers),
		Held: o.json(workflows.Held{Code: held.BatchDiffers, Detail: "line 1 differs", Remedy: "Look at it."}),
	}))
	page := "/connections/c1/accruals"
	o.says(o.get(signin.Viewer, page), http.StatusOK, "accrual 2026-01-31 SEK", "split P9 2026-01-31", "not reversed", "takes batch 000007 back",
		"Generate reversing entries", "line 1 differs", "reverse its batch", `value="2026-02-28"`)
	if seen := o.get(signin.Viewer, page).Body.String(); strings.Contains(seen, "accruals/retry") || strings.Contains(seen, "accruals/batch") {
		t.Error("a viewer is offered to retry, or to take a batch")
	}
	o.says(o.get(signin.Approver, page), http.StatusOK, "accruals/retry", "accruals/batch")
	o.says(o.post(signin.Viewer, page+"/batch", url.Values{"name": {"accrual 2026-01-31 SEK"}, "batch": {"000125"}, "reason": {"r"}}), http.StatusForbidden)
	o.says(o.post(signin.Approver, page+"/batch", url.Values{"name": {"accrual 2026-01-31 SEK"}, "batch": {"000125"}}), http.StatusConflict, "no reason was given")
	o.says(o.post(signin.Approver, page+"/undo", url.Values{"name": {"accrual 2026-01-31 SEK"}, "number": {"p1"}, "reason": {"r"}}), http.StatusConflict, "no decision")
	o.says(o.get(signin.Viewer, page+"?at=2026-01-31"), http.StatusOK, "has anything captured up to that day")
	o.says(o.get(signin.Viewer, page+"?at=yesterday"), http.StatusConflict, "this is not a day")
	o.says(o.get(signin.Viewer, "/connections"), http.StatusOK, "Held accruals: 1")

	form := url.Values{"at": {"2026-01-31"}, "currency": {"SEK"}, "voucher": {"h1"}, "sure": {"yes"}}
	o.says(o.post(signin.Viewer, page, form), http.StatusForbidden)
	o.says(o.post(signin.Viewer, page+"/retry", form), http.StatusForbidden)
	o.says(o.post(signin.Approver, page, url.Values{"at": {"2026-01-31"}, "currency": {"SEK"}, "sure": {"yes"}}), http.StatusConflict, "which voucher was looked at")
	o.says(o.post(signin.Approver, page, url.Values{"at": {"2026-01-31"}, "currency": {"SEK"}, "voucher": {"h1"}}), http.StatusConflict, "are others than those that were looked at")
	if len(o.wires.started) > 0 {
		t.Fatalf("started %+v", o.wires.started)
	}
	o.wires.answer = `{"state":"verified","done":true}`
	o.says(o.post(signin.Approver, page, form), http.StatusSeeOther)
	in, _ := o.wires.started[0].Input.(workflows.AccrualInput)
	if in.Seen != "h1" || in.At != "2026-01-31" || in.Who != "approver@example.com" {
		t.Errorf("asked for %+v", in)
	}
	o.wires.answer = `{"state":"refused","refused":"period 202601 is closed","done":true}`
	o.says(o.post(signin.Approver, page, form), http.StatusConflict, "period 202601 is closed")
}

func TestAHeldReversalIsShownWithItsPayoutAndLooksAgain(t *testing.T) {
	o := newOffice(t)
	o.must(o.store.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error {
		p.State, p.HeldReason = workflows.StateVerified, ""
		return nil
	}, nil))
	o.must(o.store.PutStop(t.Context(), store.Stop{
		ConnectionID: "c1", Work: store.WorkReversal, Name: "P1", Reason: string(held.PeriodClosed),
		Held: o.json(workflows.Held{Code: held.PeriodClosed, Detail: "period 202601 is closed"}),
	}))
	one := "/connections/c1/payouts/P1"
	o.says(o.get(signin.Viewer, "/connections/c1/payouts"), http.StatusOK, "reversal held", "period_closed")
	o.says(o.get(signin.Viewer, "/connections/c1/payouts?state=reversal_held"), http.StatusOK, one)
	o.says(o.get(signin.Viewer, one), http.StatusOK, "Its reversal has been held", "period 202601 is closed", "next_open")
	o.says(o.get(signin.Approver, one), http.StatusOK, one+"/reversal/retry")
	o.says(o.post(signin.Viewer, one+"/reversal/retry", nil), http.StatusForbidden)
	o.says(o.post(signin.Approver, one+"/reversal/retry", nil), http.StatusSeeOther)
	if by, ok := o.wires.updates["reverse/c1/P1/1 "+workflows.RetryPayout.Name].(workflows.Person); !ok || by.Who != "approver@example.com" {
		t.Errorf("told %+v", o.wires.updates)
	}
}
