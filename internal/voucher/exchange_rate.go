package voucher

import (
	"fmt"
	"math/big"

	"kvitt/internal/settlement"
)

// rateDigits is the number of digits that an exchange rate is written with.
const rateDigits = 8

// ratePrecision is the bound on the error of a rate that is taken from VAT: one
// part in so many of the payout. A payout of 10,000 EUR is then booked within
// 20 EUR of what Klarna's own rate would give.
const ratePrecision = 500

// exchangeRate is the rate at which Klarna converted the VAT of this payout, in
// the merchant's own currency for one unit; "" when the profile leaves the rate
// to Visma.net, the currencies are the same, or there is nothing to see it by. The
// error is a *RateImpreciseError.
func (c *compiler) exchangeRate() (string, error) {
	klarna, _ := find(c.profile, c.about, func(l *layer) (bool, bool) { return said(l.vat.klarnaRate) })
	if !klarna || c.payout.RegistrationCurrency == "" || c.payout.RegistrationCurrency == c.payout.Currency {
		return "", nil
	}
	var charged, home adder
	var rows int64
	for _, component := range c.proof.Components {
		if effect := c.proof.Effect(component); effect.VAT != 0 && !effect.Outside {
			charged.add(effect.VAT)
			home.add(c.proof.RegistrationTax(component))
			rows += component.Rows
		}
	}
	from, err1 := c.payout.Currency.Exponent()
	to, err2 := c.payout.RegistrationCurrency.Exponent()
	if charged.overflow || home.overflow || charged.sum == 0 || home.sum == 0 || (charged.sum < 0) != (home.sum < 0) || err1 != nil || err2 != nil {
		return "", nil
	}
	rate := new(big.Rat).SetFrac64(home.sum, charged.sum)
	for ; from > to; from-- {
		rate.Mul(rate, big.NewRat(10, 1))
	}
	for ; to > from; to-- {
		rate.Mul(rate, big.NewRat(1, 10))
	}
	if !c.posted && !precise(abs(charged.sum), abs(home.sum), rows) {
		return "", &RateImpreciseError{
			PaymentReference: c.payout.PaymentReference, Currency: c.payout.Currency, Home: c.payout.RegistrationCurrency,
			VAT: abs(charged.sum), HomeVAT: abs(home.sum), Rows: rows, Rate: rate.FloatString(rateDigits),
		}
	}
	return rate.FloatString(rateDigits), nil
}

// precise tells whether the ratio of two sums of rounded rows is within
// ratePrecision of the rate behind it. Klarna rounds the VAT of each row to the
// minor unit in both currencies, so each sum may be off by roundingError.
func precise(charged, home, rows int64) bool {
	off := roundingError(rows) // in half minor units
	low := new(big.Rat).SetFrac64(2*charged-off, 2)
	if low.Sign() <= 0 {
		return false
	}
	rate := new(big.Rat).SetFrac64(home, charged)
	highest := new(big.Rat).SetFrac64(2*home+off, 2)
	highest.Quo(highest, low)
	highest.Sub(highest, rate).Mul(highest, big.NewRat(ratePrecision, 1))
	return highest.Cmp(rate) <= 0
}

// roundingError returns what rounding may make of the sum of so many rows, in halves of
// a minor unit. Each row is off by at most one half. Rows are rounded
// independently of each other, so beyond four of them the sum is off by no more
// than one unit times the root of their number (three and a half standard
// deviations).
func roundingError(rows int64) int64 {
	root := new(big.Int).Sqrt(big.NewInt(4 * rows)).Int64()
	if root*root < 4*rows {
		root++
	}
	return min(rows, root)
}

// RateImpreciseError says that the VAT of a payout is too small to show the rate
// at which Klarna converted it.
type RateImpreciseError struct {
	PaymentReference string              `json:"payment_reference"`
	Currency         settlement.Currency `json:"currency"`
	Home             settlement.Currency `json:"registration_currency"`
	VAT              int64               `json:"vat"`                          // minor units of Currency
	HomeVAT          int64               `json:"vat_in_registration_currency"` // minor units of Home
	Rows             int64               `json:"rows"`                         // that carry VAT
	Rate             string              `json:"rate"`
}

func (e *RateImpreciseError) Error() string {
	return fmt.Sprintf("compile voucher for payout %s: its VAT of %s %s is %s %s in Klarna's report (%d rows), which gives a rate of %s that may be wrong by more than 0.2 %%; set `vat.exchange_rate: visma` for %s to use Visma.net's rate",
		e.PaymentReference, settlement.Format(e.VAT, e.Currency), e.Currency, settlement.Format(e.HomeVAT, e.Home), e.Home, e.Rows, e.Rate, e.Currency)
}

// Code is the code under which the payout is held.
func (e *RateImpreciseError) Code() string { return codeRateImprecise }
