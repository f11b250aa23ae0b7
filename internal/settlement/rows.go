package settlement

import "slices"

// rowReading is what Klarna's totals should be if the rows are read in one way:
// only the totals that rows stand behind are filled in.
type rowReading struct {
	names  []string
	totals Totals
}

// bySum holds the sums of the components that the totals are made of.
type bySum struct {
	amount map[string]int64 // by type
	vat    map[string]int64 // by type

	// What takes commission back, by type: revenue shares apart from the rest,
	// since the commission_reversal total is as young as they are.
	commissionReturn, shareReversal map[string]int64
}

// sumComponents adds components up by type. ok is false when a sum does not fit
// 64 bits.
func sumComponents(components []Component) (s bySum, ok bool) {
	s = bySum{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}}
	ok = true
	add := func(to map[string]int64, key string, amount int64) {
		sum, fits := Add(to[key], amount)
		to[key], ok = sum, ok && fits
	}
	for i := range components {
		c := &components[i]
		add(s.amount, c.Type, c.Amount)
		add(s.vat, c.Type, c.VAT)
		switch {
		case !takesCommissionBack(c.DetailedType):
		case c.DetailedType == revenueShareReversal:
			add(s.shareReversal, c.Type, c.Amount)
		default:
			add(s.commissionReturn, c.Type, c.Amount)
		}
	}
	return s, ok
}

// rowReadings lists what the totals of p may be made of, the most literal
// reading first and none twice. ok is false when a sum does not fit 64 bits.
func rowReadings(p *Payout, components []Component) (all []rowReading, ok bool) {
	s, ok := sumComponents(components)
	if !ok {
		return nil, false
	}
	e := exact{}
	literal := Totals{
		Sale:          s.amount[TypeSale],
		Return:        s.amount[TypeReturn],
		Reversal:      e.sum(s.amount[TypeReversal], -s.amount[TypeReversalMerchantProtection]),
		Fee:           s.amount[TypeFee],
		FeeCorrection: s.amount[TypeCorrection],
		FeeRefund:     s.amount[TypeFeeRefund],
		Tax:           e.sum(s.vat[TypeFee], s.amount[TypeTax]),
		TaxRefund:     s.vat[TypeFeeRefund],
		Commission:    s.amount[TypeCommission],
		Charge:        s.amount[TypeCharge],
		Credit:        s.amount[TypeCredit],
		Holdback:      s.amount[TypeHoldback],
		Release:       s.amount[TypeRelease],
	}
	for _, commission := range commissionReadings(literal, &s, &e) {
		for _, r := range feeReadings(p.Type, commission, &e) {
			if !slices.ContainsFunc(all, func(o rowReading) bool { return o.totals == r.totals }) {
				all = append(all, r)
			}
		}
	}
	return all, !e.overflow
}

// commissionReadings reads the rows that take commission back. They may stay
// where their type puts them, reduce the commission, or be what Klarna sums as
// commission_reversal, all of them or the revenue shares alone.
func commissionReadings(literal Totals, s *bySum, e *exact) []rowReading {
	reversals, reversedShares := s.commissionReturn[TypeReversal], s.shareReversal[TypeReversal]
	returns, shares := s.commissionReturn[TypeCommission], s.shareReversal[TypeCommission]

	netted := literal
	netted.Commission = e.sum(literal.Commission, -returns, -returns, -shares, -shares)

	sharesApart := literal
	sharesApart.Reversal = e.sum(literal.Reversal, -reversedShares)
	sharesApart.Commission = e.sum(literal.Commission, -returns, -returns, -shares)
	sharesApart.CommissionReversal = e.sum(reversedShares, shares)

	apart := literal
	apart.Reversal = e.sum(literal.Reversal, -reversals, -reversedShares)
	apart.Commission = e.sum(literal.Commission, -returns, -shares)
	apart.CommissionReversal = e.sum(reversals, reversedShares, returns, shares)

	return []rowReading{
		{nil, literal},
		{[]string{CommissionReturnsApart}, apart},
		{[]string{CommissionReturnsNetted}, netted},
		{[]string{RevenueShareReversalsApart}, sharesApart},
	}
}

// feeReadings reads the VAT of fee refunds (a total of its own, or taken off
// the tax) and, in a GROSS payout, fee rows that are in no total at all.
func feeReadings(typ SettlementType, r rowReading, e *exact) []rowReading {
	readings := []rowReading{r}
	if r.totals.TaxRefund != 0 {
		net := r.totals
		net.Tax, net.TaxRefund = e.sum(net.Tax, -net.TaxRefund), 0
		readings = append(readings, rowReading{append(slices.Clone(r.names), TaxNetOfRefund), net})
	}
	if typ == Gross && hasFees(&r.totals) {
		outside := r.totals
		outside.Fee, outside.FeeRefund, outside.Tax, outside.TaxRefund = 0, 0, 0, 0
		readings = append(readings, rowReading{append(slices.Clone(r.names), GrossFeesOutsideTotals), outside})
	}
	return readings
}

// differs lists the row-backed totals in which Klarna's figures are not those
// of the rows.
func (r *rowReading) differs(klarna *Totals) []Difference {
	var differences []Difference
	for i := range formula {
		t := &formula[i]
		if t.rows == "" {
			continue
		}
		if rows, totals := *t.of(&r.totals), *t.of(klarna); rows != totals {
			differences = append(differences, Difference{t.name, rows, totals, minus(totals, rows)})
		}
	}
	return differences
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
