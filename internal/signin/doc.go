// Package signin decides who may use the portal and what they may do there:
// roles, the register of people, sign-in at an OpenID Connect provider or by a
// one-time link, and sessions. The portal renders the pages and wraps every
// route of this package in its protection against cross-site requests and in
// its content security policy.
//
// It must never let anybody in whose address nobody vouches for, never take
// over a session that was there before the sign-in, never send a browser to
// another site, and never write a token, a code or a session's id into a log, a
// URL that a server sees, or the database (which has their hashes).
package signin
