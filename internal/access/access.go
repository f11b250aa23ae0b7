// Package access opens the doors of one connection: its Klarna client, its
// Visma.net client, its company and its posting profile, each made once and
// kept while its credential stays the same.
//
// Secrets are read from the vault here and go no further than the clients. It
// must never log one, or hand one out.
package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kvitt/internal/budget"
	"kvitt/internal/company"
	"kvitt/internal/config"
	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma"
	"kvitt/internal/visma/connect"
	"kvitt/internal/voucher"
)

// Fields of a connection in the vault. A candidate is a credential that has
// not been verified yet.
const (
	FieldKlarna          = "klarna"
	FieldKlarnaCandidate = "klarna.candidate"
	FieldVisma           = "visma"
	FieldVismaCandidate  = "visma.candidate"
)

// companyLife is how long what was read of a company is believed.
const companyLife = 5 * time.Minute

// KlarnaSecret is what the vault keeps of a Klarna credential.
type KlarnaSecret struct {
	Key      string `json:"key"`
	Username string `json:"username,omitempty"`
}

// Doors opens the doors of all connections. It is safe for concurrent use.
type Doors struct {
	Store  *store.Store
	Vault  *vault.Vault
	Config *config.Config
	HTTP   *http.Client // nil: one of its own

	once     sync.Once
	company  company.Cache
	provider *connect.Provider

	mu       sync.Mutex
	shares   map[string]*budget.Share
	klarna   map[string]opened[*klarna.Client]
	visma    map[string]opened[*visma.Client]
	profiles map[string]*voucher.Profile
}

// opened is a client, with the secret it was made with and the budget it
// spends, to notice new ones.
type opened[C any] struct {
	secret vault.Secret
	budget string
	client C
}

func (d *Doors) init() {
	d.once.Do(func() {
		d.company = company.Cache{Life: companyLife, Now: time.Now}
		d.shares = map[string]*budget.Share{}
		d.klarna = map[string]opened[*klarna.Client]{}
		d.visma = map[string]opened[*visma.Client]{}
		d.profiles = map[string]*voucher.Profile{}
	})
}

// Klarna is the connection's Klarna client. Without a credential it answers a
// fault of class auth.
func (d *Doors) Klarna(ctx context.Context, connection string) (*klarna.Client, error) {
	d.init()
	secret, err := d.Vault.Get(ctx, connection, FieldKlarna)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &fault.Error{
			Class: fault.Auth, Party: "Klarna", Attempted: "open the Klarna side of connection " + connection,
			Words: "it has no key yet", Remedy: "Set one with `starter connection klarna-key " + connection + "`.",
		}
	}
	if err != nil {
		return nil, err
	}
	row, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	spends := klarnaBudget(&row)
	if known, ok := d.klarna[connection]; ok && known.secret == secret && known.budget == spends {
		return known.client, nil
	}
	client, _, err := d.klarnaWith(&row, secret)
	if err == nil {
		d.klarna[connection] = opened[*klarna.Client]{secret, spends, client}
	}
	return client, err
}

// KlarnaCandidate is a client for the credential that waits to be verified.
func (d *Doors) KlarnaCandidate(ctx context.Context, connection string) (*klarna.Client, klarna.Credential, error) {
	secret, err := d.Vault.Get(ctx, connection, FieldKlarnaCandidate)
	if err != nil {
		return nil, klarna.Credential{}, err
	}
	row, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, klarna.Credential{}, err
	}
	d.init()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.klarnaWith(&row, secret)
}

func (d *Doors) klarnaWith(row *store.Connection, secret vault.Secret) (*klarna.Client, klarna.Credential, error) {
	var s KlarnaSecret
	if err := json.Unmarshal([]byte(secret.Reveal()), &s); err != nil {
		return nil, klarna.Credential{}, fmt.Errorf("open the Klarna side of connection %s: what the vault holds is not a credential", row.ID)
	}
	credential, err := klarna.ParseCredential(row.Provider, row.Region, s.Key, s.Username)
	if err != nil {
		return nil, credential, err
	}
	client, err := klarna.New(credential, klarna.Options{
		BaseURL: d.Config.KlarnaBaseURL, HTTPClient: d.HTTP, Limiter: d.shareLocked(klarnaBudget(row), klarnaTerms(credential)),
	})
	return client, credential, err
}

// Visma is the connection's Visma.net client. Its tokens come from the vault
// and are refreshed by whichever process is first.
func (d *Doors) Visma(ctx context.Context, connection string) (*visma.Client, error) {
	d.init()
	row, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	spends := d.vismaBudget(&row)
	if known, ok := d.visma[connection]; ok && known.budget == spends {
		return known.client, nil
	}
	client, err := d.vismaWith(connection, FieldVisma, d.shareLocked(spends, budget.Counted()))
	if err == nil {
		d.visma[connection] = opened[*visma.Client]{budget: spends, client: client}
	}
	return client, err
}

// VismaCandidate is a client for the grant that waits to be verified.
func (d *Doors) VismaCandidate(ctx context.Context, connection string) (*visma.Client, error) {
	d.init()
	row, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.vismaWith(connection, FieldVismaCandidate, d.shareLocked(d.vismaBudget(&row), budget.Counted()))
}

func (d *Doors) vismaWith(connection, field string, share *budget.Share) (*visma.Client, error) {
	provider, err := d.connectLocked()
	if err != nil {
		return nil, err
	}
	return visma.New(visma.Options{
		BaseURL: d.Config.VismaAPIURL, HTTPClient: d.HTTP,
		Tokens:  provider.Source(&keeper{d.Store, d.Vault, connection, field}),
		Limiter: visma.NewSharedLimiter(share),
	})
}

func (d *Doors) connectLocked() (*connect.Provider, error) {
	if d.provider != nil {
		return d.provider, nil
	}
	provider, err := connect.New(connect.Config{
		Issuer: d.Config.VismaConnectURL, ClientID: d.Config.VismaClientID,
		ClientSecret: d.Config.VismaClientSecret.Reveal(), HTTPClient: d.HTTP,
	})
	if err == nil {
		d.provider = provider
	}
	return provider, err
}

// Connect is Visma Connect for this installation's OAuth client.
func (d *Doors) Connect() (*connect.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.connectLocked()
}

// Company is what is known of the connection's Visma.net company.
func (d *Doors) Company(ctx context.Context, connection string) (*company.Company, error) {
	client, err := d.Visma(ctx, connection)
	if err != nil {
		return nil, err
	}
	return d.company.Of(ctx, connection, client)
}

// ForgetCompany makes the next question read the company anew.
func (d *Doors) ForgetCompany(connection string) {
	d.init()
	d.company.Forget(connection)
}

// Profile is a version of the connection's posting profile; version 0 is the
// latest.
func (d *Doors) Profile(ctx context.Context, connection string, version int) (*voucher.Profile, int, error) {
	d.init()
	row, err := d.Store.Profile(ctx, connection, version)
	if err != nil {
		return nil, 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.profiles[row.Hash]; ok {
		return known, row.Version, nil
	}
	p, err := voucher.ParseProfile(row.Document)
	if err == nil {
		d.profiles[row.Hash] = p
	}
	return p, row.Version, err
}

// Flow is how the company let Kvitt in: service or interactive.
func (d *Doors) Flow(ctx context.Context, connection string, candidate bool) (string, error) {
	field := FieldVisma
	if candidate {
		field = FieldVismaCandidate
	}
	g, err := (&keeper{d.Store, d.Vault, connection, field}).Load(ctx)
	return g.Flow, err
}

// Revoke tells Visma Connect that the connection's grant is no longer wanted.
func (d *Doors) Revoke(ctx context.Context, connection string) error {
	g, err := (&keeper{d.Store, d.Vault, connection, FieldVisma}).Load(ctx)
	if errors.Is(err, connect.ErrNoGrant) {
		return nil
	}
	if err != nil {
		return err
	}
	provider, err := d.Connect()
	if err != nil {
		return err
	}
	return provider.Revoke(ctx, g)
}

// Promote makes a verified candidate the credential in use.
func (d *Doors) Promote(ctx context.Context, connection, candidate, field string) error {
	secret, err := d.Vault.Get(ctx, connection, candidate)
	if err != nil {
		return err
	}
	if err := d.Vault.Put(ctx, connection, field, secret); err != nil {
		return err
	}
	d.forget(connection)
	return d.Vault.Delete(ctx, connection, candidate)
}

// Erase removes every secret of a connection.
func (d *Doors) Erase(ctx context.Context, connection string) error {
	d.forget(connection)
	return d.Store.DeleteSecrets(ctx, connection)
}

func (d *Doors) forget(connection string) {
	d.init()
	d.mu.Lock()
	delete(d.klarna, connection)
	delete(d.visma, connection)
	d.mu.Unlock()
	d.company.Forget(connection)
}

// keeper keeps a connection's grant in the vault, for all processes.
type keeper struct {
	store             *store.Store
	vault             *vault.Vault
	connection, field string
}

func (k *keeper) Load(ctx context.Context) (connect.Grant, error) {
	var g connect.Grant
	secret, err := k.vault.Get(ctx, k.connection, k.field)
	if errors.Is(err, store.ErrNotFound) {
		return g, connect.ErrNoGrant
	}
	if err != nil {
		return g, err
	}
	if err := json.Unmarshal([]byte(secret.Reveal()), &g); err != nil {
		return g, fmt.Errorf("load the grant of connection %s: what the vault holds is not a grant", k.connection)
	}
	return g, nil
}

func (k *keeper) Save(ctx context.Context, g connect.Grant) error {
	b, err := json.Marshal(g) //nolint:gosec // on its way into the vault, and nowhere else
	if err != nil {
		return fmt.Errorf("save the grant of connection %s: %w", k.connection, err)
	}
	return k.vault.Put(ctx, k.connection, k.field, vault.Secret(b))
}

func (k *keeper) Lock(ctx context.Context) (func(), error) {
	return k.store.Lock(ctx, "grant/"+k.connection+"/"+k.field, 2*time.Minute)
}
