package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"
)

// Document is a document exactly as received, so that a proof can be repeated years later.
type Document struct {
	ConnectionID     string
	PaymentReference string
	Kind             string // payout, transactions, pdf, csv, proof
	Seq              int    // 0, 1, … within the kind, such as the page
	SHA256           string // lower-case hex, of the bytes before they were encoded
	Size             int64  // of the bytes before they were encoded
	Encoding         string // the encoding of Body: zstd or identity
	Body             []byte
	CorrelationID    string // of the answer that contained it
	Path             string // path and query of the request
	FetchedAt        time.Time
}

const documentColumns = "connection_id, payment_reference, kind, seq, sha256, size, encoding, body, correlation_id, path, fetched_at"

func (d *Document) cells() []any {
	return []any{
		text{&d.ConnectionID},
		text{&d.PaymentReference},
		text{&d.Kind},
		&d.Seq,
		text{&d.SHA256},
		&d.Size,
		text{&d.Encoding},
		blob{&d.Body},
		text{&d.CorrelationID},
		text{&d.Path},
		instant{&d.FetchedAt},
	}
}

// PutDocuments archives documents in one transaction, replacing those with the same key. Their payouts
// must exist: ErrNotFound.
func (s *Store) PutDocuments(ctx context.Context, documents []Document) error {
	if len(documents) == 0 {
		return nil
	}
	first := &documents[0]
	attempted := "archive documents of " + payoutName(first.ConnectionID, first.PaymentReference)
	put := insertInto("documents", documentColumns) +
		" ON CONFLICT (connection_id, payment_reference, kind, seq) DO UPDATE SET " + excluded(documentColumns, 4)
	return s.write(ctx, attempted, func(q querier) error {
		for i := range documents {
			if _, err := exec(ctx, q, put, documents[i].cells()...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Documents yields a payout's documents of one kind in the order of Seq, one at a time: only the current
// one is in memory, and no connection is held meanwhile.
func (s *Store) Documents(ctx context.Context, connection, reference, kind string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for next := 0; ; {
			var d Document
			err := one(ctx, s.reads, d.cells(), "SELECT "+documentColumns+` FROM documents
				WHERE connection_id = $1 AND payment_reference = $2 AND kind = $3 AND seq >= $4 ORDER BY seq LIMIT 1`,
				connection, reference, kind, int64(next))
			if errors.Is(err, sql.ErrNoRows) {
				return
			}
			if err != nil {
				yield(Document{}, s.fail("read the archived "+kind+" of "+payoutName(connection, reference), err))
				return
			}
			if !yield(d, nil) {
				return
			}
			next = d.Seq + 1
		}
	}
}

// PruneDocuments removes a payout's documents of one kind from fromSeq on: the rest of an earlier, longer
// fetch.
func (s *Store) PruneDocuments(ctx context.Context, connection, reference, kind string, fromSeq int) error {
	return s.write(ctx, "prune the archived "+kind+" of "+payoutName(connection, reference), func(q querier) error {
		_, err := exec(ctx, q, "DELETE FROM documents WHERE connection_id = $1 AND payment_reference = $2 AND kind = $3 AND seq >= $4",
			connection, reference, kind, int64(fromSeq))
		return err
	})
}

// RenameDocuments gives a payout's documents of one kind another kind, replacing the documents of that
// kind, in one transaction.
func (s *Store) RenameDocuments(ctx context.Context, connection, reference, from, to string) error {
	return s.write(ctx, "rename the archived "+from+" of "+payoutName(connection, reference)+" to "+to, func(q querier) error {
		_, err := exec(ctx, q, "DELETE FROM documents WHERE connection_id = $1 AND payment_reference = $2 AND kind = $3", connection, reference, to)
		if err == nil {
			_, err = exec(ctx, q, "UPDATE documents SET kind = $4 WHERE connection_id = $1 AND payment_reference = $2 AND kind = $3",
				connection, reference, from, to)
		}
		return err
	})
}
