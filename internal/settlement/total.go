package settlement

import "slices"

// rowsAreTotals reads each group of totals in the one way that is exact.
func (v *verifier) rowsAreTotals() error {
	groups, ok := groupsOf(v.payout, v.components)
	if !ok {
		return v.mismatch(StepRows, codeBadData, "the sums of its rows do not fit 64 bits")
	}
	var differences []Difference
	var open []string
	for i := range groups {
		names, closest, several := v.read(&groups[i])
		v.variants = append(v.variants, names...)
		differences = append(differences, closest...)
		if several != nil && open == nil {
			open = several
		}
	}
	slices.SortStableFunc(differences, func(a, b Difference) int { return place(a.Component) - place(b.Component) })
	switch {
	case len(differences) > 0:
		return v.rowsDiffer(differences)
	case open != nil:
		return v.rowsAreOpen(open)
	}
	v.detailedTypes()
	return nil
}

// place is where a total stands in the formula; rows without a total come last.
func place(component string) int {
	if i := slices.IndexFunc(formula, func(t total) bool { return t.name == component }); i >= 0 {
		return i
	}
	return len(formula)
}

// read finds the reading of a group that is exact. Of several that book the same,
// the most literal is taken; of several that book differently, the one that a
// person chose, or several names them. Without any, closest has the differences
// of the reading with the fewest.
func (v *verifier) read(g *group) (names []string, closest []Difference, several []string) {
	var exact []*rowReading
	var nearest *rowReading
	for i := range g.readings {
		r := &g.readings[i]
		differences := g.differs(r, &v.payout.Totals)
		if len(differences) == 0 && !slices.ContainsFunc(exact, func(o *rowReading) bool { return v.booksAs(o, r) }) {
			exact = append(exact, r)
		}
		if nearest == nil || len(differences) < len(closest) {
			closest, nearest = differences, r
		}
	}
	if len(exact) <= 1 {
		return nearest.names, closest, nil
	}
	for _, r := range exact {
		if _, ok := v.accepts(codeRowsDiffer, nameOf(r.names), 0); ok {
			return r.names, nil, nil
		}
		several = append(several, nameOf(r.names))
	}
	return nil, nil, several
}

// booksAs tells whether two readings are the same booking.
func (v *verifier) booksAs(a, b *rowReading) bool {
	one, other := Proof{Variants: a.names}, Proof{Variants: b.names}
	return !slices.ContainsFunc(v.components, func(c Component) bool {
		x, y := one.Effect(c), other.Effect(c)
		if x.Outside && y.Outside {
			return false
		}
		same := x.Amount == y.Amount && x.VAT == y.VAT && x.Outside == y.Outside &&
			(x.Against == y.Against || x.whole() && y.whole())
		return !same
	})
}

// whole tells an amount that is booked in one part.
func (e Effect) whole() bool { return e.Against == 0 || e.Against == e.Amount }

// rowsDiffer holds a payout whose rows are not its totals, unless each of just
// these differences was accepted.
func (v *verifier) rowsDiffer(differences []Difference) error {
	if v.acceptsAll(codeRowsDiffer, differences) {
		return v.looseAccepted(differences)
	}
	first := differences[0]
	var m *Mismatch
	if t := totalNamed(first.Component); t != nil {
		m = v.mismatch(StepRows, codeRowsDiffer, "%s come to %s, and Klarna's %s_amount is %s: a difference of %s",
			t.rows, v.money(first.Rows), first.Component, v.money(first.Totals), v.money(first.Difference))
		m.Component, m.Rows, m.Totals, m.Difference = first.Component, first.Rows, first.Totals, first.Difference
	} else {
		m = v.unaccounted(&loose{code: codeRowsDiffer, pair: first.Component, amount: first.Rows})
	}
	if len(differences) > 1 {
		m.Also = differences[1:]
	}
	return m
}

// looseAccepted counts the VAT on corrections for which a person named an account
// among what the settlement amount has to explain.
func (v *verifier) looseAccepted(differences []Difference) error {
	e := exact{}
	for _, d := range differences {
		if totalNamed(d.Component) != nil {
			continue
		}
		if i := slices.IndexFunc(v.used, func(a Accepted) bool { return a.same(codeRowsDiffer, d.Component, d.Difference) }); v.used[i].Account != "" {
			v.loose = e.sum(v.loose, d.Rows)
		}
	}
	if e.overflow {
		return v.mismatch(StepRows, codeBadData, "the amounts of rows without a total do not fit 64 bits when they are summed")
	}
	v.detailedTypes()
	return nil
}

// rowsAreOpen holds a payout whose rows come to its totals in ways that book
// differently.
func (v *verifier) rowsAreOpen(names []string) error {
	m := v.mismatch(StepRows, codeRowsDiffer, "its rows come to Klarna's totals in more than one way, and nothing says which is meant%s", inWords(names))
	m.Component, m.Readings = "rows", names
	return m
}

// detailedTypes notes that some rows say nothing but their type.
func (v *verifier) detailedTypes() {
	if slices.ContainsFunc(v.components, func(c Component) bool {
		_, known := directionOf(c.Type)
		return known && c.DetailedType == "" && (c.Amount != 0 || c.VAT != 0)
	}) {
		v.variants = append(v.variants, RowsWithoutDetailedType)
	}
}

// withoutRows adds what Klarna totals without rows to the components.
func (v *verifier) withoutRows() []Component {
	if !slices.Contains(v.variants, FeeCorrectionWithoutRows) {
		return v.components
	}
	all := append(v.components, Component{Key: Key{Type: TypeCorrection}, Amount: v.payout.Totals[TotalFeeCorrection]})
	SortComponents(all)
	return all
}
