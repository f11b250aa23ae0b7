package workflows

import "time"

// PayoutInput starts a PayoutWorkflow. Sync is the workflow that wants to hear
// when the payout stops, if any.
type PayoutInput struct {
	PayoutRef
	Sync string    `json:"sync,omitempty"`
	Date time.Time `json:"date"`
	Day  string    `json:"day,omitempty"` // Date in the company's zone; an earlier version did not say
	// Repost is who asked to post a reversed payout anew, and why.
	Repost *Person `json:"repost,omitempty"`
	// Reopen is who asked to take a rejected payout up again, and why. Histories of
	// before have none.
	Reopen *Person `json:"reopen,omitempty"`
}

// PayoutResult describes how a payout ended. Amounts are minor units.
type PayoutResult struct {
	State       string `json:"state"`
	BatchNumber string `json:"batch_number,omitempty"`
	Adopted     bool   `json:"adopted,omitempty"`
	Rows        int64  `json:"rows"`
	Settlement  int64  `json:"settlement"`
	Currency    string `json:"currency"`
}

// PayoutStatus answers the Status query of a payout.
type PayoutStatus struct {
	PayoutResult
	Held  *Held     `json:"held,omitempty"`
	Since time.Time `json:"since"`
}

// Parked tells a sync that one of its payouts stopped, and for what.
type Parked struct {
	PaymentReference string `json:"payment_reference"`
	Reason           string `json:"reason"`
	Rows             int64  `json:"rows"`
	// ByItself is true when the payout goes on without a person.
	ByItself bool `json:"by_itself,omitempty"`
	// Provider is set when the payout waits for a credential.
	Provider string `json:"provider,omitempty"`
}

// Person is who gives a command, and why.
type Person struct {
	Who    string `json:"who"`
	Reason string `json:"reason,omitempty"`
	// Instruction is the id of the record that proves who asks.
	Instruction string `json:"instruction,omitempty"`
	// VoucherHash, when given with an approval, is the voucher that the person
	// saw: another one is not approved.
	VoucherHash string `json:"voucher_hash,omitempty"`
}

// Accepted answers a command with the state it led to.
type Accepted struct {
	State string `json:"state"`
}

// Messages of a payout.
var (
	PayoutStatusQuery = Query[PayoutStatus]{"Status"}

	ApprovePayout = Update[Person, Accepted]{"Approve"}
	RejectPayout  = Update[Person, Accepted]{"Reject"}
	RetryPayout   = Update[Person, Accepted]{"Retry"}

	// Reauthenticated tells a waiting workflow that a provider works again.
	Reauthenticated = Signal[string]{"Reauthenticated"}
	// ProfileChanged tells a held payout that there is a new profile version.
	ProfileChanged = Signal[int]{"ProfileChanged"}
)
