package settlement

import "slices"

// rowReading holds what the totals of one group should be if the rows are read in
// one way. loose are sums of rows that it leaves without a total.
type rowReading struct {
	names  []string
	ways   []signed // where the signs of a type say something
	totals Totals
	loose  []Difference
}

// named makes the reading that differs from r by one more name and by its totals.
func (r *rowReading) named(name string, totals Totals) rowReading {
	names := slices.Clone(r.names)
	if name != "" {
		names = append(names, name)
	}
	return rowReading{names: names, ways: r.ways, totals: totals, loose: r.loose}
}

// group are totals that share rows, with the ways of reading those rows, the most
// literal first. No total is in two groups, so each group is read by itself.
type group struct {
	totals   []Total
	readings []rowReading
}

// sharing are totals whose rows may be read as one's or the other's, the types of
// those rows, and what adds such readings to the ones by type and sign.
type sharing struct {
	totals []Total
	read   func([]rowReading, *Payout, *bySum, *exact) []rowReading
	types  []*rowType
}

// shared are the totals that share rows.
var shared = []sharing{
	{totals: []Total{TotalReversal, TotalCommission, TotalCommissionReversal}, read: commissionReadings},
	{totals: []Total{TotalFee, TotalFeeRefund, TotalFeeCorrection, TotalTax, TotalTaxRefund}, read: feeReadings},
}

// grouped are all totals that rows are behind: those that share rows come last,
// and any other is by itself.
var grouped = func() (all []sharing) {
	for _, t := range EveryTotal() {
		if !slices.ContainsFunc(shared, func(one sharing) bool { return slices.Contains(one.totals, t) }) && len(typesOf(t)) > 0 {
			all = append(all, sharing{totals: []Total{t}, types: typesOf(t)})
		}
	}
	for _, one := range shared {
		one.types = typesOf(one.totals...)
		all = append(all, one)
	}
	return all
}()

// typesOf lists the types whose rows are behind some totals.
func typesOf(totals ...Total) (all []*rowType) {
	for i := range types {
		if slices.Contains(totals, types[i].total) {
			all = append(all, &types[i])
		}
	}
	return all
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
	for i := range grouped {
		one := &grouped[i]
		read := s.readings(one.types, &e)
		if one.read != nil {
			read = one.read(read, p, &s, &e)
		}
		all = append(all, group{one.totals, read})
	}
	return all, !e.overflow
}

// readings reads the signs of some types' rows in every way, those of the last type
// changing first, and sums the rows into the totals of their types.
func (s *bySum) readings(of []*rowType, e *exact) []rowReading {
	all := []rowReading{{}}
	for _, t := range of {
		f := s.of[t.name]
		ways := f.ways(t)
		if len(ways) == 1 { // nothing to read, as almost always
			for i := range all {
				all[i].sum(t, f, ways[0], e)
			}
			continue
		}
		next := make([]rowReading, 0, len(all)*len(ways))
		for i := range all {
			for _, w := range ways {
				r := all[i].named(signName(w, t.name), all[i].totals)
				r.ways = append(slices.Clone(r.ways), signed{w, t.name})
				r.sum(t, f, w, e)
				next = append(next, r)
			}
		}
		all = next
	}
	return all
}

// sum adds the rows of a type to its totals.
func (r *rowReading) sum(t *rowType, f figures, w way, e *exact) {
	r.totals[t.total] = e.sum(r.totals[t.total], t.sign()*f.as(w))
	if t.vat != noTotal {
		r.totals[t.vat] = e.sum(r.totals[t.vat], f.vatAs(w))
	}
}

// signed describes how the signs of a type's rows are read.
type signed struct {
	way way
	typ string
}

// way returns how the reading reads the signs of a type's rows.
func (r *rowReading) way(typ string) way {
	for _, one := range r.ways {
		if one.typ == typ {
			return one.way
		}
	}
	return bySize
}

// differs lists the totals of the group in which Klarna's figures are not those
// of the rows.
func (g *group) differs(r *rowReading, klarna *Totals) []Difference {
	var differences []Difference
	for i := range formula {
		t := &formula[i]
		if !slices.Contains(g.totals, t.id) {
			continue
		}
		if rows, totals := r.totals[t.id], klarna[t.id]; rows != totals {
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
