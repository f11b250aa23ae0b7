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
}

// Read tells whether the proof needed a reading.
func (p *Proof) Read(variant string) bool { return slices.Contains(p.Variants, variant) }

// Effect gives the direction of a component's figures as the proof read them.
func (p *Proof) Effect(c Component) Effect {
	d, known := directionOf(c.Type)
	switch {
	case !known:
		return Effect{} // proven to come to nothing
	case feeType(c.Type) && (p.Read(GrossFeesNotDeducted) || p.Read(GrossFeesOutsideTotals)):
		return Effect{Amount: int64(d) * c.Amount, VAT: int64(d) * c.VAT, Outside: true}
	case c.Type == TypeCommission && takesCommissionBack(c.DetailedType) && p.returnsReduceCommission():
		return Effect{Amount: -c.Amount}
	case d == own:
		return Effect{Amount: c.Amount}
	case !carriesVAT(c.Type):
		return Effect{Amount: int64(d) * c.Amount} // VAT that no total accounts for is accepted on its own
	default:
		return Effect{Amount: int64(d) * c.Amount, VAT: int64(d) * c.VAT}
	}
}

// returnsReduceCommission tells whether COMMISSION rows that take commission
// back were read as taking it; by their type alone they would give.
func (p *Proof) returnsReduceCommission() bool {
	return p.Read(CommissionReturnsApart) || p.Read(RevenueShareReversalsApart) || p.Read(CommissionReturnsNetted)
}

// DepositInFormula tells whether the debt that this payout adds lifted its
// settlement amount, as opposed to standing beside it.
func (p *Proof) DepositInFormula() bool {
	return p.Payout.Totals.Deposit != 0 && !p.Read(DepositOutsideFormula)
}

// Terms lays the settlement formula of the payout out as the proof read it,
// total by total; those that are zero are left out.
func (p *Proof) Terms() []Term {
	var terms []Term
	for i := range formula {
		t := &formula[i]
		if amount := *t.of(&p.Payout.Totals); amount != 0 {
			terms = append(terms, Term{t.name, int(t.sign), amount, !p.leavesOut(t)})
		}
	}
	return terms
}

// leavesOut tells whether the proof read the formula without a total.
func (p *Proof) leavesOut(t *total) bool {
	switch t.name {
	case totalTaxRefund:
		return p.Read(TaxRefundOutsideFormula) || p.Read(GrossFeesNotDeducted)
	case totalDeposit:
		return p.Read(DepositOutsideFormula)
	default:
		return t.feeGroup() && p.Read(GrossFeesNotDeducted)
	}
}
