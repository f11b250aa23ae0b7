package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"kvitt/internal/store"
)

var timesOfPosting = cmpopts.IgnoreFields(store.Booking{}, "CreatedAt", "UpdatedAt")

func TestAnIntentIsRecordedOnceHoweverManyAsk(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		a := withPayout(t, db)
		stores := []*store.Store{a, db.open(t)}
		var differing atomic.Int32
		together(t, 16, func(ctx context.Context, i int) error {
			p := posting()
			p.VoucherHash = fmt.Sprint("hash ", i)
			stored, err := stores[i%2].EnsureBooking(ctx, p)
			if err == nil && stored.VoucherHash != p.VoucherHash {
				differing.Add(1)
			}
			return err
		})
		same(t, "callers that met somebody else's intent", differing.Load(), int32(15))
		trail, err := a.AuditTrail(t.Context(), "c1", 0)
		must(t, err)
		if len(trail) != 1 || trail[0].Action != "posting.intended" {
			t.Errorf("the audit trail is %v", trail)
		}
	})
}

func TestAPostingIsRememberedWithEverythingThatHappenedToIt(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		stored, err := s.EnsureBooking(ctx, posting())
		must(t, err)
		want := posting()
		want.State, want.Kind, want.Name = "intended", store.KindPayout, "P1"
		same(t, "the intent", stored, want, timesOfPosting)

		attempted, unknown, absent := at(3, 1), at(3, 2), at(3, 3)
		after, err := s.UpdateBooking(ctx, "42", want.Token, func(p *store.Booking) error {
			p.State, p.JobID, p.Attempts = "unknown", "job", 1
			p.AttemptedAt, p.UnknownSince, p.AbsentSince = &attempted, &unknown, &absent
			p.Failure = json.RawMessage(`{"class":"unknown_outcome"}`)
			p.Token = "renamed" // which cannot be
			return nil
		})
		must(t, err)
		want.State, want.JobID, want.Attempts = "unknown", "job", 1
		want.AttemptedAt, want.UnknownSince, want.AbsentSince = &attempted, &unknown, &absent
		want.Failure = json.RawMessage(`{"class":"unknown_outcome"}`)
		same(t, "what the update returned", after, want, timesOfPosting)

		_, err = s.UpdateBooking(ctx, "42", want.Token, func(p *store.Booking) error {
			p.State, p.BatchNumber, p.Adopted = "booked", "000123", true
			p.UnknownSince, p.AbsentSince = nil, nil
			return nil
		})
		must(t, err)
		want.State, want.BatchNumber, want.Adopted, want.UnknownSince, want.AbsentSince = "booked", "000123", true, nil, nil
		got, err := s.Booking(ctx, "42", want.Token)
		must(t, err)
		same(t, "the posting", got, want, timesOfPosting)

		p, err := s.Payout(ctx, "c1", "P1")
		must(t, err)
		same(t, "the batch number at the payout", p.BatchNumber, "000123")
	})
}

func TestThePostingOfAPayoutIsItsLatestRevision(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		first, second := posting(), posting()
		second.Token, second.Revision = "[kvitt:ffffffffffffffff]", 1
		for _, p := range []store.Booking{first, second} {
			_, err := s.EnsureBooking(ctx, p)
			must(t, err)
		}
		part := accrual()
		part.Kind, part.Name, part.PaymentReference, part.Token = store.KindPart, "split P1 2026-01-31", "P1", "[kvitt:bbbbbbbbbbbbbbbb]"
		_, err := s.EnsureBooking(ctx, part) // of the same payout, and no revision of it
		must(t, err)
		for revision, want := range map[int]string{-1: second.Token, 0: first.Token, 1: second.Token} {
			got, err := s.BookingOf(ctx, "c1", "P1", revision)
			must(t, err)
			same(t, fmt.Sprint("revision ", revision), got.Token, want)
		}
		if _, err := s.BookingOf(ctx, "c1", "P1", 2); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("revision 2: %v", err)
		}

		elsewhere := posting()
		elsewhere.CompanyID, elsewhere.Token = "43", "[kvitt:eeeeeeeeeeeeeeee]"
		if _, err := s.EnsureBooking(ctx, elsewhere); !errors.Is(err, store.ErrExists) {
			t.Errorf("the same revision in another company: %v", err)
		}
		stray := posting()
		stray.Token, stray.PaymentReference = "[kvitt:dddddddddddddddd]", "P9"
		if _, err := s.EnsureBooking(ctx, stray); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a posting of no payout: %v", err)
		}
	})
}

// A batch that is not released can be deleted by anybody, and then says nothing
// about whether lists show what is there.
func TestTheLastBatchIsOneThatNobodyCanDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		for i, state := range []string{"verified", "draft", "unknown"} {
			p := posting()
			p.Token, p.Revision = fmt.Sprintf("[kvitt:%016d]", i), i
			_, err := s.EnsureBooking(t.Context(), p)
			must(t, err)
			if period, batch, err := s.BookedLast(t.Context(), "42"); i == 0 && (err != nil || period+batch != "") {
				t.Errorf("before anything was booked: %s in %s, %v", batch, period, err)
			}
			_, err = s.UpdateBooking(t.Context(), "42", p.Token, func(p *store.Booking) error {
				p.State, p.BatchNumber = state, fmt.Sprint("00000", i)
				return nil
			})
			must(t, err)
		}
		_, batch, err := s.BookedLast(t.Context(), "42")
		must(t, err)
		same(t, "the last batch", batch, "000000")
	})
}

func TestTheDatabaseItselfGuardsPostings(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		_, err := s.EnsureBooking(ctx, posting())
		must(t, err)
		update := func(change func(*store.Booking)) error {
			_, err := s.UpdateBooking(ctx, "42", posting().Token, func(p *store.Booking) error { change(p); return nil })
			return err
		}
		must(t, update(func(p *store.Booking) { p.VoucherHash, p.Voucher = "h2", json.RawMessage(`{"lines":[1]}`) }))
		refused(t, "a state that does not exist", update(func(p *store.Booking) { p.State = "done" }), "update the booking")
		refused(t, "booked without a batch", update(func(p *store.Booking) { p.State = "booked" }), "update the booking")
		must(t, update(func(p *store.Booking) { p.State = "sending" }))
		refused(t, "another voucher after it may have been sent", update(func(p *store.Booking) { p.VoucherHash = "h3" }), "keeps that voucher")
		must(t, update(func(p *store.Booking) { p.State = "rejected" }))
		must(t, update(func(p *store.Booking) { p.State, p.VoucherHash = "intended", "h3" }))

		refused(t, "deleting a posting", db.behindItsBack(t, "DELETE FROM bookings"), "cannot be deleted")
		refused(t, "renaming a posting", db.behindItsBack(t, "UPDATE bookings SET token = 'x'"), "keeps its company, token")
		if !db.sqlite() {
			refused(t, "emptying the postings", db.behindItsBack(t, "TRUNCATE bookings CASCADE"), "cannot be deleted")
		}
	})
}

func TestAttemptsAreNumberedAndNeverChange(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		token := posting().Token
		if err := s.AppendAttempt(ctx, store.Attempt{CompanyID: "42", Token: token}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an attempt at nothing: %v", err)
		}
		_, err := s.EnsureBooking(ctx, posting())
		must(t, err)
		together(t, 8, func(ctx context.Context, i int) error {
			return s.AppendAttempt(ctx, store.Attempt{
				CompanyID: "42", Token: token, At: at(1, i), Action: "post", Outcome: "timeout", Status: 504, RequestID: "r",
				Detail: json.RawMessage(`{}`),
			})
		})
		all, err := s.Attempts(ctx, "42", token)
		must(t, err)
		for i, a := range all {
			same(t, "the number of an attempt", a.Seq, i+1)
		}
		same(t, "the number of attempts", len(all), 8)
		refused(t, "changing an attempt", db.behindItsBack(t, "UPDATE booking_attempts SET outcome = 'fine'"), "append-only")
		refused(t, "deleting an attempt", db.behindItsBack(t, "DELETE FROM booking_attempts"), "append-only")
	})
}

func accrual() store.Booking {
	p := posting()
	p.Kind, p.Name, p.PaymentReference, p.Day, p.Token = store.KindAccrual, "accrual 2026-01-31 SEK", "", "2026-01-31", "[kvitt:aaaaaaaaaaaaaaaa]"
	return p
}

func TestBookingsOfEveryKindAreRememberedTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		part := accrual()
		part.Kind, part.Name, part.PaymentReference, part.Token = store.KindPart, "split P1 2026-01-31", "P1", "[kvitt:bbbbbbbbbbbbbbbb]"
		later := accrual()
		later.Kind, later.Name, later.Token = "opening", "opening 2026-01-31", "[kvitt:cccccccccccccccc]"
		for range 2 {
			for _, p := range []store.Booking{posting(), accrual(), part, later} {
				_, err := s.EnsureBooking(ctx, p)
				must(t, err)
			}
		}
		names := func(reference string, kinds ...string) (all []string) {
			found, err := s.Bookings(ctx, "c1", reference, kinds...)
			must(t, err)
			for i := range found {
				all = append(all, found[i].Name)
			}
			return all
		}
		same(t, "all of them", names(""), []string{"P1", "accrual 2026-01-31 SEK", "opening 2026-01-31", "split P1 2026-01-31"})
		same(t, "of a kind", names("", store.KindAccrual, store.KindPart), []string{"accrual 2026-01-31 SEK", "split P1 2026-01-31"})
		same(t, "of a payout", names("P1"), []string{"P1", "split P1 2026-01-31"})
		got, err := s.Booking(ctx, "42", part.Token)
		must(t, err)
		same(t, "the part", got.Kind+" "+got.PaymentReference+" "+got.Day, "part P1 2026-01-31")
		must(t, s.AppendAttempt(ctx, store.Attempt{CompanyID: "42", Token: part.Token, Action: "post", Outcome: "no answer"}))
		trail, err := s.AuditTrail(ctx, "c1", 0)
		must(t, err)
		var actions []string
		for _, e := range trail {
			actions = append(actions, e.Action)
		}
		same(t, "what is audited, as it was before there were kinds", actions, []string{"opening.intended", "accrual.intended", "accrual.intended", "posting.intended"})
		todos, err := s.Todos(ctx, "c1", store.Todo{}, 0)
		must(t, err)
		same(t, "what reports have to read anew", len(todos), 1)
	})
}

func TestTheDatabaseItselfGuardsBookingsOfEveryKind(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		_, err := s.EnsureBooking(t.Context(), accrual())
		must(t, err)
		update := func(change func(*store.Booking)) error {
			_, err := s.UpdateBooking(t.Context(), "42", accrual().Token, func(p *store.Booking) error { change(p); return nil })
			return err
		}
		must(t, update(func(p *store.Booking) { p.VoucherHash, p.Voucher = "h2", json.RawMessage(`{"lines":[1]}`) }))
		refused(t, "booked without a batch", update(func(p *store.Booking) { p.State = "booked" }), "update the booking")
		must(t, update(func(p *store.Booking) { p.State = "sending" }))
		refused(t, "another voucher after it may have been sent", update(func(p *store.Booking) { p.VoucherHash = "h3" }), "keeps that voucher")
		for what, change := range map[string]func(*store.Booking){
			"kind": func(p *store.Booking) { p.Kind = "part" }, "name": func(p *store.Booking) { p.Name = "x" },
			"day": func(p *store.Booking) { p.Day = "2026-02-28" }, "payout": func(p *store.Booking) { p.PaymentReference = "P1" },
		} {
			refused(t, "another "+what, update(change), "a booking keeps its")
		}
		refused(t, "deleting it", db.behindItsBack(t, "DELETE FROM bookings"), "cannot be deleted")
		stray := posting()
		stray.Token, stray.PaymentReference, stray.Name = "[kvitt:dddddddddddddddd]", "", "P1"
		_, err = s.EnsureBooking(t.Context(), stray)
		refused(t, "a payout's booking of no payout", err, "record the intent to post")
	})
}
