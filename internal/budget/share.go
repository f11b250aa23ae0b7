package budget

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Book is where budgets are kept for all processes; *store.Store is one.
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
	asking chan struct{} // held while a request is taken, also out of a new lease

	mu      sync.Mutex
	granted int       // requests of the lease
	left    int       // those of them that are not used
	due     time.Time // when the next of them may be sent
	expires time.Time
	none    time.Time // until when asking for more makes no sense
	flying  int       // requests sent that were not answered
	told    told
}

// told is what answers have said since the last lease.
type told struct {
	left   int       // the least that was said to be left until resets
	resets time.Time // zero when nothing was said
	closed time.Time
}

// NewShare is this process's part of the budget called name. The name is kept
// in clear: it must say nothing of a secret.
func NewShare(book Book, name string, t Terms) *Share {
	return &Share{book: book, name: name, holder: rand.Text(), terms: t, asking: make(chan struct{}, 1)}
}

// Take uses up one request and answers how long to wait before it is sent. If
// nothing is left it takes none, and answers how long it takes until asking
// again makes sense. Whoever took one calls Done when it is over.
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

// Wait takes one request, however long that takes.
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

// Done says that a request that was taken is over, or was not sent after all.
func (s *Share) Done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
}

// Left notes what an answer says: so many requests are left until the budget
// is renewed, in that time.
func (s *Share) Left(requests int, reset time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	resets := now.Add(reset)
	switch age := windows(s.told.resets, resets); {
	case age > 0:
		s.told.left, s.told.resets = requests, resets
	case age == 0: // answers overtake each other: the least is the latest
		s.told.left = min(s.told.left, requests)
	}
}

// Close notes that the provider wants no request for so long. The lease is of
// no use any more.
func (s *Share) Close(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(d); until.After(s.told.closed) {
		s.told.closed = until
	}
}

// use takes a request out of the lease, while there is one, or answers how
// long asking for another lease makes no sense.
func (s *Share) use() (wait time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	spent := now.Before(s.told.resets) && s.told.left <= s.flying
	if s.left == 0 || !now.Before(s.expires) || now.Before(s.told.closed) || spent {
		return s.none.Sub(now), false
	}
	s.left--
	s.flying++
	wait = s.due.Sub(now)
	s.due = s.due.Add(s.terms.Every)
	return wait, true
}

// lease asks for more, and tells what answers have said. A lease that was used
// up before it expired is followed by one twice as large, any other by one of
// what it saw used.
func (s *Share) lease(ctx context.Context) (Grant, error) {
	wish := s.wish()
	var grant Grant
	err := s.book.UpdateBudget(ctx, s.name, func(now time.Time, raw json.RawMessage) (json.RawMessage, error) {
		var state State
		if len(raw) > 0 && json.Unmarshal(raw, &state) != nil {
			state = State{} // of another version of Kvitt: it begins anew
		}
		grant = state.take(now, s.terms, wish)
		out, err := json.Marshal(state)
		if err != nil {
			return nil, fmt.Errorf("write down the budget %s: %w", s.name, err)
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
		Left: s.told.left - s.flying, Resets: s.told.resets.Sub(now), Closed: s.told.closed.Sub(now),
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
