package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
)

// consentLife is the time a person may take at Visma Connect.
const consentLife = 15 * time.Minute

// ConsentCode is the reason that a consent did not work, for pages to explain.
type ConsentCode string

// The codes.
const (
	ConsentDenied        ConsentCode = "denied"         // the person declined
	ConsentUnknown       ConsentCode = "state_unknown"  // never begun here, or used before
	ConsentExpired       ConsentCode = "state_expired"  // begun too long ago
	ConsentOtherSession  ConsentCode = "other_session"  // begun by another session
	ConsentIssuerMissing ConsentCode = "missing_iss"    // the callback does not name its issuer
	ConsentIssuerWrong   ConsentCode = "invalid_iss"    // the callback is of another issuer
	ConsentTenant        ConsentCode = "invalid_tenant" // the person lacks the role API User in the company
	ConsentScope         ConsentCode = "missing_scope"  // fewer scopes were granted than are needed
	ConsentUnreachable   ConsentCode = "unreachable"    // Visma Connect gave no usable answer; a later try may work
	ConsentFailed        ConsentCode = "failed"         // anything else; the error's text says what
)

// ConsentError is the reason that a consent did not become a grant. Its text ends with what helps, and
// holds no secret.
type ConsentError struct {
	Code       ConsentCode
	Connection string // "" when it is not known, or this session may not see it
	Err        error
}

func (e *ConsentError) Error() string { return e.Err.Error() }

// Unwrap lets errors.As find the *fault.Error of Visma Connect.
func (e *ConsentError) Unwrap() error { return e.Err }

// Consents holds the consents that were begun in browsers, by any process of the installation. Each
// belongs to the session that began it and is accepted once. Its secrets are kept sealed in the store and
// never reach the browser.
type Consents struct {
	Store    *store.Store
	Vault    *vault.Vault
	Provider func() (*connect.Provider, error)
	Now      func() time.Time
	Life     time.Duration
}

// Consents returns the consents of this installation.
func (d *Doors) Consents() *Consents {
	return &Consents{Store: d.Store, Vault: d.Vault, Provider: d.Connect, Now: time.Now, Life: consentLife}
}

// Begin begins a consent for a connection and returns the address to send that session's browser to. The
// callback goes to exactly redirectURL. Errors: *ConsentError when Visma Connect is the reason.
func (c *Consents) Begin(ctx context.Context, connection, session, redirectURL string) (authURL string, err error) {
	if session == "" {
		return "", errors.New("begin a consent: it needs a session, and there is none")
	}
	provider, err := c.Provider()
	if err != nil {
		return "", err
	}
	consent, err := connect.NewConsent(redirectURL)
	if err != nil {
		return "", err
	}
	authURL, err = provider.AuthCodeURL(ctx, consent)
	if err != nil {
		return "", consentFailure(connection, err)
	}
	secret, err := json.Marshal(consent)
	if err != nil {
		return "", fmt.Errorf("begin a consent for the connection %s: %w", connection, err)
	}
	state := hashed(consent.State)
	sealed, err := c.Vault.Seal("consent", state, vault.Secret(secret))
	if err != nil {
		return "", err
	}
	// Consents whose callback never came are deleted.
	if _, err := c.Store.SweepConsents(ctx, c.Now().Add(-c.Life)); err != nil {
		return "", err
	}
	return authURL, c.Store.PutConsent(ctx, store.Consent{
		StateHash: state, SessionHash: hashed(session), ConnectionID: connection, Sealed: sealed, ExpiresAt: c.Now().Add(c.Life),
	})
}

// Finish turns the callback that a session's browser brought into a grant, and returns the connection it
// was begun for and the person who consented. Whatever the result, the callback is used up. Errors:
// *ConsentError for everything that a person can do something about.
func (c *Consents) Finish(ctx context.Context, session string, callback url.Values) (connection string, grant connect.Grant, who connect.Identity, err error) {
	record, consent, err := c.take(ctx, session, callback.Get("state"))
	if err != nil {
		return "", connect.Grant{}, connect.Identity{}, err
	}
	provider, err := c.Provider()
	if err != nil {
		return record.ConnectionID, connect.Grant{}, connect.Identity{}, err
	}
	grant, who, err = provider.Exchange(ctx, consent, callback)
	if err != nil {
		return record.ConnectionID, connect.Grant{}, connect.Identity{}, consentFailure(record.ConnectionID, err)
	}
	return record.ConnectionID, grant, who, nil
}

// take returns the consent of a state to the session that began it, once.
func (c *Consents) take(ctx context.Context, session, state string) (store.Consent, connect.Consent, error) {
	var consent connect.Consent
	record, err := c.Store.TakeConsent(ctx, hashed(state))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return record, consent, notOurs(ConsentUnknown, "it was not begun here, or its callback was used before")
	case err != nil:
		return record, consent, err
	case subtle.ConstantTimeCompare([]byte(record.SessionHash), []byte(hashed(session))) != 1:
		return record, consent, notOurs(ConsentOtherSession, "it was begun in another session")
	case !c.Now().Before(record.ExpiresAt):
		return record, consent, notOurs(ConsentExpired, "it was begun too long ago")
	}
	secret, err := c.Vault.Unseal("consent", record.StateHash, record.Sealed)
	if err != nil {
		return record, consent, err
	}
	if err := json.Unmarshal([]byte(secret.Reveal()), &consent); err != nil {
		return record, consent, fmt.Errorf("finish the consent for the connection %s: the stored data is not a consent", record.ConnectionID)
	}
	return record, consent, nil
}

func notOurs(code ConsentCode, why string) error {
	return &ConsentError{Code: code, Err: fmt.Errorf("finish the consent: %s. Start it again from Kvitt, in the same browser", why)}
}

// consentFailure turns Visma Connect's answer into a code that a page can explain.
func consentFailure(connection string, err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	code, known := map[string]ConsentCode{
		connect.CodeAccessDenied: ConsentDenied, connect.CodeInvalidState: ConsentUnknown,
		connect.CodeIssuerMissing: ConsentIssuerMissing, connect.CodeIssuerWrong: ConsentIssuerWrong,
		connect.CodeInvalidTenant: ConsentTenant, connect.CodeMissingScope: ConsentScope,
	}[f.Code]
	switch {
	case known:
	case f.Class == fault.Transient, f.Class == fault.Throttled:
		code = ConsentUnreachable
	default:
		code = ConsentFailed
	}
	return &ConsentError{Code: code, Connection: connection, Err: err}
}

// hashed returns the form in which a text that only its holder may know is stored. Such texts are long and
// random, so a plain hash is enough.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
