package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"kvitt/workflows"
)

func half() *workflows.Progress {
	return &workflows.Progress{
		State: "running", Windows: 12, WindowsRun: 6, Found: 100, Posted: 40, Adopted: 2, Held: 5, Skipped: 5,
		Rows: 41_203, Amounts: map[string]int64{"SEK": 1_234_567_89, "EUR": 10_00}, Running: []string{"A", "B", "C", "D", "E", "F"},
	}
}

func TestTheBarShowsWhereABackfillStands(t *testing.T) {
	at := noon
	b := &bar{title: "Backfill 2025-01-01 to 2025-12-31", windows: "months", now: func() time.Time { return at }, width: func() int { return 160 }, out: &bytes.Buffer{}}
	early := half()
	early.Posted -= 30
	b.Show(early, "")
	at = at.Add(10 * time.Second)
	b.meter.add(at, settled(half()))
	golden(t, "progress.golden", strings.Join(b.frame(half(), "", 160), "\n")+"\n")
}

func TestNoLineOfTheBarIsWiderThanTheTerminal(t *testing.T) {
	for _, columns := range []int{20, 40, 80, 200} {
		b := &bar{title: "Backfill 2025-01-01 to 2025-12-31", windows: "months", now: func() time.Time { return noon }}
		for _, note := range []string{"", strings.Repeat("waits ", 60)} {
			for _, line := range b.frame(half(), note, columns) {
				if n := utf8.RuneCountInString(line); n > columns {
					t.Errorf("%d characters in %d columns: %s", n, columns, line)
				}
			}
		}
	}
}

func TestTheNextFrameTakesThePlaceOfTheLast(t *testing.T) {
	var out bytes.Buffer
	b := &bar{out: &out, title: "Sync", windows: "months", now: func() time.Time { return noon }, width: func() int { return 80 }}
	b.Show(half(), "")
	lines := strings.Count(out.String(), "\n")
	out.Reset()
	b.Show(half(), "")
	if !strings.HasPrefix(out.String(), "\x1b["+string(rune('0'+lines))+"A\x1b[J") {
		t.Errorf("%d lines were drawn and not taken back: %q", lines, out.String())
	}
}

func TestAnEstimateIsGivenOnlyWhenItIsKnown(t *testing.T) {
	m := meter{}
	if m.left(half()) != 0 {
		t.Error("an estimate without a rate")
	}
	m.add(noon, 40)
	m.add(noon.Add(time.Second), 41)
	if m.rate() != 0 {
		t.Error("a rate from one second")
	}
	m.add(noon.Add(10*time.Second), 50)
	if m.rate() != 1 {
		t.Errorf("rate %v, want 1 a second", m.rate())
	}
	// Half of the windows had 100 payouts, so 200 are expected and 150 are left.
	if left := m.left(half()); left != 150*time.Second {
		t.Errorf("left %s", left)
	}
	for _, change := range []func(p *workflows.Progress){
		func(p *workflows.Progress) { p.State = "paused" },
		func(p *workflows.Progress) { p.WindowsRun = 1 },
	} {
		p := half()
		change(p)
		if m.left(p) != 0 {
			t.Errorf("an estimate of %+v", p)
		}
	}
}

func TestTheFractionNeverLeavesItsBounds(t *testing.T) {
	for _, c := range []struct {
		p    workflows.Progress
		want float64
	}{
		{workflows.Progress{}, 0},
		{workflows.Progress{Windows: 1, WindowsRun: 1, Found: 4, Posted: 1}, 0.25},
		{workflows.Progress{Windows: 4, WindowsRun: 3}, 0.5}, // nothing was found, but months are done
		{workflows.Progress{Windows: 1, WindowsRun: 1, Found: 4, Posted: 4, Held: 4}, 1},
		{workflows.Progress{State: "done"}, 1},
	} {
		if got := fraction(&c.p); got != c.want {
			t.Errorf("%+v: %v, want %v", c.p, got, c.want)
		}
	}
}

func TestWithoutATerminalALineIsWrittenWhenSomethingChangedAndNotTooOften(t *testing.T) {
	var out bytes.Buffer
	at := noon
	l := &lines{out: &out, title: "Backfill", windows: "months", now: func() time.Time { return at }}
	p := half()
	step := func(d time.Duration, change func(), note string) {
		at = at.Add(d)
		change()
		l.Show(p, note)
	}
	step(0, func() {}, "")
	step(time.Second, func() { p.Posted++ }, "") // too soon
	step(time.Second, func() { p.State = "paused" }, "")
	step(10*time.Second, func() {}, "") // nothing has changed
	step(10*time.Second, func() { p.State = "running"; p.Posted++ }, "")
	step(time.Second, func() { p.Posted++ }, "")
	l.Done() // the last word is always there
	want := `Backfill: 100 found, 40 posted (2 adopted), 5 held, 5 skipped, 0 failed; 41203 rows; 6 of 12 months listed
Backfill: 100 found, 41 posted (2 adopted), 5 held, 5 skipped, 0 failed; 41203 rows; 6 of 12 months listed; paused
Backfill: 100 found, 42 posted (2 adopted), 5 held, 5 skipped, 0 failed; 41203 rows; 6 of 12 months listed
Backfill: 100 found, 43 posted (2 adopted), 5 held, 5 skipped, 0 failed; 41203 rows; 6 of 12 months listed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSpansReadAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 40 * time.Second: "40 s", 3*time.Minute + 10*time.Second: "3 min", time.Hour: "1 h",
		2*time.Hour + 5*time.Minute: "2 h 5 min", 80 * time.Hour: "3 days",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
