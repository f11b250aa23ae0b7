package report

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/lang"
	"kvitt/internal/settlement"
)

// Kind describes how the cells of a column are written and set.
type Kind int

// The kinds of columns.
const (
	Text  Kind = iota // words
	Day               // 2026-01-31
	Money             // decimals, to the right
	Count             // a whole number, to the right
	Rate              // percent with two decimals, to the right
)

// Column is a column of a report. Key names it for programs.
type Column struct {
	Key, Name string
	Kind      Kind
	Width     int // in a PDF, as a share of all
}

// Cell is one value. Which of its fields count depends on the column's kind.
type Cell struct {
	Words    string
	Number   int64 // minor units, a count, or hundredths of a percent
	Currency settlement.Currency
	Known    bool // a cell that is not known is left empty
}

func words(s string) Cell { return Cell{Words: s, Known: s != ""} }

func money(minor int64, c string) Cell {
	return Cell{Number: minor, Currency: settlement.Currency(c), Known: true}
}

func count(n int64) Cell { return Cell{Number: n, Known: true} }

// none is a cell that nobody knows the value of.
var none = Cell{}

// Decimal is the value as it is written everywhere: digits, a point, nothing
// between thousands.
func (c Cell) Decimal(k Kind) string {
	switch {
	case !c.Known:
		return ""
	case k == Money:
		return settlement.Format(c.Number, c.Currency)
	case k == Count:
		return strconv.FormatInt(c.Number, 10)
	case k == Rate:
		return settlement.Format(c.Number, "SEK") // two decimals
	default:
		return c.Words
	}
}

// Row is a line of a report.
type Row struct {
	Cells []Cell
	Total bool // a sum of lines above
	Bad   bool // does not agree: shown in red
}

// Report is a report in the making. Rows can be gone through once; Notes are
// known when they have been.
type Report struct {
	Name    string // register, clearing …: also the name of a file
	Title   string
	About   string // company, connection, days
	Columns []Column
	Rows    iter.Seq2[Row, error]
	Notes   func() []string
	Charts  []Chart

	Language lang.Language // in which its words are and a PDF writes its numbers
	Excel    bool          // CSV is for Excel as it is set up in Sweden and Norway

	zone *time.Location // the company's, in which the day is that it was made on; nil: UTC
}

func (r *Report) notes() []string {
	if r.Notes == nil {
		return nil
	}
	return r.Notes()
}

// Alarming tells whether a note says that something does not agree, in whichever
// language.
func Alarming(note string) bool {
	return slices.ContainsFunc(alarms, func(words string) bool { return strings.Contains(note, words) })
}

var alarms = func() []string {
	all := []string{"DIFFERS", "NOT COMPLETE", "NOT COMPARED", "Not booked, or not as"}
	for _, l := range lang.Languages() {
		for _, words := range []string{differs, "NOT COMPLETE", notAsked} {
			all = append(all, l.In(words))
		}
		wrong, _, _ := strings.Cut(l.In("Not booked, or not as Klarna paid: 1"), ":")
		all = append(all, wrong)
	}
	return all
}()

// fixed are rows that are there already.
func fixed(rows []Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}
