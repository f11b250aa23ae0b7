package klarna

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"
)

// PayoutsQuery asks for the payouts whose payout date lies between two points
// of time, both sent in UTC to the second. Klarna does not say whether the end
// is included: ask for more than is needed and look at PayoutDate. The zero
// time leaves an end open; an empty currency asks for all.
type PayoutsQuery struct {
	Start, End time.Time
	Currency   string // ISO 4217
}

func (q PayoutsQuery) values() url.Values {
	v := url.Values{}
	if !q.Start.IsZero() {
		v.Set("start_date", when(q.Start))
	}
	if !q.End.IsZero() {
		v.Set("end_date", when(q.End))
	}
	if q.Currency != "" {
		v.Set("currency_code", q.Currency)
	}
	return v
}

// when writes a point of time in full: a bare date would mean its midnight, so
// that a window from a day to the same day is empty.
func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// checkWindow refuses a window that can hold nothing.
func (c *Client) checkWindow(attempted string, start, end time.Time) error {
	if !start.IsZero() && !end.IsZero() && !start.Before(end) {
		return c.notAsked(attempted, "the window ends at %s and starts at %s; swap the dates or widen it", when(end), when(start))
	}
	return nil
}

// Payouts lists payouts, 500 a page, in the order in which Klarna has them;
// none is documented. Each loop over it asks anew. Errors are *fault.Error and
// end it; one that is [ErrMoved] asks for a new reading, see [Read].
func (c *Client) Payouts(ctx context.Context, q PayoutsQuery) iter.Seq2[*Page[Payout], error] {
	l := &listing[Payout]{
		client: c, name: "list payouts", path: "/payouts", query: q.values(),
		shape: payoutsShape, rooms: c.payoutRooms,
		check: func(p *Payout) error {
			if q.Currency != "" && p.CurrencyCode != q.Currency {
				return fmt.Errorf("payout %s is in %s, and only %s was asked for", p.PaymentReference, p.CurrencyCode, q.Currency)
			}
			return nil
		},
		same: func(p *Payout) string {
			return fmt.Sprintf("payout %s (%s) of merchant %s in %s on %s", p.PaymentReference, p.MerchantSettlementType,
				p.MerchantID, p.CurrencyCode, when(p.PayoutDate))
		},
	}
	if err := c.checkWindow(l.name, q.Start, q.End); err != nil {
		return func(yield func(*Page[Payout], error) bool) { yield(nil, err) }
	}
	return l.pages(ctx)
}

// Payout reads one payout. The error is a *fault.Error; a reference that
// Klarna does not know is of the class rejected.
func (c *Client) Payout(ctx context.Context, ref string) (*Payout, Answer, error) {
	attempted := "read payout " + ref
	if !IsReference(ref) || Unnamed(ref) || ref == "summary" { // another address of the API
		return nil, Answer{}, c.notAsked("read a payout", "%q is not a payment reference", ref)
	}
	answer, err := c.get(ctx, call{attempted, "/payouts/" + url.PathEscape(ref), nil, "application/json", nil})
	if err != nil {
		return nil, answer, err
	}
	payout, err := DecodePayout(answer.Body)
	if err == nil && payout.PaymentReference != ref {
		err = fmt.Errorf("the answer is payout %s", payout.PaymentReference)
	}
	if err != nil {
		return nil, answer, c.unusable(attempted, answer, err)
	}
	return payout, answer, nil
}

// PayoutSummaries sums the payouts of a window, one sum for each currency, or
// for one currency alone. The error is a *fault.Error.
func (c *Client) PayoutSummaries(ctx context.Context, start, end time.Time, currency string) ([]PayoutSummary, Answer, error) {
	const attempted = "sum payouts"
	if start.IsZero() || end.IsZero() {
		return nil, Answer{}, c.notAsked(attempted, "a start and an end are needed")
	}
	if err := c.checkWindow(attempted, start, end); err != nil {
		return nil, Answer{}, err
	}
	query := PayoutsQuery{start, end, currency}.values()
	answer, err := c.get(ctx, call{attempted, "/payouts/summary", query, "application/json", nil})
	if err != nil {
		return nil, answer, err
	}
	sums, err := DecodeSummaries(answer.Body)
	if err != nil {
		return nil, answer, c.unusable(attempted, answer, err)
	}
	return sums, answer, nil
}

// CountPayouts tells how many payouts a query has, as the listing itself says
// it; the sums of PayoutSummaries come without a number. -1 means that Klarna
// did not say. The error is a *fault.Error.
func (c *Client) CountPayouts(ctx context.Context, q PayoutsQuery) (int64, Answer, error) {
	const attempted = "count payouts"
	if err := c.checkWindow(attempted, q.Start, q.End); err != nil {
		return 0, Answer{}, err
	}
	query := q.values()
	query.Set("size", "1")
	answer, err := c.get(ctx, call{attempted, "/payouts", query, "application/json", nil})
	if err != nil {
		return 0, answer, err
	}
	page, err := DecodePayouts(answer.Body)
	if err != nil {
		return 0, answer, c.unusable(attempted, answer, err)
	}
	return page.Total, answer, nil
}

// Verify asks for a single payout to see whether the credential works. The
// payout, which tells the merchant id, is nil for a merchant that has had none.
func (c *Client) Verify(ctx context.Context) (*Payout, Answer, error) {
	const attempted = "verify the credential"
	answer, err := c.get(ctx, call{attempted, "/payouts", url.Values{"size": {"1"}}, "application/json", nil})
	if err != nil {
		return nil, answer, err
	}
	page, err := DecodePayouts(answer.Body)
	switch {
	case err != nil:
		return nil, answer, c.unusable(attempted, answer, err)
	case len(page.Items) > 0:
		return &page.Items[0], answer, nil
	}
	return nil, answer, nil
}

// DecodePayout reads a payout from the bytes of an answer. The error is a
// *DecodeError.
func DecodePayout(body []byte) (*Payout, error) {
	var p Payout
	if err := payoutShape.decode(body, &p, true); err != nil {
		return nil, err
	}
	return &p, nil
}

// DecodePayouts reads a page of payouts from the bytes of an answer, such as
// one that was archived. The error is a *DecodeError.
func DecodePayouts(body []byte) (*Page[Payout], error) { return decodePage(payoutsShape, body) }

// DecodeTransactions reads a page of transactions from the bytes of an answer,
// such as one that was archived. The error is a *DecodeError.
func DecodeTransactions(body []byte) (*Page[Transaction], error) {
	return decodePage(transactionsShape, body)
}

// DecodeSummaries reads the sums of a window from the bytes of an answer, such as
// one that was archived. A currency that stands twice is an error: nobody could
// say which sum is right. The error is a *DecodeError.
func DecodeSummaries(body []byte) ([]PayoutSummary, error) {
	var sums []PayoutSummary
	if err := summaryShape.decodeList(body, &sums, true); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range sums {
		if seen[sums[i].Currency] {
			return nil, &DecodeError{Where: fmt.Sprintf("[%d].summary_settlement_currency", i), Problem: "is " + sums[i].Currency + ", which came before"}
		}
		seen[sums[i].Currency] = true
	}
	return sums, nil
}

func decodePage[T any](s *shape[collection[T]], body []byte) (*Page[T], error) {
	found := collection[T]{Pagination: noPagination}
	if err := s.decode(body, &found, true); err != nil {
		return nil, err
	}
	p := found.Pagination
	if n := len(found.Items) + len(found.Broken); p.Count != int64(n) {
		return nil, &DecodeError{Where: "pagination.count", Problem: fmt.Sprintf("is %d, and there are %d items", p.Count, n)}
	}
	return &Page[T]{Items: found.Items, Broken: found.Broken, Warnings: found.Warnings, Offset: max(p.Offset, 0), Total: p.Total, Answer: Answer{Body: body}}, nil
}
