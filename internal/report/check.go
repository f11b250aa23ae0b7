package report

import (
	"encoding/json"
	"fmt"

	"kvitt/internal/archive"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// kept is a proof as it is kept, with the evidence that it rests on.
type kept struct {
	*settlement.Proof
	Evidence archive.Kept `json:"evidence"`
}

func proofOf(p *store.Payout) (*kept, error) {
	if len(p.Proof) == 0 {
		return nil, nil //nolint:nilnil // not proven yet
	}
	var k kept
	if err := json.Unmarshal(p.Proof, &k); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", p.PaymentReference, err)
	}
	if k.Proof == nil {
		return nil, nil //nolint:nilnil // not proven yet
	}
	return &k, nil
}

func voucherOf(p *store.Booking) (*voucher.Voucher, error) {
	var v voucher.Voucher
	if err := json.Unmarshal(p.Voucher, &v); err != nil {
		return nil, fmt.Errorf("read the voucher %s of payout %s: %w", p.Token, p.Name, err)
	}
	return &v, nil
}

// isBooked tells the states of a posting whose batch is in Visma.net.
func isBooked(state string) bool {
	switch state {
	case "booked", "checked", "attached", "released", "verified", "draft", "reversed":
		return true
	}
	return false
}

// takesBack tells the postings that mirror the one before them.
func takesBack(p *store.Booking) bool { return p.Revision%2 == 1 }

// Booked holds what stands in Visma.net for a payout, as it was posted and read
// back, and by how much that differs from what Klarna paid. Amounts are minor
// units.
type Booked struct {
	Batches    []string
	Period     string
	Day        string
	Amount     int64 // on the settlement account, of a fee bill on the account it is owed on
	Difference int64
	Problem    string // in words, "" when the difference is zero
}

// Compare computes what stands in the books for a payout: all its batches
// together, with their reversals. nil means that there is none. Nothing is
// assumed: each voucher is summed line by line, its hash is made anew, and its
// lines are held against the components of the proof.
func Compare(p *store.Payout, postings []store.Booking) (*Booked, error) {
	var b *Booked
	var last *store.Booking
	var current *voucher.Voucher
	for i := range postings {
		if !isBooked(postings[i].State) {
			continue
		}
		v, err := voucherOf(&postings[i])
		if err != nil {
			return nil, err
		}
		if b == nil {
			b = &Booked{}
		}
		last, current = &postings[i], v
		b.Batches, b.Period, b.Day = append(b.Batches, last.BatchNumber), last.Period, v.Date.String()
		b.Amount += moved(v)
		if v.Hash() != last.VoucherHash {
			b.say(0, "the voucher kept for batch %s is not the one whose hash was posted", last.BatchNumber)
		}
		if debit, credit := v.Total(); debit != credit {
			b.say(debit-credit, "the voucher of batch %s does not balance", last.BatchNumber)
		}
	}
	if b == nil {
		return nil, nil //nolint:nilnil // nothing is booked
	}
	if takesBack(last) {
		b.hold(-b.Amount, "its batches do not come to nothing, although the last one takes the others back")
		return b, nil
	}
	return b, b.against(p, current)
}

// against holds the voucher that counts against payout and proof.
func (b *Booked) against(p *store.Payout, v *voucher.Voucher) error {
	proof, err := proofOf(p)
	if err != nil {
		return err
	}
	if proof == nil {
		b.say(p.Settlement-b.Amount, "there is no proof to hold the voucher against")
		return nil
	}
	due := dueOf(proof.Proof)
	if settlement.SettlementType(p.SettlementType) == settlement.GrossFee {
		b.hold(-due-b.Amount, "the fee bill and the account it is owed on differ")
	} else {
		b.hold(p.Settlement-b.Amount, "Klarna's settlement amount and the settlement account differ")
	}
	b.hold(due-clearedBy(v), "the rows and the lines that clear them differ")
	for i := range v.Lines {
		l := &v.Lines[i]
		if proven, known := provenOf(proof.Proof, l, 1); known {
			b.hold(proven-(l.Credit-l.Debit), "the line on account %s differs from the rows behind it", l.Account)
		}
	}
	return nil
}

// hold notes a difference, the first one counts.
func (b *Booked) hold(difference int64, format string, args ...any) {
	if difference != 0 {
		b.say(difference, format, args...)
	}
}

func (b *Booked) say(difference int64, format string, args ...any) {
	if b.Difference == 0 {
		b.Difference = difference
	}
	if b.Problem == "" {
		b.Problem = fmt.Sprintf(format, args...)
	}
}

// moved returns what a voucher moves on the settlement account. A fee bill moves
// nothing there and is owed instead, and a negative payout is added to the debt.
func moved(v *voucher.Voucher) (amount int64) {
	for i := range v.Lines {
		switch l := &v.Lines[i]; l.Role {
		case voucher.RoleSettlement, voucher.RoleCarried:
			amount += l.Debit - l.Credit
		case voucher.RoleInvoice:
			amount += l.Credit - l.Debit
		default:
		}
	}
	return amount
}

// dueOf returns what the rows, the debt and the accepted differences of a payout give
// the merchant. It fitted 64 bits when the payout was proven.
func dueOf(p *settlement.Proof) int64 {
	due, _ := p.Booked()
	return due
}

// clearedBy returns what the lines of a voucher give the merchant, the money side
// left out.
func clearedBy(v *voucher.Voucher) (cleared int64) {
	for i := range v.Lines {
		switch l := &v.Lines[i]; l.Role {
		case voucher.RoleComponent, voucher.RoleVAT, voucher.RoleDebt, voucher.RoleAccepted:
			cleared += l.Credit - l.Debit
		default:
		}
	}
	return cleared
}

// provenOf returns what the rows behind a line give the merchant; known is false for
// lines that no rows are behind. sign is -1 in a voucher that takes back.
func provenOf(p *settlement.Proof, l *voucher.Line, sign int64) (amount int64, known bool) {
	if l.Role != voucher.RoleComponent && l.Role != voucher.RoleVAT || len(l.Components) == 0 {
		return 0, false
	}
	for _, c := range l.Components {
		if e := p.Effect(c); l.Role == voucher.RoleVAT {
			amount += sign * e.VAT
		} else {
			amount += sign * e.Side((l.Credit > 0) == (sign > 0))
		}
	}
	return amount, true
}
