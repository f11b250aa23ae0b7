package upgrade

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// end is how a work ended.
func (x *work) end() string {
	switch {
	case x.Held != "":
		return "held: " + x.Held
	case x.Next != "":
		return "before " + x.Next
	}
	return x.State
}

// finish drives every work to its end, twice: what has ended is asked for again,
// as by a workflow whose last answer was lost.
func (f *fixture) finish() {
	f.t.Helper()
	f.round()
	for _, x := range f.works {
		if x.Kind == payout && x.Compiled != nil && (x.end() == workflows.StateVerified || x.end() == workflows.StatePosted) && !f.reverses(x) {
			x.Next = workflows.PostVoucher.Name
		}
	}
	f.begin()
	f.round()
}

// reverses tells whether a reversal of a payout is under way, or was.
func (f *fixture) reverses(x *work) bool {
	last := x.Postings
	return slices.ContainsFunc(f.works, func(y *work) bool {
		return y.Kind == reversal && y.Connection == x.Connection && y.Reference == x.Reference && (len(last) == 0 || last[len(last)-1].Revision < y.Reversal.Revision)
	})
}

func (f *fixture) round() {
	f.t.Helper()
	for _, x := range f.works {
		if x.Next == "" {
			continue
		}
		if err := f.drive(x, ""); err != nil {
			f.t.Errorf("%s %s: %v", x.Kind, x.Name, err)
		}
	}
}

// ours is what Kvitt writes into the description of a batch.
var ours = regexp.MustCompile(`\[kvitt:[0-9a-f]+\]`)

// judge says what is wrong with the books and the works.
func (f *fixture) judge() (wrong []string) {
	accuse := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, firm := range firms {
		tokens := map[string][]*vismasim.Batch{}
		for _, b := range f.visma.Books(firm.tenant).List {
			if token := ours.FindString(b.Description); token != "" && b.Reverses == "" {
				tokens[token] = append(tokens[token], b)
			}
		}
		asked := map[string]bool{} // batches that somebody asked for
		for i, x := range f.works {
			if x.Connection == firm.id {
				f.judgeWork(f.before[i], x, tokens, asked, accuse)
			}
		}
		for token, batches := range tokens {
			for _, b := range batches {
				if len(batches) > 1 {
					accuse("%s: batch %s (%s) is one of %d of %s", firm.id, b.Number, b.Description, len(batches), token)
				}
				if !asked[b.Number] {
					accuse("%s: nobody asked for batch %s (%s)", firm.id, b.Number, b.Description)
				}
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

func (f *fixture) judgeWork(before, x *work, tokens map[string][]*vismasim.Batch, asked map[string]bool, accuse func(string, ...any)) {
	says := func(format string, args ...any) {
		accuse("%s %q (%s): %s", x.Kind, x.Name, x.Reference, fmt.Sprintf(format, args...))
	}
	if got := x.end(); got != before.Ends {
		says("it ends as %s, not as %s", got, before.Ends)
	}
	known := "" // the batch that the database had for what is posted last
	for _, p := range before.Postings {
		if number := p.Booked; number != "" {
			asked[number] = true
			if len(tokens[p.Token]) == 0 {
				says("batch %s is no longer there", number)
			}
		}
		if p.Kind == x.Kind {
			known = p.Batch
		}
	}
	if known != "" && x.Batch != known {
		says("it was posted as batch %s, and is now %s", known, x.Batch)
	}
	if known != "" && x.Adopted && !before.Adopted {
		says("batch %s was adopted, as if it were not known", x.Batch)
	}
	if !slices.Contains([]string{workflows.StateVerified, workflows.StatePosted, workflows.StateReversed}, x.end()) || x.Batch == "" {
		if x.Batch != "" {
			asked[x.Batch] = true
		}
		return
	}
	asked[x.Batch] = true
	own := f.visma.Books(tenantOf(x.Connection)).WithDescription("]")
	own = slices.DeleteFunc(own, func(b *vismasim.Batch) bool { return b.Number != x.Batch })
	if len(own) != 1 || own[0].Released() == (x.State == workflows.StatePosted) || len(own[0].Attachments) == 0 {
		says("it ends as %s, and its batch %s is not what that means", x.State, x.Batch)
	}
	if x.Compiled == nil || !x.Compiled.Split {
		return
	}
	var parts []*vismasim.Batch
	for _, batches := range tokens {
		for _, b := range batches {
			if strings.Contains(b.Description, " "+x.Reference+" till ") {
				parts, asked[b.Number] = append(parts, b), true
			}
		}
	}
	if len(parts) != 1 || !parts[0].Released() {
		says("%d batches book its part of the earlier period", len(parts))
	}
}

// releases are those of which there are fixtures.
func releases(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	must(t, err)
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatal("there is no fixture of any release")
	}
	return names
}

// onAll runs a test on each fixture.
func onAll(t *testing.T, test func(t *testing.T, release, database string)) {
	t.Helper()
	for _, release := range releases(t) {
		for name, at := range databases {
			t.Run(release+" "+name, func(t *testing.T) { test(t, release, at(t)) })
		}
	}
}

func TestWhatAnEarlierReleaseBeganIsBookedOnceAndNothingIsForgotten(t *testing.T) {
	onAll(t, func(t *testing.T, release, database string) {
		f := load(t, release, database, nil)
		f.finish()
		for _, wrong := range f.judge() {
			t.Error(wrong)
		}
	})
}
