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

// effect returns what rows of a type do to the merchant's money.
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
			t[settlement.TotalCommissionReversal] += amount
		case r.Type == "SALE":
			t[settlement.TotalSale] += amount
		case r.Type == "RETURN":
			t[settlement.TotalReturn] += amount
		case r.Type == "REVERSAL":
			t[settlement.TotalReversal] += amount
		case r.Type == "REVERSAL_MERCHANT_PROTECTION":
			t[settlement.TotalReversal] -= amount
		case r.Type == "COMMISSION":
			t[settlement.TotalCommission] += amount
		case r.Type == "CORRECTION":
			t[settlement.TotalFeeCorrection] += r.Amount
		case r.Type == "CHARGE":
			t[settlement.TotalCharge] += amount
		case r.Type == "CREDIT":
			t[settlement.TotalCredit] += amount
		case r.Type == "HOLDBACK":
			t[settlement.TotalHoldback] += amount
		case r.Type == "RELEASE":
			t[settlement.TotalRelease] += amount
		case !totalled:
		case r.Type == "TAX":
			t[settlement.TotalTax] += amount
		case r.Type == "FEE":
			t[settlement.TotalFee] += amount
			t[settlement.TotalTax] += vat
		case r.Type == "FEE_REFUND":
			t[settlement.TotalFeeRefund] += amount
			if c.habits.taxNet {
				t[settlement.TotalTax] -= vat
			} else {
				t[settlement.TotalTaxRefund] += vat
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
	totals[settlement.TotalOpeningDebt] = rapid.SampledFrom([]int64{0, 0, 50_000}).Draw(t, "opening debt")
	totals[settlement.TotalSettlement] = c.Cash
	switch {
	case c.Payout.Type == settlement.GrossFee:
		totals[settlement.TotalSettlement] *= rapid.SampledFrom([]int64{1, -1, 0}).Draw(t, "bill stated as")
	case c.Cash > 0:
		totals[settlement.TotalRepay] = min(totals[settlement.TotalOpeningDebt], rapid.Int64Range(0, c.Cash).Draw(t, "repay"))
		totals[settlement.TotalSettlement] -= totals[settlement.TotalRepay]
	case c.Cash < 0 && !c.habits.negativeCollected:
		totals[settlement.TotalDeposit] = -c.Cash
		if !c.habits.negativeCarried {
			totals[settlement.TotalSettlement] = 0
		}
	}
	totals[settlement.TotalClosingDebt] = totals[settlement.TotalOpeningDebt] - totals[settlement.TotalRepay] + totals[settlement.TotalDeposit]
	if rapid.Bool().Draw(t, "previous known") {
		c.Previous = &settlement.Debt{PaymentReference: "before", Closing: totals[settlement.TotalOpeningDebt]}
	}
}

// OneApart tells the rare cases in which two readings of Klarna's figures differ
// by a single minor unit, where a figure that is one off can be the other
// reading.
func (c *Case) OneApart() bool {
	t := &c.Payout.Totals
	fees := t[settlement.TotalFeeRefund] + t[settlement.TotalTaxRefund] - t[settlement.TotalFee] - t[settlement.TotalTax]
	bill := c.Payout.Type == settlement.GrossFee && abs(c.Cash) <= 2
	return t[settlement.TotalDeposit] == 1 || abs(fees) == 1 || bill
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
		"sale": &t[settlement.TotalSale], "return": &t[settlement.TotalReturn], "reversal": &t[settlement.TotalReversal], "fee": &t[settlement.TotalFee],
		"fee_correction": &t[settlement.TotalFeeCorrection], "fee_refund": &t[settlement.TotalFeeRefund], "tax": &t[settlement.TotalTax],
		"tax_refund": &t[settlement.TotalTaxRefund], "commission": &t[settlement.TotalCommission],
		"commission_reversal": &t[settlement.TotalCommissionReversal], "charge": &t[settlement.TotalCharge], "credit": &t[settlement.TotalCredit],
		"holdback": &t[settlement.TotalHoldback], "release": &t[settlement.TotalRelease], "repay": &t[settlement.TotalRepay], "deposit": &t[settlement.TotalDeposit],
		"opening_debt": &t[settlement.TotalOpeningDebt], "closing_debt": &t[settlement.TotalClosingDebt], "settlement": &t[settlement.TotalSettlement],
	}
}
