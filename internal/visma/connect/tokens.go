package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"kvitt/internal/fault"
)

// unknownLife is the time an access token is used when Visma Connect does not report its lifetime.
const unknownLife = 5 * time.Minute

// Service requests the first token of the service flow, for one company, named by its Company Tenant ID.
// It also checks that the company has approved the app.
func (p *Provider) Service(ctx context.Context, tenantID string) (Grant, error) {
	g, err := p.clientCredentials(ctx, "connect with the service flow", tenantID)
	if err != nil {
		return Grant{}, err
	}
	if missing := MissingScopes(ServiceScopes(), g.Scope); len(missing) > 0 {
		return Grant{}, missingScopes("connect with the service flow", missing)
	}
	return g, nil
}

// Refresh requests a new access token with the grant: one request, never repeated. Save the returned grant
// before using it.
func (p *Provider) Refresh(ctx context.Context, g Grant) (Grant, error) {
	const attempted = "refresh the access token"
	next := Grant{}
	var err error
	switch g.Flow {
	case FlowService:
		next, err = p.clientCredentials(ctx, attempted, g.TenantID)
	case FlowInteractive:
		next, err = p.refreshToken(ctx, attempted, g)
	default:
		return Grant{}, &fault.Error{
			Class: fault.Auth, Party: Party, Attempted: attempted,
			Words: fmt.Sprintf("the saved grant has an unknown flow (%q)", g.Flow), Remedy: "Authorise the connection again.",
		}
	}
	if err != nil {
		return Grant{}, err
	}
	next.Version = max(next.Version, g.Version+1) // the clock may have been set back
	return next, nil
}

func (p *Provider) clientCredentials(ctx context.Context, attempted, tenantID string) (Grant, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", attempted, err)
	}
	o := p.oauth(d, "", nil)
	c := clientcredentials.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, TokenURL: o.Endpoint.TokenURL,
		AuthStyle: o.Endpoint.AuthStyle, Scopes: ServiceScopes(),
		EndpointParams: url.Values{"tenant_id": {tenantID}},
	}
	asked := p.now()
	token, err := c.Token(p.withClient(ctx))
	if err != nil {
		return Grant{}, tokenFailure(attempted, err, p.config.ClientSecret)
	}
	g := grantOf(token, FlowService, asked)
	g.TenantID, g.RefreshToken = tenantID, ""
	return g, nil
}

func (p *Provider) refreshToken(ctx context.Context, attempted string, g Grant) (Grant, error) {
	if g.RefreshToken == "" {
		return Grant{}, &fault.Error{
			Class: fault.Auth, Party: Party, Attempted: attempted,
			Words: "the grant has no refresh token", Remedy: "Authorise the connection again; the app must be allowed offline_access.",
		}
	}
	d, err := p.discover(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", attempted, err)
	}
	asked := p.now()
	source := p.oauth(d, "", nil).TokenSource(p.withClient(ctx), &oauth2.Token{RefreshToken: g.RefreshToken})
	token, err := source.Token()
	if err != nil {
		return Grant{}, tokenFailure(attempted, err, g.RefreshToken, p.config.ClientSecret)
	}
	next := grantOf(token, FlowInteractive, asked)
	if next.RefreshToken == "" {
		next.RefreshToken = g.RefreshToken // the old one stays valid when no new one comes
	}
	next.TenantID, next.ConsentedAt = g.TenantID, g.ConsentedAt
	if next.Scope == "" {
		next.Scope = g.Scope
	}
	return next, nil
}

// grantOf reads a token answer. The token's lifetime is counted from the request on our own clock, so a
// wrong clock does no harm.
func grantOf(token *oauth2.Token, flow string, asked time.Time) Grant {
	life := lifeOf(token)
	scope, _ := token.Extra("scope").(string)
	return Grant{
		Flow: flow, AccessToken: token.AccessToken, RefreshToken: token.RefreshToken,
		IssuedAt: asked.UTC(), Expiry: asked.Add(life).UTC(), Scope: scope,
		// Different consents never share a version, however often they were refreshed.
		Version: asked.UnixMilli(),
	}
}

// lifeOf reads expires_in, which golang.org/x/oauth2 returns in one of two fields, depending on the flow.
// Token.Expiry cannot be used: it is computed with a clock that tests cannot set.
func lifeOf(token *oauth2.Token) time.Duration {
	seconds := token.ExpiresIn
	if seconds == 0 {
		switch value := token.Extra("expires_in").(type) {
		case float64:
			seconds = int64(value)
		case int64:
			seconds = value
		case string:
			seconds, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	const longest = 365 * 24 * 60 * 60
	if seconds <= 0 || seconds > longest {
		return unknownLife
	}
	return time.Duration(seconds) * time.Second
}

func missingScopes(attempted string, missing []string) *fault.Error {
	return &fault.Error{
		Class: fault.Auth, Party: Party, Attempted: attempted, Status: http.StatusOK, Code: CodeMissingScope,
		Words:  "not granted: " + strings.Join(missing, " "),
		Remedy: "Have the scopes added to the app and approved, then authorise the connection again.",
	}
}

// Revoke revokes the tokens of a grant at Visma Connect: the refresh token, and the access token where
// that is supported. A dead token is not an error, and a token that cannot be revoked does not stop the
// other.
func (p *Provider) Revoke(ctx context.Context, g Grant) error {
	const attempted = "revoke the tokens"
	d, err := p.discover(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	if d.RevocationEndpoint == "" {
		return &fault.Error{
			Class: fault.Rejected, Party: Party, Attempted: attempted, Words: "there is no revocation endpoint",
			Remedy: "Remove the app's access in Visma's own pages.",
		}
	}
	var failed []error
	for _, token := range []struct{ hint, value string }{
		{"refresh_token", g.RefreshToken}, {"access_token", g.AccessToken},
	} {
		if token.value != "" {
			failed = append(failed, p.revoke(ctx, d, attempted, token.hint, token.value))
		}
	}
	return errors.Join(failed...)
}

func (p *Provider) revoke(ctx context.Context, d *discovery, attempted, hint, token string) error {
	form := url.Values{"token": {token}, "token_type_hint": {hint}}
	if !d.basicAuth() {
		form.Set("client_id", p.config.ClientID)
		form.Set("client_secret", p.config.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.RevocationEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if d.basicAuth() {
		req.SetBasicAuth(url.QueryEscape(p.config.ClientID), url.QueryEscape(p.config.ClientSecret))
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return tokenFailure(attempted, err, token, p.config.ClientSecret)
	}
	defer resp.Body.Close() //nolint:errcheck // an error here changes nothing
	body, _ := readBody(resp)
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	e := answered(attempted, resp, body, token, p.config.ClientSecret)
	if slices.Contains([]string{"unsupported_token_type", "invalid_token", "invalid_grant"}, e.Code) {
		return nil
	}
	return e
}
