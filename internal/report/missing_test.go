package report_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/internal/lang"
	"kvitt/internal/report"
)

// A document that is gone, and one that is there no more as it was, are named
// by the export and by the month's pack; both say what helps.
func TestAnExportNamesWhatIsMissing(t *testing.T) {
	url := sqlite(t)
	w := newWorld(t, url)
	raw, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	w.must(err)
	defer func() { _ = raw.Close() }()
	damage := func(statement string) {
		t.Helper()
		_, err := raw.ExecContext(t.Context(), statement)
		w.must(err)
	}
	damage("DROP TRIGGER documents_of_verified_payouts_stay") // somebody who may write to the database
	january := w.refs[0]
	at, err := w.store.Payout(t.Context(), "c1", january)
	w.must(err)
	month, err := report.Month(at.Date.In(w.Zone).Format("2006-01"))
	w.must(err)
	makers := map[string]func(*report.Bundle) error{
		"export": func(b *report.Bundle) error { return w.Export(t.Context(), month, time.December, b) },
		"pack":   func(b *report.Bundle) error { return w.Pack(t.Context(), month, time.December, b) },
	}
	missing := func(name string) (kinds []string, readme string) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), name)
		b := report.Folder(dir, false)
		w.must(makers[name](b))
		w.must(b.Close())
		for _, m := range b.Missing() {
			if m.PaymentReference != january || !strings.Contains(m.Words, january) {
				t.Errorf("%+v", m)
			}
			kinds = append(kinds, m.Kind)
		}
		text, err := os.ReadFile(filepath.Join(dir, "README.txt"))
		w.must(err)
		return kinds, string(text)
	}
	want := []string{}
	check := func() {
		t.Helper()
		for name := range makers {
			kinds, readme := missing(name)
			slices.Sort(kinds)
			if !slices.Equal(kinds, want) || (len(want) > 0) != strings.Contains(readme, report.RestoreHelps) {
				t.Errorf("%s: %v is missing, want %v\n%s", name, kinds, want, readme)
			}
		}
	}
	check()
	for _, c := range []struct{ kind, statement string }{
		{"pdf", "DELETE FROM documents WHERE kind = 'pdf'"},
		{"csv", "DELETE FROM documents WHERE kind = 'csv' AND seq = 0"},
		{"payout", "DELETE FROM documents WHERE kind = 'payout'"},
		{"transactions", "DELETE FROM documents WHERE kind = 'transactions'"},
	} {
		damage(c.statement + " AND payment_reference = '" + january + "'")
		want = append(want, c.kind)
		slices.Sort(want)
		check()
	}
	w.Language = lang.Swedish
	if _, readme := missing("pack"); !strings.Contains(readme, "INTE KOMPLETT") || strings.Contains(readme, "not archived") || strings.Contains(readme, "missing") {
		t.Errorf("it is to be Swedish: %s", readme)
	}
	w.Language = lang.English
	damage("DELETE FROM documents WHERE kind = 'proof' AND payment_reference = '" + january + "'")
	want = []string{"payout", "proof", "transactions"} // nothing names the reports any more
	check()
}
