package access

import (
	"kvitt/internal/budget"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
)

// A budget is named after the party that it is granted to. Until the provider has said who that is, the
// budget is named after the connection.

// klarnaBudget: Klarna counts the requests of a merchant, whatever the key.
func klarnaBudget(c *store.Connection) string {
	if c.MerchantID == "" {
		return c.Provider + "/connection/" + c.ID
	}
	return c.Provider + "/" + c.Environment + "/" + c.MerchantID
}

// vismaBudget: Visma.net counts the requests of a company and an OAuth client.
func (d *Doors) vismaBudget(c *store.Connection) string {
	if c.CompanyID == "" {
		return "visma/connection/" + c.ID
	}
	return "visma/" + d.Config.VismaClientID + "/" + c.CompanyID
}

// klarnaTerms stay below what Klarna grants a merchant for all its programs together: 200 requests a
// second, 50 in the playground.
func klarnaTerms(c klarna.Credential) budget.Terms {
	if c.Environment() == klarna.Live {
		return budget.Spaced(160)
	}
	return budget.Spaced(40)
}

// shareLocked returns this process's part of a budget; d.mu is held.
func (d *Doors) shareLocked(name string, t budget.Terms) *budget.Share {
	share, ok := d.shares[name]
	if !ok {
		share = budget.NewShare(d.Store, name, t)
		d.shares[name] = share
	}
	return share
}
