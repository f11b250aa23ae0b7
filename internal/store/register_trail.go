package store

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"
)

// DocumentList lists the archived documents of a payout, in the order of kind and part, without their
// bytes.
func (s *Store) DocumentList(ctx context.Context, connection, reference string) ([]Document, error) {
	cells := func(d *Document) []any {
		all := d.cells()
		return append(all[:7:7], all[8:]...)
	}
	all, err := list(ctx, s.reads, cells, "SELECT "+strings.Replace(documentColumns, "body, ", "", 1)+` FROM documents
		WHERE connection_id = $1 AND payment_reference = $2 ORDER BY kind, seq`, connection, reference)
	return all, s.fail("list the documents of "+payoutName(connection, reference), err)
}

// AuditBetween yields the entries of a connection (all entries when it is ""), from one time on and before
// another, oldest first, reading some at a time.
func (s *Store) AuditBetween(ctx context.Context, connection string, from, to time.Time) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		low, high := bounds(from, to)
		const some = 500
		for last := int64(0); ; {
			all, err := list(ctx, s.reads, (*AuditEntry).cells, "SELECT "+auditColumns+` FROM audit_log
				WHERE (connection_id = $1 OR $1 = '') AND at >= $2 AND at < $3 AND seq > $4 ORDER BY seq LIMIT $5`,
				connection, low, high, last, int64(some))
			if err != nil {
				yield(AuditEntry{}, s.fail("read the audit trail", err))
				return
			}
			for i := range all {
				if !yield(all[i], nil) {
					return
				}
				last = all[i].Seq
			}
			if len(all) < some {
				return
			}
		}
	}
}

// Plan is PostgreSQL's plan for a query of a report, from EXPLAIN.
type Plan struct {
	Name  string
	Lines []string
}

// ExplainRegister runs the queries behind the pages of the reports under EXPLAIN (ANALYZE) and returns
// their plans. PostgreSQL only.
func (s *Store) ExplainRegister(ctx context.Context, connection string, from, to time.Time) ([]Plan, error) {
	if s.dialect.name != "postgres" {
		return nil, &Error{Attempted: "explain the queries of the reports", Problem: "this is not PostgreSQL"}
	}
	low, high := bounds(from, to)
	first, last := from.Format(time.DateOnly), to.AddDate(0, 0, -1).Format(time.DateOnly)
	var plans []Plan
	for _, q := range []struct {
		name, query string
		args        []any
	}{
		{"register: a page of 100 payouts", registerQuery, []any{connection, low - 1, "", high, int64(100)}},
		{"register: the totals of the date range", registerTotalsQuery, []any{connection, low, high}},
		{"clearing: before the date range", accountOpeningQuery, []any{connection, "clearing", first}},
		{"clearing: by month", accountMonthsQuery, []any{connection, "clearing", first, last}},
		{"debt: Klarna's balances", debtsQuery, []any{connection, high}},
		{"fees and VAT by month and rate", monthSumsQuery, []any{connection, "FEE", "FEE_REFUND", "TAX", "CORRECTION", "", "", "", "", first, last}},
		{"fees: payouts read", monthReadsQuery, []any{connection, first, last}},
		{"held: payouts that wait", waitingQuery, []any{connection}},
		{"find: a token or a batch", postingsByQuery, []any{connection, "[kvitt:0000000000000000]", "000001"}},
		{"find: the pages of a hash", referencePagesQuery, []any{connection, int64(7)}},
	} {
		lines, err := list(ctx, s.reads, func(l *string) []any { return []any{text{l}} }, "EXPLAIN (ANALYZE, BUFFERS) "+q.query, q.args...)
		if err != nil {
			return nil, s.fail(fmt.Sprintf("explain %q", q.name), err)
		}
		plans = append(plans, Plan{q.name, lines})
	}
	return plans, nil
}
