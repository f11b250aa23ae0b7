package voucher

import (
	"cmp"
	"strings"

	"kvitt/internal/settlement"
)

// reverseCharge is the VAT that the buyer owes on services from abroad, and
// deducts. A return states the taxable amount beside the tax: as lines of base
// and contra, or by the VAT code and id of base on the fee lines themselves, of
// which Visma.net makes VAT transactions. One without a rate says that nothing
// is owed.
type reverseCharge struct {
	rate          int64   // hundredths of a percent
	input, output vatRate // the tax: deducted and owed
	base, contra  vatRate // the taxable amount; without accounts it stays on the fee lines
}

// none tells that nothing is owed.
func (r *reverseCharge) none() bool { return r.rate == 0 }

// chargeLine is a line of a reverse charge.
type chargeLine struct {
	member string // of `reverse_charge`
	role   Role
	to     vatRate
	sign   int64 // of what the line gives
}

// lines are the tax and, where accounts state it, the taxable amount. Each pair
// comes to zero.
func (r *reverseCharge) lines() []chargeLine {
	if r.none() {
		return nil
	}
	out := []chargeLine{{"input", RoleReverseCharge, r.input, -1}, {"output", RoleReverseCharge, r.output, 1}}
	if r.base.account != "" {
		out = append(out, chargeLine{"base", RoleReverseBase, r.base, -1}, chargeLine{"base_contra", RoleReverseBase, r.contra, 1})
	}
	return out
}

// decision is the level that decides whether a reverse charge is owed; nil: none
// has decided.
func (p *Profile) decision(about condition) *layer {
	at, _ := find(p, about, func(l *layer) (*layer, bool) { return l, l.vat.reverse != nil })
	return at
}

// owes is the level whose reverse charge is owed on a fee without VAT; nil: none.
func (p *Profile) owes(about condition) *layer {
	if at := p.decision(about); at != nil && !at.vat.reverse.none() {
		return at
	}
	return nil
}

// charged is the level whose reverse charge is owed on a component; nil: none.
func (c *compiler) charged(component settlement.Component, about condition, r rule) *layer {
	if !settlement.CarriesVAT(component.Type) || component.VAT != 0 || r.noReverse {
		return nil
	}
	return c.profile.owes(about)
}

// taxable gives the VAT code and id of a fee line on which the buyer owes VAT,
// where no lines of their own state the taxable amount.
func (l *layer) taxable(code string) (string, string) {
	if l == nil || l.vat.reverse.base.account != "" {
		return code, ""
	}
	return cmp.Or(l.vat.reverse.base.code, code), l.vat.reverse.base.id
}

// addReverseCharges books what the buyer owes on fees without VAT, and deducts:
// for each level of the profile that says so, lines that come to zero. The VAT is
// computed on the sum of the payout's fees that fall to the level, rounded half
// away from zero to the minor unit.
func (c *compiler) addReverseCharges(untaxed map[*layer]*adder) error {
	for i := range c.profile.layers {
		level := &c.profile.layers[i]
		base := untaxed[level]
		if base == nil {
			continue
		}
		if base.overflow {
			return c.voucher.unbalanced("its fees do not fit 64 bits")
		}
		if err := c.addReverseCharge(level, base.sum); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) addReverseCharge(level *layer, base int64) error {
	charge, about := level.vat.reverse, level.when.and(c.about)
	owed, ok := percent(base, charge.rate)
	if !ok {
		return c.voucher.unbalanced("its reverse charge does not fit 64 bits")
	}
	amounts := map[Role]int64{RoleReverseCharge: owed, RoleReverseBase: base}
	for _, line := range charge.lines() {
		gives := line.sign * amounts[line.role]
		if gives == 0 {
			continue
		}
		account := c.account(line.to.account, about, Missing{Member: "vat.reverse_charge." + line.member, Amount: gives})
		text := c.fill(c.say("reverse_charge_"+line.member), &settlement.Key{VATRate: charge.rate}, "")
		c.add(lineKey{
			role: line.role, account: account, branch: c.branch(about), vatCode: line.to.code, vatID: line.to.id,
			text: fit(text, maxText),
		}, c.subaccount(about), gives, 0)
	}
	return nil
}

// VATUndecidedError says that fees carry no VAT, and the profile does not say
// whether the buyer owes it (reverse charge) or nobody does.
type VATUndecidedError struct {
	PaymentReference string                 `json:"payment_reference"`
	Profile          string                 `json:"profile"`
	Currency         settlement.Currency    `json:"currency"`
	Undecided        []settlement.Component `json:"undecided"`
}

func (e *VATUndecidedError) Error() string {
	var what []string
	for _, c := range e.Undecided {
		what = append(what, strings.TrimSuffix(c.Pair(), "/")+" ("+settlement.Format(c.Amount, e.Currency)+" "+string(e.Currency)+")")
	}
	return "compile voucher for payout " + e.PaymentReference + ": " + strings.Join(what, ", ") +
		" without VAT, and the posting profile \"" + e.Profile + "\" does not say whether the company owes it; add `vat.reverse_charge`, with its accounts or `false`," +
		" or `reverse_charge: false` to the rules of what is exempt"
}

// Code is the code under which the payout is held.
func (e *VATUndecidedError) Code() string { return codeVATUndecided }

// checkDecided holds fees without VAT until the profile decides whether the buyer
// owes it. Fees that a GROSS payout only lists wait for their bill.
func (c *compiler) checkDecided() error {
	e := &VATUndecidedError{PaymentReference: c.payout.PaymentReference, Profile: c.profile.Name, Currency: c.payout.Currency}
	for _, component := range c.components {
		about := c.aboutOf(component)
		r := c.profile.ruleOf(component.Key, about)
		switch {
		case !settlement.CarriesVAT(component.Type) || component.VAT != 0 || component.Amount == 0 || c.proof.Effect(component).Outside:
		case r.account == "": // a kind that the profile does not know: the rule is missing first
		case r.noReverse || c.profile.decision(about) != nil:
		default:
			e.Undecided = append(e.Undecided, component)
		}
	}
	if len(e.Undecided) == 0 {
		return nil
	}
	return e
}

// eachCode lists the VAT codes and ids that a level names.
func (v *vat) eachCode() []vatRate {
	var all []vatRate
	for _, at := range v.rates {
		all = append(all, at)
	}
	if v.reverse != nil && !v.reverse.none() {
		all = append(all, v.reverse.input, v.reverse.output, v.reverse.base, v.reverse.contra)
	}
	return all
}

// references are the accounts that VAT is booked on, by the member that says so.
func (v *vat) references() map[string]string {
	all := map[string]string{}
	for rate, at := range v.rates {
		all["vat.rates."+Percent(rate)] = at.account
	}
	if v.reverse != nil {
		for _, line := range v.reverse.lines() {
			all["vat.reverse_charge."+line.member] = line.to.account
		}
	}
	return all
}
