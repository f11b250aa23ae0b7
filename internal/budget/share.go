package budget

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Book stores budgets for all processes; *store.Store is one.
type Book interface {
	UpdateBudget(ctx context.Context, name string, change func(now time.Time, state json.RawMessage) (json.RawMessage, error)) error
}

// Share is this process's part of a budget. All clients that spend the same
// budget use the same one. It is safe for use by several goroutines.
type Share struct {
	book   Book
	name   string
	holder string
	terms  Terms
	asking chan struct{} // held while a request is taken, including any wait for a new lease

	mu       sync.Mutex
	granted  int       // requests of the lease
	left     int       // requests of the lease that are not used yet
	due      time.Time // when the next request may be sent
	expires  time.Time
	none     time.Time // no new lease is requested before this time
	flying   int       // requests sent and not answered yet
	reported reported
}

// reported holds what the provider's answers said since the last lease.
type reported struct {
	left   int       // the smallest number of requests reported as left until resets
	resets time.Time // zero when no answer reported a limit
	closed time.Time
}

// NewShare returns this process's part of the budget called name. The name is stored in clear text: it
// must not reveal a secret.
func NewShare(book Book, name string, t Terms) *Share {
	return &Share{book: book, name: name, holder: rand.Text(), terms: t, asking: make(chan struct{}, 1)}
}

// Take uses up one request and returns how long to wait before sending it. If nothing is left, ok is false
// and wait is the time until asking again makes sense. The caller calls Done when a taken request is over.
func (s *Share) Take(ctx context.Context) (wait time.Duration, ok bool, err error) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
	if wait, ok := s.use(); ok || wait > 0 {
		return wait, ok, nil
	}
	grant, err := s.lease(ctx)
	if err != nil || grant.Requests == 0 {
		return grant.Wait, false, err
	}
	wait, ok = s.use()
	return wait, ok, nil
}

// Wait takes one request, waiting as long as necessary.
func (s *Share) Wait(ctx context.Context) error {
	for {
		wait, ok, err := s.Take(ctx)
		if err != nil {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			if ok {
				s.Done()
			}
			return err
		}
		if ok {
			return nil
		}
	}
}

// Done reports that a taken request is over, or was not sent after all.
func (s *Share) Done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
}

// Left records what an answer reported: this many requests are left until the budget is renewed, in that
// time.
func (s *Share) Left(requests int, reset time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	resets := now.Add(reset)
	switch age := windows(s.reported.resets, resets); {
	case age > 0:
		s.reported.left, s.reported.resets = requests, resets
	case age == 0: // answers overtake each other: the smallest number is the latest
		s.reported.left = min(s.reported.left, requests)
	}
}

// Close records that the provider accepts no request for this long. It makes the lease useless.
func (s *Share) Close(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(d); until.After(s.reported.closed) {
		s.reported.closed = until
	}
}

// use takes a request out of the lease while there is one; otherwise it returns how long to wait before
// asking for another lease.
func (s *Share) use() (wait time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	spent := now.Before(s.reported.resets) && s.reported.left <= s.flying
	if s.left == 0 || !now.Before(s.expires) || now.Before(s.reported.closed) || spent {
		return s.none.Sub(now), false
	}
	s.left--
	s.flying++
	wait = s.due.Sub(now)
	s.due = s.due.Add(s.terms.Every)
	return wait, true
}

// lease asks for more requests and reports what answers have said. After a lease that was used up before
// it expired, it asks for twice as many; otherwise for as many as were used.
func (s *Share) lease(ctx context.Context) (Grant, error) {
	wish := s.wish()
	var grant Grant
	err := s.book.UpdateBudget(ctx, s.name, func(now time.Time, raw json.RawMessage) (json.RawMessage, error) {
		var state State
		if len(raw) > 0 && json.Unmarshal(raw, &state) != nil {
			state = State{} // written by another version of Kvitt: start with an empty state
		}
		grant = state.take(now, s.terms, wish)
		out, err := json.Marshal(state)
		if err != nil {
			return nil, fmt.Errorf("save the budget %s: %w", s.name, err)
		}
		return out, nil
	})
	if err != nil {
		return Grant{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.granted, s.left = grant.Requests, grant.Requests
	s.due, s.expires = now.Add(grant.Wait), now.Add(grant.Life)
	if grant.Requests == 0 {
		s.none = now.Add(grant.Wait)
	}
	return grant, nil
}

func (s *Share) wish() Wish {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	used := s.granted - s.left
	if s.left == 0 {
		used = 2 * s.granted
	}
	return Wish{
		Holder: s.holder, Requests: max(1, used), Unused: s.left,
		Left: s.reported.left - s.flying, Resets: s.reported.resets.Sub(now), Closed: s.reported.closed.Sub(now),
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
