package voucher_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// A payout of 2 February with captures on both sides of the month's end:
// 23:30 UTC on 31 January is February in Stockholm.
func acrossTheMonth(t *testing.T, p *voucher.Profile) (*settlement.Proof, *voucher.Days) {
	t.Helper()
	paid := payout(settlement.Totals{settlement.TotalSale: 300_00, settlement.TotalReturn: 20_00, settlement.TotalFee: 8_00, settlement.TotalTax: 2_00, settlement.TotalHoldback: 5_00, settlement.TotalSettlement: 265_00})
	paid.Date = time.Date(2026, 2, 2, 6, 0, 0, 0, time.UTC)
	days := voucher.NewDays("SEK", p.Location())
	var rows []settlement.Row
	for _, r := range []struct {
		at string
		settlement.Row
	}{
		{"2026-01-30T10:00:00Z", row("SALE/PURCHASE", 100_00)},
		{"2026-01-31T22:59:59Z", row("RETURN/PURCHASE_RETURN", 20_00)},
		{"2026-01-30T10:00:00Z", row("FEE/PURCHASE_FEE_PERCENTAGE", 3_00, 75)},
		{"2026-01-31T23:30:00Z", row("SALE/PURCHASE", 200_00)},
		{"2026-02-01T09:00:00Z", row("FEE/PURCHASE_FEE_PERCENTAGE", 5_00, 1_25)},
		{"", row("HOLDBACK/ROLLING_RESERVE", 5_00)},
	} {
		var at time.Time
		if r.at != "" {
			var err error
			if at, err = time.Parse(time.RFC3339, r.at); err != nil {
				t.Fatal(err)
			}
		}
		days.Add(at, &r.Row)
		rows = append(rows, r.Row)
	}
	return prove(t, paid, rows...), days
}

func january(t *testing.T, p *voucher.Profile) *voucher.Accrued {
	t.Helper()
	proof, days := acrossTheMonth(t, p)
	return &voucher.Accrued{
		MerchantID: "K100001", Company: target.Company, At: voucher.Date{Year: 2026, Month: 1, Day: 31}, Currency: "SEK",
		PaymentReference: proof.Payout.PaymentReference, Shares: []voucher.Share{upTo(t, days, proof, voucher.Date{Year: 2026, Month: 1, Day: 31})},
	}
}

func upTo(tb testing.TB, days *voucher.Days, proof *settlement.Proof, day voucher.Date) voucher.Share {
	tb.Helper()
	captures := days.Captures(proof)
	share, err := captures.UpTo(day)
	if err != nil {
		tb.Fatal(err)
	}
	return share
}

func TestWhatOfAPayoutBelongsToTheMonthBefore(t *testing.T) {
	p := accruing(t, accrues)
	proof, days := acrossTheMonth(t, p)
	if days.Undated != 0 {
		t.Errorf("%d rows of captures are undated, and only a holdback is", days.Undated)
	}
	v, err := voucher.Accrue(p, january(t, p))
	if err != nil {
		t.Fatal(err)
	}
	wantTable(t, v, `
1790          76.25               Klarna, debiterat, ej utbetalt 2026-01-31 1234567890
1686          20.00               Klarna: returer
1686                      100.00  Klarna: försäljning
6064           3.00               Klarna: avgift, procent
2648           0.75               Klarna: moms på avgift
             100.00       100.00`)
	if want := v.Token + " Klarna 1234567890 till 2026-01-31"; v.Description != want || !v.AutoReversing {
		t.Errorf("described as %q, takes itself back: %v", v.Description, v.AutoReversing)
	}
	whole := compile(t, p, proof)
	whole.Earlier = []voucher.Part{{At: v.Date, Period: "202601", Batch: v}}
	if err := whole.Check(); err != nil {
		t.Error(err)
	}
	days.Add(time.Time{}, &settlement.Row{Type: settlement.TypeSale})
	if days.Undated != 1 {
		t.Error("a sale without a date was not told of")
	}
}

func TestThePartOfAPayoutHasATokenOfItsOwnForEachPeriodAndNoOther(t *testing.T) {
	p := accruing(t, accrues)
	token := func(change func(*voucher.Accrued)) string {
		a := january(t, p)
		change(a)
		return a.Token()
	}
	own := token(func(*voucher.Accrued) {})
	if again := token(func(a *voucher.Accrued) { a.Shares[0].Components[0].Amount++; a.Currency = "EUR" }); again != own {
		t.Error("the token depends on the amounts")
	}
	for what, other := range map[string]string{
		"another payout":  token(func(a *voucher.Accrued) { a.PaymentReference = "1234567891" }),
		"another period":  token(func(a *voucher.Accrued) { a.At.Day = 30 }),
		"all payouts":     token(func(a *voucher.Accrued) { a.PaymentReference = "" }),
		"another company": token(func(a *voucher.Accrued) { a.Company = "2" }),
		"the payout":      voucher.Token("K100001", "1234567890", target.Company, 0),
	} {
		if other == own {
			t.Errorf("%s has the same token", what)
		}
	}
}

// Who approves a payout approves its parts; the posting of the payout itself
// stays the same whatever becomes of them.
func TestTheSealCoversThePartsAndTheHashDoesNot(t *testing.T) {
	p := accruing(t, accrues)
	proof, _ := acrossTheMonth(t, p)
	part, err := voucher.Accrue(p, january(t, p))
	if err != nil {
		t.Fatal(err)
	}
	v := compile(t, p, proof)
	plain := v.Hash()
	if v.Seal() != plain || v.Splits() {
		t.Error("a voucher without parts is sealed by something else than its hash")
	}
	v.Earlier = []voucher.Part{{At: part.Date, Period: "202601", Why: "closed"}}
	if v.Seal() != plain || v.Splits() {
		t.Error("a part that is not booked is sealed")
	}
	v.Earlier[0].Batch = part
	sealed := v.Seal()
	if sealed == plain || v.Hash() != plain || !v.Splits() {
		t.Error("the seal does not cover the part, or the hash does")
	}
	v.Earlier[0].Period = "202602"
	if v.Seal() == sealed {
		t.Error("another period has the same seal")
	}
	if back := voucher.Mirror(p, reversed(v)); back.Earlier != nil {
		t.Error("a reversal takes the parts along, which take themselves back")
	}
}

func TestAPartThatWouldNotTakeItselfBackIsRefused(t *testing.T) {
	p := accruing(t, accrues)
	for name, spoil := range map[string]func(*voucher.Part){
		"stays":      func(part *voucher.Part) { part.Batch.AutoReversing = false },
		"same day":   func(part *voucher.Part) { part.At.Month, part.Batch.Date.Month = 3, 3 },
		"its token":  func(part *voucher.Part) { part.Batch.Token = voucher.Token("K100001", "1234567890", target.Company, 0) },
		"unbalanced": func(part *voucher.Part) { part.Batch.Lines[0].Debit++ },
	} {
		proof, _ := acrossTheMonth(t, p)
		batch, err := voucher.Accrue(p, january(t, p))
		if err != nil {
			t.Fatal(err)
		}
		v := compile(t, p, proof)
		v.Earlier = []voucher.Part{{At: batch.Date, Period: "202601", Batch: batch}}
		spoil(&v.Earlier[0])
		var unbalanced *voucher.UnbalancedError
		if err := v.Check(); !errors.As(err, &unbalanced) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASplitNeedsToKnowWhereItGoes(t *testing.T) {
	const policy = "policy: hold"
	text := strings.Replace(withAccrual(t, ""), policy, policy+"\n  split: true", 1)
	_, err := voucher.ParseProfile([]byte(text))
	var wrong *voucher.ProfileError
	if !errors.As(err, &wrong) || wrong.Line == 0 || !strings.Contains(err.Error(), `no "accrual"`) {
		t.Errorf("%v", err)
	}
	if p, err := voucher.ParseProfile([]byte(text + accrues)); err != nil || !p.Periods.Split || p.Periods.Policy != voucher.HoldPeriod {
		t.Errorf("%v", err)
	}
}
