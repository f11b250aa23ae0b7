package settlement

import "strings"

// way describes how the signs of the rows of one type are read.
type way int

const (
	bySize       way = iota // the type alone gives the direction
	bySign                  // a minus goes against the type's direction, and nets
	byEffect                // rows carry the sign of what they do to the merchant's money
	againstApart            // COMMISSION: a minus goes against, and is totalled apart
)

// of is the figure of rows that come to amount in size, of which against had a
// minus sign.
func (w way) of(amount, against int64) int64 {
	switch w {
	case bySign, againstApart:
		return amount - against - against
	case byEffect:
		return against - (amount - against)
	case bySize:
	}
	return amount
}

// signName returns what the reading of a type's signs is called in Proof.Variants:
// signed_rows_credit, signed_by_effect_fee.
func signName(w way, typ string) string {
	switch w {
	case bySign:
		return "signed_rows_" + strings.ToLower(typ)
	case byEffect:
		return "signed_by_effect_" + strings.ToLower(typ)
	case againstApart:
		return NegativeCommissionApart
	case bySize:
	}
	return ""
}

// way tells how the proof read the signs of a component's rows.
func (p *Proof) way(c *Component) way {
	if c.Against == 0 && c.VATAgainst == 0 && c.TaxAgainst == 0 {
		return bySize
	}
	for _, w := range []way{bySign, byEffect} {
		if p.Read(signName(w, c.Type)) {
			return w
		}
	}
	if c.Type == TypeCommission && p.Read(NegativeCommissionApart) {
		return againstApart
	}
	return bySize
}

// figures are sums of rows by size, and of those with a minus sign among them.
type figures struct{ amount, against, vat, vatAgainst int64 }

func (f figures) as(w way) int64    { return w.of(f.amount, f.against) }
func (f figures) vatAs(w way) int64 { return w.of(f.vat, f.vatAgainst) }

var onlyBySize = []way{bySize}

// ways lists how the signs of a type's rows may be read, the most literal first.
// Where no row has a minus sign there is nothing to read; where all have one,
// the sign of the effect says what the type does.
func (f figures) ways(t *rowType) []way {
	if f.against == 0 && f.vatAgainst == 0 {
		return onlyBySize
	}
	all := []way{bySize, bySign}
	if t.direction == takes && (f.against != f.amount || f.vatAgainst != f.vat) {
		all = append(all, byEffect)
	}
	if t.name == TypeCommission {
		all = append(all, againstApart)
	}
	return all
}
