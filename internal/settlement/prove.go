package settlement

import (
	"fmt"
	"slices"
	"strings"
)

// Debt is what the payout before left open: its closing debt balance in minor
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
func Prove(p Payout, t *Tally, expectedRows int64, previous *Debt) (*Proof, error) {
	v := verifier{payout: &p, tally: t, components: t.Components()}
	for _, step := range []func() error{
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
	return &Proof{
		Payout: p, Components: v.components, Rows: t.Rows(),
		Variants: v.variants, Previous: previous,
	}, nil
}

// verifier carries a payout through the steps and collects the readings that
// were needed.
type verifier struct {
	payout     *Payout
	tally      *Tally
	components []Component
	variants   []string
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

// everyRowHasATotal finds money that none of Klarna's totals could account for:
// rows of a type that nobody has told us of, and VAT on rows that are not fees.
// Neither is ever dropped.
func (v *verifier) everyRowHasATotal() error {
	for i := range v.components {
		c := &v.components[i]
		if _, known := directionOf(c.Type); !known && (c.Amount != 0 || c.VAT != 0) {
			m := v.mismatch(StepRows, codeComponentUnknown, "%s of type %q come to %s, and none of Klarna's totals accounts for that type",
				counted(c.Rows, "row", "rows"), c.Type, v.money(c.Amount))
			m.Component, m.Rows, m.Difference = c.Pair(), c.Amount, minus(0, c.Amount)
			return m
		}
		if c.VAT != 0 && c.Type != TypeFee && c.Type != TypeFeeRefund {
			m := v.mismatch(StepRows, codeRowsDiffer, "its %s rows carry VAT of %s, and none of Klarna's totals accounts for VAT on such rows",
				c.Pair(), v.money(c.VAT))
			m.Component, m.Rows, m.Difference = c.Pair(), c.VAT, minus(0, c.VAT)
			return m
		}
	}
	return nil
}

// rowsAreTotals takes the first reading that is exact: no two have the same
// totals, so it is the only one.
func (v *verifier) rowsAreTotals() error {
	readings, ok := rowReadings(v.payout, v.components)
	if !ok {
		return v.mismatch(StepRows, codeBadData, "the sums of its rows do not fit 64 bits")
	}
	var closest []Difference
	for i, r := range readings {
		differences := r.differs(&v.payout.Totals)
		if len(differences) == 0 {
			v.variants = append(v.variants, r.names...)
			return nil
		}
		if i == 0 || len(differences) < len(closest) {
			closest = differences
		}
	}
	first := closest[0]
	m := v.mismatch(StepRows, codeRowsDiffer, "%s come to %s, and Klarna's %s_amount is %s: a difference of %s",
		rowsBehind(first.Component), v.money(first.Rows), first.Component, v.money(first.Totals), v.money(first.Difference))
	m.Component, m.Rows, m.Totals, m.Difference = first.Component, first.Rows, first.Totals, first.Difference
	if len(closest) > 1 {
		m.Also = closest[1:]
	}
	return m
}

func (v *verifier) totalsSettle() error {
	settlement := v.payout.Totals.Settlement
	var exact []reading
	var tried []string
	var closest, apart int64
	for i, r := range readings(v.payout) {
		amount, ok := r.settles(&v.payout.Totals)
		if !ok {
			return v.mismatch(StepFormula, codeBadData, "its totals do not fit 64 bits when they are summed")
		}
		tried = append(tried, strings.Join(r.names, "+"))
		difference := minus(settlement, amount)
		if difference == 0 {
			exact = append(exact, r)
		}
		if i == 0 || magnitude(difference) < magnitude(apart) {
			closest, apart = amount, difference
		}
	}
	switch len(exact) {
	case 1:
		v.variants = append(v.variants, exact[0].names...)
		return nil
	case 0:
		m := v.mismatch(StepFormula, codeFormulaDiffers, "Klarna's totals come to %s by its settlement formula, and its settlement amount is %s: a difference of %s%s",
			v.money(closest), v.money(settlement), v.money(apart), inWords(tried))
		m.Component, m.Rows, m.Totals, m.Difference = "settlement", closest, settlement, apart
		return m
	default:
		m := v.mismatch(StepFormula, codeFormulaDiffers, "Klarna's totals come to its settlement amount of %s in more than one way, and nothing says which is meant%s",
			v.money(settlement), inWords(tried))
		m.Component, m.Rows, m.Totals = "settlement", settlement, settlement
		return m
	}
}

func (v *verifier) debtContinues(previous *Debt) error {
	t := &v.payout.Totals
	if t.Repay < 0 || t.Deposit < 0 {
		return v.mismatch(StepDebt, codeBadData, "its debt moves by less than nothing (repay_amount %s, deposit_amount %s)", v.money(t.Repay), v.money(t.Deposit))
	}
	e := exact{}
	closing := e.sum(t.OpeningDebt, -t.Repay, t.Deposit)
	if e.overflow {
		return v.mismatch(StepDebt, codeBadData, "its debt balance does not fit 64 bits")
	}
	if closing != t.ClosingDebt {
		m := v.mismatch(StepDebt, codeDebtDiffers, "an opening debt of %s less %s repaid plus %s added leaves %s, and Klarna's closing debt is %s: a difference of %s",
			v.money(t.OpeningDebt), v.money(t.Repay), v.money(t.Deposit), v.money(closing), v.money(t.ClosingDebt), v.money(minus(t.ClosingDebt, closing)))
		m.Component, m.Rows, m.Totals, m.Difference = "closing_debt_balance", closing, t.ClosingDebt, minus(t.ClosingDebt, closing)
		return m
	}
	if previous != nil && previous.Closing != t.OpeningDebt {
		m := v.mismatch(StepDebt, codeDebtDiffers, "payout %s before it closed with a debt of %s, and this one opens with %s: a difference of %s",
			previous.PaymentReference, v.money(previous.Closing), v.money(t.OpeningDebt), v.money(minus(t.OpeningDebt, previous.Closing)))
		m.Component, m.Rows, m.Totals, m.Difference = "opening_debt_balance", previous.Closing, t.OpeningDebt, minus(t.OpeningDebt, previous.Closing)
		return m
	}
	return nil
}

// LeadsTo checks the debt from the other side, for a payout that is proven after
// a later one is known: what it leaves is what the next one opens with. next
// carries that opening debt. The error is a *Mismatch of the code debt_differs.
func LeadsTo(p Payout, next *Debt) error {
	if next == nil || next.Closing == p.Totals.ClosingDebt {
		return nil
	}
	v := verifier{payout: &p}
	m := v.mismatch(StepDebt, codeDebtDiffers, "it closes with a debt of %s, and payout %s after it opens with %s: a difference of %s",
		v.money(p.Totals.ClosingDebt), next.PaymentReference, v.money(next.Closing), v.money(minus(p.Totals.ClosingDebt, next.Closing)))
	m.Component, m.Rows, m.Totals, m.Difference = "closing_debt_balance", next.Closing, p.Totals.ClosingDebt, minus(p.Totals.ClosingDebt, next.Closing)
	return m
}

func (r *Row) pair() string { return Key{Type: r.Type, DetailedType: r.DetailedType}.Pair() }

// rowsBehind says in words which rows stand behind a total.
func rowsBehind(name string) string {
	i := slices.IndexFunc(formula, func(t total) bool { return t.name == name })
	return formula[i].rows
}

// inWords lists the readings that were tried, when there was a choice.
func inWords(tried []string) string {
	if len(tried) < 2 {
		return ""
	}
	return " (read as " + strings.Join(tried, " or ") + ")"
}

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
