package vismasim

import (
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// literal is a JSON number exactly as it was written. A quoted number is refused: amounts are numbers in
// this API.
type literal string

func (l *literal) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] == '"' || b[0] == '{' || b[0] == '[' || b[0] == 't' || b[0] == 'f' {
		return errors.New("a decimal must be written as a JSON number")
	}
	*l = literal(b)
	return nil
}

var (
	errPrecision = errors.New("has more decimals than the currency")
	errRange     = errors.New("is too large")
)

// rat reads a JSON number exactly.
func (l literal) rat() (*big.Rat, error) {
	s := string(l)
	// A long exponent would make big.Rat allocate without limit.
	if mantissa, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		if n, err := strconv.Atoi(exponent); err != nil || n > 30 || n < -30 || mantissa == "" {
			return nil, errRange
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > 60 {
		return nil, errRange
	}
	return r, nil
}

// minor reads a JSON number as an amount in minor units of a currency with the
// given number of decimals. It never rounds.
func (l literal) minor(precision int) (int64, error) {
	r, err := l.rat()
	if err != nil {
		return 0, err
	}
	r.Mul(r, new(big.Rat).SetInt(pow10(precision)))
	if !r.IsInt() {
		return 0, errPrecision
	}
	if !r.Num().IsInt64() {
		return 0, errRange
	}
	return r.Num().Int64(), nil
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// convert multiplies an amount in minor units by a rate, from a currency with
// one number of decimals to a currency with another, rounding half away from
// zero.
func convert(minor int64, rate *big.Rat, from, to int) int64 {
	r := new(big.Rat).SetInt64(minor)
	r.Mul(r, rate)
	r.Mul(r, new(big.Rat).SetFrac(pow10(to), pow10(from)))
	twice := new(big.Int).Mul(r.Num(), big.NewInt(2))
	if r.Sign() >= 0 {
		twice.Add(twice, r.Denom())
	} else {
		twice.Sub(twice, r.Denom())
	}
	return new(big.Int).Quo(twice, new(big.Int).Mul(r.Denom(), big.NewInt(2))).Int64()
}

// number writes minor units as the JSON number the real API writes: at least
// one decimal, no more than needed ("85900.0", "12.34").
func number(minor int64, precision int) json.Number {
	digits := strconv.FormatInt(minor, 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if len(digits) <= precision {
		digits = strings.Repeat("0", precision+1-len(digits)) + digits
	}
	whole, fraction := digits[:len(digits)-precision], digits[len(digits)-precision:]
	fraction = strings.TrimRight(fraction, "0")
	if fraction == "" {
		fraction = "0"
	}
	return json.Number(sign + whole + "." + fraction)
}
