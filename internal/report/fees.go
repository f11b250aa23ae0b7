package report

import (
	"context"
	"fmt"
	"slices"

	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// cost is fees and VAT, in minor units.
type cost struct{ rows, net, vat int64 }

func (c *cost) add(m *store.MonthSum) {
	net, vat := settlement.CostOf(m.Type, m.Amount, m.VAT)
	c.rows += m.Rows
	c.net += net
	c.vat += vat
}

func (c *cost) row(month, currency, kind string, rate Cell, total bool) Row {
	return Row{Total: total, Cells: []Cell{
		words(month), words(currency), words(kind), rate, count(c.rows), money(c.net, currency), money(c.vat, currency), money(c.net+c.vat, currency),
	}}
}

// fees are Klarna's fees and the VAT on them by month, kind and rate. The
// amounts are those of the rows; what they come to is held against Klarna's own
// totals, which are what its PDFs state.
func (r *Reports) fees(ctx context.Context, span Span) (*Report, error) {
	from, to := span.days()
	sums, err := r.Source.MonthSums(ctx, r.Connection.ID, from, to, feeTypes)
	if err != nil {
		return nil, err
	}
	reads, err := r.Source.MonthReads(ctx, r.Connection.ID, from, to)
	if err != nil {
		return nil, err
	}
	charts, err := r.payoutCharts(ctx, span)
	if err != nil {
		return nil, err
	}
	return &Report{
		Title: "Klarna's fees and VAT",
		Columns: []Column{
			{"month", "Month", Text, 9},
			{"currency", "Curr.", Text, 6},
			{"kind", "Kind", Text, 40},
			{"vat_rate", "VAT %", Rate, 8},
			{"rows", "Rows", Count, 10},
			{"fees", "Fees excl. VAT", Money, 15},
			{"vat", "VAT", Money, 14},
			{"total", "Fees incl. VAT", Money, 15},
		},
		Rows: fixed(feeRows(sums)), Notes: func() []string { return feeNotes(reads, sums) }, Charts: charts,
	}, nil
}

// feeRows are the sums in the order month, currency, with a sum for each rate
// and one for all below them.
func feeRows(sums []store.MonthSum) []Row {
	slices.SortStableFunc(sums, func(a, b store.MonthSum) int {
		switch {
		case a.Month+a.Currency < b.Month+b.Currency:
			return -1
		case a.Month+a.Currency > b.Month+b.Currency:
			return 1
		}
		return 0
	})
	var rows []Row
	for len(sums) > 0 {
		month, currency := sums[0].Month, sums[0].Currency
		var all cost
		byRate := map[int64]*cost{}
		var rates []int64
		for len(sums) > 0 && sums[0].Month == month && sums[0].Currency == currency {
			m := &sums[0]
			var one cost
			one.add(m)
			kind := m.Type + "/" + m.DetailedType
			if m.Outside {
				kind += " (billed apart)"
			}
			rows = append(rows, one.row(month, currency, kind, Cell{Number: m.VATRate, Known: true}, false))
			if !m.Outside {
				if byRate[m.VATRate] == nil {
					byRate[m.VATRate] = &cost{}
					rates = append(rates, m.VATRate)
				}
				byRate[m.VATRate].add(m)
				all.add(m)
			}
			sums = sums[1:]
		}
		slices.Sort(rates)
		for _, rate := range rates {
			rows = append(rows, byRate[rate].row(month, currency, "Sum at this rate", Cell{Number: rate, Known: true}, true))
		}
		rows = append(rows, all.row(month, currency, "Sum", none, true))
	}
	return rows
}

func feeNotes(reads []store.MonthRead, sums []store.MonthSum) []string {
	notes := []string{"From Klarna's rows, by the day of the voucher. The rates are Klarna's, per row; nothing is computed from them."}
	for i := range reads {
		m := &reads[i]
		switch m.Difference {
		case 0:
			notes = append(notes, fmt.Sprintf("%s %s: %s, %s; fees and VAT equal Klarna's totals.", m.Month, m.Currency, counted(m.Payouts, "payout"), counted(m.Rows, "row")))
		default:
			notes = append(notes, fmt.Sprintf("%s %s: %s; fees and VAT differ from Klarna's totals by %s.", m.Month, m.Currency, counted(m.Payouts, "payout"), money(m.Difference, m.Currency).Decimal(Money)))
		}
	}
	if slices.ContainsFunc(sums, func(m store.MonthSum) bool { return m.Outside }) {
		notes = append(notes, "Billed apart: listed by a GROSS payout and not deducted; the amounts come again in Klarna's GROSS_FEE bill and are in no sum here.")
	}
	return notes
}
