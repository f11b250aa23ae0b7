package settlement

// MergeComponents sums components of the same key, so that the components of
// several days become those of all of them together. The result is sorted and
// the caller's. ok is false when a sum does not fit 64 bits.
func MergeComponents(components []Component) (merged []Component, ok bool) {
	ok = true
	index := make(map[Key]int, len(components))
	for _, c := range components {
		i, known := index[c.Key]
		if !known {
			index[c.Key] = len(merged)
			merged = append(merged, c)
			continue
		}
		ok = merged[i].merge(&c) && ok
	}
	SortComponents(merged)
	return merged, ok
}

// merge adds the figures of another component of the same key.
func (c *Component) merge(o *Component) bool {
	whole := true
	for _, figure := range []struct {
		to     *int64
		amount int64
	}{
		{&c.Rows, o.Rows},
		{&c.Amount, o.Amount},
		{&c.VAT, o.VAT},
		{&c.TaxInRegistrationCurrency, o.TaxInRegistrationCurrency},
		{&c.Against, o.Against},
		{&c.VATAgainst, o.VATAgainst},
		{&c.TaxAgainst, o.TaxAgainst},
	} {
		sum, ok := Add(*figure.to, figure.amount)
		*figure.to, whole = sum, whole && ok
	}
	return whole
}
