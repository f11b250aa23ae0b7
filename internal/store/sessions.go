package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Reasons to refuse a sign-in, for errors.Is.
var (
	// ErrDisabled: the person may not sign in.
	ErrDisabled = errors.New("disabled")
	// ErrUsed: the one-time link was used.
	ErrUsed = errors.New("used")
	// ErrExpired: the link or the sign-in has expired.
	ErrExpired = errors.New("expired")
)

// Session is a browser that has signed in. Nothing in it allows signing in: Hash is the SHA-256 of the
// browser's secret.
type Session struct {
	Hash      string
	PersonID  string
	CreatedAt time.Time
	SeenAt    time.Time
	// VouchedBy names other people who may hold the session: those who have seen the one-time link that it
	// began with, separated by commas; * for anybody, "" for nobody.
	VouchedBy string
	Remote    string // the address that it began from
	Device    string // the browser's name for itself
}

const sessionColumns = "hash, person_id, created_at, seen_at, vouched_by, remote, device"

func (x *Session) cells() []any {
	return []any{text{&x.Hash}, text{&x.PersonID}, instant{&x.CreatedAt}, instant{&x.SeenAt}, text{&x.VouchedBy}, text{&x.Remote}, text{&x.Device}}
}

// StartSession records that a person signed in, and how, and audits it. Errors: ErrNotFound, ErrDisabled.
func (s *Store) StartSession(ctx context.Context, x Session, how string) error {
	return s.write(ctx, "start a session", func(q querier) error {
		p, err := s.lockPerson(ctx, q, x.PersonID)
		if err != nil {
			return err
		}
		return s.startSession(ctx, q, &p, x, how)
	})
}

// lockPerson reads a person and locks them until the transaction ends.
func (s *Store) lockPerson(ctx context.Context, q querier, id string) (p Person, err error) {
	err = one(ctx, q, p.cells(), "SELECT "+personColumns+" FROM people WHERE id = $1"+s.dialect.forUpdate, id)
	return p, err
}

func (s *Store) startSession(ctx context.Context, q querier, p *Person, x Session, how string) error {
	if p.Disabled() {
		return &Error{Attempted: "start a session of " + p.Email, Problem: "the person is disabled", Kind: ErrDisabled}
	}
	x.PersonID = p.ID
	if _, err := exec(ctx, q, insertInto("sessions", sessionColumns), x.cells()...); err != nil {
		return err
	}
	return s.appendAudit(ctx, q, AuditEntry{At: x.CreatedAt, Who: p.Email, Subject: p.subject(), Action: "person.signed_in", After: byWay(how, &x)})
}

func byWay(how string, x *Session) json.RawMessage {
	return summary(struct {
		How       string `json:"how"`
		From      string `json:"from,omitempty"`
		VouchedBy string `json:"vouched_by,omitempty"`
	}{how, x.Remote, x.VouchedBy})
}

// Session reads a session and its person, as they are now. The caller decides whether it is still valid.
// Error: ErrNotFound.
func (s *Store) Session(ctx context.Context, hash string) (x Session, p Person, err error) {
	err = one(ctx, s.reads, append(x.cells(), p.cells()...), `SELECT sessions.hash, sessions.person_id, sessions.created_at, sessions.seen_at, sessions.vouched_by, sessions.remote, sessions.device,
		people.id, people.email, people.name, people.role, people.added_by, people.added_at, people.updated_at, people.disabled_at, people.subject
		FROM sessions JOIN people ON people.id = sessions.person_id WHERE sessions.hash = $1`, hash)
	return x, p, s.fail("read a session", err)
}

// TouchSession records when a session was last seen; an earlier time changes nothing.
func (s *Store) TouchSession(ctx context.Context, hash string, at time.Time) error {
	return s.write(ctx, "record that a session was seen", func(q querier) error {
		_, err := exec(ctx, q, "UPDATE sessions SET seen_at = $2 WHERE hash = $1 AND seen_at < $2", hash, at.UnixMicro())
		return err
	})
}

// EndSession deletes a session, and audits it when a person signed out. A missing session is not an error.
func (s *Store) EndSession(ctx context.Context, hash string, at time.Time) error {
	return s.write(ctx, "end a session", func(q querier) error {
		var p Person
		err := one(ctx, q, p.cells(), "SELECT "+personColumns+" FROM people WHERE id = (SELECT person_id FROM sessions WHERE hash = $1)", hash)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if n, err := exec(ctx, q, "DELETE FROM sessions WHERE hash = $1", hash); err != nil || n == 0 {
			return err
		}
		return s.appendAudit(ctx, q, AuditEntry{At: at, Who: p.Email, Subject: p.subject(), Action: "person.signed_out"})
	})
}

// PutAttempt records a browser that was sent to the provider.
func (s *Store) PutAttempt(ctx context.Context, hash, returnTo string, expires time.Time) error {
	return s.write(ctx, "record a sign-in under way", func(q querier) error {
		_, err := exec(ctx, q, "INSERT INTO signin_attempts (hash, return_to, expires_at) VALUES ($1, $2, $3)", hash, returnTo, expires.UnixMicro())
		return err
	})
}

// TakeAttempt returns a sign-in under way and deletes it. Errors: ErrNotFound, ErrExpired.
func (s *Store) TakeAttempt(ctx context.Context, hash string, at time.Time) (returnTo string, err error) {
	attempted := "find the sign-in under way"
	var expires time.Time
	err = s.write(ctx, attempted, func(q querier) error {
		return one(ctx, q, []any{text{&returnTo}, instant{&expires}},
			"DELETE FROM signin_attempts WHERE hash = $1 RETURNING return_to, expires_at", hash)
	})
	if err == nil && !at.Before(expires) {
		return "", &Error{Attempted: attempted, Problem: "it took too long", Kind: ErrExpired}
	}
	return returnTo, err
}

// SweepSignIns deletes what has expired: sessions created or last seen before the given times, links that
// expired before links, and attempts that expired before now. It returns the number of deleted sessions.
func (s *Store) SweepSignIns(ctx context.Context, now, created, seen, links time.Time) (sessions int64, err error) {
	err = s.write(ctx, "sweep expired sessions", func(q querier) error {
		if _, err := exec(ctx, q, "DELETE FROM signin_attempts WHERE expires_at <= $1", now.UnixMicro()); err != nil {
			return err
		}
		if _, err := exec(ctx, q, "DELETE FROM signin_links WHERE expires_at <= $1", links.UnixMicro()); err != nil {
			return err
		}
		var err error
		sessions, err = exec(ctx, q, "DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2", created.UnixMicro(), seen.UnixMicro())
		return err
	})
	return sessions, err
}
