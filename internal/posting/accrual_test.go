package posting_test

import (
	"testing"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

func accrual() posting.Intent {
	return intent(func(in *posting.Intent) {
		v := in.Voucher
		v.Token = voucher.AccrualToken("K1", v.Date, "SEK", "42")
		v.Description, v.PaymentReference, v.AutoReversing = v.Token+" accrual", "accrual 2026-01-05 SEK", true
	})
}

func (b *bench) accruer() *posting.Poster {
	p := b.poster()
	p.Memory = b.store.Accruals()
	return p
}

// takenBack books what an auto-reversing batch leads to, in the next period.
func (b *bench) takenBack() {
	back := b.batches[0]
	back.BatchNumber, back.FinancialPeriod, back.AutoReversing = "000099", "202602", false
	b.batches = append(b.batches, back)
}

func TestAnAccrualIsPostedOnceInAMemoryOfItsOwn(t *testing.T) {
	b := newBench(t)
	for range 2 {
		if state, got := b.finish(t, b.accruer(), accrual()); state != posting.Verified {
			t.Fatalf("ended as %s, %+v", state, got)
		}
	}
	b.onlyOne(t, visma.BatchPosted)
	if !b.batches[0].AutoReversing || b.creates != 1 {
		t.Errorf("%d creates, %+v", b.creates, b.batches)
	}
}

// What takes an accrual back has the same description: a new installation must
// adopt the accrual, and see neither a second one nor the wrong one.
func TestAnEmptyDatabaseAdoptsTheAccrualAndNotWhatTookItBack(t *testing.T) {
	before, after := newBench(t), newBench(t)
	before.finish(t, before.accruer(), accrual())
	before.takenBack()
	after.books = before.books
	later := intent(func(in *posting.Intent) {
		in.Voucher.Date.Month, in.Periods = 2, []string{"202602"}
	})
	after.finish(t, after.poster(), later) // the next period is read for a payout
	creates := after.creates
	state, got := after.finish(t, after.accruer(), accrual())
	if state != posting.Verified || !got.Adopted || got.BatchNumber != "000001" || after.creates != creates {
		t.Errorf("ended as %s, %+v after %d creates", state, got, after.creates-creates)
	}
}

func TestABatchThatDoesNotTakeItselfBackIsNotTheAccrual(t *testing.T) {
	b := newBench(t)
	p := b.accruer()
	if _, err := p.Post(t.Context(), accrual()); err != nil {
		t.Fatal(err)
	}
	b.batches[0].AutoReversing = false
	b.clock = b.clock.Add(time.Hour)
	if _, halt, err := p.Complete(t.Context(), accrual(), documents); err != nil || halt == nil || halt.Code != held.BatchDiffers {
		t.Errorf("%+v %v", halt, err)
	}
}
