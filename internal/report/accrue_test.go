package report_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/report"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

func (w *world) accruing() *voucher.Profile {
	w.t.Helper()
	document, err := voucher.Preset("se-bas")
	w.must(err)
	p, err := voucher.ParseProfile(document)
	w.must(err)
	return p
}

func TestAnAccrualComesToWhatIsNotPaidOut(t *testing.T) {
	w := newWorld(t, sqlite(t))
	n, err := w.Unsettled(t.Context(), januaryEnd)
	w.must(err)
	for currency, sum := range n.ByCurrency() {
		v, refused := w.Accrual(w.accruing(), n, currency)
		if refused != "" {
			t.Fatalf("%s: %s", currency, refused)
		}
		var receivable []voucher.Line
		for _, l := range v.Lines {
			if l.Role == voucher.RoleReceivable {
				receivable = append(receivable, l)
			}
		}
		if len(receivable) != 1 || receivable[0].Account != "1790" || receivable[0].Debit-receivable[0].Credit != sum.Total() {
			t.Errorf("%s: the receivable is %+v, want one line of %d", currency, receivable, sum.Total())
		}
	}
}

// Every payout that was paid out after the day books what it had captured by then
// as its own voucher does, added up account by account.
func TestAnAccrualIsTheSumOfWhatItsPayoutsBook(t *testing.T) {
	w := newWorld(t, sqlite(t))
	n, err := w.Unsettled(t.Context(), januaryEnd)
	w.must(err)
	profile := w.accruing()
	whole, refused := w.Accrual(profile, n, "SEK")
	if refused != "" {
		t.Fatal(refused)
	}
	want, got := map[string]int64{}, map[string]int64{}
	shares := n.In("SEK")
	for _, share := range shares {
		part, err := voucher.Accrue(profile, &voucher.Accrued{MerchantID: "M", Company: "5560001", At: n.At, Currency: "SEK", Shares: []voucher.Share{share}})
		w.must(err)
		for _, l := range part.Lines {
			want[l.Account+" "+l.Text] += l.Debit - l.Credit
		}
	}
	for _, l := range whole.Lines {
		got[l.Account+" "+l.Text] += l.Debit - l.Credit
	}
	if len(shares) < 2 || len(got) < 5 || !maps.Equal(got, want) {
		t.Errorf("%d payouts\n got %v\nwant %v", len(shares), got, want)
	}
}

func TestFiguresThatAreNotWholeAreNotAccrued(t *testing.T) {
	w := newWorld(t, sqlite(t))
	refused := func(at voucher.Date) string {
		t.Helper()
		_, why, err := w.Accrue(t.Context(), w.accruing(), at, "SEK")
		w.must(err)
		return why
	}
	if why := refused(januaryEnd); why != "" {
		t.Fatal(why)
	}
	if why := refused(voucher.DateOf(w.Now, w.Zone)); !strings.Contains(why, "is not over yet") {
		t.Errorf("today: %q", why)
	}
	if why := refused(voucher.Date{Year: 2026, Month: time.March, Day: 31}); !strings.Contains(why, "nothing in SEK") {
		t.Errorf("before any payout follows: %q", why)
	}
	w.must(w.store.UpdatePayout(t.Context(), "c1", w.refs[len(w.refs)-1], func(p *store.Payout) error {
		p.Proof = nil
		return nil
	}, nil))
	if why := refused(januaryEnd); !strings.Contains(why, "not whole") {
		t.Errorf("a payout is not proven: %q", why)
	}
	_, why := w.Accrual(w.accruing(), &report.NotPaid{At: januaryEnd, Undated: 1}, "SEK")
	if !strings.Contains(why, "without a capture date") {
		t.Errorf("a row has no day: %q", why)
	}
}

// accrue records the accrual of the end of January as posted.
func (w *world) accrue() *voucher.Voucher {
	w.t.Helper()
	n, err := w.Unsettled(w.t.Context(), januaryEnd)
	w.must(err)
	v, refused := w.Accrual(w.accruing(), n, "SEK")
	if refused != "" {
		w.t.Fatal(refused)
	}
	_, err = w.store.EnsureBooking(w.t.Context(), store.Booking{
		CompanyID: "5560001", Token: v.Token, ConnectionID: "c1", Kind: store.KindAccrual, Name: v.PaymentReference, Day: v.Date.String(), VoucherHash: v.Hash(), Voucher: w.json(v),
		Period: "202601", Mode: "auto", State: "verified", BatchNumber: "000900",
	})
	w.must(err)
	w.must(w.store.AppendAttempt(w.t.Context(), store.Attempt{CompanyID: "5560001", Token: v.Token, Action: "post", Outcome: "accepted"}))
	w.must(w.store.PutDrift(w.t.Context(), store.Drift{
		CompanyID: "5560001", Token: v.Token, Word: "as_posted", Differences: []byte("null"), Posted: []byte("{}"), Found: []byte(`{"taken_back_by":"000901"}`),
	}))
	return v
}

// In the books an accrual stands on the clearing account at the end of its
// period, and not on the day after.
func TestTheClearingAccountIsShownWithTheAccrualThatStandsOnTheDay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.accrue()
		w.current()
		var moved int64
		account := ""
		for _, l := range v.Lines {
			if l.Account == "1686" {
				account, moved = l.Account, moved+l.Debit-l.Credit
			}
		}
		if moved == 0 {
			t.Fatal("the accrual does not move clearing")
		}
		ends := func(to time.Time) (closing, accrued int64, found bool) {
			made, err := w.Make(t.Context(), report.Clearing, report.Span{From: first, To: to})
			w.must(err)
			for row, err := range made.Rows {
				w.must(err)
				switch {
				case row.Cells[1].Words != "SEK" || row.Cells[2].Words != account:
				case row.Cells[0].Words == "Accrued":
					accrued, found = row.Cells[6].Number, true
				default:
					closing = row.Cells[6].Number
				}
			}
			return closing, accrued, found
		}
		if closing, accrued, found := ends(januaryEnd.Time()); !found || accrued != closing+moved {
			t.Errorf("at the end of January %d, with the accrual %d (%t), which moves %d", closing, accrued, found, moved)
		}
		if _, _, found := ends(januaryEnd.Time().AddDate(0, 0, 1)); found {
			t.Error("it still stands on the day after")
		}
	})
}

func TestAccrualsAreInTheExportAndTheMonthEndPack(t *testing.T) {
	w := newWorld(t, sqlite(t))
	v := w.accrue()
	for name, write := range map[string]func(span report.Span, b *report.Bundle) error{
		"pack":   func(span report.Span, b *report.Bundle) error { return w.Pack(t.Context(), span, time.December, b) },
		"export": func(span report.Span, b *report.Bundle) error { return w.Export(t.Context(), span, time.December, b) },
	} {
		dir := t.TempDir()
		bundle := report.Folder(dir, false)
		w.must(write(report.Span{From: first, To: januaryEnd.Time()}, bundle))
		w.must(bundle.Close())
		read := func(file string) string {
			body, err := os.ReadFile(filepath.Join(dir, file))
			w.must(err)
			return string(body)
		}
		table := read("accruals.csv")
		if n := strings.Count(table, "accrual 2026-01-31 SEK,000900,202601,2026-01-31,verified"); n != len(v.Lines) || !strings.Contains(table, "as_posted,000901") {
			t.Errorf("%s: %d lines of %d:\n%s", name, n, len(v.Lines), table)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "accruals", "*.json"))
		if len(files) != 1 || !strings.Contains(read("accruals/"+filepath.Base(files[0])), v.Hash()) || !strings.Contains(read("SHA256SUMS"), "accruals/"+filepath.Base(files[0])) {
			t.Errorf("%s: the voucher is not there with its digest: %v", name, files)
		}
		if name == "export" && !strings.Contains(read("attempts.jsonl"), v.Token) {
			t.Error("what was tried for it is not in the export")
		}
		later := report.Folder(t.TempDir(), false)
		w.must(write(report.Span{From: first.AddDate(0, 1, 0), To: first.AddDate(0, 2, -1)}, later))
		if later.Close(); later.Files() == 0 {
			t.Error("nothing was written")
		}
	}
}

func TestWhatIsHeldBesidesPayoutsIsInTheReportOfWhatIsHeld(t *testing.T) {
	w := newWorld(t, sqlite(t))
	v := w.accrue()
	w.must(w.store.PutStop(t.Context(), store.Stop{ConnectionID: "c1", Work: store.WorkReversal, Name: w.refs[0], Reason: "period_closed", Held: []byte(`{"detail":"202601 is closed"}`)}))
	w.must(w.store.PutDrift(t.Context(), store.Drift{CompanyID: "5560001", Token: v.Token, Word: store.NotTakenBack}))
	made, err := w.Make(t.Context(), report.Held, quarter)
	w.must(err)
	notes := strings.Join(made.Notes(), "\n")
	for _, words := range []string{"the reversal of payout " + w.refs[0], "period_closed: 202601 is closed", "Not taken back by Visma.net: accrual 2026-01-31 SEK, batch 000900."} {
		if !strings.Contains(notes, words) {
			t.Errorf("%q is not in:\n%s", words, notes)
		}
	}
}
