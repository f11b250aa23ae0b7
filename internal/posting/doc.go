// Package posting writes a voucher to Visma.net exactly once.
//
// Visma.net has no idempotency key, cannot filter batches by text, cannot
// delete a batch, and can time out after it has booked. So the posting row in
// the store is the memory: it exists, with the voucher's hash and a token
// derived from the business itself, before the first POST, and every step is
// durable before the next one is taken. Whatever is neither a clear yes nor a
// clear no is *unknown*, and an unknown posting is only ever looked for.
//
// This package must never POST while an earlier POST may have been booked,
// release a batch it has not read back, or delete anything.
//
// The states of a posting, and what a call of Post or Complete does in each:
//
//	intended   nothing is on its way        → read once what is booked, adopt or send
//	sending    a POST may be on its way     → unknown: a crash came between
//	unknown    nobody knows                 → look for the token; adopt, or wait, or send again
//	accepted   Visma.net gave a job id      → ask the job
//	booked     there is a batch             → read it back, compare line by line
//	checked    the batch is the voucher     → attach the documents
//	attached   the documents hang on it     → release, or leave as a draft
//	released   Visma.net was told           → read back until Unposted or Posted
//	verified   final
//	draft      final: stands on hold in Visma.net, as the profile wants
//	rejected   Visma.net said a clear no    → a new voucher may be intended
//	reversed   final: another batch took it back
package posting

import (
	"context"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// States of a posting.
const (
	Intended = "intended"
	Sending  = "sending"
	Accepted = "accepted"
	Unknown  = "unknown"
	Booked   = "booked"
	Checked  = "checked"
	Attached = "attached"
	Released = "released"
	Verified = "verified"
	Draft    = "draft"
	Rejected = "rejected"
	Reversed = "reversed"
)

// Books is what posting needs of Visma.net; *visma.Client is one.
type Books interface {
	CreateJournalTransaction(ctx context.Context, t visma.JournalTransactionUpdate) (visma.Accepted, error)
	Job(ctx context.Context, id string) (visma.Job, error)
	JobContent(ctx context.Context, id string) ([]byte, error)
	JournalTransaction(ctx context.Context, number string) (*visma.JournalTransaction, string, error)
	JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error)
	Release(ctx context.Context, number, etag string) (visma.ReleaseResult, error)
	Attach(ctx context.Context, module, number string, f visma.File) error
}

// Memory is what posting remembers; *store.Store is one.
type Memory interface {
	EnsureBooking(ctx context.Context, p store.Booking) (store.Booking, error)
	UpdateBooking(ctx context.Context, company, token string, change func(*store.Booking) error) (store.Booking, error)
	Booking(ctx context.Context, company, token string) (store.Booking, error)
	AppendAttempt(ctx context.Context, a store.Attempt) error
	RememberPeriod(ctx context.Context, company, period string, seen []store.SeenBatch) error
	SeenByToken(ctx context.Context, company, token string) ([]store.SeenBatch, error)
	SeenByReference(ctx context.Context, company, reference string) ([]store.SeenBatch, error)
	BookedLast(ctx context.Context, company string) (period, batch string, err error)
}

// Poster carries out intents for one Visma.net company.
type Poster struct {
	Books  Books
	Memory Memory
	// Now must be the same clock for all who post: Absent is measured by it, from
	// what one of them has written down to what another one reads.
	Now func() time.Time
	// Pause waits between two questions to a job or a batch.
	Pause func(ctx context.Context, d time.Duration) error
	// Absent limits how long a batch must have stayed away before it is posted
	// again: longer than any request or background job of Visma.net can live.
	Absent time.Duration
	// Scans is shared by all posters of a process.
	Scans *Scans
}

// Intent is one voucher that is meant to be booked. Periods are YYYYPP: the
// one of the voucher date first, the one to post into last; they differ when
// the profile posts into the next open period.
type Intent struct {
	Connection string
	Company    string
	// Kind is what is booked, as the store calls it; empty: a payout, or what takes
	// it back, as the revision says. Payout is the payment reference of the payout
	// that a booking of another kind is about, Day the last one of its period.
	Kind, Payout, Day string
	Revision          int
	Voucher           *voucher.Voucher
	Periods           []string
	Draft             bool
	// Branch is the company's main branch, for a voucher that names none: it is
	// sent, so that the batch does not go to whichever branch is somebody's default.
	Branch string
	// Again sends once more what was refused repeatedly: a person has asked for it.
	Again bool
	// Earlier are the tokens of the payout's revisions before this one, whose
	// batches carry the same payment reference.
	Earlier []string
	// Reversal is the token that takes this posting back. A batch that carries
	// it shows that an earlier installation did so.
	Reversal string
	// Unrelated are batches that carry the payment reference and do not book the
	// payout, as a person decided.
	Unrelated []string
	// Taken is the batch that a person took as this voucher's, nil when nobody did.
	Taken *Taken
}

// Taken is a batch that a person took as it was in Visma.net, with what differed
// then from the voucher. Any other difference stops it as before.
type Taken struct {
	Batch       string
	Differences []string
}

// Bound tells whether a posting in that state may have reached the books, so
// that its voucher and its evidence must stay as they are.
func Bound(state string) bool { return state != Intended && state != Rejected }

func (in Intent) period() string { return in.Periods[len(in.Periods)-1] }

// Stop is a reason not to go on that only a person or an event can remove.
type Stop = held.Stop

// Outcome holds what Post achieved: a batch number, or a time to look again while
// it is unknown whether there is one, or a reason to stop. A Stop together
// with a batch number means that the batch exists and must not be posted again; a
// Stop together with a time to look again, that it is for a person now, and looked
// for all the same.
type Outcome struct {
	BatchNumber string
	Adopted     bool
	LookAgain   time.Duration
	Stop        *Stop
}
