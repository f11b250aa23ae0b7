package voucher_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvitt/internal/settlement"
	"kvitt/internal/settlement/settlementtest"
	"kvitt/internal/voucher"
)

// Whatever is wrong with a payout, accepting just the differences that it is held
// for leads to a voucher that balances and whose bank line is what Klarna paid.
func TestAcceptingWhatIsFoundAlwaysLeadsToAVoucher(t *testing.T) {
	profile := preset(t, "se-bas", "components:\n", "components:\n  CORRECTION/*: {account: suspense, vat_account: suspense}\n")
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		disturb(t, &c)
		announced := int64(len(c.Rows)) + rapid.SampledFrom([]int64{0, 0, 1}).Draw(t, "missing rows")
		var accepted []settlement.Accepted
		for range 30 {
			proof, err := settlement.Prove(c.Payout, c.Tally(0), announced, c.Previous, accepted...)
			var v *voucher.Voucher
			if err == nil {
				v, err = voucher.Compile(profile, proof, target)
			}
			if err == nil {
				acceptedVoucher(t, &c, proof, v)
				return
			}
			more, ok := answer(t, err)
			if !ok {
				return
			}
			accepted = append(accepted, more...)
		}
		t.Fatalf("it is still held after %+v", accepted)
	})
}

// disturb makes some of Klarna's figures wrong, and some rows strange.
func disturb(t *rapid.T, c *settlementtest.Case) {
	totals := settlementtest.Totals(&c.Payout)
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		if rapid.IntRange(0, 5).Draw(t, "disturb "+name) == 0 {
			*totals[name] += rapid.Int64Range(0, 1000).Draw(t, name)
		}
	}
	for i := range c.Rows {
		switch r := &c.Rows[i]; rapid.IntRange(0, 20).Draw(t, "strange row") {
		case 0:
			r.Type = rapid.SampledFrom([]string{"ADJUSTMENT", "BONUS"}).Draw(t, "new type")
		case 1:
			r.Currency = "USD"
		case 2:
			r.VAT, r.VATRate = r.Amount/4, 2500
		case 3:
			r.Amount = -r.Amount
		}
	}
}

// answer accepts what an error names. ok is false for what nobody can accept.
func answer(t *rapid.T, err error) (accepted []settlement.Accepted, ok bool) {
	var m *settlement.Mismatch
	var u *voucher.UnexplainedError
	var nothing *voucher.NothingToBookError
	switch {
	case errors.As(err, &m) && !settlement.Acceptable(m.HeldCode), errors.As(err, &nothing):
		return nil, false
	case errors.As(err, &m) && m.Readings != nil:
		return []settlement.Accepted{accept(m.HeldCode, rapid.SampledFrom(m.Readings).Draw(t, "reading"), 0, "")}, true
	case errors.As(err, &m):
		accepted = append(accepted, accept(m.HeldCode, m.Component, m.Difference, "9999"))
		for _, d := range m.Also {
			accepted = append(accepted, accept(m.HeldCode, d.Component, d.Difference, "9999"))
		}
		return accepted, true
	case errors.As(err, &u) && u.Component != "":
		return []settlement.Accepted{accept(u.HeldCode, u.Component, u.Difference, "9999")}, true
	}
	var vat *voucher.VATRateError
	if errors.As(err, &vat) {
		return nil, false // a VAT of another rate is no difference
	}
	t.Fatalf("nobody can answer %v", err)
	return nil, false
}

func acceptedVoucher(t *rapid.T, c *settlementtest.Case, proof *settlement.Proof, v *voucher.Voucher) {
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	var bank, bill, carried, rest int64
	for _, l := range v.Lines {
		switch l.Role {
		case voucher.RoleSettlement:
			bank += l.Debit - l.Credit
		case voucher.RoleInvoice:
			bill += l.Credit - l.Debit
		case voucher.RoleCarried:
			carried += l.Credit - l.Debit
		default:
			rest += l.Credit - l.Debit
		}
	}
	paid := c.Payout.Totals[settlement.TotalSettlement]
	if c.Payout.Type == settlement.GrossFee {
		if bank != 0 || bill != -rest || paid != 0 && paid != bill && paid != -bill {
			t.Fatalf("bank %d, bill %d, Klarna states %d", bank, bill, paid)
		}
		return
	}
	if bank != max(paid, 0) || carried != max(-paid, 0) || rest != paid {
		t.Fatalf("bank %d, carried %d, the rest %d, and Klarna paid %d: %+v", bank, carried, rest, paid, proof.Accepted)
	}
}
