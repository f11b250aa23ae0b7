package report_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kvitt/internal/report"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
)

// asks lets a world ask a Klarna of its own.
func asks(w *world) *klarnasim.Sim {
	w.t.Helper()
	client, sim := w.klarna()
	w.Klarna = func(context.Context) (report.Payer, error) { return client, nil }
	return sim
}

// lines are the rows of completeness by month, currency and figure, and those
// that do not agree.
func (w *world) complete() (lines map[string]map[string]report.Cell, bad []string, notes string) {
	w.t.Helper()
	made, err := w.Make(w.t.Context(), report.Completeness, quarter)
	w.must(err)
	lines = map[string]map[string]report.Cell{}
	for row, err := range made.Rows {
		w.must(err)
		cells := map[string]report.Cell{}
		for i := range row.Cells {
			cells[made.Columns[i].Key] = row.Cells[i]
		}
		key := strings.TrimSpace(cells["month"].Words + " " + cells["currency"].Words + " " + cells["figure"].Words + " " + cells["payment_reference"].Words)
		lines[key] = cells
		if row.Bad {
			bad = append(bad, key+": "+cells["verdict"].Words)
		}
	}
	return lines, bad, strings.Join(made.Notes(), "\n")
}

// Count and sums are Klarna's own, and they are those of the shop.
func TestAMonthThatIsWholeAgreesWithKlarnasSummary(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		asks(w)
		lines, bad, notes := w.complete()
		if len(bad) > 0 {
			t.Errorf("these do not agree: %v\n%s", bad, notes)
		}
		type sum struct{ payouts, settlement, fees, tax int64 }
		want := map[string]sum{}
		for _, p := range w.shop.Payouts() {
			key := p.Date.In(w.Zone).Format("2006-01 ") + p.Currency
			s := want[key]
			s.payouts++
			s.settlement, s.fees, s.tax = s.settlement+p.Totals.Settlement, s.fees+p.Totals.Fee, s.tax+p.Totals.Tax
			want[key] = s
		}
		for key, s := range want {
			at := lines[key+" settlement_amount"]
			if at["klarna_payouts"].Number != s.payouts || at["kvitt_payouts"].Number != s.payouts || at["klarna"].Number != s.settlement || at["kvitt"].Number != s.settlement {
				t.Errorf("%s: %+v, want %+v", key, at, s)
			}
			if lines[key+" fee_amount"]["klarna"].Number != s.fees || lines[key+" tax_amount"]["klarna"].Number != s.tax {
				t.Errorf("%s: %+v, want %+v", key, lines[key+" fee_amount"], s)
			}
			if booked := lines[key+" booked in Visma.net"]; booked["kvitt_payouts"].Number != s.payouts || booked["kvitt"].Number != s.settlement {
				t.Errorf("%s: %+v are booked, want %+v", key, booked, s)
			}
		}
		if len(want) < 6 {
			t.Errorf("the quarter shows little: %d months and currencies", len(want))
		}
		// What Klarna said is kept, and is good for a while.
		kept, err := w.store.WindowAnswers(t.Context(), "c1", "2026-01-01", "2026-01-31")
		w.must(err)
		if len(kept) < 3 || !strings.Contains(kept[len(kept)-1].Path, "/payouts/summary?") || !strings.HasPrefix(string(kept[len(kept)-1].Body), `[{"summary_`) {
			t.Errorf("%d answers are kept: %+v", len(kept), kept)
		}
		w.Klarna = func(context.Context) (report.Payer, error) {
			t.Error("Klarna is asked again")
			return nil, context.Canceled
		}
		w.complete()
	})
}

// Each thing that is not as it should be is a line of its own, and red.
func TestWhatIsMissingOnEitherSideIsARedLine(t *testing.T) {
	w := newWorld(t, sqlite(t))
	asks(w)
	january := w.shop.Payouts()[0]
	extra := *january
	extra.PaymentReference, extra.Date = "9999999999", january.Date.Add(time.Hour)
	w.shop.Add(&extra)
	_, bad, notes := w.complete()
	for _, want := range []string{
		"2026-01 " + january.Currency + " settlement_amount: DIFFERS",
		"2026-01 " + january.Currency + " only at Klarna 9999999999: DIFFERS",
	} {
		if !strings.Contains(strings.Join(bad, "\n")+"\n", want+"\n") {
			t.Errorf("nothing says %q: %v", want, bad)
		}
	}
	if !strings.Contains(notes, "2026-01: "+january.Currency+": NOT COMPLETE.") {
		t.Error(notes)
	}
	for _, line := range bad {
		if !strings.HasPrefix(line, "2026-01 "+january.Currency) {
			t.Errorf("this should agree: %s", line)
		}
	}

	// Klarna does not know of a payout, and has another amount of one: its
	// summary is another shop's.
	w.Now = w.Now.Add(time.Hour)
	other := *w.shop.Payout(w.refs[1])
	other.Totals.Settlement++
	theirs := []*shop.Payout{&other}
	for _, p := range w.shop.Payouts() {
		if p.PaymentReference != w.refs[0] && p.PaymentReference != w.refs[1] && p != &extra {
			theirs = append(theirs, p)
		}
	}
	w.shop = shop.New(w.shop.MerchantID, w.shop.RegistrationCurrency, theirs...)
	sim := asks(w)
	_, bad, _ = w.complete()
	all := strings.Join(bad, "\n") + "\n"
	for _, want := range []string{"only in Kvitt " + w.refs[0] + ": DIFFERS", "another amount " + w.refs[1] + ": DIFFERS"} {
		if !strings.Contains(all, want+"\n") {
			t.Errorf("nothing says %q: %v", want, bad)
		}
	}

	// Klarna does not answer: the last answer stays, and that is said.
	w.Now = w.Now.Add(time.Hour)
	sim.Inject(klarnasim.Fault{Kind: klarnasim.FaultStatus, Path: "/payouts/summary", Status: 503})
	_, again, notes := w.complete()
	if len(again) != len(bad) || !strings.Contains(notes, "Klarna could not be asked now") {
		t.Errorf("%v\n%s", again, notes)
	}
}

// A month that nobody has asked about is not complete by silence.
func TestAMonthThatNobodyAskedAboutIsRed(t *testing.T) {
	w := newWorld(t, sqlite(t))
	_, bad, notes := w.complete()
	if len(bad) < 3 || !strings.Contains(bad[0], "NOT COMPARED") || !strings.Contains(notes, "NOT COMPARED: nobody has asked Klarna") {
		t.Errorf("%v\n%s", bad, notes)
	}
}

// What Klarna paid and Kvitt knows of is complete only when it is booked.
func TestAPayoutThatIsNotBookedIsARedLine(t *testing.T) {
	w := newWorld(t, sqlite(t))
	asks(w)
	w.takeBack(w.refs[0], "900001")
	_, bad, notes := w.complete()
	if len(bad) != 1 || !strings.HasSuffix(bad[0], "booked in Visma.net: NOT BOOKED") || !strings.Contains(notes, w.refs[0]) {
		t.Errorf("%v\n%s", bad, notes)
	}
}
