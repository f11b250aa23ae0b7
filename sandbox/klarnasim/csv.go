package klarnasim

import (
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kvitt/sandbox/shop"
)

// summaryColumns are the columns of the first block, in their default order.
var summaryColumns = []string{
	"total_sale_amount", "total_fee_amount", "total_fee_correction_amount", "total_tax_amount", "total_return_amount",
	"total_reversal_amount", "total_commission_amount", "total_credit_amount", "total_charge_amount",
	"total_holdback_amount", "total_release_amount", "opening_debt_balance", "total_deposit_amount",
	"total_repay_amount", "closing_debt_balance", "total_fee_refund_amount", "total_settlement_amount",
	"payment_reference", "settlement_currency", "payout_date", "merchant_id", "merchant_settlement_type",
}

// rowColumns are the columns of the second block; other systems rely on the order of the first ten.
var rowColumns = []string{
	"type", "capture_date", "sale_date", "order_id", "short_order_id", "capture_id", "merchant_reference1",
	"merchant_reference2", "amount", "posting_currency",
	"detailed_type", "refund_id", "purchase_country", "shipping_country", "tax_rate", "tax_amount",
	"initial_payment_method_type", "initial_number_of_installments", "initial_payment_method_monthly_downpayments",
	"merchant_capture_reference", "merchant_refund_reference", "reversal_reference", "klarna_comment",
	"payment_reference",
}

// payoutCSV answers GET /reports/payout-with-transactions.
func (s *Sim) payoutCSV(q *request) (*reply, *problem) {
	p, trouble := s.find(q, q.URL.Query().Get("payment_reference"))
	if trouble != nil {
		return nil, trouble
	}
	return q.csv("settlement."+p.PaymentReference+".csv", []*shop.Payout{p}), nil
}

// WriteCSV writes the report of a payout with its rows, as it is served.
func WriteCSV(to io.Writer, p *shop.Payout) error {
	return writeCSV(to, []*shop.Payout{p}, func(p *shop.Payout) shop.Rows { return p.Rows })
}

// summaryCSV answers GET /reports/payouts-summary-with-transactions.
func (s *Sim) summaryCSV(q *request) (*reply, *problem) {
	w, trouble := q.window(true)
	if trouble != nil {
		return nil, trouble
	}
	return q.csv("settlements.csv", s.chosen(q, w)), nil
}

// csv streams the report.
func (q *request) csv(filename string, payouts []*shop.Payout) *reply {
	return &reply{status: http.StatusOK, contentType: csvType, filename: filename, stream: func(to io.Writer) error {
		return writeCSV(to, payouts, q.rows)
	}}
}

// writeCSV writes both blocks: amounts are decimals in major units, the separator is a semicolon, and an
// empty line separates the blocks.
func writeCSV(to io.Writer, payouts []*shop.Payout, rowsOf func(*shop.Payout) shop.Rows) error {
	w := csv.NewWriter(to)
	w.Comma = ';'
	_ = w.Write(summaryColumns) // errors are checked at the end
	for _, p := range payouts {
		_ = w.Write(summaryRecord(p))
	}
	w.Flush()
	if _, err := io.WriteString(to, "\n"); err != nil {
		return err
	}
	_ = w.Write(rowColumns)
	var row shop.Row
	for _, p := range payouts {
		rows := rowsOf(p)
		for i := range rows.Len() {
			rows.Row(i, &row)
			if err := w.Write(rowRecord(&row, p.PaymentReference)); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

func summaryRecord(p *shop.Payout) []string {
	t := p.Totals
	var record []string
	for _, minor := range []int64{
		t.Sale, t.Fee, t.FeeCorrection, t.Tax, t.Return, t.Reversal, t.Commission, t.Credit, t.Charge, t.Holdback,
		t.Release, t.OpeningDebt, t.Deposit, t.Repay, t.ClosingDebt, t.FeeRefund, t.Settlement,
	} {
		record = append(record, major(minor))
	}
	return append(record, p.PaymentReference, p.Currency, instant(p.Date), p.MerchantID, p.SettlementType)
}

func rowRecord(r *shop.Row, reference string) []string {
	return []string{
		r.Type, instant(r.CaptureDate), instant(r.SaleDate), r.OrderID, r.ShortOrderID, r.CaptureID,
		r.MerchantReference1, r.MerchantReference2, major(r.Amount), r.Currency,
		r.DetailedType, r.RefundID, r.PurchaseCountry, r.ShippingCountry,
		ifAny(r.VATRate, major), ifAny(r.VAT, major),
		r.InitialPaymentMethod, ifAny(r.InitialInstallments, decimal), ifAny(r.MonthlyDownpayments, decimal),
		r.MerchantCaptureReference, r.MerchantRefundReference, r.ReversalReference, r.Comment, reference,
	}
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func ifAny(n int64, write func(int64) string) string {
	if n == 0 {
		return ""
	}
	return write(n)
}

// major writes minor units with two decimals, which all currencies of the shop
// have.
func major(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := strconv.FormatInt(minor, 10)
	if len(digits) < 3 {
		digits = strings.Repeat("0", 3-len(digits)) + digits
	}
	return sign + digits[:len(digits)-2] + "." + digits[len(digits)-2:]
}
