package main

import (
	"time"
)

// begin lays the schedule out: two workers, and what strikes from outside.
func (w *world) begin() {
	w.books.other() // an earlier voucher, which everybody knows of
	w.memory.earlier()
	for _, p := range w.payouts {
		p.prepare()
	}
	w.open("worker 1")
	if w.chance(70) {
		w.open("worker 2")
	}
	for range w.rng.IntN(3) {
		w.after(w.upTo(2*time.Hour), w.foreignHand)
	}
	if w.chance(20) {
		w.after(w.upTo(time.Hour), w.backUp)
	}
	if w.chance(10) {
		w.after(w.upTo(time.Hour), func() { w.say("lists of batches show nothing any more"); w.books.blindFrom = w.now })
	}
	if w.broken.begin != nil {
		w.broken.begin(w)
	}
}

// backUp copies the database, and brings that copy back later. The workers are
// stopped meanwhile, as long as a batch may be on its way.
func (w *world) backUp() {
	kept := w.memory.copy()
	w.say("the database is backed up")
	w.after(w.upTo(2*time.Hour), func() {
		w.say("the database is lost; all workers stop")
		for _, p := range w.processes {
			w.crash(p)
		}
		w.memory = kept
		w.after(absent, func() {
			w.say("the older database is restored; new workers start")
			w.open("worker 1")
			w.open("worker 2")
		})
	})
}

func (w *world) run() []string {
	for len(w.found) == 0 && w.step() {
	}
	for _, p := range w.processes {
		w.crash(p)
	}
	if len(w.found) == 0 {
		w.judgeEnd()
	}
	return w.found
}

// step gives the turn to whoever is next: an event, or an actor. Who waits for
// the same moment goes in an order of the seed's.
func (w *world) step() bool {
	who, what := -1, -1
	at := endBy
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
	if what >= 0 {
		e := w.events[what]
		w.events = append(w.events[:what], w.events[what+1:]...)
		e.do()
		return true
	}
	a := w.actors[who]
	if w.crashes > 0 && !w.calm() && w.chance(2) {
		w.crashes--
		w.say("%s dies", a.p.name)
		w.crash(a.p)
		w.after(w.upTo(20*time.Minute), func() { w.reopen(a.p) })
		return true
	}
	w.turn = a
	_, more := a.next()
	w.turn = nil
	if !more {
		a.cancel()
		a.dead = true
		w.actors = alive(w.actors)
	}
	return true
}

// reopen starts a worker that died, unless it was replaced meanwhile.
func (w *world) reopen(dead *process) {
	for i, p := range w.processes {
		if p == dead {
			w.say("%s starts again", p.name)
			w.processes = append(w.processes[:i:i], w.processes[i+1:]...)
			w.open(p.name)
			return
		}
	}
}
