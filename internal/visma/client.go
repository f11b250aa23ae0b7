package visma

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// DefaultBaseURL is the host of the Visma.net ERP API.
const DefaultBaseURL = "https://api.finance.visma.net"

// Visma.net ends a synchronous request after four minutes, whether or not it goes on to book it. Our
// time-out must be shorter, so that a time-out is always our own decision.
const (
	DefaultTimeout = 3*time.Minute + 30*time.Second
	longestTimeout = 3*time.Minute + 50*time.Second
)

// DefaultPageSize is the number of records (for journal transactions: lines) that a list call asks for at
// a time. Visma.net lowers it to its own maximum.
const DefaultPageSize = 1000

const party = "Visma.net"

// Tokens returns the bearer token of one connection, for each request. *connect.Source is one.
type Tokens interface {
	// Token returns a token that is valid now. The client passes its errors on unchanged when they are
	// *fault.Error.
	Token(ctx context.Context) (*oauth2.Token, error)
	// Invalidate reports that Visma.net answered 401 to this access token, so that the next Token must be
	// another one.
	Invalidate(accessToken string)
}

// Options configure a client. Only Tokens is required.
type Options struct {
	BaseURL    string        // DefaultBaseURL when empty; plain http only to loopback
	HTTPClient *http.Client  // its transport is used; redirects are refused whatever it says
	Tokens     Tokens        // required
	Limiter    *Limiter      // shared by all clients of one connection; nil: the client makes its own
	Timeout    time.Duration // per request, DefaultTimeout when zero, at most 3 min 50 s
	PageSize   int           // DefaultPageSize when zero
	UserAgent  string        // "kvitt" when empty
}

// Client calls the Visma.net ERP API for one company: the one that the token was issued for. It is safe
// for use by several goroutines.
type Client struct {
	base      *url.URL
	http      *http.Client
	tokens    Tokens
	limiter   *Limiter
	timeout   time.Duration
	pageSize  int
	userAgent string
}

// New returns a client, or an error that names the wrong option.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("configure Visma.net client: %w", err)
	}
	if o.Tokens == nil {
		return nil, errors.New("configure Visma.net client: it needs a token source")
	}
	if o.Timeout < 0 || o.Timeout > longestTimeout {
		return nil, fmt.Errorf("configure Visma.net client: the time-out is %s; it must be at most %s, because Visma.net cuts requests after 4 minutes", o.Timeout, longestTimeout)
	}
	c := &Client{
		base:      base,
		http:      withoutRedirects(o.HTTPClient),
		tokens:    o.Tokens,
		limiter:   o.Limiter,
		timeout:   o.Timeout,
		pageSize:  o.PageSize,
		userAgent: o.UserAgent,
	}
	if c.limiter == nil {
		c.limiter = NewLimiter(0, 0)
	}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.pageSize <= 0 {
		c.pageSize = DefaultPageSize
	}
	if c.userAgent == "" {
		c.userAgent = "kvitt"
	}
	return c, nil
}

// parseBase accepts https, and plain http to loopback only: a bearer token must not cross a network in
// clear text.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the base URL %q is not an absolute URL like %s", raw, DefaultBaseURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the base URL must have no user, query or fragment")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("the base URL %q is not https; plain http is allowed to loopback only", raw)
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// withoutRedirects copies the client so that a redirect is an answer, not an instruction: following one
// could send the bearer token to another host or repeat a write.
func withoutRedirects(given *http.Client) *http.Client {
	c := http.Client{}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	c.Timeout = 0 // each request has a deadline of its own
	return &c
}

// url builds the address of a path below the base. The path is already escaped.
func (c *Client) url(path string, query url.Values) string {
	s := c.base.String() + path
	if len(query) > 0 {
		s += "?" + query.Encode()
	}
	return s
}
