package store

import (
	"context"
	"encoding/json"
	"time"
)

// Connection is one Klarna merchant credential, one Visma.net company and one posting profile, in the
// state that ConnectionWorkflow last wrote. Secrets are in the vault, never here.
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
	FourEyes       bool      // the person who changed the profile may not approve vouchers made with it
	CreatedAt      time.Time // set by CreateConnection when zero
	UpdatedAt      time.Time // set by every write
}

const connectionColumns = "id, name, provider, region, environment, posting, state, start_date, klarna, visma, " +
	"merchant_id, company_id, company_name, base_currency, profile_version, four_eyes, created_at, updated_at"

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
		&c.FourEyes,
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

// SaveConnection replaces a connection's record, except for its time of creation. Error: ErrNotFound.
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
