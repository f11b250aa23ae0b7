package report

import (
	"io"
	"strings"
	"time"
)

// Formats are the formats of files that a report can be written in.
func Formats() []string { return []string{"csv", "xlsx", "pdf"} }

// Write writes a report in a format; made is the day that a PDF says it was
// made on.
func (r *Report) Write(to io.Writer, format string, made time.Time) error {
	switch format {
	case "csv":
		return r.CSV(to)
	case "xlsx":
		return r.XLSX(to)
	case "pdf":
		return r.PDF(to, made)
	}
	return &WantedError{Text: format, Wanted: "a format: " + strings.Join(Formats(), ", ")}
}
