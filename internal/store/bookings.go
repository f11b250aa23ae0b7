package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The kinds of bookings: everything that Kvitt writes into somebody's books. A
// payout's own, and what takes it back, are named after its payment reference.
const (
	KindPayout   = "payout"
	KindReversal = "reversal"
	KindPart     = "part"    // what of a payout belongs to a period that ended before
	KindAccrual  = "accrual" // what is captured and not paid out at the end of a period
)

// Accruals are the kinds that book in a period what comes in a later one, in which
// they are taken back.
var Accruals = []string{KindAccrual, KindPart}

// ofPayouts selects what books payouts themselves, and takes that back.
const ofPayouts = "kind IN ('" + KindPayout + "', '" + KindReversal + "')"

// Work returns what decisions and stops call a kind: a part of a payout is one of the
// accruals there.
func Work(kind string) string {
	if kind == KindPart {
		return WorkAccrual
	}
	return kind
}

// Booking is the durable record of one intent to book something, the memory that
// prevents booking twice. It is written before the first POST and never deleted;
// its voucher cannot change once it may have been sent, that is, in any state but
// intended and rejected.
type Booking struct {
	CompanyID        string // Visma.net company
	Token            string // derived from the business, see voucher.Token
	Kind             string // one of the Kind…; that of a payout or its reversal follows from the revision
	Name             string // for people; of a payout and its reversal the payment reference
	ConnectionID     string
	PaymentReference string // of the payout behind it; "" where there is none
	Day              string // the last one of the period that it is about, 2026-01-31; "" where it is about none
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
	// Compared says how much of the batch was compared when it was read back: 1 with
	// what Visma.net fills in by itself, 0 without.
	Compared int
}

const bookingColumns = "company_id, token, kind, name, connection_id, payment_reference, day, revision, voucher_hash, voucher, period, mode, " +
	"state, job_id, batch_number, attempts, attempted_at, unknown_since, absent_since, adopted, failure, created_at, updated_at, compared"

func (p *Booking) cells() []any {
	return []any{
		text{&p.CompanyID},
		text{&p.Token},
		text{&p.Kind},
		text{&p.Name},
		text{&p.ConnectionID},
		optional{&p.PaymentReference},
		text{&p.Day},
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
	err = one(ctx, s.reads, []any{text{&period}, text{&batch}}, `SELECT period, batch_number FROM bookings
		WHERE company_id = $1 AND batch_number <> '' AND state IN ('checked', 'attached', 'released', 'verified', 'draft')
		ORDER BY CASE state WHEN 'verified' THEN 0 ELSE 1 END, updated_at DESC LIMIT 1`, company)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return period, batch, s.fail("find the last batch of the company "+company, err)
}

// EnsureBooking writes the booking unless its company and token are there
// already, and returns the one that is there: whoever calls compares the
// voucher's hash. The intent is audited. Errors: ErrNotFound when its payout
// is not there; ErrExists when this revision of the payout has a booking with
// another token or company.
func (s *Store) EnsureBooking(ctx context.Context, p Booking) (stored Booking, err error) {
	p.State = cmp.Or(p.State, "intended")
	if p.Kind == "" {
		p.Kind = []string{KindPayout, KindReversal}[p.Revision%2]
	}
	p.Name = cmp.Or(p.Name, p.PaymentReference)
	p.CreatedAt = now()
	p.UpdatedAt = p.CreatedAt
	attempted := "record the intent to post " + bookingName(p.CompanyID, p.Token)
	err = s.write(ctx, attempted, func(q querier) error {
		// Whichever key two callers meet at: which one that is, is PostgreSQL's to
		// choose.
		n, err := exec(ctx, q, insertInto("bookings", bookingColumns)+" ON CONFLICT DO NOTHING", p.cells()...)
		if err != nil {
			return err
		}
		stored, err = s.booking(ctx, q, p.CompanyID, p.Token, "")
		if n == 0 && errors.Is(err, sql.ErrNoRows) {
			return &Error{Attempted: attempted, Problem: "this revision of the payout has another posting", Kind: ErrExists}
		}
		if err != nil || n == 0 {
			return err
		}
		return s.appendAudit(ctx, q, stored.entry(nil))
	})
	return stored, err
}

// UpdateBooking reads a booking, lets change change it, and writes it in one
// transaction, during which nobody else changes that booking; a change of
// state or batch is audited. change may run several times and must not use the
// store; its error undoes everything and is returned as it is. What names the
// booking and CreatedAt cannot be changed; ConnectionID can, when a re-created
// connection takes over. Error: ErrNotFound.
func (s *Store) UpdateBooking(ctx context.Context, company, token string, change func(*Booking) error) (after Booking, err error) {
	err = s.write(ctx, "update "+bookingName(company, token), func(q querier) error {
		before, err := s.booking(ctx, q, company, token, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		after = before
		if err := change(&after); err != nil {
			return callerError{err}
		}
		after.CompanyID, after.Token = before.CompanyID, before.Token
		after.CreatedAt, after.UpdatedAt = before.CreatedAt, now()
		_, err = exec(ctx, q, "UPDATE bookings SET "+assignments(bookingColumns, 2)+" WHERE company_id = $1 AND token = $2", after.cells()...)
		if err != nil || string(before.summary()) == string(after.summary()) {
			return err
		}
		return s.appendAudit(ctx, q, after.entry(&before))
	})
	if err != nil {
		return Booking{}, err
	}
	return after, nil
}

// Booking reads a booking. Error: ErrNotFound.
func (s *Store) Booking(ctx context.Context, company, token string) (Booking, error) {
	p, err := s.booking(ctx, s.reads, company, token, "")
	return p, s.fail("read "+bookingName(company, token), err)
}

func (s *Store) booking(ctx context.Context, q querier, company, token, lock string) (p Booking, err error) {
	err = one(ctx, q, p.cells(), "SELECT "+bookingColumns+" FROM bookings WHERE company_id = $1 AND token = $2"+lock, company, token)
	return p, err
}

// BookingOf reads the booking of a revision of a payout, whichever connection
// of the same company made it; revision -1 is the latest. Error: ErrNotFound.
func (s *Store) BookingOf(ctx context.Context, connection, reference string, revision int) (Booking, error) {
	var p Booking
	err := one(ctx, s.reads, p.cells(), "SELECT "+bookingColumns+` FROM bookings
		WHERE payment_reference = $2 AND `+ofPayouts+` AND (revision = $3 OR $3 < 0)
			AND (connection_id = $1 OR company_id = (SELECT company_id FROM connections WHERE id = $1))
		ORDER BY revision DESC LIMIT 1`,
		connection, reference, int64(revision))
	return p, s.fail("read the posting of "+payoutName(connection, reference), err)
}

// Bookings lists what is booked, or meant to be, in a connection's company of
// some kinds, by name; of one payout when a payment reference is given.
func (s *Store) Bookings(ctx context.Context, connection, reference string, kinds ...string) ([]Booking, error) {
	all, err := list(ctx, s.reads, (*Booking).cells, "SELECT "+bookingColumns+" FROM bookings WHERE "+of(kinds)+` AND (payment_reference = $2 OR $2 = '')
		AND (connection_id = $1 OR company_id = (SELECT company_id FROM connections WHERE id = $1 AND company_id <> ''))
		ORDER BY name, revision, token`, connection, reference)
	return all, s.fail("list the bookings of the connection "+connection, err)
}

// of selects some kinds, which are our own words, or all.
func of(kinds []string) string {
	if len(kinds) == 0 {
		return "kind <> ''"
	}
	return "kind IN ('" + strings.Join(kinds, "', '") + "')"
}

func bookingName(company, token string) string {
	return fmt.Sprintf("the booking %s in the company %s", token, company)
}

// audited returns what the audit trail calls a booking: what it is filtered by stays
// what it was before bookings had kinds.
func (p *Booking) audited() string {
	switch p.Kind {
	case KindPayout, KindReversal:
		return "posting"
	default:
		return Work(p.Kind)
	}
}

func (p *Booking) entry(before *Booking) AuditEntry {
	e := AuditEntry{
		Who: byItself, ConnectionID: p.ConnectionID, Subject: p.audited() + "/" + p.Token, Action: p.audited() + "." + p.State, After: p.summary(),
	}
	if before != nil {
		e.Before = before.summary()
	}
	return e
}

// about is whose booking it is, as the audit trail says it: subject and what
// actions begin with.
func (p *Booking) about() (subject, action string) {
	if p.audited() == "posting" {
		return "payout/" + p.PaymentReference, "payout"
	}
	return p.audited() + "/" + p.Token, p.audited()
}

// summary is the booking as the audit trail shows it.
func (p *Booking) summary() json.RawMessage {
	return summary(struct {
		Connection       string `json:"connection"`
		PaymentReference string `json:"payment_reference"`
		Revision         int    `json:"revision"`
		State            string `json:"state"`
		VoucherHash      string `json:"voucher_hash"`
		BatchNumber      string `json:"batch_number,omitempty"`
		Adopted          bool   `json:"adopted,omitempty"`
	}{p.ConnectionID, p.Name, p.Revision, p.State, p.VoucherHash, p.BatchNumber, p.Adopted})
}

// Attempt is something that was tried for a booking. Append-only.
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

// AppendAttempt records something that was tried for a booking. Error:
// ErrNotFound when there is no such booking.
func (s *Store) AppendAttempt(ctx context.Context, a Attempt) error {
	if a.At.IsZero() {
		a.At = now()
	}
	return s.write(ctx, "record an attempt at "+bookingName(a.CompanyID, a.Token), func(q querier) error {
		if _, err := s.booking(ctx, q, a.CompanyID, a.Token, s.dialect.forUpdate); err != nil {
			return err
		}
		err := one(ctx, q, []any{&a.Seq},
			"SELECT COALESCE(MAX(seq), 0) + 1 FROM booking_attempts WHERE company_id = $1 AND token = $2", a.CompanyID, a.Token)
		if err != nil {
			return err
		}
		_, err = exec(ctx, q, insertInto("booking_attempts", attemptColumns), a.cells()...)
		return err
	})
}

// Attempts lists what was tried for a booking, in order.
func (s *Store) Attempts(ctx context.Context, company, token string) ([]Attempt, error) {
	all, err := list(ctx, s.reads, (*Attempt).cells,
		"SELECT "+attemptColumns+" FROM booking_attempts WHERE company_id = $1 AND token = $2 ORDER BY seq", company, token)
	return all, s.fail("list the attempts at "+bookingName(company, token), err)
}
