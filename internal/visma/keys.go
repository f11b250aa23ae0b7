package visma

import "strings"

// trimKeys removes the padding of Visma.net's keys, "000001    ", so that keys can be compared. Texts stay
// unchanged.
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
