// Package klarnasim simulates the Klarna Settlements API for a generated shop, for the sandbox and for
// tests. It is an http.Handler with the API under /settlements/v1 and its own admin endpoints under
// /_sandbox/klarna.
//
// What is simulated, following the published API description (1.0.0-rc2) and the experience of clients of
// the live API:
//   - all eight endpoints, as JSON, CSV (a summary block and a block of
//     transactions) and PDF (real, small, with its figures as text);
//   - HTTP basic authentication as the bare key, as an empty user name with the
//     key, and as a user name with the key, where a given user name must be the
//     right one; keys of another environment, region or provider and revoked
//     ones get 401;
//   - paging with size (20, at most 500) and offset, absolute links, null at both
//     ends; newest payout first, as Klarna promises no order;
//   - payout dates as the filter, both ends included, a bare date being the start
//     of its day, so that one day asked for by its bare date is empty;
//   - error bodies, Klarna-Correlation-Id and the X-RateLimit headers;
//     429 without Retry-After when a limit is set;
//   - reports whose errors are JSON under the content type of the report;
//   - where the live API differs from its description (Options.Strict turns it
//     off): other member names for the shipping country and the instalments,
//     merchant_id and customer_vat on rows, a null order_id, dates and countries
//     left out of rows without an order, members that nobody announced, and a
//     commission reversal total.
//
// What is not: error codes (Klarna publishes none for settlements, these are made
// up), reports configured per merchant, SFTP, compression, how far back payouts
// go, and 403 for anything but an unknown path. The date filter that the live API
// seems to take on transactions is accepted, repeated in links, and ignored.
//
// Faults are injected by Inject or the admin endpoints; see Fault.
//
// Everything is deterministic: no clock is read unless Options.Now provides one, and identifiers are
// counted. The product must never import this package.
package klarnasim
