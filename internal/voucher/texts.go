package voucher

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"kvitt/internal/settlement"
)

// texts are what a profile writes on its vouchers. They may hold placeholders.
type texts struct {
	description string // of the batch, after the token
	settlement  string // the bank line
	invoice     string // a fee bill that is paid apart
	vat         string // VAT on fees
	repay       string // debt repaid out of a payout
	deposit     string // debt added by a payout
	carried     string // a negative payout that was carried as debt
	reversal    string // of a batch that takes another one back, and before each of its lines
}

// defaultTexts are used for what a profile leaves out.
var defaultTexts = texts{
	description: "Klarna {payment_reference} {currency} {payout_date}",
	settlement:  "Klarna payout {payment_reference}",
	invoice:     "Klarna fee invoice",
	vat:         "Klarna fee VAT",
	repay:       "Klarna debt repaid",
	deposit:     "Klarna debt added",
	carried:     "Klarna payout carried as debt",
	reversal:    "Reverses {batch_number}, {voucher_date}",
}

// The placeholders of every text, and those that the texts of rules have beside
// them.
var (
	payoutPlaceholders = []string{"payment_reference", "payout_date", "currency", "merchant_id"}
	rulePlaceholders   = append(slices.Clone(payoutPlaceholders), "type", "detailed_type", "country", "vat_rate", "reference")

	reversalPlaceholders = []string{"batch_number", "voucher_date", "payment_reference", "currency"}
)

// filler puts the values of a payout, and of a component when there is one, in
// the place of placeholders, all in one pass.
func filler(p *settlement.Payout, date Date, key *settlement.Key) *strings.Replacer {
	pairs := []string{
		"{payment_reference}", p.PaymentReference,
		"{payout_date}", date.String(),
		"{currency}", string(p.Currency),
		"{merchant_id}", p.MerchantID,
	}
	if key != nil {
		pairs = append(pairs, "{type}", key.Type, "{detailed_type}", key.DetailedType, "{country}", key.Country, "{vat_rate}", Percent(key.VATRate), "{reference}", key.Reference)
	}
	return strings.NewReplacer(pairs...)
}

// placeholders lists what stands between braces in a text, and whether the
// braces pair up.
func placeholders(text string) (names []string, ok bool) {
	for {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			return names, true
		}
		end := strings.IndexAny(text[open+1:], "{}")
		if text[open] == '}' || end < 0 || text[open+1+end] == '{' {
			return names, false
		}
		names = append(names, text[open+1:open+1+end])
		text = text[open+1+end+1:]
	}
}

// plainText is what a rule without a text of its own is called:
// "Klarna fee, servicing fee".
func plainText(k settlement.Key) string {
	text := "Klarna " + words(k.Type)
	if k.DetailedType != "" && k.DetailedType != k.Type {
		text += ", " + words(k.DetailedType)
	}
	return text
}

func words(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", " ")) }

// fit makes one clean line of at most n characters.
func fit(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > n {
		runes = runes[:n]
	}
	return strings.TrimSpace(string(runes))
}

// vatText makes the text of a VAT line. In a payout in another currency than
// the merchant's own, the VAT in that currency is what the VAT return needs, so
// it must stay readable however long the text is.
func vatText(text string, tax int64, registered, paid settlement.Currency) string {
	if tax == 0 || registered == "" || registered == paid {
		return fit(text, maxText)
	}
	converted := fmt.Sprintf(" (%s %s)", settlement.Format(tax, registered), registered)
	return fit(text, maxText-len(converted)) + converted
}
