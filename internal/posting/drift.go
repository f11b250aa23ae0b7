package posting

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// What became of a batch in somebody else's hands.
const (
	AsPosted    = store.AsPosted
	NowReleased = "released"   // a draft that somebody released: what it was made for
	Unreleased  = "unreleased" // it was released, and is not any more
	Edited      = "edited"     // it is another voucher now
	Voided      = "voided"
	Gone        = "gone"      // Visma.net does not have it any more
	Elsewhere   = "elsewhere" // somebody else's batch carries the payment reference too
)

// Sheet is one side of a comparison, for people: what Kvitt posted, or what
// Visma.net has.
type Sheet struct {
	Batch       string   `json:"batch_number"`
	Status      string   `json:"status"`
	Description string   `json:"description"`
	Date        string   `json:"date"`
	Period      string   `json:"period"`
	Currency    string   `json:"currency"`
	Rate        string   `json:"exchange_rate,omitempty"` // where Kvitt chose it
	Lines       []string `json:"lines"`
	// Others are the numbers of the batches that carry the reference too.
	Others []string `json:"other_batches,omitempty"`
	// TakenBackBy is the batch of the next period that takes an accrual back.
	TakenBackBy string `json:"taken_back_by,omitempty"`
}

// Finding holds what a look at Visma.net found of a posting.
type Finding struct {
	Booking     store.Booking
	Word        string
	Differences []string
	Posted      Sheet
	Found       *Sheet // nil when Visma.net does not have the batch
}

// Watch looks at batches that were posted, in the order of their periods, and
// compares each with its posting. Of one that takes itself back it looks whether
// Visma.net did, too. Each period is listed once. It writes nothing, in Visma.net
// or elsewhere.
func (p *Poster) Watch(ctx context.Context, rows []store.Booking, next Next) ([]Finding, error) {
	var out []Finding
	for at := 0; at < len(rows); {
		until := at + 1
		for until < len(rows) && rows[until].Period == rows[at].Period {
			until++
		}
		batches, err := p.period(ctx, rows[at].Period)
		if err != nil {
			return nil, err
		}
		for _, row := range rows[at:until] {
			found, err := p.find(ctx, row, batches)
			if err != nil {
				return nil, err
			}
			out = append(out, found)
		}
		at = until
	}
	return out, p.lookForMirrors(ctx, out, next)
}

func (p *Poster) find(ctx context.Context, row store.Booking, batches []visma.JournalTransaction) (Finding, error) {
	var v voucher.Voucher
	if err := json.Unmarshal(row.Voucher, &v); err != nil {
		return Finding{}, fmt.Errorf("read the posted voucher of payout %s: %w", row.Name, err)
	}
	batch, err := p.batch(ctx, row.BatchNumber, batches)
	if err != nil {
		return Finding{}, err
	}
	out := drifted(row, &v, batch)
	if out.Word != AsPosted && out.Word != NowReleased {
		return out, nil
	}
	others, err := p.others(ctx, row, &v, batches)
	if err != nil || len(others) == 0 {
		return out, err
	}
	out.Word, out.Found.Others = Elsewhere, others
	what := "payment reference " + row.Name
	if v.AutoReversing {
		what = "the token of " + row.Name
	}
	out.Differences = []string{what + " stands in batch " + strings.Join(others, ", ") + " too, which Kvitt did not make"}
	return out, nil
}

// batch finds a batch in the list of its period, or asks for it: it may have
// been moved to another one.
func (p *Poster) batch(ctx context.Context, number string, listed []visma.JournalTransaction) (*visma.JournalTransaction, error) {
	for i := range listed {
		if trimmed(listed[i].BatchNumber) == trimmed(number) {
			return &listed[i], nil
		}
	}
	b, _, err := p.Books.JournalTransaction(ctx, number)
	if gone(err) {
		return nil, nil //nolint:nilnil // there is none
	}
	return b, err
}

// others are the batches of somebody else that carry the payment reference. Of an
// accrual, which has a token only, those of its period that carry that: what
// takes it back stands in the next one.
func (p *Poster) others(ctx context.Context, row store.Booking, v *voucher.Voucher, batches []visma.JournalTransaction) ([]string, error) {
	var numbers []string
	for i := range batches {
		b := &batches[i]
		token, _ := voucher.FindToken(b.Description)
		if v.AutoReversing {
			if token == v.Token && b.BatchNumber != row.BatchNumber && b.Status != visma.BatchVoided {
				numbers = append(numbers, b.BatchNumber)
			}
			continue
		}
		carries := slices.ContainsFunc(b.Lines, func(l visma.JournalTransactionLine) bool { return l.ReferenceNumber == row.Name })
		if !carries || b.BatchNumber == row.BatchNumber || b.Status == visma.BatchVoided {
			continue
		}
		mine, err := p.mine(ctx, row.CompanyID, token)
		if err != nil {
			return nil, err
		}
		if !mine {
			numbers = append(numbers, b.BatchNumber)
		}
	}
	return numbers, nil
}

// drifted compares a posting with its batch.
func drifted(row store.Booking, v *voucher.Voucher, b *visma.JournalTransaction) Finding {
	status := "released"
	if row.State == Draft {
		status = "on hold"
	}
	out := Finding{Booking: row, Word: AsPosted, Posted: Sheet{
		Batch: row.BatchNumber, Status: status, Description: v.Description, Date: v.Date.String(), Period: row.Period,
		Currency: string(v.Currency), Rate: v.ExchangeRate, Lines: meant(v),
	}}
	if b == nil {
		out.Word, out.Differences = Gone, []string{"Visma.net does not have batch " + row.BatchNumber + " any more"}
		return out
	}
	out.Found = &Sheet{
		Batch: b.BatchNumber, Status: string(b.Status), Description: b.Description, Date: b.TransactionDate.Date().String(),
		Period: periodOf(b), Currency: b.CurrencyID, Lines: stands(b, v.Currency),
	}
	if v.ExchangeRate != "" {
		out.Found.Rate = rateOf(b)
	}
	out.Differences = compare(v, row.Period, b, readBack{filled: row.Compared >= withFilled})
	switch {
	case b.Status == visma.BatchVoided:
		out.Word = Voided
	case len(out.Differences) > 0:
		out.Word = Edited
	case row.State == Verified && !b.Released():
		out.Word, out.Differences = Unreleased, []string{"it was released and is " + string(b.Status) + " now"}
	case row.State == Draft && b.Released():
		out.Word = NowReleased
	}
	return out
}
