package cli

import (
	"context"

	"kvitt/internal/signin"
)

// signIn checks the provider that people sign in at, where there is one.
func (e *examination) signIn(ctx context.Context) {
	if e.config.OIDCIssuer == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	words, err := signin.OIDC{Issuer: e.config.OIDCIssuer, ClientID: e.config.OIDCClientID}.Check(ctx, e.http)
	if err != nil {
		e.failed("sign-in", "", err)
		return
	}
	e.ok("sign-in", "", words)
}
