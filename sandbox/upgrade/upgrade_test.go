package upgrade

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// end returns how a work ended.
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
	for i, x := range f.works {
		if x.Kind == payout && x.Compiled != nil && (x.end() == workflows.StateVerified || x.end() == workflows.StatePosted) && !f.reverses(f.before[i]) {
			x.Next = workflows.PostVoucher.Name
		}
	}
	f.begin()
	f.round()
}

// reverses tells whether a reversal of a payout is under way, or was, and nobody
// has asked to post it anew.
func (f *fixture) reverses(before *work) bool {
	last := before.Postings
	return before.Next == "" && slices.ContainsFunc(f.works, func(y *work) bool {
		return y.Kind == reversal && y.Connection == before.Connection && y.Reference == before.Reference &&
			len(last) > 0 && last[len(last)-1].Revision < y.Reversal.Revision
	})
}

func (f *fixture) round() {
	f.t.Helper()
	for _, x := range f.works {
		if x.Next == "" {
			continue
		}
		if err := f.drive(x, ""); err != nil {
			f.failed = append(f.failed, fmt.Sprintf("%s %q (%s): %v", x.Kind, x.Name, x.Reference, err))
		}
	}
}

// ours is what Kvitt writes into the description of a batch.
var ours = regexp.MustCompile(`\[kvitt:[0-9a-f]+\]`)

// judge says what is wrong with the books and the works.
func (f *fixture) judge() (wrong []string) {
	wrong = slices.Clone(f.failed)
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
	if x.Kind == payout {
		f.judgeRow(before, x, says)
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
			known = ""
			if p.State != "reversed" || x.State == workflows.StateReversed {
				known = p.Batch
			}
		}
	}
	if known != "" && x.Held == "" && x.Batch != known {
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

// judgeRow compares what the database says of a payout with what its workflow
// was told.
func (f *fixture) judgeRow(before, x *work, says func(string, ...any)) {
	row, err := run(f.world, workflows.PayoutState, x.ref())
	state := x.State
	if f.reverses(before) {
		state = workflows.StateReversed
	}
	if x.Held == "approval" {
		state = workflows.StateAwaitingApproval
	}
	if err != nil || row.State != state || row.HeldReason != x.Held || row.Final != (x.Held == "") {
		says("the database has it as %s %s, final: %t, %v", row.State, row.HeldReason, row.Final, err)
	}
	if state == workflows.StateVerified && row.BatchNumber != x.Batch {
		says("the database has batch %s for it, not %s", row.BatchNumber, x.Batch)
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
			t.Run(release+" "+name, func(t *testing.T) {
				t.Parallel()
				test(t, release, at(t))
			})
		}
	}
}

func TestWhatAnEarlierReleaseBeganIsBookedOnceAndNothingIsForgotten(t *testing.T) {
	onAll(t, func(t *testing.T, release, database string) {
		f := load(t, release, database, 2*time.Hour, "")
		f.finish()
		for _, wrong := range f.judge() {
			t.Error(wrong)
		}
	})
}

// A workflow that begins anew, as after a reset, comes to the same end.
func TestWhatIsTakenUpAnewIsBookedOnceToo(t *testing.T) {
	onAll(t, func(t *testing.T, release, database string) {
		f := load(t, release, database, 2*time.Hour, "")
		for _, x := range f.works {
			if x.Kind == payout && x.Next != "" {
				x.Next, x.Compiled, x.Batch = workflows.ProvePayout.Name, nil, ""
			}
		}
		f.finish()
		for _, wrong := range f.judge() {
			t.Error(wrong)
		}
	})
}

// forget deletes a posting, and what refers to it, from a database of the release v3, as no code can.
func forget(database, table, name string) string {
	lift := "SET session_replication_role = replica;"
	if strings.HasPrefix(database, "sqlite:") {
		lift = "DROP TRIGGER postings_are_never_deleted; DROP TRIGGER accruals_are_never_deleted; " +
			"DROP TRIGGER posting_attempts_are_never_deleted; DROP TRIGGER accrual_attempts_are_never_deleted;"
	}
	hangs := map[string][]string{"postings": {"posting_attempts", "drift"}, "accruals": {"accrual_attempts", "accrual_drift"}}[table]
	named := fmt.Sprintf("FROM %s WHERE payment_reference = '%s'", table, name)
	for _, other := range hangs {
		lift += fmt.Sprintf(" DELETE FROM %s WHERE token IN (SELECT token %s);", other, named)
	}
	return lift + " DELETE " + named + ";"
}

// The judge is judged: it sees a posting that the migration forgets.
func TestAForgottenPostingIsSeen(t *testing.T) {
	for _, c := range []struct {
		name, table, work string
		later             time.Duration // since it was recorded
		sees              string
	}{
		{"a verified payout is adopted", "postings", "verified", 2 * time.Hour, "as if it were not known"},
		{"an unknown one is booked twice", "postings", "unknown, booked and not listed yet", 0, "is one of 2 of"},
		{"a checked one cannot go on", "postings", "checked", 2 * time.Hour, "its posting is intended, not checked"},
		{"nor can an accrual", "accruals", "accrual checked", 2 * time.Hour, "CompleteAccrual"},
		{"a part is booked twice", "accruals", "split, the part is unknown", 0, "is one of 2 of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := databases["PostgreSQL"]
			if c.work == "verified" {
				at = databases["SQLite"]
			}
			database := at(t)
			f := load(t, "v3", database, c.later, forget(database, c.table, named(t, "v3", c.work)))
			f.works = slices.DeleteFunc(f.works, func(x *work) bool { return x.Name != c.work })
			f.before = slices.DeleteFunc(f.before, func(x *work) bool { return x.Name != c.work })
			f.finish()
			if wrong := f.judge(); !slices.ContainsFunc(wrong, func(s string) bool { return strings.Contains(s, c.sees) }) {
				t.Errorf("it is not seen:\n%s", strings.Join(wrong, "\n"))
			}
		})
	}
}
