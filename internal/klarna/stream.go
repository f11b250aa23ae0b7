package klarna

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Stream is an answer that is read while it comes; its Body is empty. A Read that
// ends with io.EOF has had the whole of it, and any other error is a *fault.Error.
// Whoever has a stream closes it.
type Stream struct {
	Answer
	buffered *bufio.Reader
	flow     *flow
}

// Read reads on.
func (s *Stream) Read(p []byte) (int, error) { return s.buffered.Read(p) }

// Close ends the request.
func (s *Stream) Close() error { return s.flow.Close() }

// glimpse is the part of a document, in bytes, that is looked at before it is handed out.
const glimpse = 1 << 10

// stream asks once, and looks whether what begins to come can be what was asked
// for. The error is a *fault.Error.
func (c *Client) stream(ctx context.Context, q call) (*Stream, error) {
	done, err := c.admit(ctx, q.attempted)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	f := &flow{client: c, attempted: q.attempted, left: c.maxStream, ctx: ctx}
	f.idle = time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) })
	f.over = sync.OnceFunc(func() { f.idle.Stop(); cancel(nil); done() })
	response, answer, err := c.send(ctx, q) //nolint:bodyclose // Close of the stream closes it
	if err != nil {
		defer f.over()
		return nil, c.lost(q.attempted, f.why(err))
	}
	f.body, f.answer = response.Body, answer
	s := &Stream{Answer: answer, buffered: bufio.NewReaderSize(f, glimpse), flow: f}
	if err := s.look(q, response); err != nil {
		_ = s.Close() // the error is about more than that
		return nil, err
	}
	return s, nil
}

// look judges an answer by its status, its length and its beginning.
func (s *Stream) look(q call, response *http.Response) error {
	c := s.flow.client
	switch {
	case s.Status != http.StatusOK:
		_, err := c.read(q, response, s.Answer)
		return err
	case response.ContentLength > c.maxStream:
		return c.broken(q.attempted, s.Answer, tooLargeError(c.maxStream))
	case endsUnseen(response):
		return c.broken(q.attempted, s.Answer, errors.New("the answer does not say where it ends, so that nobody can tell whether it is whole"))
	}
	start, err := s.buffered.Peek(glimpse)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's end is io.EOF itself
		return err
	}
	if err := looksLike(q.accept, start); err != nil {
		seen := s.Answer
		seen.Body = append([]byte(nil), start...)
		return c.unusable(q.attempted, seen, err)
	}
	return nil
}

// endsUnseen tells whether a body ends where the connection ends, for whatever
// reason it does.
func endsUnseen(r *http.Response) bool {
	return r.ProtoMajor == 1 && r.ContentLength < 0 && len(r.TransferEncoding) == 0 && !r.Uncompressed
}

// flow is the body of a stream. It may take as long as it likes, but not pause.
type flow struct {
	client    *Client
	attempted string
	answer    Answer
	ctx       context.Context //nolint:containedctx // of the one request
	body      io.ReadCloser
	left      int64 // bytes that may still come
	idle      *time.Timer
	over      func()
}

func (f *flow) Read(p []byte) (int, error) {
	f.idle.Reset(f.client.timeout)
	n, err := f.body.Read(p)
	f.idle.Stop() // what the reader does with the bytes is no pause of Klarna's
	f.left -= int64(n)
	switch {
	case f.left < 0:
		return 0, f.client.broken(f.attempted, f.answer, tooLargeError(f.client.maxStream))
	case err != nil && err != io.EOF: //nolint:errorlint // a wrapped one is no end
		return n, f.client.broken(f.attempted, f.answer, f.why(err))
	}
	return n, err
}

// why tells a pause that was too long from a request that was given up.
func (f *flow) why(err error) error {
	if cause := context.Cause(f.ctx); errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return err
}

func (f *flow) Close() error {
	defer f.over()
	return f.body.Close()
}
