package voucher

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"kvitt/internal/settlement"
)

// Uses holds what a profile or a voucher needs to find in the Visma.net company.
// Every list is sorted and free of repetitions.
type Uses struct {
	Ledgers     []string
	Branches    []string
	Accounts    []string
	VATCodes    []string    // vatCodeId of lines
	VATIDs      []string    // vatId of lines
	Subaccounts [][]Segment // whole subaccounts, segments in the order of their ids; an empty one: a line has none
	Currencies  []settlement.Currency
}

// Accounts are the numbers of every account that the profile may post to.
func (p *Profile) Accounts() []string { return p.Uses().Accounts }

// UsedBy tells which members of the profile post to an account: "debt",
// "FEE/SERVICING_FEE".
func (p *Profile) UsedBy(account string) []string {
	users := map[string]bool{}
	p.eachAccount(func(number, member string) {
		if number == account {
			users[member] = true
		}
	})
	return slices.Sorted(maps.Keys(users))
}

// Uses lists what the profile needs, overrides included: what it may post to,
// not what it merely names.
func (p *Profile) Uses() Uses {
	var u Uses
	p.eachAccount(func(number, _ string) { u.Accounts = append(u.Accounts, number) })
	for i := range p.layers {
		l := &p.layers[i]
		u.Ledgers = append(u.Ledgers, l.ledger)
		u.Branches = append(u.Branches, l.branch)
		u.Subaccounts = append(u.Subaccounts, l.subaccount)
		u.Currencies = append(u.Currencies, l.when.currency)
		for _, byCurrency := range l.accounts {
			u.Currencies = slices.AppendSeq(u.Currencies, maps.Keys(byCurrency))
		}
		for _, r := range l.rules {
			u.Branches = append(u.Branches, r.branch)
			u.VATCodes = append(u.VATCodes, r.vatCode)
			u.Subaccounts = append(u.Subaccounts, r.subaccount)
		}
		for _, at := range l.vat.eachCode() {
			u.VATCodes = append(u.VATCodes, at.code, at.baseCode)
			u.VATIDs = append(u.VATIDs, at.id, at.baseID)
		}
	}
	// A level without a subaccount takes that of the next.
	u.Subaccounts = slices.DeleteFunc(u.Subaccounts, func(s []Segment) bool { return len(s) == 0 })
	u.tidy()
	return u
}

// eachAccount visits every account number that a voucher could get, with the
// member that leads to it.
func (p *Profile) eachAccount(visit func(number, member string)) {
	named := func(name, member string) {
		for i := range p.layers {
			for _, number := range p.layers[i].accounts[name] {
				visit(number, member)
			}
		}
	}
	for _, name := range payoutAccounts {
		named(name, name)
	}
	all := []map[string]string{p.accrual.references()}
	for i := range p.layers {
		all = append(all, p.layers[i].vat.references())
	}
	for _, references := range all {
		for member, reference := range references {
			if isAccountName(reference) {
				named(reference, member)
			} else if reference != "" {
				visit(reference, member)
			}
		}
	}
	for i := range p.layers {
		for kind, r := range p.layers[i].rules {
			for _, reference := range []string{r.account, r.taken, r.taxed, r.vatAccount} {
				switch {
				case reference == "":
				case isAccountName(reference):
					named(reference, kind)
				default:
					visit(reference, kind)
				}
			}
		}
	}
}

// Uses lists what the voucher needs, its parts in earlier periods included.
func (v *Voucher) Uses() Uses {
	var u Uses
	u.add(v)
	for i := range v.Earlier {
		if part := v.Earlier[i].Batch; part != nil {
			u.add(part)
		}
	}
	u.tidy()
	return u
}

func (u *Uses) add(v *Voucher) {
	u.Ledgers = append(u.Ledgers, v.Ledger)
	u.Branches = append(u.Branches, v.Branch)
	u.Currencies = append(u.Currencies, v.Currency)
	for i := range v.Lines {
		l := &v.Lines[i]
		u.Accounts = append(u.Accounts, l.Account)
		u.Branches = append(u.Branches, l.Branch)
		u.VATCodes = append(u.VATCodes, l.VATCode)
		u.VATIDs = append(u.VATIDs, l.VATID)
		u.Subaccounts = append(u.Subaccounts, l.Subaccount)
	}
}

// Accounts are the numbers of every account in the voucher.
func (v *Voucher) Accounts() []string { return v.Uses().Accounts }

func (u *Uses) tidy() {
	u.Ledgers = distinct(u.Ledgers)
	u.Branches = distinct(u.Branches)
	u.Accounts = distinct(u.Accounts)
	u.VATCodes = distinct(u.VATCodes)
	u.VATIDs = distinct(u.VATIDs)
	u.Currencies = slices.DeleteFunc(distinct(u.Currencies), func(c settlement.Currency) bool { return c == anyCurrency })
	slices.SortFunc(u.Subaccounts, compareSegments)
	u.Subaccounts = slices.CompactFunc(u.Subaccounts, slices.Equal)
}

// distinct sorts, and drops what is empty or there twice.
func distinct[S ~string](all []S) []S {
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s S) bool { return s == "" })
}

func compareSegments(a, b []Segment) int {
	return slices.CompareFunc(a, b, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), strings.Compare(a.Value, b.Value))
	})
}
