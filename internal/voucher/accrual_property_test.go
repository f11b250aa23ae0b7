package voucher_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvitt/internal/settlement"
	"kvitt/internal/settlement/settlementtest"
	"kvitt/internal/voucher"
)

// drawnProfile has rules of its own for a country and a merchant, so that a sum
// over kinds of rows cannot be right by accident.
const drawnProfile = `
version: 1
name: Drawn
time_zone: Europe/Stockholm
branch: "1"
accounts: {settlement: "1930", debt: "2890"}
components:
  SALE/*: {account: "1686", text: "Sales {country}"}
  RETURN/PURCHASE_RETURN: {account: "1686", text: "Returns"}
  RETURN/PAYMENT_DEFAULT: {account: "1516", text: "Unpaid"}
  REVERSAL/*: {account: "1516", text: "Disputes"}
  FEE/*: {account: "6064", vat_account: "2641", vat_code: "25", text: "Fees"}
  FEE_REFUND/*: {account: "6064", vat_account: "2641", text: "Fees refunded"}
  CORRECTION/*: {account: "2999", text: "Corrections"}
  COMMISSION/*: {account: "3990", text: "Commission"}
  CREDIT/*: {account: "2410", text: "Loan {payment_reference}"}
  CHARGE/LOAN_AMORTISATION: {account: "2410", text: "Loan repaid {payout_date}"}
  CHARGE/LOAN_FEE: {account: "8420", text: "Loan costs"}
  HOLDBACK/*: {account: "1689", text: "Held back"}
  RELEASE/*: {account: "1689", text: "Released"}
overrides:
  - when: {country: NO}
    components: {SALE/*: {account: "1520"}}
  - when: {merchant_id: K200002}
    branch: "2"
    components: {FEE/*: {account: "6065"}}
  - when: {merchant_id: K200002, country: NO}
    components: {RETURN/*: {account: "1521"}}
accrual: {receivable: "1790", vat: "2648"}
`

// drawnKinds are the kinds of rows that are drawn: what they give (+1) or take
// (-1), and the total that Klarna counts them in.
var drawnKinds = []struct {
	pair  string
	sign  int64
	total func(*settlement.Totals) *int64
}{
	{"SALE/PURCHASE", +1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalSale] }},
	{"RETURN/PURCHASE_RETURN", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalReturn] }},
	{"RETURN/PAYMENT_DEFAULT", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalReturn] }},
	{"REVERSAL/REVERSAL", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalReversal] }},
	{"FEE/PURCHASE_FEE_PERCENTAGE", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalFee] }},
	{"FEE_REFUND/FEE_REFUND", +1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalFeeRefund] }},
	{"CORRECTION/CORRECTION", +1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalFeeCorrection] }},
	{"COMMISSION/COMMISSION", +1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalCommission] }},
	{"CREDIT/LOAN_PAYOUT", +1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalCredit] }},
	{"CHARGE/LOAN_AMORTISATION", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalCharge] }},
	{"CHARGE/LOAN_FEE", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalCharge] }},
	{"HOLDBACK/ROLLING_RESERVE", -1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalHoldback] }},
	{"RELEASE/ROLLING_RESERVE", +1, func(t *settlement.Totals) *int64 { return &t[settlement.TotalRelease] }},
}

// drawnRow is a row, and what it gives the merchant.
type drawnRow struct {
	capturedRow
	gives, vat int64
}

// byHand books a row as a person does who reads drawnProfile.
func byHand(r *drawnRow) (account string) {
	norway, other := r.Country == "NO", r.MerchantID == "K200002"
	switch typ := r.Type; {
	case typ == "SALE" && norway:
		return "1520"
	case typ == "RETURN" && norway && other:
		return "1521"
	case typ == "SALE", r.DetailedType == "PURCHASE_RETURN":
		return "1686"
	case typ == "REVERSAL", typ == "RETURN":
		return "1516"
	case typ == "FEE" && other:
		return "6065"
	case typ == "FEE", typ == "FEE_REFUND":
		return "6064"
	case typ == "CORRECTION":
		return "2999"
	case typ == "COMMISSION":
		return "3990"
	case r.DetailedType == "LOAN_FEE":
		return "8420"
	case typ == "CREDIT", typ == "CHARGE":
		return "2410"
	default:
		return "1689"
	}
}

// drawPayout draws a payout of the first week of March for rows of the three
// months before.
func drawPayout(t *rapid.T, n int) (settlement.Payout, []drawnRow) {
	gross := rapid.IntRange(0, 3).Draw(t, "gross") == 0
	paid := payout(settlement.Totals{})
	paid.PaymentReference = fmt.Sprintf("12345678%02d", n)
	paid.Date = time.Date(2026, 3, rapid.IntRange(1, 7).Draw(t, "paid"), 6, 0, 0, 0, time.UTC)
	if gross {
		paid.Type = settlement.Gross
	}
	var rows []drawnRow
	for range rapid.IntRange(1, 25).Draw(t, "rows") {
		kind := rapid.SampledFrom(drawnKinds).Draw(t, "kind")
		amount := rapid.Int64Range(100, 1_000_000).Draw(t, "amount")
		r := drawnRow{capturedRow: capturedRow{
			at:  paid.Date.Add(-time.Duration(rapid.IntRange(1, 24*85).Draw(t, "hours before")) * time.Hour),
			Row: row(kind.pair, amount),
		}}
		r.Country = rapid.SampledFrom([]string{"SE", "NO"}).Draw(t, "country")
		r.MerchantID = rapid.SampledFrom([]string{"K100001", "K200002"}).Draw(t, "merchant")
		fee := strings.HasPrefix(kind.pair, "FEE")
		if fee {
			r.VAT, r.VATRate = amount/4, 25_00
		}
		if kind.pair == "CORRECTION/CORRECTION" && rapid.Bool().Draw(t, "takes") {
			r.Amount = -amount
		}
		*kind.total(&paid.Totals) += r.Amount
		if r.VAT != 0 && kind.sign < 0 {
			paid.Totals[settlement.TotalTax] += r.VAT
		} else if r.VAT != 0 {
			paid.Totals[settlement.TotalTaxRefund] += r.VAT
		}
		if !gross || !fee { // a GROSS payout only lists its fees
			r.gives, r.vat = kind.sign*r.Amount, kind.sign*r.VAT
		}
		paid.Totals[settlement.TotalSettlement] += r.gives + r.vat
		rows = append(rows, r)
	}
	return paid, rows
}

// provenRows proves drawn rows and sorts them into days.
func provenRows(t *rapid.T, p *voucher.Profile, paid settlement.Payout, rows []drawnRow) (*settlement.Proof, *voucher.Days) {
	tally := settlement.NewTally(paid.Currency)
	plain := make([]capturedRow, len(rows))
	for i := range rows {
		plain[i] = rows[i].capturedRow
		tally.Add(&rows[i].Row)
	}
	proof, err := settlement.Prove(paid, tally, int64(len(rows)), nil)
	if err != nil {
		t.Skip("two readings of the totals are exact")
	}
	return proof, daysOf(p, paid.Currency, plain)
}

var monthEnds = []voucher.Date{
	{Year: 2025, Month: time.December, Day: 31}, {Year: 2026, Month: time.January, Day: 31}, {Year: 2026, Month: time.February, Day: 28},
}

// At the end of each month the books hold, account by account, what somebody
// books by hand on the day of each capture; and once everything is paid out and
// taken back, what the vouchers of the payouts book.
func TestEveryMonthIsThatOfABookingByCaptureDay(t *testing.T) {
	p := profile(t, drawnProfile)
	rapid.Check(t, func(t *rapid.T) {
		var rows []drawnRow
		var captures []voucher.Captures
		var vouchers []*voucher.Voucher
		for n := range rapid.IntRange(1, 3).Draw(t, "payouts") {
			paid, drawn := drawPayout(t, n)
			proof, days := provenRows(t, p, paid, drawn)
			rows = append(rows, drawn...)
			captures = append(captures, days.Captures(proof))
			v, err := voucher.Compile(p, proof, target)
			var nothing *voucher.NothingToBookError
			if err != nil && !errors.As(err, &nothing) {
				t.Fatal(err)
			}
			if v != nil {
				vouchers = append(vouchers, v)
			}
		}
		books := map[string]int64{}
		for _, end := range monthEnds {
			accrual := accrueAt(t, p, end, captures)
			movements(books, accrual, +1)
			sameBooks(t, end.String(), books, bookedByHand(p, rows, end))
			sameLines(t, accrual, vouchers)
			movements(books, accrual, -1) // Visma.net takes it back
		}
		for _, v := range vouchers {
			movements(books, v, +1)
		}
		books["1930"] += books["2890"] // of a payout that Klarna does not pay out
		delete(books, "2890")
		sameBooks(t, "paid out", books, paidByHand(rows))
	})
}

// accrueAt is the accrual of all payouts at a month's end, without lines when it
// comes to nothing.
func accrueAt(t *rapid.T, p *voucher.Profile, end voucher.Date, captures []voucher.Captures) *voucher.Voucher {
	accrued := &voucher.Accrued{MerchantID: "K100001", Company: target.Company, At: end, Currency: "SEK"}
	for i := range captures {
		share, err := captures[i].UpTo(end)
		if err != nil {
			t.Fatal(err)
		}
		accrued.Shares = append(accrued.Shares, share)
	}
	v, err := voucher.Accrue(p, accrued)
	var nothing *voucher.NothingAccruedError
	if errors.As(err, &nothing) {
		return &voucher.Voucher{}
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// bookedByHand books every captured row on its day, with VAT aside, and what is
// owed for it on the receivable. Held-back money is no capture.
func bookedByHand(p *voucher.Profile, rows []drawnRow, end voucher.Date) map[string]int64 {
	books := map[string]int64{}
	midnight := time.Date(end.Year, end.Month, end.Day+1, 0, 0, 0, 0, p.Location())
	for i := range rows {
		r := &rows[i]
		if !r.at.Before(midnight) || r.Type == "HOLDBACK" || r.Type == "RELEASE" {
			continue
		}
		books[byHand(r)] -= r.gives
		books["2648"] -= r.vat
		books["1790"] += r.gives + r.vat
	}
	return books
}

// paidByHand books every row with its VAT, and what was paid out for it.
func paidByHand(rows []drawnRow) map[string]int64 {
	books := map[string]int64{}
	for i := range rows {
		r := &rows[i]
		books[byHand(r)] -= r.gives
		books["2641"] -= r.vat
		books["1930"] += r.gives + r.vat
	}
	return books
}

// movements adds the lines of a batch, or takes them back.
func movements(books map[string]int64, v *voucher.Voucher, sign int64) {
	for i := range v.Lines {
		books[v.Lines[i].Account] += sign * (v.Lines[i].Debit - v.Lines[i].Credit)
	}
}

func sameBooks(t *rapid.T, when string, got, want map[string]int64) {
	for _, side := range []map[string]int64{got, want} {
		for account := range side {
			if got[account] != want[account] {
				t.Fatalf("%s: account %s has %d, and %d by hand\n got %v\nwant %v", when, account, got[account], want[account], got, want)
			}
		}
	}
}

// sameLines tells whether what is accrued is in the vouchers of the payouts, with
// account, branch, VAT code and text. A correction that was taken back until the
// payout is in none.
func sameLines(t *rapid.T, accrual *voucher.Voucher, vouchers []*voucher.Voucher) {
	type posted struct{ account, branch, code, text string }
	known := map[posted]bool{}
	for _, v := range vouchers {
		for _, l := range v.Lines {
			known[posted{l.Account, l.Branch, l.VATCode, l.Text}] = true
		}
	}
	for _, l := range accrual.Lines {
		if l.Role == voucher.RoleComponent && l.Account != "2999" && !known[posted{l.Account, l.Branch, l.VATCode, l.Text}] {
			t.Fatalf("%+v is accrued, and no payout books it", l)
		}
		if l.Role == voucher.RoleVAT && (l.Account != "2648" || l.VATCode != "") {
			t.Fatalf("VAT that is not deductible yet is on %+v", l)
		}
	}
}

// Whatever Klarna settles and however it is read: with everything captured, the
// accrual books on each account what the voucher books there, VAT aside, held-back
// money and the money side left out.
func TestAnAccrualOfAWholePayoutIsItsVoucher(t *testing.T) {
	p := preset(t, "se-bas", accrualOf(t, "se-bas"), "\naccrual: {receivable: \"1790\"}\n")
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		proof, err := c.Prove()
		if err != nil {
			t.Skip("not provable")
		}
		v, err := voucher.Compile(p, proof, target)
		if err != nil {
			t.Skip("held")
		}
		days := voucher.NewDays(c.Payout.Currency, p.Location())
		for i := range c.Rows {
			days.Add(c.Rows[i].CaptureDate, &c.Rows[i])
		}
		captures := days.Captures(proof)
		share, err := captures.UpTo(voucher.Date{Year: 2027, Month: time.December, Day: 31})
		if err != nil {
			t.Fatal(err)
		}
		accrual, err := voucher.Accrue(p, &voucher.Accrued{
			MerchantID: "K100001", Company: target.Company, At: voucher.Date{Year: 2027, Month: time.December, Day: 31},
			Currency: c.Payout.Currency, Shares: []voucher.Share{share},
		})
		var nothing *voucher.NothingAccruedError
		if err != nil && !errors.As(err, &nothing) {
			t.Fatal(err)
		}
		want, got := map[string]int64{}, map[string]int64{}
		for _, l := range v.Lines {
			held := len(l.Components) > 0 && (l.Components[0].Type == "HOLDBACK" || l.Components[0].Type == "RELEASE")
			if len(l.Components) > 0 && !held {
				want[l.Account] += l.Debit - l.Credit
				want["1790"] -= l.Debit - l.Credit
			}
		}
		if accrual != nil {
			movements(got, accrual, +1)
		}
		sameBooks(t, "in all", got, want)
	})
}
