package settlement

// Total is one of Klarna's sums of a payout. Its order is the one in which
// totals are stored and shown.
type Total uint8

// Klarna's totals (Settlements API, Totals).
const (
	noTotal Total = iota
	TotalSale
	TotalReturn
	TotalReversal // net of merchant protection
	TotalFee      // excluding VAT
	TotalFeeCorrection
	TotalFeeRefund
	TotalTax
	TotalTaxRefund
	TotalCommission
	TotalCommissionReversal
	TotalCharge
	TotalCredit
	TotalHoldback
	TotalRelease
	TotalRepay   // debt paid back out of this payout
	TotalDeposit // debt that this payout adds
	TotalOpeningDebt
	TotalClosingDebt
	TotalSettlement
	endOfTotals
)

// total holds what Kvitt knows of one of Klarna's totals.
type total struct {
	id      Total
	name    string // as terms, differences and the portal's words name it
	member  string // Klarna's, in Totals
	sign    int64  // in the settlement formula; 0 for what is not part of it
	rows    string // the rows behind it, in words; "" for what moves without rows
	words   string // what it is called on a page in English
	billed  bool   // a GROSS payout only lists it: Klarna bills it in a GROSS_FEE invoice of its own
	summary summary
}

// summary tells whether Klarna's summary of many payouts states a total.
type summary uint8

const (
	unsummed  summary = iota
	summed            // every summary has it
	mayBeLeft         // older summaries leave it out, which says nothing of the payouts
)

// totals is the one table of Klarna's totals, in the order of Klarna's settlement
// formula (Klarna docs, Settlement files): the signed sum is the settlement amount.
// tax_refund and deposit are open: Klarna publishes the totals and leaves them out
// of the formula it publishes.
var totals = []total{
	{id: TotalSale, name: "sale", member: "sale_amount", sign: +1, rows: "the SALE rows", words: "sales", summary: summed},
	{id: TotalReturn, name: "return", member: "return_amount", sign: -1, rows: "the RETURN rows", words: "returns", summary: summed},
	{id: TotalReversal, name: "reversal", member: "reversal_amount", sign: -1, rows: "the REVERSAL rows less REVERSAL_MERCHANT_PROTECTION", words: "reversals", summary: summed},
	{id: TotalFee, name: "fee", member: "fee_amount", sign: -1, rows: "the FEE rows", words: "fees, without VAT", billed: true, summary: summed},
	{id: TotalFeeCorrection, name: "fee_correction", member: "fee_correction_amount", sign: +1, rows: "the CORRECTION rows", words: "fee corrections", summary: summed},
	{id: TotalCommission, name: "commission", member: "commission_amount", sign: +1, rows: "the COMMISSION rows", words: "commission", summary: summed},
	{id: TotalCommissionReversal, name: "commission_reversal", member: "commission_reversal_amount", sign: -1, rows: "the rows that take commission back", words: "commission reversed", summary: mayBeLeft},
	{id: TotalTax, name: "tax", member: "tax_amount", sign: -1, rows: "the VAT of the FEE rows and the TAX rows", words: "VAT on fees", billed: true, summary: summed},
	{id: TotalCharge, name: "charge", member: "charge_amount", sign: -1, rows: "the CHARGE rows", words: "charges"},
	{id: TotalCredit, name: "credit", member: "credit_amount", sign: +1, rows: "the CREDIT rows", words: "credits"},
	{id: TotalHoldback, name: "holdback", member: "holdback_amount", sign: -1, rows: "the HOLDBACK rows", words: "held back", summary: summed},
	{id: TotalRelease, name: "release", member: "release_amount", sign: +1, rows: "the RELEASE rows", words: "released", summary: summed},
	{id: TotalFeeRefund, name: "fee_refund", member: "fee_refund_amount", sign: +1, rows: "the FEE_REFUND rows", words: "fees refunded", billed: true},
	{id: TotalTaxRefund, name: "tax_refund", member: "tax_refund_amount", sign: +1, rows: "the VAT of the FEE_REFUND rows", words: "VAT refunded", billed: true},
	{id: TotalRepay, name: "repay", member: "repay_amount", sign: -1, words: "debt repaid", summary: summed},
	{id: TotalDeposit, name: "deposit", member: "deposit_amount", sign: +1, words: "debt added"},
	{id: TotalOpeningDebt, name: "opening_debt", member: "opening_debt_balance_amount", words: "opening debt"},
	{id: TotalClosingDebt, name: "closing_debt", member: "closing_debt_balance_amount", words: "closing debt"},
	{id: TotalSettlement, name: "settlement", member: "settlement_amount", words: "settlement", summary: summed},
}

// The transaction types that Klarna publishes (Settlements API, Transaction) and
// that some special reading or report names.
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

// direction is the effect of a row of a type on the merchant's money.
type direction int64

const (
	takes direction = -1 // the amount is a magnitude, taken from the merchant
	gives direction = +1 // the amount is a magnitude, given to the merchant
	own   direction = 0  // the amount's own sign is its direction: plus gives, minus takes
)

// Nature holds what rows of a type are to the merchant, as reports sum them up.
type Nature uint8

// The natures of types.
const (
	Other  Nature = iota // charges, credits, commission, disputes
	Sales                // what the merchant sold
	Return               // what the merchant gave back
	Fees                 // what Klarna charges, refunds and corrects
	FeeVAT               // VAT on Klarna's fees, as rows of their own
)

// rowType holds what Kvitt knows of one type of rows. The amount of its rows goes to
// one total; what they give adds to a total that gives and takes off one that takes.
type rowType struct {
	name      string
	direction direction
	total     Total
	vat       Total  // the VAT on its rows goes there; without it such VAT has no total
	nature    Nature // in reports
	disputed  bool   // Klarna takes back, or gives back of it, without the merchant's doing
	moved     bool   // it moves an amount that is owed, and is no capture
	commented bool   // rows without an order say in Klarna's comment what they are about

	// The detailed types: documented are those in Klarna's table of types; for those
	// that are placed, Klarna publishes the detailed type without saying under which
	// type it comes, and the pair is where its name puts it.
	documented, placed string
}

// types is the one table of Klarna's types, those with sales first. TAX has no
// detailed types: Klarna lists the type, and says that tax does not come as rows
// of its own.
var types = []rowType{
	{name: TypeSale, direction: gives, total: TotalSale, nature: Sales, documented: `PURCHASE`},
	{name: TypeReturn, direction: takes, total: TotalReturn, nature: Return, documented: `PURCHASE_RETURN PAYMENT_DEFAULT`},
	{
		name: TypeReversal, direction: takes, total: TotalReversal, disputed: true,
		documented: `REVERSAL FRAUD_POLICY_CHARGE COMMISSION_RETURN`,
		placed:     `COMMISSION_RETURN_GROSS REVENUE_SHARE_REVERSAL`,
	},
	{
		name: TypeReversalMerchantProtection, direction: gives, total: TotalReversal, disputed: true,
		documented: `FRAUD_POLICY_CREDIT_NET`,
	},
	{
		name: TypeFee, direction: takes, total: TotalFee, vat: TotalTax, nature: Fees,
		documented: `PURCHASE_FEE_PERCENTAGE PURCHASE_FEE_FIXED SERVICING_FEE LATE_RETURN_FEE
			EXTEND_DUE_DATE_FEE EXPIRY_FEE_GROSS DISPUTE_FEE`,
		placed: `PERCENTAGE_FEES EXPIRY_FEE RETURN_FEE EXTRA_INVOICE_FEE LOAN_FEE MANUAL_ENTRY`,
	},
	{
		name: TypeFeeRefund, direction: gives, total: TotalFeeRefund, vat: TotalTaxRefund, nature: Fees,
		documented: `PURCHASE_FEE_PERCENTAGE_REFUND PURCHASE_FEE_FIXED DISPUTE_FEE_REFUND`,
		placed:     `FEE_REFUND MANUAL_ENTRY`,
	},
	{name: TypeTax, direction: takes, total: TotalTax, nature: FeeVAT},
	{
		name: TypeCorrection, direction: own, total: TotalFeeCorrection, nature: Fees,
		documented: `CREDITED_CORRECTION`,
		placed: `CORRECTION CORRECTION_DISPUTE MANUAL_ENTRY PERCENTAGE_FEE_CORRECTION FIXED_FEE_CORRECTION
			PERCENTAGE_FEE_CORRECTION_SE FIXED_FEE_CORRECTION_SE PERCENTAGE_FEE_CORRECTION_UK
			FIXED_FEE_CORRECTION_UK VAT_ON_FEE_CORRECTION_UK`,
	},
	{
		name: TypeCommission, direction: gives, total: TotalCommission,
		documented: `COMMISSION PURCHASE_COMMISSION_PERCENTAGE`,
		placed:     `REVENUE_SHARE COMMISSION_RETURN COMMISSION_RETURN_GROSS REVENUE_SHARE_REVERSAL`,
	},
	{
		name: TypeCharge, direction: takes, total: TotalCharge, commented: true,
		documented: `CASH_ADVANCE_AMORTISATION TRANSFER_FROM_LEGACY_INTEGRATION LIABILITY_TRANSFER
			PAYMENT_REMINDER`,
		placed: `CASH_ADVANCE_FEES LOAN_AMORTISATION LOAN_FEE MANUAL_ENTRY`,
	},
	{
		name: TypeCredit, direction: gives, total: TotalCredit, commented: true,
		documented: `CASH_ADVANCE_PAYOUT CASH_ADVANCE_FEES CORRECTION_DISPUTE`,
		placed:     `LOAN_PAYOUT LIABILITY_TRANSFER MANUAL_ENTRY`,
	},
	{
		name: TypeHoldback, direction: takes, total: TotalHoldback, moved: true, commented: true,
		documented: `ROLLING_RESERVE UNDER_REVIEW INSUFFICIENT_BANK_ACCOUNT_DETAILS`,
	},
	{
		name: TypeRelease, direction: gives, total: TotalRelease, moved: true, commented: true,
		documented: `ROLLING_RESERVE UNDER_REVIEW INSUFFICIENT_BANK_ACCOUNT_DETAILS`,
	},
}

// Topic holds what rows are followed for one by one, across payouts.
type Topic string

// The topics, by the names under which the register keeps items.
const (
	NoTopic Topic = ""
	Dispute Topic = "dispute"
	Loan    Topic = "loan"
)

// detail holds what a detailed type says whatever its type.
type detail struct {
	topic      Topic
	costs      bool   // what a loan costs, and not the loan itself
	only       string // the type it says that of; "": of all
	commission bool   // takes commission back, which is no dispute
	debt       bool   // collects what is left after a negative period
}

// PaymentReminder is the detailed type of a CHARGE for the debt that is left after
// a negative period.
const PaymentReminder = "PAYMENT_REMINDER"

// revenueShareReversal is the detailed type that came together with the
// commission_reversal total.
const revenueShareReversal = "REVENUE_SHARE_REVERSAL"

// details are the detailed types that say more than their type does. Klarna's
// merchant loans come as credits, charges and fees.
var details = map[string]detail{
	"PAYMENT_DEFAULT":           {topic: Dispute, only: TypeReturn},
	"CORRECTION_DISPUTE":        {topic: Dispute},
	"LOAN_PAYOUT":               {topic: Loan},
	"LOAN_AMORTISATION":         {topic: Loan},
	"LOAN_FEE":                  {topic: Loan, costs: true},
	"CASH_ADVANCE_PAYOUT":       {topic: Loan},
	"CASH_ADVANCE_AMORTISATION": {topic: Loan},
	"CASH_ADVANCE_FEES":         {topic: Loan, costs: true},
	PaymentReminder:             {debt: true, only: TypeCharge},
	revenueShareReversal:        {commission: true},
}
