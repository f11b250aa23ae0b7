package klarna

import (
	"context"
	"fmt"
	"iter"
	"net/url"
)

// TransactionsQuery asks for the rows of a payout, of an order, or of an order
// within a payout. One of the two must be given: a listing of everything
// cannot be read while Klarna adds to it.
type TransactionsQuery struct {
	PaymentReference string
	OrderID          string
}

func (q TransactionsQuery) values() url.Values {
	v := url.Values{}
	if q.PaymentReference != "" {
		v.Set("payment_reference", q.PaymentReference)
	}
	if q.OrderID != "" {
		v.Set("order_id", q.OrderID)
	}
	return v
}

func (q TransactionsQuery) name() string {
	switch {
	case q.PaymentReference == "":
		return "list transactions of order " + q.OrderID
	case q.OrderID == "":
		return "list transactions of payout " + q.PaymentReference
	}
	return "list transactions of order " + q.OrderID + " in payout " + q.PaymentReference
}

// check refuses rows of another payout or order, as they come when something
// on the way drops the query. A row need not name its payout.
func (q TransactionsQuery) check(t *Transaction) error {
	if q.PaymentReference != "" && t.PaymentReference != "" && t.PaymentReference != q.PaymentReference {
		return fmt.Errorf("the row belongs to payout %s", t.PaymentReference)
	}
	if q.OrderID != "" && t.OrderID != q.OrderID {
		return fmt.Errorf("the row belongs to order %q", t.OrderID)
	}
	return nil
}

// Transactions lists rows, 500 a page, several pages in flight, yielded in
// order. Each loop over it asks anew. Errors are *fault.Error and end it; one
// that is [ErrMoved] asks for a new reading with a fresh tally and archive,
// see [Read]. When it ends without an error, the pages had exactly as many
// rows as Klarna's total says. Call Release on each page that is done with to
// keep memory level.
func (c *Client) Transactions(ctx context.Context, q TransactionsQuery) iter.Seq2[*Page[Transaction], error] {
	if q == (TransactionsQuery{}) {
		err := c.notAsked("list transactions", "neither a payment reference nor an order was given")
		return func(yield func(*Page[Transaction], error) bool) { yield(nil, err) }
	}
	l := &listing[Transaction]{
		client: c, name: q.name(), path: "/transactions", query: q.values(),
		shape: transactionsShape, rooms: c.transactionRooms, check: q.check,
	}
	return l.pages(ctx)
}
