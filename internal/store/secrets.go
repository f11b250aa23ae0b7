package store

import (
	"context"
	"errors"
)

// PutSecret writes the ciphertext of a field of a connection, replacing an earlier one. Only package vault
// makes ciphertexts.
func (s *Store) PutSecret(ctx context.Context, connection, field string, ciphertext []byte) error {
	return s.write(ctx, secretName("write", connection, field), func(q querier) error {
		_, err := exec(ctx, q, `INSERT INTO secrets (connection_id, field, ciphertext, updated_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (connection_id, field) DO UPDATE SET ciphertext = excluded.ciphertext, updated_at = excluded.updated_at`,
			connection, field, ciphertext, now().UnixMicro())
		return err
	})
}

// FirstSecret writes the ciphertext of a field only if there is none, and returns the one that is stored
// afterwards.
func (s *Store) FirstSecret(ctx context.Context, connection, field string, ciphertext []byte) (stored []byte, err error) {
	stored, err = s.GetSecret(ctx, connection, field)
	if !errors.Is(err, ErrNotFound) {
		return stored, err
	}
	err = s.write(ctx, secretName("write", connection, field), func(q querier) error {
		_, err := exec(ctx, q, `INSERT INTO secrets (connection_id, field, ciphertext, updated_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (connection_id, field) DO NOTHING`, connection, field, ciphertext, now().UnixMicro())
		if err != nil {
			return err
		}
		return one(ctx, q, []any{blob{&stored}}, getSecret, connection, field)
	})
	return stored, err
}

// SwapSecret replaces the ciphertext of a field if it still is old, and reports whether it was.
func (s *Store) SwapSecret(ctx context.Context, connection, field string, old, ciphertext []byte) (swapped bool, err error) {
	err = s.write(ctx, secretName("replace", connection, field), func(q querier) error {
		n, err := exec(ctx, q, `UPDATE secrets SET ciphertext = $4, updated_at = $5
			WHERE connection_id = $1 AND field = $2 AND ciphertext = $3`,
			connection, field, old, ciphertext, now().UnixMicro())
		swapped = n > 0
		return err
	})
	return swapped, err
}

const getSecret = "SELECT ciphertext FROM secrets WHERE connection_id = $1 AND field = $2" //nolint:gosec // a query, not a credential

// GetSecret reads the ciphertext of a field. Error: ErrNotFound.
func (s *Store) GetSecret(ctx context.Context, connection, field string) (ciphertext []byte, err error) {
	err = one(ctx, s.reads, []any{blob{&ciphertext}}, getSecret, connection, field)
	return ciphertext, s.fail(secretName("read", connection, field), err)
}

// DeleteSecret erases a field; a missing one is not an error.
func (s *Store) DeleteSecret(ctx context.Context, connection, field string) error {
	return s.write(ctx, secretName("erase", connection, field), func(q querier) error {
		_, err := exec(ctx, q, "DELETE FROM secrets WHERE connection_id = $1 AND field = $2", connection, field)
		return err
	})
}

// DeleteSecrets erases every secret of a connection.
func (s *Store) DeleteSecrets(ctx context.Context, connection string) error {
	return s.write(ctx, "erase the secrets of the connection "+connection, func(q querier) error {
		_, err := exec(ctx, q, "DELETE FROM secrets WHERE connection_id = $1", connection)
		return err
	})
}

// EachSecret calls f with every ciphertext, and stops at f's first error, which it returns. f may use the
// store.
func (s *Store) EachSecret(ctx context.Context, f func(connection, field string, ciphertext []byte) error) error {
	type sealed struct {
		connection, field string
		ciphertext        []byte
	}
	all, err := list(ctx, s.reads, func(x *sealed) []any { return []any{text{&x.connection}, text{&x.field}, blob{&x.ciphertext}} },
		"SELECT connection_id, field, ciphertext FROM secrets ORDER BY connection_id, field")
	if err != nil {
		return s.fail("list the secrets", err)
	}
	for _, x := range all {
		if err := f(x.connection, x.field, x.ciphertext); err != nil {
			return err
		}
	}
	return nil
}

func secretName(verb, connection, field string) string {
	if connection == "" {
		return verb + " the sealed " + field
	}
	return verb + " the secret " + field + " of the connection " + connection
}
