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

func newSheet(to io.Writer) sheet { return sheet{csv.NewWriter(to)} }

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
var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// harmless puts an apostrophe in front of what a spreadsheet could take for a
// formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
