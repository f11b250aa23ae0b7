package report_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// unpacked is a month's pack after zip and sha256sum have looked at it.
func (w *world) unpacked() string {
	w.t.Helper()
	month, err := report.Month("2026-01")
	w.must(err)
	var body bytes.Buffer
	b := report.Zip(&body, w.Now)
	w.must(w.Pack(w.t.Context(), month, time.December, b))
	w.must(b.Close())
	dir := w.t.TempDir()
	z, err := zip.NewReader(bytes.NewReader(body.Bytes()), int64(body.Len()))
	w.must(err)
	for _, f := range z.File {
		r, err := f.Open()
		w.must(err)
		content, err := io.ReadAll(r)
		w.must(err)
		path := filepath.Join(dir, f.Name)
		w.must(os.MkdirAll(filepath.Dir(path), 0o700))
		w.must(os.WriteFile(path, content, 0o600))
	}
	check := exec.CommandContext(w.t.Context(), "sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		w.t.Errorf("sha256sum: %v\n%s", err, out)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	w.must(err)
	if n := strings.Count(string(sums), "\n"); n != len(z.File)-1 {
		w.t.Errorf("SHA256SUMS has %d files of %d", n, len(z.File)-1)
	}
	return dir
}

// The month's pack, opened by LibreOffice and poppler, which were not written
// here, says the same in all its formats, to the minor unit.
func TestTheMonthPackSaysTheSameInEveryFormat(t *testing.T) {
	w := newWorld(t, sqlite(t))
	dir := w.unpacked()
	var books []string
	for _, name := range report.Names() {
		books = append(books, filepath.Join(dir, name+".xlsx"))
	}
	converted := filepath.Join(dir, "converted")
	// 44: comma, 34: quote, 76: UTF-8; true at the end: numbers as they are stored.
	office := exec.CommandContext(t.Context(), "soffice", append([]string{
		"-env:UserInstallation=file://" + filepath.ToSlash(t.TempDir()), "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false", "--outdir", converted,
	}, books...)...)
	if out, err := office.CombinedOutput(); err != nil {
		t.Fatalf("run soffice (`make reporting-tools` installs it): %v\n%s", err, out)
	}
	for _, name := range report.Names() {
		ours := records(t, filepath.Join(dir, name+".csv"))
		theirs := records(t, filepath.Join(converted, name+".csv"))[3:] // title, about, heading
		text := strings.Join(strings.Fields(pdfOf(t, filepath.Join(dir, name+".pdf"))), " ")
		for i, record := range ours[1:] {
			if diff := cmp.Diff(plain(record), plain(theirs[i])); diff != "" {
				t.Errorf("%s, line %d (-csv +xlsx):\n%s", name, i+1, diff)
			}
			for column, cell := range record {
				if amount := strings.Contains(cell, ".") && !strings.ContainsAny(cell, " :/"); amount && !strings.Contains(text, cell) {
					t.Errorf("%s, line %d: %s %s is not in the PDF", name, i+1, ours[0][column], cell)
				}
			}
		}
		if (name == report.Register || name == report.Fees) && len(ours) < 5 {
			t.Errorf("%s has %d lines", name, len(ours))
		}
	}
	text := pdfOf(t, filepath.Join(dir, "register.pdf"))
	if !strings.Contains(text, "Garn & Sånt på Öland AB") || !strings.Contains(text, "Payouts and fees by month") {
		t.Errorf("the PDF lacks the company or the chart:\n%.600s", text)
	}
}

// plain makes two writings of a number alike: 1200.50 and 1200.5.
func plain(record []string) []string {
	all := make([]string, len(record))
	for i, cell := range record {
		if strings.Contains(cell, ".") && strings.Trim(cell, "-0123456789.") == "" {
			cell = strings.TrimSuffix(strings.TrimRight(cell, "0"), ".")
		}
		all[i] = cell
	}
	for len(all) > 0 && all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

func records(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func pdfOf(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return pdfToText(t, body)
}

func TestThePackHasVouchersKlarnasPDFsAndTheAuditTrail(t *testing.T) {
	w := newWorld(t, sqlite(t))
	dir := w.unpacked()
	var january []string
	for _, p := range w.shop.Payouts() {
		if p.Date.In(w.Zone).Month() == time.January {
			january = append(january, p.PaymentReference)
		}
	}
	for _, ref := range january {
		for _, name := range []string{"klarna/" + ref + "/pdf.00000.pdf", "klarna/" + ref + "/csv.00000.csv", "vouchers/" + ref + ".0.json"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	pdf, err := os.ReadFile(filepath.Join(dir, "klarna", january[0], "pdf.00000.pdf"))
	w.must(err)
	for body, err := range archive.Read(t.Context(), w.store, "c1", january[0], archive.KindPDF) {
		w.must(err)
		if !bytes.Equal(body, pdf) {
			t.Error("the PDF is not as it was received")
		}
	}
	debit, credit := map[string]string{}, 0
	for _, line := range records(t, filepath.Join(dir, "vouchers.csv"))[1:] {
		debit[line[0]] = line[11]
		credit++
	}
	if len(debit) != len(january) || credit < 3*len(january) {
		t.Errorf("vouchers.csv has %d vouchers and %d lines for %d payouts", len(debit), credit, len(january))
	}
	documents := records(t, filepath.Join(dir, "documents.csv"))
	for _, d := range documents[1:] {
		if d[8] != "2033-12-31" || d[9] != "SE" {
			t.Errorf("%s of January 2026 is to be kept until %s (%s), want 2033-12-31 (SE)", d[1], d[8], d[9])
		}
	}
	if len(documents) < 2*len(january) {
		t.Errorf("documents.csv has %d lines", len(documents))
	}
	audit, err := os.ReadFile(filepath.Join(dir, "audit.txt"))
	w.must(err)
	if !strings.Contains(string(audit), "Each hash was computed again") {
		t.Errorf("audit.txt: %s", audit)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	w.must(err)
	if !strings.Contains(string(readme), "NOT COMPLETE, or not compared") { // nobody can ask Klarna here
		t.Errorf("README.txt: %s", readme)
	}
	charts, err := filepath.Glob(filepath.Join(dir, "charts", "*.svg"))
	if err != nil || len(charts) < 2 {
		t.Errorf("%d charts %v", len(charts), err)
	}
}

// System documentation and processing history are accounting records (BFL 5:11):
// the rules in force with who, when and why, the program, and the head of the
// trail are in the pack of the month.
func TestThePackHoldsTheRulesInForceAndWhichKvittThisIs(t *testing.T) {
	w := newWorld(t, sqlite(t))
	asks(w)
	old, err := w.store.Profile(t.Context(), "c1", 1)
	w.must(err)
	changed := append([]byte("# the accountant wants it so\n"), old.Document...)
	_, err = w.store.ReviseProfile(t.Context(), "c1", store.Revision{Document: changed, Hash: "h2", Who: "bo@example.com", Reason: "=a fee moved"})
	w.must(err)
	dir := w.unpacked()
	rules := records(t, filepath.Join(dir, "rules.csv"))
	if len(rules) != 2 || rules[1][0] != "1" || rules[1][4] != "anna" || rules[1][6] == "" || rules[1][7] == "0" {
		t.Errorf("January was booked by version 1 alone: %v", rules)
	}
	body, err := os.ReadFile(filepath.Join(dir, "rules", "profile.1.yaml"))
	if err != nil || !bytes.Equal(body, old.Document) {
		t.Errorf("the rules are not as they stand: %v", err)
	}
	var program struct {
		Build struct{ Version, Commit, Go string }
		Seq   int64  `json:"audit_entries"`
		Hash  string `json:"audit_head"`
	}
	body, err = os.ReadFile(filepath.Join(dir, "kvitt.json"))
	w.must(err)
	w.must(json.Unmarshal(body, &program))
	seq, hash, err := w.store.AuditHead(t.Context())
	w.must(err)
	if program.Seq != seq || program.Hash != hash || program.Build.Version == "" || !strings.HasPrefix(program.Build.Go, "go1.") {
		t.Errorf("%+v, want the head %d %s", program, seq, hash)
	}
	if _, err := os.Stat(filepath.Join(dir, "klarna", "2026-01", "summary.00000.json")); err != nil {
		t.Error(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	w.must(err)
	if !strings.Contains(string(readme), "\nCOMPLETE: ") {
		t.Errorf("README.txt: %s", readme)
	}

	// In the month of the change both are there, with the reason.
	var now bytes.Buffer
	b := report.Zip(&now, w.Now)
	today := time.Now().In(w.Zone)
	month, err := report.Month(today.Format("2006-01"))
	w.must(err)
	w.must(w.Pack(t.Context(), month, time.December, b))
	w.must(b.Close())
	z, err := zip.NewReader(bytes.NewReader(now.Bytes()), int64(now.Len()))
	w.must(err)
	f, err := z.Open("rules.csv")
	w.must(err)
	all, err := csv.NewReader(f).ReadAll()
	w.must(err)
	if len(all) != 3 || all[2][4] != "bo@example.com" || all[2][5] != "'=a fee moved" || all[2][6] != "" {
		t.Errorf("%v", all)
	}
}

// Every archived byte and every record of the days is in an export.
func TestAnExportHasEverythingAsItWasReceived(t *testing.T) {
	w := newWorld(t, sqlite(t))
	dir := filepath.Join(t.TempDir(), "out")
	b := report.Folder(dir, false)
	large := strings.Repeat("SALE;10.00;SEK\n", 200_000)
	stand := func(state string) {
		w.must(w.store.UpdatePayout(t.Context(), "c1", w.refs[1], func(p *store.Payout) error { p.State = state; return nil }, nil))
	}
	stand("posted") // the documents of what is verified stay
	_, err := archive.KeepWhole(t.Context(), w.store, "c1", w.refs[1], archive.KindCSV, klarna.Answer{}, strings.NewReader(large))
	w.must(err)
	stand("verified")
	w.must(w.store.PutDocuments(t.Context(), []store.Document{{ // a process has died while it read another
		ConnectionID: "c1", PaymentReference: w.refs[2], Kind: archive.KindCSV + ".partial", SHA256: strings.Repeat("0", 64), Encoding: "identity", Body: []byte("half"), FetchedAt: first,
	}}))
	w.must(w.Export(t.Context(), quarter, time.December, b))
	w.must(b.Close())
	for _, line := range records(t, filepath.Join(dir, "documents.csv")) {
		if strings.Contains(line[1], "partial") {
			t.Errorf("half a document is listed: %v", line)
		}
	}
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	w.must(err)
	for _, ref := range w.refs {
		whole, err := archive.Measure(t.Context(), w.store, "c1", ref, archive.KindCSV)
		w.must(err)
		name := "documents/" + ref + "/csv.00000.csv"
		if whole.Parts == 0 || !strings.Contains(string(sums), whole.SHA256+"  "+name+"\n") {
			t.Errorf("%s is not the whole CSV of %d parts, %s", name, whole.Parts, whole.SHA256)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "documents", ref, "csv*")); len(files) != 1 {
			t.Errorf("the CSV is the files %v", files)
		}
	}
	for _, ref := range w.refs {
		documents, err := w.store.DocumentList(t.Context(), "c1", ref)
		w.must(err)
		for _, d := range documents {
			if strings.HasPrefix(d.Kind, archive.KindCSV) {
				continue // seen above
			}
			extension := map[string]string{archive.KindPDF: "pdf", archive.KindTransactions: "json"}[d.Kind]
			body, err := os.ReadFile(filepath.Join(dir, "documents", ref, fmt.Sprintf("%s.%05d.%s", d.Kind, d.Seq, extension)))
			w.must(err)
			if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != d.SHA256 {
				t.Errorf("%s %d of %s is not as it was received", d.Kind, d.Seq, ref)
			}
		}
	}
	payouts, err := os.ReadFile(filepath.Join(dir, "payouts.jsonl"))
	w.must(err)
	if n := strings.Count(string(payouts), "\n"); n != len(w.refs) {
		t.Errorf("%d payouts of %d", n, len(w.refs))
	}
	profile, err := os.ReadFile(filepath.Join(dir, "profiles", "1.yaml"))
	w.must(err)
	if !strings.Contains(string(profile), "se-bas") && !strings.Contains(string(profile), "Sweden (BAS)") {
		t.Error("the profile is not there")
	}
	// Writing into the same folder again loses nothing.
	if err := w.Export(t.Context(), quarter, time.December, report.Folder(dir, false)); !errors.Is(err, os.ErrExist) {
		t.Errorf("exporting over an export: %v", err)
	}
}

func TestHowLongADocumentHasToBeKept(t *testing.T) {
	day := time.Date(2026, time.March, 10, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		currency string
		yearEnd  time.Month
		books    bool
		want     string
	}{
		{"SEK", time.December, false, "2033-12-31"},
		{"SEK", time.June, false, "2033-12-31"},     // ends in June 2026
		{"SEK", time.February, false, "2034-12-31"}, // ends in February 2027
		{"SEK", time.December, true, "2033-12-31"},
		{"NOK", time.December, false, "2031-12-31"},
		{"NOK", time.June, false, "2031-06-30"},
		{"EUR", time.December, false, "2032-12-31"},
		{"EUR", time.June, false, "2032-12-31"},
		{"EUR", time.June, true, "2036-06-30"},
		{"DKK", time.December, true, "2031-12-31"},
		{"DKK", time.February, false, "2032-02-29"},
		{"GBP", time.December, false, "2036-12-31"}, // no rule: the longest
	} {
		rule, known := report.RetentionOf(c.currency)
		if got := rule.KeepUntil(day, c.yearEnd, c.books).Format(time.DateOnly); got != c.want || known == (c.currency == "GBP") {
			t.Errorf("%s, year ends in %s, books %t: %s, want %s", c.currency, c.yearEnd, c.books, got, c.want)
		}
	}
}

// What the accounting handbook says of the time to keep records is what the packs
// compute.
func TestTheHandbookSaysHowLongRecordsAreKept(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "accounting.md"))
	if err != nil {
		t.Fatal(err)
	}
	for country, base := range map[string]string{"SE": "SEK", "NO": "NOK", "FI": "EUR", "DK": "DKK"} {
		rule, known := report.RetentionOf(base)
		after := "after the financial year |"
		if rule.CalendarYear {
			after = "after the calendar year in which the financial year ended |"
		}
		if row := fmt.Sprintf("\n| %s | %d years %s %d years", country, rule.Received, after, rule.Books); !known || rule.Country != country || !strings.Contains(string(body), row) {
			t.Errorf("the handbook has no row %q", row)
		}
	}
}

func TestAmountsAreWrittenDigitByDigit(t *testing.T) {
	// 2^53+1 öre: a float has no such number.
	big := int64(9_007_199_254_740_993)
	made := func() *report.Report {
		rows := []report.Row{{Cells: []report.Cell{{Words: "=1+1", Known: true}, {Number: big, Currency: "SEK", Known: true}, {Number: -5, Currency: "SEK", Known: true}, {Number: 1234, Currency: "JPY", Known: true}}}}
		return &report.Report{
			Name: "x", Title: "Ä <&> Ø", Columns: []report.Column{{Key: "a", Name: "A", Width: 3}, {Key: "b", Name: "B", Kind: report.Money, Width: 3}, {Key: "c", Name: "C", Kind: report.Money, Width: 3}, {Key: "d", Name: "D", Kind: report.Money, Width: 3}},
			Rows: func(yield func(report.Row, error) bool) { yield(rows[0], nil) },
		}
	}
	var b bytes.Buffer
	if err := made().CSV(&b); err != nil || b.String() != "a,b,c,d\n'=1+1,90071992547409.93,-0.05,1234\n" {
		t.Errorf("CSV %q %v", b.String(), err)
	}
	b.Reset()
	if err := made().XLSX(&b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{`<c r="B4" s="1"><v>90071992547409.93</v></c>`, `<v>-0.05</v>`, `<c r="D4" s="2"><v>1234</v></c>`, `t="inlineStr"><is><t xml:space="preserve">=1+1</t>`} {
		if !strings.Contains(string(sheet), cell) {
			t.Errorf("the sheet has no %s: %s", cell, sheet)
		}
	}
	b.Reset()
	if err := made().JSON(&b); err != nil || !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"b": 9007199254740993`) {
		t.Errorf("JSON %s %v", b.String(), err)
	}
}

func TestAChartIsAPictureThatCanBeReadAndRunsNothing(t *testing.T) {
	for _, c := range []report.Chart{
		{Title: "Payouts", Currency: "SEK", Labels: []string{"2026-01", "2026-02"}, Series: []report.Series{{Name: "Paid & out", Values: []int64{85_900_12, -200_00}}, {Name: "Fees", Values: []int64{3_100_00, 0}}}},
		{Title: "Nothing", Currency: "JPY", Line: true, Labels: []string{"2026-01"}, Series: []report.Series{{Name: "Balance", Values: []int64{0}}}},
		{Title: "Huge", Currency: "SEK", Line: true, Labels: []string{"a", "b"}, Series: []report.Series{{Name: "Balance", Values: []int64{-4e18, 4e18}}}},
	} {
		svg := c.SVG()
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.Title, err)
			}
			if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "style" || e.Name.Local == "image") {
				t.Errorf("%s has a %s", c.Title, e.Name.Local)
			}
		}
		for i := range c.Series {
			if v := settlement.Format(c.Series[i].Values[0], c.Currency); !strings.Contains(svg, v) {
				t.Errorf("%s does not say %s to those who cannot see it", c.Title, v)
			}
		}
		if !strings.Contains(svg, `role="img"`) || strings.Contains(svg, "NaN") || len(svg) > 8<<10 {
			t.Errorf("%s", svg)
		}
	}
}
