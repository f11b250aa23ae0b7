package visma

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"kvitt/internal/fault"
)

// large is a document that is generated while it is read.
func large(size int64, opened *atomic.Int64, end func() io.Reader) File {
	return File{Name: "settlement.10001.csv", Size: size, Open: func(context.Context) (io.ReadCloser, error) {
		opened.Add(1)
		return io.NopCloser(io.MultiReader(io.LimitReader(letters{}, size-1), end())), nil
	}}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// received reads the one part of a form and returns its size.
func received(r *http.Request) (int64, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return 0, err
	}
	form := multipart.NewReader(r.Body, params["boundary"])
	part, err := form.NextPart()
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, part)
	if err != nil {
		return n, err
	}
	if _, err := form.NextPart(); !errors.Is(err, io.EOF) {
		return n, errors.New("the form does not end after the file")
	}
	return n, nil
}

func TestALargeFileIsStreamedWithItsLengthAndSentAgainFromTheStart(t *testing.T) {
	const size = 8 << 20
	var opened, requests atomic.Int64
	c, tokens := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := received(r)
		if err != nil || n != size || r.ContentLength < size || r.ContentLength > size+1000 {
			t.Errorf("got %d bytes of a request of %d, %v", n, r.ContentLength, err)
		}
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusUnauthorized) // the token is refreshed
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	tokens.tokens = []string{testToken, "token-2"}
	if err := c.Attach(t.Context(), ModuleGL, "000042", large(size, &opened, func() io.Reader { return strings.NewReader("\n") })); err != nil {
		t.Error(err)
	}
	if opened.Load() != 2 || requests.Load() != 2 {
		t.Errorf("opened %d times for %d requests", opened.Load(), requests.Load())
	}
}

func TestATruncatedFileNeverArrivesAsWhole(t *testing.T) {
	for name, end := range map[string]io.Reader{
		"an error": iotest.ErrReader(errors.New("the archive is gone")),
		"an end":   strings.NewReader(""),
		"a growth": strings.NewReader("xx"),
	} {
		var opened atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n, err := received(r); err == nil {
				t.Errorf("%s: %d bytes arrived as a whole file", name, n)
			}
			w.WriteHeader(http.StatusBadRequest)
		}))
		defer server.Close()
		c, _ := newTestClient(t, server)
		err := c.Attach(t.Context(), ModuleGL, "000042", large(4<<20, &opened, func() io.Reader { return end }))
		if f := fault.As(err); f == nil || f.Class != fault.UnknownOutcome {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestAFileThatCannotBeOpenedIsNotSent(t *testing.T) {
	c, _ := newTestClient(t, serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	f := File{Name: "a.csv", Size: 1, Open: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("the archive is gone") }}
	wantFault(t, c.Attach(t.Context(), ModuleGL, "000042", f), fault.Transient)
}
