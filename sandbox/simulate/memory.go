package main

import (
	"cmp"
	"context"
	"slices"

	"kvitt/internal/posting"
	"kvitt/internal/store"
)

// memory is the database: each call is one transaction. It goes back to what it
// was when an older copy is restored. Rows are replaced, never written to.
type memory struct {
	rows      map[string]*store.Booking
	seen      map[string][]store.SeenBatch // by period
	unrelated map[string][]string          // what people decided, by token
	taken     map[string]*posting.Taken
}

func (m *memory) begin() {
	*m = memory{
		rows: map[string]*store.Booking{"earlier": {
			CompanyID: company, Token: "earlier", State: posting.Verified, BatchNumber: "000001", Period: january, UpdatedAt: midnight,
		}},
		seen: map[string][]store.SeenBatch{}, unrelated: map[string][]string{}, taken: map[string]*posting.Taken{},
	}
}

func (m *memory) of(token string) store.Booking {
	if row := m.rows[token]; row != nil {
		return *row
	}
	return store.Booking{}
}

// transaction does something between two awaits: a process may die before it is
// done, or when it is done and the process has not heard.
func (p ports) transaction(ctx context.Context, do func(m *memory) error) error {
	if err := p.await(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := do(&p.w.memory); err != nil {
		return err
	}
	return p.await()
}

func (p ports) EnsureBooking(ctx context.Context, want store.Booking) (row store.Booking, err error) {
	err = p.transaction(ctx, func(m *memory) error {
		have := m.rows[want.Token]
		if have == nil {
			want.CreatedAt = midnight.Add(p.w.now)
			want.UpdatedAt = want.CreatedAt
			have = &want
			m.rows[want.Token] = have
		}
		if p.w.broken.found != nil {
			changed := *have
			p.w.broken.found(p, &changed)
			have = &changed
			m.rows[want.Token] = have
		}
		row = *have
		return nil
	})
	return row, err
}

func (p ports) UpdateBooking(ctx context.Context, _, token string, change func(*store.Booking) error) (row store.Booking, err error) {
	err = p.transaction(ctx, func(m *memory) error {
		row = m.of(token)
		before := row.State
		if err := p.write(&row, change); err != nil {
			return err
		}
		row.UpdatedAt = midnight.Add(p.w.now)
		kept := row
		m.rows[token] = &kept
		if before != row.State {
			p.new = before == posting.Intended
			p.w.say("%s: posting of %s: %s → %s", p.p.name, p.what.reference, before, row.State)
			if row.State == posting.Unknown {
				p.w.counts[unknowns]++
			}
			if row.Adopted && row.State == posting.Booked {
				p.w.counts[adoptions]++
			}
		}
		return nil
	})
	return row, err
}

// write changes a row. One variant lets the last writer win.
func (p ports) write(row *store.Booking, change func(*store.Booking) error) error {
	err := change(row)
	if err == nil || !p.w.broken.lastWins {
		return err
	}
	for _, state := range states {
		for attempts := range row.Attempts + 1 {
			other := *row
			other.State, other.Attempts = state, attempts
			if change(&other) == nil {
				*row = other
				return nil
			}
		}
	}
	return err
}

var states = []string{
	posting.Intended, posting.Sending, posting.Accepted, posting.Unknown, posting.Booked, posting.Checked, posting.Attached, posting.Released,
}

func (p ports) Booking(ctx context.Context, _, token string) (row store.Booking, err error) {
	err = p.transaction(ctx, func(m *memory) error {
		have := m.rows[token]
		if have == nil {
			return store.ErrNotFound
		}
		row = *have
		return nil
	})
	return row, err
}

func (p ports) AppendAttempt(ctx context.Context, _ store.Attempt) error {
	return p.transaction(ctx, func(*memory) error { return nil })
}

func (p ports) RememberPeriod(ctx context.Context, _, period string, seen []store.SeenBatch) error {
	return p.transaction(ctx, func(m *memory) error { m.seen[period] = seen; return nil })
}

func (p ports) SeenByToken(ctx context.Context, _, token string) ([]store.SeenBatch, error) {
	return p.remembered(ctx, func(b *store.SeenBatch) bool { return b.Token == token })
}

func (p ports) SeenByReference(ctx context.Context, _, reference string) ([]store.SeenBatch, error) {
	if p.w.broken.ownOnly {
		return nil, nil
	}
	return p.remembered(ctx, func(b *store.SeenBatch) bool { return b.Reference == reference })
}

func (p ports) remembered(ctx context.Context, like func(*store.SeenBatch) bool) (out []store.SeenBatch, err error) {
	err = p.transaction(ctx, func(m *memory) error {
		for _, period := range []string{january, february} {
			for i := range m.seen[period] {
				if b := &m.seen[period][i]; like(b) && !p.w.broken.forgetsSeen {
					out = append(out, *b)
				}
			}
		}
		return nil
	})
	return out, err
}

// BookedLast is the same as the store's, for a memory of three rows.
func (p ports) BookedLast(ctx context.Context, _ string) (in, number string, err error) {
	err = p.transaction(ctx, func(m *memory) error {
		var last *store.Booking
		for _, row := range m.rows {
			if p.w.broken.believesEmpty || row.BatchNumber == "" || !slices.Contains(booked, row.State) {
				continue
			}
			if last == nil || cmp.Or(cmp.Compare(final(row), final(last)), row.UpdatedAt.Compare(last.UpdatedAt), cmp.Compare(row.BatchNumber, last.BatchNumber)) > 0 {
				last = row
			}
		}
		if last != nil {
			in, number = last.Period, last.BatchNumber
		}
		return nil
	})
	return in, number, err
}

var booked = []string{posting.Checked, posting.Attached, posting.Released, posting.Verified, posting.Draft}

func final(row *store.Booking) int {
	if row.State == posting.Verified {
		return 1
	}
	return 0
}
