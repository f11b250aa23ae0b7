package voucher

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kvitt/internal/settlement"
)

// The codes under which a payout is held when it cannot be compiled.
const (
	codeProfileInvalid    = "profile_invalid"
	codeComponentUnknown  = "component_unknown"
	codeNothingToBook     = "nothing_to_book"
	codeVoucherUnbalanced = "voucher_unbalanced"
	codeFormulaDiffers    = "formula_differs"
	codeDebtDiffers       = "debt_differs"
	codeVATRateUnexpected = "vat_rate_unexpected"
	codeVATUndecided      = "vat_undecided"
	codeRateImprecise     = "rate_imprecise"
)

// ProfileError says what is wrong in a posting profile, where, and what helps.
// Line and Column count from 1.
type ProfileError struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
}

func (e *ProfileError) Error() string {
	s := fmt.Sprintf("read posting profile: line %d, column %d: %s", e.Line, e.Column, e.Problem)
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Code is the code under which payouts of such a profile are held.
func (e *ProfileError) Code() string { return codeProfileInvalid }

// RuleError says that the posting profile does not tell where amounts of a
// payout belong. Everything that is missing is named at once.
type RuleError struct {
	PaymentReference string              `json:"payment_reference"`
	Profile          string              `json:"profile"`
	Currency         settlement.Currency `json:"currency"`
	Missing          []Missing           `json:"missing"`
}

// Missing is one thing that the profile has to say. Amount is in minor units,
// positive for money that Klarna gives.
type Missing struct {
	Component string `json:"component,omitempty"` // "FEE/SERVICING_FEE"; empty for an account of its own
	Member    string `json:"member"`              // "account", "vat_account", "accounts.debt"
	Amount    int64  `json:"amount"`
}

func (e *RuleError) Error() string {
	var what, add []string
	for _, m := range e.Missing {
		what = append(what, fmt.Sprintf("%s (%s %s)", m.what(e.Currency), settlement.Format(m.Amount, e.Currency), e.Currency))
	}
	for _, m := range e.Missing {
		if remedy := e.remedy(m); !slices.Contains(add, remedy) {
			add = append(add, remedy)
		}
	}
	return fmt.Sprintf("compile voucher for payout %s: posting profile %q has %s; add %s",
		e.PaymentReference, e.Profile, strings.Join(what, ", "), strings.Join(add, ", "))
}

// Code is the code under which the payout is held.
func (e *RuleError) Code() string { return codeComponentUnknown }

func (m *Missing) what(c settlement.Currency) string {
	switch {
	case m.Component == "":
		return fmt.Sprintf("no number for %s in %s", m.Member, c)
	case m.Member == "account":
		return "no rule for " + m.Component
	default:
		return "no " + m.Member + " for the VAT of " + m.Component
	}
}

// remedy returns what to write into the profile: everything that a component lacks
// in one rule.
func (e *RuleError) remedy(m Missing) string {
	if m.Component == "" {
		return "`" + m.Member + "`"
	}
	var members []string
	for _, other := range e.Missing {
		if other.Component == m.Component {
			members = append(members, other.Member+": …")
		}
	}
	kind := m.Component
	if strings.HasSuffix(kind, "/") { // rows without a detailed type
		kind += "*"
	}
	return fmt.Sprintf("`%s: {%s}` to components", kind, strings.Join(members, ", "))
}

// UnexplainedError says that a payout proves by a reading of Klarna's figures
// that cannot be booked without guessing. Amounts are minor units.
type UnexplainedError struct {
	PaymentReference string              `json:"payment_reference"`
	Currency         settlement.Currency `json:"currency"`
	HeldCode         string              `json:"code"`
	Component        string              `json:"component,omitempty"` // the total that an accepted difference may answer
	Booked           int64               `json:"booked"`              // what the lines would come to
	Settlement       int64               `json:"settlement"`
	Difference       int64               `json:"difference"` // Settlement − Booked
	Problem          string              `json:"problem"`
}

func (e *UnexplainedError) Error() string {
	return fmt.Sprintf("compile voucher for payout %s: %s (a difference of %s %s)",
		e.PaymentReference, e.Problem, settlement.Format(e.Difference, e.Currency), e.Currency)
}

// Code is the code under which the payout is held.
func (e *UnexplainedError) Code() string { return e.HeldCode }

// NothingToBookError says that a payout has no amounts at all: it is proven, and
// a batch needs at least two lines. Nothing has to be done about it.
type NothingToBookError struct {
	PaymentReference string `json:"payment_reference"`
}

func (e *NothingToBookError) Error() string {
	return fmt.Sprintf("compile voucher for payout %s: it moves nothing, so there is nothing to book", e.PaymentReference)
}

// Code is the code under which the payout is held.
func (e *NothingToBookError) Code() string { return codeNothingToBook }

// UnbalancedError says that a voucher must not be posted: its sides differ, or
// its bank line is not the settlement amount. Amounts are minor units.
type UnbalancedError struct {
	PaymentReference string              `json:"payment_reference"`
	Currency         settlement.Currency `json:"currency"`
	Found            int64               `json:"found"`
	Wanted           int64               `json:"wanted"`
	Difference       int64               `json:"difference"` // Wanted − Found
	Problem          string              `json:"problem"`
}

func (e *UnbalancedError) Error() string {
	s := fmt.Sprintf("check voucher of payout %s: %s", e.PaymentReference, e.Problem)
	if e.Difference != 0 {
		s += fmt.Sprintf(" (a difference of %s %s)", settlement.Format(e.Difference, e.Currency), e.Currency)
	}
	return s
}

// Code is the code under which the payout is held.
func (e *UnbalancedError) Code() string { return codeVoucherUnbalanced }

func (v *Voucher) unbalanced(problem string, args ...any) *UnbalancedError {
	return &UnbalancedError{
		PaymentReference: v.PaymentReference, Currency: v.Currency,
		Problem: fmt.Sprintf(problem, args...),
	}
}

func (v *Voucher) differs(found, wanted int64, problem string, args ...any) *UnbalancedError {
	e := v.unbalanced(problem, args...)
	e.Found, e.Wanted, e.Difference = found, wanted, wanted-found
	return e
}

// DifferenceOf is the exact difference in money that an error of Prove or Compile
// names, in minor units; 0 when it names none.
func DifferenceOf(err error) int64 {
	var m *settlement.Mismatch
	var u *UnexplainedError
	var b *UnbalancedError
	switch {
	case errors.As(err, &m) && m.InMoney():
		return m.Difference
	case errors.As(err, &u):
		return u.Difference
	case errors.As(err, &b):
		return b.Difference
	}
	return 0
}
