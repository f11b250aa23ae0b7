package voucher

import (
	"fmt"
	"slices"
	"strings"
)

// IsReversal tells whether a revision of a payout's posting takes the one before
// it back: the odd ones do, the even ones book the payout.
func IsReversal(revision int) bool { return revision%2 == 1 }

// Reversed is a voucher that stands in the books and is to be taken back.
type Reversed struct {
	*Voucher
	MerchantID string
	Company    string
	Revision   int    // of the voucher, not of its reversal
	Batch      string // what Visma.net calls it
}

// Mirror is the voucher that takes another one back: the same lines on the same
// accounts with the sides exchanged, in the same order, so that the two come to
// zero whatever the rows were. It names the batch and the day that it reverses,
// and has a token of its own. Its date is that of the original until it is
// moved.
func Mirror(p *Profile, r Reversed) *Voucher {
	v := *r.Voucher
	v.Token = Token(r.MerchantID, r.PaymentReference, r.Company, r.Revision+1)
	words := strings.NewReplacer(
		"{batch_number}", r.Batch, "{voucher_date}", r.Date.String(),
		"{payment_reference}", r.PaymentReference, "{currency}", string(r.Currency),
	).Replace(p.say("reversal"))
	v.Description = fit(v.Token+" "+words, maxDescription)
	v.Settlement, v.Invoice, v.Outside, v.Earlier = -r.Settlement, -r.Invoice, nil, nil // parts take themselves back
	v.Reverses = r.Batch
	v.Lines = slices.Clone(r.Lines)
	for i := range v.Lines {
		l := &v.Lines[i]
		l.Debit, l.Credit = l.Credit, l.Debit
		l.Text = fit(words+": "+l.Text, maxText)
	}
	return &v
}

// MoveTo gives the voucher another date, because the period of its own is
// closed, and makes sure that its own still stands in the text: a sale of a
// closed month has to be told from one of the month it is booked in.
func (v *Voucher) MoveTo(day Date) {
	if day == v.Date {
		return
	}
	if original := v.Date.String(); !strings.Contains(v.Description, original) {
		v.Description = fit(v.Description, maxDescription-len(original)-1) + " " + original
	}
	for i := range v.Lines {
		l := &v.Lines[i]
		if original := v.Date.String(); !strings.Contains(l.Text, original) {
			l.Text = fit(l.Text, maxText-len(original)-3) + fmt.Sprintf(" (%s)", original)
		}
	}
	v.Date = day
}
