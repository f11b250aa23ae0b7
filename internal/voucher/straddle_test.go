package voucher_test

import (
	"testing"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// capturedRow is a row with the moment of its capture.
type capturedRow struct {
	at time.Time
	settlement.Row
}

// daysOf sorts rows into days of a profile's zone.
func daysOf(p *voucher.Profile, in settlement.Currency, rows []capturedRow) *voucher.Days {
	days := voucher.NewDays(in, p.Location())
	for i := range rows {
		rows[i].Currency = in
		days.Add(rows[i].at, &rows[i].Row)
	}
	return days
}

func provenOf(tb testing.TB, paid settlement.Payout, rows []capturedRow) *settlement.Proof {
	tb.Helper()
	plain := make([]settlement.Row, len(rows))
	for i := range rows {
		plain[i] = rows[i].Row
	}
	return prove(tb, paid, plain...)
}

// straddling is a payout of 2 January for rows that were captured until the end
// of December, of nearly every kind that Klarna has, and one of New Year's Day.
func straddling(tb testing.TB, p *voucher.Profile, in settlement.Currency, vatPercent int64) (*settlement.Proof, *voucher.Days) {
	tb.Helper()
	fee, vat := int64(30_00), 30_00*vatPercent/100
	paid := payout(settlement.Totals{
		settlement.TotalSale: 1_250_00, settlement.TotalReturn: 160_00, settlement.TotalFee: fee, settlement.TotalTax: vat, settlement.TotalCommission: 50_00, settlement.TotalCredit: 10_500_00, settlement.TotalCharge: 820_00,
		settlement.TotalSettlement: 1_250_00 - 160_00 - fee - vat + 50_00 + 10_500_00 - 820_00,
	})
	paid.Date = time.Date(2026, 1, 2, 6, 0, 0, 0, time.UTC)
	paid.Currency, paid.RegistrationCurrency = in, in
	december := func(day, hour int) time.Time { return time.Date(2025, 12, day, hour, 0, 0, 0, p.Location()) }
	charged := row("FEE/PURCHASE_FEE_PERCENTAGE", fee, vat)
	charged.VATRate = vatPercent * 100
	rows := []capturedRow{
		{december(28, 9), row("SALE/PURCHASE", 700_00)},
		{december(30, 9), row("SALE/PURCHASE", 500_00)},
		{december(30, 12), row("RETURN/PURCHASE_RETURN", 100_00)},
		{december(31, 8), row("RETURN/PAYMENT_DEFAULT", 60_00)},
		{december(31, 9), row("CREDIT/CORRECTION_DISPUTE", 500_00)},
		{december(31, 10), charged},
		{december(31, 11), row("CREDIT/LOAN_PAYOUT", 10_000_00)},
		{december(31, 12), row("CHARGE/LOAN_FEE", 820_00)},
		{december(31, 23), row("COMMISSION/COMMISSION", 50_00)},
		{december(32, 0), row("SALE/PURCHASE", 50_00)},
	}
	return provenOf(tb, paid, rows), daysOf(p, in, rows)
}

func yearEnd(tb testing.TB, p *voucher.Profile, proof *settlement.Proof, days *voucher.Days) *voucher.Voucher {
	tb.Helper()
	end := voucher.Date{Year: 2025, Month: time.December, Day: 31}
	v, err := voucher.Accrue(p, &voucher.Accrued{
		MerchantID: "K100001", Company: target.Company, At: end, Currency: proof.Payout.Currency,
		PaymentReference: proof.Payout.PaymentReference, Shares: []voucher.Share{upTo(tb, days, proof, end)},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// The year end gets what its rows are, on the accounts of the rules: a loan that
// was paid out is no income, and what it costs is no reduction of sales.
func TestAPayoutAcrossTheYearEndDistortsNeitherYear(t *testing.T) {
	p := preset(t, "se-bas")
	proof, days := straddling(t, p, "SEK", 25)
	v := yearEnd(t, p, proof, days)
	whole := compile(t, p, proof)
	accountOf := func(pair string) string {
		for i := range whole.Lines {
			for _, c := range whole.Lines[i].Components {
				if whole.Lines[i].Role == voucher.RoleComponent && c.Pair() == pair {
					return whole.Lines[i].Account
				}
			}
		}
		t.Fatalf("the voucher of the payout has no %s", pair)
		return ""
	}
	want := map[string]int64{
		"1790":                                   10_732_50,
		accountOf("SALE/PURCHASE"):               -1_100_00,
		accountOf("RETURN/PAYMENT_DEFAULT"):      -440_00,
		accountOf("FEE/PURCHASE_FEE_PERCENTAGE"): 30_00,
		accountOf("CHARGE/LOAN_FEE"):             820_00,
		accountOf("COMMISSION/COMMISSION"):       -50_00,
		accountOf("CREDIT/LOAN_PAYOUT"):          -10_000_00,
		"2648":                                   7_50,
	}
	if len(want) != 8 {
		t.Fatalf("two roles share an account: %v", want)
	}
	for account, amount := range want {
		if got := balance(v, account); got != amount {
			t.Errorf("%s has %s, want %s", account, settlement.Format(got, "SEK"), settlement.Format(amount, "SEK"))
		}
	}
	if result := balance(v, accountOf("FEE/PURCHASE_FEE_PERCENTAGE")) + balance(v, accountOf("CHARGE/LOAN_FEE")) + balance(v, accountOf("COMMISSION/COMMISSION")); result != 800_00 {
		t.Errorf("December costs %s, want 800.00", settlement.Format(result, "SEK"))
	}
	receivables := 0
	for i := range v.Lines {
		if v.Lines[i].Role == voucher.RoleReceivable {
			receivables++
		}
	}
	if receivables != 1 {
		t.Errorf("%d receivables:\n%s", receivables, table(v))
	}
}

// The accrual of every preset as an accountant reads it: testdata/vouchers.
func TestTheYearEndOfEveryPreset(t *testing.T) {
	for _, c := range countries {
		if c.name != "" {
			continue
		}
		t.Run(c.preset, func(t *testing.T) {
			p := preset(t, c.preset, c.changes...)
			proof, days := straddling(t, p, c.currency, c.vat)
			sameAsFile(t, c.preset+"-year-end", yearEnd(t, p, proof, days))
			sameAsFile(t, c.preset+"-year-end-payout", compile(t, p, proof))
		})
	}
}
