package report_test

import (
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
	p, err := voucher.ParseProfile([]byte(string(document) + "\naccrual: {receivable: \"1687\", clearing: clearing, fees: fees, vat: \"1650\", other: disputes}\n"))
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
		for _, l := range v.Lines {
			if l.Account == "1687" && l.Debit-l.Credit != sum.Total() {
				t.Errorf("%s: the receivable is %d, want %d", currency, l.Debit-l.Credit, sum.Total())
			}
		}
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
