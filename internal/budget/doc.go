// Package budget shares a provider's request limits between all processes: Klarna's requests per second
// for a merchant, Visma.net's requests per hour for a company and client.
//
// A process takes several requests out of the shared [State] at a time, as a lease, so that the database
// is written a few times a second and not once per request. A lease expires soon. Requests that were not
// used by then must not be used later, or the requests of a quiet minute would be added to those of a busy
// one. The size of the next lease follows the use of the last one.
//
// A process reports what the provider's answers say about the remaining requests when it takes its next
// lease. If answers say nothing, only the spacing limits the requests.
//
// This package must never let a request through that is not counted, and never hold a budget back because
// a process has died.
package budget

import "time"

// Terms are a provider's limits and the way they are shared out.
type Terms struct {
	// Every is the time between two requests of all processes together; 0 means no spacing.
	Every time.Duration
	// Burst is the number of requests that may be sent at once after a quiet time.
	Burst int
	// Most is the largest number of requests in a lease, at least 1.
	Most int
	// Life is the time a lease stays valid after its last request was due.
	Life time.Duration
}

// Spaced returns the terms for a limit per second. All processes together send at most 6/5 of it in any
// second: a tenth more because a lease may be used up to a tenth of a second late, and a tenth more for
// the burst.
func Spaced(perSecond int) Terms {
	share := max(1, perSecond/10)
	return Terms{Every: time.Second / time.Duration(perSecond), Burst: share, Most: share, Life: 100 * time.Millisecond}
}

// Counted returns the terms of a provider that reports with each answer how many requests are left until
// when, and sets no pace.
func Counted() Terms { return Terms{Most: 20, Life: 10 * time.Second} }
