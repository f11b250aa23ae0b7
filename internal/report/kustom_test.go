package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/lang"
	"kvitt/internal/report"
)

// klarnas are names that stay Klarna's whoever pays out, and files and columns that
// people script against.
var klarnas = strings.NewReplacer("klarna_comment", "", "klarna/", "", "Klarna-Correlation-Id", "", "klarna_payouts", "")

func TestReportsOfAKustomConnectionNameKustom(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.takeBack(w.refs[0], "B900")
	w.current()
	w.Connection.Provider = "kustom"
	for _, l := range lang.Languages() {
		w.Language = l
		said := false
		for _, name := range report.Names() {
			made, err := w.Make(t.Context(), name, quarter)
			w.must(err)
			texts := []string{made.Title, made.About}
			for i := range made.Columns {
				texts = append(texts, made.Columns[i].Name)
			}
			for row, err := range made.Rows {
				w.must(err)
				for i := range row.Cells {
					texts = append(texts, row.Cells[i].Words)
				}
			}
			for i := range made.Charts {
				texts = append(texts, made.Charts[i].Title)
				for _, s := range made.Charts[i].Series {
					texts = append(texts, s.Name)
				}
			}
			for _, text := range append(texts, made.Notes()...) {
				said = said || strings.Contains(text, "Kustom")
				if strings.Contains(klarnas.Replace(text), "Klarna") {
					t.Errorf("%s, %s: %q", l, name, text)
				}
			}
			var csv bytes.Buffer
			w.must(made.CSV(&csv))
		}
		if !said {
			t.Errorf("%s: nothing says Kustom", l)
		}
	}
	w.Language = ""
	dir := w.unpacked()
	readme, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	w.must(err)
	if text := klarnas.Replace(string(readme)); strings.Contains(text, "Klarna") || !strings.Contains(text, "Kustom") {
		t.Errorf("README.txt of the pack speaks of Klarna:\n%s", readme)
	}
}
