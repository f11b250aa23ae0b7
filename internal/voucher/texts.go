package voucher

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"kvitt/internal/settlement"
)

// texts are what a profile writes on its vouchers, by their member of `texts`. They
// may hold placeholders.
type texts map[string]string

// The placeholders of every text, and those that the texts of rules have beside
// them.
var (
	payoutPlaceholders = []string{"provider", "payment_reference", "payout_date", "period", "currency", "merchant_id", "orders"}
	rulePlaceholders   = append(slices.Clone(payoutPlaceholders), "type", "detailed_type", "country", "vat_rate", "reference")

	reversalPlaceholders = []string{"batch_number", "voucher_date", "payment_reference", "currency"}
)

// textPlaceholders are those of each member of `texts`.
var textPlaceholders = map[string][]string{
	"description": payoutPlaceholders, "settlement": payoutPlaceholders, "invoice": payoutPlaceholders,
	"repay": payoutPlaceholders, "deposit": payoutPlaceholders, "carried": payoutPlaceholders,
	"vat": rulePlaceholders, "reversal": reversalPlaceholders,
}

// textMembers are the members of `texts`.
var textMembers = []string{"description", "settlement", "invoice", "vat", "repay", "deposit", "carried", "reversal"}

// longest returns how long a text may be. The description of a batch follows its token.
func longest(member string) int {
	if member == "description" || member == "reversal" {
		return maxDescription - tokenLength - 1
	}
	return maxText
}

// defaultProvider pays out where nobody says who does.
const defaultProvider = "Klarna"

// ordersMark stands for the number of rows behind a line until all are known.
const ordersMark = "{orders}"

// say is a text of the profile, or of its language.
func (p *Profile) say(member string) string {
	return cmp.Or(p.texts[member], p.Language.text(member))
}

// OpeningText is the text of an opening voucher at the end of a day.
func (p *Profile) OpeningText(provider string, at Date) string {
	return strings.NewReplacer("{provider}", cmp.Or(provider, defaultProvider), "{date}", at.String()).Replace(p.say("opening"))
}

func (c *compiler) say(member string) string { return c.profile.say(member) }

// orders returns how many captured orders the payout pays.
func (c *compiler) orders() string {
	var rows int64
	for _, component := range c.proof.Components {
		if component.Type == settlement.TypeSale {
			rows += component.Rows
		}
	}
	return strconv.FormatInt(rows, 10)
}

// fill puts the values of the payout, and of a component when there is one, in the
// place of placeholders, all in one pass.
func (c *compiler) fill(text string, key *settlement.Key, orders string) string {
	p, date := c.payout, c.date
	pairs := []string{
		"{provider}", c.provider,
		"{payment_reference}", p.PaymentReference,
		"{payout_date}", date.String(),
		"{period}", fmt.Sprintf("%04d-%02d", date.Year, date.Month),
		"{currency}", string(p.Currency),
		"{merchant_id}", p.MerchantID,
		ordersMark, orders,
	}
	if key != nil {
		pairs = append(pairs, "{type}", key.Type, "{detailed_type}", key.DetailedType, "{country}", key.Country, "{vat_rate}", Percent(key.VATRate), "{reference}", key.Reference)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// componentText is the text of a component's line: the rule's, or its language's,
// or the words of its kind.
func (c *compiler) componentText(key settlement.Key, r rule) string {
	kinds := c.profile.Language.rules()
	text := cmp.Or(r.text, kinds[key.Pair()], kinds[key.Type+"/*"])
	return cmp.Or(c.lineText(text, &key), fit(c.provider+" "+plainText(key), maxText))
}

// vatLineText is the text of the line of a component's VAT. It is cut to its length
// when the VAT in the merchant's own currency is known, see vatText.
func (c *compiler) vatLineText(key settlement.Key) string {
	return cmp.Or(c.fill(c.say("vat"), &key, ordersMark), c.fill(languages[english].texts["vat"], &key, ordersMark))
}

// lineText fills a text in, and leaves the number of orders to the line.
func (c *compiler) lineText(text string, key *settlement.Key) string {
	text = c.fill(text, key, ordersMark)
	if strings.Contains(text, ordersMark) {
		return text
	}
	return fit(text, maxText)
}

// counted puts the number of rows behind the line into its text.
func (s *lineSum) counted(text string) string {
	if !strings.Contains(text, ordersMark) {
		return text
	}
	var rows int64
	for i := range s.components {
		rows += s.components[i].Rows
	}
	text = strings.ReplaceAll(text, ordersMark, strconv.FormatInt(rows, 10))
	if s.key.role == RoleVAT {
		return text // see vatText
	}
	return fit(text, maxText)
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

// plainText returns what a kind of rows is called that no text is written for:
// "fee, servicing fee".
func plainText(k settlement.Key) string {
	text := words(k.Type)
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
