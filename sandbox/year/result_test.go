package year

import (
	"slices"
	"strings"
	"time"

	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/sandbox/shop"
)

// booking is an account in a month and currency.
type booking struct {
	account string
	monthly
}

// checkResult accrues at every month's end, and compares each month in Visma.net, on every account of
// income and expense, with a booking by hand.
func (w *world) checkResult() {
	w.t.Helper()
	if !w.fault.unaccrued {
		w.accrueMonths()
	}
	want, got := w.byHand(), map[booking]int64{}
	for _, account := range w.country.company.Accounts {
		if account.Type != "Income" && account.Type != "Expense" {
			continue
		}
		for _, e := range w.visma.Account("", account.Number) {
			got[booking{account.Number, monthly{e.Date.Format("2006-01"), e.Currency}}] += e.Debit - e.Credit
		}
	}
	for _, side := range []map[booking]int64{got, want} {
		for at := range side {
			if got[at] != want[at] {
				w.differ("result", "%s: account %s has %d, and %d by the days of capture", at.monthly, at.account, got[at], want[at])
			}
		}
	}
	for _, amount := range want {
		if amount != 0 {
			w.results++
		}
	}
}

// accrueMonths accrues what was captured by each month's end and paid out after it, with all payouts
// known.
func (w *world) accrueMonths() {
	ctx, last := w.t.Context(), newYear.AddDate(0, 0, w.country.shop.Days)
	connection := w.connection()
	connection.CompanyID = w.company.ID
	made := &report.Reports{Source: w.store, Connection: connection, Zone: w.profile.Location(), Now: last.AddDate(0, 0, 7)}
	for end := newYear.AddDate(0, 1, -1); end.Before(last); end = end.AddDate(0, 0, 1).AddDate(0, 1, -1) {
		n, err := made.Unsettled(ctx, voucher.DateOf(end, time.UTC))
		check(w.t, err)
		for _, currency := range w.country.shop.Currencies {
			switch v, refused := made.Accrual(w.profile, n, settlement.Currency(currency)); {
			case strings.HasPrefix(refused, "nothing in"):
			case refused != "":
				w.differ("result", "%s in %s is not accrued: %s", end.Format(time.DateOnly), currency, refused)
			default:
				w.post(v, store.KindAccrual)
			}
		}
	}
}

// byHand books what the shop knows: its invoices and credit notes, and income and expense of each of
// Klarna's rows, on the day of the capture. A GROSS payout lists fees that are invoiced separately.
func (w *world) byHand() map[booking]int64 {
	books := map[booking]int64{}
	add := func(account string, at time.Time, currency string, debit int64) {
		books[booking{account, monthly{w.day(at).Format("2006-01"), currency}}] += debit
	}
	for _, d := range w.shop.Documents() {
		net := d.VAT - d.Amount
		if d.Credit() {
			net = -net
		}
		add(w.country.sales, d.At, d.Currency, net)
	}
	income, cost := int64(-1), int64(+1)
	var r shop.Row
	for _, p := range w.shop.Payouts() {
		for i := range p.Rows.Len() {
			p.Rows.Row(i, &r)
			loan := slices.Contains([]string{"LOAN_FEE", "CASH_ADVANCE_FEES"}, r.DetailedType)
			apart := p.SettlementType == shop.Gross && (r.Type == shop.TypeFee || r.Type == shop.TypeFeeRefund)
			switch {
			case apart:
			case r.Type == shop.TypeFee && !loan:
				add(w.accounts["fees"], r.CaptureDate, p.Currency, cost*r.Amount)
			case r.Type == shop.TypeFeeRefund:
				add(w.accounts["fees"], r.CaptureDate, p.Currency, -cost*r.Amount)
			case r.Type == shop.TypeFee || r.Type == shop.TypeCharge && loan:
				add(w.accounts["loan_costs"], r.CaptureDate, p.Currency, cost*r.Amount)
			case r.Type == shop.TypeCommission:
				add(w.accounts["commission"], r.CaptureDate, p.Currency, income*r.Amount)
			}
		}
	}
	return books
}
