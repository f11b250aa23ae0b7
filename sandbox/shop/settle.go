package shop

import (
	"fmt"
	"time"
)

// debtCurrency is the market of the debt week.
const debtCurrency = "NOK"

// reserveAge is the number of payouts after which a rolling reserve is released.
const reserveAge = 8

// settle groups the events into payouts, oldest first. The rest is unpaid so far.
func (b *book) settle() (payouts []*Payout, unpaid []Row, err error) {
	b.divertFees()
	sortEvents(b.events)
	if err := b.fillLarge(); err != nil {
		return nil, nil, err
	}
	if b.market.currency == debtCurrency {
		b.recall(debtSlot(b.slots))
	}
	var debt int64
	var reserve []Row
	events := b.events
	for _, s := range b.slots {
		var rows []Row
		rows, events = take(events, s.cutoff)
		if len(rows) == 0 {
			continue // nothing happened between two holidays
		}
		rows, reserve = b.reserve(rows, reserve, s)
		p, err := b.payout(rows, s.date, debt, b.settlementType())
		if err != nil {
			return nil, nil, err
		}
		debt = p.Totals.ClosingDebt
		payouts = append(payouts, p)
	}
	unpaid, _ = take(events, time.Unix(1<<40, 0))
	invoices, uninvoiced, err := b.invoiceFees(payouts)
	return append(payouts, invoices...), append(unpaid, uninvoiced...), err
}

func (b *book) settlementType() string {
	if b.gross() {
		return Gross
	}
	return Net
}

func (b *book) gross() bool { return b.config.Gross && b.market.currency == "DKK" }

func (b *book) payout(rows List, date time.Time, debt int64, settlementType string) (*Payout, error) {
	totals, err := sum(rows, debt, settlementType)
	if err != nil {
		return nil, err
	}
	return &Payout{
		MerchantID: b.config.MerchantID, Date: date, Currency: b.market.currency,
		RegistrationCurrency: b.config.registered(), SettlementType: settlementType, Totals: totals, Rows: rows,
	}, nil
}

// take splits off the rows of the events before a given time.
func take(events []event, before time.Time) ([]Row, []event) {
	var rows []Row
	for len(events) > 0 && events[0].at.Before(before) {
		rows = append(rows, events[0].rows...)
		events = events[1:]
	}
	return rows, events
}

// earnedIn returns what the events of slot i leave for the merchant before debt and reserve.
func (b *book) earnedIn(i int) int64 {
	var t Totals
	for _, e := range b.events {
		if b.inSlot(i, e.at) {
			for j := range e.rows {
				_ = t.add(&e.rows[j]) // an unknown type stops settle
			}
		}
	}
	return t.earned()
}

func (b *book) inSlot(i int, at time.Time) bool {
	return at.Before(b.slots[i].cutoff) && (i == 0 || !at.Before(b.slots[i-1].cutoff))
}

// reserve holds back part of the sales of a payout and releases what was held back long enough ago. Both
// rows have no order.
func (b *book) reserve(rows, held []Row, s slot) (all, stillHeld []Row) {
	if b.market.reserve == 0 {
		return rows, held
	}
	var sold int64
	for i := range rows {
		if rows[i].Type == TypeSale {
			sold += rows[i].Amount
		}
	}
	at := s.cutoff.Add(-time.Second)
	back := b.plain(TypeHoldback, "ROLLING_RESERVE", share(sold, b.market.reserve, 10_000), at)
	back.Comment = "Rolling reserve " + s.cutoff.Format(time.DateOnly)
	rows, held = append(rows, back), append(held, back)
	if len(held) > reserveAge {
		release := held[0]
		release.Type, release.CaptureDate = TypeRelease, at
		rows, held = append(rows, release), held[1:]
	}
	return rows, held
}

// recall makes customers return so much in one slot that its sales do not cover it, that the next payout
// repays only part of the debt, and the one after that the rest.
func (b *book) recall(i int) {
	if i < 1 {
		return
	}
	next, afterNext := b.earnedIn(i+1), b.earnedIn(i+2)
	missing := b.earnedIn(i) + next + share(afterNext, 1, 2)
	r := newRandom(b.config.Seed, b.market.number, 17)
	opens := b.slots[i-1].cutoff
	seconds := int64(b.slots[i].cutoff.Sub(opens) / time.Second)
	for j := len(b.sales) - 1; j >= 0 && missing > 0; j-- {
		s := b.sales[j]
		if !s.untouched || !s.row.CaptureDate.Before(opens) || r.chance(250) {
			continue
		}
		s.untouched = false
		missing -= s.row.Amount
		at := opens.Add(time.Duration(r.below(seconds)) * time.Second)
		back := b.refund(r, s, TypeReturn, "PURCHASE_RETURN", s.row.Amount, at)
		back.MerchantRefundReference = "RECALL-" + s.order.number
		b.document(back)
		b.add(at, back)
	}
	sortEvents(b.events)
}

// fillLarge extends one SEK payout to the requested number of rows, with the orders of a campaign of its
// own whose goods few people return.
func (b *book) fillLarge() error {
	rows := b.config.LargeRows
	if b.market.currency != homeCurrency || rows < 0 {
		return nil
	}
	i := largeSlot(b.slots, rows > 0)
	if i < 1 {
		if rows > 0 {
			return fmt.Errorf("a payout of %d rows is requested, but %d days have too few payouts", rows, b.config.Days)
		}
		return nil
	}
	if rows == 0 {
		rows = blackWeekRows
	}
	for _, e := range b.events {
		if b.inSlot(i, e.at) {
			rows -= len(e.rows)
		}
	}
	if rows < 3 {
		return fmt.Errorf("the requested large payout is smaller than it is without the campaign, by %d rows", 3-rows)
	}
	b.campaign(b.slots[i-1].cutoff, b.slots[i].cutoff, rows)
	sortEvents(b.events)
	return nil
}

// campaign sells parcels between two times until there are exactly that many rows; the remainder that
// three rows do not divide is fees for later due dates.
func (b *book) campaign(from, to time.Time, rows int) {
	r := newRandom(b.config.Seed, b.market.number, 19)
	seconds := int64(to.Sub(from) / time.Second)
	for n := 1; rows > 0; n++ {
		at := from.Add(time.Duration(r.below(seconds)) * time.Second)
		o := b.newOrder(r, at.Add(-time.Duration(r.between(600, 90_000))*time.Second).Truncate(time.Second), fmt.Sprintf("BW%06d", n))
		s := b.sell(r, o, 1, b.basket(r), at)
		rows -= 3
		for rows > 0 && rows < 3 {
			b.add(at, b.fee(s, TypeFee, "EXTEND_DUE_DATE_FEE", b.market.extension, at))
			rows--
		}
		if r.chance(8) {
			s.untouched = false
			back := r.workingTime(at, r.days(10, 40))
			row := b.refund(r, s, TypeReturn, "PURCHASE_RETURN", s.row.Amount, back)
			b.document(row)
			b.add(back, row)
		}
	}
}
