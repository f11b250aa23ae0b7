package settlement

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Tally sums the rows of one payout into components while they stream by. Its
// memory grows with the number of components, never with the number of rows.
//
// Klarna does not document the sign of a row's amount, so the sum takes the
// magnitude and leaves the direction to the type; what came with a minus sign is
// summed beside it, for the readings in which the sign counts. A CORRECTION can go either
// way and keeps its sign, and so does a type that nobody has told us of. A
// wrong guess cannot slip through: Prove compares every sum with Klarna's own
// totals.
//
// A Tally is not safe for concurrent use.
type Tally struct {
	currency Currency
	rows     int64
	sums     []sum
	index    map[Key]int
	last     int // the component of the row before

	foreign      []Row // the first rows in another currency
	foreignCount int64
}

// sum is a component in the making.
type sum struct {
	Component
	ownSign  bool
	overflow bool
	next     int // the component that followed this one last time: a good guess, nothing more
}

// foreignKept bounds the rows kept as evidence of a wrong currency.
const foreignKept = 3

// NewTally starts the sum of a payout in currency c.
func NewTally(c Currency) *Tally {
	return &Tally{currency: c, index: make(map[Key]int)}
}

// Add counts a row in. It does not keep r. Once the row's component exists it
// allocates nothing. A row in another currency than the payout's is counted and
// remembered for the proof, and never summed.
func (t *Tally) Add(r *Row) {
	t.rows++
	if r.Currency != t.currency {
		t.foreignCount++
		if len(t.foreign) < foreignKept {
			t.foreign = append(t.foreign, *r)
		}
		return
	}
	s := t.find(r)
	s.Rows++
	s.add(&s.Amount, &s.Against, r.Amount)
	s.add(&s.VAT, &s.VATAgainst, r.VAT)
	s.add(&s.TaxInRegistrationCurrency, &s.TaxAgainst, r.TaxInRegistrationCurrency)
}

// find returns the sum that r belongs to. Rows come in a pattern (a sale, its
// percentage fee, its fixed fee), so what followed last time is tried first.
func (t *Tally) find(r *Row) *sum {
	if len(t.sums) > 0 {
		if guess := t.sums[t.last].next; t.sums[guess].holds(r) {
			t.last = guess
			return &t.sums[guess]
		}
	}
	key := r.Key()
	i, ok := t.index[key]
	if !ok {
		i = t.insert(key)
	}
	t.sums[t.last].next = i
	t.last = i
	return &t.sums[i]
}

// insert makes room for a component. The strings are copied, so that they do
// not keep the page alive that they were read from.
func (t *Tally) insert(key Key) int {
	key = Key{
		strings.Clone(key.Type), strings.Clone(key.DetailedType),
		strings.Clone(key.Country), strings.Clone(key.MerchantID), key.VATRate, strings.Clone(key.Reference),
	}
	d, _ := directionOf(key.Type)
	i := len(t.sums)
	t.sums = append(t.sums, sum{Component: Component{Key: key}, ownSign: d == own})
	t.index[key] = i
	return i
}

// Key is the component that the row belongs to.
func (r *Row) Key() Key {
	return Key{r.Type, r.DetailedType, r.Country, r.MerchantID, r.VATRate, r.reference()}
}

// reference is Klarna's comment where it tells what a row is about. Rows of
// orders have references of their own, far too many to tell apart here.
func (r *Row) reference() string {
	if r.Comment == "" || r.OrderID != "" {
		return ""
	}
	if t := typeNamed(r.Type); t == nil || !t.commented {
		return ""
	}
	return r.Comment
}

func (s *sum) holds(r *Row) bool {
	return s.DetailedType == r.DetailedType && s.Type == r.Type &&
		s.Country == r.Country && s.MerchantID == r.MerchantID && s.VATRate == r.VATRate && s.Reference == r.reference()
}

func (s *sum) add(to, against *int64, amount int64) {
	if amount < 0 && !s.ownSign {
		if amount == math.MinInt64 {
			s.overflow = true
			return
		}
		amount = -amount
		*against += amount // at most what it is a part of
	}
	var ok bool
	if *to, ok = Add(*to, amount); !ok {
		s.overflow = true
	}
}

// Rows is the number of rows added, those in another currency included.
func (t *Tally) Rows() int64 { return t.rows }

// Components are the sums so far, sorted by type, detailed type, country,
// merchant id, VAT rate and reference, whatever the order of the rows. The slice is the caller's.
func (t *Tally) Components() []Component {
	components := make([]Component, len(t.sums))
	for i := range t.sums {
		components[i] = t.sums[i].Component
	}
	SortComponents(components)
	return components
}

// overflowed returns the first component whose sum does not fit 64 bits.
func (t *Tally) overflowed() (Component, bool) {
	for i := range t.sums {
		if t.sums[i].overflow {
			return t.sums[i].Component, true
		}
	}
	return Component{}, false
}

// SortComponents sorts in place by type, detailed type, country, merchant
// id, VAT rate and reference: the one order in which components are shown, hashed and booked.
func SortComponents(components []Component) {
	slices.SortFunc(components, func(a, b Component) int {
		return cmp.Or(
			cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.DetailedType, b.DetailedType),
			cmp.Compare(a.Country, b.Country),
			cmp.Compare(a.MerchantID, b.MerchantID),
			cmp.Compare(a.VATRate, b.VATRate),
			cmp.Compare(a.Reference, b.Reference),
		)
	})
}

// Add adds, and says whether the sum fits 64 bits. Money is never summed
// without asking.
func Add(a, b int64) (sum int64, ok bool) {
	sum = a + b
	return sum, (sum > a) == (b > 0)
}
