package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"kvitt/internal/vault"
)

// OIDC is the provider that people sign in at.
type OIDC struct {
	Issuer       string // exactly as the provider names itself
	ClientID     string
	ClientSecret vault.Secret
	Name         string // what people call it
	TrustEmail   bool   // it never sends email_verified, and its addresses are good nevertheless
	EmailClaim   string // the claim that people are known by; "" is email
	Demands      []Demand
}

const (
	discoveryLife  = 24 * time.Hour // how long a discovery document is used
	discoveryGrace = time.Minute    // how long an old one, when a new one cannot be had
	clockSkew      = 2 * time.Minute
	answerWithin   = 15 * time.Second
)

// provider is the client of an OpenID Connect provider.
type provider struct {
	OIDC
	redirect string
	http     *http.Client
	now      func() time.Time

	one   chan struct{} // holds whoever may look at what follows
	found *discovered
	good  time.Time
}

// discovered holds what a discovery document says, and what was made of it.
type discovered struct {
	*oidc.Provider
	announcesIss bool // answers carry the parameter iss (RFC 9207)
	style        oauth2.AuthStyle
}

func newProvider(o OIDC, redirect string, client *http.Client, now func() time.Time) (*provider, error) {
	if err := mayHoldSecrets(o.Issuer); err != nil {
		return nil, fmt.Errorf("prepare the sign-in: KVITT_OIDC_ISSUER %w", err)
	}
	if client == nil {
		// A redirect would carry the secret or the code to somebody else.
		client = &http.Client{Timeout: answerWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &provider{OIDC: o, redirect: redirect, http: client, now: now, one: make(chan struct{}, 1)}, nil
}

// Check asks the provider for its discovery document, as the first sign-in would,
// and says that it fits.
func (o OIDC) Check(ctx context.Context, client *http.Client) (string, error) {
	p, err := newProvider(o, "", client, time.Now)
	if err != nil {
		return "", err
	}
	if _, err := p.ask(ctx); err != nil {
		return "", err
	}
	return o.Issuer + " answers with its discovery document", nil
}

// mayHoldSecrets refuses addresses to which secrets would go in clear.
func mayHoldSecrets(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u)) {
		return fmt.Errorf("is %q; it must be https, or http to this machine", address)
	}
	return nil
}

func (p *provider) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.http)
}

// discover returns what the provider says of itself, asked for once a day.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	select {
	case p.one <- struct{}{}:
		defer func() { <-p.one }()
	case <-ctx.Done():
		return nil, fmt.Errorf("read the discovery document of %s: %w", p.Issuer, ctx.Err())
	}
	if p.found != nil && p.now().Before(p.good) {
		return p.found, nil
	}
	d, err := p.ask(ctx)
	switch {
	case err == nil:
		p.found, p.good = d, p.now().Add(discoveryLife)
	case p.found != nil:
		p.good = p.now().Add(discoveryGrace)
	default:
		return nil, err
	}
	return p.found, nil
}

func (p *provider) ask(ctx context.Context) (*discovered, error) {
	found, err := oidc.NewProvider(p.client(ctx), p.Issuer)
	var other *oidc.IssuerMismatchError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("%w: the discovery document of %s is that of %q. Set KVITT_OIDC_ISSUER to what the document says, if it names your organisation alone", errMisset, p.Issuer, shown(other.Discovered))
	}
	if err != nil {
		return nil, fmt.Errorf("read the discovery document of %s: %w. Check KVITT_OIDC_ISSUER", p.Issuer, err)
	}
	var more struct {
		Keys         string   `json:"jwks_uri"`
		AnnouncesIss bool     `json:"authorization_response_iss_parameter_supported"`
		Methods      []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("read the discovery document of %s: %w", p.Issuer, err)
	}
	addresses := []string{found.Endpoint().AuthURL, found.Endpoint().TokenURL, more.Keys}
	if u := found.UserInfoEndpoint(); u != "" {
		addresses = append(addresses, u)
	}
	for _, address := range addresses {
		if err := mayHoldSecrets(address); err != nil {
			return nil, fmt.Errorf("read the discovery document of %s: an endpoint %w", p.Issuer, err)
		}
	}
	return &discovered{found, more.AnnouncesIss, styleOf(more.Methods)}, nil
}

// styleOf returns how the secret is sent: in the header, which is what holds when
// nothing is said, unless the provider takes it in the body only. Trying both
// would spend the code.
func styleOf(methods []string) oauth2.AuthStyle {
	if slices.Contains(methods, "client_secret_post") && !slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

func (p *provider) oauth(d *discovered) *oauth2.Config {
	endpoint := d.Endpoint()
	endpoint.AuthStyle = d.style
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Endpoint: endpoint, RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// What is derived from the secret in the browser's cookie. Of these only the
// state's hash is in our database, so that nobody who reads it can finish a
// sign-in, and nobody without the cookie can either.
func stateOf(secret string) string    { return derive(secret, "state") }
func nonceOf(secret string) string    { return derive(secret, "nonce") }
func verifierOf(secret string) string { return derive(secret, "verifier") }

// address is where the browser goes to sign in.
func (p *provider) address(d *discovered, secret string) string {
	return p.oauth(d).AuthCodeURL(stateOf(secret), oidc.Nonce(nonceOf(secret)), oauth2.S256ChallengeOption(verifierOf(secret)))
}

// identity is whom the provider speaks of, or why that is not known.
type identity struct {
	Email   string
	Problem Problem
	Claim   string   // what the problem is about
	Came    []string // the names of what the provider said
	Subject string   // "issuer subject", which an account keeps whatever its address
}

// identify turns the code that the browser brought into whom it is for.
func (p *provider) identify(ctx context.Context, d *discovered, secret, code string) (identity, error) {
	ctx = p.client(ctx)
	tokens, err := p.oauth(d).Exchange(ctx, code, oauth2.VerifierOption(verifierOf(secret)))
	if err != nil {
		return identity{}, exchangeError(err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return identity{}, errors.New("exchange the code: the answer has no id token")
	}
	// A clock that runs ahead of the provider's by less than this is forgiven;
	// one that runs behind does no harm, since a code lives for minutes.
	now := func() time.Time { return p.now().Add(-clockSkew) }
	token, err := d.Verifier(&oidc.Config{ClientID: p.ClientID, Now: now}).Verify(ctx, raw)
	if err != nil {
		return identity{}, fmt.Errorf("verify the id token: %w", err)
	}
	if token.Subject == "" || len(token.Subject) > 255 {
		return identity{}, errors.New("verify the id token: it does not say whose it is, its sub is missing or longer than 255 characters")
	}
	if !equal(token.Nonce, nonceOf(secret)) {
		return identity{}, errors.New("verify the id token: it is for another sign-in, its nonce is not ours")
	}
	var said, more claims
	if err := token.Claims(&said); err != nil {
		return identity{}, fmt.Errorf("read the id token: %w", err)
	}
	if azp := said.text("azp"); azp != "" && azp != p.ClientID || len(token.Audience) > 1 && azp == "" {
		return identity{}, errors.New("verify the id token: it was issued to another client")
	}
	if p.incomplete(said) && d.UserInfoEndpoint() != "" {
		info, err := d.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil {
			return identity{}, errors.New("ask for the e-mail address: the userinfo endpoint did not answer as it should")
		}
		if err := info.Claims(&more); err != nil {
			return identity{}, fmt.Errorf("read the answer of the userinfo endpoint: %w", err)
		}
		if info.Subject != token.Subject {
			return identity{}, errors.New("ask for the e-mail address: the userinfo endpoint spoke of somebody else")
		}
	}
	who := p.judge(said, more)
	who.Subject = p.Issuer + " " + token.Subject
	return who, nil
}

// exchangeError keeps the answer's body, which nobody has looked at, out of
// the log.
func exchangeError(err error) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		status := 0
		if answer.Response != nil {
			status = answer.Response.StatusCode
		}
		return fmt.Errorf("exchange the code: the provider answered %d %s", status, printable(answer.ErrorCode))
	}
	var unreachable *url.Error
	if errors.As(err, &unreachable) {
		return fmt.Errorf("%w: exchange the code: %w", errUnreachable, unreachable.Err)
	}
	return errors.New("exchange the code: the answer is not one that OAuth 2 knows")
}

var errMisset = errors.New("the settings do not fit the provider")

var errUnreachable = errors.New("the provider does not answer")

// printable shortens a word from outside to what a log takes.
func printable(s string) string {
	if s == "" {
		return "without an error code"
	}
	return fmt.Sprintf("%q", s[:min(len(s), 60)])
}
