package store

import "context"

// RegisterItem is a row of a payout that is tracked individually: one of a dispute or of a loan. Amount is
// its effect for the merchant, in minor units.
type RegisterItem struct {
	PaymentReference                       string
	N                                      int64  // of the row in its payout, from 0
	About                                  string // dispute, loan
	Key                                    string // groups rows: an order, a loan's reference
	Component                              string // as in RegisterPlace
	PayoutDay, RowDay                      string // RowDay is "" where Klarna gives none
	Currency, Type, DetailedType           string
	Amount                                 int64
	OrderID, CaptureID, RefundID           string
	MerchantReference1, MerchantReference2 string
	ReversalReference, Comment             string
}

const itemColumns = "payment_reference, n, about, item_key, component, payout_day, row_day, currency, type, detailed_type, amount, " +
	"order_id, capture_id, refund_id, merchant_reference1, merchant_reference2, reversal_reference, comment"

func (i *RegisterItem) cells() []any {
	cells := []any{text{&i.PaymentReference}, &i.N, text{&i.About}, text{&i.Key}, text{&i.Component}, text{&i.PayoutDay}, text{&i.RowDay}}
	cells = append(cells, text{&i.Currency}, text{&i.Type}, text{&i.DetailedType}, &i.Amount, text{&i.OrderID}, text{&i.CaptureID}, text{&i.RefundID})
	return append(cells, text{&i.MerchantReference1}, text{&i.MerchantReference2}, text{&i.ReversalReference}, text{&i.Comment})
}

// putItems replaces the items of a payout.
func putItems(ctx context.Context, q querier, t *Todo, items []RegisterItem) error {
	if _, err := exec(ctx, q, "DELETE FROM register_items WHERE connection_id = $1 AND payment_reference = $2", t.ConnectionID, t.PaymentReference); err != nil {
		return err
	}
	var cells []any
	for i := range items {
		items[i].PaymentReference = t.PaymentReference
		cells = append(append(cells, t.ConnectionID), items[i].cells()...)
	}
	return insertMany(ctx, q, "register_items", "connection_id, "+itemColumns, cells)
}

const itemsQuery = "SELECT " + itemColumns + ` FROM register_items
	WHERE connection_id = $1 AND about = $2 AND (currency, item_key, payment_reference, n) > ($3, $4, $5, $6)
	ORDER BY currency, item_key, payment_reference, n LIMIT $7`

// RegisterItems lists a connection's items of one subject (About), by currency and key, after the given
// item.
func (s *Store) RegisterItems(ctx context.Context, connection, about string, after *RegisterItem, limit int) ([]RegisterItem, error) {
	from := RegisterItem{N: -1}
	if after != nil {
		from = *after
	}
	all, err := list(ctx, s.reads, (*RegisterItem).cells, itemsQuery, connection, about, from.Currency, from.Key, from.PaymentReference, from.N, limitOf(limit))
	return all, s.fail("list the rows about a "+about+" of the connection "+connection, err)
}

// RegisterPlace is the account on which a voucher in Visma.net books a component of its payout.
type RegisterPlace struct {
	PaymentReference, Token string
	Component               string // the component's key, in one word
	Account, Day            string
	Sign                    int64 // -1 in a reversal
}

const placeColumns = "payment_reference, token, component, account, day, sign"

func (p *RegisterPlace) cells() []any {
	return []any{text{&p.PaymentReference}, text{&p.Token}, text{&p.Component}, text{&p.Account}, text{&p.Day}, &p.Sign}
}

// putPlaces replaces the places of a payout.
func putPlaces(ctx context.Context, q querier, t *Todo, all []RegisterPlace) error {
	if _, err := exec(ctx, q, "DELETE FROM register_places WHERE connection_id = $1 AND payment_reference = $2", t.ConnectionID, t.PaymentReference); err != nil {
		return err
	}
	var cells []any
	for i := range all {
		all[i].PaymentReference = t.PaymentReference
		cells = append(append(cells, t.ConnectionID), all[i].cells()...)
	}
	return insertMany(ctx, q, "register_places", "connection_id, "+placeColumns, cells)
}

// RegisterPlaces lists the places of the components of some payouts, in the order of their days.
func (s *Store) RegisterPlaces(ctx context.Context, connection string, references []string) ([]RegisterPlace, error) {
	if len(references) == 0 {
		return nil, nil
	}
	args := []any{connection}
	for _, r := range references {
		args = append(args, r)
	}
	all, err := list(ctx, s.reads, (*RegisterPlace).cells, "SELECT "+placeColumns+` FROM register_places
		WHERE connection_id = $1 AND payment_reference IN (`+places(2, len(references))+`) ORDER BY payment_reference, day, token, component`, args...)
	return all, s.fail("list where disputes and loans of the connection "+connection+" are booked", err)
}
