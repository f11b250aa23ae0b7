package shop

import "fmt"

// Totals are the sums of a payout in minor units, named and given as Klarna does: magnitudes, whose
// direction the settlement formula defines.
type Totals struct {
	Sale, Return, Reversal            int64 // reversal is net of merchant protection
	Fee, FeeCorrection, FeeRefund     int64 // a fee is without VAT; a correction carries its sign
	Tax, TaxRefund                    int64
	Commission, CommissionReversal    int64
	Charge, Credit, Holdback, Release int64
	Repay, Deposit                    int64
	OpeningDebt, ClosingDebt          int64
	Settlement                        int64
}

// add adds one row to the totals.
func (t *Totals) add(r *Row) error {
	switch r.Type {
	case TypeSale:
		t.Sale += r.Amount
	case TypeFee:
		t.Fee += r.Amount
		t.Tax += r.VAT
	case TypeFeeRefund:
		t.FeeRefund += r.Amount
		t.TaxRefund += r.VAT
	case TypeReturn:
		t.Return += r.Amount
	case TypeReversal:
		t.Reversal += r.Amount
	case TypeProtection:
		t.Reversal -= r.Amount
	case TypeCommission:
		t.Commission += r.Amount
	case TypeCorrection:
		t.FeeCorrection += r.Amount
	case TypeCredit:
		t.Credit += r.Amount
	case TypeCharge:
		t.Charge += r.Amount
	case TypeHoldback:
		t.Holdback += r.Amount
	case TypeRelease:
		t.Release += r.Amount
	default:
		return fmt.Errorf("adding a row to the totals: rows of type %q belong to no total", r.Type)
	}
	return nil
}

// earned returns what the rows leave for the merchant before debt: negative when returns and charges
// exceed the sales.
func (t *Totals) earned() int64 {
	return t.Sale + t.FeeCorrection + t.Commission + t.Credit + t.Release + t.FeeRefund + t.TaxRefund -
		t.Return - t.Reversal - t.Fee - t.Tax - t.Charge - t.Holdback - t.CommissionReversal
}

// settle turns what was earned and the debt so far into the settlement. An open debt is repaid first, as
// far as the amount allows; a shortage becomes debt and nothing is paid. A GROSS_FEE payout is an invoice:
// its settlement is negative and the debt passes through it unchanged.
func (t *Totals) settle(openingDebt int64, settlementType string) {
	earned := t.earned()
	t.OpeningDebt, t.Repay, t.Deposit = openingDebt, 0, 0
	switch {
	case settlementType == GrossFee:
	case earned < 0:
		t.Deposit = -earned
	default:
		t.Repay = min(openingDebt, earned)
	}
	t.ClosingDebt = openingDebt - t.Repay + t.Deposit
	t.Settlement = earned - t.Repay + t.Deposit
}

// sum computes the totals of rows and settles them against the opening debt.
func sum(rows Rows, openingDebt int64, settlementType string) (Totals, error) {
	var t Totals
	var r Row
	for i := range rows.Len() {
		rows.Row(i, &r)
		if err := t.add(&r); err != nil {
			return Totals{}, fmt.Errorf("row %d: %w", i, err)
		}
	}
	t.settle(openingDebt, settlementType)
	return t, nil
}

// vatOn returns VAT on amount at a rate in hundredths of a percent, rounded half away from zero to the
// minor unit.
func vatOn(amount, rate int64) int64 { return share(amount, rate, 10_000) }

// vatIn returns the VAT contained in an amount that includes it.
func vatIn(amount, rate int64) int64 { return share(amount, rate, 10_000+rate) }

// share returns amount × part / whole, rounded half away from zero.
func share(amount, part, whole int64) int64 {
	if amount < 0 {
		return -share(-amount, part, whole)
	}
	return (amount*part + whole/2) / whole
}
