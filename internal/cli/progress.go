package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/workflows"
)

// view shows how far a sync has come.
type view interface {
	// Show shows a progress, and a note when something is in the way.
	Show(p *workflows.Progress, note string)
	// Done leaves the last word on the screen.
	Done()
}

func (a *app) newView(title string, windows string) view {
	if isTerminal(a.Err) {
		return &bar{out: a.Err, title: title, windows: windows, paint: a.aside, now: a.now, width: func() int { return width(a.Err) }}
	}
	return &lines{out: a.Err, title: title, windows: windows, now: a.now}
}

// settled returns how many payouts are through, one way or another.
func settled(p *workflows.Progress) int { return p.Posted + p.Held + p.Skipped + p.Failed }

// expected is the number of payouts there will be: what was found once everything
// is listed, and before that as many more as the windows that are left suggest.
func expected(p *workflows.Progress) int {
	if p.WindowsRun == 0 || p.WindowsRun >= p.Windows {
		return p.Found
	}
	return p.Found * p.Windows / p.WindowsRun
}

// fraction returns how much is done, from 0 to 1. A dry run settles nothing, so its
// windows are what can be counted.
func fraction(p *workflows.Progress) float64 {
	if p.State == "done" {
		return 1
	}
	var f float64
	if n := expected(p); n > 0 {
		f = float64(settled(p)) / float64(n)
	}
	if p.Windows > 0 {
		f = max(f, float64(p.WindowsRun-1)/float64(p.Windows))
	}
	return min(max(f, 0), 1)
}

// counts is the progress in words.
func counts(p *workflows.Progress) string {
	words := fmt.Sprintf("%d found, %d posted", p.Found, p.Posted)
	if p.Adopted > 0 {
		words += fmt.Sprintf(" (%d adopted)", p.Adopted)
	}
	return words + fmt.Sprintf(", %d held, %d skipped, %d failed", p.Held, p.Skipped, p.Failed)
}

// sums are the amounts by currency, in the order of their codes.
func sums(amounts map[string]int64) string {
	var words []string
	for _, c := range slices.Sorted(maps.Keys(amounts)) {
		words = append(words, money(amounts[c], c)+" "+c)
	}
	return strings.Join(words, ", ")
}

// listed returns how many of several windows are listed.
func listed(p *workflows.Progress, windows string) string {
	if p.Windows < 2 {
		return ""
	}
	return fmt.Sprintf("%d of %d %s listed", p.WindowsRun, p.Windows, windows)
}

// hurdle returns what keeps a sync from going on by itself.
func hurdle(p *workflows.Progress, note string) string {
	switch {
	case note != "":
		return note
	case p.State == "paused":
		return "paused"
	case p.State == "finishing":
		return "stopping: what is under way is finished first"
	case p.State == "waiting" && p.Words != "":
		return p.Words
	case p.State == "waiting":
		return "waits for a credential"
	default:
		return ""
	}
}

// meter measures how fast payouts settle, over the last while.
type meter struct {
	samples []sample
}

type sample struct {
	at   time.Time
	done int
}

const meterSpan = 30 * time.Second

func (m *meter) add(at time.Time, done int) {
	m.samples = append(m.samples, sample{at, done})
	for len(m.samples) > 2 && at.Sub(m.samples[0].at) > meterSpan {
		m.samples = m.samples[1:]
	}
}

// rate is payouts a second, 0 while it is not known.
func (m *meter) rate() float64 {
	if len(m.samples) < 2 {
		return 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	if past := last.at.Sub(first.at); past >= 3*time.Second && last.done > first.done {
		return float64(last.done-first.done) / past.Seconds()
	}
	return 0
}

// left returns how long it will take, 0 while that is not known: that it runs, that
// enough is listed, and that there is a rate.
func (m *meter) left(p *workflows.Progress) time.Duration {
	rate := m.rate()
	if rate == 0 || p.State != "running" || p.WindowsRun < 2 && p.WindowsRun < p.Windows {
		return 0
	}
	return time.Duration(float64(expected(p)-settled(p)) / rate * float64(time.Second))
}

// bar draws a few lines on a terminal, again and again in the same place.
type bar struct {
	out     io.Writer
	title   string
	windows string // what a window is: "months"
	paint   painter
	now     func() time.Time
	width   func() int
	meter   meter
	drawn   int // lines
}

func (b *bar) Show(p *workflows.Progress, note string) {
	b.meter.add(b.now(), settled(p))
	columns := b.width()
	if columns < 20 {
		columns = 80
	}
	var frame strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&frame, "\x1b[%dA\x1b[J", b.drawn)
	}
	all := b.frame(p, note, columns-1)
	for _, line := range all {
		frame.WriteString(line + "\n")
	}
	b.drawn = len(all)
	fmt.Fprint(b.out, frame.String())
}

// Done leaves what was drawn last.
func (b *bar) Done() { b.drawn = 0 }

// frame returns what to draw: at most so many columns wide, or the terminal would
// break the lines and the next frame would start in the wrong place.
func (b *bar) frame(p *workflows.Progress, note string, columns int) []string {
	const cells = 30
	full := int(fraction(p) * cells)
	strip := strings.Repeat("█", full) + strings.Repeat("░", cells-full)
	speed := []string{fmt.Sprintf("%3d %%", int(fraction(p)*100))}
	if rate := b.meter.rate(); rate > 0 && p.State == "running" {
		speed = append(speed, fmt.Sprintf("%.1f payouts/s", rate))
	}
	if left := b.meter.left(p); left > 0 {
		speed = append(speed, "about "+span(left)+" left")
	}
	head := b.title
	if words := listed(p, b.windows); words != "" && p.State != "done" {
		head += " · " + words
	}
	size := counted(p.Rows, "row")
	if len(p.Amounts) > 0 {
		size += " · " + sums(p.Amounts)
	}
	lines := []string{
		cut(head, columns),
		cut(fmt.Sprintf("  %s  %s", strip, strings.Join(speed, " · ")), columns),
		cut("  "+counts(p), columns),
		cut("  "+size, columns),
	}
	switch words := hurdle(p, note); {
	case words != "":
		for i, line := range strings.Split(table.Fold(words, columns, 2), "\n") {
			if i == mostHurdle {
				break
			}
			lines = append(lines, "  "+b.paint.warn(cut(strings.TrimSpace(line), columns-2)))
		}
	case len(p.Running) > 0:
		lines = append(lines, b.paint.faint(cut("  now "+operate.Some(p.Running, 4), columns)))
	case p.Words != "":
		lines = append(lines, b.paint.faint(cut("  "+p.Words, columns)))
	}
	return lines
}

// mostHurdle is the number of lines a hurdle may take.
const mostHurdle = 5

// cut shortens a line to so many characters.
func cut(line string, columns int) string {
	if utf8.RuneCountInString(line) <= columns || columns < 1 {
		return line
	}
	return string([]rune(line)[:columns-1]) + "…"
}

// lines writes a plain line when something has changed, and not too often.
type lines struct {
	out     io.Writer
	title   string
	windows string
	now     func() time.Time
	last    string
	kept    string // what was not written yet
	at      time.Time
	state   string
}

const lineEvery = 5 * time.Second

func (l *lines) Show(p *workflows.Progress, note string) {
	words := counts(p) + "; " + counted(p.Rows, "row")
	if more := listed(p, l.windows); more != "" {
		words += "; " + more
	}
	if why := hurdle(p, note); why != "" {
		words += "; " + why
	}
	l.kept = words
	if now := l.now(); words != l.last && (now.Sub(l.at) >= lineEvery || p.State+note != l.state) {
		l.at, l.state = now, p.State+note
		l.write()
	}
}

func (l *lines) write() {
	fmt.Fprintf(l.out, "%s: %s\n", l.title, l.kept)
	l.last = l.kept
}

// Done writes what changed since the last line.
func (l *lines) Done() {
	if l.kept != l.last {
		l.write()
	}
}
