package report

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/store"
)

// ages are how long something may have waited, in days from the payout on.
var ages = []struct {
	name string
	upTo int64
}{{"0–1 days", 1}, {"2–7 days", 7}, {"8–30 days", 30}, {"over 30 days", 1 << 40}}

func ageOf(days int64) string {
	for _, a := range ages {
		if days <= a.upTo {
			return a.name
		}
	}
	return ""
}

// waiting returns what is held or waits for approval, by reason and age.
func (r *Reports) waiting(ctx context.Context) (*Report, error) {
	payouts, err := r.Source.Waiting(ctx, r.Connection.ID)
	if err != nil {
		return nil, err
	}
	beside, err := r.besides(ctx)
	if err != nil {
		return nil, err
	}
	type group struct{ reason, age, currency string }
	type sum struct{ payouts, settlement int64 }
	sums := map[group]*sum{}
	var rows []Row
	slices.SortStableFunc(payouts, func(a, b store.Payout) int {
		if x, y := reasonOf(&a), reasonOf(&b); x != y {
			return map[bool]int{true: -1, false: 1}[x < y]
		}
		return 0
	})
	for i := range payouts {
		p := &payouts[i]
		since := p.Date
		if since.IsZero() {
			since = p.DiscoveredAt // when nobody can say when it was paid out
		}
		days := int64(r.Now.Sub(since) / (24 * time.Hour))
		g := group{reasonOf(p), ageOf(days), p.Currency}
		if sums[g] == nil {
			sums[g] = &sum{}
		}
		sums[g].payouts++
		sums[g].settlement += p.Settlement
		rows = append(rows, Row{Cells: []Cell{
			words(g.reason), words(g.age), count(days), r.cellOf(p.Date), words(p.PaymentReference),
			words(p.Currency), settled(p.Settlement, p.Currency), words(detailOf(p)),
		}})
	}
	for _, g := range slices.SortedFunc(maps.Keys(sums), func(a, b group) int {
		return slices.Compare([]string{a.reason, a.currency, a.age}, []string{b.reason, b.currency, b.age})
	}) {
		rows = append(rows, Row{Total: true, Cells: []Cell{
			words(g.reason), words(g.age), none, none, words(counted(sums[g].payouts, "payout")), words(g.currency), settled(sums[g].settlement, g.currency), none,
		}})
	}
	return &Report{
		Title: "Held payouts by reason and age",
		Columns: []Column{
			{"reason", "Reason", Text, 17},
			{"age", "Age", Text, 11},
			{"days", "Days", Count, 5},
			{"payout_date", "Payout", Day, 9},
			{"payment_reference", "Reference", Text, 13},
			{"currency", "Curr.", Text, 5},
			{"settlement_amount", "Klarna paid", Money, 12},
			{"detail", "What happened", Text, 50},
		},
		Rows: fixed(rows),
		Notes: func() []string {
			return append([]string{fmt.Sprintf("As of %s. Age is counted from the payout on.", r.Now.In(r.Zone).Format("2006-01-02 15:04"))}, beside...)
		},
	}, nil
}

// besides says what waits that is no payout: reversals and accruals that are
// held, and accruals that Visma.net has not taken back.
func (r *Reports) besides(ctx context.Context) ([]string, error) {
	stops, err := r.Source.Stops(ctx, r.Connection.ID, "")
	if err != nil {
		return nil, err
	}
	var all []string
	for i := range stops {
		p := &stops[i]
		name := p.Name
		if p.Work == store.WorkReversal {
			name = "the reversal of payout " + name
		}
		all = append(all, fmt.Sprintf("Held too: %s, since %s, %s: %s", name, p.Since.In(r.Zone).Format(time.DateOnly), p.Reason, detailOf(&store.Payout{Held: p.Held, HeldReason: p.Reason})))
	}
	found, err := r.Source.Drifts(ctx, r.Connection.ID)
	for i := range found {
		if found[i].Word == store.NotTakenBack {
			all = append(all, fmt.Sprintf("Not taken back by Visma.net: %s, batch %s.", found[i].Name, found[i].BatchNumber))
		}
	}
	return all, err
}

// cellOf is a payout's day; one that cannot be read may have none.
func (r *Reports) cellOf(date time.Time) Cell {
	if date.IsZero() {
		return none
	}
	return words(date.In(r.Zone).Format(time.DateOnly))
}

// settled returns what Klarna paid; nobody knows that of a payout that cannot be read.
func settled(minor int64, currency string) Cell {
	if currency == "" && minor == 0 {
		return none
	}
	return money(minor, currency)
}

func reasonOf(p *store.Payout) string {
	if p.HeldReason == "" {
		return p.State
	}
	return p.HeldReason
}

func detailOf(p *store.Payout) string {
	var evidence struct {
		Detail string `json:"detail"`
	}
	if len(p.Held) > 0 {
		_ = json.Unmarshal(p.Held, &evidence) // what cannot be read says nothing
	}
	if evidence.Detail != "" {
		return evidence.Detail
	}
	reason, _ := held.Look(held.Code(p.HeldReason))
	return reason.Sentence
}
