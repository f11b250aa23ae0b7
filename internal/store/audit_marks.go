package store

import (
	"context"
	"time"
)

// AuditMark is the sealed end of the audit trail at some time.
type AuditMark struct {
	Seq    int64
	At     time.Time
	Sealed []byte
}

func (m *AuditMark) cells() []any { return []any{&m.Seq, instant{&m.At}, blob{&m.Sealed}} }

// PutAuditMark saves a mark; an existing one is kept.
func (s *Store) PutAuditMark(ctx context.Context, m AuditMark) error {
	return s.write(ctx, "mark the end of the audit trail", func(q querier) error {
		_, err := exec(ctx, q, insertInto("audit_marks", "seq, at, sealed")+" ON CONFLICT (seq) DO NOTHING", m.cells()...)
		return err
	})
}

// AuditMarks lists the marks, oldest first.
func (s *Store) AuditMarks(ctx context.Context) ([]AuditMark, error) {
	all, err := list(ctx, s.reads, (*AuditMark).cells, "SELECT seq, at, sealed FROM audit_marks ORDER BY seq")
	return all, s.fail("read the marks of the audit trail", err)
}

// AuditHash returns the hash of an entry of the trail. Error: ErrNotFound.
func (s *Store) AuditHash(ctx context.Context, seq int64) (hash string, err error) {
	err = one(ctx, s.reads, []any{text{&hash}}, "SELECT hash FROM audit_log WHERE seq = $1", seq)
	return hash, s.fail("read an entry of the audit trail", err)
}

// BareVerified counts verified payouts without an archived document.
func (s *Store) BareVerified(ctx context.Context) (n int64, err error) {
	err = one(ctx, s.reads, []any{&n}, `SELECT COUNT(*) FROM payouts WHERE state = 'verified' AND NOT EXISTS
		(SELECT 1 FROM documents WHERE documents.connection_id = payouts.connection_id AND documents.payment_reference = payouts.payment_reference)`)
	return n, s.fail("look for payouts without documents", err)
}
