// Package settlementtest draws payouts for property tests: rows of every kind
// that Klarna knows, and the totals that Klarna would report of them.
//
// The totals come from a model of its own, written as plainly as possible; it
// must never call what it is used to test.
package settlementtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"pgregory.net/rapid"

	"kvitt/internal/settlement"
)

// Case is a payout with its rows, as Klarna would deliver them.
type Case struct {
	Payout   settlement.Payout
	Rows     []settlement.Row
	Previous *settlement.Debt
	Cash     int64 // what the rows that move money come to, debt left out

	habits habits
}

// habits are what Klarna leaves open; a case has one of each.
type habits struct {
	signedRows        bool // rows come with the sign of their effect
	commissionApart   bool // COMMISSION_RETURN rows are summed as commission_reversal
	taxNet            bool // tax is net of the VAT of fee refunds
	grossFeesInTotals bool // a GROSS payout totals the fees that it does not deduct
	negativeCarried   bool // a negative payout stays negative, and is carried as debt
	negativeCollected bool // a negative payout is collected, debt does not change
}

// Draw draws a payout of any settlement type. Every amount is at least two minor
// units, so that no two readings of Klarna's figures are only one apart.
func Draw(t *rapid.T) Case {
	flag := func(label string) bool { return rapid.Bool().Draw(t, label) }
	c := Case{
		Payout: settlement.Payout{
			PaymentReference:     rapid.StringMatching(`[0-9]{6,18}`).Draw(t, "payment reference"),
			MerchantID:           "K100001",
			Date:                 time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 8760).Draw(t, "hour")) * time.Hour),
			Currency:             rapid.SampledFrom([]settlement.Currency{"SEK", "NOK", "EUR", "JPY"}).Draw(t, "currency"),
			RegistrationCurrency: "SEK",
			Type:                 rapid.SampledFrom([]settlement.SettlementType{settlement.Net, settlement.Net, settlement.Gross, settlement.GrossFee}).Draw(t, "type"),
		},
		habits: habits{
			signedRows: flag("signed rows"), commissionApart: flag("commission apart"), taxNet: flag("tax net"),
			grossFeesInTotals: flag("gross fees in totals"), negativeCarried: flag("negative carried"),
			negativeCollected: flag("negative collected"),
		},
	}
	kinds := kindsOf(c.Payout.Type)
	for i := range rapid.IntRange(0, 30).Draw(t, "rows") {
		c.Rows = append(c.Rows, c.drawRow(t, i, rapid.SampledFrom(kinds).Draw(t, "kind")))
	}
	c.total()
	c.settle(t)
	return c
}

func kindsOf(typ settlement.SettlementType) []settlement.Kind {
	var kinds []settlement.Kind
	for _, k := range append(settlement.Kinds(), settlement.Kind{Type: settlement.TypeTax, DetailedType: "VAT"}) {
		if typ != settlement.GrossFee || isFee(k.Type) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func isFee(typ string) bool {
	return typ == settlement.TypeFee || typ == settlement.TypeFeeRefund || typ == settlement.TypeTax
}

func (c *Case) drawRow(t *rapid.T, i int, k settlement.Kind) settlement.Row {
	r := settlement.Row{
		Type: k.Type, DetailedType: k.DetailedType,
		Amount:      rapid.Int64Range(2, 1_000_000).Draw(t, "amount"),
		Currency:    c.Payout.Currency,
		Country:     rapid.SampledFrom([]string{"SE", "NO", ""}).Draw(t, "country"),
		MerchantID:  rapid.SampledFrom([]string{"K100001", ""}).Draw(t, "merchant"),
		OrderID:     fmt.Sprintf("order-%d", i),
		CaptureDate: c.Payout.Date.Add(-time.Duration(i) * time.Hour),
	}
	if (k.Type == settlement.TypeFee || k.Type == settlement.TypeFeeRefund) && rapid.Bool().Draw(t, "with VAT") {
		r.VAT = r.Amount/4 + 2
		r.VATRate = 2500
		r.TaxInRegistrationCurrency = r.VAT * 11 / 10
	}
	if k.Type == settlement.TypeCorrection && rapid.Bool().Draw(t, "against the merchant") {
		r.Amount = -r.Amount
	}
	if c.habits.signedRows && effect(r.Type) < 0 {
		r.Amount, r.VAT = -r.Amount, -r.VAT
	}
	return r
}

// effect is what rows of a type do to the merchant's money.
func effect(typ string) int64 {
	switch typ {
	case "SALE", "COMMISSION", "RELEASE", "CREDIT", "FEE_REFUND", "REVERSAL_MERCHANT_PROTECTION", "CORRECTION":
		return +1
	default:
		return -1
	}
}

// takesBack tells COMMISSION rows that Klarna may sum as commission_reversal.
func takesBack(r *settlement.Row) bool {
	switch r.DetailedType {
	case "COMMISSION_RETURN", "COMMISSION_RETURN_GROSS", "REVENUE_SHARE_REVERSAL":
		return true
	}
	return false
}

func abs(n int64) int64 { return max(n, -n) }

// total sums the rows into Klarna's totals and into cash.
func (c *Case) total() {
	t := &c.Payout.Totals
	for i := range c.Rows {
		r := &c.Rows[i]
		amount, vat := abs(r.Amount), abs(r.VAT)
		apart := c.habits.commissionApart && takesBack(r)
		deducted := c.Payout.Type != settlement.Gross || !isFee(r.Type)
		totalled := deducted || c.habits.grossFeesInTotals
		if deducted {
			c.Cash += c.cashOf(r)
		}
		switch {
		case apart && (r.Type == "REVERSAL" || r.Type == "COMMISSION"):
			t.CommissionReversal += amount
		case r.Type == "SALE":
			t.Sale += amount
		case r.Type == "RETURN":
			t.Return += amount
		case r.Type == "REVERSAL":
			t.Reversal += amount
		case r.Type == "REVERSAL_MERCHANT_PROTECTION":
			t.Reversal -= amount
		case r.Type == "COMMISSION":
			t.Commission += amount
		case r.Type == "CORRECTION":
			t.FeeCorrection += r.Amount
		case r.Type == "CHARGE":
			t.Charge += amount
		case r.Type == "CREDIT":
			t.Credit += amount
		case r.Type == "HOLDBACK":
			t.Holdback += amount
		case r.Type == "RELEASE":
			t.Release += amount
		case !totalled:
		case r.Type == "TAX":
			t.Tax += amount
		case r.Type == "FEE":
			t.Fee += amount
			t.Tax += vat
		case r.Type == "FEE_REFUND":
			t.FeeRefund += amount
			if c.habits.taxNet {
				t.Tax -= vat
			} else {
				t.TaxRefund += vat
			}
		}
	}
}

func (c *Case) cashOf(r *settlement.Row) int64 {
	switch {
	case r.Type == "CORRECTION":
		return r.Amount
	case r.Type == "COMMISSION" && c.habits.commissionApart && takesBack(r):
		return -abs(r.Amount)
	default:
		return effect(r.Type) * (abs(r.Amount) + abs(r.VAT))
	}
}

// settle draws the debt and computes the settlement amount.
func (c *Case) settle(t *rapid.T) {
	totals := &c.Payout.Totals
	totals.OpeningDebt = rapid.SampledFrom([]int64{0, 0, 50_000}).Draw(t, "opening debt")
	totals.Settlement = c.Cash
	switch {
	case c.Payout.Type == settlement.GrossFee:
		totals.Settlement *= rapid.SampledFrom([]int64{1, -1, 0}).Draw(t, "bill stated as")
	case c.Cash > 0:
		totals.Repay = min(totals.OpeningDebt, rapid.Int64Range(0, c.Cash).Draw(t, "repay"))
		totals.Settlement -= totals.Repay
	case c.Cash < 0 && !c.habits.negativeCollected:
		totals.Deposit = -c.Cash
		if !c.habits.negativeCarried {
			totals.Settlement = 0
		}
	}
	totals.ClosingDebt = totals.OpeningDebt - totals.Repay + totals.Deposit
	if rapid.Bool().Draw(t, "previous known") {
		c.Previous = &settlement.Debt{PaymentReference: "before", Closing: totals.OpeningDebt}
	}
}

// OneApart tells the rare cases in which two readings of Klarna's figures differ
// by a single minor unit, where a figure that is one off can be the other
// reading.
func (c *Case) OneApart() bool {
	t := &c.Payout.Totals
	fees := t.FeeRefund + t.TaxRefund - t.Fee - t.Tax
	bill := c.Payout.Type == settlement.GrossFee && abs(c.Cash) <= 2
	return t.Deposit == 1 || abs(fees) == 1 || bill
}

// FeesUntotalled tells a GROSS payout whose fee rows are in no total.
func (c *Case) FeesUntotalled() bool {
	return c.Payout.Type == settlement.Gross && !c.habits.grossFeesInTotals
}

// Tally sums the rows in an order that seed chooses.
func (c *Case) Tally(seed uint64) *settlement.Tally {
	rows := append([]settlement.Row(nil), c.Rows...)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // an order, not a secret
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	tally := settlement.NewTally(c.Payout.Currency)
	for i := range rows {
		tally.Add(&rows[i])
	}
	return tally
}

// Prove proves the case.
func (c *Case) Prove() (*settlement.Proof, error) {
	return settlement.Prove(c.Payout, c.Tally(0), int64(len(c.Rows)), c.Previous)
}

// Totals names the totals of a payout, to disturb one of them.
func Totals(p *settlement.Payout) map[string]*int64 {
	t := &p.Totals
	return map[string]*int64{
		"sale": &t.Sale, "return": &t.Return, "reversal": &t.Reversal, "fee": &t.Fee,
		"fee_correction": &t.FeeCorrection, "fee_refund": &t.FeeRefund, "tax": &t.Tax,
		"tax_refund": &t.TaxRefund, "commission": &t.Commission,
		"commission_reversal": &t.CommissionReversal, "charge": &t.Charge, "credit": &t.Credit,
		"holdback": &t.Holdback, "release": &t.Release, "repay": &t.Repay, "deposit": &t.Deposit,
		"opening_debt": &t.OpeningDebt, "closing_debt": &t.ClosingDebt, "settlement": &t.Settlement,
	}
}
