package visma

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number. It is made from integers or from a JSON number literal, and written
// as a JSON number literal; it never passes through a float. The zero value is 0. Equal numbers are equal
// under ==, in whatever notation they were read ("1.50", "1.5", "15e-1").
type Decimal struct {
	negative bool
	digits   string // no leading and no trailing zeros; empty is zero
	exponent int    // value = digits × 10^exponent
}

// A literal beyond these limits is not an amount, a rate or a quantity but an attempt to make Kvitt write
// a very long number.
const (
	longestLiteral  = 1024
	largestExponent = 10_000
	longestPlain    = 64
)

// FromMinor returns minor × 10^-decimals: FromMinor(1250, 2) is 12.5.
func FromMinor(minor int64, decimals int) Decimal {
	text := strconv.FormatInt(minor, 10)
	digits, negative := strings.CutPrefix(text, "-")
	return normalise(negative, digits, -decimals)
}

// Minor returns the number in minor units of a currency with that many
// decimals, or an error when it has more decimals or does not fit: nothing is
// ever rounded.
func (d Decimal) Minor(decimals int) (int64, error) {
	if d.digits == "" {
		return 0, nil
	}
	shift := d.exponent + decimals
	if shift < 0 {
		return 0, fmt.Errorf("read %s in minor units: it has more than %d decimals", d, decimals)
	}
	if len(d.digits)+shift > 19 {
		return 0, fmt.Errorf("read %s in minor units: it is too large", d)
	}
	text := d.digits + strings.Repeat("0", shift)
	if d.negative {
		text = "-" + text
	}
	minor, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s in minor units: it is too large", d)
	}
	return minor, nil
}

// IsZero reports whether the number is 0.
func (d Decimal) IsZero() bool { return d.digits == "" }

// Equal reports whether two decimals are the same number.
func (d Decimal) Equal(other Decimal) bool { return d == other }

// Neg returns the number with the opposite sign.
func (d Decimal) Neg() Decimal {
	if d.digits != "" {
		d.negative = !d.negative
	}
	return d
}

// String writes the number as a JSON number literal: plainly while it is short, "-1234.5", "0.0873"; with
// an exponent beyond that.
func (d Decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	sign := ""
	if d.negative {
		sign = "-"
	}
	point := len(d.digits) + d.exponent // position of the decimal point
	switch {
	case d.exponent >= 0 && point <= longestPlain:
		return sign + d.digits + strings.Repeat("0", d.exponent)
	case d.exponent < 0 && point > 0:
		return sign + d.digits[:point] + "." + d.digits[point:]
	case d.exponent < 0 && point > -longestPlain:
		return sign + "0." + strings.Repeat("0", -point) + d.digits
	}
	return sign + d.digits + "e" + strconv.Itoa(d.exponent)
}

// MarshalJSON writes a number literal.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a number literal exactly; null is 0. Anything else,
// a number in quotes included, is an error.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*d = Decimal{}
		return nil
	}
	parsed, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// ParseDecimal reads a JSON number literal: an optional minus sign, digits,
// an optional fraction and an optional exponent.
func ParseDecimal(literal string) (Decimal, error) {
	if len(literal) > longestLiteral {
		return Decimal{}, fmt.Errorf("read decimal: %q… is %d characters long", literal[:16], len(literal))
	}
	rest, negative := strings.CutPrefix(literal, "-")
	mantissa, exponent, err := splitExponent(rest)
	if err != nil {
		return Decimal{}, fmt.Errorf("read decimal %q: %w", literal, err)
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	switch {
	case !isDigits(whole) || hasPoint && !isDigits(fraction):
		return Decimal{}, fmt.Errorf("read decimal %q: it is not a JSON number", literal)
	case len(whole) > 1 && whole[0] == '0':
		return Decimal{}, fmt.Errorf("read decimal %q: it has leading zeros", literal)
	}
	return normalise(negative, whole+fraction, exponent-len(fraction)), nil
}

func splitExponent(s string) (mantissa string, exponent int, err error) {
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return s, 0, nil
	}
	text := s[at+1:]
	unsigned := text
	if unsigned != "" && (unsigned[0] == '+' || unsigned[0] == '-') {
		unsigned = unsigned[1:]
	}
	if !isDigits(unsigned) {
		return "", 0, errors.New("its exponent is not a number")
	}
	exponent, err = strconv.Atoi(text)
	if err != nil || exponent > largestExponent || exponent < -largestExponent {
		return "", 0, fmt.Errorf("its exponent is beyond ±%d", largestExponent)
	}
	return s[:at], exponent, nil
}

func isDigits(s string) bool {
	for _, r := range []byte(s) {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

func normalise(negative bool, digits string, exponent int) Decimal {
	digits = strings.TrimLeft(digits, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return Decimal{}
	}
	return Decimal{negative: negative, digits: short, exponent: exponent + len(digits) - len(short)}
}
