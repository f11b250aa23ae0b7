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
func (p *Poster) check(ctx context.Context, in Intent, row store.Booking) (Outcome, error) {
	batch, _, err := p.Books.JournalTransaction(ctx, row.BatchNumber)
	if gone(err) {
		// Looked for later, not at once: a list that still shows it would lead
		// straight back here.
		_, err = p.doubt(ctx, row, "read", fmt.Errorf("batch %s cannot be read back: %w", row.BatchNumber, err))
		out := Outcome{LookAgain: p.lookAfter(p.Absent)}
		if in.Taken != nil && in.Taken.Batch == row.BatchNumber { // it would be taken again, and again
			out.Stop = held.Becausef(held.BatchDiffers, "batch %s, which a person took as the batch of payout %s, is not in Visma.net; nothing is sent again: say which batch counts",
				row.BatchNumber, row.Name)
		}
		return out, err
	}
	if err != nil {
		return Outcome{}, err
	}
	differences, compared := in.differs(row, batch)
	if len(differences) > 0 {
		return Outcome{BatchNumber: row.BatchNumber, Adopted: row.Adopted, Stop: held.Becausef(held.BatchDiffers,
			"batch %s is not the voucher of payout %s: %s", row.BatchNumber, row.Name, strings.Join(differences, "; "))}, nil
	}
	if words := cut(in.Voucher, batch); words != "" {
		if err := p.note(ctx, row, "read", remark(words)); err != nil {
			return Outcome{}, err
		}
	}
	if _, err := p.update(ctx, row, func(r *store.Booking) { r.State, r.Compared = Checked, compared }); err != nil {
		return Outcome{}, err
	}
	return Outcome{BatchNumber: row.BatchNumber, Adopted: row.Adopted}, nil
}

// withFilled is what Compared of a posting says when what Visma.net fills in by
// itself was compared too.
const withFilled = 1

// readBack holds what a batch is held against beside its voucher.
type readBack struct {
	branch string // the one that was sent though the voucher names none
	filled bool   // what Visma.net fills in by itself: VAT, branches, flags
	texts  bool   // texts, which a person may rewrite later
}

// differs lists what differs between the voucher and its batch, unless a person
// took the batch with exactly that, and says how much was compared. A batch that
// was adopted from the books may have been posted by an earlier version, for which
// what Visma.net fills in was good enough.
func (in *Intent) differs(row store.Booking, b *visma.JournalTransaction) (differences []string, compared int) {
	all := whole(in.Voucher, row.Period, b, in.Branch)
	differences, compared = all, withFilled
	if row.Adopted && row.Compared < withFilled && b.Released() {
		differences, compared = compare(in.Voucher, row.Period, b, readBack{}), 0
	}
	if in.Taken != nil && in.Taken.Batch == row.BatchNumber && SameDifferences(all, in.Taken.Differences) {
		return nil, compared
	}
	return differences, compared
}

// whole compares all of it.
func whole(v *voucher.Voucher, period string, b *visma.JournalTransaction, branch string) []string {
	return compare(v, period, b, readBack{branch: branch, filled: true, texts: true})
}

// SameDifferences compares what differed with what differs. Visma.net may order
// lines as it likes.
func SameDifferences(one, other []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(one)), slices.Sorted(slices.Values(other)))
}

// Differences lists what differs between a posting's voucher and a batch. Branch is
// the one that is meant where the voucher names none.
func Differences(row *store.Booking, b *visma.JournalTransaction, branch string) ([]string, error) {
	var v voucher.Voucher
	if err := json.Unmarshal(row.Voucher, &v); err != nil {
		return nil, fmt.Errorf("read the posted voucher of payout %s: %w", row.Name, err)
	}
	return whole(&v, row.Period, b, branch), nil
}

// Lines writes the lines of a batch for people, in a currency.
func Lines(b *visma.JournalTransaction, c settlement.Currency) []string { return stands(b, c) }

// compare lists what differs between a voucher and a batch, in words with both
// values. Visma.net may order and number lines as it likes, and pad keys.
func compare(v *voucher.Voucher, period string, b *visma.JournalTransaction, with readBack) []string {
	var out []string
	differ := func(what, want, got string) {
		if want, got = trimmed(want), trimmed(got); want != got {
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
	if with.filled {
		out = append(out, filled(v, b, with.branch)...)
	}
	if with.texts {
		out = append(out, rewritten(v, b)...)
	}
	return append(out, lines(v, b, with.filled)...)
}

// lines pairs the lines of a voucher with those of a batch, and lists what is left
// on either side.
func lines(v *voucher.Voucher, b *visma.JournalTransaction, withVAT bool) (out []string) {
	got := make([]int, len(b.Lines)) // places in b.Lines that are still free
	for i := range got {
		got[i] = i
	}
	want, read := meant(v), stands(b, v.Currency)
	take := func(i int, fits func(j int) bool) (int, bool) {
		at := slices.IndexFunc(got, func(j int) bool { return read[j] == want[i] && fits(j) })
		if at < 0 {
			return 0, false
		}
		j := got[at]
		got = slices.Delete(got, at, at+1)
		return j, true
	}
	var left []int
	for i := range want {
		if _, ok := take(i, func(j int) bool { return !withVAT || hasVAT(&v.Lines[i], &b.Lines[j]) }); !ok {
			left = append(left, i)
		}
	}
	for _, i := range left {
		if j, ok := take(i, func(int) bool { return true }); ok {
			out = append(out, fmt.Sprintf("line %s has %s, meant was %s", want[i], vatOf(b.Lines[j].VATCode.ID, b.Lines[j].VAT.ID), vatOf(v.Lines[i].VATCode, v.Lines[i].VATID)))
			continue
		}
		out = append(out, "missing line "+want[i])
	}
	for _, j := range got {
		out = append(out, "unexpected line "+read[j])
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
			segments = append(segments, trimmed(s.SegmentValue))
		}
		lines = append(lines, text(trimmed(l.AccountNumber), strings.Join(segments, ""), trimmed(l.ReferenceNumber), debit, credit, c))
	}
	return lines
}

func text(account, subaccount, reference string, debit, credit int64, c settlement.Currency) string {
	if subaccount != "" {
		account += "/" + subaccount
	}
	return fmt.Sprintf("%s debit %s credit %s ref %s", account, settlement.Format(debit, c), settlement.Format(credit, c), reference)
}
