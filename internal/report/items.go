package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// What items are about.
const (
	itemDispute = string(settlement.Dispute)
	itemLoan    = string(settlement.Loan)
)

// aboutRows tells whether rows of a kind belong to a dispute or to a loan, ""
// for neither.
func aboutRows(typ, detailed string) string { return string(settlement.TopicOf(typ, detailed)) }

// nameOf names a component in one word, the same for a row, a proof and the
// line of a voucher.
func nameOf(k *settlement.Key) string {
	b, err := json.Marshal([]string{k.Type, k.DetailedType, k.Country, k.MerchantID, strconv.FormatInt(k.VATRate, 10), k.Reference})
	if err != nil {
		return "" // strings always marshal
	}
	return string(b)
}

// itemsOf are the items of one payout in the making.
type itemsOf struct {
	proof *kept
	day   string // of the payout
	zone  *time.Location
	n     int64
	items []store.RegisterItem
	sums  map[string]int64 // by component
}

// add looks at a row. What a row gives the merchant is what the proof says of a
// component of this one row.
func (c *itemsOf) add(t *klarna.Transaction, row *settlement.Row) {
	n := c.n
	c.n++
	about := aboutRows(row.Type, row.DetailedType)
	if about == "" || c.proof == nil {
		return
	}
	one := settlement.NewTally(c.proof.Payout.Currency)
	one.Add(row)
	components := one.Components()
	if len(components) == 0 {
		return // in another currency: in no sum of the proof
	}
	amount := c.proof.Effect(components[0]).Amount
	key := row.Key()
	item := store.RegisterItem{
		N: n, About: about, Component: nameOf(&key), PayoutDay: c.day, Currency: string(row.Currency), Type: row.Type, DetailedType: row.DetailedType, Amount: amount,
		OrderID: t.OrderID, CaptureID: t.CaptureID, RefundID: t.RefundID, MerchantReference1: t.MerchantReference1, MerchantReference2: t.MerchantReference2,
		ReversalReference: t.ReversalReference, Comment: t.KlarnaComment,
	}
	if !t.CaptureDate.IsZero() {
		item.RowDay = voucher.DateOf(t.CaptureDate, c.zone).String()
	}
	switch about {
	case itemLoan:
		item.Key = strings.TrimSpace(t.KlarnaComment)
	default:
		item.Key = cmp.Or(t.OrderID, t.ReversalReference, t.CaptureID, t.RefundID, c.proof.Payout.PaymentReference)
	}
	c.items = append(c.items, item)
	if c.sums == nil {
		c.sums = map[string]int64{}
	}
	c.sums[item.Component] += amount
}

// check holds the items against the proof: together they are what each of its
// components gives.
func (c *itemsOf) check() error {
	if c.proof == nil {
		return nil
	}
	for i := range c.proof.Components {
		component := &c.proof.Components[i]
		if aboutRows(component.Type, component.DetailedType) == "" {
			continue
		}
		if sum, proven := c.sums[nameOf(&component.Key)], c.proof.Effect(*component).Amount; sum != proven {
			return fmt.Errorf("the rows of %s give %s and the proof says %s", component.Pair(),
				settlement.Format(sum, c.proof.Payout.Currency), settlement.Format(proven, c.proof.Payout.Currency))
		}
	}
	return nil
}

// placesOf are where a voucher put what is followed row by row.
func placesOf(v *voucher.Voucher, p *store.Booking) []store.RegisterPlace {
	sign := int64(1)
	if takesBack(p) {
		sign = -1
	}
	var all []store.RegisterPlace
	for i := range v.Lines {
		l := &v.Lines[i]
		if l.Role != voucher.RoleComponent {
			continue
		}
		for j := range l.Components {
			if c := &l.Components[j]; aboutRows(c.Type, c.DetailedType) != "" {
				all = append(all, store.RegisterPlace{Token: v.Token, Component: nameOf(&c.Key), Account: l.Account, Day: v.Date.String(), Sign: sign})
			}
		}
	}
	return all
}

// item is a row with where vouchers put it up to a day.
type item struct {
	store.RegisterItem
	places []store.RegisterPlace
}

// day is when the row happened, or when it was paid out where Klarna gives no
// date.
func (i *item) day() string { return cmp.Or(i.RowDay, i.PayoutDay) }

// on returns what the row comes to on its accounts up to and including a day, debit
// less credit; booked tells whether anything is booked.
func (i *item) on(day string) (balance int64, booked bool) {
	times := int64(0)
	for _, p := range i.places {
		if p.Day <= day {
			times += p.Sign
		}
	}
	return -i.Amount * times, times != 0
}

// items goes through what is about something, by currency and key, some at a
// time. Rows of payouts after the day are left out.
func (r *Reports) items(ctx context.Context, about, day string) iter.Seq2[*item, error] {
	return func(yield func(*item, error) bool) {
		for after := (*store.RegisterItem)(nil); ; {
			rows, err := r.Source.RegisterItems(ctx, r.Connection.ID, about, after, registerPage)
			if err != nil {
				yield(nil, err)
				return
			}
			found, err := r.placed(ctx, rows)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range found {
				if found[i].PayoutDay <= day && !yield(&found[i], nil) {
					return
				}
			}
			if len(rows) < registerPage {
				return
			}
			after = &rows[len(rows)-1]
		}
	}
}

func (r *Reports) placed(ctx context.Context, rows []store.RegisterItem) ([]item, error) {
	var references []string
	seen := map[string]bool{}
	for i := range rows {
		if ref := rows[i].PaymentReference; !seen[ref] {
			seen[ref] = true
			references = append(references, ref)
		}
	}
	all, err := r.Source.RegisterPlaces(ctx, r.Connection.ID, references)
	if err != nil {
		return nil, err
	}
	by := map[[2]string][]store.RegisterPlace{}
	for i := range all {
		key := [2]string{all[i].PaymentReference, all[i].Component}
		by[key] = append(by[key], all[i])
	}
	found := make([]item, len(rows))
	for i := range rows {
		found[i] = item{rows[i], by[[2]string{rows[i].PaymentReference, rows[i].Component}]}
	}
	return found, nil
}
