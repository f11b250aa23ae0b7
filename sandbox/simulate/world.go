package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"kvitt/internal/posting"
)

// What the promise rests on: a batch that was asked for shows within absent.
const (
	absent   = 15 * time.Minute
	slowest  = 2 * time.Minute // of one step: a request on its way, a process that stalls
	booksBy  = 5 * time.Minute // from a request's arrival to its commit
	listsBy  = 4 * time.Minute // from a commit to the lists
	calmFrom = 6 * time.Hour   // when the last fault has struck
	endBy    = 90 * 24 * time.Hour
)

var midnight = time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)

// world is one schedule: whatever happens in it follows from its seed.
type world struct {
	rng    *rand.Rand
	now    time.Duration
	broken variant
	trace  func(string)
	found  []string

	actors    []*actor
	events    []event
	processes []*process
	payouts   []*payout
	books     books
	memory    memory
	crashes   int
	troubled  int    // of 100 requests
	turn      *actor // who runs now
}

type event struct {
	at time.Duration
	do func()
}

// process is a worker: what it keeps in its own memory is gone when it dies.
type process struct {
	name  string
	scans *posting.Scans
	read  bool // it has listed the period once
}

// actor is one run of an activity's caller. It runs only while it has the turn,
// which it gives back at each await.
type actor struct {
	w      *world
	p      *process
	what   *payout
	wake   time.Duration
	dead   bool
	ctx    context.Context
	cancel context.CancelFunc
	abort  context.CancelFunc // of the attempt that runs
	next   func() (struct{}, bool)
	yield  func(struct{}) bool
}

var errDead = errors.New("the process has died")

func newWorld(seed uint64, broken variant) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 12)), broken: broken}
	w.troubled = w.rng.IntN(30)
	w.crashes = w.rng.IntN(5)
	w.books.half, w.books.blindFrom = w.rng.IntN(3), -1
	w.payouts = []*payout{{reference: "10001"}}
	if w.rng.IntN(2) == 0 {
		w.payouts = append(w.payouts, &payout{reference: "10002"})
	}
	w.begin()
	return w
}

func (w *world) say(format string, args ...any) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%s  %s", midnight.Add(w.now).Format("02 15:04:05.000"), fmt.Sprintf(format, args...)))
	}
}

func (w *world) bad(format string, args ...any) {
	words := fmt.Sprintf(format, args...)
	w.say("BAD: %s", words)
	w.found = append(w.found, words)
}

func (w *world) calm() bool { return w.now >= calmFrom }

func (w *world) chance(of100 int) bool { return w.rng.IntN(100) < of100 }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d) + 1)) }

func (w *world) after(d time.Duration, do func()) {
	w.events = append(w.events, event{w.now + d, do})
}

// latency is how long a step takes: mostly nothing, now and then very long.
func (w *world) latency() time.Duration {
	switch n := w.rng.IntN(100); {
	case n < 80:
		return w.upTo(20 * time.Millisecond)
	case n < 97:
		return w.upTo(3 * time.Second)
	}
	return w.upTo(slowest)
}

// await gives the turn away. Its error says that the process died meanwhile.
func (a *actor) await() error { return a.sleep(a.w.latency()) }

func (a *actor) sleep(d time.Duration) error {
	if a.dead {
		return errDead
	}
	a.wake = a.w.now + d
	a.yield(struct{}{})
	if a.dead {
		return errDead
	}
	return nil
}

func (w *world) start(p *process, what *payout) {
	a := &actor{w: w, p: p, what: what, wake: w.now + w.latency()}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		a.yield = yield
		if a.sleep(0) == nil {
			a.drive()
		}
	})
	a.next()
	w.actors = append(w.actors, a)
}

func (w *world) open(name string) {
	p := &process{name: name, scans: &posting.Scans{}}
	if w.broken.keepsScans && len(w.processes) > 0 {
		p.scans = w.processes[0].scans
	}
	w.processes = append(w.processes, p)
	if len(w.processes) > 2 {
		w.processes = w.processes[1:]
	}
	for _, what := range w.payouts {
		w.start(p, what)
		if w.chance(10) {
			w.start(p, what) // Temporal took the first attempt for dead
		}
	}
	p.scans.Wait = func(_ context.Context, done <-chan struct{}) error { return w.poll(done) }
}

// poll waits as the actor whose turn it is.
func (w *world) poll(done <-chan struct{}) error {
	a := w.turn
	for {
		select {
		case <-done:
			return nil
		default:
			if err := a.sleep(50 * time.Millisecond); err != nil {
				return err
			}
		}
	}
}

// crash kills a process: its actors end where they are, and nothing of them
// reaches anybody any more.
func (w *world) crash(p *process) {
	for _, a := range w.actors {
		if a.p == p && !a.dead {
			a.dead = true
			a.cancel()
			a.next()
		}
	}
	w.actors = alive(w.actors)
}

func alive(actors []*actor) (out []*actor) {
	for _, a := range actors {
		if !a.dead {
			out = append(out, a)
		}
	}
	return out
}
