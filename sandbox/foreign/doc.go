// Package foreign holds a Visma Connect that nobody here wrote, so that our own
// mistakes are not in both ends: the OpenID provider oidc-provider of npm, with
// one-time refresh tokens, started by provider.js. `make foreign` installs it, and
// beside it axe-core, with which the browser tests look at the portal's pages.
//
// It must never be skipped: without Node.js or without the provider the test
// fails with the sentence that helps.
package foreign
