// Package foreign holds a Visma Connect that was written by others, so that the same mistake is not in
// both ends: the npm package oidc-provider, with one-time refresh tokens, started by provider.js. `make
// foreign` installs it, together with axe-core, which the browser tests use to check the portal's pages.
//
// It must never be skipped: without Node.js or without the provider the test fails with the sentence that
// helps.
package foreign
