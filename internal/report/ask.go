package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// Payer is what completeness asks; *klarna.Client is one.
type Payer interface {
	PayoutSummaries(ctx context.Context, start, end time.Time, currency string) ([]klarna.PayoutSummary, klarna.Answer, error)
	CountPayouts(ctx context.Context, q klarna.PayoutsQuery) (int64, klarna.Answer, error)
	Payouts(ctx context.Context, q klarna.PayoutsQuery) iter.Seq2[*klarna.Page[klarna.Payout], error]
}

// askedLife limits how long an answer is good enough not to ask again.
const askedLife = 5 * time.Minute

// The kinds of answers that are kept; the latter two are followed by a currency.
const (
	kindSummary = "summary"
	kindCount   = "count."
	kindPayouts = "payouts."
)

// told holds what Klarna says it paid out in some days, read from its answers as
// they are kept.
type told struct {
	asked   time.Time // zero: nobody has asked
	failed  error     // asking now did not work
	sums    map[string]*klarna.PayoutSummary
	counts  map[string]int64          // -1: not said
	stated  map[settlement.Total]bool // whether the summary has a total
	listed  map[string]bool           // currencies whose payouts were listed
	payouts map[string]map[string]listedPayout
}

// listedPayout is a payout as Klarna lists it.
type listedPayout struct {
	settlement int64
	date       time.Time
}

// window is the moments of a span as Klarna is asked for them. Klarna does not
// say whether the end is included and itself recommends the last second of a day.
func (r *Reports) window(span Span) (start, end time.Time) {
	start, end = r.moments(span)
	return start, end.Add(-time.Second)
}

// ask gives what Klarna says of some days: what was kept a moment ago, or a new
// answer, which is kept first. Where Klarna cannot be asked, what was kept last.
// ours are Kvitt's own figures, which tell where a list of payouts is needed.
func (r *Reports) ask(ctx context.Context, span Span, ours map[string]*known) (*told, error) {
	first, last := span.days()
	kept, err := r.Source.WindowAnswers(ctx, r.Connection.ID, first, last)
	if err != nil {
		return nil, err
	}
	if r.Klarna == nil || len(kept) > 0 && r.Now.Sub(kept[0].AskedAt) < askedLife && r.Now.Sub(kept[0].AskedAt) >= 0 {
		return readAnswers(kept)
	}
	fresh, failed := r.askNow(ctx, span, ours)
	if failed == nil {
		if err := r.Source.AddWindowAnswers(ctx, fresh); err != nil && !errors.Is(err, store.ErrExists) {
			return nil, err
		}
		return readAnswers(fresh)
	}
	if ctx.Err() != nil {
		return nil, failed
	}
	t, err := readAnswers(kept)
	if err != nil {
		return nil, err
	}
	t.failed = failed
	return t, nil
}

// asking is one asking, answer by answer.
type asking struct {
	*Reports
	span    Span
	answers []store.WindowAnswer
}

func (a *asking) keep(kind string, seq int, answer *klarna.Answer) {
	sum := sha256.Sum256(answer.Body)
	first, last := a.span.days()
	a.answers = append(a.answers, store.WindowAnswer{
		ConnectionID: a.Connection.ID, First: first, Last: last, AskedAt: a.Now.UTC().Truncate(time.Microsecond), Kind: kind, Seq: seq,
		SHA256: hex.EncodeToString(sum[:]), Body: slices.Clone(answer.Body), CorrelationID: answer.CorrelationID, Path: answer.Path, FetchedAt: answer.FetchedAt,
	})
}

// askNow asks for the sums, for the number of payouts in each currency, and for
// the payouts themselves where either is not what Kvitt knows.
func (r *Reports) askNow(ctx context.Context, span Span, ours map[string]*known) ([]store.WindowAnswer, error) {
	client, err := r.Klarna(ctx)
	if err != nil {
		return nil, err
	}
	a := &asking{Reports: r, span: span}
	start, end := r.window(span)
	sums, answer, err := client.PayoutSummaries(ctx, start, end, "")
	if err != nil {
		return nil, err
	}
	a.keep(kindSummary, 0, &answer)
	theirs := map[string]*klarna.PayoutSummary{}
	for i := range sums {
		theirs[sums[i].Currency] = &sums[i]
	}
	for _, c := range currenciesOf(theirs, ours) {
		query := klarna.PayoutsQuery{Start: start, End: end, Currency: c}
		count, answer, err := client.CountPayouts(ctx, query)
		if err != nil {
			return nil, err
		}
		a.keep(kindCount+c, 0, &answer)
		one := &told{sums: theirs, counts: map[string]int64{c: count}}
		if agrees(one, ours, c) {
			continue
		}
		begin := len(a.answers)
		err = klarna.Read(ctx, client.Payouts(ctx, query), func() error { a.answers = a.answers[:begin]; return nil }, func(p *klarna.Page[klarna.Payout]) error {
			a.keep(kindPayouts+c, len(a.answers)-begin, &p.Answer)
			p.Release()
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return a.answers, nil
}

// readAnswers reads kept answers. Each is checked against its digest.
func readAnswers(kept []store.WindowAnswer) (*told, error) {
	t := &told{
		sums: map[string]*klarna.PayoutSummary{}, counts: map[string]int64{},
		listed: map[string]bool{}, stated: map[settlement.Total]bool{}, payouts: map[string]map[string]listedPayout{},
	}
	for i := range kept {
		if err := t.read(&kept[i]); err != nil {
			return nil, fmt.Errorf("read what Klarna says of %s to %s, %s: %w", kept[i].First, kept[i].Last, kept[i].Kind, err)
		}
	}
	return t, nil
}

func (t *told) read(a *store.WindowAnswer) error {
	if sum := sha256.Sum256(a.Body); hex.EncodeToString(sum[:]) != a.SHA256 {
		return fmt.Errorf("the bytes no longer match their SHA-256 %s", a.SHA256)
	}
	t.asked = a.AskedAt
	if a.Kind == kindSummary {
		sums, err := klarna.DecodeSummaries(a.Body)
		for i := range sums {
			t.sums[sums[i].Currency] = &sums[i]
		}
		for _, f := range figures {
			t.stated[f] = hasMember(a.Body, f.SummaryMember())
		}
		return err
	}
	page, err := klarna.DecodePayouts(a.Body)
	if err != nil {
		return err
	}
	if c, ok := cut(a.Kind, kindCount); ok {
		t.counts[c] = page.Total
		return nil
	}
	c, _ := cut(a.Kind, kindPayouts)
	if t.listed[c] = true; t.payouts[c] == nil {
		t.payouts[c] = map[string]listedPayout{}
	}
	for i := range page.Items {
		p := &page.Items[i]
		t.payouts[c][p.PaymentReference] = listedPayout{p.Totals.Totals[settlement.TotalSettlement], p.PayoutDate}
	}
	return nil
}
