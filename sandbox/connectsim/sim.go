package connectsim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Sim is a simulated Visma Connect: an http.Handler, with the controls of the admin endpoints under
// /_sandbox/connect/ as Go methods.
type Sim struct {
	o        Options
	clients  map[string]Client
	users    map[string]*User // by email
	provider *op.Provider
	keys     keys
	mux      *http.ServeMux

	mu       sync.Mutex
	state    state
	requests map[string]*authRequest
	sessions map[string]string // cookie to email
	counts   map[string]int
	outages  []Outage
	issuer   IssuerParameter
	saveErr  error
}

// New sets up the provider and restores the contents of Options.Dir.
func New(o Options) (*Sim, error) {
	s := &Sim{
		o: withDefaults(o), clients: map[string]Client{}, users: map[string]*User{}, requests: map[string]*authRequest{},
		sessions: map[string]string{}, counts: map[string]int{}, issuer: IssuerSent,
	}
	for _, c := range o.Clients {
		if c.ID == "" || c.Secret == "" {
			return nil, errors.New("set up the simulated Visma Connect: each client needs an id and a secret")
		}
		if c.Scopes == nil {
			c.Scopes = AllScopes()
		}
		s.clients[c.ID] = c
	}
	for _, u := range o.Users {
		s.users[u.Email] = &u
	}
	if err := s.restore(); err != nil {
		return nil, fmt.Errorf("set up the simulated Visma Connect: %w", err)
	}
	provider, err := s.newProvider()
	if err != nil {
		return nil, fmt.Errorf("set up the simulated Visma Connect: %w", err)
	}
	s.provider = provider
	s.addRoutes()
	return s, nil
}

func (s *Sim) newProvider() (*op.Provider, error) {
	options := []op.Option{
		op.WithCustomEndpoints(
			op.NewEndpoint("connect/authorize"), op.NewEndpoint("connect/token"), op.NewEndpoint("connect/userinfo"),
			op.NewEndpoint("connect/revocation"), op.NewEndpoint("connect/endsession"), op.NewEndpoint(".well-known/openid-configuration/jwks"),
		),
		op.WithCustomIntrospectionEndpoint(op.NewEndpoint("connect/introspect")),
		op.WithCustomDeviceAuthorizationEndpoint(op.NewEndpoint("connect/deviceauthorization")),
	}
	if strings.HasPrefix(s.o.Issuer, "http://") {
		options = append(options, op.WithAllowInsecure())
	}
	return op.NewProvider(&op.Config{
		CryptoKey: s.keys.crypto, DefaultLogoutRedirectURI: "/account/signedout", CodeMethodS256: true, AuthMethodPost: true,
		GrantTypeRefreshToken: true, SupportedScopes: AllScopes(),
		SupportedClaims: []string{"sub", "name", "email", "tenant_id", "auth_time", "client_id", "scope"},
	}, storage{s}, op.StaticIssuer(s.o.Issuer), options...)
}

// Check returns the company and the scopes of an access token; ok is false if it is invalid, expired or
// revoked. vismasim calls it.
func (s *Sim) Check(token string) (tenantID string, scopes []string, ok bool) {
	id, ok := s.tokenID(token)
	if !ok {
		return "", nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.accessToken(id)
	if !ok {
		return "", nil, false
	}
	return t.Tenant, slices.Clone(t.Scopes), true
}

// tokenID reads the id out of an access token of either form.
func (s *Sim) tokenID(token string) (string, bool) {
	if signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256}); err == nil {
		return s.keys.jti(signed)
	}
	opened, err := s.provider.Crypto().Decrypt(token)
	if err != nil {
		return "", false
	}
	id, _, ok := strings.Cut(opened, ":")
	return id, ok
}

// Close reports the first error of writing to Options.Dir.
func (s *Sim) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saveErr
}
