package settlement

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Balance describes how something stood before a payout, what the payout did to it, and
// how it stands after. Amounts are minor units.
type Balance struct {
	Opening int64 `json:"opening"`
	Added   int64 `json:"added"` // held back; debt deposited
	Taken   int64 `json:"taken"` // released; debt repaid
	Closing int64 `json:"closing"`
}

// Movement holds what one payout did to the reserve and to the debt.
type Movement struct {
	PaymentReference string    `json:"payment_reference"`
	Date             time.Time `json:"payout_date"`
	Reserve          Balance   `json:"reserve"`
	Debt             Balance   `json:"debt"` // as Klarna states it
	// Break is the debt that this payout opens with less the one that the payout
	// before closed with. Anything but zero means that a payout is missing
	// between the two, that Klarna or Kustom invoiced the debt apart, or that
	// Klarna's report is wrong.
	Break int64 `json:"break,omitempty"`
	// Accepted is the break, or a closing debt that does not follow from the
	// movements, which a person accepted; see Accept.
	Accepted []Accepted `json:"accepted,omitempty"`
	// Unstated is what a negative payout leaves owing beside the debt that Klarna
	// states: it is not paid out, so the books have it as debt.
	Unstated int64 `json:"unstated,omitempty"`
}

// Roll is the reserve and the debt of one merchant id in one currency, payout
// by payout.
type Roll struct {
	MerchantID string     `json:"merchant_id"`
	Currency   Currency   `json:"currency"`
	Movements  []Movement `json:"movements"` // oldest first
	Reserve    Balance    `json:"reserve"`   // over all of them
	Debt       Balance    `json:"debt"`
	Unstated   int64      `json:"unstated,omitempty"` // debt of negative payouts that Klarna's balance does not state
	// Overflow is set when the sums do not fit 64 bits, and are not to be used.
	Overflow bool `json:"overflow,omitempty"`
}

// Breaks are the movements whose debt does not continue, and of which nobody
// accepted just that.
func (r *Roll) Breaks() []Movement {
	return slices.DeleteFunc(slices.Clone(r.Movements), func(m Movement) bool {
		return m.Break == 0 || slices.ContainsFunc(m.Accepted, func(a Accepted) bool {
			return a.same(codeDebtDiffers, openingDebt, m.Break)
		})
	})
}

// Accept tells what was accepted of a payout's debt, as its proof keeps it; and
// of a break that was accepted of the payout before, because that one was proven
// last, what is accepted here.
func (r *Roll) Accept(paymentReference string, accepted ...Accepted) {
	for i := range r.Movements {
		if r.Movements[i].PaymentReference != paymentReference {
			continue
		}
		for _, a := range accepted {
			switch {
			case a.Code != codeDebtDiffers:
			case a.Component == nextOpening && i+1 < len(r.Movements):
				a.Component, a.Difference = openingDebt, minus(0, a.Difference)
				r.Movements[i+1].Accepted = append(r.Movements[i+1].Accepted, a)
			default:
				r.Movements[i].Accepted = append(r.Movements[i].Accepted, a)
			}
		}
	}
}

// RollForward carries reserve and debt from payout to payout, for each merchant
// id and currency, sorted by them.
//
// Klarna states the debt before and after each payout, and of the reserve only
// what it moved. So the reserve begins with the first payout at the least that
// explains what was released since: zero, unless more was released than held
// back, which then was held back before.
func RollForward(payouts []Payout) []Roll {
	byAccount := map[rollKey][]Payout{}
	for _, p := range payouts {
		key := rollKey{p.MerchantID, p.Currency}
		byAccount[key] = append(byAccount[key], p)
	}
	var all []Roll
	for key, of := range byAccount {
		slices.SortFunc(of, func(a, b Payout) int {
			return cmp.Or(a.Date.Compare(b.Date), strings.Compare(a.PaymentReference, b.PaymentReference))
		})
		r := Roll{MerchantID: key.merchantID, Currency: key.currency}
		r.roll(of)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Roll) int {
		return cmp.Or(strings.Compare(a.MerchantID, b.MerchantID), cmp.Compare(a.Currency, b.Currency))
	})
	return all
}

// rollKey names a roll.
type rollKey struct {
	merchantID string
	currency   Currency
}

func (r *Roll) roll(payouts []Payout) {
	e := exact{}
	reserve := leastReserve(payouts, &e)
	r.Reserve.Opening = reserve
	for i, p := range payouts {
		t := &p.Totals
		m := Movement{
			PaymentReference: p.PaymentReference, Date: p.Date,
			Reserve: Balance{Opening: reserve, Added: t[TotalHoldback], Taken: t[TotalRelease], Closing: e.sum(reserve, t[TotalHoldback], -t[TotalRelease])},
			Debt:    Balance{Opening: t[TotalOpeningDebt], Added: t[TotalDeposit], Taken: t[TotalRepay], Closing: t[TotalClosingDebt]},
		}
		if p.Type != GrossFee && t[TotalSettlement] < 0 {
			m.Unstated = max(e.sum(minus(0, t[TotalSettlement]), -t[TotalDeposit]), 0)
		}
		reserve = m.Reserve.Closing
		if i == 0 {
			r.Debt.Opening = t[TotalOpeningDebt]
		} else {
			m.Break = e.sum(t[TotalOpeningDebt], -payouts[i-1].Totals[TotalClosingDebt])
		}
		r.Reserve.Added, r.Reserve.Taken = e.sum(r.Reserve.Added, t[TotalHoldback]), e.sum(r.Reserve.Taken, t[TotalRelease])
		r.Debt.Added, r.Debt.Taken = e.sum(r.Debt.Added, t[TotalDeposit]), e.sum(r.Debt.Taken, t[TotalRepay])
		r.Debt.Closing = t[TotalClosingDebt]
		r.Unstated = e.sum(r.Unstated, m.Unstated)
		r.Movements = append(r.Movements, m)
	}
	r.Reserve.Closing, r.Overflow = reserve, e.overflow
}

// leastReserve is the smallest reserve before the payouts with which it never
// becomes negative.
func leastReserve(payouts []Payout, e *exact) int64 {
	var sum, lowest int64
	for _, p := range payouts {
		sum = e.sum(sum, p.Totals[TotalHoldback], -p.Totals[TotalRelease])
		lowest = min(lowest, sum)
	}
	return e.sum(0, -lowest)
}
