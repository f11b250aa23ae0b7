package settlement

import "slices"

// The readings of what Klarna leaves open, as they stand in Proof.Variants. A
// reading is accepted only if it balances to the minor unit and no other does;
// a payout that satisfies the published formula as it stands has none. Two
// readings of a term are as far apart as the term itself.
const (
	// Rows against totals.
	RowsUncounted              = "rows_uncounted" // Klarna announced no number of rows
	CommissionReturnsApart     = "commission_returns_in_commission_reversal"
	RevenueShareReversalsApart = "revenue_share_reversals_in_commission_reversal"
	CommissionReturnsNetted    = "commission_returns_reduce_commission"
	TaxNetOfRefund             = "tax_net_of_tax_refund"
	GrossFeesOutsideTotals     = "gross_fee_rows_outside_totals"

	// A REVERSAL row that takes commission back is summed in commission, as less.
	ReversedCommissionNetted = "reversed_commission_reduces_commission"
	// COMMISSION rows with a minus sign are summed as commission_reversal.
	NegativeCommissionApart = "negative_commission_in_commission_reversal"
	// Tax is net of the VAT of fee refunds, and tax_refund states that VAT again.
	TaxRefundToldBeside = "tax_refund_told_beside_net_tax"
	// Klarna's table gives no transaction type for fee_correction: a total without
	// rows, which becomes a component of its own.
	FeeCorrectionWithoutRows = "fee_correction_without_rows"
	// VAT on CORRECTION rows: with the sign of tax (a minus gives back) in the tax;
	// with the sign of the correction taken off the tax, in the total of the
	// corrections, or in tax_refund.
	CorrectionVATInTax    = "correction_vat_in_tax"
	CorrectionVATOffTax   = "correction_vat_off_tax"
	CorrectionVATInTotal  = "correction_vat_in_fee_correction"
	CorrectionVATInRefund = "correction_vat_in_tax_refund"
	// Rows that say nothing but their type.
	RowsWithoutDetailedType = "rows_without_detailed_type"

	// Totals against the settlement amount.
	TaxRefundInFormula             = "tax_refund_in_formula"
	TaxRefundOutsideFormula        = "tax_refund_outside_formula"
	DepositInFormula               = "deposit_in_formula"
	DepositOutsideFormula          = "deposit_outside_formula"
	GrossFeesDeducted              = "gross_fees_deducted"
	GrossFeesNotDeducted           = "gross_fees_not_deducted"
	FeeInvoiceAsPositiveSettlement = "fee_invoice_as_positive_settlement"
	FeeInvoiceWithoutSettlement    = "fee_invoice_without_settlement"

	// Rows that no total accounts for, of which a person said where they belong.
	LooseRowsGive = "unaccounted_rows_give"
	LooseRowsTake = "unaccounted_rows_take"
)

// AsPublished names the reading that needs none of the others, where one has to
// be chosen.
const AsPublished = "as_published"

// reading is one way to read the settlement formula: the names that tell how,
// the totals it leaves out, and what the sum is multiplied with.
type reading struct {
	names   []string
	without func(*total) bool
	factor  int64
}

// noTerm leaves nothing out.
func noTerm(*total) bool { return false }

// with makes the reading that differs from r by one more name and one more
// group of totals left out.
func (r reading) with(name string, without func(*total) bool) reading {
	names := make([]string, 0, len(r.names)+1)
	names = append(append(names, r.names...), name)
	return reading{names: names, factor: r.factor, without: func(t *total) bool {
		return r.without(t) || without(t)
	}}
}

// readings lists the ways in which the formula of p may be read, the most
// literal first. Where a term is zero there is nothing to read.
//
// A tax_refund that is told beside a net tax has been counted there.
func readings(p *Payout, toldBeside bool) []reading {
	all := []reading{{without: noTerm, factor: 1}}
	if p.Type == Gross && hasFees(&p.Totals) {
		all = []reading{
			all[0].with(GrossFeesNotDeducted, func(t *total) bool { return t.billed }),
			all[0].with(GrossFeesDeducted, noTerm),
		}
	}
	if p.Type == GrossFee && onlyFees(&p.Totals) {
		all = append(all,
			reading{[]string{FeeInvoiceAsPositiveSettlement}, noTerm, -1},
			reading{[]string{FeeInvoiceWithoutSettlement}, noTerm, 0},
		)
	}
	if toldBeside {
		for i := range all {
			counted := all[i].without
			all[i].without = func(t *total) bool { return t.id == TotalTaxRefund || counted(t) }
		}
	}
	all = eachWay(all, TotalTaxRefund, p.Totals[TotalTaxRefund], TaxRefundInFormula, TaxRefundOutsideFormula)
	return eachWay(all, TotalDeposit, p.Totals[TotalDeposit], DepositInFormula, DepositOutsideFormula)
}

// eachWay reads an open term in both ways, unless it is zero or left out
// already.
func eachWay(all []reading, id Total, amount int64, in, outside string) []reading {
	if amount == 0 {
		return all
	}
	var both []reading
	for _, r := range all {
		if r.factor == 0 || r.without(totalOf(id)) {
			both = append(both, r)
			continue
		}
		both = append(both,
			r.with(in, noTerm),
			r.with(outside, func(t *total) bool { return t.id == id }),
		)
	}
	return both
}

// hasFees tells whether any total that a GROSS payout only lists has an amount.
func hasFees(t *Totals) bool {
	return slices.ContainsFunc(formula, func(term total) bool { return term.billed && t[term.id] != 0 })
}

// onlyFees tells whether t is a bill for fees and nothing else.
func onlyFees(t *Totals) bool {
	return hasFees(t) && !slices.ContainsFunc(formula, func(term total) bool { return !term.billed && t[term.id] != 0 })
}

// settles computes the settlement amount that t gives under r. ok is false when
// the sum does not fit 64 bits.
func (r reading) settles(t *Totals) (amount int64, ok bool) {
	for i := range formula {
		term := &formula[i]
		if r.without(term) {
			continue
		}
		effect, fits := times(t[term.id], term.sign*r.factor)
		if amount, ok = Add(amount, effect); !ok || !fits {
			return 0, false
		}
	}
	return amount, true
}

// Term is one total in the settlement formula of a payout, for people who want
// to follow it. Amount is in minor units as Klarna gives it, Sign is what the
// formula does with it, and Counted is false for a total that the accepted
// reading leaves out.
type Term struct {
	Name    string `json:"name"`
	Sign    int    `json:"sign"`
	Amount  int64  `json:"amount"`
	Counted bool   `json:"counted"`
}

// times multiplies with -1, 0 or 1, and says whether the product fits 64 bits.
func times(a, sign int64) (int64, bool) {
	product := a * sign
	return product, sign != -1 || a == 0 || (product < 0) != (a < 0)
}
