// Package settlement is the money core: what Klarna says it paid out, the
// rows behind it, and the proof that the two agree to the minor unit.
//
// It is pure: no I/O, no clock, no other package of ours. It must never round,
// clamp, plug or guess; what does not prove is returned as an error that names
// the component and the exact difference. Amounts are int64 minor units.
package settlement

import "time"

// Payout holds what Klarna reports about one payout. Amounts are minor units of
// Currency. Source: Klarna Settlements API, Payout.
type Payout struct {
	PaymentReference     string         `json:"payment_reference"`
	MerchantID           string         `json:"merchant_id"`
	Date                 time.Time      `json:"payout_date"` // UTC; when Klarna initiated the payout
	Currency             Currency       `json:"currency"`
	RegistrationCurrency Currency       `json:"registration_currency,omitempty"`
	Type                 SettlementType `json:"merchant_settlement_type"`
	Totals               Totals         `json:"totals"`
}

// Same tells whether two reports of a payout state the same. It compares what
// they say, not how it was written down: a document from before a member was
// known says nothing in it, which is zero.
func (p Payout) Same(o Payout) bool {
	sameMoment := p.Date.Equal(o.Date)
	p.Date, o.Date = time.Time{}, time.Time{}
	return sameMoment && p == o
}

// SettlementType says how Klarna charges its fees for a payout. Unknown values
// are kept as they came.
type SettlementType string //nolint:revive // Klarna's own word, merchant_settlement_type

// The settlement types Klarna publishes.
const (
	Net      SettlementType = "NET"       // fees are deducted from the payout
	Gross    SettlementType = "GROSS"     // fees are invoiced separately
	GrossFee SettlementType = "GROSS_FEE" // the invoice for the fees of GROSS payouts
)

// Row is one line of a settlement. Klarna gives rows no id. Amounts are minor
// units. Klarna does not document the sign of Amount: the type gives it its
// direction, and only a CORRECTION's own sign counts (see Tally).
type Row struct {
	Type                      string
	DetailedType              string
	Amount                    int64
	VAT                       int64 // VAT on Klarna's fee
	VATRate                   int64 // 2000 = 20.00 %
	TaxInRegistrationCurrency int64 // fee VAT in the currency of the merchant's country
	Currency                  Currency
	Country                   string // purchase country, ISO 3166-1 alpha-2
	MerchantID                string
	OrderID                   string
	CaptureID                 string
	RefundID                  string
	MerchantReference1        string
	MerchantReference2        string
	Comment                   string // klarna_comment
	CaptureDate               time.Time
	SaleDate                  time.Time
}

// Key names a component: the rows of one type and detailed type, split by what
// a posting profile may tell apart.
type Key struct {
	Type         string `json:"type"`
	DetailedType string `json:"detailed_type"`
	Country      string `json:"country,omitempty"`
	MerchantID   string `json:"merchant_id,omitempty"`
	VATRate      int64  `json:"vat_rate,omitempty"` // of the VAT on Klarna's fee, 2500 = 25.00 %
	// Reference is Klarna's comment on rows that belong to no order: the loan
	// that is paid back, the statement of a debt that is netted, the review or
	// the reserve behind money that is held back and released.
	Reference string `json:"reference,omitempty"`
}

// Component is the sum of the rows of one key, in minor units of the payout's
// currency; TaxInRegistrationCurrency in minor units of the currency of the
// merchant's country. The figures are magnitudes, and Proof.Effect gives them
// their direction; those of CORRECTION, and of types nobody has told us of,
// keep Klarna's own sign.
type Component struct {
	Key
	Rows                      int64 `json:"rows"`
	Amount                    int64 `json:"amount"`
	VAT                       int64 `json:"vat,omitempty"`
	TaxInRegistrationCurrency int64 `json:"tax_in_registration_currency,omitempty"`

	// Of the figures above, what came on rows with a minus sign. Zero where the
	// figures keep Klarna's sign anyway.
	Against    int64 `json:"against,omitempty"`
	VATAgainst int64 `json:"vat_against,omitempty"`
	TaxAgainst int64 `json:"tax_in_registration_currency_against,omitempty"`
}
