package voucher

import (
	"strings"

	"kvitt/internal/settlement"
)

// VATGap is something about VAT that a profile leaves open, or that would leave VAT
// out of the company's return. Payouts are booked all the same, or held.
type VATGap struct {
	When   string // "country NO": an override; empty: the profile itself
	Detail string // what is so, as a sentence
	Helps  string
}

// VATGaps are the gaps of the profile and its overrides.
func (p *Profile) VATGaps() []VATGap {
	var out []VATGap
	for i := range p.layers {
		l := &p.layers[len(p.layers)-1-i] // the profile itself first
		if l.when != (condition{}) && !l.vat.speaks() {
			continue // as the levels above
		}
		for _, gap := range p.gaps(l.when) {
			gap.When = l.when.words()
			if gap.When != "" {
				gap.Detail = "For " + gap.When + ": " + strings.ToLower(gap.Detail[:1]) + gap.Detail[1:]
			}
			out = append(out, gap)
		}
	}
	return out
}

// speaks tells whether a level says anything about VAT.
func (v *vat) speaks() bool {
	return v.rates != nil || v.reverse != nil || v.transaction != nil || v.fromLedger != nil
}

func (p *Profile) gaps(about condition) []VATGap {
	var out []VATGap
	add := func(detail, helps string) { out = append(out, VATGap{Detail: detail, Helps: helps}) }
	rates, _ := p.expected(about)
	decision := p.decision(about)
	_, zero := rates[0]
	if decision == nil && (rates == nil || zero) {
		add("Nothing says whether the company owes the VAT on fees without VAT; a payout with such a fee will be held as vat_undecided.",
			"Set `vat.reverse_charge`, with its accounts or `false`.")
	}
	charged := p.owes(about)
	taxed := p.taxed(rates)
	transactions, _ := find(p, about, func(l *layer) (bool, bool) { return said(l.vat.transaction) })
	ledger, _ := find(p, about, func(l *layer) (bool, bool) { return said(l.vat.fromLedger) })
	if charged != nil && charged.vat.reverse.base == (vatRate{}) {
		add("The reverse charge states the tax and not the amount that it is on.",
			"Add `base` and `base_contra` to `vat.reverse_charge`, or `base_code` where Visma.net makes VAT transactions.")
	}
	switch {
	case !taxed && charged == nil:
	case !transactions && !ledger:
		add("VAT is booked on accounts alone, and Visma.net makes no VAT transactions of it, so its VAT return leaves this VAT out.",
			"Set `vat.transaction: true` with the company's VAT codes, or `vat.return: ledger` if the return is made from the VAT accounts.")
	case transactions:
		for _, missing := range p.withoutCode(rates, charged) {
			add("Visma.net is to make VAT transactions, and "+missing+" has no VAT code, so it stays outside of them.",
				"Name the company's own VAT code.")
		}
	}
	return out
}

// taxed tells whether VAT that Klarna charges is booked: a rate of it is expected, or
// any rate is and the rules of fees say where its VAT goes.
func (p *Profile) taxed(rates map[int64]vatRate) bool {
	for rate := range rates {
		if rate != 0 {
			return true
		}
	}
	if rates != nil {
		return false
	}
	for i := range p.layers {
		for kind, r := range p.layers[i].rules {
			if typ, _, _ := strings.Cut(kind, "/"); settlement.CarriesVAT(typ) && r.vatAccount != "" && r.vatAccount != "suspense" {
				return true
			}
		}
	}
	return false
}

// withoutCode names what would make no VAT transaction.
func (p *Profile) withoutCode(rates map[int64]vatRate, charged *layer) []string {
	var out []string
	named := func(at vatRate) bool { return at.code != "" || at.id != "" }
	for _, rate := range sortedRates(rates) {
		if rate != 0 && !named(rates[rate]) && !p.rulesNameCodes() {
			out = append(out, "the rate "+Percent(rate)+" %")
		}
	}
	if charged != nil {
		r := charged.vat.reverse
		for _, line := range r.lines() {
			if line.role == RoleReverseCharge && !named(line.to) {
				out = append(out, "the "+line.member+" VAT of the reverse charge")
			}
		}
		if !named(r.base) {
			out = append(out, "the taxable amount of the reverse charge")
		}
	}
	return out
}

// rulesNameCodes tells whether a rule of fees has a VAT code.
func (p *Profile) rulesNameCodes() bool {
	for i := range p.layers {
		for kind, r := range p.layers[i].rules {
			if typ, _, _ := strings.Cut(kind, "/"); settlement.CarriesVAT(typ) && r.vatCode != "" {
				return true
			}
		}
	}
	return false
}
