package budget

import (
	"maps"
	"time"
)

// State is a budget as all processes share it. Times are those of the database's clock.
type State struct {
	// Next is the earliest time of the next request, by the spacing.
	Next time.Time `json:"next"`
	// Closed is the time before which the provider accepts no request.
	Closed time.Time `json:"closed"`
	// Left is the number of requests left for further leases until Resets. If Resets is not in the future,
	// nothing is known.
	Left   int       `json:"left"`
	Resets time.Time `json:"resets"`
	// Leases are the unexpired leases, by holder.
	Leases map[string]Lease `json:"leases,omitempty"`
}

// Lease is the number of requests one process may send.
type Lease struct {
	Requests int       `json:"requests"`
	Expires  time.Time `json:"expires"`
}

// Wish is a process's request for a lease, with what it has learnt since its last one.
type Wish struct {
	Holder string
	// Requests is the number wanted; Unused is the number left of the last lease, which goes back.
	Requests, Unused int
	// Left is the number of requests that the provider reports as left for the time Resets from now, less
	// those under way. Both count only when Resets is set.
	Left   int
	Resets time.Duration
	// Closed is the time for which the provider accepts no request.
	Closed time.Duration
}

// Grant is the answer to a Wish. Without Requests nothing is left, and Wait is the time until asking again
// makes sense. Otherwise Wait is the time until the first request is due; it is negative when that time
// has passed.
type Grant struct {
	Requests int
	Wait     time.Duration
	Life     time.Duration // from now
}

// take grants what can be granted at the time now, and records it.
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
		// Near the end the leases get small, so that no process keeps requests that another one is waiting
		// for.
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

// counted reports whether the number of remaining requests is known.
func (s *State) counted(now time.Time) bool { return now.Before(s.Resets) }

// learn merges what a process knows, and drops what has expired.
func (s *State) learn(now time.Time, w Wish) {
	if s.Leases == nil {
		s.Leases = map[string]Lease{}
	}
	if closed := now.Add(w.Closed); closed.After(s.Closed) {
		s.Closed = closed
	}
	// Requests of a dead process stay spent: they may have been sent.
	if _, known := s.Leases[w.Holder]; known && s.counted(now) {
		s.Left += w.Unused
	}
	delete(s.Leases, w.Holder)
	maps.DeleteFunc(s.Leases, func(_ string, l Lease) bool { return !now.Before(l.Expires) })
	if w.Resets <= 0 {
		return
	}
	// The requests in the others' leases may or may not have been sent, and the provider may or may not
	// have counted them. So all of them are subtracted.
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

// windows compares the ends of two of the provider's windows: positive when the second is a later window,
// 0 when they are the same. Ends are given in whole seconds, in answers that took time to arrive.
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
