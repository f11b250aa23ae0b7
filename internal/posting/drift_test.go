package posting_test

import (
	"strings"
	"testing"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/visma"
)

// posted is a bench with one posting that is final.
func posted(t *testing.T, change ...func(*posting.Intent)) *bench {
	t.Helper()
	b := newBench(t)
	b.finish(t, b.poster(), intent(change...))
	return b
}

// watch looks at what was posted.
func (b *bench) watch(t *testing.T) posting.Finding {
	t.Helper()
	rows, err := b.store.BookingsToCheck(t.Context(), "c1", time.Time{})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d postings to look at, %v", len(rows), err)
	}
	all, err := b.poster().Watch(t.Context(), rows, nil)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d findings, %v", len(all), err)
	}
	return all[0]
}

func TestWhatBecameOfABatchInSomebodyElsesHands(t *testing.T) {
	first := func(b *bench) *visma.JournalTransaction { return &b.batches[0] }
	for name, c := range map[string]struct {
		draft  bool
		change func(b *bench)
		word   string
		says   string
	}{
		"nobody touched it":    {word: posting.AsPosted},
		"it waits as a draft":  {draft: true, word: posting.AsPosted},
		"a draft was released": {draft: true, change: func(b *bench) { first(b).Status = visma.BatchPosted }, word: posting.NowReleased},
		"a draft was edited and released": {draft: true, change: func(b *bench) {
			first(b).Status = visma.BatchPosted
			first(b).Lines[0].AccountNumber = "9999"
		}, word: posting.Edited, says: "unexpected line 9999"},
		"it was voided":      {change: func(b *bench) { first(b).Status = visma.BatchVoided }, word: posting.Voided, says: "it is voided"},
		"it was unreleased":  {change: func(b *bench) { first(b).Status = visma.BatchBalanced }, word: posting.Unreleased, says: "it was released and is Balanced now"},
		"an amount changed":  {change: func(b *bench) { first(b).Lines[0].DebitAmountInCurrency = visma.FromMinor(1, 2) }, word: posting.Edited, says: "unexpected line"},
		"its text lost us":   {change: func(b *bench) { first(b).Description = "Klarna" }, word: posting.Edited, says: "token is none"},
		"it was moved":       {change: func(b *bench) { first(b).FinancialPeriod = "202602" }, word: posting.Edited, says: "period is 202602, meant was 202601"},
		"it has disappeared": {change: func(b *bench) { b.batches = nil }, word: posting.Gone, says: "does not have batch 000001 any more"},
		"somebody booked it too": {change: func(b *bench) {
			other := *first(b)
			other.BatchNumber, other.Description = "000077", "Klarna by hand"
			b.batches = append(b.batches, other)
		}, word: posting.Elsewhere, says: "000077"},
		"somebody booked it too and voided it": {change: func(b *bench) {
			other := *first(b)
			other.BatchNumber, other.Description, other.Status = "000077", "Klarna by hand", visma.BatchVoided
			b.batches = append(b.batches, other)
		}, word: posting.AsPosted},
	} {
		t.Run(name, func(t *testing.T) {
			b := posted(t, func(in *posting.Intent) { in.Draft = c.draft })
			if c.change != nil {
				c.change(b)
			}
			creates, releases := b.creates, b.releases
			got := b.watch(t)
			words := strings.Join(got.Differences, "; ")
			if got.Word != c.word || !strings.Contains(words, c.says) {
				t.Errorf("found %s (%s), want %s (%s)", got.Word, words, c.word, c.says)
			}
			if len(got.Posted.Lines) == 0 || (got.Found == nil) != (c.word == posting.Gone) {
				t.Errorf("the two sides are %+v and %+v", got.Posted, got.Found)
			}
			if b.creates != creates || b.releases != releases {
				t.Error("looking wrote to Visma.net")
			}
			// Whatever became of it, it is never posted again.
			if state, _ := b.finish(t, b.poster(), intent(func(in *posting.Intent) { in.Draft = c.draft })); state != posting.Verified && state != posting.Draft {
				t.Errorf("posting it once more ended as %s", state)
			}
			if b.creates != 1 {
				t.Errorf("it was posted %d times", b.creates)
			}
		})
	}
}

func TestEachPeriodIsListedOnce(t *testing.T) {
	b := posted(t)
	rows, err := b.store.BookingsToCheck(t.Context(), "c1", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	before := b.lists
	if _, err := b.poster().Watch(t.Context(), append(rows, rows[0], rows[0]), nil); err != nil {
		t.Fatal(err)
	}
	if n := b.lists - before; n != 1 {
		t.Errorf("the period was listed %d times for three postings", n)
	}
}
