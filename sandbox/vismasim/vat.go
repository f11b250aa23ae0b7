package vismasim

import "time"

// VATTransaction is Visma.net's record for the VAT return of a line with a VAT code, in a batch that asks
// for VAT transactions. Amounts are in minor units of the batch's currency, debit less credit.
type VATTransaction struct {
	Batch    string
	Date     time.Time
	Currency string
	Code     string // the VAT category
	Reverse  bool
	Account  string
	Base     int64 // the taxable amount
	Input    int64 // VAT on the code's claimable account
	Output   int64 // VAT on its payable account
}

// VATTransactions returns those of every released batch of a company ("" is the only one), in the order
// the batches were made. A line on one of the code's own accounts is VAT, any other is a taxable amount.
func (s *Sim) VATTransactions(tenantID string) []VATTransaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return nil
	}
	var all []VATTransaction
	for _, b := range c.batches {
		if !b.VAT || !b.Released() {
			continue
		}
		for i := range b.Lines {
			if t, ok := c.vatTransaction(b, &b.Lines[i]); ok {
				all = append(all, t)
			}
		}
	}
	return all
}

func (c *company) vatTransaction(b *Batch, l *Line) (VATTransaction, bool) {
	code, ok := c.vatCategory(l.VATCategory)
	if !ok {
		if code, ok = c.vat(l.VATID); !ok {
			return VATTransaction{}, false
		}
	}
	t := VATTransaction{Batch: b.Number, Date: b.Date, Currency: b.Currency, Code: code.CategoryID, Reverse: code.Reverse, Account: l.Account}
	switch amount := l.Debit - l.Credit; l.Account {
	case code.ClaimableAccount:
		t.Input = amount
	case code.PayableAccount:
		t.Output = amount
	default:
		t.Base = amount
	}
	return t, true
}
