package posting

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// clocks limits how far Visma.net's clock, whose zone is not documented, may be from
// ours.
const clocks = 48 * time.Hour

// elsewhere confirms in a second way that a batch is absent, before anything is
// sent again: by what was modified since the posting was intended, whatever its
// period. Where one of the lists is empty altogether, they must show a batch that is
// known to be there, and are then read again: a right may have come back between.
func (p *Poster) elsewhere(ctx context.Context, in Intent, row store.Booking, listed int) (found []string, err error) {
	modified := visma.JournalTransactionsQuery{ModifiedSince: row.CreatedAt.Add(-clocks), Module: "GL"}
	found, read, err := p.carrying(ctx, in, row, modified)
	if err != nil || len(found) > 0 || read > 0 && listed > 0 {
		return found, err
	}
	if err := p.listsAnswer(ctx, in.Company); err != nil {
		return nil, err
	}
	for _, q := range []visma.JournalTransactionsQuery{modified, {PeriodID: row.Period, Module: "GL"}} {
		if found, _, err = p.carrying(ctx, in, row, q); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// carrying are the batches of a list that carry the posting's token; read is how
// many the list has in all.
func (p *Poster) carrying(ctx context.Context, in Intent, row store.Booking, q visma.JournalTransactionsQuery) (found []string, read int, err error) {
	batches, err := p.Books.JournalTransactions(ctx, q)
	for i := range batches {
		b := &batches[i]
		token, _ := voucher.FindToken(b.Description)
		// What takes an accrual back carries its token too, in the period after.
		if token == row.Token && (!in.Voucher.AutoReversing || periodOf(b) == row.Period) && !slices.Contains(found, b.BatchNumber) {
			found = append(found, b.BatchNumber)
		}
	}
	return found, len(batches), err
}

// listsAnswer makes sure that lists of batches show what is there: a right that
// was taken away makes them empty, not an error. A company in which nothing is
// known to be booked has nothing that could be missed.
func (p *Poster) listsAnswer(ctx context.Context, company string) error {
	period, number, err := p.Memory.BookedLast(ctx, company)
	if err != nil || number == "" {
		return err
	}
	batches, err := p.period(ctx, period)
	if err != nil {
		return err
	}
	same := func(b visma.JournalTransaction) bool { return trimmed(b.BatchNumber) == number }
	if slices.ContainsFunc(batches, same) {
		return nil
	}
	b, _, err := p.Books.JournalTransaction(ctx, number)
	switch {
	case gone(err):
		return nil
	case err != nil:
		return err
	}
	if now := periodOf(b); now != period { // somebody has moved it
		period = now
		if batches, err = p.period(ctx, period); err != nil || slices.ContainsFunc(batches, same) {
			return err
		}
	}
	return &fault.Error{
		Class: fault.Transient, Party: "Visma.net", Attempted: "list the batches of period " + period,
		Words:  fmt.Sprintf("the list does not show batch %s, which is there; nothing is posted while lists cannot be believed", number),
		Remedy: "Check that the API's user may read general ledger batches (GL301000) of this company.",
	}
}

// trouble holds what a posting has met, in its failure column.
type trouble struct {
	Words string `json:"words"`
	// Refused counts the sends that Visma.net answered with an error that says
	// neither yes nor no; Unknown, all whose outcome was not known.
	Refused int `json:"refused,omitempty"`
	Unknown int `json:"unknown,omitempty"`
	// Releases counts those that did not show.
	Releases int `json:"releases,omitempty"`
}

// How often something is tried before a person is asked.
const (
	mostRefused  = 3
	mostUnknown  = 8
	mostReleases = 3
)

func troubleOf(row store.Booking) (t trouble) {
	_ = json.Unmarshal(row.Failure, &t) // none, or one of an earlier version
	return t
}

func (t trouble) kept() json.RawMessage {
	t.Words = fault.Trim(t.Words)
	b, err := json.Marshal(t)
	if err != nil {
		return nil
	}
	return b
}

// met counts what made the outcome of a send unknown.
func (t trouble) met(action string, why error) trouble {
	t.Words = why.Error()
	if action == "read" {
		return t // a batch that was there and is not, which is no send
	}
	t.Unknown++
	if f := fault.As(why); f != nil && f.Class == fault.UnknownOutcome && f.Status >= 500 {
		t.Refused++
	}
	return t
}

// enough tells whether sending once more would only repeat what has failed.
func (t trouble) enough() bool { return t.Refused >= mostRefused || t.Unknown >= mostUnknown }

// longest is the longest time between two looks.
const longest = 24 * time.Hour

// giveUp hands a batch that Visma.net never books to a person, with its words. It
// is looked for all the same, each time after twice as long.
func (p *Poster) giveUp(row store.Booking, t trouble) Outcome {
	absent := p.Now().Sub(*row.AbsentSince)
	return Outcome{
		LookAgain: max(min(absent, longest), p.lookAfter(p.Absent)),
		Stop: held.Becausef(held.RefusedRepeatedly, "the batch of payout %s was sent %s and is not in Visma.net; the last answer: %s",
			row.Name, times(max(t.Unknown, 1)), strings.TrimSpace(t.Words)),
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
