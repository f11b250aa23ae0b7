package connectsim

import (
	"crypto/rsa"
	"time"
)

// Options set up a simulated Visma Connect.
type Options struct {
	// Issuer is the address it is reached at, without a slash at the end:
	// "http://127.0.0.1:9094".
	Issuer    string
	Clients   []Client
	Users     []User
	Companies []Company

	Now func() time.Time // the wall clock when nil

	AccessTokenLife  time.Duration // one hour when zero
	RefreshTokenLife time.Duration // 365 days when zero; from the consent on
	CodeLife         time.Duration // five minutes when zero
	Refresh          RefreshPolicy
	// Opaque access tokens instead of JWTs.
	Opaque bool

	// Dir keeps keys, grants and settings in a file of this directory, so
	// that they are there again at the next start. Empty: in memory only.
	Dir string
	// Key signs tokens. Without one, the one in Dir is used, or a new one.
	Key *rsa.PrivateKey
}

// Client is an app as it is registered in the developer portal.
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
	// Companies the person may choose from, by tenant id; true where the
	// person has the role "API User", without which the token endpoint
	// answers invalid_tenant.
	Companies map[string]bool
}

// Company is a company that consent can be given for.
type Company struct {
	TenantID string // the "Company Tenant ID"
	Name     string
}

// RefreshPolicy is what becomes of a refresh token when it is used. It is a
// setting of the portal, and applies to consents given after it was changed.
type RefreshPolicy struct {
	OneTime bool `json:"one_time"` // a new token each time; else the same one comes back
	// Grace is how long a one-time token is still taken after its first use.
	Grace time.Duration `json:"grace"`
}

// Scopes of Visma.net.
const (
	interactive = "vismanet_erp_interactive_api:"
	service     = "vismanet_erp_service_api:"
)

// AllScopes are what a client may ask for when it does not say otherwise.
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
