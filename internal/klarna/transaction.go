package klarna

import (
	"time"

	"kvitt/internal/settlement"
)

// Transaction is one row of a settlement, with every member that Klarna
// publishes and those that its live answers add. Amounts are minor units of
// CurrencyCode; an absent or null member is the zero value. Klarna gives rows
// no id. Source: Klarna Settlements API, Transaction.
//
// encoding/json decodes it too, all but Unknown.
type Transaction struct {
	Amount       int64  `json:"amount"`        // for a FEE excluding VAT; unsigned but for CORRECTION
	Type         string `json:"type"`          // SALE, FEE, RETURN …; unknown values are kept
	DetailedType string `json:"detailed_type"` // PURCHASE, PURCHASE_FEE_FIXED …; unknown values are kept
	CurrencyCode string `json:"currency_code"`

	SaleDate    time.Time `json:"sale_date"`    // UTC; when the order was made
	CaptureDate time.Time `json:"capture_date"` // UTC; when the event was registered

	OrderID                  string `json:"order_id"` // "" for rows that belong to no order
	ShortOrderID             string `json:"short_order_id"`
	CaptureID                string `json:"capture_id"` // SALE and FEE only
	RefundID                 string `json:"refund_id"`  // RETURN and REVERSAL only
	MerchantReference1       string `json:"merchant_reference1"`
	MerchantReference2       string `json:"merchant_reference2"`
	MerchantCaptureReference string `json:"merchant_capture_reference"`
	MerchantRefundReference  string `json:"merchant_refund_reference"`
	ReversalReference        string `json:"reversal_reference"`
	KlarnaComment            string `json:"klarna_comment"`

	PaymentReference string `json:"payment_reference"` // "" for a row that is not paid out yet
	Payout           string `json:"payout"`            // link to the payout; never followed
	MerchantID       string `json:"merchant_id"`       // live only

	PurchaseCountry        string `json:"purchase_country"`         // ISO 3166-1 alpha-2
	ShippingCountry        string `json:"shipping_country"`         // published name, see ShippedTo
	ShippingAddressCountry string `json:"shipping_address_country"` // live name, see ShippedTo

	VATRate                    int64  `json:"vat_rate"`   // 2000 = 20.00 %
	VATAmount                  int64  `json:"vat_amount"` // VAT on Klarna's fee
	TaxInRegistrationCurrency  int64  `json:"tax_in_currency_of_registration_country"`
	RegistrationCurrency       string `json:"currency_code_of_registration_country"`
	ConsumerVAT                Raw    `json:"consumer_vat"` // array of objects; the consumer's VAT, never Klarna's
	CustomerVAT                Raw    `json:"customer_vat"` // another name for it that has been seen
	InitialPaymentMethodType   string `json:"initial_payment_method_type"`
	InitialInstallments        int64  `json:"initial_number_of_installments"`                // published name, see Installments
	InitialMethodInstallments  int64  `json:"initial_payment_method_number_of_installments"` // live name, see Installments
	InitialMonthlyDownpayments int64  `json:"initial_payment_method_monthly_downpayments"`

	Unknown Members `json:"-"`
}

// ShippedTo is the country the order was shipped to, ISO 3166-1 alpha-2, under
// whichever of its two names it came.
func (t *Transaction) ShippedTo() string {
	if t.ShippingCountry != "" {
		return t.ShippingCountry
	}
	return t.ShippingAddressCountry
}

// Installments is the number of instalments the consumer chose, under whichever of
// its two names it came.
func (t *Transaction) Installments() int64 {
	if t.InitialInstallments != 0 {
		return t.InitialInstallments
	}
	return t.InitialMethodInstallments
}

// VATOfConsumer is the array of the consumer's VAT amounts as it came, under
// whichever of its two names, or "".
func (t *Transaction) VATOfConsumer() Raw {
	if t.ConsumerVAT != "" {
		return t.ConsumerVAT
	}
	return t.CustomerVAT
}

// Row writes the transaction into *into, so that one row can serve for all
// rows of a settlement. It allocates nothing.
func (t *Transaction) Row(into *settlement.Row) {
	*into = settlement.Row{
		Type:                      t.Type,
		DetailedType:              t.DetailedType,
		Amount:                    t.Amount,
		VAT:                       t.VATAmount,
		VATRate:                   t.VATRate,
		TaxInRegistrationCurrency: t.TaxInRegistrationCurrency,
		Currency:                  settlement.Currency(t.CurrencyCode),
		Country:                   t.PurchaseCountry,
		MerchantID:                t.MerchantID,
		OrderID:                   t.OrderID,
		CaptureID:                 t.CaptureID,
		RefundID:                  t.RefundID,
		MerchantReference1:        t.MerchantReference1,
		MerchantReference2:        t.MerchantReference2,
		Comment:                   t.KlarnaComment,
		CaptureDate:               t.CaptureDate,
		SaleDate:                  t.SaleDate,
	}
}

// transactionShape knows the rows. What the bookkeeping cannot do without must
// be there; everything else may be missing, as in live answers it sometimes is.
var transactionShape = newTransactionShape()

func newTransactionShape() *shape[Transaction] {
	s := newShape(
		func(t *Transaction) *Members { return &t.Unknown },
		must(number("amount", func(t *Transaction) *int64 { return &t.Amount })),
		must(word("type", func(t *Transaction) *string { return &t.Type })),
		word("detailed_type", func(t *Transaction) *string { return &t.DetailedType }),
		must(word("currency_code", func(t *Transaction) *string { return &t.CurrencyCode })),
		date("sale_date", func(t *Transaction) *time.Time { return &t.SaleDate }),
		date("capture_date", func(t *Transaction) *time.Time { return &t.CaptureDate }),
		text("order_id", func(t *Transaction) *string { return &t.OrderID }),
		text("short_order_id", func(t *Transaction) *string { return &t.ShortOrderID }),
		text("capture_id", func(t *Transaction) *string { return &t.CaptureID }),
		text("refund_id", func(t *Transaction) *string { return &t.RefundID }),
		text("merchant_reference1", func(t *Transaction) *string { return &t.MerchantReference1 }),
		text("merchant_reference2", func(t *Transaction) *string { return &t.MerchantReference2 }),
		text("merchant_capture_reference", func(t *Transaction) *string { return &t.MerchantCaptureReference }),
		text("merchant_refund_reference", func(t *Transaction) *string { return &t.MerchantRefundReference }),
		text("reversal_reference", func(t *Transaction) *string { return &t.ReversalReference }),
		text("klarna_comment", func(t *Transaction) *string { return &t.KlarnaComment }),
		word("payment_reference", func(t *Transaction) *string { return &t.PaymentReference }),
		word("payout", func(t *Transaction) *string { return &t.Payout }),
		word("merchant_id", func(t *Transaction) *string { return &t.MerchantID }),
		word("purchase_country", func(t *Transaction) *string { return &t.PurchaseCountry }),
		word("shipping_country", func(t *Transaction) *string { return &t.ShippingCountry }),
		word("shipping_address_country", func(t *Transaction) *string { return &t.ShippingAddressCountry }),
		number("vat_rate", func(t *Transaction) *int64 { return &t.VATRate }),
		exact(number("vat_amount", func(t *Transaction) *int64 { return &t.VATAmount })),
		exact(number("tax_in_currency_of_registration_country", func(t *Transaction) *int64 { return &t.TaxInRegistrationCurrency })),
		word("currency_code_of_registration_country", func(t *Transaction) *string { return &t.RegistrationCurrency }),
		raw("consumer_vat", func(t *Transaction) *Raw { return &t.ConsumerVAT }),
		raw("customer_vat", func(t *Transaction) *Raw { return &t.CustomerVAT }),
		word("initial_payment_method_type", func(t *Transaction) *string { return &t.InitialPaymentMethodType }),
		number("initial_number_of_installments", func(t *Transaction) *int64 { return &t.InitialInstallments }),
		number("initial_payment_method_number_of_installments", func(t *Transaction) *int64 { return &t.InitialMethodInstallments }),
		number("initial_payment_method_monthly_downpayments", func(t *Transaction) *int64 { return &t.InitialMonthlyDownpayments }),
	)
	rate, amount := s.bit("vat_rate"), s.bit("vat_amount")
	s.check = func(t *Transaction, filled, doubtful uint64) *DecodeError {
		if doubtful&rate != 0 && filled&amount == 0 && settlement.CarriesVAT(t.Type) {
			return &DecodeError{Where: "vat_rate", Problem: "cannot be read, and the fee states no vat_amount to go by"}
		}
		return nil
	}
	return s
}
