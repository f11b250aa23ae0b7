// Package connectsim simulates Visma Connect, the OAuth 2.0 and OpenID Connect provider in front of
// Visma.net: both flows, both refresh policies, revocation, and a real sign-in and consent page with a
// company picker. The protocol itself is github.com/zitadel/oidc/v3/pkg/op; Visma's own features are in
// front of it (front.go) or behind it (storage.go):
//
//   - client_credentials takes the form parameter tenant_id, which op does not
//     hand on; it travels to the storage in the request's context;
//   - invalid_tenant, which is no error of OAuth, is an op error with that code;
//   - invalid_client is answered 400, not 401;
//   - the callback carries iss (RFC 9207), scope and session_state, and the
//     discovery document says so;
//   - a scope that the client may not have is refused, not dropped.
//
// op has no configurable clock, so the times inside signed tokens are real time, whatever Options.Now
// returns; validity and expiry follow Options.Now.
//
// The product must never import it, and it must never be reachable from anywhere but this machine: it
// knows its users' passwords.
package connectsim
