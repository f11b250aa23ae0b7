package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ProfileVersion is one version of a connection's posting profile.
type ProfileVersion struct {
	ConnectionID string
	Version      int // 1, 2, …
	Document     []byte
	Hash         string
	CreatedBy    string
	CreatedAt    time.Time
	Reason       string // the author's reason
	VouchedBy    string // other people who may have been the author, see Session
}

const profileColumns = "connection_id, version, document, hash, created_by, created_at, reason, vouched_by"

func (p *ProfileVersion) cells() []any {
	return []any{
		text{&p.ConnectionID}, &p.Version, blob{&p.Document}, text{&p.Hash}, text{&p.CreatedBy}, instant{&p.CreatedAt}, text{&p.Reason}, text{&p.VouchedBy},
	}
}

// Revision is a new version of a posting profile.
type Revision struct {
	Document []byte
	Hash     string
	Who      string
	Reason   string
	// VouchedBy names other people who may be the author, see Session.
	VouchedBy string
	OnTopOf   int // the latest version that its author saw; 0: any
}

// ErrOutdated means that somebody else has added a version meanwhile.
var ErrOutdated = errors.New("somebody else has added a version")

// AddProfile is ReviseProfile without a reason, on top of the latest version.
func (s *Store) AddProfile(ctx context.Context, connection string, doc []byte, hash, who string) (version int, err error) {
	return s.ReviseProfile(ctx, connection, Revision{Document: doc, Hash: hash, Who: who})
}

// ReviseProfile adds a version of a connection's posting profile, audits the author and the reason, and
// returns its number. A document with the hash of the latest version is that version, and nothing is
// written. Errors: ErrNotFound when there is no such connection, ErrOutdated.
func (s *Store) ReviseProfile(ctx context.Context, connection string, r Revision) (version int, err error) {
	attempted := "add a posting profile to the connection " + connection
	err = s.write(ctx, attempted, func(q querier) error {
		var id string // the lock on the connection's row serialises additions
		if err := one(ctx, q, []any{&id}, "SELECT id FROM connections WHERE id = $1"+s.dialect.forUpdate, connection); err != nil {
			return err
		}
		latest, err := profileOf(ctx, q, connection, 0)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case latest.Hash == r.Hash && bytes.Equal(latest.Document, r.Document):
			version = latest.Version
			return nil
		case r.OnTopOf != 0 && r.OnTopOf != latest.Version:
			return callerError{&Error{
				Attempted: attempted, Kind: ErrOutdated,
				Problem: fmt.Sprintf("version %d was added meanwhile, by %s, and this one is based on version %d", latest.Version, latest.CreatedBy, r.OnTopOf),
				Remedy:  "Read that change, then make yours again on top of it.",
			}}
		}
		version = latest.Version + 1
		p := ProfileVersion{connection, version, r.Document, r.Hash, r.Who, now(), r.Reason, r.VouchedBy}
		if _, err := exec(ctx, q, insertInto("profiles", profileColumns), p.cells()...); err != nil {
			return err
		}
		entry := AuditEntry{
			Who: r.Who, ConnectionID: connection, Subject: "profile", Action: "profile.added",
			After: p.summary(),
		}
		if latest.Version > 0 {
			entry.Before = latest.summary()
		}
		return s.appendAudit(ctx, q, entry)
	})
	return version, err
}

// summary is the version in the audit trail.
func (p *ProfileVersion) summary() json.RawMessage {
	return summary(struct {
		Version int    `json:"version"`
		Hash    string `json:"hash"`
		Reason  string `json:"reason,omitempty"`
	}{p.Version, p.Hash, p.Reason})
}

// Profile reads a version of a connection's posting profile; version 0 is the
// latest. Error: ErrNotFound.
func (s *Store) Profile(ctx context.Context, connection string, version int) (ProfileVersion, error) {
	p, err := profileOf(ctx, s.reads, connection, version)
	attempted := fmt.Sprintf("read version %d of the posting profile of the connection %s", version, connection)
	if version == 0 {
		attempted = "read the posting profile of the connection " + connection
	}
	return p, s.fail(attempted, err)
}

// Profiles lists every version of a connection's posting profile, newest first.
func (s *Store) Profiles(ctx context.Context, connection string) ([]ProfileVersion, error) {
	all, err := list(ctx, s.reads, (*ProfileVersion).cells,
		"SELECT "+profileColumns+" FROM profiles WHERE connection_id = $1 ORDER BY version DESC", connection)
	return all, s.fail("list the posting profiles of the connection "+connection, err)
}

func profileOf(ctx context.Context, q querier, connection string, version int) (p ProfileVersion, err error) {
	err = one(ctx, q, p.cells(), "SELECT "+profileColumns+" FROM profiles WHERE connection_id = $1 AND (version = $2 OR $2 = 0) "+
		"ORDER BY version DESC LIMIT 1", connection, int64(version))
	return p, err
}
