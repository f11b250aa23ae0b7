package shop

import "time"

// The transaction types of the Klarna Settlements API.
const (
	TypeSale       = "SALE"
	TypeFee        = "FEE"
	TypeReturn     = "RETURN"
	TypeReversal   = "REVERSAL"
	TypeProtection = "REVERSAL_MERCHANT_PROTECTION"
	TypeCommission = "COMMISSION"
	TypeCorrection = "CORRECTION"
	TypeHoldback   = "HOLDBACK"
	TypeRelease    = "RELEASE"
	TypeCredit     = "CREDIT"
	TypeCharge     = "CHARGE"
	TypeFeeRefund  = "FEE_REFUND"
)

// Row is one transaction of a settlement. Amounts are minor units of Currency and unsigned, except for
// CORRECTION; the type gives the direction. Empty strings are absent members, an empty OrderID is Klarna's
// null. A row does not name its payout: the payout holds its rows.
type Row struct {
	Type         string
	DetailedType string
	Amount       int64 // a FEE is without VAT
	VAT          int64 // VAT on Klarna's fee
	VATRate      int64 // 2500 = 25.00 %
	VATAtHome    int64 // the same VAT in the currency of the country of registration; 0 when that is Currency
	CustomerVAT  int64 // VAT in what the consumer paid or got back
	CustomerRate int64 // 2500 = 25.00 %
	Currency     string

	OrderID                  string
	ShortOrderID             string
	CaptureID                string
	RefundID                 string
	MerchantReference1       string
	MerchantReference2       string
	MerchantCaptureReference string
	MerchantRefundReference  string
	PurchaseCountry          string // ISO 3166-1 alpha-2
	ShippingCountry          string
	InitialPaymentMethod     string
	InitialInstallments      int64
	MonthlyDownpayments      int64
	Comment                  string
	ReversalReference        string
	MerchantID               string
	RegistrationCurrency     string
	SaleDate, CaptureDate    time.Time // UTC, whole seconds
}

// Rows are the rows of a payout, by number from 0. An implementation may store or compute them; Row must
// give the same answer every time, from any goroutine.
type Rows interface {
	Len() int
	Row(i int, into *Row)
}

// List is Rows stored in memory.
type List []Row

// Len returns the number of rows.
func (l List) Len() int { return len(l) }

// Row copies row i.
func (l List) Row(i int, into *Row) { *into = l[i] }
