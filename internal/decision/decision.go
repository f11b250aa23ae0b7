// Package decision evaluates what people decided about a held payout: which decisions count, and what they
// allow. internal/store keeps decisions, internal/operate takes them, and the activities act on them.
//
// A decision counts for the connection, the work and the posting's revision that it was made about, and
// for exactly the figures that the person saw.
package decision

import (
	"encoding/json"
	"slices"

	"kvitt/internal/instruct"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// Evidence records what was read when a decision was made, and how it compares.
type Evidence struct {
	// Batch is the batch in Visma.net, line by line.
	Batch *Batch `json:"batch,omitempty"`
	// Differences are the differences between the payout, or the intended voucher, and the batch. Empty:
	// no differences.
	Differences []string `json:"differences,omitempty"`
	// Anyway: the person saw the differences and decided so all the same.
	Anyway bool `json:"anyway,omitempty"`
	// Posted is the hash of the voucher that stays; Figures is the digest of what Klarna listed when that
	// was decided.
	Posted  string `json:"posted,omitempty"`
	Figures string `json:"figures,omitempty"`
	// VouchedBy names other people who may have made the decision, see instruct.Party.
	VouchedBy string `json:"vouched_by,omitempty"`
}

// Batch is a batch as Visma.net had it.
type Batch struct {
	Number      string   `json:"batch_number"`
	Status      string   `json:"status"`
	Date        string   `json:"date"`
	Currency    string   `json:"currency"`
	Description string   `json:"description"`
	Lines       []string `json:"lines"`
}

// EvidenceOf returns what was read when a decision was made.
func EvidenceOf(d *store.Decision) Evidence {
	var e Evidence
	_ = json.Unmarshal(d.Evidence, &e) // it was encoded from Evidence
	return e
}

// Set holds the decisions about one work, for one revision of its posting.
type Set struct {
	all      []store.Decision
	revision int
	eyes     bool
}

// Of returns the set of a revision. eyes says whether the connection requires a second person.
func Of(all []store.Decision, revision int, eyes bool) Set { return Set{all, revision, eyes} }

// inForce returns the decisions of a kind that were not withdrawn.
func (s Set) inForce(kind string) []store.Decision {
	var out []store.Decision
	for i := range s.all {
		if d := &s.all[i]; d.Kind == kind && d.Revision == s.revision && d.InForce() {
			out = append(out, *d)
		}
	}
	return out
}

// WantsSecond reports whether a decision ends a payout against what the books show, with no approval after
// it: then, where the connection requires a second person, somebody else has to decide the same.
func WantsSecond(d *store.Decision) bool {
	switch d.Kind {
	case store.DecidedKeep:
		return true
	case store.DecidedBatch, store.DecidedElsewhere:
		return len(EvidenceOf(d).Differences) > 0
	}
	return false
}

// Counts reports whether a decision takes effect: it is in force and, where two people are required,
// somebody else has decided the same from the same evidence.
func (s Set) Counts(d *store.Decision) bool {
	if !d.InForce() || d.Revision != s.revision {
		return false
	}
	if !s.eyes || !WantsSecond(d) {
		return true
	}
	return slices.ContainsFunc(s.inForce(d.Kind), func(other store.Decision) bool { return sameByAnother(d, &other) })
}

func sameByAnother(d, other *store.Decision) bool {
	one, two := EvidenceOf(d), EvidenceOf(other)
	return !partyOf(d).MayBe(partyOf(other)) && d.BatchNumber == other.BatchNumber && slices.Equal(one.Differences, two.Differences) &&
		one.Posted == two.Posted && one.Figures == two.Figures
}

// Accepted returns the differences that are accepted.
func (s Set) Accepted() []settlement.Accepted {
	var out []settlement.Accepted
	for _, d := range s.inForce(store.DecidedAccept) {
		out = append(out, settlement.Accepted{Code: d.Code, Component: d.Component, Difference: d.Difference, Account: d.Account, Reason: d.Reason})
	}
	return out
}

// Elsewhere returns the decision that another batch books the payout; nil when there is none.
func (s Set) Elsewhere() *store.Decision { return s.last(store.DecidedElsewhere) }

// Batch returns the decision that accepts a batch as it is; nil when there is none.
func (s Set) Batch() *store.Decision { return s.last(store.DecidedBatch) }

// Kept returns the decision that what was posted stays; nil when there is none.
func (s Set) Kept() *store.Decision { return s.last(store.DecidedKeep) }

func (s Set) last(kind string) *store.Decision {
	for _, d := range slices.Backward(s.inForce(kind)) {
		if s.Counts(&d) {
			return &d
		}
	}
	return nil
}

// Unrelated returns the batches that were decided not to book the payout.
func (s Set) Unrelated() []string {
	var out []string
	for _, d := range s.inForce(store.DecidedUnrelated) {
		out = append(out, d.BatchNumber)
	}
	return out
}

// MadeBy returns who made a decision that leads to a posting, if that may be the given person: an accepted
// difference, or a batch that was decided not to book the payout.
func (s Set) MadeBy(who instruct.Party) (by instruct.Party, found bool) {
	for _, d := range s.leading() {
		if by := partyOf(&d); by.MayBe(who) {
			return by, true
		}
	}
	return instruct.Party{}, false
}

// partyOf returns the person behind a decision.
func partyOf(d *store.Decision) instruct.Party {
	return instruct.Author(d.Who, EvidenceOf(d).VouchedBy)
}

// Leads reports whether a decision leads to a posting.
func (s Set) Leads() bool { return len(s.leading()) > 0 }

func (s Set) leading() []store.Decision {
	return append(s.inForce(store.DecidedAccept), s.inForce(store.DecidedUnrelated)...)
}
