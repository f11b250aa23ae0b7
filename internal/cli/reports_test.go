package cli

import (
	"archive/zip"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/report"
)

func reportsDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	return d
}

var firstQuarter = []string{"--from", "2026-01-01", "--to", "2026-03-31"}

func TestReportsAreTablesForPeopleAndDocumentsForPrograms(t *testing.T) {
	d := reportsDesk(t)
	for _, name := range report.Names() {
		args, status := []string{"report", name, "shop-1"}, ExitDone
		switch name {
		case report.Completeness:
			args, status = append(args, firstQuarter...), ExitHeld // nobody can ask Klarna here, and one payout is held
		case report.Held:
		case report.UnsettledName:
			args = append(args, "--at", "2026-01-31")
		default:
			args = append(args, firstQuarter...)
		}
		golden(t, "report-"+name+".golden", d.want(d.run(args...), status).out)
	}
	made := document[struct {
		Report string
		Rows   []struct {
			Reference  string `json:"payment_reference"`
			Settlement int64  `json:"settlement_amount"`
			Difference *int64
			Total      bool
		}
		Notes []string
	}](t, d.want(d.run(withAll("report", "register", "shop-1", firstQuarter, "--output", "json")...), ExitDone))
	if len(made.Rows) != 5 || made.Rows[0].Difference == nil || *made.Rows[0].Difference != 0 || made.Rows[0].Settlement != 875_00 || made.Rows[1].Difference != nil || !made.Rows[4].Total {
		t.Errorf("%+v", made)
	}
}

func TestAReportIsForAMonthOrForDays(t *testing.T) {
	d := reportsDesk(t)
	january := d.want(d.run("report", "fees", "shop-1", "--month", "2026-01"), ExitDone)
	contains(t, january.out, "2026-01-01 to 2026-01-31")
	contains(t, d.fails(ExitUsage, "report", "fees", "shop-1", "--month", "January"), `--month is "January"; it is a month such as 2026-01`)
	contains(t, d.fails(ExitUsage, "report", "fees", "shop-1", "--month", "2026-01", "--to", "2026-01-31"), "--month stands for --from and --to")
	made := document[struct {
		Rows []struct {
			Verdict string
			Bad     bool
		}
	}](t, d.want(d.run("report", "completeness", "shop-1", "--month", "2026-02", "--output", "json"), ExitHeld))
	if len(made.Rows) != 1 || !made.Rows[0].Bad || made.Rows[0].Verdict != "NOT COMPARED" {
		t.Errorf("%+v", made)
	}
}

func TestTheProgramTellsItsVersion(t *testing.T) {
	d := newDesk(t)
	out := d.want(d.run("--version"), ExitDone).out
	if !strings.HasPrefix(out, "starter ") || !strings.Contains(out, ", commit ") || !strings.Contains(out, ", go1.") {
		t.Errorf("%q", out)
	}
}

// withAll puts a list between arguments.
func withAll(args ...any) []string {
	var all []string
	for _, a := range args {
		switch a := a.(type) {
		case string:
			all = append(all, a)
		case []string:
			all = append(all, a...)
		}
	}
	return all
}

func TestAReportGoesIntoAFileWhole(t *testing.T) {
	d := reportsDesk(t)
	dir := t.TempDir()
	for _, name := range []string{"r.csv", "r.xlsx", "r.pdf"} {
		path := filepath.Join(dir, name)
		s := d.want(d.run(withAll("report", "register", "shop-1", firstQuarter, "--out", path)...), ExitDone)
		contains(t, s.err, "Wrote "+path)
		body, err := os.ReadFile(path)
		if err != nil || s.out != "" {
			t.Fatal(err, s.out)
		}
		want := map[string]string{".csv": "payout_date,payment_reference", ".xlsx": "PK\x03\x04", ".pdf": "%PDF-"}[filepath.Ext(name)]
		if !strings.HasPrefix(string(body), want) {
			t.Errorf("%s begins with %.30q", name, body)
		}
	}
	contains(t, d.fails(ExitFailed, withAll("report", "register", "shop-1", firstQuarter, "--out", filepath.Join(dir, "no", "r.csv"))...), "Name a file in a folder that is there")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("%d files are left: %v", len(left), err)
	}
}

func TestFindLeadsFromAReferenceToThePayout(t *testing.T) {
	d := reportsDesk(t)
	for _, reference := range []string{"P1", "000123"} {
		contains(t, d.want(d.run("find", "shop-1", reference), ExitDone).out, "P1  2026-01-13  875.00 SEK  verified  batch 000123")
	}
	hits := document[[]struct {
		Reference string `json:"payment_reference"`
		By        []string
	}](t, d.want(d.run("find", "shop-1", "000123", "--output", "json"), ExitDone))
	if len(hits) != 1 || hits[0].Reference != "P1" || hits[0].By[0] != "batch" {
		t.Errorf("%+v", hits)
	}
	contains(t, d.want(d.run("find", "shop-1", "nothing"), ExitDone).out, "Nothing is called nothing.")
	contains(t, d.want(d.run("find", "shop-1", "nothing", "--page", "2"), ExitDone).out, "No payout on page 2 carries nothing.")
	contains(t, d.fails(ExitUsage, "find", "shop-1", "nothing", "--page", "0"), "--page is 0")
}

func TestAuditVerifiesTheChainAndRefusesABrokenOne(t *testing.T) {
	d := reportsDesk(t)
	contains(t, d.want(d.run("audit", "shop-1"), ExitDone).out, "posting/[kvitt:", "posting.verified", "Each hash was computed again")
	all := document[struct {
		Verified bool
		Entries  int
		Trail    []report.AuditRecord
	}](t, d.want(d.run("audit", "--output", "json"), ExitDone))
	if !all.Verified || len(all.Trail) != all.Entries || all.Trail[0].Seq != 1 {
		t.Errorf("%t, %d of %d entries", all.Verified, len(all.Trail), all.Entries)
	}
	raw, err := sql.Open("sqlite", strings.TrimPrefix(os.Getenv("KVITT_DATABASE_URL"), "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	for _, statement := range []string{"DROP TRIGGER audit_log_keeps_its_entries", "UPDATE audit_log SET who = 'bo' WHERE seq = 2"} {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, output := range []string{"table", "json"} {
		contains(t, d.fails(ExitFailed, "audit", "--output", output), "entry 2 was changed")
	}
}

func TestAnExportIsAFileOrAFolder(t *testing.T) {
	d := reportsDesk(t)
	// One document of the fixture is not what its digest says: that is loud, and
	// nothing is left behind.
	path := filepath.Join(t.TempDir(), "out.zip")
	contains(t, d.fails(ExitFailed, withAll("export", "shop-1", firstQuarter, "--out", path)...), "no longer match their SHA-256")
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("half an export is there")
	}
	february := []string{"--from", "2026-02-01", "--to", "2026-02-28"}
	contains(t, d.want(d.run(withAll("export", "shop-1", february, "--out", path)...), ExitDone).out, "out.zip: ")
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	if last := z.File[len(z.File)-1].Name; last != "SHA256SUMS" {
		t.Errorf("the last file is %s", last)
	}
	contains(t, d.want(d.run(withAll("export", "shop-1", february, "--out", filepath.Join(t.TempDir(), "folder"), "--output", "json")...), ExitDone).out, `"files": `)
}

// What is not whole ends as what is held does, and names what is missing and what
// helps; the pack of a month as well.
func TestAnExportThatIsNotWholeSaysSo(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	path := filepath.Join(t.TempDir(), "whole")
	d.want(d.run("export", "shop-1", "--from", "2026-02-01", "--to", "2026-02-28", "--out", path), ExitDone)
	raw, err := sql.Open("sqlite", strings.TrimPrefix(os.Getenv("KVITT_DATABASE_URL"), "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	for _, statement := range []string{"DROP TRIGGER documents_of_verified_payouts_stay", "DELETE FROM documents"} {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	january := []string{"--from", "2026-01-01", "--to", "2026-01-31", "--out"}
	contains(t, d.want(d.run(withAll("export", "shop-1", january, filepath.Join(t.TempDir(), "a.zip"))...), ExitHeld).out,
		"a.zip: ", "It is not whole: the archive lacks 3 documents", "Payout P1: the rows that its proof rests on are not archived", "Restore one that has it")
	got := document[struct{ Missing []report.Missing }](t,
		d.want(d.run("report", "pack", "shop-1", "--month", "2026-01", "--out", filepath.Join(t.TempDir(), "b.zip"), "--output", "json"), ExitHeld))
	if len(got.Missing) != 3 || got.Missing[0].PaymentReference != "P1" {
		t.Errorf("%+v", got)
	}
}
