package signin

import (
	"context"
	"time"
)

// SessionEntry is a browser that a person is signed in with. Name opens nothing.
type SessionEntry struct {
	Name    string
	Began   time.Time
	Seen    time.Time
	Ends    time.Time // if nothing more is asked for
	From    string    // the address that it began from
	Device  string    // what the browser calls itself
	Current bool      // it is the one that asks
}

// Sessions are those of the person who asks, the newest first.
func (g *Gate) Sessions(ctx context.Context) ([]SessionEntry, error) {
	p, _ := PersonOf(ctx)
	now := g.now()
	all, err := g.store.SessionsOf(ctx, p.ID, now.Add(-SessionLife), now.Add(-IdleLife))
	entries := make([]SessionEntry, len(all))
	for i := range all {
		x := &all[i]
		ends := x.CreatedAt.Add(SessionLife)
		if idle := x.SeenAt.Add(IdleLife); idle.Before(ends) {
			ends = idle
		}
		entries[i] = SessionEntry{x.Hash, x.CreatedAt, x.SeenAt, ends, x.Remote, x.Device, x.Hash == SessionOf(ctx)}
	}
	return entries, err
}

// EndSession ends a session of the person who asks; nobody else's.
func (g *Gate) EndSession(ctx context.Context, name string) error {
	p, _ := PersonOf(ctx)
	return g.store.EndSessionOf(ctx, p.ID, name, g.now())
}

// EndOthers ends all sessions of the person who asks but the one that asks.
func (g *Gate) EndOthers(ctx context.Context) error {
	all, err := g.Sessions(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Current {
			continue
		}
		if err := g.EndSession(ctx, all[i].Name); err != nil {
			return err
		}
	}
	return nil
}
