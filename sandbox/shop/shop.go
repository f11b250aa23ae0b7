package shop

import (
	"cmp"
	"iter"
	"slices"
	"sync/atomic"
	"time"
)

// The settlement types of the Klarna Settlements API.
const (
	Net      = "NET"       // fees are deducted from the payout
	Gross    = "GROSS"     // fees are invoiced separately
	GrossFee = "GROSS_FEE" // the invoice for those fees
)

// Payout is one payout of Klarna with its rows. A test that needs wrong Totals may change them; nothing
// computes them again.
type Payout struct {
	PaymentReference     string
	MerchantID           string
	Date                 time.Time // UTC; when Klarna initiated the payout
	Currency             string    // ISO 4217
	RegistrationCurrency string
	SettlementType       string
	Totals               Totals
	Rows                 Rows
}

// Shop is a merchant with what Klarna settles for it. Its payouts must not be changed while something
// serves them; more can be added at any time.
type Shop struct {
	MerchantID           string
	RegistrationCurrency string
	payouts              atomic.Pointer[[]*Payout] // by date, then payment reference
	unpaid               []Row
	documents            []Document
}

// New makes a shop of the given payouts.
func New(merchantID, registrationCurrency string, payouts ...*Payout) *Shop {
	s := &Shop{MerchantID: merchantID, RegistrationCurrency: registrationCurrency}
	s.payouts.Store(&[]*Payout{})
	s.Add(payouts...)
	return s
}

// Add adds payouts. It may be called while others read.
func (s *Shop) Add(payouts ...*Payout) {
	for {
		old := s.payouts.Load()
		all := append(slices.Clone(*old), payouts...)
		slices.SortFunc(all, comparePayouts)
		if s.payouts.CompareAndSwap(old, &all) {
			return
		}
	}
}

func comparePayouts(a, b *Payout) int {
	return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.PaymentReference, b.PaymentReference))
}

// Payouts returns all payouts, oldest first. The slice must not be changed.
func (s *Shop) Payouts() []*Payout { return *s.payouts.Load() }

// Payout returns the payout with that payment reference, or nil.
func (s *Shop) Payout(reference string) *Payout {
	for _, p := range s.Payouts() {
		if p.PaymentReference == reference {
			return p
		}
	}
	return nil
}

// Unpaid returns rows that no payout contains yet, oldest first.
func (s *Shop) Unpaid() []Row { return s.unpaid }

// Transactions goes through every row of every payout, oldest payout first, and
// then the unpaid ones, whose payout is nil. The row is only valid until the
// next step.
func (s *Shop) Transactions() iter.Seq2[*Payout, *Row] {
	return func(yield func(*Payout, *Row) bool) {
		var r Row
		for _, p := range s.Payouts() {
			for i := range p.Rows.Len() {
				p.Rows.Row(i, &r)
				if !yield(p, &r) {
					return
				}
			}
		}
		for i := range s.unpaid {
			r = s.unpaid[i]
			if !yield(nil, &r) {
				return
			}
		}
	}
}
