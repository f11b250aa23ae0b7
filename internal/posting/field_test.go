package posting_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// refusedWith is Visma.net's answer to a send that says neither yes nor no.
func refusedWith(id string) error {
	return &fault.Error{
		Class: fault.UnknownOutcome, Party: "Visma.net", Attempted: "create journal transaction", Status: 500,
		Words: "VismaId: " + id + ". Object reference not set", RequestID: id,
	}
}

// until posts until somebody is needed, and says how many looks that took.
func (b *bench) until(t *testing.T, p *posting.Poster, in posting.Intent) (got posting.Outcome, looks int) {
	t.Helper()
	for ; looks < 100; looks++ {
		var err error
		if got, err = p.Post(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if got.Stop != nil || got.BatchNumber != "" {
			return got, looks
		}
		b.clock = b.clock.Add(got.LookAgain)
	}
	t.Fatal("the wait has no end")
	return got, looks
}

func TestASendThatIsAlwaysRefusedStopsForAPerson(t *testing.T) {
	job := func(status visma.JobStatus) func(*books, string, visma.Job) (visma.Job, error) {
		return func(_ *books, id string, _ visma.Job) (visma.Job, error) {
			return visma.Job{ID: id, Status: status, StatusCode: 500, ErrorMessage: "Object reference not set"}, nil
		}
	}
	queued := func(b *books, _ func() string) (visma.Accepted, error) { return b.accept("nothing"), nil }
	for name, c := range map[string]struct {
		onCreate func(*books, func() string) (visma.Accepted, error)
		onJob    func(*books, string, visma.Job) (visma.Job, error)
		creates  int
	}{
		"500 at once": {func(*books, func() string) (visma.Accepted, error) {
			return visma.Accepted{}, refusedWith("00000000-0000-4000-8000-000000000009")
		}, nil, 3},
		"a job that ends with 500": {queued, job(visma.JobFinished), 3},
		"a job that fails":         {queued, job(visma.JobFailed), 3},
		"a connection that breaks": {func(*books, func() string) (visma.Accepted, error) { return visma.Accepted{}, errNoAnswer }, nil, 8},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.onCreate, b.onJob = c.onCreate, c.onJob
			got, _ := b.until(t, b.poster(), intent())
			if got.Stop.Code != held.RefusedRepeatedly || b.creates != c.creates || !strings.Contains(got.Stop.Detail, fmt.Sprintf("sent %d times", c.creates)) {
				t.Fatalf("%+v after %d sends", got.Stop, b.creates)
			}
			if c.creates == 3 && !strings.Contains(got.Stop.Detail, "Object reference not set") {
				t.Errorf("Visma.net's words are missing: %s", got.Stop.Detail)
			}
			before := time.Duration(0)
			for range 12 { // looks, ever less often, and never sends
				if got.LookAgain < before || got.LookAgain > 24*time.Hour || got.LookAgain == 0 {
					t.Fatalf("looks again after %s, and before after %s", got.LookAgain, before)
				}
				before = got.LookAgain
				b.clock = b.clock.Add(got.LookAgain)
				got, _ = b.until(t, b.poster(), intent())
			}
			if before != 24*time.Hour || b.creates != c.creates {
				t.Errorf("looks every %s, after %d sends", before, b.creates)
			}
			b.onCreate, b.onJob = nil, nil
			got, _ = b.until(t, b.poster(), intent(func(in *posting.Intent) { in.Again = true }))
			if got.Stop != nil || b.creates != c.creates+1 {
				t.Errorf("a person's retry led to %+v after %d sends", got, b.creates)
			}
			b.onlyOne(t, visma.BatchBalanced)
		})
	}
}

func TestABatchThatAppearsAfterItWasGivenUpIsAdopted(t *testing.T) {
	b := newBench(t)
	var late func() string
	b.onCreate = func(_ *books, commit func() string) (visma.Accepted, error) {
		late = commit
		return visma.Accepted{}, refusedWith("1")
	}
	b.until(t, b.poster(), intent())
	late()
	state, got := b.finish(t, b.poster(), intent())
	if state != posting.Verified || !got.Adopted {
		t.Errorf("ended as %s, %+v", state, got)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestAJobThatNeverEndsIsForAPerson(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(b *books, _ func() string) (visma.Accepted, error) { return b.accept("nothing"), nil }
	b.onJob = func(_ *books, id string, _ visma.Job) (visma.Job, error) {
		return visma.Job{ID: id, Status: visma.JobStarted}, nil
	}
	got, looks := b.until(t, b.poster(), intent())
	if got.Stop.Code != held.Failed || got.LookAgain != 24*time.Hour || b.creates != 1 || looks > 30 {
		t.Errorf("%+v after %d looks and %d sends", got, looks, b.creates)
	}
}

func TestAReleaseThatNeverShowsIsForAPerson(t *testing.T) {
	b := newBench(t)
	b.onRelease = func(*books, func()) error { return refusedWith("7") }
	state, got := b.finish(t, b.poster(), intent())
	if state != "held" || got.Stop.Code != held.ReleaseFailed || b.releases != 3 || !strings.Contains(got.Stop.Detail, "VismaId: 7") {
		t.Errorf("ended as %s, %+v after %d releases", state, got.Stop, b.releases)
	}
	b.onRelease = nil
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
		t.Errorf("after a retry it ended as %s", state)
	}
}

// unlisted is a Visma.net whose lists do not show what is there.
type unlisted struct {
	*books
	periods  bool // lists of periods are empty
	modified bool // lists of what was modified are empty
}

func (b unlisted) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error) {
	if q.PeriodID != "" && b.periods || q.PeriodID == "" && b.modified {
		return nil, nil
	}
	return b.books.JournalTransactions(ctx, q)
}

// TestNothingIsSentAgainOnOneEmptyList plants the fault of a list that says none
// while the batch is there.
func TestNothingIsSentAgainOnOneEmptyList(t *testing.T) {
	for name, c := range map[string]struct {
		blind  unlisted
		before bool // another batch was booked before
		ends   string
	}{
		"the period's list is empty":        {unlisted{periods: true}, false, posting.Verified},
		"both are, and a batch is known":    {unlisted{periods: true, modified: true}, true, "an error"},
		"what was modified is not, nor was": {unlisted{modified: true}, false, posting.Verified},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if c.before {
				other := intent(func(in *posting.Intent) {
					in.Voucher.Token = voucher.Token("K1", "10002", "42", 0)
					in.Voucher.PaymentReference = "10002"
					in.Voucher.Description = in.Voucher.Token + " Klarna 10002"
				})
				if _, err := b.store.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10002", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: b.clock}}); err != nil {
					t.Fatal(err)
				}
				if state, _ := b.finish(t, b.poster(), other); state != posting.Verified {
					t.Fatal("the first batch was not booked")
				}
			}
			b.onCreate = func(_ *books, commit func() string) (visma.Accepted, error) {
				commit()
				return visma.Accepted{}, errNoAnswer
			}
			sent := b.creates
			p := b.poster()
			c.blind.books = b.books
			p.Books = c.blind
			ends := ""
			for range 50 {
				got, err := p.Post(t.Context(), intent())
				if err != nil {
					ends = "an error"
					if !strings.Contains(err.Error(), "lists cannot be believed") {
						t.Fatal(err)
					}
					break
				}
				if got.BatchNumber != "" {
					ends = posting.Verified
					break
				}
				b.clock = b.clock.Add(got.LookAgain)
			}
			if ends != c.ends || b.creates != sent+1 {
				t.Errorf("ended with %q after %d sends", ends, b.creates-sent)
			}
		})
	}
}

// TestALaterFirstSendBelievesNoEmptyListEither: a right that was taken away makes
// lists empty, and then nothing is posted at all.
func TestALaterFirstSendBelievesNoEmptyListEither(t *testing.T) {
	b := newBench(t)
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
		t.Fatal("the first batch was not booked")
	}
	b.connect(t, "c2")
	if _, err := b.store.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10003", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: b.clock}}); err != nil {
		t.Fatal(err)
	}
	p := b.poster()
	p.Books, p.Scans = unlisted{books: b.books, periods: true, modified: true}, &posting.Scans{}
	next := intent(func(in *posting.Intent) {
		in.Voucher.Token = voucher.Token("K1", "10003", "42", 0)
		in.Voucher.PaymentReference, in.Voucher.Description = "10003", in.Voucher.Token+" Klarna 10003"
	})
	_, err := p.Post(t.Context(), next)
	if f := fault.As(err); f == nil || f.Class != fault.Transient || b.creates != 1 {
		t.Errorf("got %v after %d sends", err, b.creates)
	}
}

// flickering has lists that are empty so many times and then show what is there: a
// right that was taken away is given back in the middle of a look.
type flickering struct {
	*books
	empty *int
}

func (b flickering) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error) {
	if *b.empty > 0 {
		*b.empty--
		return nil, nil
	}
	return b.books.JournalTransactions(ctx, q)
}

// TestAnEmptyListFromBeforeTheRightCameBackIsNotBelieved: the batch of the second
// payout is there, and the database, which is an older one, does not know of it.
func TestAnEmptyListFromBeforeTheRightCameBackIsNotBelieved(t *testing.T) {
	b := newBench(t)
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
		t.Fatal("the first batch was not booked")
	}
	if _, err := b.store.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10003", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: b.clock}}); err != nil {
		t.Fatal(err)
	}
	next := intent(func(in *posting.Intent) {
		in.Voucher.Token = voucher.Token("K1", "10003", "42", 0)
		in.Voucher.PaymentReference, in.Voucher.Description = "10003", in.Voucher.Token+" Klarna 10003"
	})
	forgotten := b.batches[0]
	forgotten.BatchNumber, forgotten.Description = "000099", next.Voucher.Description
	b.batches = append(b.batches, forgotten)
	p, empty := b.poster(), 1
	p.Books, p.Scans = flickering{b.books, &empty}, &posting.Scans{}
	for range 5 {
		if got, err := p.Post(t.Context(), next); err == nil && got.LookAgain == 0 {
			break
		}
		b.clock = b.clock.Add(time.Hour)
	}
	if b.creates != 1 {
		t.Errorf("%d batches were sent, and the second payout's was there", b.creates)
	}
}

// filledIn is a Visma.net that fills in what a batch does not say.
func filledIn(change func(*visma.JournalTransaction)) func(*books, func() string) (visma.Accepted, error) {
	return func(b *books, commit func() string) (visma.Accepted, error) {
		number := commit()
		change(&b.batches[len(b.batches)-1])
		return b.accept(number), nil
	}
}

func TestWhatVismaNetFillsInIsCompared(t *testing.T) {
	withVAT := func(in *posting.Intent) {
		in.Voucher.Lines[1].VATCode, in.Voucher.VATTransaction = "25", true
	}
	for name, c := range map[string]struct {
		edit   func(*posting.Intent)
		change func(*visma.JournalTransaction)
		says   string // "" for no difference
	}{
		"VAT transactions":          {nil, func(b *visma.JournalTransaction) { b.CreateVATTransaction = true }, "it makes VAT transactions: true, meant was false"},
		"a VAT code on a line":      {nil, func(b *visma.JournalTransaction) { b.Lines[0].VATCode.ID, b.Lines[0].VAT.ID = "25", "IN25" }, "has VAT code 25 and id IN25, meant was no VAT code"},
		"a VAT id on a line":        {nil, func(b *visma.JournalTransaction) { b.Lines[0].VAT.ID = "IN25" }, "has VAT id IN25, meant was no VAT code"},
		"another branch":            {func(in *posting.Intent) { in.Branch = "1" }, func(b *visma.JournalTransaction) { b.Branch = "OTHER" }, "branch is OTHER, meant was 1, the main one, since the profile names none"},
		"another branch than named": {func(in *posting.Intent) { in.Voucher.Branch = "2" }, func(b *visma.JournalTransaction) { b.Branch = "1" }, "branch is 1, meant was 2"},
		"another branch on a line":  {func(in *posting.Intent) { in.Branch = "1" }, func(b *visma.JournalTransaction) { b.Branch, b.Lines[0].Branch = "1", "2" }, "line 0 is on branch 2"},
		"another transaction code":  {func(in *posting.Intent) { in.Voucher.TransactionCode = "KL" }, func(b *visma.JournalTransaction) { b.TransactionCode = "GLV" }, "transaction code is GLV, meant was KL"},
		"a rounding line": {nil, func(b *visma.JournalTransaction) {
			b.Lines = append(b.Lines, visma.JournalTransactionLine{AccountNumber: "3740"})
		}, "unexpected line 3740"},
		"another text": {nil, func(b *visma.JournalTransaction) { b.Description += " x" }, "its text is"},
		"the VAT that was meant": {withVAT, func(b *visma.JournalTransaction) {
			b.CreateVATTransaction = true
			b.Lines[0].VATCode.ID, b.Lines[0].VAT.ID = "25", "IN25"
		}, ""},
		"VAT that was meant and lost": {withVAT, func(b *visma.JournalTransaction) { b.CreateVATTransaction = true }, "has no VAT code, meant was VAT code 25"},
		"padded keys": {func(in *posting.Intent) { in.Branch = "1" }, func(b *visma.JournalTransaction) {
			b.Ledger, b.Branch, b.Lines[0].AccountNumber = "1         ", "1    ", b.Lines[0].AccountNumber+"  "
		}, ""},
		"a code where none was wanted": {nil, func(b *visma.JournalTransaction) { b.TransactionCode = "GLV" }, ""},
		"a text that was cut":          {nil, func(b *visma.JournalTransaction) { b.Description = b.Description[:30] }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.onCreate = filledIn(c.change)
			in := intent()
			if c.edit != nil {
				c.edit(&in)
			}
			got, err := b.poster().Post(t.Context(), in)
			switch {
			case err != nil:
				t.Fatal(err)
			case c.says == "" && got.Stop != nil:
				t.Errorf("held: %s", got.Stop.Detail)
			case c.says != "" && (got.Stop == nil || got.Stop.Code != held.BatchDiffers || !strings.Contains(got.Stop.Detail, c.says)):
				t.Errorf("got %+v", got.Stop)
			}
		})
	}
}

// TestTextsThatWereCutAreNoted: nobody has to do anything, and it is kept.
func TestTextsThatWereCutAreNoted(t *testing.T) {
	b := newBench(t)
	b.onCreate = filledIn(func(batch *visma.JournalTransaction) {
		batch.Description = batch.Description[:30]
		batch.Lines[0].TransactionDescription, batch.Lines[1].TransactionDescription = "Klarna sa", "Klarna payout"
	})
	if got, err := b.poster().Post(t.Context(), intent()); err != nil || got.Stop != nil {
		t.Fatalf("got %+v, %v", got.Stop, err)
	}
	attempts, err := b.store.Attempts(t.Context(), "42", intent().Voucher.Token)
	if err != nil || len(attempts) != 1 || attempts[0].Outcome != "noted" || !strings.Contains(string(attempts[0].Detail), "kept 30 of") || !strings.Contains(string(attempts[0].Detail), `Klarna sa\"`) {
		t.Errorf("noted was %+v, %v", attempts, err)
	}
}

// TestWhatWasAcceptedBeforeIsNoDriftNow: a batch that an earlier version posted is
// held against what that version compared.
func TestWhatWasAcceptedBeforeIsNoDriftNow(t *testing.T) {
	for compared, want := range map[int]string{0: posting.AsPosted, 1: posting.Edited} {
		b := newBench(t)
		if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
			t.Fatal("it was not booked")
		}
		b.batches[0].CreateVATTransaction, b.batches[0].Lines[0].VATCode.ID = true, "25"
		row, err := b.store.UpdateBooking(t.Context(), "42", intent().Voucher.Token, func(p *store.Booking) error {
			if p.Compared != 1 {
				return errors.New("the whole read-back is not remembered")
			}
			p.Compared = compared
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		found, err := b.poster().Watch(t.Context(), []store.Booking{row}, nil)
		if err != nil || found[0].Word != want {
			t.Errorf("compared %d: %s %v, %v", compared, found[0].Word, found[0].Differences, err)
		}
	}
}
