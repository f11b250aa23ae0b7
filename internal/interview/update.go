package interview

import (
	"strings"

	"kvitt/internal/voucher"
)

// Revision is a document with other answers.
type Revision struct {
	Document []byte
	// ByHand are the lines in which the document before differed from what its
	// answers had made: added ones and removed ones. They are kept.
	ByHand []voucher.TextLine
	// Replaced are places where both a hand and an answer had changed the same
	// lines. The answer holds; nobody loses a line without being told.
	Replaced []Replaced
	// Unrelated says that the interview has not made the document before, and
	// that it is no preset either: the new one takes its place as a whole.
	Unrelated bool
}

// Replaced is a change by hand that an answer took the place of.
type Replaced struct {
	Hand   string `json:"hand"`
	Answer string `json:"answer"`
}

// Update puts other answers into a document and keeps what else was changed in
// it. The error is an *AnswerError, or a *voucher.ProfileError when the document that
// comes out cannot be read.
func Update(document []byte, answers Answers) (*Revision, error) {
	made, err := Document(answers)
	if err != nil {
		return nil, err
	}
	out := &Revision{}
	base, ok := origin(document)
	if !ok {
		out.Document, out.Unrelated = made, len(document) > 0
		_, err := voucher.ParseProfile(made)
		return out, err
	}
	for _, line := range voucher.CompareText(string(base), string(document)) {
		if line.Change != voucher.Same {
			out.ByHand = append(out.ByHand, line)
		}
	}
	var merged string
	merged, out.Replaced = merge(string(base), string(document), string(made))
	out.Document = []byte(merged)
	_, err = voucher.ParseProfile(out.Document)
	return out, err
}

// origin returns what a document was before anybody changed it by hand: what its
// answers make, or the preset that it began with.
func origin(document []byte) ([]byte, bool) {
	if a := Read(document); a != nil {
		base, err := Document(a)
		return base, err == nil
	}
	for _, name := range voucher.Presets() {
		preset, err := voucher.Preset(name)
		if err == nil && similar(string(preset), string(document)) {
			return preset, true
		}
	}
	return nil, false
}

// similar tells that a document began as another one: most of its lines are in it.
func similar(original, document string) bool {
	same, all := 0, 0
	for _, line := range voucher.CompareText(original, document) {
		if line.Change != voucher.Added {
			all++
		}
		if line.Change == voucher.Same {
			same++
		}
	}
	return same*10 >= all*8
}

// hunk is a change of a document: lines from..to of it give way to others.
type hunk struct {
	from, to int
	lines    []string
}

func hunks(base, changed string) []hunk {
	var out []hunk
	at := 0
	var open *hunk
	for _, line := range voucher.CompareText(base, changed) {
		if line.Change == voucher.Same {
			if open != nil {
				out = append(out, *open)
				open = nil
			}
			at++
			continue
		}
		if open == nil {
			open = &hunk{from: at, to: at}
		}
		if line.Change == voucher.Removed {
			at++
			open.to = at
		} else {
			open.lines = append(open.lines, line.Text)
		}
	}
	if open != nil {
		out = append(out, *open)
	}
	return out
}

// merge makes both changes of a document. Where they meet, the second holds, and
// what the first had there is told.
func merge(base, hand, made string) (string, []Replaced) {
	lines := strings.Split(strings.TrimSuffix(base, "\n"), "\n")
	a, b := hunks(base, hand), hunks(base, made)
	var out []string
	var replaced []Replaced
	at := 0
	take := func(h hunk) {
		out = append(append(out, lines[at:h.from]...), h.lines...)
		at = h.to
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].before(b[0]):
			take(a[0])
			a = a[1:]
		case len(a) == 0 || b[0].before(a[0]):
			take(b[0])
			b = b[1:]
		default:
			x, y := a[0], b[0]
			a, b = a[1:], b[1:]
			for grown := true; grown; { // what reaches into either of them belongs to it
				grown = false
				if len(a) > 0 && a[0].from < y.to {
					x, a, grown = x.and(a[0], lines), a[1:], true
				}
				if len(b) > 0 && b[0].from < x.to {
					y, b, grown = y.and(b[0], lines), b[1:], true
				}
			}
			from, to := min(x.from, y.from), max(x.to, y.to)
			mine, theirs := x.over(from, to, lines), y.over(from, to, lines)
			if strings.Join(mine, "\n") != strings.Join(theirs, "\n") {
				replaced = append(replaced, Replaced{strings.Join(mine, "\n"), strings.Join(theirs, "\n")})
			}
			take(hunk{from, to, theirs})
		}
	}
	out = append(out, lines[at:]...)
	return strings.Join(out, "\n") + "\n", replaced
}

// before tells that a hunk ends where another begins, or earlier, and touches
// none of its lines. Two that put lines in at the same place meet.
func (h hunk) before(other hunk) bool {
	return h.to < other.from || h.to == other.from && (h.from < h.to || other.from < other.to)
}

// and is two hunks of the same document as one.
func (h hunk) and(next hunk, lines []string) hunk {
	between := append(append([]string{}, h.lines...), lines[h.to:next.from]...)
	return hunk{h.from, next.to, append(between, next.lines...)}
}

// over returns what a range of lines becomes by the hunk within it.
func (h hunk) over(from, to int, lines []string) []string {
	out := append([]string{}, lines[from:h.from]...)
	return append(append(out, h.lines...), lines[h.to:to]...)
}
