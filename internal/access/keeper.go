package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
)

// leaseLife is the time a refresh stays locked after its process has died. The shortest grace period of
// Visma Connect is 5 seconds, and the next process has to finish within it.
const leaseLife = 3 * time.Second

// keeper keeps a connection's grant in the vault, for all processes.
type keeper struct {
	store             *store.Store
	vault             *vault.Vault
	connection, field string
}

func (d *Doors) keeper(connection, field string) *keeper {
	return &keeper{d.Store, d.Vault, connection, field}
}

// Keeper keeps the grant in use of a connection.
func (d *Doors) Keeper(connection string) connect.Keeper { return d.keeper(connection, FieldVisma) }

func (k *keeper) Load(ctx context.Context) (connect.Grant, error) {
	g, _, err := k.load(ctx)
	return g, err
}

func (k *keeper) load(ctx context.Context) (g connect.Grant, secret vault.Secret, err error) {
	secret, err = k.vault.Get(ctx, k.connection, k.field)
	if errors.Is(err, store.ErrNotFound) {
		return g, "", connect.ErrNoGrant
	}
	if err != nil {
		return g, "", err
	}
	if err := json.Unmarshal([]byte(secret.Reveal()), &g); err != nil {
		return g, "", fmt.Errorf("load the grant of connection %s: the stored data is not a grant", k.connection)
	}
	return g, secret, nil
}

// Save replaces the grant only if it is still the one that was refreshed: a process whose lease has run
// out must neither undo a later change nor bring back an erased grant.
func (k *keeper) Save(ctx context.Context, from, next connect.Grant) error {
	current, secret, err := k.load(ctx)
	if err != nil {
		return err
	}
	if !current.Same(&from) {
		return connect.ErrMoved
	}
	b, err := json.Marshal(next) //nolint:gosec // on its way into the vault, and nowhere else
	if err != nil {
		return fmt.Errorf("save the grant of connection %s: %w", k.connection, err)
	}
	swapped, err := k.vault.Swap(ctx, k.connection, k.field, secret, vault.Secret(b))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return connect.ErrNoGrant
	case err == nil && !swapped:
		return connect.ErrMoved
	}
	return err
}

func (k *keeper) Lock(ctx context.Context) (func(), error) {
	return k.store.Hold(ctx, "grant/"+k.connection+"/"+k.field, leaseLife)
}
