package klarna

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"kvitt/internal/fault"
)

// Options are what a client may be told. The zero value is right for
// production.
type Options struct {
	BaseURL    string        // replaces the published host; plain http only to loopback
	HTTPClient *http.Client  // its redirect policy and cookie jar are not used
	Limiter    Limiter       // shared by all who spend the merchant's budget
	PageSize   int           // rows or payouts a page, 500 at most and by default
	InFlight   int           // pages of one listing that are fetched ahead, 4 by default
	UserAgent  string        // "kvitt" by default
	Timeout    time.Duration // of one request with its answer, or of a pause in a streamed one; 90 s by default
	MaxBody    int64         // bytes of one answer, 16 MiB by default
	MaxStream  int64         // bytes of a streamed one, 1 GiB by default
}

// The limits that hold when Options says nothing.
const (
	MaxPageSize     = 500 // Klarna's own limit
	defaultInFlight = 4
	defaultTimeout  = 90 * time.Second // Klarna gives up after 59 s
	defaultMaxBody  = 16 << 20
	defaultStream   = 1 << 30 // some four million rows
)

// Limiter lets requests through, one by one. *rate.Limiter is one, for a
// process that is alone.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Teller is a Limiter that wants to know what became of a request, so that
// others can be told. *budget.Share is one.
type Teller interface {
	Limiter
	Close(d time.Duration) // Klarna wants no request for so long
	Done()                 // a request that was let through is over
}

// budget is the number of requests a second a client makes when it is given no
// limiter: four fifths of what Klarna grants a merchant, all programs taken
// together (200 live, 50 in the playground).
func budget(e Environment) *rate.Limiter {
	if e == Live {
		return rate.NewLimiter(160, 16)
	}
	return rate.NewLimiter(40, 8)
}

// Client reads one merchant's settlements. It is safe for concurrent use.
type Client struct {
	http      *http.Client
	base      string
	party     string
	authorize func(*http.Request) // a function, because a printed field would show the key
	redact    func(string) string
	remedy    func(status int) string
	limiter   Limiter
	pause     pause
	pageSize  int64
	inFlight  int
	userAgent string
	timeout   time.Duration
	maxBody   int64
	maxStream int64

	payoutRooms      rooms[Payout]
	transactionRooms rooms[Transaction]
}

// Party is who is asked, as people write it: Klarna or Kustom.
func (c *Client) Party() string { return c.party }

// New makes a client for a credential. The error is a [*CredentialError].
func New(c Credential, o Options) (*Client, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	base, err := baseURL(c, o.BaseURL)
	if err != nil {
		return nil, err
	}
	header := c.header()
	secrets := strings.NewReplacer(c.Key, redacted, strings.TrimPrefix(header, "Basic "), redacted)
	client := &Client{
		http:      httpClient(o.HTTPClient),
		base:      base,
		party:     c.Provider.Name(),
		authorize: func(r *http.Request) { r.Header.Set("Authorization", header) },
		redact:    secrets.Replace,
		remedy:    func(status int) string { return authRemedy(c, base, status) },
		limiter:   o.Limiter,
		pageSize:  int64(o.PageSize),
		inFlight:  o.InFlight,
		userAgent: o.UserAgent,
		timeout:   o.Timeout,
		maxBody:   o.MaxBody,
		maxStream: o.MaxStream,
	}
	client.defaults(c.Environment())
	return client, nil
}

func (c *Client) defaults(e Environment) {
	if c.limiter == nil {
		c.limiter = budget(e)
	}
	if c.pageSize <= 0 || c.pageSize > MaxPageSize {
		c.pageSize = MaxPageSize
	}
	if c.inFlight <= 0 {
		c.inFlight = defaultInFlight
	}
	c.payoutRooms = make(rooms[Payout], 2)
	c.transactionRooms = make(rooms[Transaction], c.inFlight+1)
	if c.userAgent == "" {
		c.userAgent = "kvitt"
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = defaultMaxBody
	}
	if c.maxStream <= 0 {
		c.maxStream = defaultStream
	}
}

// httpClient never follows a redirect, and keeps enough idle connections for
// the pages that are in flight at the same time.
func httpClient(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	}
	if client.Transport == nil {
		client.Transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   10 * time.Second,
			MaxIdleConns:          64,
			MaxIdleConnsPerHost:   32,
			IdleConnTimeout:       50 * time.Second, // below Klarna's 59 s
			ExpectContinueTimeout: time.Second,
		}
	}
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// String names the host, and nothing of the credential.
func (c *Client) String() string { return c.party + " at " + c.base }

// Close gives up the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Answer is an answer as it came. Body holds the bytes of the document, a byte
// order mark included; a transfer encoding such as gzip is already undone.
type Answer struct {
	Body          []byte
	Status        int
	CorrelationID string    // "" when Klarna gave none
	Path          string    // path and query that were asked
	FetchedAt     time.Time // UTC
}

// call is one question.
type call struct {
	attempted string // "list payouts", the start of every error
	path      string // escaped, below the base
	query     url.Values
	accept    string
	room      []byte // where the body may go, to save allocating
}

// get asks once. The error is a *fault.Error.
func (c *Client) get(ctx context.Context, q call) (Answer, error) {
	done, err := c.admit(ctx, q.attempted)
	if err != nil {
		return Answer{}, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, answer, err := c.send(ctx, q)
	if err != nil {
		return Answer{}, c.lost(q.attempted, err)
	}
	defer func() { _ = response.Body.Close() }()
	return c.read(q, response, answer)
}

// admit waits until the budget has room for a request; done follows when it is
// over.
func (c *Client) admit(ctx context.Context, attempted string) (done func(), err error) {
	if err := c.pause.wait(ctx); err != nil {
		return nil, c.lost(attempted, err)
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return nil, c.lost(attempted, fmt.Errorf("wait for the request budget: %w", err))
	}
	if others, ok := c.limiter.(Teller); ok {
		return others.Done, nil
	}
	return func() {}, nil
}

// send asks, and returns the answer with its body unread.
func (c *Client) send(ctx context.Context, q call) (*http.Response, Answer, error) {
	target := c.base + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, Answer{}, err
	}
	c.authorize(request)
	request.Header.Set("Accept", q.accept)
	request.Header.Set("User-Agent", c.userAgent)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, Answer{}, err
	}
	now := time.Now()
	others, _ := c.limiter.(Teller)
	if rest := c.pause.observe(response, now); rest > 0 && others != nil {
		others.Close(rest)
	}
	return response, Answer{
		Status:        response.StatusCode,
		CorrelationID: response.Header.Get("Klarna-Correlation-Id"),
		Path:          request.URL.RequestURI(),
		FetchedAt:     now.UTC().Round(0),
	}, nil
}

// read reads the body of an answer, whole.
func (c *Client) read(q call, response *http.Response, answer Answer) (Answer, error) {
	var err error
	if answer.Body, err = readBody(response, q.room, c.maxBody); err != nil {
		if answer.Status == http.StatusOK {
			return answer, c.broken(q.attempted, answer, err)
		}
		answer.Body = nil // the status says enough
	}
	if answer.Status != http.StatusOK {
		return answer, c.refused(q.attempted, answer, response)
	}
	return answer, nil
}

// tooLargeError is an answer of more bytes than anyone has a use for.
type tooLargeError int64

func (t tooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d bytes", int64(t))
}

// readBody reads a whole body into room, or a larger one.
func readBody(response *http.Response, room []byte, most int64) ([]byte, error) {
	size := response.ContentLength
	if size > most {
		return nil, tooLargeError(most)
	}
	body := bytes.NewBuffer(room[:0])
	// Grow leaves no room to find the end of the body without growing again.
	body.Grow(int(max(size, 0)) + bytes.MinRead)
	n, err := body.ReadFrom(io.LimitReader(response.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case n > most:
		return nil, tooLargeError(most)
	}
	return body.Bytes(), nil
}

// fault is the start of every error from outside.
func (c *Client) fault(class fault.Class, attempted string, a Answer, err error) *fault.Error {
	if class == fault.BadData && err != nil && len(a.Body) > 0 {
		err = &UnusableError{Answer: a, Err: err}
	}
	return &fault.Error{
		Class: class, Party: c.party, Attempted: attempted,
		Status: a.Status, RequestID: a.CorrelationID, Err: err,
	}
}
