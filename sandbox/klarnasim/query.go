package klarnasim

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"kvitt/sandbox/shop"
)

const (
	defaultSize = 20
	maximumSize = 500
)

func badValue(format string, values ...any) *problem {
	return &problem{http.StatusBadRequest, "BAD_VALUE", fmt.Sprintf(format, values...)}
}

// number reads a whole number between two bounds, or the default.
func number(values url.Values, name string, otherwise, low, high int) (int, *problem) {
	text := values.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, badValue("%s must be a number from %d to %d, not %q", name, low, high, text)
	}
	return n, nil
}

// moment reads a date-time, or a bare date as the start of that day in UTC.
func moment(values url.Values, name string, required bool) (time.Time, *problem) {
	text := values.Get(name)
	if text == "" {
		if required {
			return time.Time{}, badValue("%s is required", name)
		}
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badValue("%s must be an ISO 8601 date-time, not %q", name, text)
}

func currency(values url.Values) (string, *problem) {
	code := values.Get("currency_code")
	if code == "" {
		return "", nil
	}
	if len(code) != 3 {
		return "", badValue("currency_code must be an ISO 4217 code, not %q", code)
	}
	for _, letter := range code {
		if letter < 'A' || letter > 'Z' {
			return "", badValue("currency_code must be an ISO 4217 code, not %q", code)
		}
	}
	return code, nil
}

// window is a selection of payouts by date, inclusive, and currency. A zero time is open.
type window struct {
	start, end time.Time
	currency   string
}

func (q *request) window(required bool) (w window, trouble *problem) {
	values := q.URL.Query()
	if w.start, trouble = moment(values, "start_date", required); trouble != nil {
		return w, trouble
	}
	if w.end, trouble = moment(values, "end_date", required); trouble != nil {
		return w, trouble
	}
	w.currency, trouble = currency(values)
	return w, trouble
}

func (w window) holds(p *shop.Payout) bool {
	return (w.start.IsZero() || !p.Date.Before(w.start)) && (w.end.IsZero() || !p.Date.After(w.end)) &&
		(w.currency == "" || w.currency == p.Currency)
}

// visible returns the payouts that the merchant may see now, oldest first, with the faults of the request
// in their totals.
func (s *Sim) visible(q *request) []*shop.Payout {
	payouts := q.shop.Payouts()
	if s.options.HideFuture {
		now := s.options.Now()
		count := 0
		for count < len(payouts) && !payouts[count].Date.After(now) {
			count++
		}
		payouts = payouts[:count]
	}
	return q.miscount(payouts)
}

// chosen returns the visible payouts of a window, oldest first.
func (s *Sim) chosen(q *request, w window) []*shop.Payout {
	var chosen []*shop.Payout
	for _, p := range s.visible(q) {
		if w.holds(p) {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

// find returns the visible payout with a reference, or the error to answer with.
func (s *Sim) find(q *request, reference string) (*shop.Payout, *problem) {
	if reference == "" {
		return nil, badValue("payment_reference is required")
	}
	for _, p := range s.visible(q) {
		if p.PaymentReference == reference {
			return p, nil
		}
	}
	return nil, &problem{http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("There is no payout with the payment reference %q", reference)}
}

// page is a part of a list. Item i of the page is number at(i) of the list; faults of the request shift
// that.
type page struct {
	offset, size, total, shift, length int
}

// page reads size and offset for a list of some length.
func (q *request) page(length int) (page, *problem) {
	values := q.URL.Query()
	size, trouble := number(values, "size", defaultSize, 1, maximumSize)
	if trouble != nil {
		return page{}, trouble
	}
	offset, trouble := number(values, "offset", 0, 0, 1<<30)
	if trouble != nil {
		return page{}, trouble
	}
	p := page{offset: offset, size: size, total: length, length: length}
	for _, f := range q.faults {
		switch f.Kind {
		case FaultRepeatedPage:
			p.offset = max(0, p.offset-p.size)
		case FaultRepeatedRows:
			p.shift = min(p.offset, p.size)
		case FaultMovedPage:
			moved := int(orOne(f.Delta))
			p.total, p.shift = max(0, p.total+moved), moved
		default: // does not concern pages
		}
	}
	return p, nil
}

func orOne(delta int64) int64 {
	if delta == 0 {
		return 1
	}
	return delta
}

func (p page) count() int { return max(0, min(p.size, p.total-p.offset)) }

func (p page) at(i int) int { return min(max(0, p.offset+i-p.shift), p.length-1) }

// link returns the absolute address of another page with the same parameters, or "" when there is none.
func (q *request) link(offset int, there bool, size int) string {
	if !there {
		return ""
	}
	values := q.URL.Query()
	values.Set("offset", strconv.Itoa(offset))
	values.Set("size", strconv.Itoa(size))
	return q.base + q.URL.Path + "?" + values.Encode()
}

func (q *request) next(p page) string {
	return q.link(p.offset+p.size, p.offset+p.size < p.total, p.size)
}

func (q *request) prev(p page) string { return q.link(max(0, p.offset-p.size), p.offset > 0, p.size) }
