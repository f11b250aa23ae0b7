package voucher

import "kvitt/internal/settlement"

// AccountOf is the number of a named account for payouts of a merchant in a
// currency; "" when the profile has none. Overrides by country are left out: an
// account whose number depends on the country has several, see ByCountry.
func (p *Profile) AccountOf(name string, currency settlement.Currency, merchantID string) string {
	return p.account(name, condition{currency: currency, merchantID: merchantID})
}

// ByCountry tells whether overrides give a named account other numbers for single
// countries.
func (p *Profile) ByCountry(name string) bool {
	for i := range p.layers {
		if p.layers[i].when.country != "" && p.layers[i].accounts[name] != nil {
			return true
		}
	}
	return false
}
