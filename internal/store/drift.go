package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// AsPosted is the word of a drift that is none.
const AsPosted = "as_posted"

// NotTakenBack is the word of an accrual that Visma.net has not taken back.
const NotTakenBack = "not_taken_back"

// Drift holds what the last look at Visma.net found of a batch that was posted.
type Drift struct {
	CompanyID   string
	Token       string
	Word        string          // as_posted, released, unreleased, edited, voided, gone, elsewhere
	Differences json.RawMessage // a list of sentences
	Posted      json.RawMessage // what Kvitt posted
	Found       json.RawMessage // what Visma.net has, null when it has none
	Since       time.Time       // when it was first found like that
	CheckedAt   time.Time

	ConnectionID string // of the posting; read only
	Name         string // of the posting; read only
	BatchNumber  string // of the posting; read only
}

const driftColumns = "company_id, token, word, differences, posted, found, since, checked_at"

func (d *Drift) cells() []any {
	return []any{
		text{&d.CompanyID},
		text{&d.Token},
		text{&d.Word},
		jsonText{"the differences", &d.Differences},
		jsonText{"what was posted", &d.Posted},
		jsonText{"what was found", &d.Found},
		instant{&d.Since},
		instant{&d.CheckedAt},
	}
}

func (d *Drift) read() []any {
	return append(d.cells(), text{&d.ConnectionID}, text{&d.Name}, text{&d.BatchNumber})
}

const selectDrift = "SELECT drift.company_id, drift.token, word, differences, drift.posted, found, since, checked_at, " +
	"connection_id, name, batch_number FROM booking_drift AS drift JOIN bookings USING (company_id, token)"

// PutDrift records what was found of a posting. It is audited, as about the
// payout, when it is something else than before. Error: ErrNotFound when there
// is no such posting.
func (s *Store) PutDrift(ctx context.Context, d Drift) error {
	return s.write(ctx, "record what was found of "+bookingName(d.CompanyID, d.Token), func(q querier) error {
		booking, err := s.booking(ctx, q, d.CompanyID, d.Token, s.dialect.forUpdate)
		if err != nil {
			return err
		}
		before := Drift{Word: AsPosted, Since: now()} // as it was when it was posted
		err = one(ctx, q, before.read(), selectDrift+" WHERE drift.company_id = $1 AND drift.token = $2", d.CompanyID, d.Token)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		changed := before.Word != d.Word || err == nil && string(before.Differences) != string(d.Differences)
		d.CheckedAt = now()
		if d.Since = before.Since; changed {
			d.Since = d.CheckedAt
		}
		_, err = exec(ctx, q, insertInto("booking_drift", driftColumns)+" ON CONFLICT (company_id, token) DO UPDATE SET "+excluded(driftColumns, 2), d.cells()...)
		if err != nil || !changed {
			return err
		}
		subject, action := booking.about()
		return s.appendAudit(ctx, q, AuditEntry{
			Who: byItself, ConnectionID: booking.ConnectionID, Subject: subject, Action: action + ".drift", Before: before.summary(), After: d.summary(),
		})
	})
}

// summary returns what was found as the audit trail shows it, with both sides.
func (d *Drift) summary() json.RawMessage {
	return summary(struct {
		Reason      string          `json:"reason"`
		Differences json.RawMessage `json:"differences,omitempty"`
		Posted      json.RawMessage `json:"posted,omitempty"`
		Found       json.RawMessage `json:"found,omitempty"`
	}{d.Word, d.Differences, d.Posted, d.Found})
}

// DriftOf reads what was last found of a posting; nil when nobody has looked.
func (s *Store) DriftOf(ctx context.Context, company, token string) (*Drift, error) {
	var d Drift
	err := one(ctx, s.reads, d.read(), selectDrift+" WHERE drift.company_id = $1 AND drift.token = $2", company, token)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nobody has looked is the documented answer
	}
	if err != nil {
		return nil, s.fail("read what was found of "+bookingName(company, token), err)
	}
	return &d, nil
}

// Drifts lists what was last found of the bookings of a connection, by
// name: of some kinds, all when none is given.
func (s *Store) Drifts(ctx context.Context, connection string, kinds ...string) ([]Drift, error) {
	all, err := list(ctx, s.reads, (*Drift).read, selectDrift+" WHERE connection_id = $1 AND "+of(kinds)+" ORDER BY name, drift.token", connection)
	return all, s.fail("list what was found of the bookings of the connection "+connection, err)
}

// BookingsToCheck lists the bookings of a connection whose batches should
// stand in Visma.net as they were posted: those made since a time, and those
// that were last found to be something else.
func (s *Store) BookingsToCheck(ctx context.Context, connection string, since time.Time) ([]Booking, error) {
	all, err := list(ctx, s.reads, (*Booking).cells, "SELECT "+bookingColumns+` FROM bookings
		WHERE connection_id = $1 AND state IN ('verified', 'draft')
			AND (created_at >= $2 OR EXISTS (SELECT 1 FROM booking_drift AS drift WHERE drift.company_id = bookings.company_id
				AND drift.token = bookings.token AND word NOT IN ('as_posted', 'released')))
		ORDER BY period, batch_number, token`, connection, since.UnixMicro())
	return all, s.fail("list the bookings of the connection "+connection+" to look at again", err)
}
