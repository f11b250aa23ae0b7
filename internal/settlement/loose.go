package settlement

// loose is money on rows that none of Klarna's totals accounts for: rows of a type
// that nobody has told us of, or VAT on rows that are not fees. It is never
// dropped. VAT on corrections has readings of its own.
type loose struct {
	code, pair string
	typ        string
	count      int64
	amount     int64
	overflow   bool
	found      bool // one component has money, even if they come to nothing together
}

// everyRowHasATotal finds money that none of Klarna's totals could account for,
// kind by kind. A person may say where it belongs.
func (v *verifier) everyRowHasATotal() error {
	e := exact{}
	for _, l := range looseIn(v.components) {
		if l.overflow {
			return v.mismatch(StepRows, codeBadData, "the amounts of its %s rows do not fit 64 bits when they are summed", l.pair)
		}
		a, ok := v.accepts(l.code, l.pair, minus(0, l.amount))
		if !ok {
			return v.unaccounted(&l)
		}
		if a.Account != "" {
			v.loose = e.sum(v.loose, l.amount)
		}
	}
	if e.overflow {
		return v.mismatch(StepRows, codeBadData, "the amounts of rows without a total do not fit 64 bits when they are summed")
	}
	return nil
}

func (v *verifier) unaccounted(l *loose) *Mismatch {
	var m *Mismatch
	if l.code == codeComponentUnknown {
		m = v.mismatch(StepRows, l.code, "%s of type %q come to %s, and none of Klarna's totals accounts for that type",
			counted(l.count, "row", "rows"), l.typ, v.money(l.amount))
	} else {
		m = v.mismatch(StepRows, l.code, "its %s rows carry VAT of %s, and none of Klarna's totals accounts for VAT on such rows",
			l.pair, v.money(l.amount))
	}
	m.Component, m.Rows, m.Difference = l.pair, l.amount, minus(0, l.amount)
	return m
}

// looseIn sums by kind of rows; components are sorted, so that the kinds are
// together.
func looseIn(components []Component) []loose {
	var all []loose
	add := func(c *Component, code string, amount int64, has bool) {
		if n := len(all); n == 0 || all[n-1].pair != c.Pair() || all[n-1].code != code {
			all = append(all, loose{code: code, pair: c.Pair(), typ: c.Type})
		}
		l := &all[len(all)-1]
		sum, fits := Add(l.amount, amount)
		l.amount, l.count, l.overflow, l.found = sum, l.count+c.Rows, l.overflow || !fits, l.found || has
	}
	for i := range components {
		c := &components[i]
		if _, known := directionOf(c.Type); !known {
			add(c, codeComponentUnknown, c.Amount, c.Amount != 0 || c.VAT != 0)
		} else if c.VAT != 0 && !CarriesVAT(c.Type) && c.Type != TypeCorrection {
			add(c, codeRowsDiffer, c.VAT, true)
		}
	}
	found := all[:0]
	for _, l := range all {
		if l.found {
			found = append(found, l)
		}
	}
	return found
}
