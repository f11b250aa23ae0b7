package posting_test

import (
	"slices"
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
)

// edited books the voucher and lets somebody change an account before Kvitt reads
// the batch back. It returns the differences that hold it.
func (b *bench) edited(t *testing.T) []string {
	t.Helper()
	b.onCreate = func(b *books, commit func() string) (visma.Accepted, error) {
		number := commit()
		b.batches[0].Lines[0].AccountNumber = "1940"
		return b.accept(number), nil
	}
	state, got := b.finish(t, b.poster(), intent())
	if state != "held" || got.Stop.Code != held.BatchDiffers {
		t.Fatalf("ended as %s, %+v", state, got.Stop)
	}
	row, err := b.store.Booking(t.Context(), "42", intent().Voucher.Token)
	if err != nil {
		t.Fatal(err)
	}
	differences, err := posting.Differences(&row, &b.batches[0], "")
	if err != nil || len(differences) == 0 {
		t.Fatalf("%v, %v", differences, err)
	}
	return differences
}

func TestABatchThatAPersonTookIsReleasedExactlyAsItWasTaken(t *testing.T) {
	b := newBench(t)
	differences := b.edited(t)
	took := func(batch string, differences []string) posting.Intent {
		return intent(func(in *posting.Intent) { in.Taken = &posting.Taken{Batch: batch, Differences: differences} })
	}
	for what, in := range map[string]posting.Intent{
		"another batch":          took("000009", differences),
		"fewer differences":      took("000001", differences[1:]),
		"another account":        took("000001", []string{"missing line x", "unexpected line y"}),
		"nobody took it":         intent(),
		"more than there is now": took("000001", append(slices.Clone(differences), "date is 2026-01-06, meant was 2026-01-05")),
	} {
		if state, got := b.finish(t, b.poster(), in); state != "held" || got.Stop.Code != held.BatchDiffers {
			t.Errorf("%s: ended as %s", what, state)
		}
	}
	slices.Reverse(differences)
	if state, _ := b.finish(t, b.poster(), took("000001", differences)); state != posting.Verified || b.creates != 1 {
		t.Errorf("ended as %s after %d creates", state, b.creates)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestAnUnknownOutcomeEndsWithTheBatchThatAPersonNamesAndIsNeverSentAgain(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(b *books, commit func() string) (visma.Accepted, error) {
		commit()
		b.batches[0].Description = "Klarna" // somebody has taken the token out of it
		return visma.Accepted{}, errNoAnswer
	}
	got, err := b.poster().Post(t.Context(), intent())
	if err != nil || got.LookAgain == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	gone := intent(func(in *posting.Intent) { in.Taken = &posting.Taken{Batch: "000007"} })
	for range 3 { // a batch that is not there is no reason to send it again
		if got, err = b.poster().Post(t.Context(), gone); err != nil || got.LookAgain == 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		if got.Stop == nil || got.Stop.Code != held.BatchDiffers || !strings.Contains(got.Stop.Detail, "000007") {
			t.Fatalf("nobody is told that the named batch is not there: %+v", got)
		}
		b.clock = b.clock.Add(b.poster().Absent)
	}
	row, err := b.store.Booking(t.Context(), "42", intent().Voucher.Token)
	if err != nil {
		t.Fatal(err)
	}
	differences, err := posting.Differences(&row, &b.batches[0], "")
	if err != nil {
		t.Fatal(err)
	}
	named := intent(func(in *posting.Intent) { in.Taken = &posting.Taken{Batch: "000001", Differences: differences} })
	if state, got := b.finish(t, b.poster(), named); state != posting.Verified || !got.Adopted || b.creates != 1 {
		t.Errorf("ended as %s, %+v, %d creates", state, got, b.creates)
	}
}

func TestOfSeveralBatchesThePersonSaysWhichOneCounts(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(b *books, commit func() string) (visma.Accepted, error) {
		commit()
		commit()
		return visma.Accepted{}, errNoAnswer
	}
	if state, got := b.finish(t, b.poster(), intent()); state != "held" || got.Stop.Code != held.BatchDiffers {
		t.Fatalf("ended as %s", state)
	}
	named := intent(func(in *posting.Intent) { in.Taken = &posting.Taken{Batch: "000002"} })
	if state, got := b.finish(t, b.poster(), named); state != posting.Verified || got.BatchNumber != "000002" || b.creates != 1 {
		t.Errorf("ended as %s, %+v, %d creates", state, got, b.creates)
	}
}

func TestABatchThatIsSomethingElseNoLongerStopsThePayout(t *testing.T) {
	b := newBench(t)
	b.batches = []visma.JournalTransaction{{
		BatchNumber: "000001", Status: visma.BatchPosted, FinancialPeriod: "202601", Description: "bank",
		Lines: []visma.JournalTransactionLine{{AccountNumber: "1930", ReferenceNumber: "10001"}},
	}}
	if state, got := b.finish(t, b.poster(), intent()); state != "held" || got.Stop.Code != held.BookedElsewhere {
		t.Fatalf("ended as %s", state)
	}
	other := intent(func(in *posting.Intent) { in.Unrelated = []string{"000002"} })
	if state, _ := b.finish(t, b.poster(), other); state != "held" || b.creates != 0 {
		t.Errorf("another batch was named, and it ended as %s after %d creates", state, b.creates)
	}
	said := intent(func(in *posting.Intent) { in.Unrelated = []string{"000001"} })
	if state, got := b.finish(t, b.poster(), said); state != posting.Verified || got.BatchNumber != "000002" {
		t.Errorf("ended as %s, %+v", state, got)
	}
}
