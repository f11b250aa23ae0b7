// Package table writes plain tables for people: columns aligned by the number
// of characters, numbers to the right, two spaces between, no lines of dashes.
//
// It must never decide what is shown, and never paint where its caller did not
// ask for paint: what goes to a file or a pipe is plain text.
package table

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

const gap = "  "

// Column is a column with its heading.
type Column struct {
	Name     string
	right    bool
	optional bool
}

// Left is a column of words.
func Left(name string) Column { return Column{Name: name} }

// Right is a column of numbers.
func Right(name string) Column { return Column{Name: name, right: true} }

// Optional is a column of words that is left out while it is empty.
func Optional(name string) Column { return Column{Name: name, optional: true} }

// Paint colours a finished cell. The text it gets is what will be seen, and
// what it adds must have no width.
type Paint func(column int, text string) string

// Table is a table in the making. Its zero value has no columns.
type Table struct {
	Paint   Paint // nil: plain
	Width   int   // of the terminal, into which it is made to fit; 0: that of what it is written to
	columns []Column
	rows    [][]string // nil is a blank line, one cell a heading
}

// New makes a table.
func New(columns ...Column) *Table { return &Table{columns: columns} }

// Add adds a row; cells that are missing at its end are empty.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = oneLine(cells[i])
		}
	}
	t.rows = append(t.rows, row)
}

// Blank adds an empty line, such as before totals.
func (t *Table) Blank() { t.rows = append(t.rows, nil) }

// Heading adds a line that no column shapes.
func (t *Table) Heading(words string) { t.rows = append(t.rows, []string{words}) }

// Rows is the number of lines below the heading.
func (t *Table) Rows() int { return len(t.rows) }

// Write writes the table with its heading, which is left out when no column
// has a name. No line ends in a space. To a terminal that is too narrow, columns
// of words are broken over lines, and where that is not enough each row becomes
// a list.
func (t *Table) Write(w io.Writer) error {
	t = t.lean()
	if t.Width == 0 {
		t.Width = Columns(w)
	}
	widths := t.widths()
	var b strings.Builder
	if t.Width > 0 && total(widths) > t.Width && !t.fit(widths) {
		t.records(&b)
	} else {
		t.grid(&b, widths)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) grid(b *strings.Builder, widths []int) {
	if t.headed() {
		names := make([]string, len(t.columns))
		for i, c := range t.columns {
			names[i] = strings.ToUpper(c.Name)
		}
		t.folded(b, names, widths, nil)
	}
	for _, row := range t.rows {
		switch {
		case row == nil:
			b.WriteByte('\n')
		case len(row) == 1 && len(t.columns) > 1:
			b.WriteString(heading(row[0], t.Width) + "\n")
		default:
			t.folded(b, row, widths, t.Paint)
		}
	}
}

func heading(words string, columns int) string {
	if utf8.RuneCountInString(words) <= columns {
		return words
	}
	return Fold(words, columns, 2)
}

// lean is the table without its optional columns that are empty. Paint goes on
// to get the number that a column was made with.
func (t *Table) lean() *Table {
	var keep []int
	for i, c := range t.columns {
		if !c.optional || slices.ContainsFunc(t.rows, func(row []string) bool { return len(row) == len(t.columns) && row[i] != "" }) {
			keep = append(keep, i)
		}
	}
	if len(keep) == len(t.columns) {
		return t
	}
	lean := &Table{Width: t.Width}
	if t.Paint != nil {
		lean.Paint = func(column int, text string) string { return t.Paint(keep[column], text) }
	}
	for _, i := range keep {
		lean.columns = append(lean.columns, t.columns[i])
	}
	for _, row := range t.rows {
		if len(row) == len(t.columns) {
			kept := make([]string, len(keep))
			for to, from := range keep {
				kept[to] = row[from]
			}
			row = kept
		}
		lean.rows = append(lean.rows, row)
	}
	return lean
}

func (t *Table) headed() bool {
	for _, c := range t.columns {
		if c.Name != "" {
			return true
		}
	}
	return false
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = utf8.RuneCountInString(c.Name)
	}
	for _, row := range t.rows {
		if len(row) != len(t.columns) {
			continue
		}
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func (t *Table) line(b *strings.Builder, row []string, widths []int, paint Paint) {
	last := len(row) - 1
	for last >= 0 && row[last] == "" {
		last--
	}
	for i := 0; i <= last; i++ {
		if i > 0 {
			b.WriteString(gap)
		}
		cell, room := row[i], strings.Repeat(" ", widths[i]-utf8.RuneCountInString(row[i]))
		shown := cell
		if paint != nil && cell != "" {
			shown = paint(i, cell)
		}
		switch {
		case t.columns[i].right:
			b.WriteString(room + shown)
		case i == last:
			b.WriteString(shown)
		default:
			b.WriteString(shown + room)
		}
	}
	b.WriteByte('\n')
}

// oneLine keeps a cell from breaking its row.
func oneLine(cell string) string {
	if !strings.ContainsAny(cell, "\n\r\t") {
		return cell
	}
	return strings.Join(strings.Fields(cell), " ")
}
