package shop

import "time"

// divertFees removes the fees and their refunds from a GROSS market: Klarna invoices them.
func (b *book) divertFees() {
	if !b.gross() {
		return
	}
	var sales []event
	for _, e := range b.events {
		var paid, invoiced []Row
		for _, r := range e.rows {
			if r.Type == TypeFee || r.Type == TypeFeeRefund {
				invoiced = append(invoiced, r)
			} else {
				paid = append(paid, r)
			}
		}
		if len(paid) > 0 {
			sales = append(sales, event{e.at, paid})
		}
		if len(invoiced) > 0 {
			b.invoiced = append(b.invoiced, event{e.at, invoiced})
		}
	}
	b.events = sales
	sortEvents(b.invoiced)
}

// invoiceFees makes a GROSS_FEE payout of the fees of each calendar month, on the first banking day of the
// next. The market's debt passes through it unchanged.
func (b *book) invoiceFees(payouts []*Payout) (invoices []*Payout, rest []Row, err error) {
	end := b.config.Start.AddDate(0, 0, b.config.Days)
	events := b.invoiced
	year, month, _ := b.config.Start.Date()
	for first := date(year, month+1, 1); ; first = first.AddDate(0, 1, 0) {
		at := nextBankingDay(b.market.country, first).Add(9 * time.Hour)
		if !at.Before(end) {
			rest, _ = take(events, time.Unix(1<<40, 0))
			return invoices, rest, nil
		}
		var rows []Row
		if rows, events = take(events, first); len(rows) == 0 {
			continue
		}
		var debt int64
		for _, p := range payouts {
			if p.Date.Before(at) {
				debt = p.Totals.ClosingDebt
			}
		}
		p, err := b.payout(rows, at, debt, GrossFee)
		if err != nil {
			return nil, nil, err
		}
		invoices = append(invoices, p)
	}
}
