package settlement

import "slices"

// Proof is a payout that agrees with its rows and with itself: what a voucher
// is compiled from, and what is kept to show it years later. It survives JSON.
type Proof struct {
	Payout     Payout      `json:"payout"`
	Components []Component `json:"components"` // sorted
	Rows       int64       `json:"rows"`
	Variants   []string    `json:"variants,omitempty"`      // the readings of Klarna's figures that were needed
	Previous   *Debt       `json:"previous,omitempty"`      // the payout that the debt continues from, when known
	Accepted   []Accepted  `json:"accepted,omitempty"`      // the differences that a person accepted, those that were found
	Excluded   int64       `json:"rows_excluded,omitempty"` // rows in another currency that an accepted difference leaves out
}

// Effect is what a component does to the merchant's money, in minor units:
// positive gives, negative takes. Outside is set for the fees that a GROSS
// payout lists and does not deduct; they move no money here.
type Effect struct {
	Amount  int64 `json:"amount"`
	VAT     int64 `json:"vat,omitempty"`
	Outside bool  `json:"outside,omitempty"`
	// Against is the part of Amount that goes the other way and that Klarna totals
	// apart, so that it is booked apart.
	Against int64 `json:"against,omitempty"`
}

// Parts are the amounts that are booked apart, the second one often zero.
func (e Effect) Parts() [2]int64 { return [2]int64{e.Amount - e.Against, e.Against} }

// Side is the part that gives, or the one that takes; of an amount that is not in
// parts, it is the amount.
func (e Effect) Side(gives bool) int64 {
	for _, part := range e.Parts() {
		if e.Against != 0 && part != 0 && (part > 0) == gives {
			return part
		}
	}
	return e.Amount
}

// Read tells whether the proof needed a reading.
func (p *Proof) Read(variant string) bool { return slices.Contains(p.Variants, variant) }

// Effect gives the direction of a component's figures as the proof read them.
func (p *Proof) Effect(c Component) Effect {
	d, known := directionOf(c.Type)
	if !known {
		return Effect{} // proven to come to nothing, or accepted on their own
	}
	if c.Type == TypeCorrection {
		return Effect{Amount: c.Amount, VAT: p.correctionVAT() * c.VAT}
	}
	w := p.way(&c)
	e := Effect{Amount: int64(d) * w.of(c.Amount, c.Against)}
	switch {
	case CarriesVAT(c.Type): // VAT that no total accounts for is accepted on its own
		e.VAT = int64(d) * w.of(c.VAT, c.VATAgainst)
	case c.Type == TypeCommission && w == againstApart:
		e.Against = -c.Against
	case c.Type == TypeCommission && w == bySize && takesCommissionBack(c.DetailedType) && p.returnsReduceCommission():
		e.Amount = -e.Amount
	}
	e.Outside = totalOf(typeNamed(c.Type).total).billed && (p.Read(GrossFeesNotDeducted) || p.Read(GrossFeesOutsideTotals))
	return e
}

// RegistrationTax is the VAT of a component in the currency of the merchant's
// country, with the direction of its VAT.
func (p *Proof) RegistrationTax(c Component) int64 {
	if c.Type == TypeCorrection {
		return p.correctionVAT() * c.TaxInRegistrationCurrency
	}
	d, _ := directionOf(c.Type)
	return int64(d) * p.way(&c).of(c.TaxInRegistrationCurrency, c.TaxAgainst)
}

// correctionVAT is the direction of the VAT on CORRECTION rows.
func (p *Proof) correctionVAT() int64 {
	switch {
	case p.Read(CorrectionVATInTax):
		return -1
	case p.Read(CorrectionVATOffTax), p.Read(CorrectionVATInTotal), p.Read(CorrectionVATInRefund):
		return +1
	}
	return 0 // in no total, so it is accepted on its own
}

// returnsReduceCommission tells whether COMMISSION rows that take commission
// back were read as taking it; by their type alone they would give.
func (p *Proof) returnsReduceCommission() bool {
	return p.Read(CommissionReturnsApart) || p.Read(RevenueShareReversalsApart) ||
		p.Read(CommissionReturnsNetted) || p.Read(ReversedCommissionNetted)
}

// DepositInFormula tells whether the debt that this payout adds lifted its
// settlement amount, as opposed to standing beside it.
func (p *Proof) DepositInFormula() bool {
	return p.Payout.Totals[TotalDeposit] != 0 && !p.Read(DepositOutsideFormula)
}

// Terms lays the settlement formula of the payout out as the proof read it,
// total by total; those that are zero are left out.
func (p *Proof) Terms() []Term {
	var terms []Term
	for i := range formula {
		t := &formula[i]
		if amount := p.Payout.Totals[t.id]; amount != 0 {
			terms = append(terms, Term{t.name, int(t.sign), amount, !p.leavesOut(t)})
		}
	}
	return terms
}

// leavesOut tells whether the proof read the formula without a total.
func (p *Proof) leavesOut(t *total) bool {
	switch t.id {
	case TotalTaxRefund:
		return p.Read(TaxRefundOutsideFormula) || p.Read(TaxRefundToldBeside) || p.Read(GrossFeesNotDeducted)
	case TotalDeposit:
		return p.Read(DepositOutsideFormula)
	default:
		return t.billed && p.Read(GrossFeesNotDeducted)
	}
}
