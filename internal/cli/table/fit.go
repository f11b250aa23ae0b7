package table

import (
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// least is the room that a column of words gets at least. Numbers are never
// broken, and neither is the first column while it leaves half of the line: it
// holds what people copy.
const least = 8

// Columns returns the width of a terminal, 0 when w is none: what goes to a file or a
// pipe keeps one line for each row, however long.
func Columns(w io.Writer) int {
	switch t := w.(type) {
	case interface{ Columns() int }:
		return t.Columns()
	case *os.File:
		if columns, _, err := term.GetSize(int(t.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// fit narrows columns of words until the table is as wide as the terminal. It
// reports false when it cannot be.
func (t *Table) fit(widths []int) bool {
	floor := make([]int, len(widths))
	for i, c := range t.columns {
		floor[i] = least
		if c.right || i == 0 && widths[i] <= t.Width/2 {
			floor[i] = t.widest(i)
		}
		for word := range strings.FieldsSeq(c.Name) {
			floor[i] = max(floor[i], utf8.RuneCountInString(word))
		}
		if c.right {
			widths[i] = floor[i] // their headings are broken first
		}
	}
	for total(widths) > t.Width {
		at := -1
		for i := range widths {
			if widths[i] > floor[i] && (at < 0 || widths[i] >= widths[at]) {
				at = i
			}
		}
		if at < 0 {
			return false
		}
		widths[at]--
	}
	return true
}

// widest is the width of the longest cell of a column.
func (t *Table) widest(column int) (widest int) {
	for _, row := range t.rows {
		if len(row) == len(t.columns) {
			widest = max(widest, utf8.RuneCountInString(row[column]))
		}
	}
	return widest
}

func total(widths []int) int {
	sum := len(gap) * (len(widths) - 1)
	for _, n := range widths {
		sum += n
	}
	return sum
}

// folded writes a row over as many lines as its highest cell needs.
func (t *Table) folded(b *strings.Builder, row []string, widths []int, paint Paint) {
	parts := make([][]string, len(row))
	height := 0
	for i, cell := range row {
		parts[i] = broken(cell, widths[i])
		height = max(height, len(parts[i]))
	}
	for n := range height {
		line := make([]string, len(row))
		for i := range row {
			if n < len(parts[i]) {
				line[i] = parts[i][n]
			}
		}
		var whole Paint
		if paint != nil { // by the whole cell, whose words decide on the colour
			whole = func(column int, text string) string {
				return strings.Replace(paint(column, row[column]), row[column], text, 1)
			}
		}
		t.line(b, line, widths, whole)
	}
}

// records writes each row as lines of a name and a value: what is left when a
// terminal is too narrow for the columns.
func (t *Table) records(b *strings.Builder) {
	names := 0
	for _, c := range t.columns {
		names = max(names, utf8.RuneCountInString(c.Name))
	}
	for i, row := range t.rows {
		if len(row) != len(t.columns) {
			b.WriteString(strings.Join(broken(strings.Join(row, ""), t.Width), "\n") + "\n")
			continue
		}
		if i > 0 && len(t.rows[i-1]) == len(t.columns) && t.headed() {
			b.WriteByte('\n')
		}
		for j, cell := range row {
			if cell == "" {
				continue
			}
			name := t.columns[j].Name
			room := strings.Repeat(" ", names-utf8.RuneCountInString(name))
			indent := ""
			if names > 0 {
				b.WriteString(strings.ToUpper(name) + room + gap)
				indent = strings.Repeat(" ", names+len(gap))
			}
			shown := strings.Join(broken(cell, max(least, t.Width-len(indent))), "\n"+indent)
			if t.Paint != nil && !strings.Contains(shown, "\n") {
				shown = t.Paint(j, shown)
			}
			b.WriteString(shown + "\n")
		}
	}
}

// broken breaks a cell into lines of at most so many columns, between words
// where it can.
func broken(cell string, room int) []string {
	if utf8.RuneCountInString(cell) <= room {
		return []string{cell}
	}
	var lines []string
	line := ""
	for _, piece := range pieces(cell, room) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(piece) <= room {
			line += " " + piece
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for utf8.RuneCountInString(piece) > room {
			head, tail := split(piece, room)
			lines, piece = append(lines, head), tail
		}
		line = piece
	}
	return append(lines, line)
}

// split cuts a word that is too long, behind a sign that joins it if there is one.
func split(word string, room int) (head, tail string) {
	runes := []rune(word)
	for at := room; at > room/2; at-- {
		if slices.Contains([]rune("/_-.,:"), runes[at-1]) {
			return string(runes[:at]), string(runes[at:])
		}
	}
	return string(runes[:room]), string(runes[room:])
}

// Wrap is Fold that also breaks words which are longer than a line.
func Wrap(words string, columns, indent int) string {
	if columns-indent < narrowest || utf8.RuneCountInString(words) <= columns {
		return words
	}
	return strings.Join(broken(words, columns-indent), "\n"+strings.Repeat(" ", indent))
}
