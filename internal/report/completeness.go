package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// known holds what Kvitt knows of the payouts of a currency in some days.
type known struct {
	payouts, booked  int64
	bookedSettlement int64 // of those that are booked, less what differs
	totals           settlement.Totals
	unbooked         []string // the first of them
}

// figures are the sums that Klarna's summary has. It has no charges, credits,
// deposits and refunded fees.
var figures = settlement.SummedTotals()

// verdicts are the words of the last column.
const (
	agreed   = "agrees"
	differs  = "DIFFERS"
	notAsked = "NOT COMPARED"
	unbooked = "NOT BOOKED"
)

// completeness holds what Kvitt knows and has booked against what Klarna says
// that it paid out, month by month and currency by currency.
func (r *Reports) completeness(ctx context.Context, span Span) (*Report, error) {
	made := &Report{
		Title: "Completeness against Klarna's own summary",
		Columns: []Column{
			{"month", "Month", Text, 8},
			{"currency", "Curr.", Text, 5},
			{"figure", "Figure", Text, 24},
			{"klarna_payouts", "Payouts, Klarna", Count, 8},
			{"kvitt_payouts", "Payouts, Kvitt", Count, 8},
			{"klarna", "Klarna", Money, 14},
			{"kvitt", "Kvitt", Money, 14},
			{"difference", "Difference", Money, 12},
			{"payment_reference", "Payout", Text, 14},
			{"verdict", "Verdict", Text, 12},
		},
	}
	var rows []Row
	var notes []string
	for _, month := range span.months() {
		of, err := r.completenessOf(ctx, month)
		if err != nil {
			return nil, err
		}
		rows = append(rows, of.rows...)
		notes = append(notes, of.notes...)
	}
	made.Rows = fixed(rows)
	made.Notes = func() []string {
		return append([]string{
			"Klarna: GET /payouts/summary of the same days, asked by Kvitt and kept as received; the number of payouts is that of Klarna's listing. Kvitt: the payouts that it has fetched, whose own totals are summed, and what of them is booked in Visma.net. Klarna's summary has no charges, credits, deposits and refunded fees; those are proven payout by payout.",
		}, notes...)
	}
	return made, nil
}

// monthly is one month in the making.
type monthly struct {
	label string
	rows  []Row
	notes []string
}

func (r *Reports) completenessOf(ctx context.Context, month Span) (*monthly, error) {
	ours, err := r.knownOf(ctx, month)
	if err != nil {
		return nil, err
	}
	theirs, err := r.ask(ctx, month, ours)
	if err != nil {
		return nil, err
	}
	m := &monthly{label: month.From.Format("2006-01")}
	if theirs.failed != nil {
		m.note("Klarna could not be asked now: %s.", strings.TrimSuffix(theirs.failed.Error(), "."))
	}
	switch _, end := r.moments(month); {
	case theirs.asked.IsZero():
		m.note("%s: nobody has asked Klarna for these days, so nothing shows that the payouts are all there.", notAsked)
		m.rows = append(m.rows, m.line("", "", none, none, none, none, none, "", notAsked))
	case theirs.asked.Before(end):
		m.note("Klarna was asked on %s, before these days were over: what it paid out after that is in neither figure.", theirs.asked.In(r.Zone).Format("2006-01-02 15:04"))
	default:
		m.note("Klarna was asked on %s.", theirs.asked.In(r.Zone).Format("2006-01-02 15:04"))
	}
	all := currenciesOf(theirs.sums, ours)
	for _, c := range all {
		if ours[c] == nil {
			ours[c] = &known{}
		}
		if theirs.asked.IsZero() {
			m.figure(c, "settlement_amount", none, count(ours[c].payouts), none, money(ours[c].totals[settlement.TotalSettlement], c), notAsked)
		} else if err := r.compare(ctx, m, month, theirs, ours[c], c); err != nil {
			return nil, err
		}
		m.booked(c, ours[c])
	}
	if len(all) == 0 && !theirs.asked.IsZero() {
		m.note("Klarna paid nothing out in these days, and Kvitt knows of nothing.")
	}
	return m, nil
}

func (m *monthly) note(format string, args ...any) {
	m.notes = append(m.notes, m.label+": "+fmt.Sprintf(format, args...))
}

func (m *monthly) line(c, figure string, klarnas, ours, theirs, kvitts, difference Cell, reference, verdict string) Row {
	return Row{Bad: verdict != agreed, Cells: []Cell{
		words(m.label), words(c), words(figure), klarnas, ours, theirs, kvitts, difference, words(reference), words(verdict),
	}}
}

// figure adds the line of a figure.
func (m *monthly) figure(c, name string, klarnas, ours, theirs, kvitts Cell, verdict string) {
	difference := none
	if theirs.Known && kvitts.Known {
		difference = money(theirs.Number-kvitts.Number, c)
	}
	m.rows = append(m.rows, m.line(c, name, klarnas, ours, theirs, kvitts, difference, "", verdict))
}

// compare adds a line for each figure of a currency, and for each payout that
// is on one side only.
func (r *Reports) compare(ctx context.Context, m *monthly, month Span, t *told, our *known, c string) error {
	their := t.sums[c]
	if their == nil {
		their = &klarna.PayoutSummary{Currency: c} // Klarna names no currency without payouts
	}
	bad := 0
	for i, f := range figures {
		if f.MayBeLeftOut() && !t.stated[f] {
			continue
		}
		theirs, kvitts := their.Totals[f], our.totals[f]
		verdict, klarnas, ours := agreed, none, none
		if i == 0 {
			if n, said := t.counts[c]; said && n >= 0 {
				klarnas = count(n)
			}
			if ours = count(our.payouts); klarnas.Known && klarnas.Number != our.payouts {
				verdict = differs
			}
		}
		if theirs != kvitts {
			verdict = differs
		}
		if verdict == differs {
			bad++
		}
		m.figure(c, f.Member(), klarnas, ours, money(theirs, c), money(kvitts, c), verdict)
	}
	if n, said := t.counts[c]; !said || n < 0 {
		m.note("%s: Klarna did not say how many payouts there are; the sums alone are compared.", c)
	}
	if bad == 0 {
		m.note("%s: complete. Count and sums of Klarna's summary are those of the payouts that Kvitt knows.", c)
		return nil
	}
	m.note("%s: NOT COMPLETE. %d of Klarna's figures differ.", c, bad)
	if !t.listed[c] {
		m.note("%s: when Klarna was asked its figures agreed, so it was not asked for the single payouts; ask again.", c)
		return nil
	}
	return r.oneSided(ctx, m, month, t.payouts[c], c)
}

// booked adds the line of what is in Visma.net.
func (m *monthly) booked(c string, our *known) {
	verdict := agreed
	if len(our.unbooked) > 0 {
		verdict = unbooked
		m.note("%s: %d of %s booked. Not booked, or not as Klarna paid: %s.", c, our.booked, counted(our.payouts, "payout"), strings.Join(our.unbooked, ", "))
	}
	m.rows = append(m.rows, m.line(c, "booked in Visma.net", none, count(our.booked), money(our.totals[settlement.TotalSettlement], c), money(our.bookedSettlement, c),
		money(our.totals[settlement.TotalSettlement]-our.bookedSettlement, c), "", verdict))
}

// oneSided adds the payouts that only one side has, or that differ. It goes
// through Kvitt's a page at a time and strikes them off Klarna's list.
func (r *Reports) oneSided(ctx context.Context, m *monthly, month Span, theirs map[string]listedPayout, c string) error {
	left := maps.Clone(theirs)
	var rows []Row
	for p, err := range r.payoutsOf(ctx, month) {
		if err != nil {
			return err
		}
		if p.Currency != c {
			continue
		}
		their, there := left[p.PaymentReference]
		delete(left, p.PaymentReference)
		our := money(p.Settlement, c)
		switch {
		case !there:
			rows = append(rows, m.line(c, "only in Kvitt", none, none, none, our, money(-p.Settlement, c), p.PaymentReference, differs))
		case their.settlement != p.Settlement:
			rows = append(rows, m.line(c, "another amount", none, none, money(their.settlement, c), our, money(their.settlement-p.Settlement, c), p.PaymentReference, differs))
		}
	}
	for _, reference := range slices.Sorted(maps.Keys(left)) {
		their := left[reference].settlement
		rows = append(rows, m.line(c, "only at Klarna", none, none, money(their, c), none, money(their, c), reference, differs))
	}
	if len(rows) == 0 {
		m.note("%s: Klarna lists the same payouts with the same amounts: its summary does not agree with its own list. Ask Klarna's merchant support.", c)
	}
	m.rows = append(m.rows, rows...)
	return nil
}

// payoutsOf goes through the payouts of a span.
func (r *Reports) payoutsOf(ctx context.Context, span Span) func(func(*store.Payout, error) bool) {
	return func(yield func(*store.Payout, error) bool) {
		f := store.RegisterFilter{Connection: r.Connection.ID, Limit: registerPage}
		for f.From, f.To = r.moments(span); ; {
			all, err := r.Source.Register(ctx, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range all {
				if !yield(&all[i], nil) {
					return
				}
			}
			if len(all) < registerPage {
				return
			}
			f.After = store.Cursor{Date: all[len(all)-1].Date, PaymentReference: all[len(all)-1].PaymentReference}
		}
	}
}

// mostNamed is the number of payouts a note names.
const mostNamed = 10

// knownOf sums what Kvitt knows of some days, by currency.
func (r *Reports) knownOf(ctx context.Context, span Span) (map[string]*known, error) {
	all := map[string]*known{}
	for after := (store.Cursor{}); ; {
		entries, next, err := r.page(ctx, span, "", after, registerPage)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			e := &entries[i]
			if all[e.Currency] == nil {
				all[e.Currency] = &known{}
			}
			if err := all[e.Currency].add(e); err != nil {
				return nil, err
			}
		}
		if after = next; len(entries) < registerPage {
			return all, nil
		}
	}
}

func (k *known) add(e *Entry) error {
	var p settlement.Payout
	if err := json.Unmarshal(e.Payout.Payout, &p); err != nil {
		return fmt.Errorf("read the recorded payout %s: %w", e.PaymentReference, err)
	}
	k.payouts++
	for _, f := range figures {
		k.totals[f] += p.Totals[f]
	}
	open := e.Booked == nil || e.Booked.Difference != 0 || e.Booked.Problem != "" || takenBack(e)
	if e.Booked != nil && !takenBack(e) {
		k.booked++
		k.bookedSettlement += e.Settlement - e.Booked.Difference
	}
	switch {
	case !open:
	case len(k.unbooked) < mostNamed:
		k.unbooked = append(k.unbooked, e.PaymentReference)
	case len(k.unbooked) == mostNamed:
		k.unbooked = append(k.unbooked, "…")
	}
	return nil
}

// takenBack tells whether what was booked was taken back and nothing put in its
// place.
func takenBack(e *Entry) bool { return e.Booked != nil && len(e.Booked.Batches)%2 == 0 }

// agrees tells whether Klarna's count and sums of a currency are Kvitt's.
func agrees(t *told, ours map[string]*known, c string) bool {
	our, their := ours[c], t.sums[c]
	if our == nil {
		our = &known{}
	}
	if their == nil {
		their = &klarna.PayoutSummary{}
	}
	if n, said := t.counts[c]; said && n >= 0 && n != our.payouts {
		return false
	}
	for _, f := range figures {
		if their.Totals[f] != our.totals[f] {
			return false
		}
	}
	return true
}

func currenciesOf(theirs map[string]*klarna.PayoutSummary, ours map[string]*known) []string {
	all := slices.Collect(maps.Keys(theirs))
	for c := range ours {
		if theirs[c] == nil {
			all = append(all, c)
		}
	}
	slices.Sort(all)
	return all
}

func hasMember(body []byte, name string) bool { return bytes.Contains(body, []byte(`"`+name+`"`)) }

func cut(kind, prefix string) (currency string, ok bool) { return strings.CutPrefix(kind, prefix) }
