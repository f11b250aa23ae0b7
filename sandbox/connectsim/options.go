package connectsim

import (
	"crypto/rsa"
	"time"
)

// Options set up a simulated Visma Connect.
type Options struct {
	// Issuer is the address of the simulator, without a slash at the end: "http://127.0.0.1:9094".
	Issuer    string
	Clients   []Client
	Users     []User
	Companies []Company

	Now func() time.Time // the wall clock when nil

	AccessTokenLife  time.Duration // one hour when zero
	RefreshTokenLife time.Duration // 365 days when zero; counted from the consent
	CodeLife         time.Duration // five minutes when zero
	Refresh          RefreshPolicy
	// Opaque access tokens instead of JWTs.
	Opaque bool

	// Dir is the directory of a file with keys, grants and settings, which are restored at the next start.
	// Empty: in memory only.
	Dir string
	// Key signs tokens. Without one, the one in Dir is used, or a new one.
	Key *rsa.PrivateKey
}

// Client is an app as registered in the developer portal.
type Client struct {
	ID           string // isv_…
	Secret       string
	Name         string   // shown on the consent page
	RedirectURIs []string // compared exactly
	LogoutURIs   []string
	Interactive  bool // may use the authorization code flow
	Service      bool // may use client credentials
	// Scopes the app may ask for; all of Visma.net's read, create and update
	// scopes and the identity scopes when nil.
	Scopes []string
	// ApprovedBy are the tenants that have approved the service app.
	ApprovedBy []string
}

// User is a person who can sign in.
type User struct {
	Email    string
	Password string
	Name     string
	// Companies are the companies the person may choose from, by tenant id; true where the person has the
	// role "API User", without which the token endpoint answers invalid_tenant.
	Companies map[string]bool
}

// Company is a company that consent can be given for.
type Company struct {
	TenantID string // the "Company Tenant ID"
	Name     string
}

// RefreshPolicy decides what happens to a refresh token when it is used. It is a setting of the portal,
// and applies to consents given after it was changed.
type RefreshPolicy struct {
	OneTime bool `json:"one_time"` // a new token each time; otherwise the same one again
	// Grace is the time for which a one-time token is still accepted after its first use.
	Grace time.Duration `json:"grace"`
}

// Scopes of Visma.net.
const (
	interactive = "vismanet_erp_interactive_api:"
	service     = "vismanet_erp_service_api:"
)

// AllScopes returns the scopes that a client may request by default.
func AllScopes() []string {
	return []string{
		"openid", "email", "profile", "tenants", "offline_access",
		interactive + "read", interactive + "create", interactive + "update",
		service + "read", service + "create", service + "update",
	}
}

func withDefaults(o Options) Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		life      *time.Duration
		otherwise time.Duration
	}{{&o.AccessTokenLife, time.Hour}, {&o.RefreshTokenLife, 365 * 24 * time.Hour}, {&o.CodeLife, 5 * time.Minute}} {
		if *d.life == 0 {
			*d.life = d.otherwise
		}
	}
	return o
}
