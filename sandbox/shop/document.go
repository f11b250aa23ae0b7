package shop

import (
	"fmt"
	"slices"
	"time"
)

// Document records what the shop itself has to book, whatever Klarna settles: an invoice for a parcel that it
// sent, or a credit note for returned goods. Disputes, fraud and unpaid orders are Klarna's and have none.
type Document struct {
	Number            string    // "F000001" is an invoice, "K000001" a credit note
	At                time.Time // UTC
	Currency, Country string
	Amount            int64 // with the consumer's VAT; of a credit note as well
	VAT, VATRate      int64 // 2500 = 25.00 %

	// The ids in Klarna's answers to the shop: an invoice has a capture id, a credit note a refund id.
	CaptureID, RefundID string
}

// Credit reports whether the document is a credit note.
func (d *Document) Credit() bool { return d.RefundID != "" }

// Documents returns the invoices and credit notes of a generated shop, oldest first. They are recorded as
// goods leave and come back, before there are payouts. The slice must not be changed.
func (s *Shop) Documents() []Document { return s.documents }

// document records a document of the shop; the row is what the shop reported to Klarna.
func (b *book) document(r Row) {
	b.documents = append(b.documents, Document{
		At: r.CaptureDate, Currency: r.Currency, Country: r.PurchaseCountry, Amount: r.Amount,
		VAT: r.CustomerVAT, VATRate: r.CustomerRate, CaptureID: r.CaptureID, RefundID: r.RefundID,
	})
}

// issue numbers the documents by time, and drops those that are planned for after the end.
func issue(all []Document, end time.Time) []Document {
	all = slices.DeleteFunc(all, func(d Document) bool { return !d.At.Before(end) })
	slices.SortStableFunc(all, func(a, b Document) int { return a.At.Compare(b.At) })
	var invoices, credits int
	for i := range all {
		d := &all[i]
		if d.Credit() {
			credits++
			d.Number = fmt.Sprintf("K%06d", credits)
			continue
		}
		invoices++
		d.Number = fmt.Sprintf("F%06d", invoices)
	}
	return all
}
