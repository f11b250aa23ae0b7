package connectsim

import (
	"context"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// GetPrivateClaimsFromRequest returns the additional claims of an access token: scope as a list, and the
// company when the scope "tenants" was granted, or for the service flow.
func (s storage) GetPrivateClaimsFromRequest(_ context.Context, request op.TokenRequest, _ []string) (map[string]any, error) {
	claims := map[string]any{"scope": request.GetScopes()}
	switch r := request.(type) {
	case *serviceRequest:
		claims["tenant_id"] = r.tenant
	case *authRequest:
		claims["auth_time"] = r.authTime.Unix()
		if slices.Contains(r.Scopes, "tenants") {
			claims["tenant_id"] = r.tenant
		}
	case *refreshRequest:
		claims["auth_time"] = r.grant.AuthTime.Unix()
		if slices.Contains(r.scopes, "tenants") {
			claims["tenant_id"] = r.grant.Tenant
		}
	}
	return claims, nil
}

// SetUserinfoFromRequest sets the claims of an id token about the person.
func (s storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	switch r := request.(type) {
	case *authRequest:
		s.describe(info, r.user, r.tenant, scopes)
	case *refreshRequest:
		s.describe(info, r.grant.User, r.grant.Tenant, scopes)
	}
	return nil
}

func (s storage) describe(info *oidc.UserInfo, email, tenant string, scopes []string) {
	u := s.users[email]
	if u == nil {
		return
	}
	info.Subject = subject(email)
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email, info.EmailVerified = u.Email, true
	}
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name = u.Name
	}
	if slices.Contains(scopes, "tenants") {
		info.AppendClaims("tenant_id", tenant)
	}
}

// SetUserinfoFromToken answers the userinfo endpoint.
func (s storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.accessToken(tokenID)
	if !ok || t.User == "" {
		return errors.New("the token is expired, revoked, or not a person's")
	}
	s.describe(info, t.User, t.Tenant, t.Scopes)
	return nil
}

// SetIntrospectionFromToken answers the introspection endpoint.
func (s storage) SetIntrospectionFromToken(_ context.Context, info *oidc.IntrospectionResponse, tokenID, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.accessToken(tokenID)
	if !ok {
		return errors.New("the token is expired or revoked")
	}
	person := new(oidc.UserInfo)
	s.describe(person, t.User, t.Tenant, t.Scopes)
	info.SetUserInfo(person)
	info.ClientID, info.Scope, info.Expiration, info.TokenType = t.Client, t.Scopes, oidc.FromTime(t.Expires), oidc.BearerToken
	info.Claims = map[string]any{"tenant_id": t.Tenant}
	return nil
}

// SetUserinfoFromScopes does nothing, as op expects.
func (s storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// GetPrivateClaimsFromScopes is not used beside GetPrivateClaimsFromRequest.
func (s storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{}, nil
}

// GetKeyByIDAndClientID finds nothing: clients use secrets.
func (s storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errors.New("clients have no keys here")
}

// ValidateJWTProfileScopes checks nothing: clients use secrets.
func (s storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errors.New("clients have no keys here")
}
