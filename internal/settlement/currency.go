package settlement

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Currency is an ISO 4217 code, upper case.
type Currency string

// exponents are the ISO 4217 minor-unit digits of the currencies Klarna
// settles in. A currency that is not here is refused, never guessed.
var exponents = map[Currency]int{
	"AUD": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2,
	"JPY": 0, "MXN": 2, "NOK": 2, "NZD": 2, "PLN": 2, "RON": 2, "SEK": 2, "USD": 2,
}

// Exponent is the number of minor-unit digits, or an error for a currency that
// Kvitt does not know.
func (c Currency) Exponent() (int, error) {
	if e, ok := exponents[c]; ok {
		return e, nil
	}
	return 0, fmt.Errorf("currency %q is not one Kvitt knows the minor unit of", string(c))
}

// Format writes minor units as a decimal in major units with a point:
// -123450 SEK is "-1234.50". An unknown currency is written in minor units and
// says so.
func Format(minor int64, c Currency) string {
	e, err := c.Exponent()
	if err != nil {
		return strconv.FormatInt(minor, 10) + " minor units"
	}
	digits := strconv.FormatInt(minor, 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if e == 0 {
		return sign + digits
	}
	if len(digits) <= e {
		digits = strings.Repeat("0", e+1-len(digits)) + digits
	}
	cut := len(digits) - e
	return sign + digits[:cut] + "." + digits[cut:]
}

// Currencies are the currencies that Kvitt knows, sorted.
func Currencies() []Currency { return slices.Sorted(maps.Keys(exponents)) }
