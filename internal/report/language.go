package report

import (
	"slices"

	"kvitt/internal/lang"
)

// spoken are the columns of words that are Kvitt's own. Those of others hold what
// came from Klarna and Visma.net, and stay as they are.
var spoken = map[string]bool{"state": true, "figure": true, "verdict": true, "kind": true, "age": true, "detail": true, "reference": true, "shown": true}

// speak has a report say everything of its own in a language. Amounts are digits
// until they are written.
func (r *Report) speak(l lang.Language) {
	if r.Language = l; lang.Of(string(l)) == lang.English {
		return
	}
	r.Title, r.About = l.In(r.Title), l.In(r.About)
	for i := range r.Columns {
		r.Columns[i].Name = l.In(r.Columns[i].Name)
	}
	for i := range r.Charts {
		c := &r.Charts[i]
		c.Title, c.Language = l.In(c.Title), l
		for s := range c.Series {
			c.Series[s].Name = l.In(c.Series[s].Name)
		}
	}
	rows, notes, known := r.Rows, r.Notes, map[string]string{}
	said := func(text string) string {
		if _, ok := known[text]; !ok {
			if len(known) > mostRemembered {
				clear(known)
			}
			known[text] = l.In(text)
		}
		return known[text]
	}
	r.Rows = func(yield func(Row, error) bool) {
		for row, err := range rows {
			for i := range row.Cells {
				c, column := &row.Cells[i], &r.Columns[i]
				if column.Kind <= Day && c.Known && (row.Total || spoken[column.Key]) {
					c.Words = said(c.Words)
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
	r.Notes = func() []string {
		var all []string
		for _, note := range notes() {
			all = append(all, l.In(note))
		}
		return all
	}
}

// named are the columns whose words, Kvitt's own, may speak of Klarna. The others
// hold what Klarna sent, or a sentence that was named when it was kept.
var named = map[string]bool{"state": true, "figure": true, "verdict": true, "kind": true}

// name has a report speak of who pays out where its own words say Klarna.
func (r *Report) name(says func(string) string) {
	r.Title = says(r.Title)
	for i := range r.Columns {
		r.Columns[i].Name = says(r.Columns[i].Name)
	}
	for i := range r.Charts {
		c := &r.Charts[i]
		c.Title = says(c.Title)
		for s := range c.Series {
			c.Series[s].Name = says(c.Series[s].Name)
		}
	}
	rows, notes := r.Rows, r.Notes
	r.Rows = func(yield func(Row, error) bool) {
		for row, err := range rows {
			for i := range row.Cells {
				c, column := &row.Cells[i], &r.Columns[i]
				if column.Kind <= Day && c.Known && (row.Total || named[column.Key]) {
					c.Words = says(c.Words)
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
	r.Notes = func() []string {
		all := slices.Clone(notes())
		for i := range all {
			all[i] = says(all[i])
		}
		return all
	}
}

// mostRemembered is the number of cells that are remembered so as not to be looked up again.
const mostRemembered = 1000

// decimal is a cell as its reader's language writes it; English stays as programs
// read it.
func (r *Report) decimal(c Cell, k Kind) string {
	text := c.Decimal(k)
	if lang.Of(string(r.Language)) == lang.English || k != Money && k != Count && k != Rate {
		return text
	}
	return r.Language.Decimal(text)
}
