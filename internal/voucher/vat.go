package voucher

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"kvitt/internal/settlement"
)

// vat holds what a profile, or an override, says about VAT on Klarna's fees. What
// Klarna charged is taken from its rows; only a reverse charge, which the buyer
// owes and Klarna does not state, is computed. What is nil is looked up further.
type vat struct {
	// rates are those that are expected, in hundredths of a percent; nowhere: any.
	rates   map[int64]vatRate
	reverse *reverseCharge
	// transaction lets Visma.net make VAT transactions of the lines that have
	// VAT codes, in companies that have that feature. It is the batch's, and so
	// never a country's.
	transaction *bool
	// fromLedger says that the company's VAT return is made from the balances of
	// its VAT accounts, so that VAT without a VAT transaction is meant.
	fromLedger *bool
	// klarnaRate books a payout in another currency at the rate at which Klarna
	// converted its VAT, so that the VAT comes to what Klarna's invoice says in
	// the merchant's own currency. It is the batch's too.
	klarnaRate *bool
}

// batchMembers are the members of `vat` that say something of a whole batch.
var batchMembers = []string{"transaction", "return", "exchange_rate"}

// vatRate says where VAT of one rate goes; what is empty is left to the rules.
type vatRate struct {
	account string // a number, or the name of an account
	code    string // Visma.net's vatCodeId
	id      string // Visma.net's vatId

	baseCode, baseID string // of the lines that the VAT is on
}

// expected are the rates that the profile expects on what a line is about, and the
// level that says so; nil: any.
func (p *Profile) expected(about condition) (rates map[int64]vatRate, at *layer) {
	at, ok := find(p, about, func(l *layer) (*layer, bool) { return l, l.vat.rates != nil })
	if !ok {
		return nil, nil
	}
	return at.vat.rates, at
}

// checkVAT asks whether the VAT of the payout is what the profile expects, and
// whether it decides what to do with it. It finds the exchange rate.
func (c *compiler) checkVAT() (err error) {
	if err = c.checkRates(); err != nil {
		return err
	}
	if !c.posted {
		if err = c.checkDecided(); err != nil {
			return err
		}
	}
	c.voucher.ExchangeRate, err = c.exchangeRate()
	return err
}

// checkRates holds every fee, and whatever else carries VAT, against the rates
// that the profile expects of its currency, country and merchant. The rate of a
// part of a payout is that of the whole: a few minor units may fit two rates.
func (c *compiler) checkRates() error {
	e := &VATRateError{PaymentReference: c.payout.PaymentReference, Profile: c.profile.Name, Currency: c.payout.Currency}
	for _, part := range c.components {
		component := c.wholeOf(part)
		about := c.aboutOf(component)
		expected, level := c.profile.expected(about)
		r := c.profile.ruleOf(component.Key, about)
		if r.account == "" || component.VAT == 0 && *r.zeroRate {
			continue // the rule is missing first; or no VAT is right
		}
		if expected == nil || component.VAT == 0 && !settlement.CarriesVAT(component.Type) || component.Amount == 0 && component.VAT == 0 {
			continue
		}
		if _, ok := expected[rateOf(component, expected)]; !ok {
			rates := sortedRates(expected)
			e.Unexpected = append(e.Unexpected, component)
			e.Levels = append(e.Levels, ExpectedRates{When: level.when.words(), Rates: rates})
			e.Expected = append(e.Expected, rates...)
		}
	}
	if len(e.Unexpected) == 0 {
		return nil
	}
	slices.Sort(e.Expected)
	e.Expected = slices.Compact(e.Expected)
	return e
}

// wholeOf is the component of the whole payout that a part belongs to; the part
// itself where an older proof told fewer components apart.
func (c *compiler) wholeOf(part settlement.Component) settlement.Component {
	if whole, ok := c.whole[part.Key]; ok {
		return whole
	}
	return part
}

// unknownRate is the rate of VAT that is none of the expected ones.
const unknownRate = -1

// rateOf is the rate that rows state. Klarna may leave it out; then it is the
// one expected rate that their VAT comes to, give or take what Klarna rounded in
// each row.
func rateOf(c settlement.Component, expected map[int64]vatRate) int64 {
	if c.VATRate != 0 || c.VAT == 0 {
		return c.VATRate
	}
	found := int64(unknownRate)
	for rate := range expected {
		vat, ok := percent(c.Amount, rate)
		if off := abs(c.VAT) - abs(vat); !ok || rate == 0 || abs(off) > c.Rows {
			continue
		}
		if found != unknownRate {
			return unknownRate // two fit, so neither is known
		}
		found = rate
	}
	return found
}

// sortedRates are rates in their order.
func sortedRates(rates map[int64]vatRate) []int64 { return slices.Sorted(maps.Keys(rates)) }

func abs(n int64) int64 { return max(n, -n) }

// vatLine settles account, code and id of the VAT of a component. VAT that is not
// deductible yet has no code: it must not reach the VAT return.
func (c *compiler) vatLine(component settlement.Component, about condition, r rule) (account, code, id string) {
	if c.vatTo != "" {
		return c.vatTo, "", ""
	}
	rates, _ := c.profile.expected(about)
	at := rates[rateOf(c.wholeOf(component), rates)]
	return cmp.Or(at.account, r.vatAccount), cmp.Or(at.code, r.vatCode), at.id
}

// baseCode settles VAT code and id of the amount that VAT is on: of the fee that
// carries it, or on which the buyer owes it.
func (c *compiler) baseCode(component settlement.Component, about condition, r rule, owes *layer) (code, id string) {
	if component.VAT == 0 {
		return owes.taxable(r.vatCode)
	}
	rates, _ := c.profile.expected(about)
	at := rates[rateOf(component, rates)]
	return cmp.Or(at.baseCode, r.vatCode), at.baseID
}

// percent is a rate of an amount, rounded half away from zero.
func percent(amount, rate int64) (int64, bool) {
	const whole = 100_00
	product := new(big.Int).Mul(big.NewInt(amount), big.NewInt(rate))
	half := big.NewInt(whole / 2)
	if product.Sign() < 0 {
		half.Neg(half)
	}
	product.Add(product, half).Quo(product, big.NewInt(whole))
	return product.Int64(), product.IsInt64()
}

// Percent writes hundredths of a percent, 2550 as "25.5".
func Percent(rate int64) string {
	text := fmt.Sprintf("%d.%02d", rate/100, rate%100)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// said returns what a level says of something, if it says anything.
func said(yes *bool) (value, ok bool) {
	if yes == nil {
		return false, false
	}
	return *yes, true
}

// VATRateError says that rows carry VAT of a rate, or fees carry none, where the
// profile does not expect it: the wrong rate is a wrong VAT return.
type VATRateError struct {
	PaymentReference string                 `json:"payment_reference"`
	Profile          string                 `json:"profile"`
	Currency         settlement.Currency    `json:"currency"`
	Unexpected       []settlement.Component `json:"unexpected"`
	// Expected are all rates that Levels expect, in hundredths of a percent.
	Expected []int64 `json:"expected"`
	// Levels say for each of Unexpected what is expected of it, and where.
	Levels []ExpectedRates `json:"levels"`
}

// ExpectedRates are the VAT rates that a level of a profile expects.
type ExpectedRates struct {
	When  string  `json:"when,omitempty"` // "country NO": an override
	Rates []int64 `json:"rates"`          // hundredths of a percent
}

func (e *VATRateError) Error() string {
	var parts, levels []string
	found := map[string][]string{}
	for i, c := range e.Unexpected {
		level := e.Levels[i].words()
		if found[level] == nil {
			levels = append(levels, level)
		}
		found[level] = append(found[level], e.describe(c))
	}
	for _, level := range levels {
		parts = append(parts, fmt.Sprintf("%s, and the posting profile %q expects %s", strings.Join(found[level], ", "), e.Profile, level))
	}
	return fmt.Sprintf("compile voucher for payout %s: %s", e.PaymentReference, strings.Join(parts, "; "))
}

func (e *VATRateError) describe(c settlement.Component) string {
	rate := "no rate"
	if c.VATRate != 0 || c.VAT == 0 {
		rate = Percent(c.VATRate) + " %"
	}
	return fmt.Sprintf("%s has VAT of %s (%s %s on %s)", strings.TrimSuffix(c.Pair(), "/"), rate,
		settlement.Format(c.VAT, e.Currency), e.Currency, settlement.Format(c.Amount, e.Currency))
}

func (l *ExpectedRates) words() string {
	words := make([]string, len(l.Rates))
	for i, rate := range l.Rates {
		words[i] = Percent(rate) + " %"
	}
	text := strings.Join(words, ", ")
	if text == "" {
		text = "none"
	}
	if l.When != "" {
		text += " for " + l.When
	}
	return text
}

// Code is the code under which the payout is held.
func (e *VATRateError) Code() string { return codeVATRateUnexpected }
