package workflows

import "time"

// AccrualInput starts an AccrualWorkflow: accrue what was captured in one
// currency up to and including a day, 2026-01-31, and paid out after it.
type AccrualInput struct {
	Connection  string `json:"connection"`
	At          string `json:"at"`
	Currency    string `json:"currency"`
	Who         string `json:"who"`
	Instruction string `json:"instruction,omitempty"` // as of a Person
	// Seen is the hash of the voucher that the person has looked at, and no other
	// one is posted; without it, it is what the figures are now.
	Seen string `json:"seen,omitempty"`
}

// Name returns what it is called where a payout has its payment reference.
func (in *AccrualInput) Name() string { return "accrual " + in.At + " " + in.Currency }

// PreparedAccrual holds what PrepareAccrual decided. Refused is why there is
// nothing to post, in words for the person who asked; then nothing was sent.
type PreparedAccrual struct {
	Refused     string   `json:"refused,omitempty"`
	VoucherHash string   `json:"voucher_hash,omitempty"`
	Periods     []string `json:"periods,omitempty"`
	Draft       bool     `json:"draft,omitempty"`
}

// AccrualStep asks for exactly the voucher that was prepared.
type AccrualStep struct {
	AccrualInput
	PreparedAccrual
	Again bool `json:"again,omitempty"` // as in PostInput
}

// AccrualResult describes how an accrual ended: verified, posted for a draft that
// stays on hold in Visma.net, or refused with Refused as the reason.
type AccrualResult struct {
	State       string `json:"state"`
	Refused     string `json:"refused,omitempty"`
	BatchNumber string `json:"batch_number,omitempty"`
	Adopted     bool   `json:"adopted,omitempty"` // an earlier attempt had created the batch
}

// AccrualStatus answers the Status query of an accrual.
type AccrualStatus struct {
	AccrualResult
	Held  *Held     `json:"held,omitempty"`
	Since time.Time `json:"since"`
	// Told is true once why it is held can be read in Temporal.
	Told bool `json:"told,omitempty"`
	Done bool `json:"done,omitempty"`
}

// AccrualRefused is the state of an accrual that was not posted.
const AccrualRefused = "refused"

// AccrualStatusQuery asks an accrual how it stands. It takes RetryPayout too.
var AccrualStatusQuery = Query[AccrualStatus]{"Status"}
