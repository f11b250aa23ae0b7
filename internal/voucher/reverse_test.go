package voucher_test

import (
	"strings"
	"testing"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

func reversed(v *voucher.Voucher) voucher.Reversed {
	return voucher.Reversed{Voucher: v, MerchantID: "K123456", Company: "42", Batch: "000123"}
}

func TestTheReversalOfAVoucher(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	profile := firstRelease(t, "se-bas")
	v := compile(t, profile, prove(t, p, rows...))
	back := voucher.Mirror(profile, reversed(v))
	if err := back.Check(); err != nil {
		t.Fatal(err)
	}
	wantTable(t, back, `
1930                    85900.00  Reverses 000123, 2026-01-30: Klarna payout 1234567890
1686                     8000.00  Reverses 000123, 2026-01-30: Klarna returns
1686      100000.00               Reverses 000123, 2026-01-30: Klarna sales
1689                     5000.00  Reverses 000123, 2026-01-30: Klarna reserve held back
1689        2000.00               Reverses 000123, 2026-01-30: Klarna reserve released
6064                      480.00  Reverses 000123, 2026-01-30: Klarna fee, fixed
6064                     2000.00  Reverses 000123, 2026-01-30: Klarna fee, percentage
2641                      620.00  Reverses 000123, 2026-01-30: Klarna fee VAT
          102000.00    102000.00`)
	if want := back.Token + " Reverses 000123, 2026-01-30"; back.Description != want {
		t.Errorf("described as %q, want %q", back.Description, want)
	}
	if back.Reverses != "000123" || back.Settlement != -v.Settlement || v.Reverses != "" {
		t.Errorf("reverses %q, settlement %d", back.Reverses, back.Settlement)
	}
}

func TestAVoucherAndItsReversalComeToZeroOnEveryAccount(t *testing.T) {
	bill := payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: -125_00})
	bill.Type = settlement.GrossFee
	carried := payout(settlement.Totals{settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00, settlement.TotalDeposit: 50_00, settlement.TotalClosingDebt: 50_00})
	profile := firstRelease(t, "se-bas")
	for name, v := range map[string]*voucher.Voucher{
		"a fee bill":     compile(t, profile, prove(t, bill, row("FEE/SERVICING_FEE", 100_00, 25_00))),
		"a carried debt": compile(t, profile, prove(t, carried, row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 150_00))),
	} {
		back := voucher.Mirror(profile, reversed(v))
		if err := back.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, account := range v.Accounts() {
			if sum := balance(v, account) + balance(back, account); sum != 0 {
				t.Errorf("%s: account %s is left with %d", name, account, sum)
			}
		}
		if len(back.Lines) != len(v.Lines) {
			t.Errorf("%s: %d lines mirror %d", name, len(back.Lines), len(v.Lines))
		}
	}
}

func TestEachRevisionHasATokenOfItsOwn(t *testing.T) {
	seen := map[string]int{}
	for revision := range 6 {
		token := voucher.Token("K1", "10001", "42", revision)
		if other, ok := seen[token]; ok {
			t.Errorf("revisions %d and %d share a token", other, revision)
		}
		seen[token] = revision
		if voucher.IsReversal(revision) != (revision%2 == 1) {
			t.Errorf("revision %d", revision)
		}
	}
	v := &voucher.Voucher{PaymentReference: "10001"}
	got := voucher.Mirror(firstRelease(t, "se-bas"), voucher.Reversed{Voucher: v, MerchantID: "K1", Company: "42", Revision: 2})
	if got.Token != voucher.Token("K1", "10001", "42", 3) {
		t.Error("the reversal of revision 2 is not revision 3")
	}
}

func TestAVoucherThatIsMovedKeepsItsOwnDayInTheText(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	for name, change := range map[string][]string{
		"a description with the day":     nil,
		"a description without it":       {"{payment_reference} {currency} {payout_date}", "{payment_reference}"},
		"one that fills all there is":    {"Klarna {payment_reference} {currency} {payout_date}", "Utbetalning Klarna {payment_reference}"},
		"a line that fills all there is": {`text: "Klarna sales"`, `text: "` + strings.Repeat("x", 60) + `"`},
	} {
		v := compile(t, firstRelease(t, "se-bas", change...), prove(t, p, rows...))
		before, token := v.Date, v.Token
		v.MoveTo(voucher.Date{Year: 2026, Month: 3, Day: 1})
		if err := v.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(v.Description, before.String()) || !strings.HasPrefix(v.Description, token) || v.Date.String() != "2026-03-01" {
			t.Errorf("%s: %s %q", name, v.Date, v.Description)
		}
		for _, l := range v.Lines {
			if !strings.Contains(l.Text, before.String()) {
				t.Errorf("%s: the line %q does not name %s", name, l.Text, before)
			}
		}
		hash := v.Hash()
		v.MoveTo(v.Date)
		if v.Hash() != hash {
			t.Errorf("%s: moving to the same day changes it", name)
		}
	}
}

// A negative payout is taken back as it was booked: as debt, or by a release before
// this one on the bank account.
func TestANegativePayoutIsTakenBackAsItWasBooked(t *testing.T) {
	p := preset(t, "se-bas")
	v := compile(t, p, prove(t, payout(settlement.Totals{settlement.TotalReturn: 50, settlement.TotalSettlement: -50}), row("RETURN/PURCHASE_RETURN", 50)))
	before := *v
	before.Lines = append([]voucher.Line(nil), v.Lines...)
	before.Lines[1].Role, before.Lines[1].Account = voucher.RoleSettlement, "1930"
	for name, booked := range map[string]*voucher.Voucher{"as debt": v, "on the bank account": &before} {
		mirror := voucher.Mirror(p, voucher.Reversed{Voucher: booked, MerchantID: "K100001", Company: "5566778899", Batch: "17"})
		if err := mirror.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
