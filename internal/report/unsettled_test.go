package report_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kvitt/activities"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/sandbox/shop"
)

var januaryEnd = voucher.Date{Year: 2026, Month: time.January, Day: 31}

type capturedOn struct{ day, currency string }

// truth sums the rows of the shop itself, as the month's end should have them:
// the direction of each type is written down here once more.
func (w *world) truth(at voucher.Date) map[capturedOn]report.Captured {
	w.t.Helper()
	sums := map[capturedOn]report.Captured{}
	day := func(t time.Time) string { return t.In(w.Zone).Format(time.DateOnly) }
	for _, p := range w.shop.Payouts() {
		if day(p.Date) <= at.String() {
			continue
		}
		for i := range p.Rows.Len() {
			var r shop.Row
			p.Rows.Row(i, &r)
			isFee := r.Type == shop.TypeFee || r.Type == shop.TypeFeeRefund
			if day(r.CaptureDate) > at.String() || r.Type == shop.TypeHoldback || r.Type == shop.TypeRelease || isFee && p.SettlementType == shop.Gross {
				continue
			}
			key := capturedOn{day(r.CaptureDate), p.Currency}
			sum := sums[key]
			sum.Rows++
			switch r.Type {
			case shop.TypeSale:
				sum.Sales += r.Amount
			case shop.TypeReturn:
				sum.Returns += r.Amount
			case shop.TypeFee:
				sum.Fees += r.Amount
				sum.VAT += r.VAT
			case shop.TypeFeeRefund:
				sum.Fees -= r.Amount
				sum.VAT -= r.VAT
			case shop.TypeCorrection:
				sum.Fees -= r.Amount
			case shop.TypeProtection, shop.TypeCommission, shop.TypeCredit:
				sum.Other += r.Amount
			case shop.TypeReversal, shop.TypeCharge:
				sum.Other -= r.Amount
			default:
				w.t.Fatalf("what does %s do?", r.Type)
			}
			sums[key] = sum
		}
	}
	return sums
}

func TestWhatWasCapturedAndNotPaidOutIsThatOfTheRowsOfLaterPayouts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, at := range []voucher.Date{januaryEnd, {Year: 2026, Month: time.February, Day: 28}, {Year: 2026, Month: time.February, Day: 11}} {
			want := w.truth(at)
			if len(want) < 5 {
				t.Fatalf("the shop has %d days to compare at %s", len(want), at)
			}
			n, err := w.Unsettled(t.Context(), at)
			w.must(err)
			if len(n.Days) != len(want) {
				t.Errorf("%s: %d days and currencies of %d", at, len(n.Days), len(want))
			}
			for i := range n.Days {
				got := n.Days[i]
				wanted := want[capturedOn{got.Day.String(), string(got.Currency)}]
				wanted.Day, wanted.Currency = got.Day, got.Currency
				if got != wanted {
					t.Errorf("%s, captured %s:\n got %+v\nwant %+v", at, got.Day, got, wanted)
				}
			}
		}
	})
}

// A payout shortly after midnight is the next day's in the company's zone, and
// so is a capture.
func TestDaysAreThoseOfTheCompany(t *testing.T) {
	w := newWorld(t, sqlite(t))
	last := w.shop.Payouts()[0]
	for _, p := range w.shop.Payouts() {
		if p.Currency == "SEK" && p.SettlementType == shop.Net && p.Rows.Len() > 5 && p.Rows.Len() < 500 {
			last = p
		}
	}
	day := voucher.DateOf(last.Date, w.Zone)
	move := func(to time.Time) {
		w.must(w.store.UpdatePayout(t.Context(), "c1", last.PaymentReference, func(p *store.Payout) error {
			p.Date = to
			return nil
		}, nil))
	}
	count := func() int64 {
		n, err := w.Unsettled(t.Context(), day)
		w.must(err)
		return n.Payouts
	}
	midnight := time.Date(day.Year, day.Month, day.Day+1, 0, 0, 0, 0, w.Zone)
	move(midnight.Add(-time.Second))
	before := count()
	move(midnight)
	if after := count(); after != before+1 {
		t.Errorf("%d payouts lie after %s, and %d once one is at midnight of its end", before, day, after)
	}
}

func TestTheReportOfWhatIsNotPaidOutAddsUp(t *testing.T) {
	w := newWorld(t, sqlite(t))
	span := report.Span{From: first, To: januaryEnd.Time()}
	made, err := w.Make(t.Context(), report.UnsettledName, span)
	w.must(err)
	var sum, total int64
	for row, err := range made.Rows {
		w.must(err)
		c := row.Cells[3:]
		if c[0].Number-c[1].Number-c[2].Number-c[3].Number+c[4].Number != c[5].Number {
			t.Errorf("%+v does not add up", row)
		}
		if row.Cells[1].Words != "SEK" {
			continue
		}
		if row.Total {
			total = c[5].Number
		} else {
			sum += c[5].Number
		}
	}
	if sum != total || total == 0 {
		t.Errorf("the days come to %d and the total is %d", sum, total)
	}
}

// What did not prove, or cannot be read, is named.
func TestWhatCannotBeReadIsNeverLeftOutSilently(t *testing.T) {
	w := newWorld(t, sqlite(t))
	ref := w.refs[len(w.refs)-1]
	w.must(w.store.UpdatePayout(t.Context(), "c1", ref, func(p *store.Payout) error {
		p.Rows++
		return nil
	}, nil))
	whole, err := w.Unsettled(t.Context(), januaryEnd)
	w.must(err)
	if len(whole.Unread) != 1 || !strings.HasPrefix(whole.Unread[0], ref+": read the archived rows") {
		t.Errorf("with a row missing: %v", whole.Unread)
	}
	w.must(w.store.UpdatePayout(t.Context(), "c1", ref, func(p *store.Payout) error {
		p.Proof = json.RawMessage(nil)
		return nil
	}, nil))
	n, err := w.Unsettled(t.Context(), januaryEnd)
	w.must(err)
	if len(n.Unread) != 1 || n.Unread[0] != ref+": it is not proven" {
		t.Errorf("not proven: %v", n.Unread)
	}
}

// Fees that a payout lists without deducting them come again in their own bill.
func TestFeesThatAreBilledApartAreNotCountedWithTheirSales(t *testing.T) {
	w := newWorld(t, sqlite(t))
	fees := func() (fees, sales int64) {
		n, err := w.Unsettled(t.Context(), januaryEnd)
		w.must(err)
		for i := range n.Days {
			fees += n.Days[i].Fees
			sales += n.Days[i].Sales
		}
		return fees, sales
	}
	counted, sold := fees()
	for _, ref := range w.refs {
		w.must(w.store.UpdatePayout(t.Context(), "c1", ref, func(p *store.Payout) error {
			var proof activities.Proof
			if err := json.Unmarshal(p.Proof, &proof); err != nil {
				return err
			}
			proof.Variants = append(proof.Variants, settlement.GrossFeesNotDeducted)
			p.Proof = w.json(proof)
			return nil
		}, nil))
	}
	left, still := fees()
	if counted == 0 || left >= counted/2 || still != sold {
		t.Errorf("fees of %d, and %d once they are billed apart; sales of %d and %d", counted, left, sold, still)
	}
}
