package workflows

import "time"

// ReverseInput starts a ReversePayoutWorkflow: take back the posting of a
// payout by a mirrored batch, whose revision is Revision.
type ReverseInput struct {
	PayoutRef
	Revision    int    `json:"revision"`
	Who         string `json:"who"`
	Reason      string `json:"reason"`
	Instruction string `json:"instruction,omitempty"` // as of a Person
}

// PreparedReversal holds what PrepareReversal decided. Refused is why there is
// nothing to reverse, in words for the person who asked.
type PreparedReversal struct {
	Refused     string   `json:"refused,omitempty"`
	Reverses    string   `json:"reverses,omitempty"` // the batch
	VoucherHash string   `json:"voucher_hash,omitempty"`
	Date        string   `json:"date,omitempty"` // of the mirrored voucher, 2026-01-31
	Periods     []string `json:"periods,omitempty"`
	Draft       bool     `json:"draft,omitempty"`
	Profile     int      `json:"profile,omitempty"` // the version that words and policy are from
	Held        *Held    `json:"held,omitempty"`
}

// ReversalStep asks for exactly the mirrored voucher that was prepared.
type ReversalStep struct {
	ReverseInput
	PreparedReversal
	Again bool `json:"again,omitempty"` // as in PostInput
}

// ReverseResult describes how a reversal ended: reversed, refused with Refused as the
// reason, or withdrawn.
type ReverseResult struct {
	State       string `json:"state"`
	Refused     string `json:"refused,omitempty"`
	Reverses    string `json:"reverses,omitempty"`     // the batch that was taken back
	BatchNumber string `json:"batch_number,omitempty"` // the mirrored one
}

// ReverseStatus answers the Status query of a reversal.
type ReverseStatus struct {
	ReverseResult
	Held  *Held     `json:"held,omitempty"`
	Since time.Time `json:"since"`
	// Told is true once why it is held is recorded.
	Told bool `json:"told,omitempty"`
}

// States of a reversal beside reversed, held and posting.
const (
	ReversalRefused   = "refused"
	ReversalWithdrawn = "withdrawn"
)

// Messages of a reversal. It takes RetryPayout and RejectPayout too, the latter
// to withdraw it.
var (
	ReverseStatusQuery = Query[ReverseStatus]{"Status"}

	// PayoutReversed tells a payout that still waits that it was taken back.
	PayoutReversed = Signal[string]{"PayoutReversed"}

	// RepostPayout lets a payout that was reversed before be posted anew.
	RepostPayout = Update[Person, Accepted]{"Repost"}
)
