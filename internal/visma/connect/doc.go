// Package connect is the OAuth 2.0 side of Visma.net: how a company gives Kvitt access through Visma
// Connect, how the tokens are kept fresh, and how they are revoked.
//
// Two flows lead to a Grant: the service flow (client credentials for one company tenant) and the
// interactive flow (authorization code with PKCE). A Source turns a saved Grant into access tokens: one
// refresh at a time across all processes, the new refresh token saved before the new access token is used,
// and a dead grant reported and not tried again.
//
// It must never retry a grant that Visma Connect has refused, follow a redirect, send a secret in clear
// text, or put a secret into an error or a log line. It stores nothing itself: that is the Keeper's part.
package connect
