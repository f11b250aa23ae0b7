package settlement

// commissionReadings reads the rows that take commission back. They may stay
// where their type puts them, reduce the commission, or be what Klarna sums as
// commission_reversal: all of them, the revenue shares alone, or those with a
// minus sign.
func commissionReadings(base []rowReading, _ *Payout, s *bySum, e *exact) (all []rowReading) {
	commission := s.of[TypeCommission]
	for i := range base {
		r := &base[i]
		rw, cw := r.way(TypeReversal), r.way(TypeCommission)
		if cw == againstApart {
			r.totals[TotalCommission], r.totals[TotalCommissionReversal] = e.sum(commission.amount, -commission.against), commission.against
		}
		all = append(all, *r)
		all = append(all, r.commissionTaken(s, rw, cw, e)...)
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
	netted[TotalCommission] = e.sum(r.totals[TotalCommission], -returns, -returns, -shares, -shares)

	sharesApart := r.totals
	sharesApart[TotalReversal] = e.sum(r.totals[TotalReversal], -reversedShares)
	sharesApart[TotalCommission] = e.sum(r.totals[TotalCommission], -returns, -returns, -shares)
	sharesApart[TotalCommissionReversal] = e.sum(r.totals[TotalCommissionReversal], reversedShares, shares)

	apart := r.totals
	apart[TotalReversal] = e.sum(r.totals[TotalReversal], -reversals, -reversedShares)
	apart[TotalCommission] = e.sum(r.totals[TotalCommission], -returns, -shares)
	apart[TotalCommissionReversal] = e.sum(r.totals[TotalCommissionReversal], reversals, reversedShares, returns, shares)

	all := []rowReading{
		r.named(CommissionReturnsApart, apart),
		r.named(CommissionReturnsNetted, netted),
		r.named(RevenueShareReversalsApart, sharesApart),
	}
	if reversals != 0 || reversedShares != 0 {
		netted[TotalReversal] = e.sum(netted[TotalReversal], -reversals, -reversedShares)
		netted[TotalCommission] = e.sum(netted[TotalCommission], -reversals, -reversedShares)
		all = append(all, r.named(ReversedCommissionNetted, netted))
	}
	return all
}

// feeReadings reads fees, their refunds and corrections, and the VAT of all three.
func feeReadings(base []rowReading, p *Payout, s *bySum, e *exact) (all []rowReading) {
	for i := range base {
		for _, corrected := range base[i].corrections(p, s, e) {
			all = append(all, corrected.refunds(p, e)...)
		}
	}
	return all
}

// corrections reads the VAT on CORRECTION rows, and a total of corrections that
// has no rows.
func (r *rowReading) corrections(p *Payout, s *bySum, e *exact) []rowReading {
	if s.corrections == 0 && p.Totals[TotalFeeCorrection] != 0 {
		totals := r.totals
		totals[TotalFeeCorrection] = p.Totals[TotalFeeCorrection]
		return []rowReading{r.named(FeeCorrectionWithoutRows, totals)}
	}
	if len(s.correctionLoose) == 0 {
		return []rowReading{*r}
	}
	vat := s.of[TypeCorrection].vat
	inTax, offTax, inTotal, inRefund := r.totals, r.totals, r.totals, r.totals
	inTax[TotalTax] = e.sum(r.totals[TotalTax], vat)
	offTax[TotalTax] = e.sum(r.totals[TotalTax], minus(0, vat))
	inTotal[TotalFeeCorrection] = e.sum(r.totals[TotalFeeCorrection], vat)
	inRefund[TotalTaxRefund] = e.sum(r.totals[TotalTaxRefund], vat)
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
	if r.totals[TotalTaxRefund] != 0 {
		net := r.totals
		net[TotalTax] = e.sum(net[TotalTax], -net[TotalTaxRefund])
		all = append(all, r.named(TaxRefundToldBeside, net))
		net[TotalTaxRefund] = 0
		all = append(all, r.named(TaxNetOfRefund, net))
	}
	if p.Type == Gross && hasFees(&r.totals) {
		outside := r.totals
		for _, t := range formula {
			if t.billed {
				outside[t.id] = 0
			}
		}
		all = append(all, r.named(GrossFeesOutsideTotals, outside))
	}
	return all
}
