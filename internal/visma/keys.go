package visma

import "strings"

// trimKeys takes off what Visma.net pads keys with, "000001    ": whoever compares
// them compares keys. Texts stay as they are.
func (t *JournalTransaction) trimKeys() {
	keys := []*string{&t.BatchNumber, &t.Ledger, &t.Branch, &t.CurrencyID, &t.TransactionCode, &t.OriginalBatchNumber, &t.FinancialPeriod, &t.PostPeriod}
	for i := range t.Lines {
		l := &t.Lines[i]
		keys = append(keys, &l.AccountNumber, &l.ReferenceNumber, &l.Branch, &l.VATCode.ID, &l.VAT.ID)
	}
	for _, key := range keys {
		*key = strings.TrimSpace(*key)
	}
}
