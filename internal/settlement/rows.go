package settlement

import "slices"

// rowReading is what the totals of one group should be if the rows are read in
// one way. loose are sums of rows that it leaves without a total.
type rowReading struct {
	names  []string
	totals Totals
	loose  []Difference
}

// named makes the reading that differs from r by one more name and by its totals.
func (r *rowReading) named(name string, totals Totals) rowReading {
	names := slices.Clone(r.names)
	if name != "" {
		names = append(names, name)
	}
	return rowReading{names: names, totals: totals, loose: r.loose}
}

// group are totals that share rows, with the ways of reading those rows, the most
// literal first. No total is in two groups, so each group is read by itself.
type group struct {
	totals   []string
	readings []rowReading
}

// bySum holds the sums of the components that the totals are made of, by type.
type bySum struct {
	of map[string]figures

	// What takes commission back: revenue shares apart from the rest, since the
	// commission_reversal total is as young as they are.
	commissionReturn, shareReversal map[string]figures

	corrections     int64 // the number of CORRECTION components
	correctionLoose []Difference
}

// sumComponents adds components up by type. ok is false when a sum does not fit
// 64 bits.
func sumComponents(components []Component) (s bySum, ok bool) {
	s = bySum{of: map[string]figures{}, commissionReturn: map[string]figures{}, shareReversal: map[string]figures{}}
	e := exact{}
	add := func(to map[string]figures, c *Component) {
		f := to[c.Type]
		to[c.Type] = figures{
			amount: e.sum(f.amount, c.Amount), against: e.sum(f.against, c.Against),
			vat: e.sum(f.vat, c.VAT), vatAgainst: e.sum(f.vatAgainst, c.VATAgainst),
		}
	}
	for i := range components {
		c := &components[i]
		add(s.of, c)
		switch {
		case c.Type == TypeCorrection:
			s.corrections++
			s.addLoose(c, &e)
		case !takesCommissionBack(c.DetailedType):
		case c.DetailedType == revenueShareReversal:
			add(s.shareReversal, c)
		default:
			add(s.commissionReturn, c)
		}
	}
	return s, !e.overflow
}

// addLoose notes the VAT of a CORRECTION, by kind.
func (s *bySum) addLoose(c *Component, e *exact) {
	if c.VAT == 0 {
		return
	}
	n := len(s.correctionLoose)
	if n == 0 || s.correctionLoose[n-1].Component != c.Pair() {
		s.correctionLoose = append(s.correctionLoose, Difference{Component: c.Pair()})
		n++
	}
	d := &s.correctionLoose[n-1]
	d.Rows = e.sum(d.Rows, c.VAT)
	d.Difference = minus(0, d.Rows)
}

// groupsOf lists what the totals of p may be made of. ok is false when a sum does
// not fit 64 bits.
func groupsOf(p *Payout, components []Component) (all []group, ok bool) {
	s, ok := sumComponents(components)
	if !ok {
		return nil, false
	}
	e := exact{}
	for _, one := range []struct {
		typ, total string
	}{
		{TypeSale, "sale"},
		{TypeReturn, "return"},
		{TypeCharge, "charge"},
		{TypeCredit, "credit"},
		{TypeHoldback, "holdback"},
		{TypeRelease, "release"},
	} {
		g := group{totals: []string{one.total}}
		for _, w := range s.of[one.typ].ways(one.typ) {
			r := rowReading{names: namesOf(signed{w, one.typ})}
			*totalNamed(one.total).of(&r.totals) = s.of[one.typ].as(w)
			g.readings = append(g.readings, r)
		}
		all = append(all, g)
	}
	all = append(all,
		group{[]string{"reversal", "commission", "commission_reversal"}, commissionReadings(&s, &e)},
		group{[]string{totalFee, totalFeeRefund, "fee_correction", totalTax, totalTaxRefund}, feeReadings(p, &s, &e)},
	)
	return all, !e.overflow
}

// signed is how the signs of a type's rows are read.
type signed struct {
	way way
	typ string
}

// namesOf names the readings of signs.
func namesOf(all ...signed) (names []string) {
	for _, one := range all {
		if name := signName(one.way, one.typ); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// differs lists the totals of the group in which Klarna's figures are not those
// of the rows.
func (g *group) differs(r *rowReading, klarna *Totals) []Difference {
	var differences []Difference
	for i := range formula {
		t := &formula[i]
		if !slices.Contains(g.totals, t.name) {
			continue
		}
		if rows, totals := *t.of(&r.totals), *t.of(klarna); rows != totals {
			differences = append(differences, Difference{t.name, rows, totals, minus(totals, rows)})
		}
	}
	return append(differences, r.loose...)
}

// exact sums without hiding an overflow.
type exact struct{ overflow bool }

func (e *exact) sum(amounts ...int64) int64 {
	var sum int64
	for _, a := range amounts {
		var ok bool
		if sum, ok = Add(sum, a); !ok {
			e.overflow = true
		}
	}
	return sum
}
