package posting

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// check reads the batch back and compares it line by line with the voucher.
func (p *Poster) check(ctx context.Context, in Intent, row store.Posting) (Outcome, error) {
	batch, _, err := p.Books.JournalTransaction(ctx, row.BatchNumber)
	if gone(err) {
		// Looked for later, not at once: a list that still shows it would lead
		// straight back here.
		_, err = p.doubt(ctx, row, "read", fmt.Errorf("batch %s cannot be read back: %w", row.BatchNumber, err))
		return Outcome{LookAgain: p.lookAfter(p.Absent)}, err
	}
	if err != nil {
		return Outcome{}, err
	}
	differences := in.differs(row, batch)
	if len(differences) > 0 {
		return Outcome{BatchNumber: row.BatchNumber, Adopted: row.Adopted, Stop: stop(held.BatchDiffers,
			"batch %s is not the voucher of payout %s: %s", row.BatchNumber, row.PaymentReference, strings.Join(differences, "; "))}, nil
	}
	if _, err := p.update(ctx, row, func(r *store.Posting) { r.State = Checked }); err != nil {
		return Outcome{}, err
	}
	return Outcome{BatchNumber: row.BatchNumber, Adopted: row.Adopted}, nil
}

// differs lists what differs between the voucher and its batch, unless a person
// took the batch with exactly that.
func (in *Intent) differs(row store.Posting, b *visma.JournalTransaction) []string {
	differences := compare(in.Voucher, row.Period, b)
	if in.Taken != nil && in.Taken.Batch == row.BatchNumber && SameDifferences(differences, in.Taken.Differences) {
		return nil
	}
	return differences
}

// SameDifferences compares what differed with what differs. Visma.net may order
// lines as it likes.
func SameDifferences(one, other []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(one)), slices.Sorted(slices.Values(other)))
}

// Differences lists what differs between a posting's voucher and a batch.
func Differences(row *store.Posting, b *visma.JournalTransaction) ([]string, error) {
	var v voucher.Voucher
	if err := json.Unmarshal(row.Voucher, &v); err != nil {
		return nil, fmt.Errorf("read the posted voucher of payout %s: %w", row.PaymentReference, err)
	}
	return compare(&v, row.Period, b), nil
}

// Lines writes the lines of a batch for people, in a currency.
func Lines(b *visma.JournalTransaction, c settlement.Currency) []string { return stands(b, c) }

// compare lists what differs between a voucher and a batch, in words with both
// values. Visma.net may order and number lines as it likes.
func compare(v *voucher.Voucher, period string, b *visma.JournalTransaction) []string {
	var out []string
	differ := func(what, want, got string) {
		if want != got {
			out = append(out, fmt.Sprintf("%s is %s, meant was %s", what, orNone(got), orNone(want)))
		}
	}
	token, _ := voucher.FindToken(b.Description)
	differ("token", v.Token, token)
	differ("currency", string(v.Currency), b.CurrencyID)
	differ("date", v.Date.String(), b.TransactionDate.Date().String())
	differ("period", period, periodOf(b))
	if v.Ledger != "" {
		differ("ledger", v.Ledger, b.Ledger)
	}
	if v.ExchangeRate != "" && !tookRate(v.ExchangeRate, b.ExchangeRate) {
		differ("exchange rate", v.ExchangeRate, rateOf(b))
	}
	if v.AutoReversing != b.AutoReversing {
		differ("auto reversing", strconv.FormatBool(v.AutoReversing), strconv.FormatBool(b.AutoReversing))
	}
	if b.Status == visma.BatchVoided {
		out = append(out, "it is voided")
	}
	want, got := meant(v), stands(b, v.Currency)
	for _, line := range want {
		if at := slices.Index(got, line); at >= 0 {
			got = slices.Delete(got, at, at+1)
			continue
		}
		out = append(out, "missing line "+line)
	}
	for _, line := range got {
		out = append(out, "unexpected line "+line)
	}
	return out
}

// periodOf is the batch's period as YYYYPP, whichever way Visma.net wrote it.
func periodOf(b *visma.JournalTransaction) string {
	for _, text := range []string{b.FinancialPeriod, b.PostPeriod} {
		if year, number, err := visma.ParsePeriod(text, 0); err == nil {
			return visma.PeriodID(year, number)
		}
	}
	return b.FinancialPeriod
}

// meant writes the voucher's lines as comparable text.
func meant(v *voucher.Voucher) []string {
	lines := make([]string, 0, len(v.Lines))
	for _, l := range v.Lines {
		var segments []string
		for _, s := range l.Subaccount {
			segments = append(segments, s.Value)
		}
		lines = append(lines, text(l.Account, strings.Join(segments, ""), l.Reference, l.Debit, l.Credit, v.Currency))
	}
	return lines
}

// stands writes the batch's lines as comparable text. Segments are compared
// as one word, because Visma.net joins them with a separator of its own.
func stands(b *visma.JournalTransaction, c settlement.Currency) []string {
	decimals, _ := c.Exponent()
	lines := make([]string, 0, len(b.Lines))
	for _, l := range b.Lines {
		debit, derr := l.DebitAmountInCurrency.Minor(decimals)
		credit, cerr := l.CreditAmountInCurrency.Minor(decimals)
		if derr != nil || cerr != nil {
			lines = append(lines, fmt.Sprintf("%s debit %s credit %s, which %s cannot hold", l.AccountNumber, l.DebitAmountInCurrency, l.CreditAmountInCurrency, c))
			continue
		}
		var segments []string
		for _, s := range l.Subaccount.Segments {
			segments = append(segments, s.SegmentValue)
		}
		lines = append(lines, text(l.AccountNumber, strings.Join(segments, ""), l.ReferenceNumber, debit, credit, c))
	}
	return lines
}

func text(account, subaccount, reference string, debit, credit int64, c settlement.Currency) string {
	if subaccount != "" {
		account += "/" + subaccount
	}
	return fmt.Sprintf("%s debit %s credit %s ref %s", account, settlement.Format(debit, c), settlement.Format(credit, c), reference)
}
