package workflows

import "time"

// How a sync came about.
const (
	ModeSchedule = "schedule"
	ModeNow      = "now"
	ModeBackfill = "backfill"
)

// SyncInput starts a SettlementSyncWorkflow. A backfill names its days, both
// included, in the company's zone; the other modes find their own window.
type SyncInput struct {
	Connection  string `json:"connection"`
	Mode        string `json:"mode"`
	From        string `json:"from,omitempty"` // YYYY-MM-DD
	To          string `json:"to,omitempty"`
	DryRun      bool   `json:"dry_run,omitempty"`
	Concurrency int    `json:"concurrency,omitempty"`
	Who         string `json:"who,omitempty"`
	Instruction string `json:"instruction,omitempty"` // as of a Person; a backfill needs one

	// Carry is what one run hands to the next when it continues as new.
	Carry *SyncCarry `json:"carry,omitempty"`
}

// SyncCarry is the state of a sync between two runs of its workflow.
type SyncCarry struct {
	Plan     Plan        `json:"plan"`
	Next     int         `json:"next"`    // the window to list next
	Pending  []DuePayout `json:"pending"` // listed but not started
	Progress Progress    `json:"progress"`
	Items    []Found     `json:"items,omitempty"` // a dry run's payouts

	Paused    bool `json:"paused,omitempty"`
	Cancelled bool `json:"cancelled,omitempty"`
}

// Progress answers the Progress query of a sync. Amounts are settlement sums
// in minor units by currency, of what has become final or was final before.
type Progress struct {
	State      string           `json:"state"` // running, paused, waiting, finishing, done
	Words      string           `json:"words,omitempty"`
	Windows    int              `json:"windows"`
	WindowsRun int              `json:"windows_run"`
	Found      int              `json:"found"`
	Posted     int              `json:"posted"`
	Adopted    int              `json:"adopted"`
	Held       int              `json:"held"`
	Skipped    int              `json:"skipped"`
	Failed     int              `json:"failed"`
	Previewed  int              `json:"previewed,omitempty"` // of a dry run
	Rows       int64            `json:"rows"`
	Amounts    map[string]int64 `json:"amounts,omitempty"`
	Running    []string         `json:"running,omitempty"` // payment references, oldest first
	Since      time.Time        `json:"since"`
	DryRun     bool             `json:"dry_run,omitempty"` // nothing is posted
}

// SyncResult describes how a sync ended. Items are the payouts of a dry run; those of
// a real one stand in the store.
type SyncResult struct {
	Progress
	Outcome string  `json:"outcome"`
	Reason  string  `json:"reason"` // the outcome in words
	Items   []Found `json:"items,omitempty"`
}

// Messages of a sync.
var (
	ProgressQuery = Query[Progress]{"Progress"}

	PauseSync    = Signal[Person]{"Pause"}
	ResumeSync   = Signal[Person]{"Resume"}
	CancelSync   = Signal[Person]{"Cancel"}
	PayoutParked = Signal[Parked]{"PayoutParked"}
)
