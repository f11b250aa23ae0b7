package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/opening"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// openingYears limits how far before the start Klarna's payouts are read for the
// reserve, which Klarna does not state as a balance.
const openingYears = 2

// Opening are the opening figures of a currency, and where the books have them.
type Opening struct {
	opening.Opening
	Lines    []opening.Line   `json:"lines,omitempty"` // the voucher against the contra account
	Recorded *RecordedOpening `json:"recorded,omitempty"`
}

// RecordedOpening holds what was confirmed.
type RecordedOpening struct {
	Way         string    `json:"way"` // booked or in_books
	BatchNumber string    `json:"batch_number,omitempty"`
	Who         string    `json:"who"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
	// Changed lists what Klarna's documents say otherwise by now.
	Changed []string `json:"changed,omitempty"`
}

// Openings computes the opening figures of a connection, by currency: from
// Klarna's list of payouts, which is read anew, and from the archived rows of the
// payouts from the start on. contra may be empty.
func (d *Desk) Openings(ctx context.Context, row *store.Connection, start voucher.Date, contra string) ([]Opening, error) {
	attempted := "find the opening figures of the connection " + row.ID
	profile, _, err := d.Doors.Profile(ctx, row.ID, 0)
	if err != nil {
		return nil, err
	}
	in := opening.Input{Start: start, Zone: profile.Location(), Profile: profile, Captured: map[settlement.Currency]opening.Captured{}}
	from := start.Time().AddDate(-openingYears, 0, 0)
	in.Since = voucher.DateOf(from, time.UTC)
	if in.Payouts, err = d.listed(ctx, row.ID, from); err != nil {
		return nil, err
	}
	made := &report.Reports{Source: d.Store, Connection: *row, Zone: profile.Location(), Now: time.Now()}
	n, err := made.Unsettled(ctx, voucher.DateOf(start.Time().AddDate(0, 0, -1), time.UTC))
	if err != nil {
		return nil, err
	}
	for currency, c := range n.ByCurrency() {
		in.Captured[currency] = opening.Captured{Sales: c.Sales, Returns: c.Returns, Other: c.Other}
	}
	in.Last, in.Undated, in.Unread = n.Last, n.Undated, append(n.Unread, unfetched(ctx, d.Store, row.ID, in.Payouts, start, profile.Location())...)
	recorded, err := d.Store.Openings(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	out := []Opening{}
	for _, o := range opening.Compute(&in) {
		one := Opening{Opening: o}
		if contra != "" {
			one.Lines = o.Lines(contra, profile.OpeningText(klarna.Provider(row.Provider).Name(), o.At))
		}
		for i := range recorded {
			if recorded[i].Currency == string(o.Currency) {
				if one.Recorded, err = recordedOf(&recorded[i], &o); err != nil {
					return nil, fmt.Errorf("%s: %w", attempted, err)
				}
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// listed reads Klarna's list of payouts from a day on.
func (d *Desk) listed(ctx context.Context, connection string, from time.Time) ([]settlement.Payout, error) {
	client, err := d.Doors.Klarna(ctx, connection)
	if err != nil {
		return nil, err
	}
	var all []settlement.Payout
	err = klarna.Read(ctx, client.Payouts(ctx, klarna.PayoutsQuery{Start: from, End: time.Now()}),
		func() error { all = nil; return nil },
		func(page *klarna.Page[klarna.Payout]) error {
			defer page.Release()
			for i := range page.Items {
				all = append(all, page.Items[i].Settlement())
			}
			return nil
		})
	return all, err
}

// unfetched are the payouts from the start on that Klarna lists and Kvitt has not
// read the rows of.
func unfetched(ctx context.Context, s *store.Store, connection string, payouts []settlement.Payout, start voucher.Date, zone *time.Location) []string {
	var out []string
	for i := range payouts {
		p := &payouts[i]
		if voucher.DateOf(p.Date, zone).Before(start) {
			continue
		}
		if _, err := s.Payout(ctx, connection, p.PaymentReference); errors.Is(err, store.ErrNotFound) {
			out = append(out, p.PaymentReference+": it was not fetched yet")
		}
	}
	return out
}

func recordedOf(r *store.Opening, now *opening.Opening) (*RecordedOpening, error) {
	var then []opening.Figure
	if err := json.Unmarshal(r.Figures, &then); err != nil {
		return nil, fmt.Errorf("read the figures that were recorded: %w", err)
	}
	out := &RecordedOpening{Way: r.Way, BatchNumber: r.BatchNumber, Who: r.Who, Reason: r.Reason, At: r.At}
	key := func(f opening.Figure) string { return strings.TrimSpace(f.Role + " " + f.Merchant) }
	was := map[string]int64{}
	for _, f := range then {
		was[key(f)] = f.Amount
	}
	for _, f := range now.Figures {
		if was[key(f)] != f.Amount {
			out.Changed = append(out.Changed, fmt.Sprintf("%s was %s and is %s", key(f), settlement.Format(was[key(f)], now.Currency), settlement.Format(f.Amount, now.Currency)))
		}
	}
	return out, nil
}

// Confirmation says where the books have an opening.
type Confirmation struct {
	Currency string
	Way      string // booked, in_books or withdrawn
	Batch    string // with booked
	Who      string
	Reason   string
}

// ConfirmOpening records where the books have the opening of a currency. A batch
// is read and compared: what it comes to on each account has to be the figure, to
// the minor unit. Errors: *Error.
func (d *Desk) ConfirmOpening(ctx context.Context, row *store.Connection, o *Opening, c Confirmation) error {
	attempted := "record the opening in " + c.Currency
	record := store.Opening{
		ConnectionID: row.ID, Currency: c.Currency, Way: c.Way, BatchNumber: c.Batch, Who: c.Who, Reason: c.Reason,
		Start: o.Start.String(),
	}
	var err error
	if record.Figures, err = json.Marshal(o.Figures); err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	if c.Way != store.OpeningWithdrawn && len(o.Missing) > 0 {
		return &Error{Attempted: attempted, Happened: "the figures are not whole: " + strings.Join(o.Missing, "; "), Helps: "Ask again when more payouts have come, or after `starter sync`."}
	}
	if c.Way == store.OpeningBooked {
		if err := d.compareOpening(ctx, row, o, c.Batch); err != nil {
			return err
		}
	}
	return d.Store.PutOpening(ctx, record)
}

func (d *Desk) compareOpening(ctx context.Context, row *store.Connection, o *Opening, number string) error {
	attempted := "compare batch " + number + " with the opening in " + string(o.Currency)
	client, err := d.Doors.Visma(ctx, row.ID)
	if err != nil {
		return err
	}
	batch, _, err := client.JournalTransaction(ctx, number)
	if e := fault.As(err); e != nil && e.Status == http.StatusNotFound {
		return &Error{Attempted: attempted, Happened: "Visma.net has no such batch", Helps: "Write the number as Visma.net shows it, with its zeros.", Err: err}
	}
	if err != nil {
		return err
	}
	if differences := openingDifferences(&o.Opening, batch); len(differences) > 0 {
		return &Error{
			Attempted: attempted, Happened: strings.Join(differences, "; "),
			Helps: "Correct the books, or name the batch that has exactly these figures. Nothing was recorded.",
		}
	}
	return nil
}

// openingDifferences lists what keeps a batch from being the opening.
func openingDifferences(o *opening.Opening, batch *visma.JournalTransaction) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if !batch.Released() {
		say("it is not released (%s)", batch.Status)
	}
	if batch.CurrencyID != string(o.Currency) {
		say("it is in %s", batch.CurrencyID)
	}
	if day := batch.TransactionDate.Date().String(); day > o.At.String() {
		say("it is dated %s, and the opening has to be in the books at %s", day, o.At)
	}
	if batch.AutoReversing || batch.ReversingEntry {
		say("it is a reversing batch")
	}
	decimals, err := o.Currency.Exponent()
	if err != nil {
		return append(out, err.Error())
	}
	got := map[string]int64{}
	for i := range batch.Lines {
		l := &batch.Lines[i]
		debit, err := l.DebitAmountInCurrency.Minor(decimals)
		credit, err2 := l.CreditAmountInCurrency.Minor(decimals)
		if err := errors.Join(err, err2); err != nil {
			return append(out, err.Error())
		}
		got[l.AccountNumber] += debit - credit
	}
	want := o.Balances()
	for _, account := range slices.Sorted(maps.Keys(want)) {
		if account != "" && got[account] != want[account] {
			say("it has %s on account %s, and the opening is %s", settlement.Format(got[account], o.Currency), account, settlement.Format(want[account], o.Currency))
		}
	}
	if want[""] != 0 {
		say("the posting profile has no account for %s of the opening", settlement.Format(want[""], o.Currency))
	}
	return out
}
