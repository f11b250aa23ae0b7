package klarnasim

import (
	"net/url"
	"slices"

	"kvitt/sandbox/shop"
)

// payouts answers GET /payouts, newest first.
func (s *Sim) payouts(q *request) (*reply, *problem) {
	w, trouble := q.window(false)
	if trouble != nil {
		return nil, trouble
	}
	list := s.chosen(q, w)
	p, trouble := q.page(len(list))
	if trouble != nil {
		return nil, trouble
	}
	return jsonReply(func(b []byte) []byte {
		b = append(b, `{"payouts":[`...)
		for i := range min(p.count(), len(list)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = s.appendPayout(b, q, list[len(list)-1-p.at(i)])
		}
		return s.pagination(append(b, ']'), q, p)
	}), nil
}

// payout answers GET /payouts/{payment_reference}.
func (s *Sim) payout(q *request) (*reply, *problem) {
	p, trouble := s.find(q, q.PathValue("payment_reference"))
	if trouble != nil {
		return nil, trouble
	}
	return jsonReply(func(b []byte) []byte { return s.appendPayout(b, q, p) }), nil
}

// summaries answers GET /payouts/summary: one element per currency.
func (s *Sim) summaries(q *request) (*reply, *problem) {
	w, trouble := q.window(true)
	if trouble != nil {
		return nil, trouble
	}
	sums := map[string]*shop.Totals{}
	var currencies []string
	for _, p := range s.chosen(q, w) {
		if sums[p.Currency] == nil {
			sums[p.Currency] = &shop.Totals{}
			currencies = append(currencies, p.Currency)
		}
		for _, total := range totals {
			*total.value(sums[p.Currency]) += *total.value(&p.Totals)
		}
	}
	slices.Sort(currencies)
	return jsonReply(func(b []byte) []byte {
		b = append(b, '[')
		for i, currency := range currencies {
			if i > 0 {
				b = append(b, ',')
			}
			b = s.appendSummary(b, w, currency, sums[currency])
		}
		return append(b, ']')
	}), nil
}

func (q *request) transactionsLink(p *shop.Payout) string {
	return q.base + prefix + "/transactions?payment_reference=" + url.QueryEscape(p.PaymentReference)
}

func (q *request) payoutLink(p *shop.Payout) string {
	return q.base + prefix + "/payouts/" + url.PathEscape(p.PaymentReference)
}
