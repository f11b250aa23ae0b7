// Package lang says what Kvitt says in the reader's language: sentences, amounts,
// numbers, and the forms of words that numbers ask for.
//
// English is written where a sentence is made, and the other languages are looked
// up by it in sentences/*.yaml, with the figures taken out and put back in. That
// is how what was kept in English, such as why a payout is held, is read in
// Swedish years later. It must never put an amount through a float, and never
// change what it has no words for: that is shown as it came.
package lang

import (
	"strings"

	"golang.org/x/text/feature/plural"
	textlanguage "golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"kvitt/internal/settlement"
)

// Language is one that Kvitt speaks, as its ISO 639-1 code. The zero value is
// English. Figures are written in each language of a voucher.
type Language string

// The languages.
const (
	English   Language = "en"
	Swedish   Language = "sv"
	Norwegian Language = "nb"
)

// The languages of vouchers alone: their figures are written, and no sentence is said.
const (
	finnish Language = "fi"
	danish  Language = "da"
)

// Languages are those, English first.
func Languages() []Language { return []Language{English, Swedish, Norwegian} }

// Of is the language of a code, English for one that Kvitt does not speak.
func Of(code string) Language {
	for _, l := range Languages() {
		if string(l) == code {
			return l
		}
	}
	return English
}

func (l Language) tag() textlanguage.Tag { return textlanguage.Make(string(Of(string(l)))) }

// symbols are what stands between the digits of a number.
type symbols struct{ group, decimal, minus string }

// english groups by a space: a comma would be read as that of decimals by
// everybody else here.
var english = symbols{"\u00a0", ".", "−"}

var symbolsOf = map[Language]symbols{
	Swedish: readSymbols(Swedish), Norwegian: readSymbols(Norwegian), finnish: readSymbols(finnish), danish: readSymbols(danish),
}

// readSymbols takes them out of a number that the library has written.
func readSymbols(l Language) symbols {
	p := message.NewPrinter(textlanguage.Make(string(l)))
	minus, rest, _ := strings.Cut(p.Sprint(number.Decimal(-1234567)), "1")
	group, _, _ := strings.Cut(rest, "234")
	decimal := strings.Trim(p.Sprint(number.Decimal(5, number.Scale(1))), "50")
	return symbols{group, decimal, minus}
}

func (l Language) symbols() symbols {
	if s, ok := symbolsOf[l]; ok {
		return s
	}
	return english
}

// Money is an amount in minor units as people read it, without its currency.
func (l Language) Money(minor int64, currency string) string {
	return l.Decimal(settlement.Format(minor, settlement.Currency(currency)))
}

// Decimal is a number written with digits and a point, as people read it. What is
// no number stays as it is.
func (l Language) Decimal(text string) string {
	digits, negative := strings.CutPrefix(text, "-")
	whole, rest, fraction := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+rest, "0123456789") != "" {
		return text
	}
	s := l.symbols()
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + s.group + whole[at:]
	}
	if fraction {
		whole += s.decimal + rest
	}
	if negative {
		whole = s.minus + whole
	}
	return whole
}

// One tells whether a number asks for the singular.
func (l Language) One(n int64) bool {
	if n < 0 {
		n = -n
	}
	form := plural.Cardinal.MatchPlural(l.tag(), int(n%1_000_000_000), 0, 0, 0, 0)
	return form == plural.One && n < 1_000_000_000
}
