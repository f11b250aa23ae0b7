// Package budget keeps what a provider grants in requests for all processes
// together: Klarna's requests a second for a merchant, Visma.net's requests an
// hour for a company and client.
//
// A process takes requests out of the shared [State] some at a time, as a
// lease, so that the database is written a few times a second and not for each
// request. A lease soon expires: what was not used of it by then must not be
// used any more, or the requests of a quiet minute would come on top of those
// of a busy one. How many are taken follows how many were used.
//
// What an answer says is left, and that nothing is left, is told to the others
// with the next lease. Where an answer says nothing the spacing alone counts.
//
// This package must never let through a request that nobody has counted, and
// never hold a budget back because a process has died.
package budget

import "time"

// Terms are what a provider grants, and how it is shared out.
type Terms struct {
	// Every is the time between two requests of all processes together; 0
	// means that they are not spaced out.
	Every time.Duration
	// Burst is how many requests may come at once after a quiet time.
	Burst int
	// Most is how many requests a lease holds at most, at least 1.
	Most int
	// Life is how long a lease lives after the last of its requests was due.
	Life time.Duration
}

// Spaced are the terms of so many requests a second. All together no second
// sees more than 6/5 of that: a tenth more, because a lease may be used up to
// a tenth of a second late, and a tenth as the burst.
func Spaced(perSecond int) Terms {
	share := max(1, perSecond/10)
	return Terms{Every: time.Second / time.Duration(perSecond), Burst: share, Most: share, Life: 100 * time.Millisecond}
}

// Counted are the terms of a provider that says with each answer how many
// requests are left until when, and sets no pace.
func Counted() Terms { return Terms{Most: 20, Life: 10 * time.Second} }
