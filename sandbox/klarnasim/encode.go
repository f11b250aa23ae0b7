package klarnasim

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"kvitt/sandbox/shop"
)

// JSON is written by hand into one buffer: a benchmark must never wait for the simulator.

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// member starts a member; a comma precedes it unless it is the first.
func member(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func text(b []byte, name, value string) []byte { return appendString(member(b, name), value) }

// given writes a text member, unless the value is empty.
func given(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return text(b, name, value)
}

func whole(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(member(b, name), value, 10)
}

func moments(b []byte, name string, t time.Time) []byte {
	b = append(member(b, name), '"')
	b = t.UTC().AppendFormat(b, time.RFC3339)
	return append(b, '"')
}

func raw(b []byte, name, value string) []byte { return append(member(b, name), value...) }

// pagination closes a collection. The links are null at the ends in the live API and absent in the
// published description, which has no null.
func (s *Sim) pagination(b []byte, q *request, p page) []byte {
	b = append(member(b, "pagination"), '{')
	b = whole(b, "count", int64(p.count()))
	b = whole(b, "total", int64(p.total))
	for _, link := range []struct{ name, address string }{{"next", q.next(p)}, {"prev", q.prev(p)}} {
		switch {
		case link.address != "":
			b = text(b, link.name, link.address)
		case !s.options.Strict:
			b = raw(b, link.name, "null")
		}
	}
	b = whole(b, "offset", int64(p.offset))
	return append(b, '}', '}')
}

func (s *Sim) appendPayout(b []byte, q *request, p *shop.Payout) []byte {
	b = append(b, '{')
	b = append(member(b, "totals"), '{')
	for _, total := range totals {
		if s.options.Strict && total.name == commissionReversal {
			continue
		}
		b = whole(b, total.name, *total.value(&p.Totals))
	}
	b = append(b, '}')
	b = text(b, "payment_reference", p.PaymentReference)
	b = moments(b, "payout_date", p.Date)
	b = text(b, "currency_code", p.Currency)
	b = given(b, "currency_code_of_registration_country", p.RegistrationCurrency)
	b = text(b, "merchant_settlement_type", p.SettlementType)
	b = text(b, "merchant_id", p.MerchantID)
	b = text(b, "transactions", q.transactionsLink(p))
	if !s.options.Strict {
		b = raw(b, "payout_channel", `{"kind":"BANK_TRANSFER","labels":["sepa",null]}`)
	}
	return append(b, '}')
}

// noOrder is the order id of a row without an order in the published description, which requires a UUID.
const noOrder = "00000000-0000-0000-0000-000000000000"

// appendRow writes one transaction. Links and the payment reference are those of its payout; both are
// empty when there is none yet.
func (s *Sim) appendRow(b []byte, r *shop.Row, reference, payoutLink string) []byte {
	strict := s.options.Strict
	b = append(b, '{')
	b = whole(b, "amount", r.Amount)
	b = s.appendIdentifiers(b, r)
	b = text(b, "type", r.Type)
	b = given(b, "detailed_type", r.DetailedType)
	b = text(b, "currency_code", r.Currency)
	if !r.CaptureDate.IsZero() { // live answers may lack it
		b = moments(b, "capture_date", r.CaptureDate)
	}
	if !r.SaleDate.IsZero() {
		b = moments(b, "sale_date", r.SaleDate)
	} else if strict {
		b = moments(b, "sale_date", r.CaptureDate)
	}
	if country := r.PurchaseCountry; country != "" {
		b = text(b, "purchase_country", country)
	} else if strict {
		b = text(b, "purchase_country", "SE")
	}
	if reference != "" {
		b = text(b, "payment_reference", reference)
		b = text(b, "payout", payoutLink)
	}
	if r.VATRate != 0 || r.VAT != 0 {
		b = whole(b, "vat_rate", r.VATRate)
		b = whole(b, "vat_amount", r.VAT)
	}
	if r.VATAtHome != 0 {
		b = whole(b, "tax_in_currency_of_registration_country", r.VATAtHome)
	}
	b = given(b, "currency_code_of_registration_country", r.RegistrationCurrency)
	b = given(b, "initial_payment_method_type", r.InitialPaymentMethod)
	if r.MonthlyDownpayments != 0 {
		b = whole(b, "initial_payment_method_monthly_downpayments", r.MonthlyDownpayments)
	}
	b = given(b, "klarna_comment", r.Comment)
	b = given(b, "reversal_reference", r.ReversalReference)
	if strict {
		b = given(b, "shipping_country", r.ShippingCountry)
		if r.InitialInstallments != 0 {
			b = whole(b, "initial_number_of_installments", r.InitialInstallments)
		}
	} else {
		b = appendLive(b, r)
	}
	return append(b, '}')
}

func (s *Sim) appendIdentifiers(b []byte, r *shop.Row) []byte {
	switch {
	case r.OrderID != "":
		b = text(b, "order_id", r.OrderID)
	case s.options.Strict:
		b = text(b, "order_id", noOrder)
	default:
		b = raw(b, "order_id", "null")
	}
	b = given(b, "short_order_id", r.ShortOrderID)
	b = text(b, "capture_id", r.CaptureID) // "" for what has no capture
	b = given(b, "refund_id", r.RefundID)
	b = given(b, "merchant_reference1", r.MerchantReference1)
	b = given(b, "merchant_reference2", r.MerchantReference2)
	b = given(b, "merchant_capture_reference", r.MerchantCaptureReference)
	return given(b, "merchant_refund_reference", r.MerchantRefundReference)
}

// appendLive writes the members that only the live API has.
func appendLive(b []byte, r *shop.Row) []byte {
	b = given(b, "merchant_id", r.MerchantID)
	b = given(b, "shipping_address_country", r.ShippingCountry)
	if r.InitialInstallments != 0 {
		b = whole(b, "initial_payment_method_number_of_installments", r.InitialInstallments)
	}
	if r.CustomerRate == 0 {
		b = raw(b, "customer_vat", "null")
	} else {
		b = append(member(b, "customer_vat"), '[', '{')
		b = whole(b, "tax_amount", r.CustomerVAT)
		b = whole(b, "tax_rate", r.CustomerRate)
		b = append(b, '}', ']')
	}
	return raw(b, "additional_data", `{"channel":"web","tags":[]}`)
}

// appendSummary writes the sums of the payouts of one currency.
func (s *Sim) appendSummary(b []byte, w window, currency string, t *shop.Totals) []byte {
	b = append(b, '{')
	b = moments(b, "summary_payout_date_start", w.start)
	b = moments(b, "summary_payout_date_end", w.end)
	b = text(b, "summary_settlement_currency", currency)
	for _, sum := range []struct {
		name  string
		value int64
	}{
		{"sale", t.Sale},
		{"fee", t.Fee},
		{"fee_correction", t.FeeCorrection},
		{"tax", t.Tax},
		{"return", t.Return},
		{"reversal", t.Reversal},
		{"commission", t.Commission},
		{"holdback", t.Holdback},
		{"release", t.Release},
		{"repay", t.Repay},
		{"settlement", t.Settlement},
	} {
		b = whole(b, "summary_total_"+sum.name+"_amount", sum.value)
	}
	if !s.options.Strict {
		b = whole(b, "summary_total_commission_reversal_amount", t.CommissionReversal)
	}
	return append(b, '}')
}
