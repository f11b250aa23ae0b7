package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// AuditEntry records who did what when, and what it changed. Entries are accounting records (BFL 5:11,
// processing history): the database refuses to change or delete them, and each contains the hash of the
// one before.
type AuditEntry struct {
	At           time.Time // now when zero
	Who          string    // a person, or "kvitt" for what the program did on its own
	ConnectionID string
	Subject      string // the subject: "payout/P1", "profile"
	Action       string // "payout.approved"
	Before       json.RawMessage
	After        json.RawMessage

	// Set by the store.
	Seq      int64  // 1, 2, … without gaps
	PrevHash string // hash of the entry before, "" for the first
	Hash     string
}

// byItself is the Who of what no person asked for.
const byItself = "kvitt"

const auditColumns = "seq, at, who, connection_id, subject, action, before_json, after_json, prev_hash, hash"

func (e *AuditEntry) cells() []any {
	return []any{
		&e.Seq,
		instant{&e.At},
		text{&e.Who},
		text{&e.ConnectionID},
		text{&e.Subject},
		text{&e.Action},
		jsonText{"the record before", &e.Before},
		jsonText{"the record after", &e.After},
		text{&e.PrevHash},
		text{&e.Hash},
	}
}

// chained computes the hash of the entry: SHA-256 in lower-case hex over the netstrings (decimal length in
// bytes, ":", the bytes, ",") of
//
//	"kvitt audit 1", PrevHash, Seq, At, Who, ConnectionID, Subject, Action, Before, After
//
// where Seq is decimal, At is decimal microseconds since 1970-01-01 UTC, and
// Before and After are the JSON as it is stored, empty when there is none.
func (e *AuditEntry) chained() string {
	h := sha256.New()
	for _, field := range []string{
		"kvitt audit 1", e.PrevHash, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.At.UnixMicro(), 10),
		e.Who, e.ConnectionID, e.Subject, e.Action, string(e.Before), string(e.After),
	} {
		fmt.Fprintf(h, "%d:%s,", len(field), field)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Audit appends an entry.
func (s *Store) Audit(ctx context.Context, e AuditEntry) error {
	return s.write(ctx, "record "+e.Action+" in the audit trail", func(q querier) error {
		return s.appendAudit(ctx, q, e)
	})
}

// appendAudit appends an entry in the transaction of the change that it records. It must be the
// transaction's last statement: from here on all other entries wait, and a transaction that locks rows in
// another order could deadlock with this one.
func (s *Store) appendAudit(ctx context.Context, q querier, e AuditEntry) error {
	if e.Who == "" || e.Action == "" {
		return callerError{&Error{Attempted: "record " + e.Action + " in the audit trail", Problem: "an entry needs who and action"}}
	}
	if e.At.IsZero() {
		e.At = now()
	}
	// The hash covers the stored values.
	e.At = e.At.UTC().Truncate(time.Microsecond)
	for _, field := range []*string{&e.Who, &e.ConnectionID, &e.Subject, &e.Action} {
		*field = clean(*field)
	}
	e.Before, e.After = json.RawMessage(clean(string(e.Before))), json.RawMessage(clean(string(e.After)))

	err := one(ctx, q, []any{&e.Seq, text{&e.PrevHash}}, "SELECT seq, hash FROM audit_head WHERE id = 1"+s.dialect.forUpdate)
	if err != nil {
		return err
	}
	e.Seq++
	e.Hash = e.chained()
	if _, err := exec(ctx, q, insertInto("audit_log", auditColumns), e.cells()...); err != nil {
		return err
	}
	_, err = exec(ctx, q, "UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1", e.Seq, e.Hash)
	return err
}

// summary returns a record for the audit trail, before or after a change.
func summary(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // structs of strings and numbers always marshal
	}
	return b
}

// AuditTrail lists the newest entries of a connection (all entries when it is ""), newest first; limit 0
// means all.
func (s *Store) AuditTrail(ctx context.Context, connection string, limit int) ([]AuditEntry, error) {
	all, err := list(ctx, s.reads, (*AuditEntry).cells,
		"SELECT "+auditColumns+" FROM audit_log WHERE connection_id = $1 OR $1 = '' ORDER BY seq DESC LIMIT $2", connection, limitOf(limit))
	return all, s.fail("read the audit trail", err)
}

// AuditOf lists the entries of a connection about one subject, newest first, from an offset on; limit 0
// means all.
func (s *Store) AuditOf(ctx context.Context, connection, subject string, offset, limit int) ([]AuditEntry, error) {
	all, err := list(ctx, s.reads, (*AuditEntry).cells, "SELECT "+auditColumns+
		" FROM audit_log WHERE connection_id = $1 AND subject = $2 ORDER BY seq DESC LIMIT $3 OFFSET $4", connection, subject, limitOf(limit), int64(offset))
	return all, s.fail("read the audit trail of "+subject, err)
}

// Audited reports whether the trail of a connection has an entry with a subject and an action: whether
// something that must be done only once was done.
func (s *Store) Audited(ctx context.Context, connection, subject, action string) (bool, error) {
	var n int64
	err := one(ctx, s.reads, []any{&n}, "SELECT COUNT(*) FROM audit_log WHERE connection_id = $1 AND subject = $2 AND action = $3", connection, subject, action)
	return n > 0, s.fail("look for "+action+" in the audit trail", err)
}

// Approved reports whether the trail says that a person approved exactly this voucher of a payout, and
// that nobody rejected the payout since.
func (s *Store) Approved(ctx context.Context, connection, reference, voucherHash string) (bool, error) {
	entries, err := list(ctx, s.reads, (*AuditEntry).cells, "SELECT "+auditColumns+
		" FROM audit_log WHERE connection_id = $1 AND subject = $2 AND action IN ($3, $4) ORDER BY seq", connection, "payout/"+reference, "payout.approve", "payout.reject")
	approved := false
	for i := range entries {
		var decided struct {
			VoucherHash string `json:"voucher_hash"`
		}
		switch {
		case entries[i].Action == "payout.reject":
			approved = false
		case json.Unmarshal(entries[i].After, &decided) == nil && decided.VoucherHash == voucherHash:
			approved = true
		}
	}
	return approved, s.fail("look for the approval of payout "+reference, err)
}

// AuditHead returns the number of entries and the hash of the last one. Kept somewhere else, it proves
// later that nobody rewrote the whole chain, which the chain alone cannot.
func (s *Store) AuditHead(ctx context.Context) (seq int64, hash string, err error) {
	err = one(ctx, s.reads, []any{&seq, text{&hash}}, "SELECT seq, hash FROM audit_head WHERE id = 1")
	return seq, hash, s.fail("read the end of the audit trail", err)
}

// BrokenChainError says where the audit trail differs from what was written.
type BrokenChainError struct {
	Seq     int64 // the first entry that differs
	Problem string
}

func (e *BrokenChainError) Error() string {
	return fmt.Sprintf("verify the audit trail: entry %d %s; the database was changed outside of Kvitt; compare it with a backup", e.Seq, e.Problem)
}

// VerifyAudit reads the whole trail, computes every hash again, and returns a *BrokenChainError for the
// first entry that was changed, removed, or inserted.
func (s *Store) VerifyAudit(ctx context.Context) error {
	return s.fail("verify the audit trail", s.verifyAudit(ctx))
}

func (s *Store) verifyAudit(ctx context.Context) error {
	// One snapshot, so that entries written meanwhile do not look like a gap.
	tx, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: s.dialect.snapshot})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var head, last AuditEntry
	if err := one(ctx, tx, []any{&head.Seq, text{&head.Hash}}, "SELECT seq, hash FROM audit_head WHERE id = 1"); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+auditColumns+" FROM audit_log ORDER BY seq")
	if err != nil {
		return err
	}
	defer closeQuietly(rows)
	for rows.Next() {
		var e AuditEntry
		if err := rows.Scan(e.cells()...); err != nil {
			return err
		}
		if broken := e.follows(last); broken != nil {
			return callerError{broken}
		}
		last = e
	}
	if err := rows.Err(); err != nil {
		return err
	}
	switch {
	case last.Seq < head.Seq:
		return callerError{&BrokenChainError{last.Seq + 1, "is missing"}}
	case last.Seq > head.Seq:
		return callerError{&BrokenChainError{head.Seq + 1, "was inserted: it is after the end of the trail"}}
	case last.Hash != head.Hash:
		return callerError{&BrokenChainError{last.Seq, "is not the last one written"}}
	}
	return nil
}

// follows checks that e is the entry that was written after last.
func (e *AuditEntry) follows(last AuditEntry) *BrokenChainError {
	switch {
	case e.Seq != last.Seq+1:
		return &BrokenChainError{last.Seq + 1, "is missing"}
	case e.PrevHash != last.Hash:
		return &BrokenChainError{e.Seq, "does not follow the entry before it"}
	case e.Hash != e.chained():
		return &BrokenChainError{e.Seq, "was changed: its hash is not that of its contents"}
	}
	return nil
}
