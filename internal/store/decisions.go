package store

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// WorkPayout is the work of a decision about a payout itself.
const WorkPayout = "payout"

// The kinds of decisions. internal/decision says what each allows.
const (
	DecidedAccept    = "accept"           // a difference in Klarna's report is accepted
	DecidedElsewhere = "booked_elsewhere" // another batch books the payout
	DecidedUnrelated = "unrelated"        // a batch that carries the reference does not book the payout
	DecidedBatch     = "accept_batch"     // a batch books the payout as it is in Visma.net
	DecidedKeep      = "keep"             // what was posted stays, although the figures changed
	DecidedUndo      = "undo"             // an earlier decision is undone
)

// Decision is a person's decision about a held payout, reversal or accrual. It is never changed; undoing
// it is another entry.
type Decision struct {
	ConnectionID string
	Work         string // payout, reversal, accrual
	Name         string // the payment reference, or the accrual's name
	Seq          int    // 1, 2, … of the same work and name; set by the store
	Kind         string
	Revision     int    // of the payout's posting that it is about
	Code         string // the held reason that it answers
	Component    string
	Difference   int64 // minor units of the payout's currency
	Account      string
	BatchNumber  string
	Evidence     json.RawMessage // what was read and compared
	Reason       string
	Who          string
	At           time.Time
	Undoes       int // of an undo: the Seq of the decision that it undoes

	Undone *Decision // the entry that undoes it; read only
}

const decisionColumns = "connection_id, work, name, seq, kind, revision, code, component, difference, account, batch_number, " +
	"evidence, reason, who, at, undoes"

func (d *Decision) cells() []any {
	return []any{
		text{&d.ConnectionID},
		text{&d.Work},
		text{&d.Name},
		&d.Seq,
		text{&d.Kind},
		&d.Revision,
		text{&d.Code},
		text{&d.Component},
		&d.Difference,
		text{&d.Account},
		text{&d.BatchNumber},
		jsonText{"the evidence", &d.Evidence},
		text{&d.Reason},
		text{&d.Who},
		instant{&d.At},
		&d.Undoes,
	}
}

// InForce reports whether the decision is in force: it is not an undo, and it was not undone.
func (d *Decision) InForce() bool { return d.Kind != DecidedUndo && d.Undone == nil }

func (d *Decision) stop() *Stop {
	return &Stop{ConnectionID: d.ConnectionID, Work: d.Work, Name: d.Name}
}

// Decide records a decision, or the undo of one, in the order in which they are made, with its audit
// entry. Errors: ErrNotFound when there is no such connection, or no such decision to undo; ErrExists when
// it was undone already.
func (s *Store) Decide(ctx context.Context, d Decision) (Decision, error) {
	attempted := "record the decision about " + d.stop().title()
	if d.At.IsZero() {
		d.At = now()
	}
	err := s.write(ctx, attempted, func(q querier) error {
		// The lock on the connection's row serialises the numbers.
		var id string
		if err := one(ctx, q, []any{text{&id}}, "SELECT id FROM connections WHERE id = $1"+s.dialect.forUpdate, d.ConnectionID); err != nil {
			return err
		}
		all, err := decisionsOf(ctx, q, d.ConnectionID, d.Work, d.Name)
		if err != nil {
			return err
		}
		d.Seq = len(all) + 1
		var before json.RawMessage
		if d.Kind == DecidedUndo {
			undone, err := undoable(all, d.Undoes)
			if err != nil {
				return callerError{&Error{Attempted: attempted, Problem: "number " + strconv.Itoa(d.Undoes) + err.Error(), Kind: errors.Unwrap(err)}}
			}
			before = undone.summary()
		}
		if _, err := exec(ctx, q, insertInto("decisions", decisionColumns), d.cells()...); err != nil {
			return err
		}
		subject, action := d.stop().subject(), d.Kind
		if d.Kind == DecidedUndo {
			action = "undo_decision"
		}
		if d.Work == WorkReversal {
			action = "reversal_" + action
		}
		return s.appendAudit(ctx, q, AuditEntry{
			Who: d.Who, ConnectionID: d.ConnectionID, Subject: subject, Action: auditGroup(d.Work) + action, Before: before, After: d.summary(),
		})
	})
	return d, err
}

func auditGroup(work string) string {
	if work == WorkReversal {
		work = WorkPayout
	}
	return work + "."
}

func undoable(all []Decision, seq int) (*Decision, error) {
	for i := range all {
		d := &all[i]
		switch {
		case d.Seq != seq || d.Kind == DecidedUndo:
		case d.Undone != nil:
			return nil, decisionError{" was undone already", ErrExists}
		default:
			return d, nil
		}
	}
	return nil, decisionError{" is not a decision", ErrNotFound}
}

// decisionError is the reason that a decision cannot be undone.
type decisionError struct {
	words string
	kind  error
}

func (w decisionError) Error() string { return w.words }
func (w decisionError) Unwrap() error { return w.kind }

// summary is the decision as the audit trail shows it.
func (d *Decision) summary() json.RawMessage {
	return summary(struct {
		Number     int             `json:"number"`
		Kind       string          `json:"kind"`
		Revision   int             `json:"revision,omitempty"`
		Code       string          `json:"held_reason,omitempty"`
		Component  string          `json:"component,omitempty"`
		Difference int64           `json:"difference,omitempty"`
		Account    string          `json:"account,omitempty"`
		Batch      string          `json:"batch_number,omitempty"`
		Evidence   json.RawMessage `json:"evidence,omitempty"`
		Reason     string          `json:"reason"`
		Undoes     int             `json:"undoes,omitempty"`
	}{d.Seq, d.Kind, d.Revision, d.Code, d.Component, d.Difference, d.Account, d.BatchNumber, d.Evidence, d.Reason, d.Undoes})
}

// Decisions lists the decisions about a work by that name, in order, including undone ones; the entries
// that undo them are in Undone.
func (s *Store) Decisions(ctx context.Context, connection, work, name string) ([]Decision, error) {
	all, err := decisionsOf(ctx, s.reads, connection, work, name)
	if err != nil {
		return nil, s.fail("list the decisions about the "+work+" "+name+" of the connection "+connection, err)
	}
	var made []Decision
	for i := range all {
		if all[i].Kind != DecidedUndo {
			made = append(made, all[i])
		}
	}
	return made, nil
}

func decisionsOf(ctx context.Context, q querier, connection, work, name string) ([]Decision, error) {
	all, err := list(ctx, q, (*Decision).cells, "SELECT "+decisionColumns+` FROM decisions
		WHERE connection_id = $1 AND work = $2 AND name = $3 ORDER BY seq`, connection, work, name)
	if err != nil {
		return nil, err
	}
	join(all)
	return all, nil
}

// join puts each undo beside the decision that it undoes.
func join(all []Decision) {
	type key struct {
		work, name string
		seq        int
	}
	at := map[key]int{}
	for i := range all {
		at[key{all[i].Work, all[i].Name, all[i].Seq}] = i
	}
	for i := range all {
		if k, ok := at[key{all[i].Work, all[i].Name, all[i].Undoes}]; ok && all[i].Undoes > 0 {
			undo := all[i]
			all[k].Undone = &undo
		}
	}
}

// BookedElsewhere returns the decisions that another batch books a payout of the connection, by payment
// reference.
func (s *Store) BookedElsewhere(ctx context.Context, connection string) (map[string]Decision, error) {
	all, err := list(ctx, s.reads, (*Decision).cells, "SELECT "+decisionColumns+` FROM decisions
		WHERE connection_id = $1 AND work = 'payout' AND kind IN ('booked_elsewhere', 'undo') ORDER BY name, seq`, connection)
	if err != nil {
		return nil, s.fail("list the payouts booked elsewhere for the connection "+connection, err)
	}
	join(all)
	found := map[string]Decision{}
	for i := range all {
		if all[i].InForce() {
			found[all[i].Name] = all[i]
		}
	}
	return found, nil
}
