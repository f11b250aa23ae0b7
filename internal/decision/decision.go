// Package decision reads what people decided about a held payout: which of it
// counts, and what it allows. What is kept of it is in internal/store, who takes
// it is internal/operate, and who acts on it are the activities.
//
// A decision counts for the connection, the work and the revision of the posting
// that it was taken about, and for exactly the figures that the person saw.
package decision

import (
	"encoding/json"
	"slices"

	"kvitt/internal/instruct"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// Evidence is what was read when a decision was taken, and how it compares.
type Evidence struct {
	// Batch is the batch in Visma.net, line by line.
	Batch *Batch `json:"batch,omitempty"`
	// Differences are those between the payout, or the voucher that was meant,
	// and the batch. Empty: it fits.
	Differences []string `json:"differences,omitempty"`
	// Anyway: the person was told of the differences and states it all the same.
	Anyway bool `json:"anyway,omitempty"`
	// Posted is the hash of the voucher that stays, Figures the digest of what
	// Klarna listed when that was decided.
	Posted  string `json:"posted,omitempty"`
	Figures string `json:"figures,omitempty"`
	// VouchedBy is who else may have taken the decision, see instruct.Party.
	VouchedBy string `json:"vouched_by,omitempty"`
}

// Batch is a batch as it was in Visma.net.
type Batch struct {
	Number      string   `json:"batch_number"`
	Status      string   `json:"status"`
	Date        string   `json:"date"`
	Currency    string   `json:"currency"`
	Description string   `json:"description"`
	Lines       []string `json:"lines"`
}

// EvidenceOf is what was read when a decision was taken.
func EvidenceOf(d *store.Decision) Evidence {
	var e Evidence
	_ = json.Unmarshal(d.Evidence, &e) // the store took it from Evidence
	return e
}

// Set is what was decided about one work, for one revision of its posting.
type Set struct {
	all      []store.Decision
	revision int
	eyes     bool
}

// Of is the set of a revision. eyes tells whether the connection wants a second
// pair of eyes.
func Of(all []store.Decision, revision int, eyes bool) Set { return Set{all, revision, eyes} }

// inForce are the decisions of a kind that nobody took back.
func (s Set) inForce(kind string) []store.Decision {
	var out []store.Decision
	for i := range s.all {
		if d := &s.all[i]; d.Kind == kind && d.Revision == s.revision && d.InForce() {
			out = append(out, *d)
		}
	}
	return out
}

// WantsSecond tells whether a decision ends a payout against what the books
// show, with no approval after it: then, where the connection wants a second pair
// of eyes, somebody else has to decide the same.
func WantsSecond(d *store.Decision) bool {
	switch d.Kind {
	case store.DecidedKeep:
		return true
	case store.DecidedBatch, store.DecidedElsewhere:
		return len(EvidenceOf(d).Differences) > 0
	}
	return false
}

// Counts tells whether a decision acts: it is in force, and where it takes two,
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

// Accepted are the differences that are accepted.
func (s Set) Accepted() []settlement.Accepted {
	var out []settlement.Accepted
	for _, d := range s.inForce(store.DecidedAccept) {
		out = append(out, settlement.Accepted{Code: d.Code, Component: d.Component, Difference: d.Difference, Account: d.Account, Reason: d.Reason})
	}
	return out
}

// Elsewhere is the decision that another batch books the payout; nil when there
// is none.
func (s Set) Elsewhere() *store.Decision { return s.last(store.DecidedElsewhere) }

// Batch is the batch that was taken as it is; nil when there is none.
func (s Set) Batch() *store.Decision { return s.last(store.DecidedBatch) }

// Kept is the decision that what was posted stays; nil when there is none.
func (s Set) Kept() *store.Decision { return s.last(store.DecidedKeep) }

func (s Set) last(kind string) *store.Decision {
	for _, d := range slices.Backward(s.inForce(kind)) {
		if s.Counts(&d) {
			return &d
		}
	}
	return nil
}

// Unrelated are the batches that do not book the payout.
func (s Set) Unrelated() []string {
	var out []string
	for _, d := range s.inForce(store.DecidedUnrelated) {
		out = append(out, d.BatchNumber)
	}
	return out
}

// MadeBy is who took a decision that leads to a posting, and may be the person: an
// accepted difference, or a batch that is said not to book the payout.
func (s Set) MadeBy(who instruct.Party) (by instruct.Party, found bool) {
	for _, d := range s.leading() {
		if by := partyOf(&d); by.MayBe(who) {
			return by, true
		}
	}
	return instruct.Party{}, false
}

// partyOf is who stands behind a decision.
func partyOf(d *store.Decision) instruct.Party {
	return instruct.Author(d.Who, EvidenceOf(d).VouchedBy)
}

// Leads tells whether a decision leads to a posting.
func (s Set) Leads() bool { return len(s.leading()) > 0 }

func (s Set) leading() []store.Decision {
	return append(s.inForce(store.DecidedAccept), s.inForce(store.DecidedUnrelated)...)
}
