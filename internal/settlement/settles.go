package settlement

import (
	"slices"
	"strings"
)

// attempt is a reading of the formula with what it makes the totals come to.
type attempt struct {
	names  []string
	amount int64
	factor int64
}

// attempts reads the formula in every way; ok is false when a sum does not fit
// 64 bits. Rows that no total accounts for give or take: the settlement amount
// tells.
func (v *verifier) attempts() (all []attempt, ok bool) {
	for _, r := range readings(v.payout, slices.Contains(v.variants, TaxRefundToldBeside)) {
		amount, ok := r.settles(&v.payout.Totals)
		if !ok {
			return nil, false
		}
		if v.loose == 0 || r.factor == 0 {
			all = append(all, attempt{r.names, amount, r.factor})
			continue
		}
		for _, way := range []struct {
			name string
			sign int64
		}{{LooseRowsGive, +1}, {LooseRowsTake, -1}} {
			effect, fits := times(v.loose, way.sign*r.factor)
			sum, ok := Add(amount, effect)
			if !ok || !fits {
				return nil, false
			}
			all = append(all, attempt{append(append([]string(nil), r.names...), way.name), sum, r.factor})
		}
	}
	return all, true
}

func (v *verifier) totalsSettle() error {
	settlement := v.payout.Totals[TotalSettlement]
	all, ok := v.attempts()
	if !ok {
		return v.mismatch(StepFormula, codeBadData, "its totals do not fit 64 bits when they are summed")
	}
	var exact []attempt
	var tried []string
	closest := &all[0]
	for i := range all {
		a := &all[i]
		tried = append(tried, nameOf(a.names))
		if a.amount == settlement {
			exact = append(exact, *a)
		}
		if a.factor != 0 && magnitude(minus(settlement, a.amount)) < magnitude(minus(settlement, closest.amount)) {
			closest = a
		}
	}
	switch len(exact) {
	case 1:
		v.variants = append(v.variants, exact[0].names...)
		return nil
	case 0:
		return v.formulaDiffers(closest, tried)
	default:
		return v.formulaIsOpen(exact)
	}
}

// formulaDiffers holds a payout whose totals do not come to its settlement
// amount, unless just that difference was accepted.
func (v *verifier) formulaDiffers(closest *attempt, tried []string) error {
	settlement := v.payout.Totals[TotalSettlement]
	apart := minus(settlement, closest.amount)
	if _, ok := v.accepts(codeFormulaDiffers, componentSettlement, apart); ok {
		v.variants = append(v.variants, closest.names...)
		return nil
	}
	m := v.mismatch(StepFormula, codeFormulaDiffers, "Klarna's totals come to %s by its settlement formula, and its settlement amount is %s: a difference of %s%s",
		v.money(closest.amount), v.money(settlement), v.money(apart), inWords(tried))
	m.Component, m.Rows, m.Totals, m.Difference = componentSettlement, closest.amount, settlement, apart
	return m
}

// formulaIsOpen holds a payout of which several readings are exact, unless a
// person said which is meant.
func (v *verifier) formulaIsOpen(exact []attempt) error {
	names := make([]string, len(exact))
	for i := range exact {
		names[i] = nameOf(exact[i].names)
		if _, ok := v.accepts(codeFormulaDiffers, names[i], 0); ok {
			v.variants = append(v.variants, exact[i].names...)
			return nil
		}
	}
	settlement := v.payout.Totals[TotalSettlement]
	m := v.mismatch(StepFormula, codeFormulaDiffers, "Klarna's totals come to its settlement amount of %s in more than one way, and nothing says which is meant%s",
		v.money(settlement), inWords(names))
	m.Component, m.Rows, m.Totals, m.Readings = componentSettlement, settlement, settlement, names
	return m
}

// nameOf returns what a reading is called as a whole.
func nameOf(names []string) string {
	if len(names) == 0 {
		return AsPublished
	}
	return strings.Join(names, "+")
}

// inWords lists the readings that were tried, when there was a choice.
func inWords(tried []string) string {
	if len(tried) < 2 {
		return ""
	}
	return " (read as " + strings.Join(tried, " or ") + ")"
}

func (v *verifier) debtContinues(previous *Debt) error {
	t := &v.payout.Totals
	if t[TotalRepay] < 0 || t[TotalDeposit] < 0 {
		return v.mismatch(StepDebt, codeBadData, "its debt moves by less than nothing (repay_amount %s, deposit_amount %s)", v.money(t[TotalRepay]), v.money(t[TotalDeposit]))
	}
	e := exact{}
	closing := e.sum(t[TotalOpeningDebt], -t[TotalRepay], t[TotalDeposit])
	if e.overflow {
		return v.mismatch(StepDebt, codeBadData, "its debt balance does not fit 64 bits")
	}
	if closing != t[TotalClosingDebt] {
		m := v.mismatch(StepDebt, codeDebtDiffers, "an opening debt of %s less %s repaid plus %s added leaves %s, and Klarna's closing debt is %s: a difference of %s",
			v.money(t[TotalOpeningDebt]), v.money(t[TotalRepay]), v.money(t[TotalDeposit]), v.money(closing), v.money(t[TotalClosingDebt]), v.money(minus(t[TotalClosingDebt], closing)))
		if err := v.debtBreaks(m, closingDebt, closing, t[TotalClosingDebt]); err != nil {
			return err
		}
	}
	if previous != nil && previous.Closing != t[TotalOpeningDebt] {
		m := v.mismatch(StepDebt, codeDebtDiffers, "payout %s before it closed with a debt of %s, and this one opens with %s: a difference of %s",
			previous.PaymentReference, v.money(previous.Closing), v.money(t[TotalOpeningDebt]), v.money(minus(t[TotalOpeningDebt], previous.Closing)))
		return v.debtBreaks(m, openingDebt, previous.Closing, t[TotalOpeningDebt])
	}
	return nil
}

// debtBreaks holds a payout whose debt does not follow, unless just that break
// was accepted.
func (v *verifier) debtBreaks(m *Mismatch, component string, found, stated int64) error {
	m.Component, m.Rows, m.Totals, m.Difference = component, found, stated, minus(stated, found)
	if _, ok := v.accepts(m.HeldCode, component, m.Difference); ok {
		return nil
	}
	return m
}

// LeadsTo checks the debt from the other side, for a payout that is proven after
// a later one is known: what it leaves is what the next one opens with. next
// carries that opening debt. The error is a *Mismatch of the code debt_differs,
// or an *AcceptedError.
func LeadsTo(p Payout, next *Debt, accepted ...Accepted) error {
	_, err := leadsTo(p, next, accepted)
	return err
}

// LeadsTo does the same for a payout that is proven, and keeps the accepted break
// in the proof if there is one.
func (p *Proof) LeadsTo(next *Debt, accepted ...Accepted) error {
	used, err := leadsTo(p.Payout, next, accepted)
	if err == nil {
		p.Accepted = append(p.Accepted, used...)
	}
	return err
}

func leadsTo(p Payout, next *Debt, accepted []Accepted) ([]Accepted, error) {
	v := verifier{payout: &p, accepted: accepted}
	if err := v.checkAccepted(); err != nil || next == nil || next.Closing == p.Totals[TotalClosingDebt] {
		return nil, err
	}
	m := v.mismatch(StepDebt, codeDebtDiffers, "it closes with a debt of %s, and payout %s after it opens with %s: a difference of %s",
		v.money(p.Totals[TotalClosingDebt]), next.PaymentReference, v.money(next.Closing), v.money(minus(p.Totals[TotalClosingDebt], next.Closing)))
	err := v.debtBreaks(m, nextOpening, next.Closing, p.Totals[TotalClosingDebt])
	return v.used, err
}
