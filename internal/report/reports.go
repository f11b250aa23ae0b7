package report

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// The names of the reports.
const (
	Completeness  = "completeness"
	Register      = "register"
	Clearing      = "clearing"
	Reserve       = "reserve"
	Debt          = "debt"
	Fees          = "fees"
	UnsettledName = "unsettled" // at the end of the span
	Disputes      = "disputes"
	Loans         = "loans"
	Held          = "held"
)

// Names are the reports there are. The first is the first sheet of a month's
// pack: whether everything that Klarna paid is there.
func Names() []string {
	return []string{Completeness, Register, Clearing, Reserve, Debt, Fees, Disputes, Loans, UnsettledName, Held}
}

// Make makes a report by name. What is held is told as of now, whatever the
// span.
func (r *Reports) Make(ctx context.Context, name string, span Span) (*Report, error) {
	var made *Report
	var err error
	if name != Held {
		if err := span.Check(); err != nil {
			return nil, err
		}
	}
	switch name {
	case Completeness:
		made, err = r.completeness(ctx, span)
	case Disputes:
		made, err = r.disputes(ctx, span)
	case Loans:
		made, err = r.loans(ctx, span)
	case Register:
		made, err = r.register(ctx, span)
	case Clearing, Reserve, Debt:
		made, err = r.account(ctx, name, span)
	case Fees:
		made, err = r.fees(ctx, span)
	case UnsettledName:
		made, err = r.unsettled(ctx, span)
	case Held:
		made, err = r.waiting(ctx)
	default:
		return nil, &WantedError{Text: name, Wanted: "a report: " + strings.Join(Names(), ", ")}
	}
	if err != nil {
		return nil, err
	}
	made.Name, made.zone = name, r.Zone
	told := made.Notes
	made.Notes = func() []string { return append(told(), r.Problems...) }
	about := []string{r.Connection.CompanyName, "connection " + r.Connection.ID}
	switch name {
	case Held:
	case UnsettledName:
		about = append(about, "at the end of "+span.To.Format(time.DateOnly))
	default:
		about = append(about, span.String())
	}
	made.About = strings.Join(slices.DeleteFunc(about, func(s string) bool { return s == "" }), ", ")
	made.Excel = r.Excel
	made.speak(r.Language)
	if provider := klarna.Provider(r.Connection.Provider); provider == klarna.Kustom {
		made.name(provider.Says)
	}
	return made, nil
}

// registerPage is the number of payouts that are in memory at once.
const registerPage = 200

// Entry is a payout of the register with what stands in Visma.net for it; Booked
// is nil when nothing does. What is large in a payout is left out.
type Entry struct {
	store.Payout
	Booked *Booked
	Shown  Shown
}

// Page is a page of the register, and where the next one begins.
func (r *Reports) Page(ctx context.Context, span Span, state string, after store.Cursor, limit int) ([]Entry, store.Cursor, error) {
	entries, next, err := r.page(ctx, span, state, after, limit)
	for i := range entries {
		p := &entries[i]
		p.Payout.Payout, p.Proof, p.Voucher = nil, nil, nil
	}
	return entries, next, err
}

// page is Page with what is large in a payout.
func (r *Reports) page(ctx context.Context, span Span, state string, after store.Cursor, limit int) ([]Entry, store.Cursor, error) {
	f := store.RegisterFilter{Connection: r.Connection.ID, State: state, After: after, Limit: limit}
	f.From, f.To = r.moments(span)
	payouts, err := r.Source.Register(ctx, f)
	if err != nil || len(payouts) == 0 {
		return nil, after, err
	}
	references := make([]string, len(payouts))
	for i := range payouts {
		references[i] = payouts[i].PaymentReference
	}
	postings, err := r.Source.BookingsOf(ctx, r.Connection.ID, references)
	if err != nil {
		return nil, after, err
	}
	entries := make([]Entry, len(payouts))
	var batches []string
	for i := range payouts {
		p := &payouts[i]
		booked, err := Compare(p, postings[p.PaymentReference])
		if err != nil {
			return nil, after, err
		}
		after = store.Cursor{Date: p.Date, PaymentReference: p.PaymentReference}
		if booked != nil {
			batches = append(batches, booked.Batches...)
		}
		entries[i] = Entry{Payout: *p, Booked: booked}
	}
	return entries, after, r.shown(ctx, entries, batches)
}

func (r *Reports) shown(ctx context.Context, entries []Entry, batches []string) error {
	if r.Books == nil || len(batches) == 0 {
		return nil
	}
	shown, err := r.Books.Shown(ctx, r.Connection.ID, batches)
	if err != nil {
		return err
	}
	for i := range entries {
		if b := entries[i].Booked; b != nil {
			entries[i].Shown = shown[b.Batches[len(b.Batches)-1]]
		}
	}
	return nil
}

// each goes through the register page by page.
func (r *Reports) each(ctx context.Context, span Span) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		for after := (store.Cursor{}); ; {
			entries, next, err := r.Page(ctx, span, "", after, registerPage)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range entries {
				if !yield(&entries[i], nil) {
					return
				}
			}
			if after = next; len(entries) < registerPage {
				return
			}
		}
	}
}

// registerSum holds what the payouts of a currency come to.
type registerSum struct{ payouts, rows, settlement, booked, unbooked, difference, differing int64 }

func (s *registerSum) add(e *Entry) {
	s.payouts++
	s.rows += e.Rows
	s.settlement += e.Settlement
	if e.Booked == nil {
		s.unbooked++
		return
	}
	s.booked += e.Booked.Amount
	s.difference += e.Booked.Difference
	if e.Booked.Difference != 0 || e.Booked.Problem != "" {
		s.differing++
	}
}

func (r *Reports) register(ctx context.Context, span Span) (*Report, error) {
	sums := map[string]*registerSum{}
	var problems []string
	made := &Report{
		Title: "Payout register",
		Columns: []Column{
			{"payout_date", "Payout", Day, 10},
			{"payment_reference", "Reference", Text, 14},
			{"type", "Type", Text, 9},
			{"state", "State", Text, 20},
			{"rows", "Rows", Count, 7},
			{"currency", "Curr.", Text, 5},
			{"settlement_amount", "Klarna paid", Money, 13},
			{"batch", "Batch", Text, 10},
			{"period", "Period", Text, 7},
			{"voucher_date", "Voucher", Day, 10},
			{"booked", "Booked", Money, 13},
			{"difference", "Difference", Money, 11},
		},
	}
	if r.Books != nil {
		made.Columns = append(made.Columns, Column{"shown", "In Visma.net today", Text, 12})
	}
	made.Rows = func(yield func(Row, error) bool) {
		for e, err := range r.each(ctx, span) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			if sums[e.Currency] == nil {
				sums[e.Currency] = &registerSum{}
			}
			sums[e.Currency].add(e)
			if b := e.Booked; b != nil && b.Problem != "" && len(problems) < 20 {
				problems = append(problems, e.PaymentReference+": "+b.Problem+".")
			}
			if !yield(r.registerRow(e), nil) {
				return
			}
		}
		for _, c := range slices.Sorted(maps.Keys(sums)) {
			if !yield(sums[c].row(c), nil) {
				return
			}
		}
	}
	made.Notes = func() []string { return append(registerNotes(sums), problems...) }
	var err error
	made.Charts, err = r.payoutCharts(ctx, span)
	return made, err
}

func (r *Reports) registerRow(e *Entry) Row {
	state := e.State
	if e.HeldReason != "" && e.State == "held" {
		state += ": " + e.HeldReason
	}
	cells := []Cell{
		r.cellOf(e.Date), words(e.PaymentReference), words(e.SettlementType), words(state),
		count(e.Rows), words(e.Currency), settled(e.Settlement, e.Currency), none, none, none, none, none,
	}
	if b := e.Booked; b != nil {
		cells[7], cells[8], cells[9] = words(strings.Join(b.Batches, " ")), words(b.Period), words(b.Day)
		cells[10], cells[11] = money(b.Amount, e.Currency), money(b.Difference, e.Currency)
	}
	if r.Books != nil {
		cells = append(cells, words(e.Shown.Word))
	}
	return Row{Cells: cells}
}

func (s *registerSum) row(c string) Row {
	return Row{Total: true, Cells: []Cell{
		words("Total"), words(counted(s.payouts, "payout")), none, none, count(s.rows), words(c), money(s.settlement, c),
		none, none, none, money(s.booked, c), money(s.difference, c),
	}}
}

func registerNotes(sums map[string]*registerSum) []string {
	notes := []string{"Difference: what Klarna paid less what stands in Visma.net by the voucher that was posted and read back, or what its lines differ from the proven rows. It is computed for each payout; empty means that nothing is booked."}
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		s := sums[c]
		switch {
		case s.differing > 0:
			notes = append(notes, fmt.Sprintf("%s: %s of %d differ.", c, counted(s.differing, "payout"), s.payouts-s.unbooked))
		case s.payouts > s.unbooked:
			notes = append(notes, fmt.Sprintf("%s: each of the payouts that are booked (%d) has a difference of zero.", c, s.payouts-s.unbooked))
		}
		if s.unbooked > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s not booked.", c, counted(s.unbooked, "payout")))
		}
	}
	return notes
}

func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// payoutCharts are payouts and fees by month, one for each currency.
func (r *Reports) payoutCharts(ctx context.Context, span Span) ([]Chart, error) {
	from, to := span.days()
	fees, err := r.Source.MonthSums(ctx, r.Connection.ID, from, to, feeTypes)
	if err != nil {
		return nil, err
	}
	cost := map[string]int64{} // by month and currency
	for i := range fees {
		if m := &fees[i]; !m.Outside {
			net, vat := settlement.CostOf(m.Type, m.Amount, m.VAT)
			cost[m.Month+m.Currency] += net + vat
		}
	}
	byCurrency := map[string]*Chart{}
	for _, month := range span.months() {
		start, end := r.moments(month)
		totals, err := r.Source.RegisterTotals(ctx, r.Connection.ID, start, end)
		if err != nil {
			return nil, err
		}
		label := month.From.Format("2006-01")
		for i := range totals {
			t := &totals[i]
			c := byCurrency[t.Currency]
			if c == nil {
				c = &Chart{Title: "Payouts and fees by month", Currency: currency(t.Currency), Series: []Series{{Name: "Paid out"}, {Name: "Fees and VAT"}}}
				byCurrency[t.Currency] = c
			}
			if n := len(c.Labels); n == 0 || c.Labels[n-1] != label {
				c.Labels = append(c.Labels, label)
				c.Series[0].Values = append(c.Series[0].Values, 0)
				c.Series[1].Values = append(c.Series[1].Values, cost[label+t.Currency])
			}
			c.Series[0].Values[len(c.Labels)-1] += t.Settlement
		}
	}
	var charts []Chart
	for _, c := range slices.Sorted(maps.Keys(byCurrency)) {
		charts = append(charts, *byCurrency[c])
	}
	return charts, nil
}

// months are the months of a span, the first and the last as far as they are
// in it.
func (s Span) months() []Span {
	var all []Span
	for from := s.From; !from.After(s.To); {
		to := time.Date(from.Year(), from.Month()+1, 0, 0, 0, 0, 0, from.Location())
		if to.After(s.To) {
			to = s.To
		}
		all = append(all, Span{from, to})
		from = to.AddDate(0, 0, 1)
	}
	return all
}

// feeTypes are the types of rows that are Klarna's fees and the VAT on them.
var feeTypes = func() (types store.RowTypes) {
	copy(types[:], settlement.TypesOf(settlement.Fees, settlement.FeeVAT))
	return types
}()
