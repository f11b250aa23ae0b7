package company

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Cache keeps snapshots for a short while, so that a run of many payouts reads the company only once.
// Forget a snapshot that led to a refusal, because a person will now correct the company.
type Cache struct {
	Life time.Duration
	Now  func() time.Time

	mu     sync.Mutex
	known  map[string]*Company
	flight singleflight.Group
}

// Of returns the snapshot of a connection's company, reading it when the last one is too old.
func (c *Cache) Of(ctx context.Context, connection string, r Reader) (*Company, error) {
	c.mu.Lock()
	known := c.known[connection]
	c.mu.Unlock()
	if known != nil && c.Now().Sub(known.ReadAt) < c.Life {
		return known, nil
	}
	got, err, _ := c.flight.Do(connection, func() (any, error) {
		fresh, err := Read(ctx, r, c.Now())
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.known == nil {
			c.known = map[string]*Company{}
		}
		c.known[connection] = fresh
		return fresh, nil
	})
	if err != nil {
		return nil, err
	}
	return got.(*Company), nil
}

// Forget drops the snapshot of a connection's company.
func (c *Cache) Forget(connection string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, connection)
}
