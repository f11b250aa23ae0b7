package klarnasim

import "kvitt/sandbox/shop"

// transactions answers GET /transactions: of a payout, of an order, of an order
// in a payout, or all. An unknown reference is an empty list.
func (s *Sim) transactions(q *request) (*reply, *problem) {
	if _, trouble := q.window(false); trouble != nil {
		return nil, trouble
	}
	list := s.choose(q)
	p, trouble := q.page(list.length())
	if trouble != nil {
		return nil, trouble
	}
	return jsonReply(func(b []byte) []byte {
		b = append(b, `{"transactions":[`...)
		var row shop.Row
		var of *shop.Payout
		var reference, link string
		for i := range min(p.count(), p.length) {
			if i > 0 {
				b = append(b, ',')
			}
			payout := list.row(p.at(i), &row)
			if payout != of {
				if of, reference, link = payout, "", ""; of != nil {
					reference, link = of.PaymentReference, q.payoutLink(of)
				}
			}
			b = s.appendRow(b, &row, reference, link)
		}
		return s.pagination(append(b, ']'), q, p)
	}), nil
}

// list is a selection of rows across payouts. The rows of a block belong to its payout, which is nil for
// unpaid rows.
type list []block

type block struct {
	payout *shop.Payout
	rows   shop.Rows
}

func (l list) length() int {
	n := 0
	for _, b := range l {
		n += b.rows.Len()
	}
	return n
}

func (l list) row(i int, into *shop.Row) *shop.Payout {
	for _, b := range l {
		if n := b.rows.Len(); i >= n {
			i -= n
			continue
		}
		b.rows.Row(i, into)
		return b.payout
	}
	return nil
}

// choose returns the rows that a request asks for.
func (s *Sim) choose(q *request) list {
	values := q.URL.Query()
	reference, order := values.Get("payment_reference"), values.Get("order_id")
	var chosen list
	for _, p := range s.visible(q) {
		if reference == "" || reference == p.PaymentReference {
			chosen = append(chosen, block{p, q.rows(p)})
		}
	}
	if reference == "" && !s.options.HideFuture {
		chosen = append(chosen, block{nil, shop.List(q.shop.Unpaid())})
	}
	if order == "" {
		return chosen
	}
	for i, b := range chosen {
		chosen[i].rows = ofOrder(b.rows, order)
	}
	return chosen
}

func ofOrder(rows shop.Rows, order string) shop.List {
	var found shop.List
	var row shop.Row
	for i := range rows.Len() {
		if rows.Row(i, &row); row.OrderID == order {
			found = append(found, row)
		}
	}
	return found
}
