package budget

import (
	"maps"
	"time"
)

// State is a budget as all processes share it. Times are the database's.
type State struct {
	// Next is when the next request may be sent, by the spacing.
	Next time.Time `json:"next"`
	// Closed is until when the provider wants no request at all.
	Closed time.Time `json:"closed"`
	// Left is what is left for further leases until Resets. Without a Resets
	// that lies ahead nothing is known.
	Left   int       `json:"left"`
	Resets time.Time `json:"resets"`
	// Leases are what the processes hold, by holder.
	Leases map[string]Lease `json:"leases,omitempty"`
}

// Lease is what one process may send.
type Lease struct {
	Requests int       `json:"requests"`
	Expires  time.Time `json:"expires"`
}

// Wish is what a process asks for, with what it has learnt since it last did.
type Wish struct {
	Holder string
	// Requests are wanted; Unused are left of the last lease and go back.
	Requests, Unused int
	// Left is how many requests the provider says are left until Resets from
	// now, less those that are under way. Both count only when Resets is set.
	Left   int
	Resets time.Duration
	// Closed is for how long the provider wants no request.
	Closed time.Duration
}

// Grant is what a process got. Without Requests nothing is left, and Wait is
// how long it takes until asking again makes sense. Else Wait is how long
// until the first of them is due; it is below zero when that was before now.
type Grant struct {
	Requests int
	Wait     time.Duration
	Life     time.Duration // from now
}

// take grants what can be granted at the time now, and counts it.
func (s *State) take(now time.Time, t Terms, w Wish) Grant {
	s.learn(now, w)
	if rest := s.Closed.Sub(now); rest > 0 {
		return Grant{Wait: rest}
	}
	n := min(w.Requests, t.Most)
	if s.counted(now) {
		if s.Left <= 0 {
			return Grant{Wait: s.Resets.Sub(now)}
		}
		// Near the end the leases get small, so that none keeps for itself what
		// another process waits for.
		n = min(n, max(1, s.Left/8))
		s.Left -= n
	}
	first := now.Add(-time.Duration(t.Burst) * t.Every)
	if s.Next.After(first) {
		first = s.Next
	}
	s.Next = first.Add(time.Duration(n) * t.Every)
	expires := now.Add(t.Life)
	if s.Next.After(now) {
		expires = s.Next.Add(t.Life)
	}
	s.Leases[w.Holder] = Lease{Requests: n, Expires: expires}
	return Grant{Requests: n, Wait: first.Sub(now), Life: expires.Sub(now)}
}

// counted tells whether it is known how many requests are left.
func (s *State) counted(now time.Time) bool { return now.Before(s.Resets) }

// learn takes in what a process knows, and forgets what is over.
func (s *State) learn(now time.Time, w Wish) {
	if s.Leases == nil {
		s.Leases = map[string]Lease{}
	}
	if closed := now.Add(w.Closed); closed.After(s.Closed) {
		s.Closed = closed
	}
	// What a dead process held stays spent: nobody knows.
	if _, known := s.Leases[w.Holder]; known && s.counted(now) {
		s.Left += w.Unused
	}
	delete(s.Leases, w.Holder)
	maps.DeleteFunc(s.Leases, func(_ string, l Lease) bool { return !now.Before(l.Expires) })
	if w.Resets <= 0 {
		return
	}
	// What the others hold may be on its way or not; the provider may have
	// counted it or not. So all of it is taken off.
	left := w.Left
	for _, l := range s.Leases {
		left -= l.Requests
	}
	resets := now.Add(w.Resets)
	switch age := windows(s.Resets, resets); {
	case age > 0:
		s.Left, s.Resets = left, resets
	case age == 0:
		s.Left = min(s.Left, left)
	}
}

// windows compares the ends of two of the provider's windows: above 0 when the
// second is a later one, 0 when they are the same. Ends are told in whole
// seconds, and by answers that took their time.
func windows(known, said time.Time) int {
	const apart = 3 * time.Second
	switch {
	case said.Sub(known) > apart:
		return 1
	case known.Sub(said) > apart:
		return -1
	}
	return 0
}
