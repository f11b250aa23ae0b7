package voucher

import (
	"maps"
	"slices"
	"strings"

	"kvitt/internal/settlement"
)

// Uncoded are the accounts to which the profile may post lines that name no VAT
// code, each with the members that lead there. Visma.net writes the account's own
// VAT category on such a line.
func (p *Profile) Uncoded() map[string][]string {
	coded, base := p.coded()
	found := map[string]map[string]bool{}
	p.eachAccount(func(number, member string) {
		typ, _, _ := strings.Cut(member, "/")
		if coded[member] || coded[typ+"/*"] || base && settlement.CarriesVAT(typ) {
			return
		}
		if found[number] == nil {
			found[number] = map[string]bool{}
		}
		found[number][member] = true
	})
	out := map[string][]string{}
	for number, members := range found {
		out[number] = slices.Sorted(maps.Keys(members))
	}
	return out
}

// coded are the members whose lines name a VAT code. Base tells that fees name
// that of what their VAT is on.
func (p *Profile) coded() (members map[string]bool, base bool) {
	members = map[string]bool{}
	named := func(member string, code, id string) { members[member] = members[member] || code+id != "" }
	for i := range p.layers {
		l := &p.layers[i]
		for kind, r := range l.rules {
			named(kind, r.vatCode, "")
		}
		for rate, at := range l.vat.rates {
			named("vat.rates."+Percent(rate), at.code, at.id)
			base = base || at.baseCode+at.baseID != ""
		}
		if l.vat.reverse == nil {
			continue
		}
		for _, line := range l.vat.reverse.lines() {
			named("vat.reverse_charge."+line.member, line.to.code, line.to.id)
		}
	}
	return members, base
}
