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

// Whole describes a document that is kept in parts, because it may be large. SHA256 covers all its bytes,
// in lower-case hex, as sha256sum prints it. Without parts there is no such document.
type Whole struct {
	Parts  int
	Size   int64
	SHA256 string
}

// WholeKeeper stores documents that become whole in one step; *store.Store is one.
type WholeKeeper interface {
	Keeper
	RenameDocuments(ctx context.Context, connection, reference, from, to string) error
}

const (
	part    = 256 << 10 // half of a page of rows: eight of them at a time need little memory
	partial = ".partial"
)

// KeepWhole archives a document while it is read. Until its end has been read it is stored under another
// kind, which nobody reads: a document cut off by the other side or by a crash is never mistaken for the
// whole. origin says where it comes from; its Body is not used.
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

// fill reads until the room is full, or to the end. Unlike io.ReadFull it distinguishes an end from a body
// that was cut off.
func fill(from io.Reader, room []byte) (n int, err error) {
	for n < len(room) && err == nil {
		var more int
		more, err = from.Read(room[n:])
		n += more
	}
	return n, err
}

// IsPartial reports whether a kind is that of a document that is not whole, or not yet.
func IsPartial(kind string) bool { return strings.HasSuffix(kind, partial) }

// InParts reports whether a kind is that of one document in parts.
func InParts(kind string) bool { return strings.HasPrefix(kind, KindCSV) }

// Measure reads through a document in parts, and checks each part against its digest.
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

// Open reads a document in parts as one. The caller closes it.
func Open(ctx context.Context, s Shelf, connection, reference, kind string) io.ReadCloser {
	next, stop := iter.Pull2(read(ctx, s, connection, reference, kind, true))
	return &reader{next: next, stop: stop}
}

// reader may be closed while it is being read, as HTTP does with a request's body.
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
