package visma

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"kvitt/internal/fault"
)

// request is one call of the API.
type request struct {
	attempted   string // "create journal transaction"
	method      string
	path        string // escaped, below the base URL
	query       url.Values
	header      http.Header
	body        content // nil: none
	contentType string
	write       bool // it may be booked even if it fails
}

// content is the body of a request: a document in memory, or a form that is
// streamed. It may have to be sent twice.
type content interface {
	size() int64
	open(ctx context.Context) (io.ReadCloser, error)
}

type inMemory []byte

func (m inMemory) size() int64 { return int64(len(m)) }

func (m inMemory) open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m)), nil
}

// answer is a 2xx answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// An answer larger than this does not come from Visma.net.
const largestBody = 128 << 20

// do sends a request and returns its 2xx answer, or a *fault.Error. After a 401 it forces one refresh of
// the token and tries once more; a second 401 is final.
func (c *Client) do(ctx context.Context, r *request) (*answer, error) {
	token, err := c.token(ctx, r)
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, r, token)
	if e := fault.As(err); e == nil || e.Status != http.StatusUnauthorized {
		return a, err
	}
	c.tokens.Invalidate(token)
	fresh, refreshErr := c.token(ctx, r)
	if refreshErr != nil {
		return nil, refreshErr
	}
	if fresh == token {
		return nil, err
	}
	return c.send(ctx, r, fresh)
}

// token gets a bearer token. Nothing has been sent to Visma.net when it fails.
func (c *Client) token(ctx context.Context, r *request) (string, error) {
	token, err := c.tokens.Token(ctx)
	switch {
	case fault.As(err) != nil:
		return "", fmt.Errorf("%s: %w", r.attempted, err)
	case err != nil:
		return "", &fault.Error{
			Class: fault.Transient, Party: party, Attempted: r.attempted,
			Words: "nothing was sent, because getting an access token failed", Err: err,
		}
	case token == nil || token.AccessToken == "":
		return "", &fault.Error{
			Class: fault.Auth, Party: party, Attempted: r.attempted,
			Words: "nothing was sent, because there is no access token", Remedy: "Authorise the connection.",
		}
	}
	return token.AccessToken, nil
}

// send makes one attempt with one token.
func (c *Client) send(ctx context.Context, r *request, token string) (*answer, error) {
	if err := c.limiter.wait(ctx, r.attempted); err != nil {
		return nil, err
	}
	defer c.limiter.done()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var gotConnection atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { gotConnection.Store(true) },
	})
	req, err := c.build(traced, r, token)
	if err != nil {
		return nil, notSent(r.attempted, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, r.unanswered(err, !gotConnection.Load(), c.timeout)
	}
	defer resp.Body.Close() //nolint:errcheck // an error here changes nothing
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestBody+1))
	c.limiter.observe(resp.StatusCode, resp.Header, body)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		// The part of an error body that was read is enough, even when it was cut off.
		return nil, r.refused(resp.StatusCode, resp.Header, body, token)
	}
	if err != nil {
		return nil, r.unanswered(fmt.Errorf("read the answer: %w", err), false, c.timeout)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: body}
	if len(body) > largestBody {
		return nil, r.unusable(a, fmt.Errorf("the answer is larger than %d MB", largestBody>>20))
	}
	return a, nil
}

func (c *Client) build(ctx context.Context, r *request, token string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.url(r.path, r.query), http.NoBody)
	if err != nil {
		return nil, errors.New("the address of the request cannot be built")
	}
	if r.body != nil {
		req.ContentLength = r.body.size()
		req.GetBody = func() (io.ReadCloser, error) { return r.body.open(ctx) }
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req, nil
}

// get reads one JSON document.
func get[T any](ctx context.Context, c *Client, r *request) (T, *answer, error) {
	var document T
	r.method = http.MethodGet
	a, err := c.do(ctx, r)
	if err != nil {
		return document, nil, err
	}
	if err := r.decode(a, &document); err != nil {
		var none T
		return none, nil, err
	}
	return document, a, nil
}

// withoutMark removes the byte order mark that some gateways put before a document.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\ufeff")) }

// decode reads the JSON of a 200 answer. Other success statuses have no document.
func (r *request) decode(a *answer, into any) error {
	if a.status != http.StatusOK {
		return r.unusable(a, fmt.Errorf("expected 200 and a document, got %d bytes", len(a.body)))
	}
	body := bytes.TrimSpace(withoutMark(a.body))
	if len(body) == 0 || string(body) == "null" {
		return r.unusable(a, errors.New("the document is empty"))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return r.unusable(a, fmt.Errorf("the document cannot be read: %w", err))
	}
	return nil
}
