// Package archive keeps Klarna's answers as they were received, compressed and with their SHA-256, so that
// a proof can be repeated years later.
//
// It must never change or reorder a byte of what it keeps.
package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"

	"kvitt/internal/klarna"
	"kvitt/internal/store"
)

// Kinds of documents.
const (
	KindPayout       = "payout"       // the page of the payout listing that named the payout
	KindTransactions = "transactions" // the pages of rows, in order
	KindUnusable     = "unusable"     // an answer that could not be read
	KindPDF          = "pdf"          // Klarna's settlement report, the VAT invoice for its fees
	KindCSV          = "csv"          // Klarna's report with its rows, one document in parts
	KindProof        = "proof"        // Kvitt's own text that is attached to the batch
)

// Kinds returns all kinds, in the order in which evidence arrives.
func Kinds() []string {
	return []string{
		KindPayout, KindTransactions, KindUnusable, KindPDF, KindCSV, KindProof,
		Later(KindPayout), Later(KindTransactions), Later(KindUnusable),
	}
}

// Later is the kind of evidence that arrived after the voucher was sent, so that the evidence behind the
// voucher is never overwritten.
func Later(kind string) string { return kind + ".later" }

// Revised is the kind of the evidence for a later revision of a payout's posting: the evidence of the
// first one stays as it was.
func Revised(kind string, revision int) string {
	if revision == 0 {
		return kind
	}
	return fmt.Sprintf("%s.%d", kind, revision)
}

// KindsUpTo returns the kinds that a payout with that many revisions may have.
func KindsUpTo(revision int) []string {
	all := Kinds()
	for r := 1; r <= revision; r++ {
		for _, kind := range []string{KindPayout, KindTransactions, KindUnusable} {
			all = append(all, Revised(kind, r), Later(Revised(kind, r)))
		}
		all = append(all, Revised(KindPDF, r), Revised(KindCSV, r), Revised(KindProof, r))
	}
	return all
}

// Nowhere is a keeper for a dry run: it stores nothing.
type Nowhere struct{}

// PutDocuments stores nothing.
func (Nowhere) PutDocuments(context.Context, []store.Document) error { return nil }

// PruneDocuments has nothing to remove.
func (Nowhere) PruneDocuments(context.Context, string, string, string, int) error { return nil }

// Keeper stores documents; *store.Store is one.
type Keeper interface {
	PutDocuments(ctx context.Context, documents []store.Document) error
	PruneDocuments(ctx context.Context, connection, reference, kind string, fromSeq int) error
}

// inOneWrite is the number of pages written in one database transaction.
const inOneWrite = 8

// Writer archives the answers of one kind that belong to one payout.
type Writer struct {
	keeper                      Keeper
	connection, reference, kind string

	pending []store.Document
	scratch []byte // the compressor asks for as much room as its input
	seq     int
	size    int64
	digest  [sha256.Size]byte // of the digests so far
}

// NewWriter starts from the beginning: documents of the kind are overwritten. Never use it for evidence of
// a sent voucher; see Later.
func NewWriter(k Keeper, connection, reference, kind string) *Writer {
	return &Writer{keeper: k, connection: connection, reference: reference, kind: kind}
}

// Restart forgets what was added, for a listing that is read from the start.
func (w *Writer) Restart() {
	w.pending, w.seq, w.size, w.digest = w.pending[:0], 0, 0, [sha256.Size]byte{}
}

// window is larger than a page of 500 rows; a larger one would only cost memory.
const window = 512 << 10

var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return err
	}
	return e
}}

// Add archives one answer. Its body may be reused afterwards.
func (w *Writer) Add(ctx context.Context, a *klarna.Answer) error {
	var err error
	if w.scratch, err = compress(a.Body, w.scratch[:0]); err != nil {
		return fmt.Errorf("archive %s of payout %s: %w", w.kind, w.reference, err)
	}
	body := append(w.room(), w.scratch...)
	sum := sha256.Sum256(a.Body)
	w.digest = sha256.Sum256(append(w.digest[:], sum[:]...))
	w.size += int64(len(a.Body))
	w.pending = append(w.pending, store.Document{
		ConnectionID: w.connection, PaymentReference: w.reference, Kind: w.kind, Seq: w.seq,
		SHA256: hex.EncodeToString(sum[:]), Size: int64(len(a.Body)), Encoding: "zstd", Body: body,
		CorrelationID: a.CorrelationID, Path: a.Path, FetchedAt: a.FetchedAt,
	})
	w.seq++
	if len(w.pending) < inOneWrite {
		return nil
	}
	return w.flush(ctx)
}

// room returns a body that is already written and may be overwritten.
func (w *Writer) room() []byte {
	if n := len(w.pending); n < cap(w.pending) {
		return w.pending[:n+1][n].Body[:0]
	}
	return nil
}

func (w *Writer) flush(ctx context.Context) error {
	if err := w.keeper.PutDocuments(ctx, w.pending); err != nil {
		return err
	}
	w.pending = w.pending[:0]
	return nil
}

// Kept describes what was archived. Digest is the SHA-256 over the chained digests of the parts, in
// lower-case hex: it identifies the evidence as a whole.
type Kept struct {
	Parts  int    `json:"parts"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
}

// Close writes what is pending and removes parts of an earlier, longer listing.
func (w *Writer) Close(ctx context.Context) (Kept, error) {
	if err := w.flush(ctx); err != nil {
		return Kept{}, err
	}
	err := w.keeper.PruneDocuments(ctx, w.connection, w.reference, w.kind, w.seq)
	return Kept{Parts: w.seq, Size: w.size, Digest: hex.EncodeToString(w.digest[:])}, err
}

func compress(body, room []byte) ([]byte, error) {
	e, ok := encoders.Get().(*zstd.Encoder)
	if !ok {
		return nil, errors.New("the compressor could not be made")
	}
	defer encoders.Put(e)
	return e.EncodeAll(body, room), nil
}

var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	return d
}}

// Shelf reads documents; *store.Store is one.
type Shelf interface {
	Documents(ctx context.Context, connection, reference, kind string) iter.Seq2[store.Document, error]
}

// Read yields the documents of a kind as they were received, in order, and checks each against its digest.
func Read(ctx context.Context, s Shelf, connection, reference, kind string) iter.Seq2[[]byte, error] {
	return read(ctx, s, connection, reference, kind, false)
}

// read is Read; with reuse, each document is valid only until the next one.
func read(ctx context.Context, s Shelf, connection, reference, kind string, reuse bool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		d, ok := decoders.Get().(*zstd.Decoder)
		if !ok {
			yield(nil, errors.New("the decompressor could not be made"))
			return
		}
		defer decoders.Put(d)
		var room []byte
		for doc, err := range s.Documents(ctx, connection, reference, kind) {
			body, err := open(d, doc, room[:0], err)
			if !yield(body, err) || err != nil {
				return
			}
			if reuse {
				room = body
			}
		}
	}
}

func open(d *zstd.Decoder, doc store.Document, room []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	body := doc.Body
	if doc.Encoding == "zstd" {
		if body, err = d.DecodeAll(doc.Body, room); err != nil {
			return nil, fmt.Errorf("read archived %s %d of payout %s: %w", doc.Kind, doc.Seq, doc.PaymentReference, err)
		}
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != doc.SHA256 {
		return nil, fmt.Errorf("read archived %s %d of payout %s: the bytes no longer match their SHA-256 %s", doc.Kind, doc.Seq, doc.PaymentReference, doc.SHA256)
	}
	return body, nil
}

// Digests returns the digest of each kind among a payout's documents, as Kept does; the documents are
// sorted by kind and part.
func Digests(documents []store.Document) map[string]string {
	chained := map[string][sha256.Size]byte{}
	for i := range documents {
		sum, _ := hex.DecodeString(documents[i].SHA256) // an invalid digest matches none
		last := chained[documents[i].Kind]
		chained[documents[i].Kind] = sha256.Sum256(append(last[:], sum...))
	}
	digests := make(map[string]string, len(chained))
	for kind, sum := range chained {
		digests[kind] = hex.EncodeToString(sum[:])
	}
	return digests
}
