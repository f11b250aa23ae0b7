// Package klarna is the client of the Klarna Settlements API, at Klarna and at
// Kustom, which serves the same API to the shops that use Kustom Checkout. It
// reads payouts, their transactions and Klarna's own reports, and hands back
// both the decoded answer and the bytes it came in, so that they can be kept
// as evidence.
//
// It only reads: every call is a GET and safe to repeat. It never retries by
// itself; what went wrong is returned as a [fault.Error] and Temporal decides.
//
// It must never send the credential to another host than the one it was made
// for: redirects are not followed, and neither are the links of a page
// (pagination.next, pagination.prev), which are data and nothing more. It must
// never drop, round or repair what Klarna says: members and values that this
// version does not know are kept, and an answer that contradicts itself is an
// error. It must never let the key out: not in an error, not through any
// formatting verb, not as JSON.
package klarna
