package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Grant is a company's grant, in the form that a Keeper saves. It holds secrets: encoding/json writes
// them, for the Keeper to encrypt; every form of printing leaves them out.
type Grant struct {
	Flow         string    `json:"flow"` // FlowService or FlowInteractive
	TenantID     string    `json:"tenant_id,omitempty"`
	RefreshToken string    `json:"refresh_token,omitempty"` // interactive flow only
	AccessToken  string    `json:"access_token,omitempty"`  // shared by all processes
	IssuedAt     time.Time `json:"issued_at,omitzero"`      // UTC; when the access token was requested
	Expiry       time.Time `json:"expiry,omitzero"`         // UTC; of the access token
	ConsentedAt  time.Time `json:"consented_at,omitzero"`   // UTC; interactive flow: when the person consented; zero in grants of an earlier version
	Scope        string    `json:"scope,omitempty"`         // the granted scopes, separated by spaces
	Version      int64     `json:"version"`                 // grows with every refresh and every consent
	DeadSince    time.Time `json:"dead_since,omitzero"`     // UTC; when Visma Connect refused the refresh token permanently
}

// String describes the grant without its secrets.
func (g Grant) String() string {
	return fmt.Sprintf("grant{flow %s, tenant %s, refresh token %s, access token %s until %s, version %d}",
		g.Flow, g.TenantID, redacted(g.RefreshToken), redacted(g.AccessToken), g.Expiry.Format(time.RFC3339), g.Version)
}

// GoString describes the grant without its secrets.
func (g Grant) GoString() string { return g.String() }

// Format describes the grant without its secrets, whatever the verb.
func (g Grant) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, g.String()) }

// LogValue describes the grant to log/slog without its secrets.
func (g Grant) LogValue() slog.Value { return slog.StringValue(g.String()) }

func redacted(secret string) string {
	if secret == "" {
		return "none"
	}
	return "[redacted]"
}

// Same reports whether two readings are of the same grant, whether or not it is known to be dead.
func (g *Grant) Same(other *Grant) bool {
	return g.Version == other.Version && g.Flow == other.Flow && g.TenantID == other.TenantID && g.RefreshToken == other.RefreshToken
}

// An access token is replaced this long before it expires, or after three quarters of its lifetime if that
// is shorter than four times this.
const margin = 60 * time.Second

// fresh reports whether the access token is valid at a given time.
func (g *Grant) fresh(now time.Time) bool {
	early := margin
	if life := g.Expiry.Sub(g.IssuedAt); !g.IssuedAt.IsZero() && life > 0 && life/4 < early {
		early = life / 4
	}
	return g.AccessToken != "" && now.Add(early).Before(g.Expiry)
}

// ErrNoGrant is returned by a Keeper, wrapped or not, when it has none.
var ErrNoGrant = errors.New("no grant is kept")

// ErrMoved is returned by a Keeper, wrapped or not, when it holds another grant than the one to be
// replaced.
var ErrMoved = errors.New("another grant was saved meanwhile")

// Keeper saves the grant of one connection.
type Keeper interface {
	// Load returns the last saved grant, of whichever process, or ErrNoGrant.
	Load(ctx context.Context) (Grant, error)
	// Save durably replaces from with next: when it returns, a crash loses nothing. It saves nothing, and
	// returns ErrMoved, when the saved grant is not the Same as from; ErrNoGrant when there is none any
	// more.
	Save(ctx context.Context, from, next Grant) error
	// Lock waits until this process alone may refresh the grant. It must hold until it is unlocked, and
	// end within a few seconds of the death of its process: a grace period may be as short as 5 seconds.
	Lock(ctx context.Context) (unlock func(), err error)
}
