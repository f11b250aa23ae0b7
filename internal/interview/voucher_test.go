package interview_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/internal/interview"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// sample is a payout with sales, a return, fees with or without VAT, a holdback
// and what more is wanted.
func sample(t *testing.T, currency settlement.Currency, vat bool, more ...settlement.Row) *settlement.Proof {
	t.Helper()
	fee := settlement.Row{Type: "FEE", DetailedType: "PURCHASE_FEE_PERCENTAGE", Amount: 2480}
	totals := settlement.Totals{settlement.TotalSale: 100_000, settlement.TotalReturn: 8_000, settlement.TotalFee: 2_480, settlement.TotalHoldback: 5_000}
	if vat {
		fee.VAT, fee.VATRate, totals[settlement.TotalTax] = 620, 2500, 620
	}
	rows := append([]settlement.Row{
		{Type: "SALE", DetailedType: "PURCHASE", Amount: 100_000},
		{Type: "RETURN", DetailedType: "PURCHASE_RETURN", Amount: 8_000},
		fee,
		{Type: "HOLDBACK", DetailedType: "ROLLING_RESERVE", Amount: 5_000},
	}, more...)
	for i := range more {
		switch more[i].Type {
		case "COMMISSION":
			totals[settlement.TotalCommission] += more[i].Amount
		case "CREDIT":
			totals[settlement.TotalCredit] += more[i].Amount
		case "REVERSAL":
			totals[settlement.TotalReversal] += more[i].Amount
		}
	}
	totals[settlement.TotalSettlement] = totals[settlement.TotalSale] - totals[settlement.TotalReturn] - totals[settlement.TotalFee] - totals[settlement.TotalTax] - totals[settlement.TotalHoldback] + totals[settlement.TotalCommission] + totals[settlement.TotalCredit] - totals[settlement.TotalReversal]
	tally := settlement.NewTally(currency)
	for i := range rows {
		rows[i].Currency = currency
		tally.Add(&rows[i])
	}
	proof, err := settlement.Prove(settlement.Payout{
		PaymentReference: "1234567890", MerchantID: "K100002", Currency: currency, RegistrationCurrency: currency,
		Date: time.Date(2026, 1, 30, 6, 0, 0, 0, time.UTC), Type: settlement.Net, Totals: totals,
	}, tally, int64(len(rows)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

var (
	commission = settlement.Row{Type: "COMMISSION", DetailedType: "COMMISSION", Amount: 5_000}
	loan       = settlement.Row{Type: "CREDIT", DetailedType: "LOAN_PAYOUT", Amount: 1_000_000}
	dispute    = settlement.Row{Type: "REVERSAL", DetailedType: "REVERSAL", Amount: 9_000}
)

// What a payout becomes by the answers: a voucher, or why it is held.
func TestVouchersOfAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string // of the voucher's file
		answers  string // of documents
		currency settlement.Currency
		vat      bool
		more     []settlement.Row
		held     string
	}{
		{"se-plain", "se-plain", "SEK", true, nil, ""},
		{"se-transactions-loan", "se-transactions", "SEK", true, []settlement.Row{loan}, ""},
		{"se-older-reverse-charge-commission", "se-older", "SEK", false, []settlement.Row{commission}, ""},
		{"se-merchant-in-euro", "se-currencies", "EUR", true, nil, ""},
		{"no-reverse-charge", "no", "NOK", false, nil, ""},
		{"fi-taxable-commission", "fi", "EUR", false, []settlement.Row{commission}, ""},
		{"dk-loan", "dk", "DKK", false, []settlement.Row{loan, dispute}, ""},
		{"", "se-plain", "SEK", true, []settlement.Row{loan}, "CREDIT/LOAN_PAYOUT"},
		{"", "se-plain", "SEK", true, []settlement.Row{commission}, "COMMISSION/COMMISSION"},
		{"", "no", "NOK", false, []settlement.Row{dispute}, "REVERSAL/REVERSAL"},
		{"", "no-undecided", "NOK", false, nil, "reverse_charge"},
	} {
		t.Run(c.name+c.held, func(t *testing.T) {
			answers := documents[c.answers]
			if c.answers == "no-undecided" {
				answers = interview.Answers{"country": "no"}
			}
			doc, err := interview.Document(interview.Complete(answers, nil))
			if err != nil {
				t.Fatal(err)
			}
			profile, err := voucher.ParseProfile(doc)
			if err != nil {
				t.Fatal(err)
			}
			v, err := voucher.Compile(profile, sample(t, c.currency, c.vat, c.more...), voucher.Target{Company: "5566778899"})
			if c.held != "" {
				if err == nil || !strings.Contains(err.Error(), c.held) {
					t.Fatalf("want it held because of %s, got %v", c.held, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "vouchers/"+c.name+".txt", []byte(written(v)))
		})
	}
}

func written(v *voucher.Voucher) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  VAT transaction: %v\n", v.Date, v.Description[strings.Index(v.Description, "]")+2:], v.VATTransaction)
	for i := range v.Lines {
		l := &v.Lines[i]
		fmt.Fprintf(&b, "%-6s %10s %10s  %-5s %-5s %s\n", l.Account, settlement.Format(l.Debit, v.Currency), settlement.Format(l.Credit, v.Currency), l.VATCode, l.Branch, l.Text)
	}
	return b.String()
}
