package connectsim

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage is the simulator as the library op uses it.
type storage struct{ *Sim }

var (
	_ op.Storage                        = storage{}
	_ op.ClientCredentialsStorage       = storage{}
	_ op.CanSetUserinfoFromRequest      = storage{}
	_ op.CanGetPrivateClaimsFromRequest = storage{}
)

// tenantKey is the context key of the form parameter tenant_id; see front.go.
type tenantKey struct{}

// Health is always good.
func (s storage) Health(context.Context) error { return nil }

// CreateAuthRequest begins the authorization code flow.
func (s storage) CreateAuthRequest(_ context.Context, in *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if slices.Contains(in.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrLoginRequired()
	}
	if err := checkScopes(s.clients[in.ClientID], in.Scopes); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &authRequest{AuthRequest: *in, id: rand.Text(), begun: s.o.Now()}
	s.requests[r.id] = r
	return r, nil
}

func checkScopes(c Client, scopes []string) error {
	for _, scope := range scopes {
		if !slices.Contains(c.Scopes, scope) {
			return oidc.ErrInvalidScope().WithDescription("The app requested a scope that it may not request.")
		}
	}
	return nil
}

// AuthRequestByID finds a flow under way.
func (s storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if r == nil {
		return nil, errors.New("the sign-in has ended or never began")
	}
	return r, nil
}

// SaveAuthCode saves the code of a flow that the person has consented to.
func (s storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if r == nil {
		return errors.New("the sign-in has ended")
	}
	r.code, r.codeTime = digest(code), s.o.Now()
	return nil
}

// AuthRequestByCode finds the flow of a code, once: a code is used up by the first call, whatever its
// result.
func (s storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.requests {
		if r.code != digest(code) {
			continue
		}
		delete(s.requests, id)
		if !s.o.Now().Before(r.codeTime.Add(s.o.CodeLife)) {
			return nil, errors.New("the code has expired")
		}
		return r, nil
	}
	return nil, errors.New("the code is unknown or was used before")
}

// DeleteAuthRequest ends a flow.
func (s storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

// CreateAccessToken makes the token of the service flow, or of a consent without offline_access.
func (s storage) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	switch r := request.(type) {
	case *serviceRequest:
		id, expires := s.issue(accessToken{Client: r.client, Tenant: r.tenant, Scopes: r.scopes})
		return id, expires, nil
	case *authRequest:
		g, err := s.consented(r)
		if err != nil {
			return "", time.Time{}, err
		}
		id, expires := s.issue(g.accessToken())
		return id, expires, nil
	}
	return "", time.Time{}, oidc.ErrUnsupportedGrantType()
}

// CreateAccessAndRefreshTokens makes the tokens of a consent or of a refresh.
func (s storage) CreateAccessAndRefreshTokens(_ context.Context, request op.TokenRequest, current string) (string, string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	switch r := request.(type) {
	case *authRequest:
		g, err := s.consented(r)
		if err != nil {
			return "", "", time.Time{}, err
		}
		id, expires := s.issue(g.accessToken())
		return id, s.newRefreshToken(g), expires, nil
	case *refreshRequest:
		g, next, err := s.refresh(current)
		if err != nil {
			return "", "", time.Time{}, err
		}
		token := g.accessToken()
		token.Scopes = r.scopes
		id, expires := s.issue(token)
		return id, next, expires, nil
	}
	return "", "", time.Time{}, oidc.ErrUnsupportedGrantType()
}

// TokenRequestByRefreshToken finds the grant of a refresh token.
func (s storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Other problems with the token are found when it is used; op would report every error here as
	// invalid_grant.
	t := s.state.Refresh[digest(token)]
	if t == nil || s.state.Grants[t.Grant] == nil {
		return nil, errInvalidGrant()
	}
	g := *s.state.Grants[t.Grant]
	return &refreshRequest{grant: g, scopes: g.Scopes}, nil
}

// TerminateSession signs a person out. Tokens stay valid.
func (s storage) TerminateSession(_ context.Context, user, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cookie, email := range s.sessions {
		if subject(email) == user {
			delete(s.sessions, cookie)
		}
	}
	return nil
}

// RevokeToken ends a grant (by a refresh token) or one access token (by id).
func (s storage) RevokeToken(_ context.Context, token, _, client string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	if t := s.state.Refresh[digest(token)]; t != nil {
		g := s.state.Grants[t.Grant]
		if g.Client != client {
			return oidc.ErrInvalidClient().WithDescription("The token was not issued to this client.")
		}
		s.revokeGrant(g)
		return nil
	}
	if t := s.state.Access[token]; t != nil {
		if t.Client != client {
			return oidc.ErrInvalidClient().WithDescription("The token was not issued to this client.")
		}
		delete(s.state.Access, token)
	}
	return nil // an unknown token counts as revoked
}

// GetRefreshTokenInfo distinguishes refresh tokens from access tokens.
func (s storage) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.state.Refresh[digest(token)]
	if t == nil {
		return "", "", op.ErrInvalidRefreshToken
	}
	return subject(s.state.Grants[t.Grant].User), token, nil
}

// SigningKey returns the only key.
func (s storage) SigningKey(context.Context) (op.SigningKey, error) { return signingKey{s.keys}, nil }

// SignatureAlgorithms returns only RS256, as Visma Connect does.
func (s storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet returns the public half of the key.
func (s storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.keys}}, nil }

// GetClientByClientID finds a registered app.
func (s storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, ok := s.clients[id]
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription("The client is unknown.")
	}
	return opClient{c, s.o.Opaque}, nil
}

// AuthorizeClientIDSecret checks an app's secret.
func (s storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, ok := s.clients[id]
	if !ok || subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1 {
		return errors.New("the client is unknown or its secret is wrong")
	}
	return nil
}

// ClientCredentials checks an app's secret for the service flow.
func (s storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

// ClientCredentialsTokenRequest checks the tenant.
func (s storage) ClientCredentialsTokenRequest(ctx context.Context, id string, scopes []string) (op.TokenRequest, error) {
	client := s.clients[id]
	tenant, _ := ctx.Value(tenantKey{}).(string)
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return scope == "" })
	if err := checkScopes(client, scopes); err != nil {
		return nil, err
	}
	if len(scopes) == 0 { // all scopes of the app
		scopes = slices.DeleteFunc(slices.Clone(client.Scopes), func(scope string) bool { return !strings.HasPrefix(scope, service) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if tenant == "" || !s.approved(client, tenant) {
		return nil, errInvalidTenant("The tenant is unknown or has not approved the application.")
	}
	return &serviceRequest{client: id, tenant: tenant, scopes: scopes}, nil
}
