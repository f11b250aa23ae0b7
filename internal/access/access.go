// Package access opens both sides of a connection: its Klarna client, its Visma.net client, its company
// and its posting profile, each made once and kept while its credential stays the same.
//
// Secrets are read from the vault here and passed to the clients only. This package must never log or
// return one.
package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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

// companyLife is the time for which what was read of a company is used.
const companyLife = 5 * time.Minute

// KlarnaSecret is a Klarna credential as the vault keeps it.
type KlarnaSecret struct {
	Key      string `json:"key"`
	Username string `json:"username,omitempty"`
}

// Doors opens the clients of all connections. It is safe for concurrent use.
type Doors struct {
	Store  *store.Store
	Vault  *vault.Vault
	Config *config.Config
	HTTP   *http.Client // nil: Doors makes its own

	once     sync.Once
	company  company.Cache
	provider *connect.Provider

	mu       sync.Mutex
	shares   map[string]*budget.Share
	klarna   map[string]opened[*klarna.Client]
	visma    map[string]vismaDoor
	profiles map[string]*voucher.Profile
}

// opened is a client with the secret it was made with and the budget it spends, to notice when one of them
// changes.
type opened[C any] struct {
	secret vault.Secret
	budget string
	client C
}

// vismaDoor is a client with its source of tokens and the budget it spends.
type vismaDoor struct {
	client *visma.Client
	tokens *connect.Source
	budget string
}

func (d *Doors) init() {
	d.once.Do(func() {
		d.company = company.Cache{Life: companyLife, Now: time.Now}
		d.shares = map[string]*budget.Share{}
		d.klarna = map[string]opened[*klarna.Client]{}
		d.visma = map[string]vismaDoor{}
		d.profiles = map[string]*voucher.Profile{}
	})
}

// Klarna returns the connection's Klarna client. Without a credential it returns a fault of class auth.
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
	record, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	spends := klarnaBudget(&record)
	if known, ok := d.klarna[connection]; ok && known.secret == secret && known.budget == spends {
		return known.client, nil
	}
	client, _, err := d.klarnaWith(&record, secret)
	if err == nil {
		d.klarna[connection] = opened[*klarna.Client]{secret, spends, client}
	}
	return client, err
}

// KlarnaCandidate returns a client for the credential that waits to be verified.
func (d *Doors) KlarnaCandidate(ctx context.Context, connection string) (*klarna.Client, klarna.Credential, error) {
	secret, err := d.Vault.Get(ctx, connection, FieldKlarnaCandidate)
	if err != nil {
		return nil, klarna.Credential{}, err
	}
	record, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, klarna.Credential{}, err
	}
	d.init()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.klarnaWith(&record, secret)
}

func (d *Doors) klarnaWith(record *store.Connection, secret vault.Secret) (*klarna.Client, klarna.Credential, error) {
	var s KlarnaSecret
	if err := json.Unmarshal([]byte(secret.Reveal()), &s); err != nil {
		return nil, klarna.Credential{}, fmt.Errorf("open the Klarna side of connection %s: the stored data is not a credential", record.ID)
	}
	credential, err := klarna.ParseCredential(record.Provider, record.Region, s.Key, s.Username)
	if err != nil {
		return nil, credential, err
	}
	client, err := klarna.New(credential, klarna.Options{
		BaseURL: d.Config.KlarnaBaseURL, HTTPClient: d.HTTP, Limiter: d.shareLocked(klarnaBudget(record), klarnaTerms(credential)),
	})
	return client, credential, err
}

// Visma returns the connection's Visma.net client. Its tokens come from the vault and are refreshed by
// whichever process is first.
func (d *Doors) Visma(ctx context.Context, connection string) (*visma.Client, error) {
	d.init()
	record, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	spends := d.vismaBudget(&record)
	known, ok := d.visma[connection]
	if ok && known.budget == spends {
		return known.client, nil
	}
	tokens := known.tokens // the knowledge about the grant stays, whichever budget is spent
	if tokens == nil {
		if tokens, err = d.tokensLocked(connection, FieldVisma); err != nil {
			return nil, err
		}
	}
	client, err := d.vismaWith(tokens, spends)
	if err == nil {
		d.visma[connection] = vismaDoor{client, tokens, spends}
	}
	return client, err
}

// VismaCandidate returns a client for the grant that waits to be verified.
func (d *Doors) VismaCandidate(ctx context.Context, connection string) (*visma.Client, error) {
	d.init()
	record, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	tokens, err := d.tokensLocked(connection, FieldVismaCandidate)
	if err != nil {
		return nil, err
	}
	return d.vismaWith(tokens, d.vismaBudget(&record))
}

func (d *Doors) tokensLocked(connection, field string) (*connect.Source, error) {
	provider, err := d.connectLocked()
	if err != nil {
		return nil, err
	}
	return provider.Source(d.keeper(connection, field)), nil
}

func (d *Doors) vismaWith(tokens *connect.Source, spends string) (*visma.Client, error) {
	return visma.New(visma.Options{
		BaseURL: d.Config.VismaAPIURL, HTTPClient: d.HTTP, Tokens: tokens,
		Limiter: visma.NewSharedLimiter(d.shareLocked(spends, budget.Counted())),
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

// Connect returns Visma Connect for this installation's OAuth client.
func (d *Doors) Connect() (*connect.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.connectLocked()
}

// Company returns what is known of the connection's Visma.net company.
func (d *Doors) Company(ctx context.Context, connection string) (*company.Company, error) {
	client, err := d.Visma(ctx, connection)
	if err != nil {
		return nil, err
	}
	return d.company.Of(ctx, connection, client)
}

// ForgetCompany makes the next call of Company read it again.
func (d *Doors) ForgetCompany(connection string) {
	d.init()
	d.company.Forget(connection)
}

// Profile returns a version of the connection's posting profile; version 0 is the latest.
func (d *Doors) Profile(ctx context.Context, connection string, version int) (*voucher.Profile, int, error) {
	d.init()
	record, err := d.Store.Profile(ctx, connection, version)
	if err != nil {
		return nil, 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.profiles[record.Hash]; ok {
		return known, record.Version, nil
	}
	p, err := voucher.ParseProfile(record.Document)
	if err == nil {
		d.profiles[record.Hash] = p
	}
	return p, record.Version, err
}

// Flow returns the flow by which Kvitt has access to the company, service or interactive, and for the
// latter the time of the consent, which grants of an earlier version do not record.
func (d *Doors) Flow(ctx context.Context, connection string, candidate bool) (flow string, consented time.Time, err error) {
	field := FieldVisma
	if candidate {
		field = FieldVismaCandidate
	}
	g, err := d.keeper(connection, field).Load(ctx)
	return g.Flow, g.ConsentedAt, err
}

// revokeWithin limits how long a disconnection waits for Visma Connect.
const revokeWithin = 12 * time.Second

// Disconnect revokes the connection's tokens at Visma Connect and erases every secret of the connection. A
// failed revocation is first reported to unrevoked; the secrets are erased all the same.
func (d *Doors) Disconnect(ctx context.Context, connection string, unrevoked func(error) error) error {
	unlock, err := d.keeper(connection, FieldVisma).Lock(ctx) // so that the newest tokens are the ones revoked
	if err != nil {
		return err
	}
	defer unlock()
	asking, cancel := context.WithTimeout(ctx, revokeWithin)
	defer cancel()
	var failed error
	for _, field := range []string{FieldVisma, FieldVismaCandidate} {
		failed = errors.Join(failed, d.revoke(asking, connection, field))
	}
	if failed != nil {
		if err := unrevoked(failed); err != nil {
			return err
		}
	}
	d.forget(connection)
	return d.Vault.Erase(ctx, connection)
}

func (d *Doors) revoke(ctx context.Context, connection, field string) error {
	g, err := d.keeper(connection, field).Load(ctx)
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

// Settle waits until no refresh is under way and everything that Visma Connect issued is saved, or until
// ctx ends. Call it before the store is closed.
func (d *Doors) Settle(ctx context.Context) {
	d.mu.Lock()
	open := slices.Collect(maps.Values(d.visma))
	d.mu.Unlock()
	for _, door := range open {
		door.tokens.Settle(ctx)
	}
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

// AskAgain lets the next call ask Visma Connect again about a refusal that was not about the grant, such
// as a role that was missing or a wrong client secret. A dead refresh token stays dead.
func (d *Doors) AskAgain(connection string) {
	d.init()
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.visma[connection]; ok {
		known.tokens.Forget()
	}
}

func (d *Doors) forget(connection string) {
	d.init()
	d.mu.Lock()
	delete(d.klarna, connection)
	delete(d.visma, connection)
	d.mu.Unlock()
	d.company.Forget(connection)
}
