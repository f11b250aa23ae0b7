package connectsim

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// state is everything that must outlive a restart.
type state struct {
	Grants  map[string]*grant        `json:"grants"`
	Refresh map[string]*refreshToken `json:"refresh_tokens"` // by the token's SHA-256
	Access  map[string]*accessToken  `json:"access_tokens"`  // by id
	// Approvals and Roles are the changes since the start: "client tenant" and "email tenant".
	Approvals map[string]bool `json:"approvals"`
	Roles     map[string]bool `json:"roles"`
	Policy    RefreshPolicy   `json:"refresh_policy"`
}

func newState(policy RefreshPolicy) state {
	return state{
		Grants: map[string]*grant{}, Refresh: map[string]*refreshToken{}, Access: map[string]*accessToken{},
		Approvals: map[string]bool{}, Roles: map[string]bool{}, Policy: policy,
	}
}

// grant is one consent of one person for one company.
type grant struct {
	ID       string        `json:"id"`
	Client   string        `json:"client"`
	User     string        `json:"user"` // email
	Tenant   string        `json:"tenant"`
	Scopes   []string      `json:"scopes"`
	AuthTime time.Time     `json:"auth_time"`
	Created  time.Time     `json:"created"`
	Policy   RefreshPolicy `json:"policy"`
	Revoked  bool          `json:"revoked"`
}

type refreshToken struct {
	Grant   string     `json:"grant"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used,omitempty"`
}

type accessToken struct {
	Grant   string    `json:"grant,omitempty"` // empty for the service flow
	Client  string    `json:"client"`
	User    string    `json:"user,omitempty"`
	Tenant  string    `json:"tenant"`
	Scopes  []string  `json:"scopes"`
	Expires time.Time `json:"expires"`
}

// The errors of the token endpoint. invalid_tenant is Visma's own.
func errInvalidTenant(why string) *oidc.Error {
	return &oidc.Error{ErrorType: "invalid_tenant", Description: why}
}

func errInvalidGrant() *oidc.Error { return oidc.ErrInvalidGrant() }

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// accessToken finds a token that is still valid. Sim.mu is held, here and below.
func (s *Sim) accessToken(id string) (*accessToken, bool) {
	t := s.state.Access[id]
	return t, t != nil && s.o.Now().Before(t.Expires)
}

// issue makes an access token. The time it returns to op is real time, because op reports the token's
// lifetime by the wall clock; half a second more keeps expires_in from losing one to rounding.
func (s *Sim) issue(t accessToken) (id string, expires time.Time) {
	now := s.o.Now()
	t.Expires = now.Add(s.o.AccessTokenLife)
	for id, old := range s.state.Access {
		if !now.Before(old.Expires) {
			delete(s.state.Access, id)
		}
	}
	id = rand.Text()
	s.state.Access[id] = &t
	return id, time.Now().Add(s.o.AccessTokenLife + 500*time.Millisecond)
}

func (g *grant) accessToken() accessToken {
	return accessToken{Grant: g.ID, Client: g.Client, User: g.User, Tenant: g.Tenant, Scopes: g.Scopes}
}

// consented makes the grant of a finished consent, if the person may use the API of the company.
func (s *Sim) consented(r *authRequest) (*grant, error) {
	if !s.apiUser(r.user, r.tenant) {
		return nil, errInvalidTenant("The user does not have the role API User in this company.")
	}
	g := &grant{
		ID: rand.Text(), Client: r.ClientID, User: r.user, Tenant: r.tenant, Scopes: slices.Clone(r.Scopes),
		AuthTime: r.authTime, Created: s.o.Now(), Policy: s.state.Policy,
	}
	s.state.Grants[g.ID] = g
	return g, nil
}

// newRefreshToken gives a grant a refresh token. Its lifetime starts with the consent.
func (s *Sim) newRefreshToken(g *grant) string {
	token := rand.Text() + rand.Text()
	s.state.Refresh[digest(token)] = &refreshToken{Grant: g.ID, Created: s.o.Now(), Expires: g.Created.Add(s.o.RefreshTokenLife)}
	return token
}

// refreshable returns the grant of a refresh token that may be used now.
func (s *Sim) refreshable(token string) (*grant, error) {
	t := s.state.Refresh[digest(token)]
	now := s.o.Now()
	if t == nil || !now.Before(t.Expires) {
		return nil, errInvalidGrant()
	}
	g := s.state.Grants[t.Grant]
	switch {
	case g == nil || g.Revoked:
		return nil, errInvalidGrant()
	case g.Policy.OneTime && t.Used != nil && !now.Before(t.Used.Add(g.Policy.Grace)):
		return nil, errInvalidGrant()
	case !s.apiUser(g.User, g.Tenant):
		return nil, errInvalidTenant("The user does not have the role API User in this company.")
	}
	return g, nil
}

// refresh uses a refresh token: checking and marking are one step, so of two simultaneous uses only one
// succeeds when there is no grace period.
func (s *Sim) refresh(token string) (g *grant, next string, err error) {
	g, err = s.refreshable(token)
	if err != nil {
		return nil, "", err
	}
	if !g.Policy.OneTime {
		return g, token, nil
	}
	if t := s.state.Refresh[digest(token)]; t.Used == nil {
		now := s.o.Now()
		t.Used = &now
	}
	return g, s.newRefreshToken(g), nil
}

// revokeGrant ends a grant with all its tokens.
func (s *Sim) revokeGrant(g *grant) {
	g.Revoked = true
	for id, t := range s.state.Access {
		if t.Grant == g.ID {
			delete(s.state.Access, id)
		}
	}
}

func (s *Sim) approved(client Client, tenant string) bool {
	if changed, ok := s.state.Approvals[client.ID+" "+tenant]; ok {
		return changed
	}
	return slices.Contains(client.ApprovedBy, tenant)
}

func (s *Sim) apiUser(email, tenant string) bool {
	if changed, ok := s.state.Roles[email+" "+tenant]; ok {
		return changed
	}
	u := s.users[email]
	return u != nil && u.Companies[tenant]
}
