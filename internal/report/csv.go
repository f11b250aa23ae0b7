package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// CSV writes a report as comma-separated values in UTF-8, with a heading of the
// columns' keys. Amounts are decimals with a point. For Excel, it has semicolons,
// decimal commas and the columns' names. Words that a spreadsheet
// could take for a formula get an apostrophe in front.
func (r *Report) CSV(to io.Writer) error {
	w := newSheet(to, r.Excel)
	record := make([]string, len(r.Columns))
	for i := range r.Columns {
		if record[i] = r.Columns[i].Key; r.Excel {
			record[i] = r.Columns[i].Name
		}
	}
	if err := w.Write(record); err != nil {
		return r.failed("CSV", err)
	}
	for row, err := range r.Rows {
		if err != nil {
			return r.failed("CSV", err)
		}
		for i := range r.Columns {
			record[i] = ""
			if i < len(row.Cells) {
				record[i] = row.Cells[i].Decimal(r.Columns[i].Kind)
			}
			switch r.Columns[i].Kind {
			case Text:
				record[i] = harmless(record[i])
			case Money, Rate:
				commas(r.Excel, record[i:i+1])
			case Day, Count:
			}
		}
		if err := w.Write(record); err != nil {
			return r.failed("CSV", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return r.failed("CSV", err)
	}
	return nil
}

func (r *Report) failed(format string, err error) error {
	return fmt.Errorf("write the report %s as %s: %w", r.Name, format, err)
}

// JSON writes a report as one document, while its rows stream by. Amounts are
// minor units, rates hundredths of a percent, and what is not known is null.
func (r *Report) JSON(to io.Writer) error {
	if _, err := fmt.Fprintf(to, "{\n  \"report\": %s,\n  \"about\": %s,\n  \"rows\": [", quoted(r.Name), quoted(r.About)); err != nil {
		return r.failed("JSON", err)
	}
	comma := "\n    "
	for row, err := range r.Rows {
		if err != nil {
			return r.failed("JSON", err)
		}
		if _, err := io.WriteString(to, comma+r.object(row)); err != nil {
			return r.failed("JSON", err)
		}
		comma = ",\n    "
	}
	notes, err := json.Marshal(append([]string{}, r.notes()...))
	if err != nil {
		return r.failed("JSON", err)
	}
	if _, err := fmt.Fprintf(to, "\n  ],\n  \"notes\": %s\n}\n", notes); err != nil {
		return r.failed("JSON", err)
	}
	return nil
}

func (r *Report) object(row Row) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range r.Columns {
		cell := none
		if i < len(row.Cells) {
			cell = row.Cells[i]
		}
		fmt.Fprintf(&b, "%s: ", quoted(r.Columns[i].Key))
		switch kind := r.Columns[i].Kind; {
		case !cell.Known:
			b.WriteString("null")
		case kind == Text || kind == Day:
			b.WriteString(quoted(cell.Words))
		default:
			fmt.Fprintf(&b, "%d", cell.Number)
		}
		b.WriteString(", ")
	}
	fmt.Fprintf(&b, "\"total\": %t", row.Total)
	if row.Bad { // of the lines of completeness, disputes and loans
		b.WriteString(", \"bad\": true")
	}
	b.WriteString("}")
	return b.String()
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always marshals
	}
	return string(b)
}
