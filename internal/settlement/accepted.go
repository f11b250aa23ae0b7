package settlement

import "fmt"

// Accepted is a difference that a person has looked at and accepted. It counts
// only while the proof finds exactly this one: the same code, the same component
// and the same difference, to the minor unit. What is accepted is booked on
// Account, so nothing disappears.
//
// Code is one of these, Component and Difference are those of the Mismatch (or
// of one entry of its Also):
//
//   - rows_incomplete: a number of rows; it moves no money.
//   - rows_currency: the rows in another currency are left out (Proof.Excluded).
//   - component_unknown: rows of an unknown type. Without an account they have no
//     effect; with one, they give or take what the settlement amount says.
//   - rows_differ: a total that is not the sum of its rows, or VAT that no total
//     accounts for, which is read as component_unknown is.
//   - formula_differs: the settlement amount is not what the totals come to; or
//     the total that a reading leaves unexplained ("tax_refund").
//   - debt_differs: with an account, the break is settled between the debt and
//     that account; without one, the books have it already.
//
// Where several readings are exact (rows_differ and formula_differs with
// Mismatch.Readings), Component is the reading that is meant and Difference is
// zero.
type Accepted struct {
	Code       string `json:"code"`
	Component  string `json:"component,omitempty"`
	Difference int64  `json:"difference"`
	Account    string `json:"account,omitempty"` // a number, or a name of the profile's accounts
	Reason     string `json:"reason,omitempty"`
}

// Acceptable tells the held codes whose differences a person may accept.
func Acceptable(code string) bool {
	switch code {
	case codeRowsDiffer, codeRowsIncomplete, codeRowsCurrency, codeFormulaDiffers, codeDebtDiffers, codeComponentUnknown:
		return true
	}
	return false
}

// CountsRows tells whether the difference is a number of rows, not money.
func (a *Accepted) CountsRows() bool {
	return a.Code == codeRowsIncomplete || a.Code == codeRowsCurrency
}

// AcceptedError says what is wrong with an accepted difference.
type AcceptedError struct {
	PaymentReference string   `json:"payment_reference"`
	Accepted         Accepted `json:"accepted"`
	Problem          string   `json:"problem"`
}

func (e *AcceptedError) Error() string {
	return fmt.Sprintf("prove payout %s: the accepted difference of %s (%s) cannot be used: %s",
		e.PaymentReference, e.Accepted.Component, e.Accepted.Code, e.Problem)
}

// Code is the code under which the payout stays held.
func (e *AcceptedError) Code() string {
	if Acceptable(e.Accepted.Code) {
		return e.Accepted.Code
	}
	return codeBadData
}

// same tells whether two are about the same difference.
func (a *Accepted) same(code, component string, difference int64) bool {
	return a.Code == code && a.Component == component && a.Difference == difference
}

// checkAccepted refuses what could not be told apart, or never counts.
func (v *verifier) checkAccepted() error {
	for i, a := range v.accepted {
		if !Acceptable(a.Code) {
			return v.refuse(a, fmt.Sprintf("differences of the code %q cannot be accepted", a.Code))
		}
		for _, o := range v.accepted[:i] {
			if o.same(a.Code, a.Component, a.Difference) {
				return v.refuse(a, "it is accepted twice")
			}
		}
	}
	return nil
}

func (v *verifier) refuse(a Accepted, problem string) *AcceptedError {
	return &AcceptedError{PaymentReference: v.payout.PaymentReference, Accepted: a, Problem: problem}
}

// accepts returns what was accepted of exactly this difference, and notes that
// it was needed.
func (v *verifier) accepts(code, component string, difference int64) (Accepted, bool) {
	for _, a := range v.accepted {
		if a.same(code, component, difference) {
			v.used = append(v.used, a)
			return a, true
		}
	}
	return Accepted{}, false
}

// acceptsAll accepts several differences, or none of them.
func (v *verifier) acceptsAll(code string, differences []Difference) bool {
	before := len(v.used)
	for _, d := range differences {
		if _, ok := v.accepts(code, d.Component, d.Difference); !ok {
			v.used = v.used[:before]
			return false
		}
	}
	return true
}

// accountsNamed makes sure that what moves money says where it goes.
func (v *verifier) accountsNamed(p *Proof) error {
	for _, a := range p.Accepted {
		if a.Account == "" && p.AcceptedEffect(a) != 0 {
			return v.refuse(a, fmt.Sprintf("it moves %s, so it has to name an account", v.money(p.AcceptedEffect(a))))
		}
	}
	return nil
}

// AcceptedEffect returns what an accepted difference gives the merchant beside what
// the rows give: positive gives, negative takes. It is zero for what moves no
// money, and for a break in the debt (see AcceptedDebt).
func (p *Proof) AcceptedEffect(a Accepted) int64 {
	switch a.Code {
	case codeRowsDiffer:
		if t := totalNamed(a.Component); t != nil {
			if p.leavesOut(t) {
				return 0
			}
			return t.sign * a.Difference
		}
		return p.looseEffect(a)
	case codeComponentUnknown:
		return p.looseEffect(a)
	case codeFormulaDiffers:
		return p.factor() * a.Difference
	}
	return 0
}

// looseEffect is that of rows which no total accounts for: none while no account
// is named, otherwise the one that the settlement amount told.
func (p *Proof) looseEffect(a Accepted) int64 {
	switch {
	case a.Account == "":
		return 0
	case p.Read(LooseRowsTake):
		return a.Difference // Totals − Rows, and no total has them
	case p.Read(LooseRowsGive):
		return -a.Difference
	}
	return 0
}

// AcceptedDebt returns what an accepted break adds to the debt, and takes from the
// account that it names. It is zero when the books have it already.
func (p *Proof) AcceptedDebt(a Accepted) int64 {
	switch {
	case a.Code != codeDebtDiffers || a.Account == "":
		return 0
	case a.Component == nextOpening:
		return -a.Difference
	}
	return a.Difference
}

// factor returns what the settlement amount of the payout is of what the lines of its
// voucher give: a bill may be stated as a positive amount.
func (p *Proof) factor() int64 {
	if p.Read(FeeInvoiceAsPositiveSettlement) {
		return -1
	}
	return 1
}

// Booked returns what the rows, the debt and the accepted differences give the
// merchant: what the money side of a voucher has to come to.
func (p *Proof) Booked() (amount int64, ok bool) {
	e := exact{}
	for _, c := range p.Components {
		if effect := p.Effect(c); !effect.Outside {
			amount = e.sum(amount, effect.Amount, effect.VAT)
		}
	}
	amount = e.sum(amount, -p.Payout.Totals[TotalRepay])
	if p.DepositInFormula() {
		amount = e.sum(amount, p.Payout.Totals[TotalDeposit])
	}
	for _, a := range p.Accepted {
		amount = e.sum(amount, p.AcceptedEffect(a))
	}
	return amount, !e.overflow
}

// acceptRest takes what is left unexplained although the totals settle, and what
// was accepted of it: VAT refunded outside the settlement amount, and debt added
// without a cause.
func (v *verifier) acceptRest(p *Proof) error {
	booked, ok := p.Booked()
	if !ok {
		return v.mismatch(StepFormula, codeBadData, "what its rows come to does not fit 64 bits")
	}
	if p.Read(TaxRefundOutsideFormula) {
		if gap := minus(p.Payout.Totals[TotalSettlement], p.factor()*booked); gap != 0 {
			v.accepts(codeFormulaDiffers, TotalTaxRefund.Name(), gap)
		}
	}
	if gap := p.DepositUnexplained(); gap != 0 {
		v.accepts(codeDebtDiffers, TotalDeposit.Name(), gap)
	}
	p.Accepted = v.used
	return nil
}

// DepositUnexplained is the debt that Klarna adds beside the settlement amount
// less what explains it: a negative payout that is not collected, or a bill. An
// accepted difference of debt_differs, "deposit" answers it.
func (p *Proof) DepositUnexplained() int64 {
	deposit := p.Payout.Totals[TotalDeposit]
	if deposit == 0 || p.DepositInFormula() {
		return 0
	}
	if p.Payout.Type == GrossFee {
		if booked, _ := p.Booked(); booked == -deposit {
			return 0
		}
		return deposit
	}
	return minus(deposit, max(minus(0, p.Payout.Totals[TotalSettlement]), 0))
}
