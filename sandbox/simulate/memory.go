package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"kvitt/internal/store"
)

// memory is the database: each call is one transaction. What is in it is gone
// back to when an older copy is restored.
type memory struct {
	rows map[string]store.Posting
	seen []store.SeenBatch
}

func (m *memory) earlier() {
	m.rows = map[string]store.Posting{"earlier": {
		CompanyID: company, Token: "earlier", State: "verified", BatchNumber: "000001", Period: period, UpdatedAt: midnight,
	}}
}

func (m *memory) copy() memory { return memory{maps.Clone(m.rows), slices.Clone(m.seen)} }

// transaction does something between two awaits: a process may die before it is
// done, or when it is done and the process has not heard.
func (p ports) transaction(ctx context.Context, do func(m *memory, at time.Time) error) error {
	if err := p.await(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := do(&p.w.memory, midnight.Add(p.w.now)); err != nil {
		return err
	}
	return p.await()
}

func (p ports) EnsurePosting(ctx context.Context, want store.Posting) (row store.Posting, err error) {
	err = p.transaction(ctx, func(m *memory, at time.Time) error {
		have, ok := m.rows[want.Token]
		if !ok {
			want.CreatedAt, want.UpdatedAt = at, at
			m.rows[want.Token], have = want, want
		}
		if p.w.broken.found != nil {
			p.w.broken.found(&have)
			m.rows[want.Token] = have
		}
		row = have
		return nil
	})
	return row, err
}

func (p ports) UpdatePosting(ctx context.Context, _, token string, change func(*store.Posting) error) (row store.Posting, err error) {
	err = p.transaction(ctx, func(m *memory, at time.Time) error {
		row = m.rows[token]
		before := row.State
		if err := p.write(&row, change); err != nil {
			return err
		}
		row.UpdatedAt = at
		m.rows[token] = row
		if before != row.State {
			p.w.say("%s: posting of %s: %s → %s", p.p.name, p.what.reference, before, row.State)
		}
		return nil
	})
	return row, err
}

// write changes a row. One variant lets the last writer win.
func (p ports) write(row *store.Posting, change func(*store.Posting) error) error {
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

var states = []string{"intended", "sending", "accepted", "unknown", "booked", "checked", "attached", "released"}

func (p ports) Posting(ctx context.Context, _, token string) (row store.Posting, err error) {
	err = p.transaction(ctx, func(m *memory, _ time.Time) error {
		have, ok := m.rows[token]
		if row = have; !ok {
			return store.ErrNotFound
		}
		return nil
	})
	return row, err
}

func (p ports) AppendAttempt(ctx context.Context, _ store.Attempt) error {
	return p.transaction(ctx, func(*memory, time.Time) error { return nil })
}

func (p ports) RememberPeriod(ctx context.Context, _, _ string, seen []store.SeenBatch) error {
	return p.transaction(ctx, func(m *memory, _ time.Time) error { m.seen = seen; return nil })
}

func (p ports) SeenByToken(ctx context.Context, _, token string) ([]store.SeenBatch, error) {
	return p.saw(ctx, func(b store.SeenBatch) bool { return b.Token == token })
}

func (p ports) SeenByReference(ctx context.Context, _, reference string) ([]store.SeenBatch, error) {
	return p.saw(ctx, func(b store.SeenBatch) bool { return b.Reference == reference })
}

func (p ports) saw(ctx context.Context, like func(store.SeenBatch) bool) (out []store.SeenBatch, err error) {
	err = p.transaction(ctx, func(m *memory, _ time.Time) error {
		for _, b := range m.seen {
			if like(b) && !p.w.broken.forgetsSeen {
				out = append(out, b)
			}
		}
		return nil
	})
	return out, err
}

func (p ports) BookedLast(ctx context.Context, _ string) (in, batch string, err error) {
	err = p.transaction(ctx, func(*memory, time.Time) error {
		if !p.w.broken.believesEmpty {
			in, batch = period, "000001"
		}
		return nil
	})
	return in, batch, err
}
