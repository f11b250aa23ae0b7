package store

import (
	"context"
	"time"
)

// Consent is a consent that was begun in a browser and is not finished.
type Consent struct {
	StateHash    string // of the state that the callback must have
	SessionHash  string // of the session of the person who began it
	ConnectionID string
	Sealed       []byte // what ties the callback to it; only the vault opens it
	ExpiresAt    time.Time
}

const consentColumns = "state_hash, session_hash, connection_id, sealed, expires_at"

func (c *Consent) cells() []any {
	return []any{text{&c.StateHash}, text{&c.SessionHash}, text{&c.ConnectionID}, blob{&c.Sealed}, instant{&c.ExpiresAt}}
}

// PutConsent stores a consent until it is taken or swept. Errors: ErrExists, ErrNotFound when there is no
// such connection.
func (s *Store) PutConsent(ctx context.Context, c Consent) error {
	return s.write(ctx, "save a consent for the connection "+c.ConnectionID, func(q querier) error {
		_, err := exec(ctx, q, insertInto("consents", consentColumns), c.cells()...)
		return err
	})
}

// TakeConsent returns the consent of a state to one caller only, and deletes it. The caller checks whether
// it has expired. Error: ErrNotFound.
func (s *Store) TakeConsent(ctx context.Context, stateHash string) (Consent, error) {
	var c Consent
	err := s.write(ctx, "take the consent of a callback", func(q querier) error {
		return one(ctx, q, c.cells(), "DELETE FROM consents WHERE state_hash = $1 RETURNING "+consentColumns, stateHash)
	})
	return c, err
}

// SweepConsents deletes the consents that expired before a given time, and returns their number.
func (s *Store) SweepConsents(ctx context.Context, before time.Time) (swept int64, err error) {
	err = s.write(ctx, "delete the expired consents", func(q querier) error {
		swept, err = exec(ctx, q, "DELETE FROM consents WHERE expires_at < $1", before.UnixMicro())
		return err
	})
	return swept, err
}
