package year

import (
	"strconv"
	"strings"

	"kvitt/sandbox/shop"
)

// eachCharge goes through what Klarna charged and paid back to the shop for its services: fees, refunded
// fees, commission. A GROSS payout only lists its fees; they are charged by the GROSS_FEE invoice.
func (w *world) eachCharge(f func(month monthly, r *shop.Row, amount, vat int64)) {
	var r shop.Row
	for _, p := range w.shop.Payouts() {
		month := monthly{w.day(p.Date).Format("2006-01"), p.Currency}
		for i := range p.Rows.Len() {
			p.Rows.Row(i, &r)
			switch {
			case r.Type == shop.TypeCommission:
				f(month, &r, 0, 0)
			case p.SettlementType == shop.Gross:
			case r.Type == shop.TypeFee:
				f(month, &r, r.Amount, r.VAT)
			case r.Type == shop.TypeFeeRefund:
				f(month, &r, -r.Amount, -r.VAT)
			}
		}
	}
}

// vatSums are the sums of a VAT return for one code.
type vatSums struct{ base, input, output, lines int64 }

// checkVATReturn makes each month's VAT return on Klarna's fees from Visma.net's VAT transactions. Where
// Klarna charges VAT, taxable amount and input VAT equal what it charged, to the minor unit. Where it
// charges none, the taxable amount is the fees, and the buyer owes and deducts the same tax on it.
func (w *world) checkVATReturn() {
	want, got := map[monthly]vatSums{}, map[monthly]vatSums{}
	w.eachCharge(func(month monthly, r *shop.Row, amount, vat int64) {
		if r.Type == shop.TypeCommission || w.country.feeRate != 0 && r.VATRate == 0 {
			return
		}
		s := want[month]
		s.base, s.input = s.base+amount, s.input+vat
		want[month] = s
	})
	for _, v := range w.visma.VATTransactions("") {
		month := monthly{v.Date.Format("2006-01"), v.Currency}
		s := got[month]
		s.base, s.input, s.output, s.lines = s.base+v.Base, s.input+v.Input, s.output+v.Output, s.lines+1
		got[month] = s
		if v.Reverse != (w.country.feeRate == 0) {
			w.differ("vat", "%s: code %s of batch %s", month, v.Code, v.Batch)
		}
	}
	for month, charged := range want {
		filed := got[month]
		w.returns++
		switch {
		case filed.base != charged.base:
			w.differ("vat", "%s: the return has a taxable amount of %d, and the fees are %d", month, filed.base, charged.base)
		case w.country.feeRate != 0:
			if filed.input != charged.input || filed.output != 0 {
				w.differ("vat", "%s: the return deducts %d, and Klarna charged %d", month, filed.input, charged.input)
			}
		case filed.input != -filed.output:
			w.differ("vat", "%s: the buyer owes %d and deducts %d", month, -filed.output, filed.input)
		default:
			owed := w.rate() * charged.base / 10_000
			if off := filed.input - owed; off < -filed.lines || off > filed.lines {
				w.differ("vat", "%s: the buyer owes %d on %d", month, filed.input, charged.base)
			}
		}
		delete(got, month)
	}
	for month, s := range got {
		w.differ("vat", "%s: the return has %+v and nothing was charged", month, s)
	}
}

// rate returns the rate of the reverse charge in hundredths of a percent.
func (w *world) rate() int64 {
	w.t.Helper()
	whole, rest, _ := strings.Cut(w.owed.rate, ".")
	n, err := strconv.ParseInt(whole+(rest + "00")[:2], 10, 64)
	check(w.t, err)
	return n
}
