package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"iter"
	"strings"
	"sync"

	"kvitt/internal/klarna"
)

// Whole is a document that is kept in parts, because it may be large. SHA256 is
// that of all its bytes, lower-case hex, as sha256sum prints it. No parts: there
// is no such document.
type Whole struct {
	Parts  int
	Size   int64
	SHA256 string
}

// WholeKeeper keeps documents that become whole at once; *store.Store is one.
type WholeKeeper interface {
	Keeper
	RenameDocuments(ctx context.Context, connection, reference, from, to string) error
}

const (
	part    = 256 << 10 // half of a page of rows: with eight of them at a time, what is held stays small
	partial = ".partial"
)

// KeepWhole archives a document while it is read. Until its end has been read it
// stands under another kind, which nobody reads: so what was cut off, by the
// other side or by a crash, is never taken for the whole. origin says where it
// comes from; its Body is not used.
func KeepWhole(ctx context.Context, k WholeKeeper, connection, reference, kind string, origin klarna.Answer, from io.Reader) (Whole, error) {
	w := NewWriter(k, connection, reference, kind+partial)
	digest := sha256.New()
	room := make([]byte, part)
	for ended := false; !ended; {
		n, err := fill(from, room)
		if err != nil && err != io.EOF { //nolint:errorlint // only io.EOF itself is the end
			return Whole{}, errors.Join(err, k.PruneDocuments(ctx, connection, reference, kind+partial, 0))
		}
		ended = err != nil
		if n == 0 {
			continue
		}
		digest.Write(room[:n])
		origin.Body = room[:n]
		if err := w.Add(ctx, &origin); err != nil {
			return Whole{}, err
		}
	}
	kept, err := w.Close(ctx)
	if err == nil {
		err = k.RenameDocuments(ctx, connection, reference, kind+partial, kind)
	}
	return Whole{kept.Parts, kept.Size, hex.EncodeToString(digest.Sum(nil))}, err
}

// fill reads until the room is full, or as far as it goes. Unlike io.ReadFull it
// tells an end apart from a body that was cut off.
func fill(from io.Reader, room []byte) (n int, err error) {
	for n < len(room) && err == nil {
		var more int
		more, err = from.Read(room[n:])
		n += more
	}
	return n, err
}

// IsPartial tells whether a kind is that of a document which is not whole, or not
// yet.
func IsPartial(kind string) bool { return strings.HasSuffix(kind, partial) }

// InParts tells whether a kind is that of one document in parts.
func InParts(kind string) bool { return strings.HasPrefix(kind, KindCSV) }

// Measure reads a document in parts through, each checked against its digest.
func Measure(ctx context.Context, s Shelf, connection, reference, kind string) (Whole, error) {
	var w Whole
	digest := sha256.New()
	for body, err := range read(ctx, s, connection, reference, kind, true) {
		if err != nil {
			return Whole{}, err
		}
		w.Parts++
		w.Size += int64(len(body))
		digest.Write(body)
	}
	w.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return w, nil
}

// Open reads a document in parts as one. Whoever opens it closes it.
func Open(ctx context.Context, s Shelf, connection, reference, kind string) io.ReadCloser {
	next, stop := iter.Pull2(read(ctx, s, connection, reference, kind, true))
	return &reader{next: next, stop: stop}
}

// reader may be closed while it is read, as HTTP does with what it sends.
type reader struct {
	mu     sync.Mutex
	next   func() ([]byte, error, bool)
	stop   func()
	closed bool
	rest   bytes.Reader // of the part that is read
}

func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.rest.Len() == 0 {
		if r.closed {
			return 0, fs.ErrClosed
		}
		body, err, more := r.next()
		switch {
		case err != nil:
			return 0, err
		case !more:
			return 0, io.EOF
		}
		r.rest.Reset(body)
	}
	return r.rest.Read(p)
}

func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.rest.Reset(nil)
	r.stop()
	return nil
}
