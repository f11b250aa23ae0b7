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

// Connection is one Klarna merchant credential, one Visma.net company and one
// posting profile, as ConnectionWorkflow last described itself. Secrets are in
// the vault, never here.
type Connection struct {
	ID, Name       string
	Provider       string // klarna or kustom
	Region         string // eu, na, oc
	Environment    string // live or test
	Posting        string // draft, review, auto
	State          string // setup, verifying, active, reauth_required, paused, disconnected
	Start          string // civil date 2026-01-31 in the company's zone, before which nothing is posted
	Klarna, Visma  json.RawMessage
	MerchantID     string
	CompanyID      string
	CompanyName    string
	BaseCurrency   string
	ProfileVersion int
	CreatedAt      time.Time // set by CreateConnection when zero
	UpdatedAt      time.Time // set by every write
}

const connectionColumns = "id, name, provider, region, environment, posting, state, start_date, klarna, visma, " +
	"merchant_id, company_id, company_name, base_currency, profile_version, created_at, updated_at"

func (c *Connection) cells() []any {
	return []any{
		text{&c.ID},
		text{&c.Name},
		text{&c.Provider},
		text{&c.Region},
		text{&c.Environment},
		text{&c.Posting},
		text{&c.State},
		text{&c.Start},
		jsonText{"the Klarna state", &c.Klarna},
		jsonText{"the Visma state", &c.Visma},
		text{&c.MerchantID},
		text{&c.CompanyID},
		text{&c.CompanyName},
		text{&c.BaseCurrency},
		&c.ProfileVersion,
		instant{&c.CreatedAt},
		instant{&c.UpdatedAt},
	}
}

// CreateConnection adds a connection; its state is setup unless c says
// otherwise. Error: ErrExists.
func (s *Store) CreateConnection(ctx context.Context, c Connection) error {
	c.UpdatedAt = now()
	if c.CreatedAt.IsZero() {
		c.CreatedAt = c.UpdatedAt
	}
	if c.State == "" {
		c.State = "setup"
	}
	return s.write(ctx, "create the connection "+c.ID, func(q querier) error {
		_, err := exec(ctx, q, insertInto("connections", connectionColumns), c.cells()...)
		return err
	})
}

// Connection reads a connection. Error: ErrNotFound.
func (s *Store) Connection(ctx context.Context, id string) (Connection, error) {
	var c Connection
	err := one(ctx, s.reads, c.cells(), "SELECT "+connectionColumns+" FROM connections WHERE id = $1", id)
	return c, s.fail("read the connection "+id, err)
}

// Connections lists all connections, oldest first.
func (s *Store) Connections(ctx context.Context) ([]Connection, error) {
	all, err := list(ctx, s.reads, (*Connection).cells,
		"SELECT "+connectionColumns+" FROM connections ORDER BY created_at, id")
	return all, s.fail("list the connections", err)
}

// SaveConnection replaces what is known of a connection, except when it was
// created. Error: ErrNotFound.
func (s *Store) SaveConnection(ctx context.Context, c Connection) error {
	return s.write(ctx, "save the connection "+c.ID, func(q querier) error {
		var created time.Time
		err := one(ctx, q, []any{instant{&created}},
			"SELECT created_at FROM connections WHERE id = $1"+s.dialect.forUpdate, c.ID)
		if err != nil {
			return err
		}
		c.CreatedAt, c.UpdatedAt = created, now()
		_, err = exec(ctx, q, "UPDATE connections SET "+assignments(connectionColumns, 1)+" WHERE id = $1", c.cells()...)
		return err
	})
}

// ProfileVersion is one version of a connection's posting profile.
type ProfileVersion struct {
	ConnectionID string
	Version      int // 1, 2, …
	Document     []byte
	Hash         string
	CreatedBy    string
	CreatedAt    time.Time
}

const profileColumns = "connection_id, version, document, hash, created_by, created_at"

func (p *ProfileVersion) cells() []any {
	return []any{
		text{&p.ConnectionID}, &p.Version, blob{&p.Document}, text{&p.Hash}, text{&p.CreatedBy}, instant{&p.CreatedAt},
	}
}

// AddProfile adds a version of a connection's posting profile, audits who did
// it, and returns its number. A document with the hash of the latest version
// is that version, and nothing is written. Error: ErrNotFound when there is
// no such connection.
func (s *Store) AddProfile(ctx context.Context, connection string, doc []byte, hash, who string) (version int, err error) {
	attempted := "add a posting profile to the connection " + connection
	err = s.write(ctx, attempted, func(q querier) error {
		var id string // the connection's row makes adding one at a time
		if err := one(ctx, q, []any{&id}, "SELECT id FROM connections WHERE id = $1"+s.dialect.forUpdate, connection); err != nil {
			return err
		}
		latest, err := profileOf(ctx, q, connection, 0)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case latest.Hash == hash && bytes.Equal(latest.Document, doc):
			version = latest.Version
			return nil
		}
		version = latest.Version + 1
		p := ProfileVersion{connection, version, doc, hash, who, now()}
		if _, err := exec(ctx, q, insertInto("profiles", profileColumns), p.cells()...); err != nil {
			return err
		}
		entry := AuditEntry{
			Who: who, ConnectionID: connection, Subject: "profile", Action: "profile.added",
			After: p.summary(),
		}
		if latest.Version > 0 {
			entry.Before = latest.summary()
		}
		return s.appendAudit(ctx, q, entry)
	})
	return version, err
}

// summary is the version as the audit trail shows it.
func (p *ProfileVersion) summary() json.RawMessage {
	return summary(struct {
		Version int    `json:"version"`
		Hash    string `json:"hash"`
	}{p.Version, p.Hash})
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

func profileOf(ctx context.Context, q querier, connection string, version int) (p ProfileVersion, err error) {
	err = one(ctx, q, p.cells(), "SELECT "+profileColumns+" FROM profiles WHERE connection_id = $1 AND (version = $2 OR $2 = 0) "+
		"ORDER BY version DESC LIMIT 1", connection, int64(version))
	return p, err
}
