package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// disputeAges are how old an open dispute is at the end of the span.
var disputeAges = []struct {
	name string
	upTo int64
}{{"0–30 days", 30}, {"31–90 days", 90}, {"91–180 days", 180}, {"over 180 days", 1 << 40}}

// dispute is one order that Klarna took something back of. Amounts are debit
// less credit on the account that the rules put them on.
type dispute struct {
	items                             []*item
	opened                            string
	opening, taken, given, balance    int64
	unbooked                          int64
	order, merchant, capture, krn, in string
}

// disputes are the orders with something open at the beginning or the end of
// the span, or with something that happened in it.
func (r *Reports) disputes(ctx context.Context, span Span) (*Report, error) {
	from, to := span.days()
	books, err := r.bookedOn(ctx, AboutDisputes, to)
	if err != nil {
		return nil, err
	}
	made := &Report{
		Title: "Disputes by order",
		Columns: []Column{
			{"currency", "Curr.", Text, 5},
			{"order_id", "Order", Text, 22},
			{"merchant_reference", "Merchant's reference", Text, 12},
			{"capture_id", "Capture", Text, 12},
			{"dispute", "Klarna's dispute", Text, 14},
			{"payouts", "Payouts", Text, 12},
			{"opened", "Opened", Day, 9},
			{"opening", "Opening", Money, 10},
			{"taken", "Taken", Money, 10},
			{"given", "Given back", Money, 10},
			{"balance", "Open", Money, 10},
			{"days", "Days", Count, 5},
			{"unbooked", "Not booked", Money, 9},
		},
	}
	sums := map[string]*disputeSum{}
	made.Rows = func(yield func(Row, error) bool) {
		one := &dispute{}
		flush := func() bool {
			if len(one.items) == 0 {
				return true
			}
			one.sum(from, to)
			if one.opening == 0 && one.taken == 0 && one.given == 0 && one.balance == 0 && one.unbooked == 0 {
				return true
			}
			if sums[one.in] == nil {
				sums[one.in] = &disputeSum{byAge: map[string]int64{}}
			}
			return yield(one.row(sums[one.in], span.To), nil)
		}
		for i, err := range r.items(ctx, itemDispute, to) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			books.count(i, to)
			if n := len(one.items); n > 0 && (one.items[0].Key != i.Key || one.items[0].Currency != i.Currency) {
				if !flush() {
					return
				}
				one = &dispute{}
			}
			one.items = append(one.items, i)
		}
		if !flush() {
			return
		}
		for _, c := range slices.Sorted(maps.Keys(sums)) {
			for _, row := range sums[c].rows(c) {
				if !yield(row, nil) {
					return
				}
			}
		}
		for _, b := range books.sorted() {
			if !yield(b.row(len(made.Columns), 1, 10, 12), nil) {
				return
			}
		}
	}
	made.Notes = func() []string {
		return append([]string{
			"What Klarna took back of an order (reversal, fraud, unpaid purchase) and gave back of that (correction, merchant protection), by order; balances are debit less credit on the account that the rules put them on, by vouchers dated up to the end of the span. An order that came to nothing before the span is left out. Days: from the row that opened it to the end of the span.",
			"Not booked: in payouts that no voucher is posted for. What people book themselves, and what accruals book, is not in these figures.",
		}, books.notes("disputes")...)
	}
	return made, nil
}

// sum goes through the items in the order in which they happened.
func (d *dispute) sum(from, to string) {
	slices.SortStableFunc(d.items, func(a, b *item) int { return strings.Compare(a.day(), b.day()) })
	var merchants, captures, krns, payouts []string
	var running int64
	for _, i := range d.items {
		balance, booked := i.on(to)
		if !booked {
			d.unbooked -= i.Amount
		}
		if running == 0 && balance != 0 {
			d.opened = i.day()
		}
		if running += balance; running == 0 {
			d.opened = ""
		}
		before := int64(0)
		for _, p := range i.places {
			switch delta := -i.Amount * p.Sign; {
			case p.Day > to:
			case p.Day < from:
				before += delta
			case delta > 0:
				d.taken += delta
			default:
				d.given -= delta
			}
		}
		d.opening += before
		d.balance += balance
		d.in = i.Currency
		d.order = cmp.Or(d.order, i.OrderID)
		merchants, captures = add(merchants, cmp.Or(i.MerchantReference1, i.MerchantReference2)), add(captures, cmp.Or(i.CaptureID, i.RefundID))
		krns, payouts = add(krns, i.ReversalReference), add(payouts, i.PaymentReference)
	}
	d.merchant, d.capture, d.krn = strings.Join(merchants, " "), strings.Join(captures, " "), strings.Join(krns, " ")
}

func (d *dispute) payouts() string {
	var all []string
	for _, i := range d.items {
		all = add(all, i.PaymentReference)
	}
	return strings.Join(all, " ")
}

func add(all []string, one string) []string {
	if one == "" || slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

func (d *dispute) row(sum *disputeSum, at time.Time) Row {
	row := Row{Cells: []Cell{
		words(d.in), words(d.order), words(d.merchant), words(d.capture), words(d.krn), words(d.payouts()), none,
		money(d.opening, d.in), money(d.taken, d.in), money(d.given, d.in), money(d.balance, d.in), none, none,
	}}
	sum.orders++
	sum.opening, sum.taken, sum.given, sum.balance = sum.opening+d.opening, sum.taken+d.taken, sum.given+d.given, sum.balance+d.balance
	if d.unbooked != 0 {
		sum.unbooked += d.unbooked
		row.Cells[12] = money(d.unbooked, d.in)
	}
	if d.balance == 0 {
		return row
	}
	row.Cells[6] = words(d.opened)
	if opened, err := time.Parse(time.DateOnly, d.opened); err == nil {
		days := int64(at.Sub(opened) / (24 * time.Hour))
		row.Cells[11] = count(days)
		for _, a := range disputeAges {
			if days <= a.upTo {
				sum.byAge[a.name] += d.balance
				break
			}
		}
	}
	return row
}

// disputeSum holds what the disputes of a currency come to.
type disputeSum struct {
	orders                                   int64
	opening, taken, given, balance, unbooked int64
	byAge                                    map[string]int64
}

func (s *disputeSum) rows(c string) []Row {
	var all []Row
	for _, a := range disputeAges {
		if s.byAge[a.name] != 0 {
			all = append(all, Row{Total: true, Cells: []Cell{words(c), words("Open for " + a.name), none, none, none, none, none, none, none, none, money(s.byAge[a.name], c), none, none}})
		}
	}
	return append(all, Row{Total: true, Cells: []Cell{
		words(c), words("Total"), words(counted(s.orders, "order")), none, none, none, none,
		money(s.opening, c), money(s.taken, c), money(s.given, c), money(s.balance, c), none, money(s.unbooked, c),
	}})
}

// bookedOn holds what Kvitt's vouchers put on the accounts for something, beside
// what the rows of payouts come to there.
type bookedOn struct {
	accounts map[[2]string]*bookedAccount // by currency and account
	others   map[[2]string]int64          // accounts that are for other things too
}

// bookedAccount is one account in one currency, debit less credit.
type bookedAccount struct {
	currency, account string
	vouchers, rows    int64
	sign              int64 // -1: shown as what is owed
}

func (r *Reports) bookedOn(ctx context.Context, about, day string) (*bookedOn, error) {
	sums, err := r.Source.AccountSums(ctx, r.Connection.ID, about, day)
	if err != nil {
		return nil, err
	}
	b := &bookedOn{map[[2]string]*bookedAccount{}, map[[2]string]int64{}}
	for i := range sums {
		m := &sums[i]
		b.accounts[[2]string{m.Currency, m.Account}] = &bookedAccount{currency: m.Currency, account: m.Account, vouchers: m.Debit - m.Credit, sign: 1}
	}
	return b, nil
}

// count adds what an item comes to on its accounts at the end of a day.
func (b *bookedOn) count(i *item, day string) {
	for _, p := range i.places {
		if p.Day > day {
			continue
		}
		key := [2]string{i.Currency, p.Account}
		if known := b.accounts[key]; known != nil {
			known.rows -= i.Amount * p.Sign
		} else {
			b.others[key] -= i.Amount * p.Sign
		}
	}
}

func (b *bookedOn) sorted() []*bookedAccount {
	var all []*bookedAccount
	for _, key := range slices.SortedFunc(maps.Keys(b.accounts), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }) {
		all = append(all, b.accounts[key])
	}
	return all
}

// row is the account in the books: its balance, and what of it is not in the
// lines above.
func (b *bookedAccount) row(columns, label, balance, difference int) Row {
	cells := make([]Cell, columns)
	cells[0] = words(b.currency)
	cells[label] = words("Account " + b.account + " by Kvitt's vouchers")
	cells[balance] = money(b.sign*b.vouchers, b.currency)
	off := b.vouchers - b.rows
	if off != 0 {
		cells[difference] = money(b.sign*off, b.currency)
	}
	return Row{Total: true, Bad: off != 0, Cells: cells}
}

// notes say where an account differs, or cannot be compared.
func (b *bookedOn) notes(what string) []string {
	var notes []string
	for _, a := range b.sorted() {
		if off := a.vouchers - a.rows; off != 0 {
			notes = append(notes, fmt.Sprintf("DIFFERS: account %s holds %s %s by Kvitt's vouchers of which no row here tells. Rules that put other rows on it, or rows that changed after the voucher, are the causes there are.",
				a.account, settlementFormat(off, a.currency), a.currency))
			continue
		}
		notes = append(notes, fmt.Sprintf("Account %s, %s: the lines here come to what Kvitt's vouchers put on it.", a.account, a.currency))
	}
	for _, key := range slices.SortedFunc(maps.Keys(b.others), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }) {
		if b.others[key] != 0 {
			notes = append(notes, fmt.Sprintf("%s %s of %s stand on account %s, which is used for other things too: its balance cannot be compared with these lines. An account of its own can.",
				settlementFormat(b.others[key], key[0]), key[0], what, key[1]))
		}
	}
	return notes
}

func settlementFormat(minor int64, c string) string { return money(minor, c).Decimal(Money) }
