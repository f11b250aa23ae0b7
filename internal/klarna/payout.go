package klarna

import (
	"time"

	"kvitt/internal/settlement"
)

// Payout holds what Klarna says about one payout. Amounts are minor units of
// CurrencyCode. Source: Klarna Settlements API, Payout.
type Payout struct {
	Totals                 Totals    `json:"totals"`
	PaymentReference       string    `json:"payment_reference"` // stands on the bank statement
	PayoutDate             time.Time `json:"payout_date"`       // UTC; when Klarna initiated it
	CurrencyCode           string    `json:"currency_code"`
	RegistrationCurrency   string    `json:"currency_code_of_registration_country"`
	MerchantSettlementType string    `json:"merchant_settlement_type"` // NET, GROSS, GROSS_FEE; unknown values are kept
	MerchantID             string    `json:"merchant_id"`
	Transactions           string    `json:"transactions"` // link to the rows; never followed

	Unknown  Members  `json:"-"`
	Warnings Warnings `json:"-"`
}

// Totals are Klarna's sums of a payout. A sum that this version does not know
// is in Unknown, and is money all the same.
type Totals struct {
	settlement.Totals

	Unknown Members `json:"-"`
}

// Settlement is the payout as the proof wants it.
func (p *Payout) Settlement() settlement.Payout {
	return settlement.Payout{
		PaymentReference:     p.PaymentReference,
		MerchantID:           p.MerchantID,
		Date:                 p.PayoutDate,
		Currency:             settlement.Currency(p.CurrencyCode),
		RegistrationCurrency: settlement.Currency(p.RegistrationCurrency),
		Type:                 settlement.SettlementType(p.MerchantSettlementType),
		Totals:               p.Totals.Totals,
	}
}

// PayoutSummary is the sum of the payouts of one currency in a window, in minor
// units. It lacks charges, credits, deposits and refunded fees, so the
// settlement formula cannot be checked with it. Source: Klarna Settlements
// API, PayoutSummary.
type PayoutSummary struct {
	Start    time.Time `json:"summary_payout_date_start"` // UTC
	End      time.Time `json:"summary_payout_date_end"`   // UTC
	Currency string    `json:"summary_settlement_currency"`

	Totals settlement.Totals `json:"-"` // those of settlement.SummedTotals

	Unknown Members `json:"-"`
}

var payoutShape = newPayoutShape()

func newPayoutShape() *shape[Payout] {
	s := newShape(
		func(p *Payout) *Members { return &p.Unknown },
		must(object("totals", totalsShape, func(p *Payout) *Totals { return &p.Totals })),
		must(text("payment_reference", func(p *Payout) *string { return &p.PaymentReference })),
		must(date("payout_date", func(p *Payout) *time.Time { return &p.PayoutDate })),
		must(word("currency_code", func(p *Payout) *string { return &p.CurrencyCode })),
		word("currency_code_of_registration_country", func(p *Payout) *string { return &p.RegistrationCurrency }),
		word("merchant_settlement_type", func(p *Payout) *string { return &p.MerchantSettlementType }),
		must(word("merchant_id", func(p *Payout) *string { return &p.MerchantID })),
		text("transactions", func(p *Payout) *string { return &p.Transactions }),
	)
	s.apart = true
	s.warnings = func(p *Payout) *Warnings { return &p.Warnings }
	s.check = func(p *Payout, _, _ uint64) *DecodeError {
		if !IsReference(p.PaymentReference) || Unnamed(p.PaymentReference) {
			return &DecodeError{Where: "payment_reference", Problem: "is not 1 to 64 letters, digits, hyphens and underscores"}
		}
		return nil
	}
	return s
}

// totalsShape asks for the settlement amount only: older answers have no more
// than 11 of the sums, and an absent sum is zero.
var totalsShape = newShape(
	func(t *Totals) *Members { return &t.Unknown },
	sums(settlement.EveryTotal(), settlement.Total.Member, func(t *Totals) *settlement.Totals { return &t.Totals })...,
)

var summaryShape = newShape(
	func(s *PayoutSummary) *Members { return &s.Unknown },
	append([]field[PayoutSummary]{
		date("summary_payout_date_start", func(s *PayoutSummary) *time.Time { return &s.Start }),
		date("summary_payout_date_end", func(s *PayoutSummary) *time.Time { return &s.End }),
		must(word("summary_settlement_currency", func(s *PayoutSummary) *string { return &s.Currency })),
	}, sums(settlement.SummedTotals(), settlement.Total.SummaryMember, func(s *PayoutSummary) *settlement.Totals { return &s.Totals })...)...,
)

// sums are the members of some totals, of which the settlement amount is needed.
func sums[T any](totals []settlement.Total, name func(settlement.Total) string, at func(*T) *settlement.Totals) []field[T] {
	fields := make([]field[T], len(totals))
	for i, total := range totals {
		fields[i] = exact(number(name(total), func(t *T) *int64 { return &at(t)[total] }))
		fields[i].needed = total == settlement.TotalSettlement
	}
	return fields
}

// collection is one page of a listing as it came. A member of pagination that
// did not come is -1.
type collection[T any] struct {
	Items      []T
	Broken     []Broken
	Warnings   Warnings
	Pagination pagination
	Unknown    Members
}

type pagination struct {
	Count, Total, Offset int64
	Next, Prev           string // data, never followed
	Unknown              Members
}

var noPagination = pagination{Count: -1, Total: -1, Offset: -1}

var paginationShape = newShape(
	func(p *pagination) *Members { return &p.Unknown },
	must(number("count", func(p *pagination) *int64 { return &p.Count })),
	exact(number("total", func(p *pagination) *int64 { return &p.Total })),
	exact(number("offset", func(p *pagination) *int64 { return &p.Offset })),
	text("next", func(p *pagination) *string { return &p.Next }),
	text("prev", func(p *pagination) *string { return &p.Prev }),
)

func collectionShape[T any](name string, of *shape[T]) *shape[collection[T]] {
	s := newShape(
		func(c *collection[T]) *Members { return &c.Unknown },
		must(list(name, of, func(c *collection[T]) *[]T { return &c.Items }, func(c *collection[T]) *[]Broken { return &c.Broken })),
		must(object("pagination", paginationShape, func(c *collection[T]) *pagination { return &c.Pagination })),
	)
	s.warnings = func(c *collection[T]) *Warnings { return &c.Warnings }
	return s
}

var (
	payoutsShape      = collectionShape("payouts", payoutShape)
	transactionsShape = collectionShape("transactions", transactionShape)
)
