package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
)

func keepWhole(t *testing.T, s archive.WholeKeeper, from io.Reader) (archive.Whole, error) {
	t.Helper()
	return archive.KeepWhole(t.Context(), s, "c1", "10001", archive.KindCSV, klarna.Answer{Path: "/reports"}, from)
}

func kept(t *testing.T, s *store.Store) ([]byte, archive.Whole) {
	t.Helper()
	w, err := archive.Measure(t.Context(), s, "c1", "10001", archive.KindCSV)
	if err != nil {
		t.Fatal(err)
	}
	r := archive.Open(t.Context(), s, "c1", "10001", archive.KindCSV)
	defer func() { _ = r.Close() }()
	body, err := io.ReadAll(iotest.HalfReader(r))
	if err != nil {
		t.Fatal(err)
	}
	return body, w
}

func kinds(t *testing.T, s *store.Store) (all []string) {
	t.Helper()
	list, err := s.DocumentList(t.Context(), "c1", "10001")
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		all = append(all, list[i].Kind)
	}
	return all
}

func TestADocumentInPartsHasTheHashThatSha256sumPrints(t *testing.T) {
	s := open(t)
	for _, size := range []int{0, 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 12<<20 + 7, 5} { // each replaces the one before
		document := bytes.Repeat([]byte("SALE;10.00;SEK\n"), size/15+1)[:size]
		got, err := keepWhole(t, s, bytes.NewReader(document))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(document)
		want := archive.Whole{Parts: (size + 256<<10 - 1) / (256 << 10), Size: int64(size), SHA256: hex.EncodeToString(sum[:])}
		body, measured := kept(t, s)
		if got != want || measured != want || !bytes.Equal(body, document) {
			t.Errorf("%d bytes: kept %+v, measured %+v, read back %d bytes; want %+v", size, got, measured, len(body), want)
		}
		if len(kinds(t, s)) != want.Parts {
			t.Errorf("%d bytes: the archive holds %v", size, kinds(t, s))
		}
	}
}

func TestATruncatedDocumentIsNotKept(t *testing.T) {
	for name, err := range map[string]error{"an error": errors.New("reset"), "an unexpected end": io.ErrUnexpectedEOF} {
		s := open(t)
		from := io.MultiReader(strings.NewReader(strings.Repeat("x", 9<<20+3)), iotest.ErrReader(err)) // parts are written before it breaks off
		if _, got := keepWhole(t, s, from); !errors.Is(got, err) {
			t.Errorf("%s: the error is %v", name, got)
		}
		if body, w := kept(t, s); len(body) > 0 || w.Parts > 0 || len(kinds(t, s)) > 0 {
			t.Errorf("%s: the archive holds %d bytes, %v", name, len(body), kinds(t, s))
		}
	}
}

// dying is a store whose process dies when the document should become whole.
type dying struct{ *store.Store }

func (dying) RenameDocuments(context.Context, string, string, string, string) error {
	return errors.New("killed")
}

func TestAfterACrashTheDocumentIsMissingUntilItIsReadAgain(t *testing.T) {
	s := open(t)
	if _, err := keepWhole(t, dying{s}, strings.NewReader(strings.Repeat("x", 3<<20))); err == nil {
		t.Fatal("nothing failed")
	}
	if _, w := kept(t, s); w.Parts > 0 {
		t.Errorf("the partial document is taken for whole: %+v", w)
	}
	for _, kind := range kinds(t, s) {
		if !archive.IsPartial(kind) {
			t.Errorf("it is stored as %s", kind)
		}
	}
	if got, err := keepWhole(t, s, strings.NewReader("short")); err != nil || got.Size != 5 || len(kinds(t, s)) != 1 {
		t.Errorf("read again: %+v, %v, %v", got, err, kinds(t, s))
	}
}

func TestAClosedReaderReturnsAnError(t *testing.T) {
	s := open(t)
	if _, err := keepWhole(t, s, strings.NewReader(strings.Repeat("x", 3<<20))); err != nil {
		t.Fatal(err)
	}
	r := archive.Open(t.Context(), s, "c1", "10001", archive.KindCSV)
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_, _ = r.Close(), r.Close()
	if _, err := r.Read(make([]byte, 10)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the error is %v", err)
	}
}
