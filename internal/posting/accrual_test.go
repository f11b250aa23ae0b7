package posting_test

import (
	"strings"
	"testing"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

func accrual() posting.Intent {
	return intent(func(in *posting.Intent) {
		in.Kind, in.Day = store.KindAccrual, "2026-01-05"
		v := in.Voucher
		v.Token = voucher.AccrualToken("K1", v.Date, "SEK", "42")
		v.Description, v.PaymentReference, v.AutoReversing = v.Token+" accrual", "accrual 2026-01-05 SEK", true
	})
}

// takenBack books what an auto-reversing batch leads to, in the next period.
func (b *bench) takenBack() {
	back := b.batches[0]
	back.BatchNumber, back.FinancialPeriod, back.AutoReversing = "000099", "202602", false
	b.batches = append(b.batches, back)
}

func TestAnAccrualIsPostedOnceInTheOneMemory(t *testing.T) {
	b := newBench(t)
	for range 2 {
		if state, got := b.finish(t, b.poster(), accrual()); state != posting.Verified {
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
	before.finish(t, before.poster(), accrual())
	before.takenBack()
	after.books = before.books
	later := intent(func(in *posting.Intent) {
		in.Voucher.Date.Month, in.Periods = 2, []string{"202602"}
	})
	after.finish(t, after.poster(), later) // the next period is read for a payout
	creates := after.creates
	state, got := after.finish(t, after.poster(), accrual())
	if state != posting.Verified || !got.Adopted || got.BatchNumber != "000001" || after.creates != creates {
		t.Errorf("ended as %s, %+v after %d creates", state, got, after.creates-creates)
	}
}

func TestABatchThatDoesNotTakeItselfBackIsNotTheAccrual(t *testing.T) {
	b := newBench(t)
	p := b.poster()
	if _, err := p.Post(t.Context(), accrual()); err != nil {
		t.Fatal(err)
	}
	b.batches[0].AutoReversing = false
	b.clock = b.clock.Add(time.Hour)
	if _, halt, err := p.Complete(t.Context(), accrual(), documents); err != nil || halt == nil || halt.Code != held.BatchDiffers {
		t.Errorf("%+v %v", halt, err)
	}
}

// mirror is the batch that takes the first one back.
func (b *bench) mirror() *visma.JournalTransaction {
	b.takenBack()
	back := &b.batches[len(b.batches)-1]
	lines := make([]visma.JournalTransactionLine, len(back.Lines))
	for i, l := range back.Lines {
		l.DebitAmountInCurrency, l.CreditAmountInCurrency = l.CreditAmountInCurrency, l.DebitAmountInCurrency
		lines[i] = l
	}
	back.Lines = lines
	return back
}

// An accrual that Visma.net did not take back counts the same sales twice: it
// must not go unnoticed.
func TestAnAccrualThatIsNotTakenBackIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		early  bool // the next period has not begun
		change func(b *bench)
		word   string
		says   string
		by     string
	}{
		"taken back":                      {change: func(b *bench) { b.mirror() }, word: posting.AsPosted, by: "000099"},
		"not yet":                         {early: true, word: posting.AsPosted},
		"never":                           {word: posting.NotTakenBack, says: "no batch in it takes batch 000001 back"},
		"the other waits for its release": {change: func(b *bench) { b.mirror().Status = visma.BatchBalanced }, word: posting.NotTakenBack, says: "is not released: it is Balanced"},
		"the other was voided":            {change: func(b *bench) { b.mirror().Status = visma.BatchVoided }, word: posting.NotTakenBack, says: "no batch in it"},
		"another amount": {change: func(b *bench) {
			b.mirror().Lines[0].CreditAmountInCurrency = visma.FromMinor(1, 2)
		}, word: posting.NotTakenBack, says: "nothing exchanges"},
		"the same sides again": {change: func(b *bench) { b.takenBack() }, word: posting.NotTakenBack, says: "nothing exchanges"},
		"the accrual is gone":  {change: func(b *bench) { b.batches = nil }, word: posting.Gone},
		"reversed by hand in its own period too": {change: func(b *bench) {
			again := *b.mirror()
			again.BatchNumber, again.FinancialPeriod = "000100", "202601"
			b.batches = append(b.batches, again)
		}, word: posting.Elsewhere, says: "000100", by: "000099"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if state, got := b.finish(t, b.poster(), accrual()); state != posting.Verified {
				t.Fatalf("ended as %s, %+v", state, got)
			}
			if c.change != nil {
				c.change(b)
			}
			rows, err := b.store.BookingsToCheck(t.Context(), "c1", time.Time{})
			if err != nil || len(rows) != 1 {
				t.Fatalf("%d to look at, %v", len(rows), err)
			}
			all, err := b.poster().Watch(t.Context(), rows, func(string) (string, bool) { return "202602", !c.early })
			if err != nil || len(all) != 1 {
				t.Fatalf("%d findings, %v", len(all), err)
			}
			words := strings.Join(all[0].Differences, "; ")
			if all[0].Word != c.word || !strings.Contains(words, c.says) {
				t.Errorf("found %s (%s), want %s (%s)", all[0].Word, words, c.word, c.says)
			}
			if f := all[0].Found; f != nil && f.TakenBackBy != c.by {
				t.Errorf("taken back by %q, want %q", f.TakenBackBy, c.by)
			}
		})
	}
}

// What is booked next, whatever it is, is remembered, adopted and looked at as
// everything else: a kind brings its draft and its words.
func TestAKindThatIsNewIsBookedOnceAsEveryOther(t *testing.T) {
	opening := intent(func(in *posting.Intent) {
		in.Kind, in.Day = "opening", "2026-01-05"
		in.Voucher.Token = "[kvitt:00000000000000aa]"
		in.Voucher.Description, in.Voucher.PaymentReference = in.Voucher.Token+" opening", "opening 2026-01-05"
		in.Voucher.Lines[0].Reference, in.Voucher.Lines[1].Reference = "opening", "opening"
	})
	before, after := newBench(t), newBench(t)
	for range 2 {
		if state, got := before.finish(t, before.poster(), opening); state != posting.Verified {
			t.Fatalf("ended as %s, %+v", state, got)
		}
	}
	before.onlyOne(t, visma.BatchPosted)
	after.books = before.books
	if state, got := after.finish(t, after.poster(), opening); state != posting.Verified || !got.Adopted || after.creates != 1 {
		t.Errorf("a new installation ended as %s, %+v after %d creates", state, got, after.creates)
	}
	rows, err := after.store.BookingsToCheck(t.Context(), "c1", time.Time{})
	if err != nil || len(rows) != 1 || rows[0].Kind != "opening" || rows[0].Name != "opening 2026-01-05" {
		t.Fatalf("to look at: %+v, %v", rows, err)
	}
	after.batches = nil
	found, err := after.poster().Watch(t.Context(), rows, nil)
	if err != nil || len(found) != 1 || found[0].Word != posting.Gone {
		t.Errorf("found %+v, %v", found, err)
	}
}
