package vismasim

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"
)

// Status is the state of a batch.
type Status string

// The states of a general ledger batch, in order.
const (
	Hold     Status = "Hold"     // may be incomplete; cannot be released
	Balanced Status = "Balanced" // can be released
	Unposted Status = "Unposted" // released, waits for the posting run
	Posted   Status = "Posted"
	Voided   Status = "Voided"
)

// Batch is a journal transaction as the simulator stores it. Amounts are minor units: of the batch's
// currency in Debit and Credit, of the company's base currency in BaseDebit and BaseCredit.
type Batch struct {
	Number       string       `json:"number"`
	Module       string       `json:"module"` // GL, AR, AP …
	Status       Status       `json:"status"`
	Date         time.Time    `json:"date"`
	Period       string       `json:"period"` // YYYYPP
	Ledger       string       `json:"ledger"`
	Branch       string       `json:"branch"`
	Currency     string       `json:"currency"`
	Rate         string       `json:"rate"` // base currency for one unit, exact
	Description  string       `json:"description"`
	Code         string       `json:"transaction_code,omitempty"`
	ControlTotal int64        `json:"control_total"`
	Reversing    bool         `json:"auto_reversing,omitempty"`
	Reverses     string       `json:"reverses,omitempty"` // the auto-reversing batch that it reverses
	VAT          bool         `json:"create_vat_transaction,omitempty"`
	SkipVATCheck bool         `json:"skip_vat_amount_validation,omitempty"`
	Lines        []Line       `json:"lines"`
	LastLine     int          `json:"last_line"` // line numbers are never reused
	Attachments  []Attachment `json:"attachments,omitempty"`
	BySomeone    bool         `json:"by_someone_else,omitempty"` // not made through the API
	Created      time.Time    `json:"created"`
	Modified     time.Time    `json:"modified"`
	Stamp        uint64       `json:"stamp"`
	ReleaseDue   *time.Time   `json:"release_due,omitempty"` // a queued release
	ListedFrom   *time.Time   `json:"listed_from,omitempty"` // no list shows it before this time
}

// Line is one line of a batch.
type Line struct {
	Number      int          `json:"number"`
	Account     string       `json:"account"`
	Subaccount  string       `json:"subaccount,omitempty"` // segment values joined with "-"
	Branch      string       `json:"branch"`
	Reference   string       `json:"reference,omitempty"`
	Text        string       `json:"text,omitempty"`
	Debit       int64        `json:"debit"`
	Credit      int64        `json:"credit"`
	BaseDebit   int64        `json:"base_debit"`
	BaseCredit  int64        `json:"base_credit"`
	VATCategory string       `json:"vat_category,omitempty"`
	VATID       string       `json:"vat_id,omitempty"`
	Note        string       `json:"note,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
}

// Attachment is a file on a batch or a line. A file of the same name makes a new revision of the same
// attachment.
type Attachment struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Revision int    `json:"revision"`
	Size     int    `json:"size"`
	SHA256   string `json:"sha256"` // of the last revision, lower-case hex
}

// Released reports whether the batch is released.
func (b *Batch) Released() bool { return b.Status == Unposted || b.Status == Posted }

// Totals returns the debit and credit totals in the batch's currency.
func (b *Batch) Totals() (debit, credit int64) {
	for _, l := range b.Lines {
		debit += l.Debit
		credit += l.Credit
	}
	return debit, credit
}

// BaseTotals returns the debit and credit totals in the company's base currency.
func (b *Batch) BaseTotals() (debit, credit int64) {
	for _, l := range b.Lines {
		debit += l.BaseDebit
		credit += l.BaseCredit
	}
	return debit, credit
}

func (b *Batch) line(number int) *Line {
	for i := range b.Lines {
		if b.Lines[i].Number == number {
			return &b.Lines[i]
		}
	}
	return nil
}

// clone copies a batch so that a change can be refused halfway, and so that a returned batch does not
// change later.
func (b *Batch) clone() *Batch {
	c := *b
	c.Lines = slices.Clone(b.Lines)
	for i := range c.Lines {
		c.Lines[i].Attachments = slices.Clone(b.Lines[i].Attachments)
	}
	c.Attachments = slices.Clone(b.Attachments)
	return &c
}

// timeStamp is the version of a record in the API's form: eight bytes in base64, the same in the body and
// in the ETag.
func timeStamp(version uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, version))
}

func etag(version uint64) string { return `"` + timeStamp(version) + `"` }

// balanceBase gives each line its amount in the base currency. Rounding can leave a difference although
// the batch balances in its own currency; the largest line takes it, so that the books balance in both
// currencies and a batch reads back with the lines it was sent with.
func (c *company) balanceBase(b *Batch) error {
	rate, err := literal(b.Rate).rat()
	if err != nil {
		return err
	}
	from, to := c.precision(b.Currency), c.basePrecision()
	largest := -1
	for i := range b.Lines {
		l := &b.Lines[i]
		l.BaseDebit, l.BaseCredit = convert(l.Debit, rate, from, to), convert(l.Credit, rate, from, to)
		if largest < 0 || l.Debit+l.Credit > b.Lines[largest].Debit+b.Lines[largest].Credit {
			largest = i
		}
	}
	debit, credit := b.Totals()
	baseDebit, baseCredit := b.BaseTotals()
	if debit != credit || baseDebit == baseCredit {
		return nil
	}
	if l := &b.Lines[largest]; l.Debit > 0 {
		l.BaseDebit += baseCredit - baseDebit
	} else {
		l.BaseCredit += baseDebit - baseCredit
	}
	return nil
}
