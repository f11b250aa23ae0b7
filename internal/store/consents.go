package store

import (
	"context"
	"time"
)

// Consent is a consent that was begun in a browser and has not come back.
type Consent struct {
	StateHash    string // of the state that the callback has to bring
	SessionHash  string // of the session of the person who began it
	ConnectionID string
	Sealed       []byte // what makes the callback ours; only the vault opens it
	ExpiresAt    time.Time
}

const consentColumns = "state_hash, session_hash, connection_id, sealed, expires_at"

func (c *Consent) cells() []any {
	return []any{text{&c.StateHash}, text{&c.SessionHash}, text{&c.ConnectionID}, blob{&c.Sealed}, instant{&c.ExpiresAt}}
}

// PutConsent keeps a consent until it is taken or swept. Errors: ErrExists,
// ErrNotFound when there is no such connection.
func (s *Store) PutConsent(ctx context.Context, c Consent) error {
	return s.write(ctx, "keep a consent for the connection "+c.ConnectionID, func(q querier) error {
		_, err := exec(ctx, q, insertInto("consents", consentColumns), c.cells()...)
		return err
	})
}

// TakeConsent gives the consent of a state to one caller, whoever else asks,
// and to nobody afterwards. Whether it has expired is for the caller to see.
// Error: ErrNotFound.
func (s *Store) TakeConsent(ctx context.Context, stateHash string) (Consent, error) {
	var c Consent
	err := s.write(ctx, "take the consent of a callback", func(q querier) error {
		return one(ctx, q, c.cells(), "DELETE FROM consents WHERE state_hash = $1 RETURNING "+consentColumns, stateHash)
	})
	return c, err
}

// SweepConsents deletes the consents that expired before a moment, and tells
// how many those were.
func (s *Store) SweepConsents(ctx context.Context, before time.Time) (swept int64, err error) {
	err = s.write(ctx, "sweep the consents that have expired", func(q querier) error {
		swept, err = exec(ctx, q, "DELETE FROM consents WHERE expires_at < $1", before.UnixMicro())
		return err
	})
	return swept, err
}
