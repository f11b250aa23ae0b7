package report

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"kvitt/internal/store"
)

// account rolls an account forward by Kvitt's own vouchers: opening,
// debit, credit, closing by month. Balances are debit less credit. Beside it
// stands what Klarna's figures say: of clearing and reserve the proven rows, of
// debt the balance that Klarna states.
func (r *Reports) account(ctx context.Context, about string, span Span) (*Report, error) {
	from, to := span.days()
	months, err := r.Source.AccountMonths(ctx, r.Connection.ID, about, from, to)
	if err != nil {
		return nil, err
	}
	rolls := rollForward(months, span)
	if about == AboutDebt {
		if err := r.klarnasDebt(ctx, rolls, span); err != nil {
			return nil, err
		}
	}
	made := &Report{
		Title: map[string]string{AboutClearing: "Clearing account", AboutReserve: "Reserve held by Klarna", AboutDebt: "Debt to Klarna"}[about] + ", rolled forward",
		Columns: []Column{
			{"month", "Month", Text, 10},
			{"currency", "Curr.", Text, 6},
			{"account", "Account", Text, 10},
			{"opening", "Opening", Money, 15},
			{"debit", "Debit", Money, 15},
			{"credit", "Credit", Money, 15},
			{"closing", "Closing", Money, 15},
			{"klarna", "By Klarna's figures", Money, 15},
			{"difference", "Difference", Money, 12},
		},
	}
	notes := accountNotes(about)
	accrued := map[string]accruedSum{}
	if about == AboutClearing {
		if accrued, err = r.accruedAt(ctx, span.To); err != nil {
			return nil, err
		}
	}
	told := len(notes)
	var rows []Row
	for _, roll := range rolls {
		rows = append(rows, roll.rows()...)
		if sum, ok := accrued[roll.currency+" "+roll.account]; ok {
			rows = append(rows, roll.accruedRow(sum))
			notes = append(notes[:told:told], accruedNote(span.To))
		}
		made.Charts = append(made.Charts, roll.chart(made.Title))
	}
	made.Rows = fixed(rows)
	made.Notes = func() []string { return notes }
	return made, nil
}

func accountNotes(about string) []string {
	notes := []string{"By the vouchers that Kvitt has posted and that were read back; balances are debit less credit since Kvitt's first voucher."}
	switch about {
	case AboutClearing:
		notes = append(notes, "What the shop books against this account when it sells is not in it: together with that, the account is zero when every order is paid out.")
	case AboutDebt:
		notes = append(notes, "By Klarna's figures: the closing debt of the last payout of the month, less what was owed before the first payout that Kvitt knows. A difference is payouts that are not booked, or negative ones whose debt Klarna does not state, until they are collected.")
	}
	return notes
}

// roll is one account in one currency, month by month.
type roll struct {
	account, currency string
	months            []string
	opening           int64
	debit, credit     []int64
	klarna            []int64 // balance at the end of each month, debit less credit
}

// rollForward groups what happened by account. Months in which nothing did are
// in it.
func rollForward(months []store.AccountMonth, span Span) []*roll {
	var labels []string
	for _, m := range span.months() {
		labels = append(labels, m.From.Format("2006-01"))
	}
	rolls := map[string]*roll{}
	proven := map[string]int64{}
	for i := range months {
		m := &months[i]
		key := m.Currency + " " + m.Account
		one := rolls[key]
		if one == nil {
			one = &roll{
				account: m.Account, currency: m.Currency, months: labels,
				debit: make([]int64, len(labels)), credit: make([]int64, len(labels)), klarna: make([]int64, len(labels)),
			}
			rolls[key] = one
		}
		at := slices.Index(labels, m.Month)
		if at < 0 { // before the span
			one.opening += m.Debit - m.Credit
			proven[key] -= m.Proven
			continue
		}
		one.debit[at] += m.Debit
		one.credit[at] += m.Credit
		one.klarna[at] -= m.Proven
	}
	all := make([]*roll, 0, len(rolls))
	for _, key := range slices.Sorted(maps.Keys(rolls)) {
		one := rolls[key]
		running := proven[key]
		for i := range one.klarna {
			running += one.klarna[i]
			one.klarna[i] = running
		}
		all = append(all, one)
	}
	return all
}

// klarnasDebt replaces what the rows say by the balances that Klarna states.
func (r *Reports) klarnasDebt(ctx context.Context, rolls []*roll, span Span) error {
	for i, month := range span.months() {
		_, end := r.moments(month)
		debts, err := r.Source.Debts(ctx, r.Connection.ID, end)
		if err != nil {
			return err
		}
		for _, one := range rolls {
			one.klarna[i] = 0
			for d := range debts {
				if debts[d].Currency == one.currency {
					one.klarna[i] -= debts[d].Last - debts[d].First
				}
			}
		}
	}
	return nil
}

func (r *roll) rows() []Row {
	var rows []Row
	balance := r.opening
	for i, month := range r.months {
		opening := balance
		balance += r.debit[i] - r.credit[i]
		rows = append(rows, Row{Cells: []Cell{
			words(month), words(r.currency), words(r.account), money(opening, r.currency), money(r.debit[i], r.currency), money(r.credit[i], r.currency),
			money(balance, r.currency), money(r.klarna[i], r.currency), money(balance-r.klarna[i], r.currency),
		}})
	}
	if len(r.months) > 1 {
		var debit, credit int64
		for i := range r.months {
			debit, credit = debit+r.debit[i], credit+r.credit[i]
		}
		last := r.klarna[len(r.klarna)-1]
		rows = append(rows, Row{Total: true, Cells: []Cell{
			words("All"), words(r.currency), words(r.account), money(r.opening, r.currency), money(debit, r.currency), money(credit, r.currency),
			money(balance, r.currency), money(last, r.currency), money(balance-last, r.currency),
		}})
	}
	return rows
}

func (r *roll) chart(title string) Chart {
	c := Chart{Title: fmt.Sprintf("%s: account %s", title, r.account), Currency: currency(r.currency), Labels: r.months, Line: true, Series: []Series{{Name: "Balance"}}}
	balance := r.opening
	for i := range r.months {
		balance += r.debit[i] - r.credit[i]
		c.Series[0].Values = append(c.Series[0].Values, balance)
	}
	return c
}
