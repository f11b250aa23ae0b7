package report

import (
	"encoding/csv"
	"io"
	"regexp"
	"strings"
)

// sheet writes comma-separated values that a spreadsheet opens: whatever a cell
// holds, it is no formula. Every CSV file of this package is one.
type sheet struct{ *csv.Writer }

// byteOrderMark tells Excel that a CSV is UTF-8.
const byteOrderMark = "\ufeff"

// newSheet writes commas as programs read them, or, for Excel as it is set up in
// Sweden and Norway, semicolons after a mark at the beginning.
func newSheet(to io.Writer, excel bool) sheet {
	w := csv.NewWriter(to)
	if excel {
		_, _ = io.WriteString(to, byteOrderMark) // a writer that fails does so again below
		w.Comma, w.UseCRLF = ';', true
	}
	return sheet{w}
}

func (s sheet) Write(record []string) error {
	safe := make([]string, len(record))
	for i, cell := range record {
		safe[i] = cell
		if !number.MatchString(cell) {
			safe[i] = harmless(cell)
		}
	}
	return s.Writer.Write(safe)
}

// number is an amount as it is written; spreadsheets take it for nothing else.
var number = regexp.MustCompile(`^-?[0-9]+([.,][0-9]+)?$`)

// harmless puts an apostrophe in front of what a spreadsheet could take for a
// formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

var figure = regexp.MustCompile(`^-?\d+\.\d+$`)

// commas writes the decimals of a line with a comma, where it is for Excel.
func commas(excel bool, record []string) []string {
	for i := range record {
		if excel && figure.MatchString(record[i]) {
			record[i] = strings.Replace(record[i], ".", ",", 1)
		}
	}
	return record
}
