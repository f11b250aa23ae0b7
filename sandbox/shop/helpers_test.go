package shop

import (
	"sync"
	"testing"
	"time"
	_ "time/tzdata"
)

// madeYears are generated once; nothing changes them.
var madeYears = sync.OnceValues(func() (map[string]*Shop, error) {
	shops := map[string]*Shop{}
	for name, c := range map[string]Config{
		"seed 1, 2025":           {Seed: 1, Start: date(2025, 1, 1), Days: 365},
		"seed 2, 2024":           {Seed: 2, Start: date(2024, 1, 1), Days: 366},
		"seed 3, July to June":   {Seed: 3, Start: date(2025, 7, 1), Days: 365},
		"seed 77, 2026, gross":   {Seed: 77, Start: date(2026, 1, 1), Days: 365, Gross: true},
		"seed 901, May to May":   {Seed: 901, Start: date(2023, 5, 1), Days: 366},
		"seed 2^64-1, 2027":      {Seed: 1<<64 - 1, Start: date(2027, 1, 1), Days: 365},
		"seed 5, Black to Black": {Seed: 5, Start: date(2025, 11, 20), Days: 365},
	} {
		var err error
		if shops[name], err = Generate(c); err != nil {
			return nil, err
		}
	}
	return shops, nil
})

// years are the shops on which the rules are tested: several seeds, years that start in January and
// elsewhere, including a leap year.
func years(t *testing.T) map[string]*Shop {
	t.Helper()
	shops, err := madeYears()
	if err != nil {
		t.Fatal(err)
	}
	return shops
}

func generate(tb testing.TB, c Config) *Shop {
	tb.Helper()
	s, err := Generate(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func rowsOf(p *Payout) []Row {
	rows := make([]Row, p.Rows.Len())
	for i := range rows {
		p.Rows.Row(i, &rows[i])
	}
	return rows
}

func stockholm(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// checkFormula checks a payout against Klarna's published settlement formula. It adds the rows up itself
// and shares nothing with the generator.
func checkFormula(tb testing.TB, p *Payout) {
	tb.Helper()
	amount, vat := map[string]int64{}, map[string]int64{}
	for _, r := range rowsOf(p) {
		amount[r.Type] += r.Amount
		vat[r.Type] += r.VAT
		if r.Currency != p.Currency || r.MerchantID != p.MerchantID {
			tb.Errorf("payout %s has a row in %s of merchant %s", p.PaymentReference, r.Currency, r.MerchantID)
		}
		if r.Amount <= 0 && r.Type != "CORRECTION" {
			tb.Errorf("payout %s has a %s row of %d", p.PaymentReference, r.Type, r.Amount)
		}
	}
	is := p.Totals
	for name, pair := range map[string][2]int64{
		"sale":         {is.Sale, amount["SALE"]},
		"return":       {is.Return, amount["RETURN"]},
		"reversal":     {is.Reversal, amount["REVERSAL"] - amount["REVERSAL_MERCHANT_PROTECTION"]},
		"fee":          {is.Fee, amount["FEE"]},
		"tax":          {is.Tax, vat["FEE"]},
		"fee refund":   {is.FeeRefund, amount["FEE_REFUND"]},
		"tax refund":   {is.TaxRefund, vat["FEE_REFUND"]},
		"correction":   {is.FeeCorrection, amount["CORRECTION"]},
		"commission":   {is.Commission, amount["COMMISSION"]},
		"charge":       {is.Charge, amount["CHARGE"]},
		"credit":       {is.Credit, amount["CREDIT"]},
		"holdback":     {is.Holdback, amount["HOLDBACK"]},
		"release":      {is.Release, amount["RELEASE"]},
		"closing debt": {is.ClosingDebt, is.OpeningDebt - is.Repay + is.Deposit},
		"settlement": {is.Settlement, is.Sale - is.Return - is.Reversal - is.Fee + is.FeeCorrection +
			is.Commission - is.CommissionReversal - is.Tax - is.Charge + is.Credit - is.Repay - is.Holdback +
			is.Release + is.FeeRefund + is.TaxRefund + is.Deposit},
	} {
		if pair[0] != pair[1] {
			tb.Errorf("payout %s of %s %s: %s is %d, the rows give %d",
				p.PaymentReference, p.Date.Format(time.DateOnly), p.Currency, name, pair[0], pair[1])
		}
	}
	if is.Settlement < 0 && p.SettlementType != "GROSS_FEE" {
		tb.Errorf("payout %s pays %d", p.PaymentReference, is.Settlement)
	}
	if is.Repay < 0 || is.Deposit < 0 || is.ClosingDebt < 0 || is.Repay > is.OpeningDebt {
		tb.Errorf("payout %s has an impossible debt: %+v", p.PaymentReference, is)
	}
}
