package settlement

import (
	"fmt"
	"strings"
)

// Step names the part of the proof that failed.
type Step string

// The steps of a proof that happen here; the fourth, the voucher, is
// voucher.Check.
const (
	StepRows    Step = "rows"    // rows per component = totals
	StepFormula Step = "formula" // totals satisfy the settlement formula
	StepDebt    Step = "debt"    // the debt balance continues
)

// The codes under which a payout is held when its proof fails.
const (
	codeRowsDiffer       = "rows_differ"
	codeRowsIncomplete   = "rows_incomplete"
	codeRowsCurrency     = "rows_currency"
	codeFormulaDiffers   = "formula_differs"
	codeDebtDiffers      = "debt_differs"
	codeComponentUnknown = "component_unknown"
	codeCurrencyUnknown  = "currency_unknown"
	codeBadData          = "bad_data"
)

// The components of differences that are no total and no kind of rows.
const (
	componentSettlement = "settlement"
	closingDebt         = "closing_debt_balance"      // of this payout, against its own movements
	openingDebt         = "opening_debt_balance"      // of this payout, against the one before
	nextOpening         = "next_opening_debt_balance" // of the payout after, against this one
)

// Mismatch is the error of Prove: what does not prove, where, and by exactly
// how much. It is kept as evidence, so it survives JSON. Amounts are minor
// units of Currency; for rows_incomplete the figures are numbers of rows.
type Mismatch struct { //nolint:errname // the word that everything around it uses
	PaymentReference string       `json:"payment_reference"`
	Currency         Currency     `json:"currency"`
	Step             Step         `json:"step"`
	HeldCode         string       `json:"code"`
	Component        string       `json:"component,omitempty"` // a total ("fee") or a kind of rows ("FEE/SERVICING_FEE")
	Rows             int64        `json:"rows"`                // what the evidence adds up to
	Totals           int64        `json:"totals"`              // what Klarna states
	Difference       int64        `json:"difference"`          // Totals − Rows
	Problem          string       `json:"problem"`             // the sentence, without the payout
	Also             []Difference `json:"also,omitempty"`      // further components that differ
	Readings         []string     `json:"readings,omitempty"`  // the readings that are exact, where nothing says which is meant
}

// Difference is one more component that does not agree.
type Difference struct {
	Component  string `json:"component"`
	Rows       int64  `json:"rows"`
	Totals     int64  `json:"totals"`
	Difference int64  `json:"difference"` // Totals − Rows
}

// Error reads as a sentence that starts with what was attempted.
func (m *Mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "prove payout %s: %s", m.PaymentReference, m.Problem)
	for i, d := range m.Also {
		lead := "; also "
		if i > 0 {
			lead = ", "
		}
		fmt.Fprintf(&b, "%s%s by %s", lead, d.Component, money(d.Difference, m.Currency))
	}
	return b.String()
}

// Code is the code under which the payout is held.
func (m *Mismatch) Code() string { return m.HeldCode }

// InMoney tells whether the figures are amounts, and not numbers of rows.
func (m *Mismatch) InMoney() bool {
	return m.HeldCode != codeRowsIncomplete && m.HeldCode != codeRowsCurrency
}

// money writes minor units in major units with their currency.
func money(minor int64, c Currency) string {
	return strings.TrimSpace(Format(minor, c) + " " + string(c))
}

// minus subtracts for a message: it saturates instead of overflowing, since the
// two figures themselves stand beside it.
func minus(a, b int64) int64 {
	if b == minInt64 {
		b++
	}
	difference, ok := Add(a, -b)
	switch {
	case ok:
		return difference
	case a < 0:
		return minInt64
	default:
		return maxInt64
	}
}

const (
	minInt64 = -1 << 63
	maxInt64 = 1<<63 - 1
)
