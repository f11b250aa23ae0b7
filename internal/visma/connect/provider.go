package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// DefaultIssuer is Visma Connect.
const DefaultIssuer = "https://connect.visma.com"

// Party is the name that errors of Visma Connect carry.
const Party = "Visma Connect"

// requestTimeout limits each request to Visma Connect.
const requestTimeout = 30 * time.Second

// Config configures a Provider. ClientID and ClientSecret are required.
type Config struct {
	Issuer       string           // DefaultIssuer when empty; plain http only to loopback
	ClientID     string           // as registered at Visma's developer portal: isv_…
	ClientSecret string           //
	HTTPClient   *http.Client     // its transport is used; redirects are refused whatever it says
	Now          func() time.Time // time.Now when nil
}

// String describes the configuration without its secret.
func (c Config) String() string {
	return fmt.Sprintf("config{issuer %s, client %s, secret %s}", c.Issuer, c.ClientID, redacted(c.ClientSecret))
}

// Format describes the configuration without its secret, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// Provider is Visma Connect for one OAuth client. It is safe for use by several goroutines.
type Provider struct {
	config Config
	http   *http.Client
	now    func() time.Time

	one   chan struct{} // held while the discovery document is read
	found *discovery
}

// Format describes the provider without its secret, whatever the verb.
func (p *Provider) Format(f fmt.State, verb rune) { p.config.Format(f, verb) }

// New returns a provider, or an error that names the wrong setting. It does not contact Visma Connect yet.
func New(c Config) (*Provider, error) {
	c.Issuer = strings.TrimRight(cmp.Or(c.Issuer, DefaultIssuer), "/")
	if err := checkURL(c.Issuer); err != nil {
		return nil, fmt.Errorf("configure Visma Connect: the issuer %w", err)
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		return nil, errors.New("configure Visma Connect: the client id and the client secret are both needed")
	}
	p := &Provider{config: c, now: c.Now, one: make(chan struct{}, 1), http: &http.Client{}}
	if c.HTTPClient != nil {
		*p.http = *c.HTTPClient
	}
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.http.Jar = nil
	p.http.Timeout = requestTimeout
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

// checkURL accepts https, and plain http to loopback only.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is not an absolute URL", raw)
	case u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q has a user or a fragment", u.Redacted())
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https; plain http is allowed to loopback only", raw)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// withClient makes the oauth2 and oidc libraries use our HTTP client.
func (p *Provider) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.http)
}

// oauth returns the configuration for golang.org/x/oauth2. The client's way to authenticate is fixed:
// trying both could use up a code or a one-time refresh token.
func (p *Provider) oauth(d *discovery, redirectURL string, scopes []string) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if !d.basicAuth() {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret,
		RedirectURL: redirectURL, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: d.AuthorizationEndpoint, TokenURL: d.TokenEndpoint, AuthStyle: style},
	}
}

// basicAuth reports whether the client's secret goes into the header, which is OAuth 2.0's default when
// the document does not say.
func (d *discovery) basicAuth() bool {
	methods := d.TokenEndpointAuthMethods
	return len(methods) == 0 || slices.Contains(methods, "client_secret_basic") || !slices.Contains(methods, "client_secret_post")
}

// readBody reads an answer up to a limit.
func readBody(resp *http.Response) ([]byte, error) {
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}
