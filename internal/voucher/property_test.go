package voucher_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kvitt/internal/settlement"
	"kvitt/internal/settlement/settlementtest"
	"kvitt/internal/voucher"
)

// Whatever Klarna settles, the voucher balances and its bank line is the
// settlement amount, or the payout is held with the exact difference.
func TestAVoucherBalancesAndItsBankLineIsTheSettlementAmount(t *testing.T) {
	profile := firstRelease(t, "se-bas", "vat:\n", "vat:\n  reverse_charge: false\n")
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		proof, err := c.Prove()
		if err != nil {
			var m *settlement.Mismatch
			if !errors.As(err, &m) || m.Difference != 0 || m.Code() != "formula_differs" {
				t.Fatalf("held although it settles: %v", err)
			}
			return // two readings are exact
		}
		v, err := voucher.Compile(profile, proof, target)
		if err != nil {
			explained(t, &c, proof, err)
			return
		}
		var debit, credit, bank, bill, rest int64
		for _, l := range v.Lines {
			if l.Debit < 0 || l.Credit < 0 || l.Debit > 0 == (l.Credit > 0) {
				t.Fatalf("line %+v has not exactly one side", l)
			}
			debit, credit = debit+l.Debit, credit+l.Credit
			switch l.Role {
			case voucher.RoleSettlement:
				bank += l.Debit - l.Credit
			case voucher.RoleInvoice:
				bill += l.Credit - l.Debit
			case voucher.RoleComponent, voucher.RoleVAT:
				rest += l.Credit - l.Debit
			case voucher.RoleDebt: // a reminder is rows too
				if len(l.Components) > 0 {
					rest += l.Credit - l.Debit
				}
			}
		}
		if debit != credit {
			t.Fatalf("debit %d, credit %d", debit, credit)
		}
		if rest != c.Cash {
			t.Fatalf("the components are booked as %d, and the rows moved %d", rest, c.Cash)
		}
		if c.Payout.Type == settlement.GrossFee {
			if bank != 0 || bill != -c.Cash || v.Invoice != bill {
				t.Fatalf("bank %d, bill %d, voucher says %d, rows say %d", bank, bill, v.Invoice, -c.Cash)
			}
		} else if bank != max(c.Payout.Totals[settlement.TotalSettlement], 0) || v.Settlement != c.Payout.Totals[settlement.TotalSettlement] || bill != 0 {
			t.Fatalf("bank line %d, settlement amount %d", bank, c.Payout.Totals[settlement.TotalSettlement])
		}
		var again voucher.Voucher
		doc, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(doc, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*v, again); diff != "" {
			t.Fatalf("it does not survive JSON:\n%s", diff)
		}
	})
}

// explained checks the two ways in which a proven payout may end without a
// voucher: there is nothing in it, or it is held for a reason that is right.
func explained(t *rapid.T, c *settlementtest.Case, proof *settlement.Proof, err error) {
	var nothing *voucher.NothingToBookError
	if errors.As(err, &nothing) {
		if c.Cash != 0 || c.Payout.Totals[settlement.TotalRepay] != 0 || c.Payout.Totals[settlement.TotalDeposit] != 0 {
			t.Fatalf("nothing to book in a payout that moves %d", c.Cash)
		}
		return
	}
	t.Fatalf("held although it settles: %v (%v)", err, proof.Variants)
}

// A total that is one minor unit off never reaches the books.
func TestATotalThatIsOneOreOffIsAlwaysCaught(t *testing.T) {
	profile := firstRelease(t, "se-bas", "vat:\n", "vat:\n  reverse_charge: false\n")
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		if _, err := c.Prove(); err != nil || c.OneApart() {
			t.Skip("not provable, or two readings are one apart")
		}
		totals := settlementtest.Totals(&c.Payout)
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(totals))).Draw(t, "total")
		*totals[name] += rapid.SampledFrom([]int64{-1, 1}).Draw(t, "by")
		proof, err := c.Prove()
		if err != nil {
			return
		}
		if v, err := voucher.Compile(profile, proof, target); err == nil {
			t.Fatalf("%s_amount is one off, and it is booked (%v):\n%s", name, proof.Variants, table(v))
		}
	})
}

func TestCompilingDependsOnNothingButTheSums(t *testing.T) {
	profile := firstRelease(t, "se-bas", "vat:\n", "vat:\n  reverse_charge: false\n")
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		proof, err := c.Prove()
		if err != nil {
			t.Skip("not provable")
		}
		want, wantErr := voucher.Compile(profile, proof, target)
		other, err := settlement.Prove(c.Payout, c.Tally(rapid.Uint64().Draw(t, "order")), int64(len(c.Rows)), c.Previous)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(other.Components)
		got, gotErr := voucher.Compile(profile, other, target)
		if wantErr != nil || gotErr != nil {
			if wantErr == nil || gotErr == nil || wantErr.Error() != gotErr.Error() {
				t.Fatalf("once %v, once %v", wantErr, gotErr)
			}
			return
		}
		if diff := cmp.Diff(want, got); diff != "" || want.Hash() != got.Hash() {
			t.Fatalf("the voucher depends on the order:\n%s", diff)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	p, rows := nordicWeek("SEK", 100, 25)
	profile, proof := preset(b, "se-bas"), prove(b, p, rows...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := voucher.Compile(profile, proof, target); err != nil {
			b.Fatal(err)
		}
	}
}
