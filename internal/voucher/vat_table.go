package voucher

import (
	"slices"
	"strconv"
)

// VATMembers are all that a VATRow may be about.
var VATMembers = []string{
	"rates", "reverse_charge", "reverse_charge.input", "reverse_charge.output", "reverse_charge.base", "reverse_charge.base_contra",
	"transaction", "return", "exchange_rate",
}

// VATRow is something that a profile says about VAT, for people. Account is as it
// is written, a number or a name.
type VATRow struct {
	When    string `json:"when,omitempty"` // "currency EUR": an override
	Member  string `json:"member"`         // one of VATMembers
	Value   string `json:"value"`          // "25.5 %", "true", "klarna"; of rates: empty when none is expected
	Account string `json:"account,omitempty"`
	Number  string `json:"number,omitempty"` // the account's number, or several by currency
	Code    string `json:"code,omitempty"`
	ID      string `json:"id,omitempty"`

	// Of rates: the code and id of the lines that the VAT is on.
	BaseCode string `json:"base_code,omitempty"`
	BaseID   string `json:"base_id,omitempty"`
}

// VAT returns what the profile says about VAT as a table: the profile itself, then its
// overrides, the most specific last.
func (p *Profile) VAT() []VATRow {
	var out []VATRow
	for i := range slices.Backward(p.layers) {
		l := &p.layers[i]
		say := func(member, value, account string, at vatRate) {
			out = append(out, VATRow{
				When: l.when.words(), Member: member, Value: value,
				Account: account, Number: p.numbers(account, l.when), Code: at.code, ID: at.id,
				BaseCode: at.baseCode, BaseID: at.baseID,
			})
		}
		for _, rate := range sortedRates(l.vat.rates) {
			say("rates", Percent(rate)+" %", l.vat.rates[rate].account, l.vat.rates[rate])
		}
		if l.vat.rates != nil && len(l.vat.rates) == 0 {
			say("rates", "", "", vatRate{})
		}
		switch r := l.vat.reverse; {
		case r == nil:
		case r.none():
			say("reverse_charge", "false", "", vatRate{})
		default:
			for _, line := range r.lines() {
				say("reverse_charge."+line.member, Percent(r.rate)+" %", line.to.account, line.to)
			}
			if r.base.account == "" && r.base != (vatRate{}) {
				say("reverse_charge.base", Percent(r.rate)+" %", "", r.base)
			}
		}
		if yes, ok := said(l.vat.transaction); ok {
			say("transaction", strconv.FormatBool(yes), "", vatRate{})
		}
		if yes, ok := said(l.vat.fromLedger); ok {
			say("return", map[bool]string{true: "ledger", false: "visma"}[yes], "", vatRate{})
		}
		if yes, ok := said(l.vat.klarnaRate); ok {
			say("exchange_rate", map[bool]string{true: "klarna", false: "visma"}[yes], "", vatRate{})
		}
	}
	return out
}
