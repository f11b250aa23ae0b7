package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Posting is the durable record of one intent to post, the memory that
// prevents booking twice. It is written before the first POST and
// never deleted; its voucher cannot change once it may have been sent, that
// is, in any state but intended and rejected.
type Posting struct {
	CompanyID        string // Visma.net company
	Token            string // derived from the business, see voucher.Token
	ConnectionID     string
	PaymentReference string
	Revision         int
	VoucherHash      string
	Voucher          json.RawMessage
	Period           string // YYYYPP
	Mode             string // draft or auto
	State            string // intended, sending, accepted, unknown, booked, checked, attached, released, verified, draft, rejected, reversed
	JobID            string
	BatchNumber      string // never "" from booked on
	Attempts         int
	AttemptedAt      *time.Time
	UnknownSince     *time.Time
	AbsentSince      *time.Time // since when the batch was looked for and not found
	Adopted          bool
	Failure          json.RawMessage
	CreatedAt        time.Time
	UpdatedAt        time.Time
	// Compared is how much of the batch was compared when it was read back: 1 with
	// what Visma.net fills in by itself, 0 without.
	Compared int
}

const postingColumns = "company_id, token, connection_id, payment_reference, revision, voucher_hash, voucher, period, mode, " +
	"state, job_id, batch_number, attempts, attempted_at, unknown_since, absent_since, adopted, failure, created_at, updated_at, compared"

func (p *Posting) cells() []any {
	return []any{
		text{&p.CompanyID},
		text{&p.Token},
		text{&p.ConnectionID},
		text{&p.PaymentReference},
		&p.Revision,
		text{&p.VoucherHash},
		jsonText{"the voucher", &p.Voucher},
		text{&p.Period},
		text{&p.Mode},
		text{&p.State},
		text{&p.JobID},
		text{&p.BatchNumber},
		&p.Attempts,
		maybe{&p.AttemptedAt},
		maybe{&p.UnknownSince},
		maybe{&p.AbsentSince},
		&p.Adopted,
		jsonText{"the failure", &p.Failure},
		instant{&p.CreatedAt},
		instant{&p.UpdatedAt},
		&p.Compared,
	}
}

// BookedLast is the batch that was booked last for a company, and its period; ""
// when none is known. One that is released comes first: nobody can delete it.
func (s *Store) BookedLast(ctx context.Context, company string) (period, batch string, err error) {
	err = one(ctx, s.reads, []any{text{&period}, text{&batch}}, `SELECT period, batch_number FROM postings
		WHERE company_id = $1 AND batch_number <> '' AND state IN ('checked', 'attached', 'released', 'verified', 'draft')
		ORDER BY CASE state WHEN 'verified' THEN 0 ELSE 1 END, updated_at DESC LIMIT 1`, company)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return period, batch, s.fail("find the last batch of the company "+company, err)
}

// ledger is where postings of one kind are remembered.
type ledger struct {
	*Store
	table, attempts, drift string
	what                   string // in errors and in the audit trail
}

func (s *Store) payoutLedger() ledger {
	return ledger{s, "postings", "posting_attempts", "drift", "posting"}
}

// EnsurePosting writes the posting unless its company and token are there
// already, and returns the one that is there: whoever calls compares the
// voucher's hash. The intent is audited. Errors: ErrNotFound when the payout
// is not there; ErrExists when this revision of the payout has a posting with
// another token or company.
func (s *Store) EnsurePosting(ctx context.Context, p Posting) (Posting, error) {
	return s.payoutLedger().ensure(ctx, p)
}

func (l ledger) ensure(ctx context.Context, p Posting) (stored Posting, err error) {
	if p.State == "" {
		p.State = "intended"
	}
	p.CreatedAt = now()
	p.UpdatedAt = p.CreatedAt
	err = l.write(ctx, "record the intent to post "+l.name(p.CompanyID, p.Token), func(q querier) error {
		// Whichever key two callers meet at: which one that is, is PostgreSQL's to
		// choose.
		n, err := exec(ctx, q, insertInto(l.table, postingColumns)+" ON CONFLICT DO NOTHING", p.cells()...)
		if err != nil {
			return err
		}
		stored, err = l.posting(ctx, q, p.CompanyID, p.Token, "")
		if n == 0 && errors.Is(err, sql.ErrNoRows) {
			return &Error{Attempted: "record the intent to post " + l.name(p.CompanyID, p.Token), Problem: "this revision of the payout has another posting", Kind: ErrExists}
		}
		if err != nil || n == 0 {
			return err
		}
		return l.appendAudit(ctx, q, l.entry(&stored, nil))
	})
	return stored, err
}

// UpdatePosting reads a posting, lets change change it, and writes it in one
// transaction, during which nobody else changes that posting; a change of
// state or batch is audited. change may run several times and must not use the
// store; its error undoes everything and is returned as it is. Company, token,
// payment reference, revision and CreatedAt cannot be changed; ConnectionID
// can, when a re-created connection takes over. Error: ErrNotFound.
func (s *Store) UpdatePosting(ctx context.Context, company, token string, change func(*Posting) error) (Posting, error) {
	return s.payoutLedger().update(ctx, company, token, change)
}

func (l ledger) update(ctx context.Context, company, token string, change func(*Posting) error) (after Posting, err error) {
	err = l.write(ctx, "update "+l.name(company, token), func(q querier) error {
		before, err := l.posting(ctx, q, company, token, l.dialect.forUpdate)
		if err != nil {
			return err
		}
		after = before
		if err := change(&after); err != nil {
			return callerError{err}
		}
		after.CompanyID, after.Token = before.CompanyID, before.Token
		after.CreatedAt, after.UpdatedAt = before.CreatedAt, now()
		_, err = exec(ctx, q, "UPDATE "+l.table+" SET "+assignments(postingColumns, 2)+" WHERE company_id = $1 AND token = $2", after.cells()...)
		if err != nil || string(before.summary()) == string(after.summary()) {
			return err
		}
		return l.appendAudit(ctx, q, l.entry(&after, &before))
	})
	if err != nil {
		return Posting{}, err
	}
	return after, nil
}

// Posting reads a posting. Error: ErrNotFound.
func (s *Store) Posting(ctx context.Context, company, token string) (Posting, error) {
	return s.payoutLedger().read(ctx, company, token)
}

func (l ledger) read(ctx context.Context, company, token string) (Posting, error) {
	p, err := l.posting(ctx, l.reads, company, token, "")
	return p, l.fail("read "+l.name(company, token), err)
}

func (l ledger) posting(ctx context.Context, q querier, company, token, lock string) (p Posting, err error) {
	err = one(ctx, q, p.cells(), "SELECT "+postingColumns+" FROM "+l.table+" WHERE company_id = $1 AND token = $2"+lock, company, token)
	return p, err
}

// PostingOf reads the posting of a revision of a payout, whichever connection
// of the same company made it; revision -1 is the latest. Error: ErrNotFound.
func (s *Store) PostingOf(ctx context.Context, connection, reference string, revision int) (Posting, error) {
	var p Posting
	err := one(ctx, s.reads, p.cells(), "SELECT "+postingColumns+` FROM postings
		WHERE payment_reference = $2 AND (revision = $3 OR $3 < 0)
			AND (connection_id = $1 OR company_id = (SELECT company_id FROM connections WHERE id = $1))
		ORDER BY revision DESC LIMIT 1`,
		connection, reference, int64(revision))
	return p, s.fail("read the posting of "+payoutName(connection, reference), err)
}

func (l ledger) name(company, token string) string {
	return fmt.Sprintf("the %s %s in the company %s", l.what, token, company)
}

func (l ledger) entry(p, before *Posting) AuditEntry {
	e := AuditEntry{
		Who: byItself, ConnectionID: p.ConnectionID, Subject: l.what + "/" + p.Token, Action: l.what + "." + p.State, After: p.summary(),
	}
	if before != nil {
		e.Before = before.summary()
	}
	return e
}

// about is whose posting it is, as the audit trail says it: subject and what
// actions begin with.
func (l ledger) about(p *Posting) (subject, action string) {
	if l.table == "postings" {
		return "payout/" + p.PaymentReference, "payout"
	}
	return l.what + "/" + p.Token, l.what
}

// summary is the posting as the audit trail shows it.
func (p *Posting) summary() json.RawMessage {
	return summary(struct {
		Connection       string `json:"connection"`
		PaymentReference string `json:"payment_reference"`
		Revision         int    `json:"revision"`
		State            string `json:"state"`
		VoucherHash      string `json:"voucher_hash"`
		BatchNumber      string `json:"batch_number,omitempty"`
		Adopted          bool   `json:"adopted,omitempty"`
	}{p.ConnectionID, p.PaymentReference, p.Revision, p.State, p.VoucherHash, p.BatchNumber, p.Adopted})
}

// Attempt is something that was tried for a posting. Append-only.
type Attempt struct {
	CompanyID string
	Token     string
	Seq       int       // 1, 2, …; set by AppendAttempt
	At        time.Time // now when zero
	Action    string    // post, poll, search, attach, release, read
	Outcome   string    // what became of it, in a word or a sentence
	Status    int       // HTTP status, 0 when there was no answer
	RequestID string
	Detail    json.RawMessage
}

const attemptColumns = "company_id, token, seq, at, action, outcome, status, request_id, detail"

func (a *Attempt) cells() []any {
	return []any{
		text{&a.CompanyID},
		text{&a.Token},
		&a.Seq,
		instant{&a.At},
		text{&a.Action},
		text{&a.Outcome},
		&a.Status,
		text{&a.RequestID},
		jsonText{"the detail", &a.Detail},
	}
}

// AppendAttempt records something that was tried for a posting. Error:
// ErrNotFound when there is no such posting.
func (s *Store) AppendAttempt(ctx context.Context, a Attempt) error {
	return s.payoutLedger().attempt(ctx, a)
}

func (l ledger) attempt(ctx context.Context, a Attempt) error {
	if a.At.IsZero() {
		a.At = now()
	}
	return l.write(ctx, "record an attempt at "+l.name(a.CompanyID, a.Token), func(q querier) error {
		if _, err := l.posting(ctx, q, a.CompanyID, a.Token, l.dialect.forUpdate); err != nil {
			return err
		}
		err := one(ctx, q, []any{&a.Seq},
			"SELECT COALESCE(MAX(seq), 0) + 1 FROM "+l.attempts+" WHERE company_id = $1 AND token = $2", a.CompanyID, a.Token)
		if err != nil {
			return err
		}
		_, err = exec(ctx, q, insertInto(l.attempts, attemptColumns), a.cells()...)
		return err
	})
}

// Attempts lists what was tried for a posting, in order.
func (s *Store) Attempts(ctx context.Context, company, token string) ([]Attempt, error) {
	return s.payoutLedger().tried(ctx, company, token)
}

func (l ledger) tried(ctx context.Context, company, token string) ([]Attempt, error) {
	all, err := list(ctx, l.reads, (*Attempt).cells,
		"SELECT "+attemptColumns+" FROM "+l.attempts+" WHERE company_id = $1 AND token = $2 ORDER BY seq", company, token)
	return all, l.fail("list the attempts at "+l.name(company, token), err)
}
