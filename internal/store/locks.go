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

// Lock takes the lease called name, exclusively among all processes that use the database, and waits for
// it until ctx ends. The lease ends by unlock, or after ttl if its holder died; it is not renewed, so work
// under it must take less than ttl. unlock may be called any number of times. Times are those of the
// database's clock, so clocks of machines need not agree.
func (s *Store) Lock(ctx context.Context, name string, ttl time.Duration) (unlock func(), err error) {
	holder, err := s.lock(ctx, name, ttl)
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.unlock(ctx, name, holder) }), nil
}

// Hold is Lock with a lease that is renewed until unlock is called. So ttl may be short and the work under
// it long: after a holder has died the others wait no longer than ttl. A very slow holder can lose the
// lease too; work under it must be safe against that.
func (s *Store) Hold(ctx context.Context, name string, ttl time.Duration) (unlock func(), err error) {
	holder, err := s.lock(ctx, name, ttl)
	if err != nil {
		return nil, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var renewed sync.WaitGroup
	renewed.Go(func() {
		for s.renewed(renewing, name, holder, ttl) {
		}
	})
	return sync.OnceFunc(func() {
		stop()
		renewed.Wait()
		s.unlock(ctx, name, holder)
	}), nil
}

// renewed waits for a quarter of ttl and prolongs the lease. It returns false when there is nothing left
// to renew.
func (s *Store) renewed(ctx context.Context, name, holder string, ttl time.Duration) bool {
	timer := time.NewTimer(ttl / 4)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	held := int64(1)
	err := s.write(ctx, "renew the lock "+name, func(q querier) (err error) {
		held, err = exec(ctx, q, "UPDATE locks SET expires_at = "+s.dialect.now+" + $3 WHERE name = $1 AND holder = $2",
			name, holder, ttl.Microseconds())
		return err
	})
	return err != nil || held > 0 // a failure may be temporary
}

// lock takes a lease and returns the name of its holder.
func (s *Store) lock(ctx context.Context, name string, ttl time.Duration) (holder string, err error) {
	attempted := "take the lock " + name
	if name == "" || ttl <= 0 {
		return "", &Error{Attempted: attempted, Problem: "a lock needs a name and a time to live"}
	}
	holder, err = newHolder()
	if err != nil {
		return "", s.fail(attempted, err)
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		taken, err := s.tryLock(ctx, name, holder, ttl)
		if err != nil {
			return "", s.fail(attempted, err)
		}
		if taken {
			return holder, nil
		}
		if err := pause(ctx, wait); err != nil {
			return "", fmt.Errorf("%s: waited while %s holds it: %w", attempted, s.holderOf(ctx, name), err)
		}
	}
}

// tryLock takes the lease if it is free. It reads before it writes, so that waiting processes do not block
// other writers.
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

// unlock releases the lease. If that fails, the lease expires.
func (s *Store) unlock(ctx context.Context, name, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.write(ctx, "release the lock "+name, func(q querier) error {
		_, err := exec(ctx, q, "DELETE FROM locks WHERE name = $1 AND holder = $2", name, holder)
		return err
	})
}

// holderOf returns the lease's holder for a message.
func (s *Store) holderOf(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	holder := "another process"
	_ = one(ctx, s.reads, []any{&holder}, "SELECT holder FROM locks WHERE name = $1", name)
	return holder
}

// newHolder returns a name for this attempt that a person can trace: host/pid/random.
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
