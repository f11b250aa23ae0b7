package connect

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"kvitt/internal/fault"
)

// Prompts for a Consent.
const (
	PromptSelectAccount = "select_account" // choose the account; right for most people
	PromptConsent       = "consent"
	PromptLogin         = "login"
)

// clockSkew is the tolerated difference between Visma Connect's clock and ours.
const clockSkew = 2 * time.Minute

// Consent is one run of the interactive flow, from the link to the callback. Keep it bound to the person's
// session and use it once: it holds the secrets that tie the callback to it.
type Consent struct {
	State       string   `json:"state"`
	Nonce       string   `json:"nonce"`
	Verifier    string   `json:"verifier"` // PKCE
	RedirectURL string   `json:"redirect_url"`
	Scopes      []string `json:"scopes"`
	Prompt      string   `json:"prompt,omitempty"`
}

// NewConsent starts a consent that redirects to exactly that address, https or loopback, and asks for all
// InteractiveScopes.
func NewConsent(redirectURL string) (Consent, error) {
	if err := checkURL(redirectURL); err != nil {
		return Consent{}, fmt.Errorf("start a consent: the redirect address %w", err)
	}
	return Consent{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		RedirectURL: redirectURL, Scopes: InteractiveScopes(), Prompt: PromptSelectAccount,
	}, nil
}

// String describes the consent without its secrets.
func (c Consent) String() string { return "consent{redirect " + c.RedirectURL + "}" }

// Format describes the consent without its secrets, whatever the verb.
func (c Consent) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue describes the consent to log/slog without its secrets.
func (c Consent) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Identity is the person who consented, and the company.
type Identity struct {
	Subject  string
	Name     string
	Email    string
	TenantID string // the company tenant that the access token names, if any
}

// AuthCodeURL returns the address of Visma Connect that the person opens.
func (p *Provider) AuthCodeURL(ctx context.Context, c Consent) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", fmt.Errorf("start a consent: %w", err)
	}
	options := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(c.Verifier), oidc.Nonce(c.Nonce),
		oauth2.SetAuthURLParam("response_mode", "query"),
	}
	if c.Prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", c.Prompt))
	}
	return p.oauth(d, c.RedirectURL, c.Scopes).AuthCodeURL(c.State, options...), nil
}

const finishConsent = "finish the consent"

// Exchange turns the callback of a consent into a grant. It checks state, the issuer, the nonce and the
// signature of the identity token, and that all scopes and a refresh token were granted. The code can be
// used once: after any failure a new consent is needed.
func (p *Provider) Exchange(ctx context.Context, c Consent, callback url.Values) (Grant, Identity, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return Grant{}, Identity{}, fmt.Errorf("%s: %w", finishConsent, err)
	}
	if err := c.checkCallback(d, callback); err != nil {
		return Grant{}, Identity{}, err
	}
	code := callback.Get("code")
	asked := p.now()
	token, err := p.oauth(d, c.RedirectURL, c.Scopes).Exchange(p.withClient(ctx), code, oauth2.VerifierOption(c.Verifier))
	if err != nil {
		e := tokenFailure(finishConsent, err, code, c.Verifier, p.config.ClientSecret)
		e.Remedy = cmp.Or(e.Remedy, "Start the consent again: its code can be used only once.")
		return Grant{}, Identity{}, e
	}
	g := grantOf(token, FlowInteractive, asked)
	if missing := MissingScopes(c.Scopes, g.Scope); len(missing) > 0 {
		return Grant{}, Identity{}, missingScopes(finishConsent, missing)
	}
	if g.RefreshToken == "" {
		return Grant{}, Identity{}, missingScopes(finishConsent, []string{"offline_access"})
	}
	who, err := p.identify(ctx, d, c, token)
	if err != nil {
		return Grant{}, Identity{}, err
	}
	if claims, err := AccessTokenClaims(g.AccessToken); err == nil {
		who.TenantID = claims.TenantID
	}
	g.TenantID, g.ConsentedAt = who.TenantID, g.IssuedAt
	return g, who, nil
}

// Answered reports whether a callback has the state that this consent sent. Another state belongs to
// somebody else's consent, and says nothing about this one.
func (c *Consent) Answered(callback url.Values) bool {
	return c.State != "" && subtle.ConstantTimeCompare([]byte(callback.Get("state")), []byte(c.State)) == 1
}

// checkCallback refuses a callback that does not belong to this consent. The state is checked first:
// without it, nothing else in the callback is believed.
func (c *Consent) checkCallback(d *discovery, callback url.Values) error {
	for _, name := range []string{"state", "iss", "code", "error"} {
		if len(callback[name]) > 1 {
			return forged(CodeInvalidCallback, "the callback has two of "+name)
		}
	}
	if !c.Answered(callback) {
		return forged(CodeInvalidState, "the state is not the one that was sent")
	}
	switch iss := callback.Get("iss"); {
	case iss == "" && d.IssParameterSupported:
		return forged(CodeIssuerMissing, "the callback does not name its issuer")
	case iss != "" && iss != d.Issuer:
		return forged(CodeIssuerWrong, "the callback is of another issuer")
	}
	if code := callback.Get("error"); code != "" {
		return refusal(finishConsent, &http.Response{StatusCode: http.StatusBadRequest}, code, callback.Get("error_description"))
	}
	if callback.Get("code") == "" {
		return forged(CodeInvalidCallback, "the callback has neither a code nor an error")
	}
	return nil
}

func forged(code, words string) error {
	return &fault.Error{
		Class: fault.Rejected, Party: Party, Attempted: finishConsent, Status: http.StatusBadRequest,
		Code: code, Words: words, Remedy: "Start the consent again from Kvitt, in the same browser.",
	}
}

// identify checks the identity token and reads who consented. It asks for a missing name or address, and
// continues without them when it gets none.
func (p *Provider) identify(ctx context.Context, d *discovery, c Consent, token *oauth2.Token) (Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, notIdentified(errors.New("the answer has no identity token"))
	}
	ctx = p.withClient(ctx)
	verified, err := d.oidc.Verifier(&oidc.Config{
		ClientID: p.config.ClientID,
		Now:      func() time.Time { return p.now().Add(-clockSkew) },
	}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, notIdentified(redactedError(err, []string{raw}))
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(c.Nonce)) != 1 {
		return Identity{}, notIdentified(errors.New("its nonce is not the one that was sent"))
	}
	who := Identity{Subject: verified.Subject}
	var claims struct{ Name, Email string }
	if verified.Claims(&claims) == nil {
		who.Name, who.Email = claims.Name, claims.Email
	}
	if who.Email != "" || d.UserinfoEndpoint == "" {
		return who, nil
	}
	if info, err := d.oidc.UserInfo(ctx, oauth2.StaticTokenSource(token)); err == nil && info.Subject == who.Subject {
		who.Email = info.Email
		if info.Claims(&claims) == nil {
			who.Name = cmp.Or(who.Name, claims.Name)
		}
	}
	return who, nil
}

func notIdentified(err error) error {
	return &fault.Error{
		Class: fault.Rejected, Party: Party, Attempted: finishConsent, Status: http.StatusOK,
		Code: CodeInvalidIDToken, Err: fmt.Errorf("the identity token cannot be trusted: %w", err),
		Remedy: "Start the consent again; check that this machine's clock is right.",
	}
}
