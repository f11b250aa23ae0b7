package store

import (
	"context"
	"slices"
	"strings"
)

// Todo is a payout with data that a report has not read yet: its rows, or what was posted for it
// ("books"). The database itself writes it, in the transaction of the change.
type Todo struct {
	ConnectionID     string
	PaymentReference string
	What             string // TodoRows, TodoBooks
	N                int64  // number of changes; a todo is done only if it has not changed meanwhile
}

// The kinds of todos.
const (
	TodoRows  = "rows"
	TodoBooks = "books"
)

func (t *Todo) cells() []any {
	return []any{text{&t.ConnectionID}, text{&t.PaymentReference}, text{&t.What}, &t.N}
}

// Todos lists some todos of a connection, after the given one.
func (s *Store) Todos(ctx context.Context, connection string, after Todo, limit int) ([]Todo, error) {
	all, err := list(ctx, s.reads, (*Todo).cells, `SELECT connection_id, payment_reference, what, n FROM register_todo
		WHERE connection_id = $1 AND (payment_reference, what) > ($2, $3) ORDER BY payment_reference, what LIMIT $4`,
		connection, after.PaymentReference, after.What, limitOf(limit))
	return all, s.fail("read the pending updates of reports", err)
}

// done deletes a todo unless it has changed meanwhile.
func done(ctx context.Context, q querier, t *Todo) error {
	_, err := exec(ctx, q, "DELETE FROM register_todo WHERE connection_id = $1 AND payment_reference = $2 AND what = $3 AND n = $4",
		t.ConnectionID, t.PaymentReference, t.What, t.N)
	return err
}

// RowSum is the sum of a payout's rows of one type and VAT rate, in minor units.
type RowSum struct {
	Type, DetailedType string
	VATRate            int64
	Outside            bool
	Rows, Amount, VAT  int64
}

// PayoutRead holds what was read from a payout's archived rows.
type PayoutRead struct {
	Day        string // 2026-01-31
	Currency   string
	Rows       int64
	Difference int64 // fees and VAT of the rows less Klarna's totals
	Sums       []RowSum
	References [][]byte // lists of hashes for finding its rows
	Items      []RegisterItem
}

// PutRead replaces what was read of a payout, and deletes the todo.
func (s *Store) PutRead(ctx context.Context, t Todo, r *PayoutRead) error {
	return s.write(ctx, "save the rows read of "+payoutName(t.ConnectionID, t.PaymentReference), func(q querier) error {
		for _, table := range []string{"register_sums", "register_read"} {
			if _, err := exec(ctx, q, "DELETE FROM "+table+" WHERE connection_id = $1 AND payment_reference = $2", t.ConnectionID, t.PaymentReference); err != nil { //nolint:gosec // our own names
				return err
			}
		}
		var cells []any
		for i := range r.Sums {
			m := &r.Sums[i]
			cells = append(cells, t.ConnectionID, t.PaymentReference, r.Day, r.Currency, m.Type, m.DetailedType, m.VATRate, m.Outside, m.Rows, m.Amount, m.VAT)
		}
		err := insertMany(ctx, q, "register_sums", "connection_id, payment_reference, day, currency, type, detailed_type, vat_rate, outside, row_count, amount, vat", cells)
		if err != nil {
			return err
		}
		err = insertMany(ctx, q, "register_read", "connection_id, payment_reference, day, currency, row_count, difference",
			[]any{t.ConnectionID, t.PaymentReference, r.Day, r.Currency, r.Rows, r.Difference})
		if err != nil {
			return err
		}
		if err := putReferences(ctx, q, t.ConnectionID, t.PaymentReference, r.References); err != nil {
			return err
		}
		if err := putItems(ctx, q, &t, r.Items); err != nil {
			return err
		}
		return done(ctx, q, &t)
	})
}

// RegisterLine is a line of a voucher in Visma.net, in minor units.
type RegisterLine struct {
	Token, Day, Currency  string
	Account, About        string
	Debit, Credit, Proven int64
}

// PutLines replaces the lines of a payout's vouchers, and deletes the todo. day is the voucher's, "" when
// it has none: the rows of the payout belong to that day too. where names the accounts of the components
// that are tracked row by row.
func (s *Store) PutLines(ctx context.Context, t Todo, day string, lines []RegisterLine, where []RegisterPlace) error {
	return s.write(ctx, "save the lines of "+payoutName(t.ConnectionID, t.PaymentReference), func(q querier) error {
		if _, err := exec(ctx, q, "DELETE FROM register_lines WHERE connection_id = $1 AND payment_reference = $2", t.ConnectionID, t.PaymentReference); err != nil {
			return err
		}
		var cells []any
		for i := range lines {
			l := &lines[i]
			cells = append(cells, t.ConnectionID, t.PaymentReference, l.Token, int64(i), l.Day, l.Currency, l.Account, l.About, l.Debit, l.Credit, l.Proven)
		}
		err := insertMany(ctx, q, "register_lines", "connection_id, payment_reference, token, n, day, currency, account, about, debit, credit, proven", cells)
		if err != nil {
			return err
		}
		if err := putPlaces(ctx, q, &t, where); err != nil {
			return err
		}
		if day != "" {
			for _, table := range []string{"register_sums", "register_read"} {
				_, err := exec(ctx, q, "UPDATE "+table+" SET day = $3 WHERE connection_id = $1 AND payment_reference = $2 AND day <> $3", t.ConnectionID, t.PaymentReference, day) //nolint:gosec // our own names
				if err != nil {
					return err
				}
			}
		}
		return done(ctx, q, &t)
	})
}

// putReferences replaces the hashes for finding a payout's rows.
func putReferences(ctx context.Context, q querier, connection, reference string, lists [][]byte) error {
	if _, err := exec(ctx, q, "DELETE FROM reference_lists WHERE connection_id = $1 AND payment_reference = $2", connection, reference); err != nil {
		return err
	}
	var cells []any
	for i, body := range lists {
		cells = append(cells, connection, reference, int64(i), body)
	}
	return insertMany(ctx, q, "reference_lists", "connection_id, payment_reference, seq, body", cells)
}

// insertMany inserts records, whose cells follow each other, in portions.
func insertMany(ctx context.Context, q querier, table, columns string, cells []any) error {
	width := strings.Count(columns, ",") + 1
	for some := range slices.Chunk(cells, 50*width) {
		values := make([]string, len(some)/width)
		for i := range values {
			values[i] = "(" + places(i*width+1, width) + ")"
		}
		_, err := exec(ctx, q, "INSERT INTO "+table+" ("+columns+") VALUES "+strings.Join(values, ", "), some...) //nolint:gosec // our own names
		if err != nil {
			return err
		}
	}
	return nil
}

// ReferenceList is a list of hashes of a payout's references.
type ReferenceList struct {
	PaymentReference string
	Seq              int64
	Body             []byte
}

func (l *ReferenceList) cells() []any {
	return []any{text{&l.PaymentReference}, &l.Seq, blob{&l.Body}}
}

const referenceListsQuery = "SELECT payment_reference, seq, body FROM reference_lists WHERE connection_id = $1 ORDER BY payment_reference, seq LIMIT $2"

// ReferenceLists reads the lists of a connection that are not folded yet.
func (s *Store) ReferenceLists(ctx context.Context, connection string) ([]ReferenceList, error) {
	all, err := list(ctx, s.reads, (*ReferenceList).cells, referenceListsQuery, connection, limitOf(0))
	return all, s.fail("read the references of the connection "+connection, err)
}

// ReferencePage holds the hashes of one bucket in one segment, with the ordinals of their payouts.
type ReferencePage struct {
	Segment int64
	Body    []byte
}

func (p *ReferencePage) cells() []any { return []any{&p.Segment, blob{&p.Body}} }

const referencePagesQuery = "SELECT segment, body FROM reference_pages WHERE connection_id = $1 AND bucket = $2 ORDER BY segment"

// ReferencePages reads the pages of a bucket.
func (s *Store) ReferencePages(ctx context.Context, connection string, bucket int) ([]ReferencePage, error) {
	all, err := list(ctx, s.reads, (*ReferencePage).cells, referencePagesQuery, connection, int64(bucket))
	return all, s.fail("read the references of the connection "+connection, err)
}

// SegmentPayouts returns the payouts that a segment was folded from, as FoldReferences wrote them.
func (s *Store) SegmentPayouts(ctx context.Context, connection string, segment int64) (string, error) {
	var payouts string
	err := one(ctx, s.reads, []any{text{&payouts}}, "SELECT payouts FROM reference_segments WHERE connection_id = $1 AND segment = $2", connection, segment)
	return payouts, s.fail("read the references of the connection "+connection, err)
}

// ReferencesWaiting counts the lists of a connection that are not folded yet,
// and their bytes.
func (s *Store) ReferencesWaiting(ctx context.Context, connection string) (lists, size int64, err error) {
	err = one(ctx, s.reads, []any{&lists, &size},
		"SELECT COUNT(*), CAST(COALESCE(SUM(LENGTH(body)), 0) AS BIGINT) FROM reference_lists WHERE connection_id = $1", connection)
	return lists, size, s.fail("count the references of the connection "+connection, err)
}

// FoldReferences takes up to limit lists out and adds the segment that fold makes of them: the payouts,
// and the page of each bucket. A concurrent second call finds nothing to fold.
func (s *Store) FoldReferences(ctx context.Context, connection string, limit int, fold func([]ReferenceList) (payouts string, pages map[int][]byte, err error)) error {
	return s.write(ctx, "fold the references of the connection "+connection, func(q querier) error {
		lists, err := list(ctx, q, (*ReferenceList).cells, referenceListsQuery+s.dialect.forUpdate, connection, limitOf(limit))
		if err != nil || len(lists) == 0 {
			return err
		}
		for i := range lists {
			_, err := exec(ctx, q, "DELETE FROM reference_lists WHERE connection_id = $1 AND payment_reference = $2 AND seq = $3", connection, lists[i].PaymentReference, lists[i].Seq)
			if err != nil {
				return err
			}
		}
		payouts, pages, err := fold(lists)
		if err != nil {
			return callerError{err}
		}
		var segment int64
		if err := one(ctx, q, []any{&segment}, "SELECT COALESCE(MAX(segment), 0) + 1 FROM reference_segments WHERE connection_id = $1", connection); err != nil {
			return err
		}
		if _, err := exec(ctx, q, "INSERT INTO reference_segments (connection_id, segment, payouts) VALUES ($1, $2, $3)", connection, segment, payouts); err != nil {
			return err
		}
		var cells []any
		for bucket, body := range pages {
			cells = append(cells, connection, int64(bucket), segment, body)
		}
		return insertMany(ctx, q, "reference_pages", "connection_id, bucket, segment, body", cells)
	})
}
