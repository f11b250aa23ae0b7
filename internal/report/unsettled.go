package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// Captured holds what was captured on a day and not paid out by the end of another
// one, in minor units. Its sums are for reading: what an accrual books follows the
// rule of each component, see NotPaid.Shares. Returns, fees and VAT are what they
// cost the merchant.
type Captured struct {
	Day      voucher.Date        `json:"day"` // in the company's zone
	Currency settlement.Currency `json:"currency"`
	Rows     int64               `json:"rows"`
	Sales    int64               `json:"sales"`
	Returns  int64               `json:"returns"`
	Fees     int64               `json:"fees"` // without VAT
	VAT      int64               `json:"vat"`
	Other    int64               `json:"other"` // whatever else gives (+) or takes (−): disputes, commission, charges, credits
}

// Total returns what Klarna owes for it.
func (c *Captured) Total() int64 { return c.Sales - c.Returns - c.Fees - c.VAT + c.Other }

// add adds another day's amounts.
func (c *Captured) add(o *Captured) {
	c.Rows += o.Rows
	c.Sales += o.Sales
	c.Returns += o.Returns
	c.Fees += o.Fees
	c.VAT += o.VAT
	c.Other += o.Other
}

// count adds a component by the direction that the payout's proof found.
func (c *Captured) count(component settlement.Component, effect settlement.Effect) {
	switch settlement.NatureOf(component.Type) {
	case settlement.Sales:
		c.Sales += effect.Amount
	case settlement.Return:
		c.Returns -= effect.Amount
	case settlement.FeeVAT:
		c.VAT -= effect.Amount
	case settlement.Fees:
		c.Fees -= effect.Amount
	case settlement.Other:
		c.Other += effect.Amount
	}
	c.VAT -= effect.VAT
	c.Rows += component.Rows
}

// NotPaid holds what was captured up to and including a day, in rows of payouts
// that were paid out after it.
type NotPaid struct {
	At      voucher.Date
	Days    []Captured      // by currency, then by day
	Shares  []voucher.Share // of each payout, what was captured by the day
	Payouts int64           // that were paid out after the day, and read
	Last    time.Time       // when the last of them was paid out; zero: none was
	Undated int64           // rows without a capture date, which are in no day
	Unread  []string        // payouts after the day whose rows are not counted, and why: not proven, or not readable
}

// ByCurrency sums the days.
func (n *NotPaid) ByCurrency() map[settlement.Currency]Captured {
	sums := map[settlement.Currency]Captured{}
	for i := range n.Days {
		sum := sums[n.Days[i].Currency]
		sum.Currency = n.Days[i].Currency
		sum.add(&n.Days[i])
		sums[sum.Currency] = sum
	}
	return sums
}

// In are the shares of the payouts in a currency.
func (n *NotPaid) In(currency settlement.Currency) (shares []voucher.Share) {
	for _, share := range n.Shares {
		if share.Proof.Payout.Currency == currency {
			shares = append(shares, share)
		}
	}
	return shares
}

// Unsettled reads the archived rows of every payout that was paid out after a
// day, and sums those that were captured up to and including it. What Klarna
// has not paid out by now is not known to anybody but Klarna. Holdbacks and
// releases are left out: they move what is owed, and are no capture.
func (r *Reports) Unsettled(ctx context.Context, at voucher.Date) (*NotPaid, error) {
	reading := unpaid{Reports: r, NotPaid: NotPaid{At: at}, days: map[dayKey]*Captured{}}
	after := at.Time().AddDate(0, 0, 1)
	f := store.RegisterFilter{Connection: r.Connection.ID, Limit: registerPage}
	f.From, _ = r.moments(Span{after, after})
	for {
		payouts, err := r.Source.Register(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range payouts {
			switch err := reading.read(ctx, &payouts[i]); {
			case err != nil && (ctx.Err() != nil || errors.Is(err, store.ErrUnreachable)):
				return nil, err
			case err != nil:
				reading.Unread = append(reading.Unread, payouts[i].PaymentReference+": "+err.Error())
			}
			f.After = store.Cursor{Date: payouts[i].Date, PaymentReference: payouts[i].PaymentReference}
		}
		if len(payouts) < registerPage {
			break
		}
	}
	for _, c := range reading.days {
		reading.Days = append(reading.Days, *c)
	}
	slices.SortFunc(reading.Days, func(a, b Captured) int {
		if c := strings.Compare(string(a.Currency), string(b.Currency)); c != 0 {
			return c
		}
		return a.Day.Time().Compare(b.Day.Time())
	})
	return &reading.NotPaid, nil
}

type dayKey struct {
	day      voucher.Date
	currency string
}

// unpaid is NotPaid in the making.
type unpaid struct {
	*Reports
	NotPaid
	days map[dayKey]*Captured
}

// read sums the rows of one payout by the day of their capture.
func (u *unpaid) read(ctx context.Context, p *store.Payout) error {
	proof, err := proofOf(p)
	if err != nil {
		return err
	}
	if proof == nil {
		u.Unread = append(u.Unread, p.PaymentReference+": it is not proven")
		return nil
	}
	captured, err := u.capturedDays(ctx, p, proof)
	if err != nil {
		return err
	}
	captures := captured.Captures(proof.Proof)
	share, err := captures.UpTo(u.At)
	if err != nil {
		return err
	}
	if len(share.Components) > 0 {
		u.Shares = append(u.Shares, share)
	}
	for day, components := range captures.Days {
		if !u.At.Before(day) {
			sum := u.day(day, p.Currency)
			for _, c := range components {
				sum.count(c, proof.Effect(c))
			}
		}
	}
	u.Payouts++
	u.Last = p.Date
	u.Undated += captured.Undated
	return nil
}

// CapturedDays reads on which days the rows of a proven payout were captured,
// from the archived rows that its proof rests on.
func (r *Reports) CapturedDays(ctx context.Context, p *store.Payout) (*voucher.Days, error) {
	proof, err := proofOf(p)
	if err == nil && proof == nil {
		err = fmt.Errorf("read the archived rows of payout %s: it is not proven", p.PaymentReference)
	}
	if err != nil {
		return nil, err
	}
	return r.capturedDays(ctx, p, proof)
}

func (r *Reports) capturedDays(ctx context.Context, p *store.Payout, proof *kept) (*voucher.Days, error) {
	kind, err := r.evidence(ctx, p, proof)
	if err != nil {
		return nil, err
	}
	captured := voucher.NewDays(currency(p.Currency), r.Zone)
	var rows int64
	var row settlement.Row
	for t, err := range r.rowsIn(ctx, p, kind) {
		if err != nil {
			return nil, err
		}
		rows++
		t.Row(&row)
		captured.Add(t.CaptureDate, &row)
	}
	if rows != p.Rows {
		return nil, fmt.Errorf("read the archived rows of payout %s: there are %d, and %d were counted when it was fetched", p.PaymentReference, rows, p.Rows)
	}
	return captured, nil
}

// day is the sum of a day and currency.
func (u *unpaid) day(day voucher.Date, in string) *Captured {
	key := dayKey{day, in}
	if u.days[key] == nil {
		u.days[key] = &Captured{Day: day, Currency: currency(in)}
	}
	return u.days[key]
}

// unsettled is the report of it.
func (r *Reports) unsettled(ctx context.Context, span Span) (*Report, error) {
	n, err := r.Unsettled(ctx, voucher.DateOf(span.To, time.UTC))
	if err != nil {
		return nil, err
	}
	return r.UnsettledReport(n), nil
}

// UnsettledReport is the report of what Unsettled has found.
func (r *Reports) UnsettledReport(n *NotPaid) *Report {
	var rows []Row
	for i := range n.Days {
		rows = append(rows, n.Days[i].row(n.Days[i].Day.String(), false))
	}
	sums := n.ByCurrency()
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		sum := sums[c]
		rows = append(rows, sum.row("Total", true))
	}
	return &Report{
		Name: UnsettledName, Title: "Captured and not paid out",
		Columns: []Column{
			{"capture_date", "Captured", Day, 10},
			{"currency", "Curr.", Text, 6},
			{"rows", "Rows", Count, 9},
			{"sales", "Sales", Money, 14},
			{"returns", "Returns", Money, 13},
			{"fees", "Fees excl. VAT", Money, 13},
			{"vat", "VAT", Money, 12},
			{"other", "Other", Money, 12},
			{"total", "Total", Money, 14},
		},
		Rows: fixed(rows), Notes: func() []string { return n.notes(r.Zone) },
	}
}

func (c *Captured) row(day string, total bool) Row {
	in := string(c.Currency)
	return Row{Total: total, Cells: []Cell{
		words(day), words(in), count(c.Rows), money(c.Sales, in), money(c.Returns, in), money(c.Fees, in), money(c.VAT, in), money(c.Other, in), money(c.Total(), in),
	}}
}

func (n *NotPaid) notes(zone *time.Location) []string {
	notes := []string{fmt.Sprintf("Captured up to and including %s, in rows of payouts that were paid out after it. Total: sales less returns, fees and VAT, and other; other is disputes, commission, charges and credits. Holdbacks and releases are left out. The columns are a summary: an accrual books each kind of row by its own posting rule.", n.At)}
	if n.Last.IsZero() {
		notes = append(notes, fmt.Sprintf("No payout after %s is known yet, so nothing can be told: what Klarna has not paid out is seen in the payouts that follow.", n.At))
	} else {
		notes = append(notes, fmt.Sprintf("Read from %s, the last of %s. What Klarna pays out after that is not in these figures.",
			counted(n.Payouts, "payout"), n.Last.In(zone).Format(time.DateOnly)))
	}
	if n.Undated > 0 {
		notes = append(notes, fmt.Sprintf("%s without a capture date: in no day and no sum.", counted(n.Undated, "row")))
	}
	const most = 10
	for i, words := range n.Unread {
		if i == most {
			notes = append(notes, fmt.Sprintf("… and %d more.", len(n.Unread)-most))
			break
		}
		notes = append(notes, "Not in these figures: "+words+".")
	}
	return notes
}
