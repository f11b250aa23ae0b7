package connectsim

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// authRequest is one run of the authorization code flow in op's form.
type authRequest struct {
	oidc.AuthRequest
	id       string
	user     string // email; set when the person has signed in
	tenant   string // set when the person has consented
	authTime time.Time
	begun    time.Time
	code     string
	codeTime time.Time
}

func (r *authRequest) GetID() string          { return r.id }
func (r *authRequest) GetACR() string         { return "" }
func (r *authRequest) GetAMR() []string       { return []string{"pwd"} }
func (r *authRequest) GetAudience() []string  { return []string{r.ClientID} }
func (r *authRequest) GetAuthTime() time.Time { return r.authTime }
func (r *authRequest) GetClientID() string    { return r.ClientID }
func (r *authRequest) GetNonce() string       { return r.Nonce }
func (r *authRequest) GetScopes() []string    { return r.Scopes }
func (r *authRequest) GetSubject() string     { return subject(r.user) }
func (r *authRequest) Done() bool             { return r.tenant != "" }

// GetSessionState is sent with the code, as Visma Connect does.
func (r *authRequest) GetSessionState() string { return digest(r.id)[:32] }

func (r *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// refreshRequest is the refresh of a grant in op's form.
type refreshRequest struct {
	grant  grant
	scopes []string
}

func (r *refreshRequest) GetAMR() []string                 { return []string{"pwd"} }
func (r *refreshRequest) GetAudience() []string            { return []string{r.grant.Client} }
func (r *refreshRequest) GetAuthTime() time.Time           { return r.grant.AuthTime }
func (r *refreshRequest) GetClientID() string              { return r.grant.Client }
func (r *refreshRequest) GetScopes() []string              { return r.scopes }
func (r *refreshRequest) GetSubject() string               { return subject(r.grant.User) }
func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }

// serviceRequest is client credentials for one company. Its tokens have no
// subject.
type serviceRequest struct {
	client, tenant string
	scopes         []string
}

func (r *serviceRequest) GetSubject() string    { return "" }
func (r *serviceRequest) GetAudience() []string { return []string{r.client} }
func (r *serviceRequest) GetScopes() []string   { return r.scopes }

var (
	_ op.AuthRequest             = (*authRequest)(nil)
	_ op.AuthRequestSessionState = (*authRequest)(nil)
	_ op.RefreshTokenRequest     = (*refreshRequest)(nil)
	_ op.TokenRequest            = (*serviceRequest)(nil)
)

// subject returns a person's id: it must not change and must not contain a colon.
func subject(email string) string {
	if email == "" {
		return ""
	}
	return digest("subject " + email)[:32]
}

// opClient is a Client in op's form.
type opClient struct {
	Client
	opaque bool
}

func (c opClient) GetID() string                       { return c.ID }
func (c opClient) RedirectURIs() []string              { return c.Client.RedirectURIs }
func (c opClient) PostLogoutRedirectURIs() []string    { return c.LogoutURIs }
func (c opClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c opClient) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c opClient) LoginURL(id string) string           { return "/account/login?id=" + id }
func (c opClient) IDTokenLifetime() time.Duration      { return time.Hour }
func (c opClient) DevMode() bool                       { return false }
func (c opClient) ClockSkew() time.Duration            { return 0 }

// IDTokenUserinfoClaimsAssertion puts name and email into the id token.
func (c opClient) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c opClient) ResponseTypes() []oidc.ResponseType {
	if !c.Interactive {
		return nil
	}
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c opClient) GrantTypes() []oidc.GrantType {
	var types []oidc.GrantType
	if c.Interactive {
		types = append(types, oidc.GrantTypeCode, oidc.GrantTypeRefreshToken)
	}
	if c.Service {
		types = append(types, oidc.GrantTypeClientCredentials)
	}
	return types
}

func (c opClient) AccessTokenType() op.AccessTokenType {
	if c.opaque {
		return op.AccessTokenTypeBearer
	}
	return op.AccessTokenTypeJWT
}

// IsScopeAllowed accepts all scopes: the storage refuses what the client may not have, where op would
// silently drop it.
func (c opClient) IsScopeAllowed(string) bool { return true }

func (c opClient) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive // op's name
	return func(scopes []string) []string { return scopes }
}

func (c opClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

var _ op.Client = opClient{}
