package settlement

import (
	"fmt"
)

// Debt holds what the payout before left open: its closing debt balance in minor
// units. It belongs to the same merchant and currency.
type Debt struct {
	PaymentReference string `json:"payment_reference"`
	Closing          int64  `json:"closing"`
}

// Prove shows that a payout agrees with its rows and with itself, to the minor
// unit, in the first three of the four steps (the fourth is voucher.Check):
//
//  1. the rows are complete (expectedRows, what Klarna announced; negative when
//     it announced nothing), in the payout's currency, and each total is the sum
//     of its rows;
//  2. the totals satisfy Klarna's settlement formula;
//  3. the debt balance follows from this payout's movements and continues from
//     previous, when a previous payout is known.
//
// What Klarna leaves open is read in named ways: a reading counts only if it is
// exact and the only one that is, and Proof.Variants records it. Every error is
// a *Mismatch that names the component and the exact difference, under the codes
// rows_incomplete, rows_currency, rows_differ, component_unknown,
// formula_differs, debt_differs, currency_unknown and bad_data.
//
// A difference that is accepted is not an error, and Proof.Accepted keeps those
// that were needed. An accepted difference that cannot be used is an
// *AcceptedError.
func Prove(p Payout, t *Tally, expectedRows int64, previous *Debt, accepted ...Accepted) (*Proof, error) {
	v := verifier{payout: &p, tally: t, components: t.Components(), accepted: accepted}
	for _, step := range []func() error{
		v.checkAccepted,
		func() error { return v.complete(expectedRows) },
		v.oneCurrency,
		v.summable,
		v.everyRowHasATotal,
		v.rowsAreTotals,
		v.totalsSettle,
		func() error { return v.debtContinues(previous) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	proof := &Proof{
		Payout: p, Components: v.withoutRows(), Rows: t.Rows(), Excluded: v.excluded,
		Variants: v.variants, Previous: previous, Accepted: v.used,
	}
	if err := v.acceptRest(proof); err != nil {
		return nil, err
	}
	if err := v.accountsNamed(proof); err != nil {
		return nil, err
	}
	return proof, nil
}

// verifier carries a payout through the steps and collects the readings that
// were needed.
type verifier struct {
	payout     *Payout
	tally      *Tally
	components []Component
	variants   []string

	accepted, used []Accepted
	excluded       int64 // rows in another currency that are left out
	loose          int64 // what rows come to that no total accounts for, and whose account a person named
}

func (v *verifier) mismatch(step Step, code, problem string, args ...any) *Mismatch {
	return &Mismatch{
		PaymentReference: v.payout.PaymentReference, Currency: v.payout.Currency,
		Step: step, HeldCode: code, Problem: fmt.Sprintf(problem, args...),
	}
}

func (v *verifier) money(minor int64) string { return money(minor, v.payout.Currency) }

func (v *verifier) complete(expected int64) error {
	if expected < 0 {
		v.variants = append(v.variants, RowsUncounted)
		return nil
	}
	if got := v.tally.Rows(); got != expected {
		if _, ok := v.accepts(codeRowsIncomplete, "", minus(expected, got)); ok {
			return nil
		}
		m := v.mismatch(StepRows, codeRowsIncomplete, "Klarna announced %d rows and delivered %d", expected, got)
		m.Rows, m.Totals, m.Difference = got, expected, minus(expected, got)
		return m
	}
	return nil
}

func (v *verifier) oneCurrency() error {
	currency := v.payout.Currency
	if _, err := currency.Exponent(); err != nil {
		return v.mismatch(StepRows, codeCurrencyUnknown, "%v", err)
	}
	if v.tally.currency != currency {
		return v.mismatch(StepRows, codeRowsCurrency, "its rows were summed in %s, and it was paid out in %s", v.tally.currency, currency)
	}
	if v.tally.foreignCount == 0 {
		return nil
	}
	r := &v.tally.foreign[0]
	if _, ok := v.accepts(codeRowsCurrency, r.pair(), -v.tally.foreignCount); ok {
		v.excluded = v.tally.foreignCount
		return nil
	}
	where := ""
	if r.OrderID != "" {
		where = ", order " + r.OrderID
	}
	m := v.mismatch(StepRows, codeRowsCurrency, "%s in another currency than %s, the first of them %s in %q%s",
		counted(v.tally.foreignCount, "row is", "rows are"), currency, r.pair(), string(r.Currency), where)
	m.Component, m.Rows, m.Difference = r.pair(), v.tally.foreignCount, -v.tally.foreignCount
	return m
}

func (v *verifier) summable() error {
	if c, over := v.tally.overflowed(); over {
		m := v.mismatch(StepRows, codeBadData, "the amounts of its %s rows do not fit 64 bits when they are summed", c.Pair())
		m.Component = c.Pair()
		return m
	}
	return nil
}

func (r *Row) pair() string { return Key{Type: r.Type, DetailedType: r.DetailedType}.Pair() }

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}
