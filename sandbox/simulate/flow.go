package main

import (
	"context"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
)

// How Temporal treats an activity, as package workflows declares it; but a step is
// given up after an hour, not six, in the rest of which nothing new happens.
const (
	pulse    = 30 * time.Second // without a heartbeat for so long, the attempt is taken for dead
	giveUp   = time.Hour
	backOff  = time.Minute // the longest one
	daily    = 24 * time.Hour
	patience = 3 // how often a person tries again when all is calm
)

// flow is the workflow of a payout on one connection: what Temporal remembers of
// it survives every worker.
type flow struct {
	name  string // of the connection
	what  *payout
	kept  kept
	by    *actor // whose attempt counts
	timer int    // only the last one that was set counts
}

// kept is the state that an older backup of Temporal's database brings back.
type kept struct {
	completing, final, verified bool
	held                        held.Code
	again                       bool
	since                       time.Duration // when the step was scheduled first
	tries, asked                int
}

// later lets the flow go on after a time, unless something else comes before.
func (w *world) later(f *flow, d time.Duration) {
	f.timer++
	timer := f.timer
	w.after(d, func() {
		if f.timer == timer {
			w.goOn(f)
		}
	})
}

// goOn hands the next attempt to a worker. Where there is none, it waits for one.
func (w *world) goOn(f *flow) {
	if f.kept.final || f.by != nil || w.down {
		return
	}
	var up []*process
	for _, p := range w.processes {
		if !p.dead {
			up = append(up, p)
		}
	}
	if len(up) == 0 {
		w.later(f, pulse)
		return
	}
	if f.kept.tries == 0 {
		f.kept.since = w.now
	}
	f.kept.tries++
	f.kept.held = ""
	w.start(up[w.rng.IntN(len(up))], f)
}

// stalls lets Temporal take an attempt for dead that is only slow, and start
// another one beside it. The slow one may notice that it was cancelled, or not.
func (a *actor) stalls(d time.Duration) {
	notices := a.w.chance(50)
	a.w.after(pulse, func() {
		if a.dead || a.f.by != a {
			return
		}
		a.w.say("%s: %s of %s is taken for dead", a.p.name, a.f.name, a.what.reference)
		a.f.by = nil
		a.w.goOn(a.f)
	})
	if notices {
		a.w.after(d, func() { a.ctx.cancelled = true })
	}
}

// run is one attempt of the flow's step, and what the flow makes of it. What an
// attempt comes to that does not count any more is heard by nobody.
func (a *actor) run() {
	f, w := a.f, a.w
	step := a.post
	if f.kept.completing {
		step = a.complete
	}
	wait, code, err := step()
	if a.dead || f.by != a {
		return
	}
	f.by = nil
	switch {
	case err != nil:
		w.failed(a, err)
	case code != "":
		f.kept.tries = 0
		w.holds(f, code, wait)
	case wait > 0:
		f.kept.tries = 0
		w.later(f, wait)
	case !f.kept.completing:
		f.kept.completing, f.kept.tries = true, 0
		w.goOn(f)
	default:
		w.say("%s: payout %s is final on %s", a.p.name, a.what.reference, f.name)
		f.kept.final, f.kept.verified = true, true
		w.counts[finals]++
	}
}

// failed does what activities and workflows do with an error: what is a clear no,
// or a credential, is for a person at once; anything else is tried again until the
// step's time is up.
func (w *world) failed(a *actor, err error) {
	f := a.f
	w.say("%s: %s of %s: %v", a.p.name, f.name, a.what.reference, err)
	switch class := fault.ClassOf(err); {
	case class == fault.Auth:
		f.kept.tries = 0
		w.holds(f, held.CredentialVisma, 0)
	case class == fault.Rejected && !w.broken.retriesNo, w.now-f.kept.since > giveUp && !w.broken.retriesNo:
		f.kept.tries = 0
		w.holds(f, held.Failed, 0)
	default:
		w.later(f, min(time.Second<<min(f.kept.tries-1, 6), backOff))
	}
}

// holds shows a payout to people, and lets one of them act some time later. The
// flow looks by itself too, as often as the workflow does for that code.
func (w *world) holds(f *flow, code held.Code, lookAgain time.Duration) {
	f.kept.held = code
	w.counts[holds]++
	w.say("payout %s is held on %s: %s", f.what.reference, f.name, code)
	if f.kept.asked >= patience {
		return // it stays with them
	}
	acts := w.upTo(3 * time.Hour)
	own := endBy
	switch code {
	case held.RefusedRepeatedly:
		own = max(lookAgain, time.Second)
	case held.Failed:
		own = daily
	default: // only a person ends it
	}
	if own < acts {
		w.later(f, own)
		return
	}
	f.timer++
	timer := f.timer
	w.after(acts, func() {
		if f.timer == timer && !w.down {
			if w.calm() {
				f.kept.asked++
			}
			w.decides(f, code)
			w.goOn(f)
		}
	})
}

func (a *actor) post() (time.Duration, held.Code, error) {
	got, err := a.poster().Post(a.ctx, a.intent())
	if err != nil {
		return 0, "", err
	}
	a.f.kept.again = false
	if got.Stop != nil {
		return got.LookAgain, got.Stop.Code, nil
	}
	return got.LookAgain, "", nil
}

func (a *actor) complete() (time.Duration, held.Code, error) {
	_, stop, err := a.poster().Complete(a.ctx, a.intent(), func(ctx context.Context, attach posting.Attach) error {
		return attach(ctx, visma.File{Name: "settlement.pdf"})
	})
	if err != nil || stop == nil {
		return 0, "", err
	}
	return 0, stop.Code, nil
}

func (a *actor) poster() *posting.Poster {
	p := &posting.Poster{
		Books: ports{a}, Memory: ports{a}, Absent: absent, Scans: a.p.scans,
		Now:   func() time.Time { return midnight.Add(a.w.now) }, // Temporal's, which all share
		Pause: func(_ context.Context, d time.Duration) error { return a.sleep(d) },
	}
	if a.w.broken.poster != nil {
		a.w.broken.poster(a, p)
	}
	return p
}

func (a *actor) intent() posting.Intent {
	in := *a.what.intent
	in.Connection, in.Again = a.f.name, a.f.kept.again
	in.Unrelated, in.Taken = a.w.memory.unrelated[in.Voucher.Token], a.w.memory.taken[in.Voucher.Token]
	return in
}
