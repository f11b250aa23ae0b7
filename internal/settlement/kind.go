package settlement

import "strings"

// The transaction types that Klarna publishes (Settlements API, Transaction).
const (
	TypeSale                       = "SALE"
	TypeReturn                     = "RETURN"
	TypeReversal                   = "REVERSAL"
	TypeReversalMerchantProtection = "REVERSAL_MERCHANT_PROTECTION"
	TypeFee                        = "FEE"
	TypeFeeRefund                  = "FEE_REFUND"
	TypeTax                        = "TAX"
	TypeCorrection                 = "CORRECTION"
	TypeCommission                 = "COMMISSION"
	TypeCharge                     = "CHARGE"
	TypeCredit                     = "CREDIT"
	TypeHoldback                   = "HOLDBACK"
	TypeRelease                    = "RELEASE"
)

// direction is what a row of a type does to the merchant's money.
type direction int64

const (
	takes direction = -1 // the amount is a magnitude, taken from the merchant
	gives direction = +1 // the amount is a magnitude, given to the merchant
	own   direction = 0  // the amount's own sign is its direction
)

// directionOf tells the direction of a type. Of a type that nobody has told us
// of, known is false, and the rows keep their own sign so that nothing is lost.
func directionOf(typ string) (d direction, known bool) {
	switch typ {
	case TypeSale, TypeReversalMerchantProtection, TypeCommission, TypeRelease, TypeCredit, TypeFeeRefund:
		return gives, true
	case TypeFee, TypeReturn, TypeReversal, TypeHoldback, TypeCharge, TypeTax:
		return takes, true
	case TypeCorrection:
		return own, true
	}
	return own, false
}

// feeType tells the types that a GROSS payout only lists: Klarna bills them in
// a GROSS_FEE invoice of its own. Corrections of fees are not among them; they
// have a total of their own that is paid out like any other.
func feeType(typ string) bool {
	return typ == TypeFee || typ == TypeFeeRefund || typ == TypeTax
}

// revenueShareReversal is the detailed type that came together with the
// commission_reversal total.
const revenueShareReversal = "REVENUE_SHARE_REVERSAL"

// PaymentReminder is the detailed type of a CHARGE for the debt that is left after
// a negative period.
const PaymentReminder = "PAYMENT_REMINDER"

// takesCommissionBack tells the detailed types that take a commission back.
// Only their rows can be behind Klarna's commission_reversal total.
func takesCommissionBack(detailedType string) bool {
	return strings.HasPrefix(detailedType, "COMMISSION_RETURN") || detailedType == revenueShareReversal
}

// Pair names the kind of rows that a component sums, "TYPE/DETAILED_TYPE": the
// key of a posting profile's rules. Rows without a detailed type give "TYPE/".
func (k Key) Pair() string { return k.Type + "/" + k.DetailedType }

// Kind is one pair of type and detailed type. Documented kinds stand in
// Klarna's table of types; for the others Klarna publishes the detailed type
// without saying under which type it comes, and the pair is where its name puts
// it. More kinds than these may come: an unknown one is data, not an error.
type Kind struct {
	Type         string
	DetailedType string
	Documented   bool
}

// Pair is the kind as a posting profile names it.
func (k Kind) Pair() string { return k.Type + "/" + k.DetailedType }

// Types are the types that Klarna publishes, those with sales first.
func Types() []string {
	return []string{
		TypeSale, TypeReturn, TypeReversal, TypeReversalMerchantProtection,
		TypeFee, TypeFeeRefund, TypeTax, TypeCorrection, TypeCommission,
		TypeCharge, TypeCredit, TypeHoldback, TypeRelease,
	}
}

// Kinds is the catalogue of pairs that Kvitt knows by name, grouped by type. It
// is what presets must cover and what a misspelt rule is compared with; nothing
// is booked from it.
func Kinds() []Kind {
	var kinds []Kind
	for _, group := range catalogue {
		for _, name := range strings.Fields(group.documented) {
			kinds = append(kinds, Kind{group.typ, name, true})
		}
		for _, name := range strings.Fields(group.placed) {
			kinds = append(kinds, Kind{group.typ, name, false})
		}
	}
	return kinds
}

// catalogue lists the detailed types by type. TAX has none: Klarna lists the
// type, and says that tax does not come as rows of its own.
var catalogue = []struct{ typ, documented, placed string }{
	{typ: TypeSale, documented: `PURCHASE`},
	{typ: TypeReturn, documented: `PURCHASE_RETURN PAYMENT_DEFAULT`},
	{
		typ:        TypeReversal,
		documented: `REVERSAL FRAUD_POLICY_CHARGE COMMISSION_RETURN`,
		placed:     `COMMISSION_RETURN_GROSS REVENUE_SHARE_REVERSAL`,
	},
	{typ: TypeReversalMerchantProtection, documented: `FRAUD_POLICY_CREDIT_NET`},
	{
		typ: TypeFee,
		documented: `PURCHASE_FEE_PERCENTAGE PURCHASE_FEE_FIXED SERVICING_FEE LATE_RETURN_FEE
			EXTEND_DUE_DATE_FEE EXPIRY_FEE_GROSS DISPUTE_FEE`,
		placed: `PERCENTAGE_FEES EXPIRY_FEE RETURN_FEE EXTRA_INVOICE_FEE LOAN_FEE MANUAL_ENTRY`,
	},
	{
		typ:        TypeFeeRefund,
		documented: `PURCHASE_FEE_PERCENTAGE_REFUND PURCHASE_FEE_FIXED DISPUTE_FEE_REFUND`,
		placed:     `FEE_REFUND MANUAL_ENTRY`,
	},
	{
		typ:        TypeCorrection,
		documented: `CREDITED_CORRECTION`,
		placed: `CORRECTION CORRECTION_DISPUTE MANUAL_ENTRY PERCENTAGE_FEE_CORRECTION FIXED_FEE_CORRECTION
			PERCENTAGE_FEE_CORRECTION_SE FIXED_FEE_CORRECTION_SE PERCENTAGE_FEE_CORRECTION_UK
			FIXED_FEE_CORRECTION_UK VAT_ON_FEE_CORRECTION_UK`,
	},
	{
		typ:        TypeCommission,
		documented: `COMMISSION PURCHASE_COMMISSION_PERCENTAGE`,
		placed:     `REVENUE_SHARE COMMISSION_RETURN COMMISSION_RETURN_GROSS REVENUE_SHARE_REVERSAL`,
	},
	{
		typ: TypeCharge,
		documented: `CASH_ADVANCE_AMORTISATION TRANSFER_FROM_LEGACY_INTEGRATION LIABILITY_TRANSFER
			PAYMENT_REMINDER`,
		placed: `CASH_ADVANCE_FEES LOAN_AMORTISATION LOAN_FEE MANUAL_ENTRY`,
	},
	{
		typ:        TypeCredit,
		documented: `CASH_ADVANCE_PAYOUT CASH_ADVANCE_FEES CORRECTION_DISPUTE`,
		placed:     `LOAN_PAYOUT LIABILITY_TRANSFER MANUAL_ENTRY`,
	},
	{typ: TypeHoldback, documented: `ROLLING_RESERVE UNDER_REVIEW INSUFFICIENT_BANK_ACCOUNT_DETAILS`},
	{typ: TypeRelease, documented: `ROLLING_RESERVE UNDER_REVIEW INSUFFICIENT_BANK_ACCOUNT_DETAILS`},
}
