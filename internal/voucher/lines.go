package voucher

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kvitt/internal/settlement"
)

// lineKey holds what amounts have in common that share a line. The two sides of an
// account are kept apart: a return is not netted against a sale.
type lineKey struct {
	role       Role
	account    string
	subaccount string // the segments, written as one string to be comparable
	branch     string
	vatCode    string
	vatID      string
	text       string
	registered settlement.Currency // of VAT: the currency in which it is declared, see vatText
	credit     bool
}

// lineSum is a line in the making.
type lineSum struct {
	key        lineKey
	subaccount []Segment
	amount     adder
	tax        adder // VAT in the merchant's own currency
	components []settlement.Component
}

// add books an amount: what gives the merchant money is credited, what takes it
// is debited. Amounts with the same key share a line.
func (c *compiler) add(key lineKey, subaccount []Segment, gives, tax int64, components ...settlement.Component) {
	key.credit = gives > 0
	key.subaccount = fmt.Sprint(subaccount)
	line := c.lines[key]
	if line == nil {
		line = &lineSum{key: key, subaccount: subaccount}
		c.lines[key] = line
	}
	line.amount.add(gives)
	line.tax.add(tax)
	line.components = append(line.components, components...)
	c.booked.overflow = c.booked.overflow || line.amount.overflow
	switch key.role {
	case RoleComponent, RoleVAT, RoleDebt, RoleAccepted:
		c.booked.add(gives)
	case RoleSettlement, RoleInvoice, RoleReceivable, RoleReverseCharge, RoleReverseBase, RoleCarried:
		// the counterpart of what is booked, or nothing in sum
	}
}

// roleOrder is the order of lines in a voucher: the money, what it was for, its
// VAT, the debt, what was accepted.
var roleOrder = []Role{RoleSettlement, RoleInvoice, RoleReceivable, RoleComponent, RoleVAT, RoleReverseCharge, RoleReverseBase, RoleDebt, RoleCarried, RoleAccepted}

// sorted returns the lines in the one order that a voucher has: by role, then
// account, debit before credit, and the rest of what tells them apart.
func (c *compiler) sorted(reference string) []Line {
	sums := make([]*lineSum, 0, len(c.lines))
	for _, s := range c.lines {
		sums = append(sums, s)
	}
	slices.SortFunc(sums, func(a, b *lineSum) int {
		return cmp.Or(
			cmp.Compare(slices.Index(roleOrder, a.key.role), slices.Index(roleOrder, b.key.role)),
			strings.Compare(a.key.account, b.key.account),
			compareBool(a.key.credit, b.key.credit),
			strings.Compare(a.key.text, b.key.text),
			strings.Compare(a.key.branch, b.key.branch),
			compareSegments(a.subaccount, b.subaccount),
			strings.Compare(a.key.vatCode, b.key.vatCode),
			strings.Compare(a.key.vatID, b.key.vatID),
			cmp.Compare(a.key.registered, b.key.registered),
		)
	})
	lines := make([]Line, len(sums))
	for i, s := range sums {
		lines[i] = s.line(c.voucher.Currency, reference)
	}
	return lines
}

func (s *lineSum) line(in settlement.Currency, reference string) Line {
	l := Line{
		Account: s.key.account, Subaccount: slices.Clone(s.subaccount), Branch: s.key.branch,
		Text: s.key.text, Reference: fit(reference, maxReference),
		VATCode: s.key.vatCode, VATID: s.key.vatID, Role: s.key.role, Components: s.components,
	}
	settlement.SortComponents(l.Components)
	if s.key.credit {
		l.Credit = s.amount.sum
	} else {
		l.Debit = -s.amount.sum
	}
	l.Text = s.counted(l.Text)
	if l.Role == RoleVAT {
		l.Text = vatText(l.Text, s.tax.sum, s.key.registered, in)
	}
	return l
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
