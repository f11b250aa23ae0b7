package settlement

// commissionReadings reads the rows that take commission back. They may stay
// where their type puts them, reduce the commission, or be what Klarna sums as
// commission_reversal: all of them, the revenue shares alone, or those with a
// minus sign.
func commissionReadings(s *bySum, e *exact) (all []rowReading) {
	reversal, protection, commission := s.of[TypeReversal], s.of[TypeReversalMerchantProtection], s.of[TypeCommission]
	for _, rw := range reversal.ways(TypeReversal) {
		for _, pw := range protection.ways(TypeReversalMerchantProtection) {
			for _, cw := range commission.ways(TypeCommission) {
				r := rowReading{names: namesOf(signed{rw, TypeReversal}, signed{pw, TypeReversalMerchantProtection}, signed{cw, TypeCommission})}
				r.totals.Reversal = e.sum(reversal.as(rw), -protection.as(pw))
				r.totals.Commission = commission.as(cw)
				if cw == againstApart {
					r.totals.Commission, r.totals.CommissionReversal = e.sum(commission.amount, -commission.against), commission.against
				}
				all = append(all, r)
				all = append(all, r.commissionTaken(s, rw, cw, e)...)
			}
		}
	}
	return all
}

// commissionTaken gives the readings of the rows whose detailed type takes
// commission back. COMMISSION rows whose sign counts say by it what they do.
func (r *rowReading) commissionTaken(s *bySum, rw, cw way, e *exact) []rowReading {
	reversals, reversedShares := s.commissionReturn[TypeReversal].as(rw), s.shareReversal[TypeReversal].as(rw)
	var returns, shares int64
	if cw == bySize {
		returns, shares = s.commissionReturn[TypeCommission].amount, s.shareReversal[TypeCommission].amount
	}
	if reversals == 0 && reversedShares == 0 && returns == 0 && shares == 0 {
		return nil
	}
	netted := r.totals
	netted.Commission = e.sum(r.totals.Commission, -returns, -returns, -shares, -shares)

	sharesApart := r.totals
	sharesApart.Reversal = e.sum(r.totals.Reversal, -reversedShares)
	sharesApart.Commission = e.sum(r.totals.Commission, -returns, -returns, -shares)
	sharesApart.CommissionReversal = e.sum(r.totals.CommissionReversal, reversedShares, shares)

	apart := r.totals
	apart.Reversal = e.sum(r.totals.Reversal, -reversals, -reversedShares)
	apart.Commission = e.sum(r.totals.Commission, -returns, -shares)
	apart.CommissionReversal = e.sum(r.totals.CommissionReversal, reversals, reversedShares, returns, shares)

	all := []rowReading{
		r.named(CommissionReturnsApart, apart),
		r.named(CommissionReturnsNetted, netted),
		r.named(RevenueShareReversalsApart, sharesApart),
	}
	if reversals != 0 || reversedShares != 0 {
		netted.Reversal = e.sum(netted.Reversal, -reversals, -reversedShares)
		netted.Commission = e.sum(netted.Commission, -reversals, -reversedShares)
		all = append(all, r.named(ReversedCommissionNetted, netted))
	}
	return all
}

// feeReadings reads fees, their refunds and corrections, and the VAT of all three.
func feeReadings(p *Payout, s *bySum, e *exact) (all []rowReading) {
	fee, refund, tax, correction := s.of[TypeFee], s.of[TypeFeeRefund], s.of[TypeTax], s.of[TypeCorrection]
	for _, fw := range fee.ways(TypeFee) {
		for _, rw := range refund.ways(TypeFeeRefund) {
			for _, tw := range tax.ways(TypeTax) {
				r := rowReading{names: namesOf(signed{fw, TypeFee}, signed{rw, TypeFeeRefund}, signed{tw, TypeTax})}
				r.totals = Totals{
					Fee: fee.as(fw), FeeRefund: refund.as(rw), FeeCorrection: correction.amount,
					Tax: e.sum(fee.vatAs(fw), tax.as(tw)), TaxRefund: refund.vatAs(rw),
				}
				for _, corrected := range r.corrections(p, s, e) {
					all = append(all, corrected.refunds(p, e)...)
				}
			}
		}
	}
	return all
}

// corrections reads the VAT on CORRECTION rows, and a total of corrections that
// has no rows.
func (r *rowReading) corrections(p *Payout, s *bySum, e *exact) []rowReading {
	if s.corrections == 0 && p.Totals.FeeCorrection != 0 {
		totals := r.totals
		totals.FeeCorrection = p.Totals.FeeCorrection
		return []rowReading{r.named(FeeCorrectionWithoutRows, totals)}
	}
	if len(s.correctionLoose) == 0 {
		return []rowReading{*r}
	}
	vat := s.of[TypeCorrection].vat
	inTax, offTax, inTotal, inRefund := r.totals, r.totals, r.totals, r.totals
	inTax.Tax = e.sum(r.totals.Tax, vat)
	offTax.Tax = e.sum(r.totals.Tax, minus(0, vat))
	inTotal.FeeCorrection = e.sum(r.totals.FeeCorrection, vat)
	inRefund.TaxRefund = e.sum(r.totals.TaxRefund, vat)
	ignored := r.named("", r.totals)
	ignored.loose = s.correctionLoose
	all := []rowReading{ignored, r.named(CorrectionVATInTotal, inTotal)}
	if p.Type == Gross { // its tax is not deducted, and the corrections are paid out
		return all
	}
	return append(all, r.named(CorrectionVATInTax, inTax), r.named(CorrectionVATOffTax, offTax), r.named(CorrectionVATInRefund, inRefund))
}

// refunds reads the VAT of fee refunds (a total of its own, taken off the tax, or
// both) and, in a GROSS payout, fee rows that are in no total at all.
func (r *rowReading) refunds(p *Payout, e *exact) []rowReading {
	all := []rowReading{*r}
	if r.totals.TaxRefund != 0 {
		net := r.totals
		net.Tax = e.sum(net.Tax, -net.TaxRefund)
		all = append(all, r.named(TaxRefundToldBeside, net))
		net.TaxRefund = 0
		all = append(all, r.named(TaxNetOfRefund, net))
	}
	if p.Type == Gross && hasFees(&r.totals) {
		outside := r.totals
		outside.Fee, outside.FeeRefund, outside.Tax, outside.TaxRefund = 0, 0, 0, 0
		all = append(all, r.named(GrossFeesOutsideTotals, outside))
	}
	return all
}
