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

// NotTakenBack is an accrual that stands in its period, while the next one has
// begun and nothing in it takes the accrual back.
const NotTakenBack = store.NotTakenBack

// NotTakenBackHelps is what helps then.
const NotTakenBackHelps = "Visma.net makes the reversing entry when the batch is posted, or when its period is closed: `Generate reversing entries` in General ledger preferences (GL102000) says which. " +
	"Post the batch or close its period, release the entry where it waits, or book it by hand under the same description. Until then the same sales and fees count in both periods."

// Next is the financial period after another one: "" when there is none.
type Next func(period string) (id string, begun bool)

// lookForMirrors looks for what takes those batches back that take themselves back.
func (p *Poster) lookForMirrors(ctx context.Context, found []Finding, next Next) (err error) {
	listed := map[string][]visma.JournalTransaction{}
	for i := range found {
		f := &found[i]
		var v voucher.Voucher
		if err := json.Unmarshal(f.Booking.Voucher, &v); err != nil {
			return fmt.Errorf("read the posted voucher of %s: %w", f.Booking.Name, err)
		}
		if !v.AutoReversing || !f.inTheBooks() {
			continue
		}
		period, begun := next(f.Booking.Period)
		if period == "" {
			continue
		}
		if listed[period] == nil {
			if listed[period], err = p.period(ctx, period); err != nil {
				return err
			}
		}
		why := f.takenBack(&v, period, listed[period])
		if why == "" || !begun {
			continue
		}
		if f.Word == AsPosted {
			f.Word = NotTakenBack
		}
		f.Differences = append(f.Differences, why)
	}
	return nil
}

// inTheBooks tells whether there is something to take back.
func (f *Finding) inTheBooks() bool {
	return f.Found != nil && (f.Found.Status == string(visma.BatchUnposted) || f.Found.Status == string(visma.BatchPosted))
}

// takenBack finds the batch that takes this one back: under the same token, with
// the sides exchanged. Without one it says why.
func (f *Finding) takenBack(v *voucher.Voucher, period string, batches []visma.JournalTransaction) string {
	why := fmt.Sprintf("period %s has begun, and no batch in it takes batch %s back", period, f.Found.Batch)
	for i := range batches {
		b := &batches[i]
		token, _ := voucher.FindToken(b.Description)
		if token != v.Token || b.BatchNumber == f.Found.Batch || b.Status == visma.BatchVoided {
			continue
		}
		switch other := mirrors(f.Found.Lines, stands(b, v.Currency)); {
		case other != "":
			why = fmt.Sprintf("batch %s in period %s does not take back what batch %s booked: %s", b.BatchNumber, period, f.Found.Batch, other)
		case !b.Released():
			why = fmt.Sprintf("batch %s in period %s takes batch %s back and is not released: it is %s", b.BatchNumber, period, f.Found.Batch, b.Status)
		default:
			f.Found.TakenBackBy = b.BatchNumber
			return ""
		}
	}
	return why
}

// mirrors compares lines with those that take them back; "" when they do.
func mirrors(lines, back []string) string {
	back = slices.Clone(back)
	for i, line := range back {
		back[i] = exchanged(line)
	}
	for _, line := range lines {
		at := slices.Index(back, line)
		if at < 0 {
			return "nothing exchanges " + line
		}
		back = slices.Delete(back, at, at+1)
	}
	if len(back) > 0 {
		return "it has more lines: " + strings.Join(back, "; ")
	}
	return ""
}

// exchanged is a line, as text, with its sides exchanged.
func exchanged(line string) string {
	account, rest, _ := strings.Cut(line, " debit ")
	debit, rest, _ := strings.Cut(rest, " credit ")
	credit, reference, _ := strings.Cut(rest, " ref ")
	return account + " debit " + credit + " credit " + debit + " ref " + reference
}
