package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"kvitt/internal/settlement"
)

// loan is one of Klarna's merchant loans by the reference that Klarna gives it.
// Balances are what is owed: credit less debit.
type loan struct {
	reference, in, first, last      string
	opening, paid, repaid, balance  int64
	costs, unbooked, unbookedOfCost int64
}

// loans is a statement for each loan.
func (r *Reports) loans(ctx context.Context, span Span) (*Report, error) {
	from, to := span.days()
	books, err := r.bookedOn(ctx, AboutLoan, to)
	if err != nil {
		return nil, err
	}
	for _, a := range books.accounts {
		a.sign = -1
	}
	made := &Report{
		Title: "Klarna's loans",
		Columns: []Column{
			{"currency", "Curr.", Text, 5},
			{"reference", "Klarna's reference", Text, 30},
			{"first", "First", Day, 9},
			{"last", "Last", Day, 9},
			{"opening", "Opening", Money, 12},
			{"paid_out", "Paid out", Money, 12},
			{"amortised", "Amortised", Money, 12},
			{"balance", "Owed", Money, 12},
			{"costs", "Costs", Money, 12},
			{"unbooked", "Not booked", Money, 12},
		},
	}
	sums := map[string]*loan{}
	made.Rows = func(yield func(Row, error) bool) {
		var one *loan
		flush := func() bool {
			if one == nil {
				return true
			}
			if sums[one.in] == nil {
				sums[one.in] = &loan{reference: "Total", in: one.in}
			}
			sums[one.in].add(one)
			return yield(one.row(false), nil)
		}
		for i, err := range r.items(ctx, itemLoan, to) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			books.count(i, to)
			reference := cmp.Or(i.Key, "no reference")
			if one == nil || one.reference != reference || one.in != i.Currency {
				if !flush() {
					return
				}
				one = &loan{reference: reference, in: i.Currency}
			}
			one.take(i, books, from, to)
		}
		if !flush() {
			return
		}
		for _, c := range slices.Sorted(maps.Keys(sums)) {
			if !yield(sums[c].row(true), nil) {
				return
			}
		}
		for _, b := range books.sorted() {
			if !yield(b.row(len(made.Columns), 1, 7, 9), nil) {
				return
			}
		}
	}
	made.Notes = func() []string {
		notes := []string{
			"By klarna_comment, the only thing in Klarna's rows that names a loan. Klarna does not say that all rows of one loan carry the same words: where it gives each amortisation words of its own, the lines have to be read together, and the total of the currency is the balance that can be compared with Klarna's own statement.",
			"Owed: paid out less amortised, by vouchers dated up to the end of the span; costs are those of the span. Costs that the rules put on the loan's account are part of what is owed.",
		}
		for _, c := range slices.Sorted(maps.Keys(sums)) {
			if sums[c].unbookedOfCost != 0 {
				notes = append(notes, fmt.Sprintf("%s: costs of %s are in payouts that no voucher is posted for.", c, settlementFormat(sums[c].unbookedOfCost, c)))
			}
		}
		return append(notes, books.notes("loans")...)
	}
	return made, nil
}

// take counts a row. Where a voucher put it tells whether it is of the loan or
// of what it costs.
func (l *loan) take(i *item, books *bookedOn, from, to string) {
	day := i.day()
	if l.first == "" || day < l.first {
		l.first = day
	}
	l.last = max(l.last, day)
	costs := settlement.LoanCost(i.DetailedType)
	if _, booked := i.on(to); !booked {
		if costs {
			l.unbookedOfCost -= i.Amount
		} else {
			l.unbooked += i.Amount
		}
	}
	for _, p := range i.places {
		owed := i.Amount * p.Sign // what gives money is owed
		cost := costs && books.accounts[[2]string{i.Currency, p.Account}] == nil
		switch {
		case p.Day > to:
		case cost && p.Day >= from:
			l.costs -= owed
		case cost:
		case p.Day < from:
			l.opening += owed
		case owed > 0:
			l.paid += owed
		default:
			l.repaid -= owed
		}
	}
	l.balance = l.opening + l.paid - l.repaid
}

func (l *loan) add(o *loan) {
	l.opening, l.paid, l.repaid, l.balance = l.opening+o.opening, l.paid+o.paid, l.repaid+o.repaid, l.balance+o.balance
	l.costs, l.unbooked, l.unbookedOfCost = l.costs+o.costs, l.unbooked+o.unbooked, l.unbookedOfCost+o.unbookedOfCost
}

func (l *loan) row(total bool) Row {
	row := Row{Total: total, Cells: []Cell{
		words(l.in), words(l.reference), words(l.first), words(l.last), money(l.opening, l.in), money(l.paid, l.in), money(l.repaid, l.in),
		money(l.balance, l.in), money(l.costs, l.in), none,
	}}
	if l.unbooked != 0 || total {
		row.Cells[9] = money(l.unbooked, l.in)
	}
	return row
}
