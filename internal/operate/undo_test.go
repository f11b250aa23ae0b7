package operate_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/internal/decision"
	"kvitt/internal/held"
	"kvitt/internal/instruct"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// undoable are the decisions, where each is taken, and what of it is in the books
// once it has led to something.
var undoable = []struct {
	kind  string
	code  held.Code
	way   held.Way
	state string // of the posting that rests on it; "" when none does
}{
	{store.DecidedAccept, held.FormulaDiffers, held.Accept, posting.Sending},
	{store.DecidedElsewhere, held.RowsDiffer, held.Elsewhere, ""},
	{store.DecidedUnrelated, held.BookedElsewhere, held.Unrelated, posting.Sending},
	{store.DecidedBatch, held.BatchDiffers, held.AcceptBatch, posting.Checked},
	{store.DecidedKeep, held.ChangedAfterPosting, held.Keep, ""},
}

// holds makes the payout held without a workflow.
func (s *stage) holds() {
	s.t.Helper()
	why, err := json.Marshal(s.why())
	musts(s.t)(err)
	s.change(func(p *store.Payout) { p.State, p.HeldReason, p.Held = workflows.StateHeld, string(s.code), why })
}

// counts tells whether a decision of any kind counts.
func (s *stage) counts() bool {
	set := s.decided()
	return len(set.Accepted())+len(set.Unrelated()) > 0 || set.Elsewhere() != nil || set.Batch() != nil || set.Kept() != nil
}

func (s *stage) take(kind string, way held.Way) operate.Decided {
	s.t.Helper()
	out := s.ways()[way]
	c := choiceOf(kind, &out)
	c.Who, c.Reason = anna, "because"
	got, err := s.desk.TakeDecision(s.t.Context(), s.row(), c, time.Second)
	musts(s.t)(err)
	return got
}

func (s *stage) undo(number, reason string) error {
	_, err := s.desk.UndoDecision(s.t.Context(), s.row(), number, workflows.Person{Who: anna, Reason: reason}, time.Second)
	return err
}

// Every decision is taken back, with a reason, once; the payout is then held as it
// was, with the same ways out, and both are in the audit trail.
func TestEveryDecisionIsTakenBack(t *testing.T) {
	o := newOffice(t)
	for i, test := range undoable {
		t.Run(test.kind, func(t *testing.T) {
			s := o.stage(t, "a"+string(rune('0'+i)), test.code)
			s.holds()
			before := s.ways()
			got := s.take(test.kind, test.way)
			if !s.counts() || !got.Asleep {
				t.Fatalf("it does not count, or somebody acted on it: %+v", got)
			}
			if err := s.undo("1", " "); err == nil || !strings.Contains(err.Error(), "no reason was given") {
				t.Errorf("without a reason: %v", err)
			}
			if err := s.undo("7", "x"); err == nil || !strings.Contains(err.Error(), `no decision "7" in force`) {
				t.Errorf("another one: %v", err)
			}
			musts(t)(s.undo(operate.NumberOf(&got.Decision), "a mistake"))
			if s.counts() {
				t.Error("it counts still")
			}
			if after := s.ways(); len(after) != len(before) || after[test.way] != before[test.way] {
				t.Errorf("the ways are %v, and were %v", after, before)
			}
			if err := s.undo("1", "again"); err == nil || !strings.Contains(err.Error(), "in force") {
				t.Errorf("twice: %v", err)
			}
			trail, err := o.store.AuditTrail(t.Context(), s.ref.Connection, 0)
			musts(t)(err)
			for action, reason := range map[string]string{"payout." + test.kind: "because", "payout.undo_decision": "a mistake"} {
				if !slices.ContainsFunc(trail, func(e store.AuditEntry) bool {
					return e.Action == action && e.Who == anna && strings.Contains(string(e.After), reason)
				}) {
					t.Errorf("the audit trail has no %s because of %q: %+v", action, reason, trail)
				}
			}
			if again := s.take(test.kind, test.way); again.Decision.Seq != 3 || !s.counts() {
				t.Errorf("it cannot be taken again: %+v", again)
			}
		})
	}
}

// What the books rest on by now is reversed, and not taken back.
func TestADecisionThatThePostingRestsOnIsNotTakenBack(t *testing.T) {
	o := newOffice(t)
	for i, test := range undoable {
		t.Run(test.kind, func(t *testing.T) {
			s := o.stage(t, "b"+string(rune('0'+i)), test.code)
			s.holds()
			s.take(test.kind, test.way)
			switch test.kind {
			case store.DecidedElsewhere: // nothing is posted; see below
				return
			case store.DecidedKeep:
				s.change(func(p *store.Payout) { p.State, p.HeldReason, p.Held = workflows.StateVerified, "", nil })
			default:
				s.ensure()
				s.posted(s.token(0), test.state)
			}
			err := s.undo("1", "late")
			if err == nil || !strings.Contains(err.Error(), "because of it") && !strings.Contains(err.Error(), "rests on it") || !s.counts() {
				t.Errorf("%v; it counts: %v", err, s.counts())
			}
		})
	}
}

// A payout that was closed, because another batch books it, begins again when that
// is taken back.
func TestAPayoutThatIsBookedElsewhereBeginsAgainWhenThatIsTakenBack(t *testing.T) {
	s := newOffice(t).stage(t, "c1", held.FormulaDiffers)
	s.holds()
	s.take(store.DecidedElsewhere, held.Elsewhere)
	s.change(func(p *store.Payout) { p.State, p.HeldReason, p.Held = workflows.StateRejected, "", nil })
	musts(t)(s.undo("1", "it was another payout's"))
	if s.row().State != workflows.StateDiscovered || len(s.started) != 1 || s.started[0].ID != workflows.PayoutWorkflowID("c1", s.ref.PaymentReference) {
		t.Errorf("it is %s; started was %+v", s.row().State, s.started)
	}
}

// Temporal shows the company's day of a payout, whatever day it is in UTC.
func TestAPayoutThatBeginsAgainIsShownWithTheCompanysDay(t *testing.T) {
	document, err := voucher.Preset("se-bas")
	musts(t)(err)
	was := day
	t.Cleanup(func() { day = was })
	for at, want := range map[string]string{
		"2026-01-31T23:30:00Z": "2026-02-01", "2026-12-31T23:30:00Z": "2027-01-01", "2026-03-28T23:30:00Z": "2026-03-29",
		"2026-03-29T22:30:00Z": "2026-03-30", "2026-10-24T22:30:00Z": "2026-10-25", "2026-10-25T23:30:00Z": "2026-10-26",
	} {
		day, err = time.Parse(time.RFC3339, at)
		musts(t)(err)
		o := newOffice(t)
		s := o.stage(t, "c1", held.FormulaDiffers)
		s.holds()
		s.take(store.DecidedElsewhere, held.Elsewhere)
		s.change(func(p *store.Payout) { p.State, p.HeldReason, p.Held = workflows.StateRejected, "", nil })
		_, err = o.store.AddProfile(t.Context(), "c1", document, "h1", anna)
		musts(t)(err)
		musts(t)(s.undo("1", "it was another payout's"))
		if len(s.started) != 1 || !strings.Contains(s.started[0].Summary, " of "+want) || s.started[0].Input.(workflows.PayoutInput).Day != want {
			t.Errorf("%s: it is shown as %+v", at, s.started)
		}
		row := s.row()
		row.State = workflows.StateReversed
		_, err = s.desk.Repost(t.Context(), row, workflows.Person{Who: anna, Reason: "again"})
		musts(t)(err)
		if last := s.started[len(s.started)-1]; len(s.started) != 2 || !strings.Contains(last.Summary, " of "+want) {
			t.Errorf("%s: posted anew, it is shown as %+v", at, last)
		}
	}
}

// A second pair of eyes that decided the same is taken back by itself, and then the
// first one alone does not count.
func TestOfTwoPairsOfEyesEitherIsTakenBack(t *testing.T) {
	s := newOffice(t).stage(t, "d1", held.ChangedAfterPosting)
	row, err := s.office.store.Connection(t.Context(), "d1")
	musts(t)(err)
	row.FourEyes = true
	musts(t)(s.office.store.SaveConnection(t.Context(), row))
	s.holds()
	by := func(ctx context.Context, who string) (operate.Decided, error) {
		return s.desk.TakeDecision(ctx, s.row(), operate.Choice{Kind: store.DecidedKeep, Reason: "because", Who: who}, time.Second)
	}
	keep := func(who string) (operate.Decided, error) { return by(operate.As(t.Context(), ""), who) }
	if got, err := keep(anna); err != nil || !got.Second || s.keeps() {
		t.Errorf("one person was enough: %+v, %v", got, err)
	}
	if _, err := keep("ANNA@example.com"); err == nil || !strings.Contains(err.Error(), "says so already") || s.keeps() {
		t.Errorf("the same person twice: %v", err)
	}
	for who, ctx := range map[string]context.Context{
		"bo":               t.Context(),                               // the command line
		"cleo@example.com": operate.As(t.Context(), anna),             // by a link that Anna made
		"dan@example.com":  operate.As(t.Context(), instruct.Anybody), // by a link that was printed
	} {
		if got, err := by(ctx, who); err != nil || !got.Second || s.keeps() {
			t.Errorf("%s was a second person: %+v, %v", who, got, err)
		}
	}
	second, err := keep("bo@example.com")
	if err != nil || second.Second || !s.keeps() {
		t.Fatalf("two were not enough: %+v, %v", second, err)
	}
	musts(t)(s.undo(operate.NumberOf(&second.Decision), "wrong"))
	if s.keeps() {
		t.Error("after one of two took it back, it counts")
	}
}

// keeps tells whether what was posted stays, where it takes two to decide that.
func (s *stage) keeps() bool {
	s.t.Helper()
	all, err := s.office.store.Decisions(s.t.Context(), s.ref.Connection, store.WorkPayout, s.ref.PaymentReference)
	musts(s.t)(err)
	return decision.Of(all, 0, true).Kept() != nil
}

// A batch is taken as that of an accrual, and that is taken back, while it is held.
func TestABatchThatAnAccrualTakesIsTakenBack(t *testing.T) {
	s := newOffice(t).stage(t, "e1", held.Failed)
	name := (&workflows.AccrualInput{At: "2026-02-28", Currency: "SEK"}).Name()
	by := workflows.Person{Who: anna, Reason: "moved"}
	if _, err := s.desk.TakeBatch(t.Context(), "e1", store.KindAccrual, name, "000125", by, time.Second); err == nil || !strings.Contains(err.Error(), "it is not held") {
		t.Errorf("one that is not held: %v", err)
	}
	_, err := s.office.store.EnsureBooking(t.Context(), store.Booking{
		CompanyID: "42", Token: "[kvitt:0123456789abcdef]", ConnectionID: "e1", Kind: store.KindAccrual, Name: name, Day: "2026-02-28", State: posting.Intended,
		Period: "202602", Mode: "auto", VoucherHash: "h", Voucher: json.RawMessage(`{"currency":"SEK","date":"2026-02-28"}`),
	})
	musts(t)(err)
	musts(t)(s.office.store.PutStop(t.Context(), store.Stop{
		ConnectionID: "e1", Work: store.WorkAccrual, Name: name, Reason: string(held.BatchDiffers), Held: json.RawMessage(`{}`),
	}))
	got, err := s.desk.TakeBatch(t.Context(), "e1", store.KindAccrual, name, "000125", by, time.Second)
	musts(t)(err)
	decided := func() []operate.BookingDecision {
		all, err := s.desk.Bookings(t.Context(), "e1", store.Accruals...)
		musts(t)(err)
		return all[0].Decisions
	}
	if d := decided(); len(d) != 1 || !d[0].InForce || d[0].BatchNumber != "000125" || d[0].Who != anna || len(got.Differences) == 0 {
		t.Errorf("decided was %+v, %+v", d, got)
	}
	_, err = s.desk.UndoBatch(t.Context(), "e1", store.KindAccrual, name, operate.NumberOf(&got.Decision), by, time.Second)
	musts(t)(err)
	if d := decided(); len(d) != 1 || d[0].InForce {
		t.Errorf("it counts still: %+v", d)
	}
}
