package settlement

import "strings"

var typeByName = func() map[string]*rowType {
	all := make(map[string]*rowType, len(types))
	for i := range types {
		all[types[i].name] = &types[i]
	}
	return all
}()

// typeNamed finds a type; nil is one that nobody has told us of.
func typeNamed(name string) *rowType { return typeByName[name] }

// directionOf tells the direction of a type. Of a type that nobody has told us
// of, known is false, and the rows keep their own sign so that nothing is lost.
func directionOf(typ string) (d direction, known bool) {
	if t := typeNamed(typ); t != nil {
		return t.direction, true
	}
	return own, false
}

// sign returns what an amount of the type counts in its total.
func (t *rowType) sign() int64 {
	if t.direction == own {
		return 1
	}
	return int64(t.direction) * totalOf(t.total).sign
}

// CarriesVAT tells the types whose rows carry VAT of Klarna's that a total
// accounts for: its fees.
func CarriesVAT(typ string) bool {
	t := typeNamed(typ)
	return t != nil && t.vat != noTotal
}

// Capture tells whether rows of a type were captured, as opposed to moving an
// amount that is owed already.
func Capture(typ string) bool {
	t := typeNamed(typ)
	return t == nil || !t.moved
}

// NatureOf tells what rows of a type are to the merchant.
func NatureOf(typ string) Nature {
	if t := typeNamed(typ); t != nil {
		return t.nature
	}
	return Other
}

// TypesOf lists the types of some natures.
func TypesOf(natures ...Nature) (names []string) {
	for i := range types {
		for _, n := range natures {
			if types[i].nature == n {
				names = append(names, types[i].name)
			}
		}
	}
	return names
}

// CostOf returns what rows of a type cost the merchant in fees and VAT, in minor units;
// nothing for types that are not about fees.
func CostOf(typ string, amount, vat int64) (net, tax int64) {
	t := typeNamed(typ)
	if t == nil || t.nature != Fees && t.nature != FeeVAT {
		return 0, 0
	}
	costs := int64(-1)
	if t.direction == takes {
		costs = 1
	}
	if t.nature == FeeVAT {
		return 0, costs * amount
	}
	if t.vat == noTotal {
		vat = 0
	}
	return costs * amount, costs * vat
}

// TopicOf tells whether rows of a kind belong to a dispute or to a loan. Disputes
// are what Klarna takes back from the merchant without the merchant's doing and
// what it gives back of that; commission that is taken back is none, and neither is
// the fee for a dispute, which is a cost.
func TopicOf(typ, detailedType string) Topic {
	if takesCommissionBack(detailedType) {
		return NoTopic
	}
	if t := typeNamed(typ); t != nil && t.disputed {
		return Dispute
	}
	if d := details[detailedType]; d.only == "" || d.only == typ {
		return d.topic
	}
	return NoTopic
}

// LoanCost tells the detailed types that are what a loan costs, and not the loan
// itself.
func LoanCost(detailedType string) bool { return details[detailedType].costs }

// CollectsDebt tells a kind that collects what is owed after a negative period.
func (k Key) CollectsDebt() bool {
	d := details[k.DetailedType]
	return d.debt && d.only == k.Type
}

// takesCommissionBack tells the detailed types that take a commission back.
// Only their rows can be behind Klarna's commission_reversal total.
func takesCommissionBack(detailedType string) bool {
	return strings.HasPrefix(detailedType, "COMMISSION_RETURN") || details[detailedType].commission
}

// Pair names the kind of rows that a component sums, "TYPE/DETAILED_TYPE": the
// key of a posting profile's rules. Rows without a detailed type give "TYPE/".
func (k Key) Pair() string { return k.Type + "/" + k.DetailedType }

// Kind is one pair of type and detailed type. Documented kinds stand in
// Klarna's table of types. More kinds than these may come: an unknown one is
// data, not an error.
type Kind struct {
	Type         string
	DetailedType string
	Documented   bool
}

// Pair is the kind as a posting profile names it.
func (k Kind) Pair() string { return k.Type + "/" + k.DetailedType }

// Types are the types that Klarna publishes, those with sales first.
func Types() []string {
	names := make([]string, len(types))
	for i := range types {
		names[i] = types[i].name
	}
	return names
}

// Kinds is the catalogue of pairs that Kvitt knows by name, grouped by type. It
// is what presets must cover and what a misspelt rule is compared with; nothing
// is booked from it.
func Kinds() []Kind {
	var kinds []Kind
	for i := range types {
		t := &types[i]
		for _, name := range strings.Fields(t.documented) {
			kinds = append(kinds, Kind{t.name, name, true})
		}
		for _, name := range strings.Fields(t.placed) {
			kinds = append(kinds, Kind{t.name, name, false})
		}
	}
	return kinds
}
