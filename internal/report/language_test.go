package report_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kvitt/internal/lang"
	"kvitt/internal/report"
)

// english are words that no Swedish or Norwegian sentence has.
var english = regexp.MustCompile(`(?i)\b(the|of|and|is|are|that|with|which|from|klarna's|not|payouts?|batch|days)\b`)

func TestReportsAreWhollyInTheLanguageOfWhoReads(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.takeBack(w.refs[0], "B900")
	w.current()
	for _, l := range lang.Languages()[1:] {
		for _, name := range report.Names() {
			w.Language = ""
			plain, err := w.Make(t.Context(), name, quarter)
			w.must(err)
			for range plain.Rows {
			}
			texts := append(plain.Notes(), plain.Title, plain.About)
			for i := range plain.Columns {
				texts = append(texts, plain.Columns[i].Name)
			}
			for _, text := range texts {
				text = strings.ReplaceAll(text, w.Connection.CompanyName+", ", "")
				if said, ok := l.Say(text); !ok {
					t.Errorf("%s, %s: there are no words for\n\t%s\n\t%s", name, l, text, said)
				}
			}
			w.Language = l
			made, err := w.Make(t.Context(), name, quarter)
			w.must(err)
			texts = append(texts[:0], made.Title)
			for row, err := range made.Rows {
				w.must(err)
				for i := range row.Cells {
					if row.Total || made.Columns[i].Key == "state" || made.Columns[i].Key == "verdict" {
						texts = append(texts, row.Cells[i].Words)
						if state, _, _ := strings.Cut(row.Cells[i].Words, ":"); made.Columns[i].Key == "state" && !row.Total && (strings.Contains(state, "_") || state == "verified" || state == "held") {
							t.Errorf("%s, %s: the state is %q", name, l, state)
						}
					}
				}
			}
			for i := range made.Charts {
				texts = append(texts, made.Charts[i].Title)
			}
			for _, text := range append(texts, made.Notes()...) {
				text = strings.ReplaceAll(text, "GET /payouts/summary", "")
				if found := english.FindString(text); found != "" {
					t.Errorf("%s, %s: %q is English in %q", name, l, found, text)
				}
			}
		}
	}
}

func TestAlarmsAreSeenInEveryLanguage(t *testing.T) {
	for _, l := range lang.Languages() {
		for _, note := range []string{
			"DIFFERS: account 1580 holds 5.00 SEK by Kvitt's vouchers of which no row here tells.", "2026-01: SEK: NOT COMPLETE. 3 of Klarna's figures differ.",
			"2026-01: NOT COMPARED: nobody has asked Klarna for these days, so nothing shows that the payouts are all there.",
			"2026-01: SEK: 1 of 2 payouts booked. Not booked, or not as Klarna paid: A1.",
		} {
			if said := l.In(note); !report.Alarming(said) {
				t.Errorf("%s: %q alarms nobody", l, said)
			}
		}
		if said := l.In("2026-01: SEK: complete. Count and sums of Klarna's summary are those of the payouts that Kvitt knows."); report.Alarming(said) {
			t.Errorf("%s: %q alarms", l, said)
		}
	}
}

func TestACSVForExcelOpensInColumns(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.Language, w.Excel = lang.Swedish, true
	dir := w.unpacked()
	for _, name := range []string{"register", "vouchers", "documents", "rules", "accruals"} {
		body, err := os.ReadFile(filepath.Join(dir, name+".csv"))
		w.must(err)
		text, marked := strings.CutPrefix(string(body), "\ufeff")
		head, rest, _ := strings.Cut(text, "\r\n")
		if !marked || !strings.Contains(head, ";") || strings.Contains(head, ",") {
			t.Errorf("%s begins %q", name, head)
		}
		if name == "register" || name == "vouchers" {
			if !regexp.MustCompile(`;-?\d+,\d\d(;|\r)`).MatchString(rest) || regexp.MustCompile(`;-?\d+\.\d\d(;|\r)`).MatchString(rest) {
				t.Errorf("%s has no decimal commas:\n%.400s", name, rest)
			}
		}
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	w.must(err)
	for line := range strings.Lines(string(readme)) {
		line = strings.ReplaceAll(line, w.Connection.CompanyName, "")
		if found := english.FindString(line); found != "" {
			t.Errorf("README.txt: %q is English in %q", found, line)
		}
	}
	if text := pdfOf(t, filepath.Join(dir, "register.pdf")); !strings.Contains(text, "sida 1 av 1") || !strings.Contains(text, "Utbetalningsregister") {
		t.Errorf("the register of a month is not on one page in Swedish:\n%s", text)
	}
}

func TestAWorkbookPrintsAsWideAsAPageAndFilters(t *testing.T) {
	w := newWorld(t, sqlite(t))
	made, err := w.Make(t.Context(), report.Register, quarter)
	w.must(err)
	var body bytes.Buffer
	w.must(made.XLSX(&body))
	z, err := zip.NewReader(bytes.NewReader(body.Bytes()), int64(body.Len()))
	w.must(err)
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		w.must(err)
		content, err := io.ReadAll(r)
		w.must(err)
		parts[f.Name] = string(content)
	}
	for part, want := range map[string][]string{
		"xl/workbook.xml":          {`_xlnm.Print_Area" localSheetId="0">'register'!$A$1:$L$`, `_xlnm.Print_Titles" localSheetId="0">'register'!$3:$3<`, `_xlnm._FilterDatabase`},
		"xl/worksheets/sheet1.xml": {`<autoFilter ref="A3:L`, `fitToWidth="1"`, `orientation="landscape"`},
	} {
		for _, words := range want {
			if !strings.Contains(parts[part], words) {
				t.Errorf("%s has no %s", part, words)
			}
		}
	}
}
