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

var timesOfPosting = cmpopts.IgnoreFields(store.Posting{}, "CreatedAt", "UpdatedAt")

func TestAnIntentIsRecordedOnceHoweverManyAsk(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		a := withPayout(t, db)
		stores := []*store.Store{a, db.open(t)}
		var differing atomic.Int32
		together(t, 16, func(ctx context.Context, i int) error {
			p := posting()
			p.VoucherHash = fmt.Sprint("hash ", i)
			stored, err := stores[i%2].EnsurePosting(ctx, p)
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
		stored, err := s.EnsurePosting(ctx, posting())
		must(t, err)
		want := posting()
		want.State = "intended"
		same(t, "the intent", stored, want, timesOfPosting)

		attempted, unknown, absent := at(3, 1), at(3, 2), at(3, 3)
		after, err := s.UpdatePosting(ctx, "42", want.Token, func(p *store.Posting) error {
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

		_, err = s.UpdatePosting(ctx, "42", want.Token, func(p *store.Posting) error {
			p.State, p.BatchNumber, p.Adopted = "booked", "000123", true
			p.UnknownSince, p.AbsentSince = nil, nil
			return nil
		})
		must(t, err)
		want.State, want.BatchNumber, want.Adopted, want.UnknownSince, want.AbsentSince = "booked", "000123", true, nil, nil
		got, err := s.Posting(ctx, "42", want.Token)
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
		for _, p := range []store.Posting{first, second} {
			_, err := s.EnsurePosting(ctx, p)
			must(t, err)
		}
		for revision, want := range map[int]string{-1: second.Token, 0: first.Token, 1: second.Token} {
			got, err := s.PostingOf(ctx, "c1", "P1", revision)
			must(t, err)
			same(t, fmt.Sprint("revision ", revision), got.Token, want)
		}
		if _, err := s.PostingOf(ctx, "c1", "P1", 2); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("revision 2: %v", err)
		}

		elsewhere := posting()
		elsewhere.CompanyID, elsewhere.Token = "43", "[kvitt:eeeeeeeeeeeeeeee]"
		if _, err := s.EnsurePosting(ctx, elsewhere); !errors.Is(err, store.ErrExists) {
			t.Errorf("the same revision in another company: %v", err)
		}
		stray := posting()
		stray.Token, stray.PaymentReference = "[kvitt:dddddddddddddddd]", "P9"
		if _, err := s.EnsurePosting(ctx, stray); !errors.Is(err, store.ErrNotFound) {
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
			_, err := s.EnsurePosting(t.Context(), p)
			must(t, err)
			if period, batch, err := s.BookedLast(t.Context(), "42"); i == 0 && (err != nil || period+batch != "") {
				t.Errorf("before anything was booked: %s in %s, %v", batch, period, err)
			}
			_, err = s.UpdatePosting(t.Context(), "42", p.Token, func(p *store.Posting) error {
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
		_, err := s.EnsurePosting(ctx, posting())
		must(t, err)
		update := func(change func(*store.Posting)) error {
			_, err := s.UpdatePosting(ctx, "42", posting().Token, func(p *store.Posting) error { change(p); return nil })
			return err
		}
		must(t, update(func(p *store.Posting) { p.VoucherHash, p.Voucher = "h2", json.RawMessage(`{"lines":[1]}`) }))
		refused(t, "a state that does not exist", update(func(p *store.Posting) { p.State = "done" }), "update the posting")
		refused(t, "booked without a batch", update(func(p *store.Posting) { p.State = "booked" }), "update the posting")
		must(t, update(func(p *store.Posting) { p.State = "sending" }))
		refused(t, "another voucher after it may have been sent", update(func(p *store.Posting) { p.VoucherHash = "h3" }), "keeps that voucher")
		must(t, update(func(p *store.Posting) { p.State = "rejected" }))
		must(t, update(func(p *store.Posting) { p.State, p.VoucherHash = "intended", "h3" }))

		refused(t, "deleting a posting", db.behindItsBack(t, "DELETE FROM postings"), "cannot be deleted")
		refused(t, "renaming a posting", db.behindItsBack(t, "UPDATE postings SET token = 'x'"), "keeps its company, token")
		if !db.sqlite() {
			refused(t, "emptying the postings", db.behindItsBack(t, "TRUNCATE postings CASCADE"), "cannot be deleted")
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
		_, err := s.EnsurePosting(ctx, posting())
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
		refused(t, "changing an attempt", db.behindItsBack(t, "UPDATE posting_attempts SET outcome = 'fine'"), "append-only")
		refused(t, "deleting an attempt", db.behindItsBack(t, "DELETE FROM posting_attempts"), "append-only")
	})
}
