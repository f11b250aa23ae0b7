package voucher

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Part holds what a payout has to do with a period that ended before it was paid
// out: a batch of its own books there what was captured by the end of the
// period, and takes itself back in the next one, in which the payout books the
// same again.
type Part struct {
	At     Date   `json:"at"`     // the last day of the period
	Period string `json:"period"` // YYYYPP
	// Batch is auto-reversing; nil when nothing is booked there, and Why says why.
	Batch *Voucher `json:"batch,omitempty"`
	Why   string   `json:"why,omitempty"`
}

// checkParts returns what Check asks of the parts.
func (v *Voucher) checkParts() error {
	for i := range v.Earlier {
		part := &v.Earlier[i]
		switch b := part.Batch; {
		case b == nil:
			continue
		case !b.AutoReversing || b.Date != part.At || !b.Date.Before(v.Date) || len(b.Earlier) > 0:
			return v.unbalanced("its part of %s does not take itself back before %s", part.At, v.Date)
		case b.Token == v.Token || b.Currency != v.Currency:
			return v.unbalanced("its part of %s has the token %s and the currency %s", part.At, b.Token, b.Currency)
		default:
			if err := b.Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Splits tells whether anything is booked in an earlier period.
func (v *Voucher) Splits() bool {
	return slices.ContainsFunc(v.Earlier, func(p Part) bool { return p.Batch != nil })
}

// Seal names all that is booked for a payout: what a person looks at and
// approves. Without parts in earlier periods it is the hash. What becomes of
// a posting is told by the hash of its own batch, never by the seal.
func (v *Voucher) Seal() string {
	own := v.Hash()
	if !v.Splits() {
		return own
	}
	h := sha256.New()
	netstrings(h, "kvitt seal 1", own)
	for i := range v.Earlier {
		if b := v.Earlier[i].Batch; b != nil {
			netstrings(h, v.Earlier[i].Period, b.Hash())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
