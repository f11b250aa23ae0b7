package main

import (
	"slices"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/visma"
)

// releasesWithin limits how long after a comparison a batch may still be released: the
// minute that posting allows, and as many steps as it takes there.
const releasesWithin = time.Minute + 7*slowest

// arrives judges a POST when it reaches Visma.net: an earlier one must have been
// answered with a clear no, or be long gone and not in the books; and before the first
// one no batch of somebody else's that the worker could read books the payout. Before
// one that is sent again after an unknown outcome, posting does not look for that.
func (w *world) arrives(p ports) *sent {
	what := p.what
	w.counts[posts]++
	w.say("%s: a POST of %s arrives", p.p.name, what.reference)
	for _, s := range what.posts {
		switch {
		case s.batch != nil && s.batch.standing():
			w.bad("payout %s is posted again while batch %s books it", what.reference, s.batch.BatchNumber)
		case s.pending:
			w.bad("payout %s is posted again while an earlier POST is still to be booked", what.reference)
		case !s.no && w.now-s.at < absent-2*slowest:
			w.bad("payout %s is posted again %s after a POST of unknown outcome", what.reference, w.now-s.at)
		}
	}
	for _, b := range w.books.batches {
		if p.new && b.foreign == what && b.listed+2*listsBy < p.p.opened && !slices.Contains(w.memory.unrelated[what.intent.Voucher.Token], b.BatchNumber) {
			w.bad("payout %s is posted though batch %s of somebody else books it", what.reference, b.BatchNumber)
		}
	}
	s := &sent{at: w.now}
	what.posts = append(what.posts, s)
	return s
}

// judgeBooked looks whether a payout is booked twice.
func (w *world) judgeBooked(what *payout) {
	standing := w.standing(what)
	if len(standing) > 1 {
		w.bad("payout %s is booked %d times", what.reference, len(standing))
	}
}

func (w *world) standing(what *payout) (out []*batch) {
	for _, b := range w.books.batches {
		if b.what == what && b.standing() {
			out = append(out, b)
		}
	}
	return out
}

// releases judges a release when it reaches Visma.net.
func (w *world) releases(p ports, b *batch) {
	w.say("%s: the release of batch %s arrives", p.p.name, b.BatchNumber)
	switch {
	case p.what.intent.Draft:
		w.bad("batch %s is released, and should stay on hold", b.BatchNumber)
	case !b.read:
		w.bad("batch %s is released and was never read back", b.BatchNumber)
	case b.acceptable():
	case p.saw == b && p.as == b.version:
		w.bad("batch %s is released though it was read and is not the voucher", b.BatchNumber)
	case w.now-b.changed > releasesWithin:
		w.bad("batch %s is released though a person changed it %s before", b.BatchNumber, w.now-b.changed)
	}
}

// judgeEnd judges what is left when all trouble is over: each payout is booked
// once and as it should be, or a person has been asked, with cause.
func (w *world) judgeEnd() {
	for _, f := range w.flows {
		p, row := f.what, w.memory.of(f.what.intent.Voucher.Token)
		standing := w.standing(p)
		switch {
		case f.by != nil || !f.kept.final && f.kept.asked < patience:
			w.bad("payout %s is lost on %s: its posting is %s, and nobody is asked", p.reference, f.name, row.State)
		case !f.kept.final && p.excuse == "" && !p.touched:
			w.bad("payout %s stays with a person on %s as %s, and nothing is wrong", p.reference, f.name, f.kept.held)
		case !f.kept.final || p.touched:
		case row.State != posting.Verified && row.State != posting.Draft || len(standing) != 1:
			w.bad("payout %s is said to be booked: its posting is %s, and %d batches stand in the books", p.reference, row.State, len(standing))
		case !p.intent.Draft && !standing[0].Released() || p.intent.Draft && standing[0].Status != visma.BatchHold:
			w.bad("payout %s is said to be final, and its batch is %s", p.reference, standing[0].Status)
		}
	}
}
