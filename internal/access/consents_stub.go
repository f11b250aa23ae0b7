package access

import (
	"context"
	"net/url"

	"kvitt/internal/visma/connect"
)

const ConsentUnreachable = "unreachable"

type ConsentError struct{ Code string }

func (e *ConsentError) Error() string { return e.Code }

type Consents struct{ Doors *Doors }

func (c *Consents) Begin(ctx context.Context, connection, session, redirect string) (string, error) {
	return "", nil
}
func (c *Consents) Finish(ctx context.Context, session string, callback url.Values) (string, connect.Grant, connect.Identity, error) {
	return "", connect.Grant{}, connect.Identity{}, nil
}
