package posting_test

import (
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// revised is the intent of a later revision of the payout.
func revised(revision int) posting.Intent {
	token := func(r int) string { return voucher.Token("K1", "10001", "42", r) }
	in := intent(func(in *posting.Intent) {
		in.Revision = revision
		in.Voucher.Token = token(revision)
		in.Voucher.Description = token(revision) + " revised"
		for r := range revision {
			in.Earlier = append(in.Earlier, token(r))
		}
		if voucher.IsReversal(revision) {
			in.Voucher.Settlement = -in.Voucher.Settlement
			for i := range in.Voucher.Lines {
				l := &in.Voucher.Lines[i]
				l.Debit, l.Credit = l.Credit, l.Debit
			}
		} else {
			in.Reversal = token(revision + 1)
		}
	})
	return in
}

func TestAPayoutIsPostedReversedAndPostedAnewEachOnce(t *testing.T) {
	b := newBench(t)
	for revision := range 3 {
		for range 2 { // the second as after a crash
			if state, got := b.finish(t, b.poster(), revised(revision)); state != posting.Verified || got.Adopted {
				t.Fatalf("revision %d ended as %s, %+v", revision, state, got)
			}
		}
	}
	if b.creates != 3 || len(b.batches) != 3 {
		t.Errorf("%d creates, %d batches", b.creates, len(b.batches))
	}
}

func TestAnEmptyDatabaseDoesNotTakeAReversedPayoutForPosted(t *testing.T) {
	before, after := newBench(t), newBench(t)
	before.finish(t, before.poster(), revised(0))
	before.finish(t, before.poster(), revised(1))
	after.books = before.books
	state, got := after.finish(t, after.poster(), revised(0))
	if state != "held" || got.Stop.Code != held.ReversedBefore {
		t.Fatalf("ended as %s, %+v", state, got)
	}
	// Posted anew, the batches of before are no obstacle.
	if state, got := after.finish(t, after.poster(), revised(2)); state != posting.Verified || got.Adopted {
		t.Errorf("posted anew it ended as %s, %+v", state, got)
	}
	if after.creates != 3 {
		t.Errorf("%d creates", after.creates)
	}
}

func TestAReversalThatADatabaseHasForgottenIsAdopted(t *testing.T) {
	before, after := newBench(t), newBench(t)
	before.finish(t, before.poster(), revised(0))
	before.finish(t, before.poster(), revised(1))
	after.books = before.books
	if state, got := after.finish(t, after.poster(), revised(1)); state != posting.Verified || !got.Adopted || after.creates != 2 {
		t.Errorf("ended as %s, %+v after %d creates", state, got, after.creates)
	}
}

func TestAReversedPostingIsNeverTakenForPosted(t *testing.T) {
	b := newBench(t)
	in := revised(0)
	b.finish(t, b.poster(), in)
	if _, err := b.store.UpdateBooking(t.Context(), "42", in.Voucher.Token, func(p *store.Booking) error { p.State = posting.Reversed; return nil }); err != nil {
		t.Fatal(err)
	}
	changed := revised(0) // figures that have changed are the reason why most are reversed
	changed.Voucher.Lines[0].Debit++
	changed.Voucher.Lines[1].Credit++
	for _, in := range []posting.Intent{in, changed} {
		if state, got := b.finish(t, b.poster(), in); state != "held" || got.Stop.Code != held.ReversedBefore {
			t.Errorf("ended as %s, %+v", state, got)
		}
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestOnlyWhatStandsInTheBooksForGoodCanBeReversed(t *testing.T) {
	for _, c := range []struct {
		payout, state string
		revision      int
		can           bool
	}{
		{"verified", posting.Verified, 1, true},
		{"posted", posting.Draft, 1, true},
		{"held", posting.Verified, 1, true}, // changed after posting
		{"held", posting.Intended, 1, false},
		{"held", posting.Rejected, 1, false},
		{"posting", posting.Unknown, 1, false},
		{"posted", posting.Checked, 1, false},
		{"reversed", posting.Reversed, 1, false},
		{"verified", posting.Reversed, 1, false},
		{"verified", posting.Verified, 3, false},
	} {
		why := posting.WhyNotReversible(&store.Payout{State: c.payout}, &store.Booking{State: c.state}, c.revision)
		neverSent := c.state == posting.Intended || c.state == posting.Rejected
		if (why == "") != c.can || neverSent != (why == "nothing was posted for it") {
			t.Errorf("%+v: %q", c, why)
		}
	}
}
