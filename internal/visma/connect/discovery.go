package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"kvitt/internal/fault"
)

// discovery is the part of the discovery document that is used, with the verifier made from it.
type discovery struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	UserinfoEndpoint         string   `json:"userinfo_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	TokenEndpointAuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	SigningAlgorithms        []string `json:"id_token_signing_alg_values_supported"`
	IssParameterSupported    bool     `json:"authorization_response_iss_parameter_supported"`

	oidc *oidc.Provider
	good time.Time // used without reading it again until then
}

// The time a discovery document is used, and the time an old one is used when a new one cannot be read.
const (
	discoveryLife  = 24 * time.Hour
	discoveryGrace = time.Minute
)

// Discover reads the discovery document, or does nothing while the last one is still valid. Use it to
// check the issuer; the other methods call it themselves.
func (p *Provider) Discover(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func (p *Provider) discover(ctx context.Context) (*discovery, error) {
	const attempted = "read the discovery document"
	select {
	case p.one <- struct{}{}:
		defer func() { <-p.one }()
	case <-ctx.Done():
		return nil, &fault.Error{Class: fault.Transient, Party: Party, Attempted: attempted, Err: ctx.Err()}
	}
	if p.found != nil && p.now().Before(p.found.good) {
		return p.found, nil
	}
	d, err := p.fetchDiscovery(ctx, attempted)
	switch {
	case err == nil:
		d.good = p.now().Add(discoveryLife)
		p.found = d
	case p.found != nil && fault.ClassOf(err) == fault.Transient:
		p.found.good = p.now().Add(discoveryGrace) // the old one is still used
	default:
		return nil, err
	}
	return p.found, nil
}

func (p *Provider) fetchDiscovery(ctx context.Context, attempted string) (*discovery, error) {
	address := p.config.Issuer + "/.well-known/openid-configuration"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", attempted, err)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return nil, &fault.Error{Class: fault.Transient, Party: Party, Attempted: attempted, Err: err}
	}
	defer resp.Body.Close() //nolint:errcheck // an error here changes nothing
	body, err := readBody(resp)
	if err != nil {
		return nil, &fault.Error{Class: fault.Transient, Party: Party, Attempted: attempted, Err: err}
	}
	if resp.StatusCode != http.StatusOK {
		e := answered(attempted, resp, body)
		if e.Class == fault.Rejected {
			e.Remedy = "Check KVITT_VISMA_CONNECT_URL."
		}
		return nil, e
	}
	d := &discovery{}
	if err := json.Unmarshal(body, d); err != nil {
		return nil, wrongDocument(attempted, fmt.Errorf("it is not a discovery document: %w", err))
	}
	if err := d.check(p.config.Issuer); err != nil {
		return nil, wrongDocument(attempted, err)
	}
	d.oidc = (&oidc.ProviderConfig{
		IssuerURL: d.Issuer, AuthURL: d.AuthorizationEndpoint, TokenURL: d.TokenEndpoint,
		UserInfoURL: d.UserinfoEndpoint, JWKSURL: d.JWKSURI, Algorithms: d.signing(),
	}).NewProvider(p.withClient(context.WithoutCancel(ctx)))
	return d, nil
}

// signing returns only algorithms that a public key can check: "none" and shared secrets cannot make an
// identity token trustworthy.
func (d *discovery) signing() []string {
	var known []string
	for _, algorithm := range d.SigningAlgorithms {
		switch algorithm {
		case oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA:
			known = append(known, algorithm)
		}
	}
	return known
}

func wrongDocument(attempted string, err error) error {
	return &fault.Error{
		Class: fault.Rejected, Party: Party, Attempted: attempted, Status: http.StatusOK, Err: err,
		Remedy: "Check KVITT_VISMA_CONNECT_URL.",
	}
}

// check refuses a document of another issuer, and endpoints to which a secret would be sent in clear text.
func (d *discovery) check(issuer string) error {
	if d.Issuer != issuer && d.Issuer != issuer+"/" {
		return fmt.Errorf("its issuer is %q, not %q", d.Issuer, issuer)
	}
	required := map[string]string{
		"authorization_endpoint": d.AuthorizationEndpoint, "token_endpoint": d.TokenEndpoint, "jwks_uri": d.JWKSURI,
	}
	optional := map[string]string{
		"revocation_endpoint": d.RevocationEndpoint, "userinfo_endpoint": d.UserinfoEndpoint,
	}
	for name, address := range optional {
		if address != "" {
			required[name] = address
		}
	}
	for name, address := range required {
		if err := checkURL(address); err != nil {
			return fmt.Errorf("its %s %w", name, err)
		}
	}
	return nil
}
