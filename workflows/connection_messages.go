package workflows

import (
	"time"

	"kvitt/internal/notice"
)

// States of a connection.
const (
	ConnSetup          = "setup"
	ConnVerifying      = "verifying"
	ConnActive         = "active"
	ConnReauthRequired = "reauth_required"
	ConnPaused         = "paused"
	ConnDisconnected   = "disconnected"
)

// States of one side of a connection.
const (
	SideMissing        = "missing"
	SideVerifying      = "verifying"
	SideConnected      = "connected"
	SideReauthRequired = "reauth_required"
)

// Side is one provider of a connection: where it stands, since when, and what
// helps. Identity is the merchant id, or the company and its name.
type Side struct {
	State     string    `json:"state"`
	Since     time.Time `json:"since"`
	Identity  string    `json:"identity,omitempty"`
	Who       string    `json:"who,omitempty"` // who put the credential in
	Flow      string    `json:"flow,omitempty"`
	LastError string    `json:"last_error,omitempty"`
	Remedy    string    `json:"remedy,omitempty"`
	Verified  time.Time `json:"verified,omitzero"` // last real read that worked
	Expires   time.Time `json:"expires,omitzero"`  // when a person's consent ends; zero: never, or not known
}

// Settings are what a person chooses for a connection.
type Settings struct {
	Name     string `json:"name"`
	Provider string `json:"provider"` // klarna or kustom
	Region   string `json:"region"`   // eu, na or oc
	Posting  string `json:"posting"`  // draft, review or auto
	// Start is the first day to post from, YYYY-MM-DD. A connection without one
	// verifies its sides and waits until a person starts it.
	Start          string        `json:"start"`
	ProfileVersion int           `json:"profile_version"`
	Every          time.Duration `json:"every"` // between scheduled syncs
	// FourEyes wants another person to approve a voucher than the one who made
	// the profile version that it was compiled with.
	FourEyes bool `json:"four_eyes"`
}

// Status answers the Status query of a connection.
type Status struct {
	ID string `json:"id"`
	Settings
	State        string    `json:"state"`
	Since        time.Time `json:"since"`
	Environment  string    `json:"environment,omitempty"`
	Klarna       Side      `json:"klarna"`
	Visma        Side      `json:"visma"`
	MerchantID   string    `json:"merchant_id,omitempty"`
	Company      string    `json:"company,omitempty"`
	CompanyName  string    `json:"company_name,omitempty"`
	BaseCurrency string    `json:"base_currency,omitempty"`
	Waiting      []string  `json:"waiting,omitempty"` // workflows that wait for a credential
	NextCheck    time.Time `json:"next_check,omitzero"`
}

// ConnectionInput starts a ConnectionWorkflow. Carry is its status when it
// continues as new.
type ConnectionInput struct {
	ID       string   `json:"id"`
	Settings Settings `json:"settings"`
	Who      string   `json:"who"`
	// Instruction is the id of the record that proves who asks.
	Instruction string  `json:"instruction,omitempty"`
	Carry       *Status `json:"carry,omitempty"`
	// Revive is the status that the database kept of a connection whose
	// workflow was lost.
	Revive *Status `json:"revive,omitempty"`
	// Notices is what was told, and what is still on its way, when it continues
	// as new.
	Notices *Notices `json:"notices,omitempty"`
}

// Notices has the activities that send notices.
type Notices struct {
	Outbox []notice.Facts    `json:"outbox,omitempty"` // not delivered yet
	Told   map[string]string `json:"told,omitempty"`   // the id of the last notice of each topic
}

// Configure changes settings; empty members stay as they are. A connection that
// had no first day to post from is started by being given one.
type Configure struct {
	Settings    Settings `json:"settings"`
	FourEyes    *bool    `json:"four_eyes,omitempty"` // instead of the one in Settings, which cannot be empty
	Who         string   `json:"who"`
	Instruction string   `json:"instruction,omitempty"` // as of a Person
}

// CredentialSet says that a candidate credential lies in the vault.
type CredentialSet struct {
	Who         string `json:"who"`
	Instruction string `json:"instruction,omitempty"` // as of a Person
}

// ReauthNeeded tells a connection that a provider refused its credential.
type ReauthNeeded struct {
	Provider   string `json:"provider"`
	WorkflowID string `json:"workflow_id"`
	Reason     string `json:"reason"`
}

// Started answers SyncNow with the workflow that runs.
type Started struct {
	WorkflowID string `json:"workflow_id"`
}

// ConnectionProgress answers the Progress query of a connection.
type ConnectionProgress struct {
	State   string   `json:"state"`
	Words   string   `json:"words"`
	Waiting []string `json:"waiting,omitempty"`
}

// Messages of a connection.
var (
	ConnectionStatus        = Query[Status]{"Status"}
	ConnectionProgressQuery = Query[ConnectionProgress]{"Progress"}

	ConfigureConnection = Update[Configure, Status]{"ConfigureConnection"}
	SetKlarnaCredential = Update[CredentialSet, Status]{"SetKlarnaCredential"}
	AuthorizeVisma      = Update[CredentialSet, Status]{"AuthorizeVisma"}
	PauseConnection     = Update[Person, Status]{"Pause"}
	ResumeConnection    = Update[Person, Status]{"Resume"}
	Disconnect          = Update[Person, Status]{"Disconnect"}
	SyncNow             = Update[Person, Started]{"SyncNow"}

	ReauthRequired = Signal[ReauthNeeded]{"ReauthRequired"}
	PayoutsMissing = Signal[[]notice.Missing]{"PayoutsMissing"}
)
