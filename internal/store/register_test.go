package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/store"
)

// todos are the pending updates of reports, as "REF what n".
func todos(t *testing.T, s *store.Store) (names []string, all []store.Todo) {
	t.Helper()
	all, err := s.Todos(t.Context(), "c1", store.Todo{}, 0)
	must(t, err)
	for _, todo := range all {
		names = append(names, todo.PaymentReference+" "+todo.What)
	}
	return names, all
}

func TestEveryChangeThatAffectsReportsIsATodoUntilItIsDone(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		want := func(when string, names ...string) []store.Todo {
			t.Helper()
			got, all := todos(t, s)
			if diff := cmp.Diff(names, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
			return all
		}
		want("a payout that is only listed")
		change := func(f func(*store.Payout)) {
			t.Helper()
			must(t, s.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error { f(p); return nil }, nil))
		}
		change(func(p *store.Payout) { p.State = "proven" })
		want("a change of state alone")
		change(func(p *store.Payout) { p.Rows, p.Proof = 3, []byte(`{"rows":3}`) })
		first := want("proven rows", "P1 rows")

		// What changes while a todo is being done remains to be done.
		change(func(p *store.Payout) { p.Proof = []byte(`{"rows":3,"again":true}`) })
		must(t, s.PutRead(t.Context(), first[0], &store.PayoutRead{Day: "2026-01-01", Currency: "SEK", Rows: 3}))
		again := want("rows proven again meanwhile", "P1 rows")
		must(t, s.PutRead(t.Context(), again[0], &store.PayoutRead{Day: "2026-01-01", Currency: "SEK", Rows: 3}))
		want("rows that were read")

		stored, err := s.EnsureBooking(t.Context(), store.Booking{
			CompanyID: "42", Token: "T1", ConnectionID: "c1", PaymentReference: "P1", VoucherHash: "h", Voucher: []byte(`{}`), Period: "202601", Mode: "auto",
		})
		must(t, err)
		books := want("an intent to post", "P1 books")
		must(t, s.PutLines(t.Context(), books[0], "", nil, nil))
		want("books that were taken up")
		_, err = s.UpdateBooking(t.Context(), stored.CompanyID, stored.Token, func(p *store.Booking) error {
			p.State, p.BatchNumber = "booked", "000001"
			return nil
		})
		must(t, err)
		want("a booked batch", "P1 books")
	})
}

func TestSumsAreReplacedAndNeverCountedTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		todo := store.Todo{ConnectionID: "c1", PaymentReference: "P1"}
		read := &store.PayoutRead{Day: "2026-01-31", Currency: "SEK", Rows: 5, Sums: []store.RowSum{
			{Type: "FEE", DetailedType: "A", VATRate: 2500, Rows: 2, Amount: 80, VAT: 20}, {Type: "FEE", DetailedType: "A", Rows: 1, Amount: 7}, {Type: "SALE", DetailedType: "B", Rows: 2, Amount: 1000},
		}}
		lines := []store.RegisterLine{
			{Token: "T", Day: "2026-02-01", Currency: "SEK", Account: "1686", About: "clearing", Credit: 1000, Proven: 1000},
			{Token: "T", Day: "2026-02-01", Currency: "SEK", Account: "1930", About: "settlement", Debit: 893},
		}
		for range 2 {
			must(t, s.PutRead(t.Context(), todo, read))
			must(t, s.PutLines(t.Context(), todo, "2026-02-01", lines, nil)) // the voucher is of another day
		}
		sums, err := s.MonthSums(t.Context(), "c1", "2026-02-01", "2026-02-28", store.RowTypes{"FEE"})
		must(t, err)
		want := []store.MonthSum{
			{Month: "2026-02", Currency: "SEK", Type: "FEE", DetailedType: "A", Rows: 1, Amount: 7},
			{Month: "2026-02", Currency: "SEK", Type: "FEE", DetailedType: "A", VATRate: 2500, Rows: 2, Amount: 80, VAT: 20},
		}
		if diff := cmp.Diff(want, sums); diff != "" {
			t.Errorf("fees (-want +got):\n%s", diff)
		}
		if early, err := s.MonthSums(t.Context(), "c1", "2026-01-01", "2026-01-31", store.RowTypes{"FEE"}); err != nil || len(early) != 0 {
			t.Errorf("the fees are still in January: %v %v", early, err)
		}
		for _, c := range []struct{ from, month string }{{"2026-02-01", "2026-02"}, {"2026-03-01", ""}} {
			months, err := s.AccountMonths(t.Context(), "c1", "clearing", c.from, "2026-03-31")
			must(t, err)
			want := []store.AccountMonth{{Month: c.month, Currency: "SEK", Account: "1686", Vouchers: 1, Credit: 1000, Proven: 1000}}
			if diff := cmp.Diff(want, months); diff != "" {
				t.Errorf("clearing from %s (-want +got):\n%s", c.from, diff)
			}
		}
	})
}

func TestTheRegisterContinuesWhereAPageEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		upsert(t, s, "c1", payout("P3", 1), payout("P1", 2), payout("P2", 2), payout("P4", 9))
		upsert(t, s, "c1", payout("P5", 20))
		var got []string
		f := store.RegisterFilter{Connection: "c1", From: at(1, 6), To: at(20, 6), Limit: 2}
		for {
			page, err := s.Register(t.Context(), f)
			must(t, err)
			if len(page) == 0 {
				break
			}
			for i := range page {
				got = append(got, page[i].PaymentReference)
				f.After = store.Cursor{Date: page[i].Date, PaymentReference: page[i].PaymentReference}
			}
		}
		if diff := cmp.Diff([]string{"P3", "P1", "P2", "P4"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		totals, err := s.RegisterTotals(t.Context(), "c1", at(1, 6), at(20, 6))
		must(t, err)
		if len(totals) != 1 || totals[0].Payouts != 4 || totals[0].Settlement != 4*85_900_00 {
			t.Errorf("%+v", totals)
		}
	})
}

func TestDebtIsReportedAsOfATimeByMerchantAndCurrency(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		other := payout("P9", 3)
		other.MerchantID, other.Currency, other.OpeningDebt, other.ClosingDebt = "K2", "EUR", 5, 0
		early := payout("P1", 1)
		early.OpeningDebt, early.ClosingDebt = 7, 100
		late := payout("P2", 9)
		late.OpeningDebt, late.ClosingDebt = 100, 30
		upsert(t, s, "c1", other, early, late)
		for before, want := range map[time.Time][]store.Debt{
			at(2, 0): {{MerchantID: "K1", Currency: "SEK", First: 7, Last: 100}, {MerchantID: "K2", Currency: "EUR", First: 5, Last: 5}},
			{}:       {{MerchantID: "K1", Currency: "SEK", First: 7, Last: 30}, {MerchantID: "K2", Currency: "EUR", First: 5, Last: 0}},
		} {
			debts, err := s.Debts(t.Context(), "c1", before)
			must(t, err)
			if diff := cmp.Diff(want, debts); diff != "" {
				t.Errorf("before %s (-want +got):\n%s", before, diff)
			}
		}
	})
}

func TestTheAuditTrailIsReadInOrderBetweenTwoTimes(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		for day := 1; day <= 4; day++ {
			must(t, s.Audit(t.Context(), store.AuditEntry{At: at(day, 1), Who: "anna", ConnectionID: "c1", Subject: "x", Action: "did"}))
		}
		must(t, s.Audit(t.Context(), store.AuditEntry{At: at(2, 1), Who: "anna", ConnectionID: "c2", Subject: "x", Action: "did"}))
		var days []int
		for e, err := range s.AuditBetween(t.Context(), "c1", at(2, 1), at(4, 1)) {
			must(t, err)
			days = append(days, e.At.Day())
		}
		if diff := cmp.Diff([]int{2, 3}, days); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
