package settlement

// Accepted is a difference that a person accepts, exactly as it was reported:
// the code under which the payout is held, the component that differs, and by how
// much in minor units. Account is where it is booked; empty when the books have
// it already.
type Accepted struct {
	Code       string `json:"code"`
	Component  string `json:"component,omitempty"`
	Difference int64  `json:"difference"`
	Account    string `json:"account,omitempty"`
	Reason     string `json:"reason"`
}
