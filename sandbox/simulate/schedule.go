package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"kvitt/internal/posting"
)

// begin draws what the schedule is about, and what strikes from outside.
func (w *world) begin() {
	w.troubled, w.crashes, w.deadly = w.rng.IntN(40), w.rng.IntN(5), []int{5, 20, 80}[w.rng.IntN(3)]
	w.books.begin(w)
	w.memory.begin()
	for i := range 1 + w.rng.IntN(2) {
		kinds := intents[i]
		kind := 0
		if w.chance(25) {
			kind = w.rng.IntN(len(kinds))
		}
		p := &payout{reference: kinds[kind].Voucher.PaymentReference, intent: kinds[kind]}
		w.payouts = append(w.payouts, p)
		w.flows = append(w.flows, &flow{name: "c1", what: p})
		if w.chance(15) { // another connection of the same merchant and company
			w.flows = append(w.flows, &flow{name: "c2", what: p})
		}
	}
	w.open("worker 1")
	if w.chance(70) {
		w.open("worker 2")
	}
	for _, f := range w.flows {
		w.later(f, w.upTo(time.Minute))
	}
	w.strikes()
}

func (w *world) strikes() {
	for range w.rng.IntN(3) {
		w.after(w.upTo(2*time.Hour), w.foreignHand)
	}
	if w.chance(25) {
		w.after(w.upTo(time.Hour), w.backUp)
	}
	if w.chance(10) {
		from := w.upTo(time.Hour)
		w.after(from, func() { w.say("the right to read batches is taken away"); w.books.blind = true })
		w.after(from+w.upTo(3*time.Hour), func() { w.say("the right to read batches is given back"); w.books.blind = false })
	}
	if w.chance(10) {
		from := w.upTo(20 * time.Minute)
		w.after(from, func() { w.say("the period is closed"); w.books.closed = true })
		w.after(from+w.upTo(3*time.Hour), func() { w.say("the period is opened"); w.books.closed = false })
	}
}

func (w *world) open(name string) {
	p := &process{name: name, scans: &posting.Scans{}, opened: w.now}
	if w.broken.keepsScans && len(w.processes) > 0 {
		p.scans = w.processes[0].scans
	}
	p.scans.Wait = func(_ context.Context, done <-chan struct{}) error { return w.poll(done) }
	at := slices.IndexFunc(w.processes, func(other *process) bool { return other.name == name })
	if at < 0 {
		w.processes = append(w.processes, p)
		return
	}
	w.processes[at] = p
}

// crash kills a worker, which starts again some time later.
func (w *world) crash(p *process) {
	w.counts[crashes]++
	w.say("%s dies", p.name)
	w.kill(p)
	w.after(w.upTo(20*time.Minute), func() {
		if w.down || !p.dead || !slices.Contains(w.processes, p) {
			return
		}
		w.say("%s starts again", p.name)
		w.open(p.name)
	})
}

// backUp copies the databases and brings the copies back later: Kvitt's, and
// Temporal's, or Temporal's stays as it is, or is lost. The workers are stopped
// meanwhile for as long as a batch may be on its way, as operators are told.
func (w *world) backUp() {
	memory := w.memory.copy()
	flows := make([]kept, len(w.flows))
	for i, f := range w.flows {
		flows[i] = f.kept
	}
	w.say("the databases are backed up")
	w.after(w.upTo(2*time.Hour), func() {
		w.say("the database is lost; all workers stop")
		w.counts[restores]++
		for _, p := range w.processes {
			w.kill(p)
		}
		w.memory, w.down = memory, true
		wait := absent
		if w.broken.hurries {
			wait = 0
		}
		w.after(wait, func() { w.restored(flows) })
	})
}

func (w *world) restored(flows []kept) {
	w.say("the older database is restored; new workers start")
	w.down = false
	for _, p := range w.processes {
		w.open(p.name)
	}
	temporal := w.rng.IntN(3)
	for i, f := range w.flows {
		switch {
		case temporal == 0:
			f.kept = flows[i]
		case temporal == 1 || f.kept.final: // a sync finds it due, and begins anew
			f.kept = kept{}
		}
		f.kept.tries = 0
		w.later(f, w.upTo(time.Minute))
	}
}

func (m *memory) copy() memory {
	return memory{rows: maps.Clone(m.rows), seen: maps.Clone(m.seen), unrelated: maps.Clone(m.unrelated), taken: maps.Clone(m.taken)}
}
