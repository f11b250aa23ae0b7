package posting_test

import (
	"context"
	"slices"
	"testing"

	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// half is a Visma.net one of whose two kinds of list leaves a batch out, and
// nothing says so.
type half struct {
	*books
	without  string
	modified bool // the kind that leaves it out
}

func (b half) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error) {
	all, err := b.books.JournalTransactions(ctx, q)
	if (q.PeriodID == "") != b.modified {
		return all, err
	}
	return slices.DeleteFunc(all, func(t visma.JournalTransaction) bool { return t.BatchNumber == b.without }), err
}

// TestAHalfListAfterARestoreBooksNothingTwice: the batch is there, and the older
// database, or the empty one, does not know of it.
func TestAHalfListAfterARestoreBooksNothingTwice(t *testing.T) {
	for name, c := range map[string]struct {
		modified bool
		moved    string // where a person moved the batch meanwhile
		ends     string
	}{
		"the period's list is half":         {false, "", posting.Verified},
		"the list of what was modified is":  {true, "", posting.Verified},
		"a person moved it to another one":  {false, "202602", "held"},
		"and it was moved to one before it": {false, "202512", "held"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := newBench(t), newBench(t)
			if state, _ := before.finish(t, before.poster(), intent()); state != posting.Verified {
				t.Fatal("the batch was not booked")
			}
			after.books = before.books
			ours := &after.batches[0]
			if c.moved != "" {
				ours.FinancialPeriod = c.moved
			}
			// The period's list is not empty, so that nothing looks wrong with it.
			after.batches = append(after.batches, visma.JournalTransaction{BatchNumber: "000002", FinancialPeriod: "202601", Description: "Rent"})
			p := after.poster()
			p.Books = half{after.books, "000001", c.modified}
			state, got := after.finish(t, p, intent())
			if state != c.ends || after.creates != 1 {
				t.Errorf("ended as %s, %+v after %d sends", state, got, after.creates)
			}
		})
	}
}

// A batch of somebody else's that only the second list shows stops the payout too.
func TestAHalfListHidesNoBatchOfSomebodyElse(t *testing.T) {
	b := newBench(t)
	b.batches = []visma.JournalTransaction{
		{BatchNumber: "000001", FinancialPeriod: "202601", Description: "Klarna week 1, by hand", Lines: []visma.JournalTransactionLine{{AccountNumber: "1930", ReferenceNumber: "10001"}}},
		{BatchNumber: "000002", FinancialPeriod: "202601", Description: "Rent"},
	}
	p := b.poster()
	p.Books = half{b.books, "000001", false}
	if state, got := b.finish(t, p, intent()); state != "held" || b.creates != 0 {
		t.Errorf("ended as %s, %+v after %d sends", state, got, b.creates)
	}
}

// What was modified is listed once for a process and as far back as it is needed,
// not once for each period or payout.
func TestWhatWasModifiedIsListedOnceForAProcess(t *testing.T) {
	b := newBench(t)
	if _, err := b.store.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10002", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: b.clock}}); err != nil {
		t.Fatal(err)
	}
	b.batches = []visma.JournalTransaction{{BatchNumber: "000001", FinancialPeriod: "202601", Description: "Rent"}} // an empty list is read twice
	count := 0
	p := b.poster()
	p.Books = counted{b.books, &count}
	b.finish(t, p, intent())
	b.finish(t, p, second(nil))
	if count != 1 {
		t.Errorf("what was modified was listed %d times for two payouts of a month", count)
	}
	if _, err := p.Post(t.Context(), second(func(in *posting.Intent) {
		in.Voucher.Token, in.Voucher.Date.Year, in.Revision = "[kvitt:0123456789abcdef]", 2025, 1
	})); err != nil {
		t.Fatal(err)
	}
	if count != 2 {
		t.Errorf("it was listed %d times, and an earlier year was needed", count)
	}
}

// second is the intent of another payout.
func second(edit func(*posting.Intent)) posting.Intent {
	in := intent(func(in *posting.Intent) {
		in.Voucher.Token, in.Voucher.PaymentReference = voucher.Token("K1", "10002", "42", 0), "10002"
		for i := range in.Voucher.Lines {
			in.Voucher.Lines[i].Reference = "10002"
		}
	})
	if edit != nil {
		edit(&in)
	}
	in.Voucher.Description = in.Voucher.Token + " Klarna 10002"
	return in
}

type counted struct {
	*books
	modified *int
}

func (b counted) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error) {
	if q.PeriodID == "" {
		*b.modified++
	}
	return b.books.JournalTransactions(ctx, q)
}

// rights has lists of which some are empty, because the right to read was away
// then, and of which one kind is half.
type rights struct {
	half
	empty func(list int) bool // the first one is 1
	read  *int
}

func (b rights) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error) {
	if *b.read++; b.empty(*b.read) {
		return nil, nil
	}
	return b.half.JournalTransactions(ctx, q)
}

// TestAHalfListIsNotBelievedBesideAnEmptyOne: batch 000099 books the second payout,
// and the database does not know of it, or not whether it was booked.
func TestAHalfListIsNotBelievedBesideAnEmptyOne(t *testing.T) {
	for name, c := range map[string]struct {
		modified bool // the list of what was modified is half, not that of the period
		unknown  bool
		empty    func(list int) bool
	}{
		"the right was taken away after the first list": {false, false, func(list int) bool { return list > 1 }},
		"it came back in the middle of the last look":   {true, true, func(list int) bool { return list == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
				t.Fatal("the first batch was not booked")
			}
			if _, err := b.store.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10002", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: b.clock}}); err != nil {
				t.Fatal(err)
			}
			next := second(nil)
			if c.unknown {
				b.onCreate = func(*books, func() string) (visma.Accepted, error) { return visma.Accepted{}, errNoAnswer }
				if got, err := b.poster().Post(t.Context(), next); err != nil || got.LookAgain == 0 {
					t.Fatalf("%+v, %v", got, err)
				}
				b.clock = b.clock.Add(b.poster().Absent)
			}
			sent := b.creates
			ours := b.batches[0]
			ours.BatchNumber, ours.Description = "000099", next.Voucher.Description
			b.batches = append(b.batches, ours)
			p, read := b.poster(), 0
			p.Books, p.Scans = rights{half{b.books, "000099", c.modified}, c.empty, &read}, &posting.Scans{}
			for range 3 {
				if _, err := p.Post(t.Context(), next); err == nil {
					break
				}
			}
			if b.creates != sent {
				t.Errorf("it was sent again after %d lists", read)
			}
		})
	}
}
