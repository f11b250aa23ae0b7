package posting

import (
	"math/big"

	"kvitt/internal/visma"
)

// A rate is sent with eight decimals. How many Visma.net keeps is not documented;
// fewer than four would be another rate.
const (
	sentDecimals  = 8
	leastDecimals = 4
)

// tookRate tells whether a batch took the rate that was sent: the same number,
// however it is written, or that number rounded or cut to the decimals that
// Visma.net keeps, at least four. What lies beyond the eight that were sent is
// the noise of a binary fraction.
func tookRate(sent string, stands visma.Decimal) bool {
	want, ok := new(big.Rat).SetString(sent)
	if !ok {
		return false
	}
	got, ok := new(big.Rat).SetString(stands.String())
	if !ok {
		return false
	}
	kept := scaled(got, sentDecimals, true)
	for decimals := leastDecimals; decimals <= sentDecimals; decimals++ {
		rest := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(sentDecimals-decimals)), nil)
		for _, round := range []bool{true, false} {
			if kept.Cmp(new(big.Int).Mul(scaled(want, decimals, round), rest)) == 0 {
				return true
			}
		}
	}
	return false
}

// scaled is a positive rate × 10^decimals, rounded half up or cut.
func scaled(rate *big.Rat, decimals int, round bool) *big.Int {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	product := new(big.Rat).Mul(rate, new(big.Rat).SetInt(unit))
	if round {
		product.Add(product, big.NewRat(1, 2))
	}
	return new(big.Int).Div(product.Num(), product.Denom())
}

// rateOf is the rate that a batch states; "" for none.
func rateOf(b *visma.JournalTransaction) string {
	if b.ExchangeRate.IsZero() {
		return ""
	}
	return b.ExchangeRate.String()
}
