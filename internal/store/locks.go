package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Lock takes the lease called name, for this process alone among all that use
// the database, and waits for it until ctx ends. The lease ends by unlock, or
// after ttl if its holder died; it is not renewed, so what is done under it
// must be bounded by less than ttl. unlock may be called any number of times.
// Time is the database's, so clocks of machines need not agree.
func (s *Store) Lock(ctx context.Context, name string, ttl time.Duration) (unlock func(), err error) {
	attempted := "take the lock " + name
	if name == "" || ttl <= 0 {
		return nil, &Error{Attempted: attempted, Problem: "a lock needs a name and a time to live"}
	}
	holder, err := newHolder()
	if err != nil {
		return nil, s.fail(attempted, err)
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		taken, err := s.tryLock(ctx, name, holder, ttl)
		if err != nil {
			return nil, s.fail(attempted, err)
		}
		if taken {
			break
		}
		if err := pause(ctx, wait); err != nil {
			return nil, fmt.Errorf("%s: waited while %s holds it: %w", attempted, s.holderOf(ctx, name), err)
		}
	}
	return sync.OnceFunc(func() { s.unlock(ctx, name, holder) }), nil
}

// tryLock takes the lease if it is free. It looks before it writes, so that
// those who wait do not stand in the way of other writers.
func (s *Store) tryLock(ctx context.Context, name, holder string, ttl time.Duration) (taken bool, err error) {
	var held bool
	err = one(ctx, s.reads, []any{&held}, "SELECT expires_at > "+s.dialect.now+" FROM locks WHERE name = $1", name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) || held {
		return false, err
	}
	err = s.write(ctx, "take the lock "+name, func(q querier) error {
		n, err := exec(ctx, q, "INSERT INTO locks (name, holder, expires_at) VALUES ($1, $2, "+s.dialect.now+" + $3) "+
			"ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at "+
			"WHERE locks.expires_at <= "+s.dialect.now, name, holder, ttl.Microseconds())
		taken = n > 0
		return err
	})
	return taken, err
}

// unlock gives the lease back. When that fails the lease ends by itself.
func (s *Store) unlock(ctx context.Context, name, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.write(ctx, "give back the lock "+name, func(q querier) error {
		_, err := exec(ctx, q, "DELETE FROM locks WHERE name = $1 AND holder = $2", name, holder)
		return err
	})
}

// holderOf names the lease's holder for a message.
func (s *Store) holderOf(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	holder := "another process"
	_ = one(ctx, s.reads, []any{&holder}, "SELECT holder FROM locks WHERE name = $1", name)
	return holder
}

// newHolder is a name for this attempt that a person can trace: host/pid/random.
func newHolder() (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), hex.EncodeToString(random[:])), nil
}
