package main

import (
	"time"

	"kvitt/internal/posting"
)

// releasesWithin is how long before a release the batch must have been read: a
// minute (see posting), and what the steps up to it may take.
const releasesWithin = 10 * time.Minute

// arrives judges a POST when it reaches Visma.net: an earlier one must have been
// answered with a clear no, or be long gone and not in the books.
func (w *world) arrives(p ports) *sent {
	what := p.what
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
	s := &sent{at: w.now}
	what.posts = append(what.posts, s)
	return s
}

// releases judges a release when it reaches Visma.net.
func (w *world) releases(p ports, b *batch) {
	switch {
	case !b.read && b.edited == 0:
		w.bad("batch %s is released and was never read back", b.BatchNumber)
	case b.edited > 0 && w.now-b.edited > releasesWithin:
		w.bad("batch %s is released though a person changed it %s before", b.BatchNumber, w.now-b.edited)
	}
	w.say("%s: the release of batch %s arrives", p.p.name, b.BatchNumber)
}

// judgeEnd judges what is left when all trouble is over: each payout is booked
// once, or held for a person.
func (w *world) judgeEnd() {
	for _, p := range w.payouts {
		var standing []*batch
		for _, b := range w.books.batches {
			if b.what == p && b.standing() {
				standing = append(standing, b)
			}
		}
		row := w.memory.rows[p.intent.Voucher.Token]
		switch {
		case len(standing) > 1:
			w.bad("payout %s is booked %d times", p.reference, len(standing))
		case !p.verified && p.held == "":
			w.bad("payout %s is lost: its posting is %s, and nobody is asked", p.reference, row.State)
		case p.held != "" || p.touched:
		case row.State != posting.Verified || len(standing) != 1 || !standing[0].Released():
			w.bad("payout %s is said to be booked: its posting is %s, and %d batches stand in the books, none released", p.reference, row.State, len(standing))
		}
	}
}
