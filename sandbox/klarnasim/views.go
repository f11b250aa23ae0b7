package klarnasim

import (
	"slices"

	"kvitt/sandbox/shop"
)

// miscount returns payouts with the totals changed by the faults of the request. The shop's own are never
// changed.
func (q *request) miscount(payouts []*shop.Payout) []*shop.Payout {
	for _, f := range q.faults {
		if f.Kind != FaultTotal {
			continue
		}
		field := totalField(orElse(f.Field, "settlement_amount"))
		if field == nil {
			continue
		}
		payouts = slices.Clone(payouts)
		for i, p := range payouts {
			if f.PaymentReference == "" || f.PaymentReference == p.PaymentReference {
				wrong := *p
				*field(&wrong.Totals) += orOne(f.Delta)
				payouts[i] = &wrong
			}
		}
	}
	return payouts
}

// totals are the members of Totals as the API names them, in its order.
var totals = []struct {
	name  string
	value func(*shop.Totals) *int64
}{
	{"commission_amount", func(t *shop.Totals) *int64 { return &t.Commission }},
	{"repay_amount", func(t *shop.Totals) *int64 { return &t.Repay }},
	{"sale_amount", func(t *shop.Totals) *int64 { return &t.Sale }},
	{"holdback_amount", func(t *shop.Totals) *int64 { return &t.Holdback }},
	{"tax_amount", func(t *shop.Totals) *int64 { return &t.Tax }},
	{"settlement_amount", func(t *shop.Totals) *int64 { return &t.Settlement }},
	{"fee_correction_amount", func(t *shop.Totals) *int64 { return &t.FeeCorrection }},
	{"reversal_amount", func(t *shop.Totals) *int64 { return &t.Reversal }},
	{"release_amount", func(t *shop.Totals) *int64 { return &t.Release }},
	{"return_amount", func(t *shop.Totals) *int64 { return &t.Return }},
	{"fee_amount", func(t *shop.Totals) *int64 { return &t.Fee }},
	{"charge_amount", func(t *shop.Totals) *int64 { return &t.Charge }},
	{"credit_amount", func(t *shop.Totals) *int64 { return &t.Credit }},
	{"fee_refund_amount", func(t *shop.Totals) *int64 { return &t.FeeRefund }},
	{"tax_refund_amount", func(t *shop.Totals) *int64 { return &t.TaxRefund }},
	{"deposit_amount", func(t *shop.Totals) *int64 { return &t.Deposit }},
	{"opening_debt_balance_amount", func(t *shop.Totals) *int64 { return &t.OpeningDebt }},
	{"closing_debt_balance_amount", func(t *shop.Totals) *int64 { return &t.ClosingDebt }},
	{commissionReversal, func(t *shop.Totals) *int64 { return &t.CommissionReversal }},
}

// commissionReversal is newer than the published description.
const commissionReversal = "commission_reversal_amount"

func totalField(name string) func(*shop.Totals) *int64 {
	for _, t := range totals {
		if t.name == name {
			return t.value
		}
	}
	return nil
}

// rows returns the rows of a payout, changed by the faults of the request.
func (q *request) rows(p *shop.Payout) shop.Rows {
	rows := p.Rows
	for _, f := range q.faults {
		if f.PaymentReference != "" && f.PaymentReference != p.PaymentReference || f.Row >= rows.Len() {
			continue
		}
		switch f.Kind {
		case FaultRowDropped:
			rows = dropped{rows, f.Row}
		case FaultRowChanged, FaultUnknownType, FaultUnknownDetailedType:
			rows = changed{rows, f}
		default: // does not concern rows
		}
	}
	return rows
}

// dropped are rows with one of them left out.
type dropped struct {
	shop.Rows
	gone int
}

func (d dropped) Len() int { return d.Rows.Len() - 1 }

func (d dropped) Row(i int, into *shop.Row) {
	if i >= d.gone {
		i++
	}
	d.Rows.Row(i, into)
}

// changed are rows with one of them changed.
type changed struct {
	shop.Rows
	fault Fault
}

// rowFields are the members of a row that a fault can change.
var rowFields = []string{"amount", "vat_amount", "currency_code", "type", "detailed_type", "order_id", "purchase_country"}

func (c changed) Row(i int, into *shop.Row) {
	c.Rows.Row(i, into)
	if i != c.fault.Row {
		return
	}
	unknown := orElse(c.fault.Value, "SOMETHING_NEW")
	switch c.fault.Kind {
	case FaultUnknownType:
		into.Type = unknown
		return
	case FaultUnknownDetailedType:
		into.DetailedType = unknown
		return
	default: // FaultRowChanged
	}
	switch orElse(c.fault.Field, "amount") {
	case "amount":
		into.Amount += orOne(c.fault.Delta)
	case "vat_amount":
		into.VAT += orOne(c.fault.Delta)
	case "currency_code":
		into.Currency = c.fault.Value
	case "type":
		into.Type = c.fault.Value
	case "detailed_type":
		into.DetailedType = c.fault.Value
	case "order_id":
		into.OrderID = c.fault.Value
	case "purchase_country":
		into.PurchaseCountry = c.fault.Value
	}
}
