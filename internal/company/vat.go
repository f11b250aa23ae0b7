package company

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kvitt/internal/fault"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// vatCodes reads the company's VAT codes. A company can be posted to even if Kvitt's access does not cover
// them, so a clear refusal is not an error.
func vatCodes(ctx context.Context, r Reader) (all []visma.VAT, known bool, err error) {
	all, err = r.VATs(ctx)
	if fault.ClassOf(err) == fault.Rejected {
		return nil, false, nil
	}
	return all, err == nil, err
}

// VAT is a VAT code of the company, for a person to choose from.
type VAT struct {
	ID, Code    string // vatId, and the vatCodeId of lines
	Description string
	Rate        string // in percent, the latest; empty when there is none
	Reverse     bool   // a reverse charge
	Payable     string // the account of VAT that is owed
	Claimable   string // the account of VAT that is deducted
}

// VATs returns the company's VAT codes by id; none when Visma.net does not list them.
func (c *Company) VATs() []VAT {
	out := make([]VAT, 0, len(c.vats))
	for i := range c.vats {
		v := &c.vats[i]
		rate := ""
		if n := len(v.Schedules); n > 0 {
			rate = v.Schedules[n-1].VATRate.String()
		}
		out = append(out, VAT{
			ID: v.VATID, Code: v.VATCategoryID, Description: v.Description, Rate: rate, Reverse: v.ReverseVAT || v.Type == "ReverseVat",
			Payable: v.GLAccounts.VATPayableAccount.Number, Claimable: v.GLAccounts.VATClaimableAccount.Number,
		})
	}
	slices.SortFunc(out, func(a, b VAT) int { return strings.Compare(a.ID+" "+a.Code, b.ID+" "+b.Code) })
	return out
}

// VATProblems lists the VAT codes and ids that a profile uses and the company does not have, with those
// that it has. A line's code may also be given as the VAT's id, so either is accepted.
func (c *Company) VATProblems(u voucher.Uses) []string {
	if !c.vatsKnown {
		return nil
	}
	has := func(name string) bool {
		return slices.ContainsFunc(c.vats, func(v visma.VAT) bool { return trim(v.VATID) == trim(name) || trim(v.VATCategoryID) == trim(name) })
	}
	var out, known []string
	for _, v := range c.VATs() {
		known = append(known, strings.TrimSpace(v.ID+" "+v.Description))
	}
	there := "it has " + strings.Join(known, ", ")
	if len(known) == 0 {
		there = "it has none"
	}
	for _, code := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(u.VATCodes, u.VATIDs)))) {
		if !has(code) {
			out = append(out, fmt.Sprintf("%s has no VAT code %s; %s", c, code, there))
		}
	}
	return out
}
