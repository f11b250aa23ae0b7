package year

import (
	"time"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

// settled returns the numbers of the documents that a payout settles. Klarna's row and the shop's document
// share the id that Klarna gave.
func (w *world) settled(p *shop.Payout) map[string]bool {
	numbers := map[string]bool{}
	var r shop.Row
	for i := range p.Rows.Len() {
		switch p.Rows.Row(i, &r); r.Type + "/" + r.DetailedType {
		case "SALE/PURCHASE":
			numbers[w.numbers[r.CaptureID]] = true
		case "RETURN/PURCHASE_RETURN":
			numbers[w.numbers[r.RefundID]] = true
		}
	}
	return numbers
}

// checkClearing checks the clearing account in Visma.net for a payout: what the shop booked for its orders
// less what the voucher settled.
func (w *world) checkClearing(p *shop.Payout) {
	settled := w.settled(p)
	var balance, base int64
	for _, e := range w.visma.Account("", w.accounts["clearing"]) {
		if !settled[e.Reference] && e.Reference != p.PaymentReference {
			continue
		}
		balance += e.Debit - e.Credit
		base += e.BaseDebit - e.BaseCredit
		if e.Currency != p.Currency || e.Status != vismasim.Posted && e.Status != vismasim.Unposted {
			w.differ("clearing", "the line %s of batch %s is %s in %s", e.Reference, e.Batch, e.Status, e.Currency)
		}
	}
	// In another currency the base amount differs by the movement of the rate.
	if balance != 0 || base != 0 && p.Currency == w.country.company.BaseCurrency {
		w.differ("clearing", "payout %s of %s leaves %d %s", p.PaymentReference, p.Date.Format(time.DateOnly), balance, p.Currency)
	}
}

// checkOpen compares the clearing account at the end with the documents that no payout settles yet.
func (w *world) checkOpen() {
	open := map[string]int64{}
	settled := map[string]bool{}
	for _, p := range w.shop.Payouts() {
		for number := range w.settled(p) {
			settled[number] = true
		}
	}
	for _, d := range w.shop.Documents() {
		switch {
		case settled[d.Number]:
		case d.Credit():
			open[d.Currency] -= d.Amount
		default:
			open[d.Currency] += d.Amount
		}
	}
	for _, currency := range w.country.shop.Currencies {
		if is := w.balance("clearing", currency, newYear.AddDate(1, 0, 0)); is != open[currency] {
			w.differ("clearing", "%d %s is open at the end, and %d is not settled", is, currency, open[currency])
		}
	}
}

// balance returns the balance of a Visma.net account at the end of a day in a currency.
func (w *world) balance(account, currency string, day time.Time) int64 {
	var sum int64
	for _, e := range w.visma.Account("", w.accounts[account]) {
		if e.Currency == currency && !e.Date.After(day) {
			sum += e.Debit - e.Credit
		}
	}
	return sum
}

// checkReserveAndDebt compares two Visma.net accounts at the end of a day with Klarna: the rows that held
// back and released so far, and the debt after the last payout.
func (w *world) checkReserveAndDebt(day time.Time) {
	reserves, debts := map[string]int64{}, map[string]int64{}
	var r shop.Row
	for _, p := range w.shop.Payouts() {
		if w.day(p.Date).After(day) {
			break
		}
		debts[p.Currency] = p.Totals.ClosingDebt
		for i := range p.Rows.Len() {
			switch p.Rows.Row(i, &r); r.Type {
			case shop.TypeHoldback:
				reserves[p.Currency] += r.Amount
			case shop.TypeRelease:
				reserves[p.Currency] -= r.Amount
			}
		}
	}
	for _, currency := range w.country.shop.Currencies {
		reserve, debt := reserves[currency], debts[currency]
		if is := w.balance("reserve", currency, day); is != reserve {
			w.differ("reserve", "on %s the account holds %d %s and Klarna %d", day.Format(time.DateOnly), is, currency, reserve)
		}
		if is := -w.balance("debt", currency, day); is != debt {
			w.differ("debt", "on %s the account holds %d %s and Klarna %d", day.Format(time.DateOnly), is, currency, debt)
		}
		if reserve != 0 {
			w.reserveDays++
		}
		if debt != 0 {
			w.debtDays++
		}
	}
}
