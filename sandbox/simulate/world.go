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

// What the promise rests on: a batch that was asked for shows within absent,
// because slowest + booksBy + listsBy and the time to read a list are less.
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
	counts counts

	actors    []*actor
	events    []event
	processes []*process
	payouts   []*payout
	flows     []*flow
	books     books
	memory    memory
	threads   *[]*thread // that are free
	down      bool       // nobody works: the database is gone
	crashes   int        // that are left
	diesAt    int        // the step at which a worker dies for sure; 0: none
	deadly    int        // of 1,000 awaits
	troubled  int        // of 100 requests
	turn      *actor     // who runs now
}

type event struct {
	at time.Duration
	do func()
}

// process is a worker: what it keeps in its own memory is gone when it dies.
type process struct {
	name   string
	scans  *posting.Scans
	opened time.Duration
	dead   bool
}

// actor is one attempt of an activity. It runs only while it has the turn, which
// it gives back at each await; so every await is a point where it may die.
type actor struct {
	*thread
	w    *world
	p    *process
	f    *flow
	what *payout
	ctx  *attempt
	wake time.Duration
	dead bool
	saw  *batch // that it has read last, and at which version
	as   int
	new  bool // what it sends is sent for the first time
}

// attempt is the context of an attempt. Nothing waits on it: nothing here blocks.
type attempt struct {
	context.Context //nolint:containedctx // it is one
	cancelled       bool
}

func (a *attempt) Err() error {
	if a.cancelled {
		return context.Canceled
	}
	return nil
}

// thread runs one attempt after the other, so that its stack grows only once.
type thread struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	job   func()
}

func newThread() *thread {
	t := &thread{}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		for yield(struct{}{}) {
			t.job()
			t.job = nil
		}
	})
	t.next()
	return t
}

var errDead = errors.New("the process has died")

// newWorld draws the schedule of a seed. Threads are those of the caller, who
// plays one world after the other.
func newWorld(seed uint64, broken variant, threads *[]*thread) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 12)), broken: broken, threads: threads}
	w.begin()
	return w
}

func (w *world) tracing() bool { return w.trace != nil }

func (w *world) say(format string, args ...any) {
	if w.tracing() {
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

// fault tells whether something goes wrong: never once all is calm.
func (w *world) fault(of100 int) bool { return !w.calm() && w.chance(of100) }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d) + 1)) }

func (w *world) after(d time.Duration, do func()) {
	w.events = append(w.events, event{w.now + d, do})
}

// latency returns how long a step takes: mostly nothing, now and then very long.
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
func (a *actor) await() error {
	d := a.w.latency()
	if d >= pulse && a.w.fault(50) {
		a.stalls(d)
	}
	return a.sleep(d)
}

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

// start lets a worker make an attempt for a flow.
func (w *world) start(p *process, f *flow) {
	a := &actor{w: w, p: p, f: f, what: f.what, wake: w.now + w.latency(), ctx: &attempt{Context: context.Background()}}
	if n := len(*w.threads); n > 0 {
		a.thread, *w.threads = (*w.threads)[n-1], (*w.threads)[:n-1]
	} else {
		a.thread = newThread()
	}
	a.job = a.run
	f.by = a
	w.actors = append(w.actors, a)
}

// poll waits for another actor of the process, as the one whose turn it is.
func (w *world) poll(done <-chan struct{}) error {
	a := w.turn
	for {
		select {
		case <-done:
			return nil
		default:
		}
		if err := a.sleep(50 * time.Millisecond); err != nil {
			return err
		}
	}
}

// play lets the schedule happen, and judges it.
func (w *world) play() []string {
	for len(w.found) == 0 && w.step() {
	}
	for _, p := range w.processes {
		w.kill(p)
	}
	if len(w.found) == 0 {
		w.judgeEnd()
	}
	return w.found
}

// step gives the turn to whoever is next: an event, or an actor.
func (w *world) step() bool {
	who, what, at := -1, -1, endBy
	for i, a := range w.actors {
		if a.wake < at {
			who, at = i, a.wake
		}
	}
	for i := range w.events {
		if w.events[i].at < at {
			what, at = i, w.events[i].at
		}
	}
	if at == endBy {
		return false
	}
	w.now = max(w.now, at)
	w.counts[steps]++
	if what >= 0 {
		e := w.events[what]
		w.events = append(w.events[:what], w.events[what+1:]...)
		e.do()
		return true
	}
	a := w.actors[who]
	if w.crashes > 0 && !w.calm() && w.rng.IntN(1000) < w.deadly || w.counts[steps] == w.diesAt {
		w.crashes--
		w.crash(a.p)
		return true
	}
	w.resume(a)
	return true
}

// resume gives an actor the turn until its next await, or its end.
func (w *world) resume(a *actor) {
	w.turn = a
	a.next()
	w.turn = nil
	if a.job != nil {
		return
	}
	a.dead = true
	*w.threads = append(*w.threads, a.thread)
	for i, other := range w.actors {
		if other == a {
			w.actors = append(w.actors[:i], w.actors[i+1:]...)
			return
		}
	}
}

// kill ends a process: its attempts end where they are, and nothing of them
// reaches anybody any more.
func (w *world) kill(p *process) {
	p.dead = true
	for i := len(w.actors) - 1; i >= 0; i-- {
		if a := w.actors[i]; a.p == p {
			a.dead = true
			w.resume(a)
			if a.f.by == a {
				a.f.by = nil
				w.later(a.f, pulse+w.latency()) // when Temporal misses its heartbeat
			}
		}
	}
}
