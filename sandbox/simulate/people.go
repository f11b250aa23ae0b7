package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
)

// foreignHand is a person in Visma.net.
func (w *world) foreignHand() {
	if w.calm() {
		return
	}
	w.counts[deeds]++
	if w.chance(20) {
		w.booksElsewhere()
		return
	}
	var ours []*batch
	for _, b := range w.books.batches {
		if b.what != nil && b.gone == 0 {
			ours = append(ours, b)
		}
	}
	if len(ours) == 0 {
		w.after(w.upTo(20*time.Minute), w.foreignHand)
		return
	}
	b := ours[w.rng.IntN(len(ours))]
	deed, words := w.rng.IntN(5), ""
	switch draft := b.Status == visma.BatchBalanced || b.Status == visma.BatchHold; {
	case deed == 0 && draft:
		b.Lines = slices.Clone(b.Lines)
		b.Lines[0].AccountNumber, words = strconv.Itoa(1940+b.version), "edits"
	case deed == 1 && draft:
		b.gone, words = w.now, "deletes"
	case deed == 2 && draft:
		b.Status, words = visma.BatchPosted, "releases"
	case deed == 3 && draft:
		b.FinancialPeriod, words = map[string]string{january: february, february: january}[b.FinancialPeriod], "moves"
	case deed == 4:
		b.Status, words = visma.BatchVoided, "voids"
	default:
		return
	}
	w.touches(b, words)
}

func (w *world) touches(b *batch, words string) {
	w.say("a person %s batch %s", words, b.BatchNumber)
	b.what.touched, b.changed = true, w.now
	b.version++
}

// booksElsewhere is a person who books a payout by hand.
func (w *world) booksElsewhere() {
	what := w.payouts[w.rng.IntN(len(w.payouts))]
	what.excuse = "somebody else booked it"
	b := &batch{foreign: what, booked: w.now, listed: w.now, JournalTransaction: visma.JournalTransaction{
		BatchNumber: fmt.Sprintf("%06d", len(w.books.batches)+1), Status: visma.BatchPosted, Module: "ModuleGL",
		Description: "Klarna", CurrencyID: "SEK", FinancialPeriod: what.period(),
		Lines: []visma.JournalTransactionLine{{AccountNumber: "1930", ReferenceNumber: what.reference}},
	}}
	w.books.batches = append(w.books.batches, b)
	w.say("a person books payout %s as batch %s", what.reference, b.BatchNumber)
}

// decides is a person who looks at a payout that is held: now and then something
// is put right, or decided; then it is tried again.
func (w *world) decides(f *flow, code held.Code) {
	token := f.what.intent.Voucher.Token
	w.say("a person tries payout %s on %s again", f.what.reference, f.name)
	switch code {
	case held.Failed:
		if f.kept.completing && !slices.Contains(booked, w.memory.of(token).State) {
			w.say("the workflow of %s waits for what its database forgot: a person ends it, and a sync begins anew", f.what.reference)
			f.kept = kept{asked: f.kept.asked}
		}
	case held.RefusedRepeatedly:
		f.kept.again = true
	case held.BookedElsewhere:
		if w.chance(50) {
			w.saysUnrelated(f.what, token)
		}
	case held.BatchDiffers:
		b := w.find(w.memory.of(token).BatchNumber)
		switch {
		case b == nil || b.Status == visma.BatchVoided || w.chance(30):
		case w.chance(50):
			w.putsRight(b)
		default:
			w.takes(b, token)
		}
	default: // it is tried again, and no more
	}
}

func (w *world) saysUnrelated(what *payout, token string) {
	for _, b := range w.books.batches {
		if b.foreign == what {
			w.memory.unrelated = maps.Clone(w.memory.unrelated)
			w.memory.unrelated[token] = append(slices.Clone(w.memory.unrelated[token]), b.BatchNumber)
			w.say("a person says that batch %s has nothing to do with payout %s", b.BatchNumber, what.reference)
		}
	}
}

func (w *world) putsRight(b *batch) {
	if b.Released() || b.what == nil {
		return
	}
	b.Lines = slices.Clone(b.Lines)
	b.Lines[0].AccountNumber, b.FinancialPeriod = "1930", b.what.period()
	w.touches(b, "puts right")
}

func (w *world) takes(b *batch, token string) {
	row := w.memory.of(token)
	differences, err := posting.Differences(&row, &b.JournalTransaction, "")
	if err != nil || len(differences) == 0 {
		return
	}
	w.say("a person takes batch %s as it is", b.BatchNumber)
	w.memory.taken = maps.Clone(w.memory.taken)
	w.memory.taken[token] = &posting.Taken{Batch: b.BatchNumber, Differences: differences}
	b.taken = b.content()
}
