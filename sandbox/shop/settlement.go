package shop

import (
	"fmt"
	"time"
)

var exampleDate = time.Date(2026, time.January, 15, 5, 0, 0, 0, time.UTC)

// Settlement is a payout written by hand: the rows are given, the totals are computed. It is for tests of
// special cases.
type Settlement struct {
	PaymentReference     string    // default "600000000001"
	MerchantID           string    // default "K600001"
	Currency             string    // default SEK
	RegistrationCurrency string    // default SEK
	SettlementType       string    // default NET
	Date                 time.Time // default 2026-01-15 05:00 UTC
	OpeningDebt          int64     // minor units
	Rows                 []Row
}

// Payout computes the totals. Rows without a currency, merchant id, country of registration or dates get
// those of the payout; an order id is never added. A row of a type that belongs to no total is an error.
func (s Settlement) Payout() (*Payout, error) {
	s.PaymentReference = orElse(s.PaymentReference, "600000000001")
	s.MerchantID = orElse(s.MerchantID, "K600001")
	s.Currency = orElse(s.Currency, homeCurrency)
	s.RegistrationCurrency = orElse(s.RegistrationCurrency, homeCurrency)
	s.SettlementType = orElse(s.SettlementType, Net)
	if s.Date.IsZero() {
		s.Date = exampleDate
	}
	rows := make(List, len(s.Rows))
	for i, r := range s.Rows {
		r.Currency = orElse(r.Currency, s.Currency)
		r.MerchantID = orElse(r.MerchantID, s.MerchantID)
		r.RegistrationCurrency = orElse(r.RegistrationCurrency, s.RegistrationCurrency)
		if r.CaptureDate.IsZero() {
			r.CaptureDate = s.Date.Add(-payoutDelay)
		}
		if r.OrderID != "" && r.SaleDate.IsZero() {
			r.SaleDate = r.CaptureDate.Add(-aDay)
		}
		if r.OrderID != "" && r.PurchaseCountry == "" {
			r.PurchaseCountry = countryOf(r.Currency)
		}
		rows[i] = r
	}
	totals, err := sum(rows, s.OpeningDebt, s.SettlementType)
	if err != nil {
		return nil, fmt.Errorf("computing the totals of payout %s: %w", s.PaymentReference, err)
	}
	return &Payout{
		PaymentReference: s.PaymentReference, MerchantID: s.MerchantID, Date: s.Date.UTC(), Currency: s.Currency,
		RegistrationCurrency: s.RegistrationCurrency, SettlementType: s.SettlementType, Totals: totals, Rows: rows,
	}, nil
}

func countryOf(currency string) string {
	if m := marketOf(currency); m != nil {
		return m.country
	}
	return "SE"
}

// Of returns a row of any type, without an order. Amounts are minor units.
func Of(kind, detail string, amount int64) Row {
	return Row{Type: kind, DetailedType: detail, Amount: amount}
}

// WithVAT gives a row Klarna's VAT at a rate in hundredths of a percent, rounded half up to the minor
// unit.
func (r Row) WithVAT(rate int64) Row {
	r.VATRate, r.VAT = rate, vatOn(r.Amount, rate)
	return r
}

// ForOrder makes a row belong to order number n: the same n gives the same order id, and for sales and
// fees the same capture id.
func (r Row) ForOrder(n uint64) Row {
	dice := newRandom(n, 23)
	r.OrderID, r.ShortOrderID = dice.uuid(), dice.shortID(8)+"-1"
	r.MerchantReference1 = fmt.Sprintf("%06d", n)
	r.InitialPaymentMethod = "invoice"
	if r.Type == TypeSale || r.Type == TypeFee {
		r.CaptureID = dice.uuid()
	}
	return r
}

// SaleRows returns the three rows of a captured order number n: the sale, its percentage fee and its fixed
// fee, both with VAT at the rate.
func SaleRows(n uint64, amount, percentageFee, fixedFee, vatRate int64) []Row {
	return []Row{
		Of(TypeSale, "PURCHASE", amount).ForOrder(n),
		Of(TypeFee, "PURCHASE_FEE_PERCENTAGE", percentageFee).WithVAT(vatRate).ForOrder(n),
		Of(TypeFee, "PURCHASE_FEE_FIXED", fixedFee).WithVAT(vatRate).ForOrder(n),
	}
}

// ReturnRow returns a return of order number n; part distinguishes several.
func ReturnRow(n, part uint64, amount int64) Row {
	r := Of(TypeReturn, "PURCHASE_RETURN", amount).ForOrder(n)
	r.RefundID = newRandom(n, 29, part).uuid()
	return r
}
