package vault

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Keeper stores ciphertexts by connection and field; *store.Store is one.
type Keeper interface {
	PutSecret(ctx context.Context, connection, field string, ciphertext []byte) error
	GetSecret(ctx context.Context, connection, field string) ([]byte, error)
	// FirstSecret writes only if there is none, and returns the stored one.
	FirstSecret(ctx context.Context, connection, field string, ciphertext []byte) ([]byte, error)
	// SwapSecret replaces old, and reports whether it was still stored.
	SwapSecret(ctx context.Context, connection, field string, old, ciphertext []byte) (bool, error)
	DeleteSecret(ctx context.Context, connection, field string) error
	DeleteSecrets(ctx context.Context, connection string) error
	EachSecret(ctx context.Context, f func(connection, field string, ciphertext []byte) error) error
}

// Vault keeps the secrets of connections in a Keeper, sealed. Connection and field are part of the seal.
type Vault struct {
	keys   *Keyring
	keeper Keeper
}

// New makes a vault.
func New(keys *Keyring, keeper Keeper) *Vault { return &Vault{keys: keys, keeper: keeper} }

// The keyset check is a known text that the first process seals into the database. It belongs to no
// connection.
const (
	checkField = "keyset-check"
	checkText  = "This database was sealed with the keyset that opens this."
)

// RightKeyset is the remedy when Check meets ErrWrongKeyset.
const RightKeyset = "Set KVITT_KEYSET or KVITT_KEYSET_FILE to the right keyset, or KVITT_DATABASE_URL to the database that belongs to this one."

// Check verifies that the keyset is the one this database was sealed with; a new database is bound to the
// first keyset that it meets. Call it at start, before anything is sealed. Error: ErrWrongKeyset.
func (v *Vault) Check(ctx context.Context) error {
	sealed, err := v.keys.seal([]byte(checkText), purpose("", checkField))
	if err != nil {
		return fmt.Errorf("check the keyset: %w", err)
	}
	stored, err := v.keeper.FirstSecret(ctx, "", checkField, sealed)
	if err != nil {
		return fmt.Errorf("check the keyset: %w", err)
	}
	opened, err := v.keys.open(stored, purpose("", checkField))
	if err != nil || string(opened) != checkText {
		return fmt.Errorf("check the keyset: %w: this keyset is not the one this database was sealed with. %s", ErrWrongKeyset, strings.TrimSuffix(RightKeyset, "."))
	}
	return nil
}

// Put seals a secret of a connection and replaces an earlier one.
func (v *Vault) Put(ctx context.Context, connection, field string, secret Secret) error {
	sealed, err := v.keys.seal([]byte(secret.Reveal()), purpose(connection, field))
	if err != nil {
		return fmt.Errorf("seal the secret %s of the connection %s: %w", field, connection, err)
	}
	return v.keeper.PutSecret(ctx, connection, field, sealed)
}

// Get opens a secret of a connection. Errors: the keeper's own when there is none (store.ErrNotFound),
// ErrWrongKeyset, ErrSealed.
func (v *Vault) Get(ctx context.Context, connection, field string) (Secret, error) {
	sealed, err := v.keeper.GetSecret(ctx, connection, field)
	if err != nil {
		return "", err
	}
	opened, err := v.keys.open(sealed, purpose(connection, field))
	if err != nil {
		return "", fmt.Errorf("open the secret %s of the connection %s: %w", field, connection, err)
	}
	return Secret(opened), nil
}

// Swap replaces old with a new secret, and reports whether old was still stored. An erased secret stays
// erased.
func (v *Vault) Swap(ctx context.Context, connection, field string, old, secret Secret) (bool, error) {
	for range 10 { // a reseal in between changes the ciphertext, not the secret
		sealed, err := v.keeper.GetSecret(ctx, connection, field)
		if err != nil {
			return false, err
		}
		opened, err := v.keys.open(sealed, purpose(connection, field))
		if err != nil {
			return false, fmt.Errorf("open the secret %s of the connection %s: %w", field, connection, err)
		}
		if subtle.ConstantTimeCompare(opened, []byte(old.Reveal())) != 1 {
			return false, nil
		}
		fresh, err := v.keys.seal([]byte(secret.Reveal()), purpose(connection, field))
		if err != nil {
			return false, fmt.Errorf("seal the secret %s of the connection %s: %w", field, connection, err)
		}
		if swapped, err := v.keeper.SwapSecret(ctx, connection, field, sealed, fresh); err != nil || swapped {
			return swapped, err
		}
	}
	return false, fmt.Errorf("replace the secret %s of the connection %s: it keeps changing; try again", field, connection)
}

// Seal seals a text that is not stored among the connection's secrets, and Unseal opens it again; purpose
// and name are part of the seal. Reseal does not find such a text, so use it only for what is short-lived.
func (v *Vault) Seal(purpose, name string, secret Secret) ([]byte, error) {
	sealed, err := v.keys.seal([]byte(secret.Reveal()), associated(purpose, name))
	if err != nil {
		return nil, fmt.Errorf("seal a %s: %w", purpose, err)
	}
	return sealed, nil
}

// Unseal opens what Seal sealed for the same purpose and name. Errors:
// ErrWrongKeyset, ErrSealed.
func (v *Vault) Unseal(purpose, name string, sealed []byte) (Secret, error) {
	opened, err := v.keys.open(sealed, associated(purpose, name))
	if err != nil {
		return "", fmt.Errorf("open a sealed %s: %w", purpose, err)
	}
	return Secret(opened), nil
}

// Delete erases a secret; a missing one is not an error.
func (v *Vault) Delete(ctx context.Context, connection, field string) error {
	return v.keeper.DeleteSecret(ctx, connection, field)
}

// Erase erases every secret of a connection.
func (v *Vault) Erase(ctx context.Context, connection string) error {
	return v.keeper.DeleteSecrets(ctx, connection)
}

// Reseal seals everything that an older key had sealed with the primary key, while others go on reading
// and writing, and returns how many secrets that were. A secret that cannot be opened does not stop the
// others; it is in the error.
func (v *Vault) Reseal(ctx context.Context) (resealed int, err error) {
	var failed []error
	err = v.keeper.EachSecret(ctx, func(connection, field string, sealed []byte) error {
		done, err := v.reseal(ctx, connection, field, sealed)
		if err != nil {
			failed = append(failed, fmt.Errorf("reseal the secret %s of the connection %s: %w", field, connection, err))
		}
		if done {
			resealed++
		}
		return ctx.Err()
	})
	return resealed, errors.Join(append(failed, err)...)
}

// reseal reseals one secret. Somebody may store a newer one meanwhile (tokens are refreshed all the time):
// that one is never overwritten, but tried again.
func (v *Vault) reseal(ctx context.Context, connection, field string, sealed []byte) (bool, error) {
	for range 10 {
		if id, err := keyOf(sealed); err == nil && id == v.keys.primary {
			return false, nil
		}
		opened, err := v.keys.open(sealed, purpose(connection, field))
		if err != nil {
			return false, err
		}
		fresh, err := v.keys.seal(opened, purpose(connection, field))
		if err != nil {
			return false, err
		}
		swapped, err := v.keeper.SwapSecret(ctx, connection, field, sealed, fresh)
		if err != nil || swapped {
			return swapped, err
		}
		if sealed, err = v.keeper.GetSecret(ctx, connection, field); err != nil {
			return false, err
		}
	}
	return false, errors.New("it keeps changing; try again")
}

// purpose returns the associated data of a secret at rest.
func purpose(connection, field string) []byte { return associated("secret", connection, field) }
