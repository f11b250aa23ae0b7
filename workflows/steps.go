package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"kvitt/internal/held"
	"kvitt/internal/notice"
)

// States of a payout.
const (
	StateDiscovered       = "discovered"
	StateProven           = "proven"
	StateCompiled         = "compiled"
	StateAwaitingApproval = "awaiting_approval"
	StatePosting          = "posting"
	StatePosted           = "posted"
	StateReleased         = "released"
	StateVerified         = "verified"
	StateHeld             = "held"
	StateRejected         = "rejected"
	StateReversed         = "reversed"
)

// PayoutRef names a payout of a connection.
type PayoutRef struct {
	Connection       string `json:"connection"`
	PaymentReference string `json:"payment_reference"`
}

// Held says why something stopped.
type Held = held.Stop

// Acceptable is a difference that a person may accept.
type Acceptable = held.Acceptable

// Proven holds what ProvePayout found. Amounts are minor units. Final is set when
// the payout was already final, so that nothing else needs to happen.
type Proven struct {
	Rows       int64  `json:"rows"`
	Settlement int64  `json:"settlement"`
	Currency   string `json:"currency"`
	Final      string `json:"final,omitempty"`
	Batch      string `json:"batch,omitempty"`
	Held       *Held  `json:"held,omitempty"`
}

// Compiled holds what CompileVoucher decided.
type Compiled struct {
	VoucherHash string `json:"voucher_hash"`
	// Periods are YYYYPP, Visma.net's financial year and period number: the one
	// of the voucher date first, the one to post into last.
	Periods       []string `json:"periods,omitempty"`
	Draft         bool     `json:"draft,omitempty"`
	NeedsApproval bool     `json:"needs_approval,omitempty"`
	// Split tells that parts of the payout are booked in earlier periods too.
	Split bool  `json:"split,omitempty"`
	Held  *Held `json:"held,omitempty"`
}

// PostInput asks for exactly the voucher that was compiled, and approved where
// that is needed.
type PostInput struct {
	PayoutRef
	VoucherHash string   `json:"voucher_hash"`
	Periods     []string `json:"periods"`
	Draft       bool     `json:"draft,omitempty"`
	Again       bool     `json:"again,omitempty"` // a person wants it sent once more, see held.RefusedRepeatedly
}

// Posted holds what PostVoucher achieved. LookAgain is set while it is not known
// whether Visma.net booked the batch; with Held, a person has to look meanwhile.
type Posted struct {
	BatchNumber string        `json:"batch_number,omitempty"`
	Adopted     bool          `json:"adopted,omitempty"`
	LookAgain   time.Duration `json:"look_again,omitempty"`
	Held        *Held         `json:"held,omitempty"`
}

// Completed describes how CompleteBatch left the batch: verified, or posted for a
// draft that stays on hold in Visma.net.
type Completed struct {
	State string `json:"state,omitempty"`
	Held  *Held  `json:"held,omitempty"`
}

// Hold asks HoldPayout to record why a payout stopped.
type Hold struct {
	PayoutRef
	Held Held `json:"held"`
}

// Decision holds what a person decided about a payout.
type Decision struct {
	PayoutRef
	Kind   string `json:"kind"`
	Who    string `json:"who"`
	Reason string `json:"reason,omitempty"`
	// VoucherHash is the voucher that was approved.
	VoucherHash string `json:"voucher_hash,omitempty"`
	// Instruction proves that this person decided it.
	Instruction Instruction `json:"instruction,omitzero"`
}

// The kinds of decisions, as the audit trail names them.
const (
	DecisionApprove  = "approve"
	DecisionReject   = "reject"
	DecisionRetry    = "retry"
	DecisionReverse  = "reverse"
	DecisionWithdraw = "withdraw_reversal"
	DecisionRepost   = "repost"
	DecisionReopen   = "reopen"
)

// Recorded holds what became of a decision. Refused, when set, is why the person
// may not take it; then nothing was recorded.
type Recorded struct {
	Refused string `json:"refused,omitempty"`
	Code    string `json:"code,omitempty"` // tells refusals apart: one of Refused…
}

// PreviewInput asks what would be posted for a payout. Run is the dry run that
// keeps the answer; without one nothing is kept.
type PreviewInput struct {
	PayoutRef
	Run string `json:"run,omitempty"`
}

// Found is one payout as the store knows it. Difference is what is left
// unexplained, in minor units; it is 0 for everything that proves.
type Found struct {
	PaymentReference string `json:"payment_reference"`
	State            string `json:"state"`
	HeldReason       string `json:"held_reason,omitempty"`
	Words            string `json:"words,omitempty"`
	BatchNumber      string `json:"batch_number,omitempty"`
	Rows             int64  `json:"rows"`
	Settlement       int64  `json:"settlement_amount"`
	Currency         string `json:"currency"`
	Difference       int64  `json:"difference"`
	Final            bool   `json:"final,omitempty"`
}

// Window is a half-open span of payout dates in UTC.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Plan describes how a sync will go about it.
type Plan struct {
	RunID       string   `json:"run_id"`
	Windows     []Window `json:"windows"`
	Concurrency int      `json:"concurrency"`
}

// BeginSyncInput asks for a plan. Nominal is the time the run was meant to
// start, from the schedule, or the time it did.
type BeginSyncInput struct {
	SyncInput
	RunID   string    `json:"run_id"`
	Nominal time.Time `json:"nominal"`
}

// ListPayoutsInput asks for the payouts of one window.
type ListPayoutsInput struct {
	Connection string `json:"connection"`
	Window     Window `json:"window"`
	DryRun     bool   `json:"dry_run,omitempty"`
}

// DuePayout is a payout that is not final yet.
type DuePayout struct {
	PaymentReference string    `json:"payment_reference"`
	Date             time.Time `json:"date"`
	Day              string    `json:"day,omitempty"` // Date in the company's zone; an earlier version did not say
	Currency         string    `json:"currency"`
}

// Listing holds what Klarna paid out in a window, oldest first. The skipped ones
// were final before.
type Listing struct {
	Found       int              `json:"found"`
	Skipped     int              `json:"skipped"`
	SkippedRows int64            `json:"skipped_rows"`
	SkippedSums map[string]int64 `json:"skipped_sums,omitempty"` // settlement by currency, minor units
	Due         []DuePayout      `json:"due,omitempty"`
}

// FinishSyncInput keeps a run's result in Kvitt's own database.
type FinishSyncInput struct {
	Connection string   `json:"connection"`
	RunID      string   `json:"run_id"`
	Window     Window   `json:"window"`
	Progress   Progress `json:"progress"`
	Cancelled  bool     `json:"cancelled,omitempty"`
	DryRun     bool     `json:"dry_run,omitempty"`
	Failed     string   `json:"failed,omitempty"` // why the sync could not go on
}

// FinishSync's outcomes tell apart what users of other tools could not.
const (
	OutcomeNothingDue = "nothing_due"
	OutcomeDueMissing = "due_but_missing"
	OutcomeFetched    = "fetched"
	OutcomeCancelled  = "cancelled"
	OutcomeFailed     = "failed"
)

// Finished is the outcome of a sync.
type Finished struct {
	Outcome string           `json:"outcome"`
	Words   string           `json:"words"`
	Missing []notice.Missing `json:"missing,omitempty"` // the payouts that were due
}

// VerifyInput asks for a real read with a credential: the one in use, or the
// candidate that was just put into the vault. ExpectCompany, when set, must be
// the company that Visma.net answers for.
type VerifyInput struct {
	Connection    string `json:"connection"`
	Candidate     bool   `json:"candidate,omitempty"`
	ExpectCompany string `json:"expect_company,omitempty"`
	Who           string `json:"who,omitempty"`
}

// Verified holds what a verification found. A candidate that works has replaced
// the credential; one that does not has been erased.
type Verified struct {
	OK bool `json:"ok"`
	// Code tells refusals apart: one of the Refused codes, or the other side's
	// own code.
	Code         string `json:"code,omitempty"`
	Words        string `json:"words,omitempty"`
	Remedy       string `json:"remedy,omitempty"`
	Environment  string `json:"environment,omitempty"`
	MerchantID   string `json:"merchant_id,omitempty"`
	Company      string `json:"company,omitempty"`
	CompanyName  string `json:"company_name,omitempty"`
	BaseCurrency string `json:"base_currency,omitempty"`
	Flow         string `json:"flow,omitempty"`
	// Lifetime limits how long a consent of the interactive flow lives, from
	// Consented on; zero when it does not end, or nobody knows since when.
	Consented time.Time     `json:"consented,omitzero"`
	Lifetime  time.Duration `json:"lifetime,omitempty"`
}

// Codes of refusals that a page or a script tells apart.
const (
	RefusedCompany    = string(held.CompanyChanged) // the authorisation is for another company
	RefusedTenant     = "invalid_tenant"            // Visma Connect does not know the company, or the person lacks the role API User
	RefusedScope      = "missing_scope"             // less was granted than Kvitt needs
	RefusedRevoked    = "revoked"                   // the authorisation, or the key, is no longer accepted
	RefusedMalformed  = "malformed"                 // it cannot be a credential
	RefusedClient     = "invalid_client"            // the installation's own OAuth client is refused
	RefusedSamePerson = "same_person"               // whoever changed the profile, or took a decision, may not approve what it led to
	RefusedBooked     = "may_be_booked"             // the batch may be in the books, so the payout can only be reversed
)

// SaveConnectionInput keeps the connection's status and the change that led to
// it, with who made it.
type SaveConnectionInput struct {
	Status Status `json:"status"`
	Action string `json:"action"`
	Who    string `json:"who"`
	// Settings is the instruction that this run of the workflow used up to change
	// the settings; without one, those in the database stay.
	Settings string `json:"settings,omitempty"`
	// Instruction proves who created or revived the connection.
	Instruction Instruction `json:"instruction,omitzero"`
}

// ScheduleInput says how a connection's schedule should be.
type ScheduleInput struct {
	Connection string        `json:"connection"`
	Every      time.Duration `json:"every"`
	Paused     bool          `json:"paused"`
	Note       string        `json:"note"`
	Delete     bool          `json:"delete,omitempty"`
}

// StockInput asks how a connection stands in Kvitt's own database.
type StockInput struct {
	Connection string `json:"connection"`
}

// Stock describes a connection, and what an operator is notified of.
type Stock struct {
	LastSync     time.Time        `json:"last_sync,omitzero"` // when the last successful one ended
	SyncLimit    time.Duration    `json:"sync_limit"`
	GrantWarning time.Duration    `json:"grant_warning"`
	Waiting      map[string]int64 `json:"waiting,omitempty"` // payouts that wait for a person, by held reason
	Reversals    map[string]int64 `json:"reversals,omitempty"`
	Accruals     map[string]int64 `json:"accruals,omitempty"`
	Others       map[string]int64 `json:"others,omitempty"` // bookings of other kinds
}

// Nothing is the answer of an activity that only has an effect.
type Nothing struct{}

const (
	pulse   = 30 * time.Second // without a heartbeat for so long, the process is dead
	quick   = 30 * time.Second
	attempt = 5 * time.Minute
	long    = 30 * time.Minute
	giveUp  = 6 * time.Hour
)

// The activities.
var (
	ProvePayout      = Activity[PayoutRef, Proven]{Name: "ProvePayout", StartToClose: 2 * time.Hour, Heartbeat: pulse, GiveUp: giveUp}
	CompileVoucher   = Activity[PayoutRef, Compiled]{Name: "CompileVoucher", StartToClose: attempt, Heartbeat: pulse, GiveUp: giveUp}
	PostVoucher      = Activity[PostInput, Posted]{Name: "PostVoucher", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	PostSplit        = Activity[PostInput, Posted]{Name: "PostSplit", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	CompleteBatch    = Activity[PostInput, Completed]{Name: "CompleteBatch", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	PrepareReversal  = Activity[ReverseInput, PreparedReversal]{Name: "PrepareReversal", StartToClose: attempt, Heartbeat: pulse, GiveUp: giveUp}
	PostReversal     = Activity[ReversalStep, Posted]{Name: "PostReversal", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	CompleteReversal = Activity[ReversalStep, Completed]{Name: "CompleteReversal", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	PrepareAccrual   = Activity[AccrualInput, PreparedAccrual]{Name: "PrepareAccrual", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	PostAccrual      = Activity[AccrualStep, Posted]{Name: "PostAccrual", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}
	CompleteAccrual  = Activity[AccrualStep, Completed]{Name: "CompleteAccrual", StartToClose: long, Heartbeat: pulse, GiveUp: giveUp}

	PreviewPayout  = Activity[PreviewInput, Found]{Name: "PreviewPayout", StartToClose: 2 * time.Hour, Heartbeat: pulse, GiveUp: giveUp}
	PayoutState    = Activity[PayoutRef, Found]{Name: "PayoutState", StartToClose: quick, GiveUp: giveUp}
	HoldPayout     = Activity[Hold, Nothing]{Name: "HoldPayout", StartToClose: quick, GiveUp: giveUp}
	RecordDecision = Activity[Decision, Recorded]{Name: "RecordDecision", StartToClose: quick, GiveUp: giveUp}

	BeginSync   = Activity[BeginSyncInput, Plan]{Name: "BeginSync", StartToClose: quick, GiveUp: giveUp}
	ListPayouts = Activity[ListPayoutsInput, Listing]{Name: "ListPayouts", StartToClose: attempt, Heartbeat: pulse, GiveUp: giveUp}
	FinishSync  = Activity[FinishSyncInput, Finished]{Name: "FinishSync", StartToClose: quick, GiveUp: giveUp}

	VerifyKlarna   = Activity[VerifyInput, Verified]{Name: "VerifyKlarna", StartToClose: quick, GiveUp: time.Minute}
	VerifyVisma    = Activity[VerifyInput, Verified]{Name: "VerifyVisma", StartToClose: quick, GiveUp: time.Minute}
	SaveConnection = Activity[SaveConnectionInput, Nothing]{Name: "SaveConnection", StartToClose: quick, GiveUp: giveUp}
	SetSchedule    = Activity[ScheduleInput, Nothing]{Name: "SetSchedule", StartToClose: quick, GiveUp: giveUp}
	TakeStock      = Activity[StockInput, Stock]{Name: "TakeStock", StartToClose: quick, GiveUp: time.Hour}
	Notify         = Activity[notice.Facts, Nothing]{Name: "Notify", StartToClose: 2 * time.Minute, GiveUp: 24 * time.Hour, Slowest: 15 * time.Minute}
	DropNotice     = Activity[notice.Facts, Nothing]{Name: "DropNotice", StartToClose: quick, GiveUp: giveUp}
	EraseSecrets   = Activity[VerifyInput, Nothing]{Name: "EraseSecrets", StartToClose: quick, GiveUp: giveUp}
)

// Providers of a connection.
const (
	ProviderKlarna = "klarna"
	ProviderVisma  = "visma"
)

// CredentialErrorType is the type of the application error of an activity that
// met a dead credential. Its details are a CredentialError.
const CredentialErrorType = "credential"

// CredentialError tells which side no longer lets Kvitt in, in its words.
type CredentialError struct {
	Provider string `json:"provider"`
	Reason   string `json:"reason"`
}

// credentialError finds a dead credential behind an activity's error.
func credentialError(err error) (CredentialError, bool) {
	var app *temporal.ApplicationError
	var c CredentialError
	if !errors.As(err, &app) || app.Type() != CredentialErrorType {
		return c, false
	}
	return c, app.Details(&c) == nil
}
