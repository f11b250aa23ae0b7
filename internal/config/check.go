package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/vault"
)

// together checks that the settings fit together.
func (c *checker) together(config Config, keyset bool) {
	if keyset && config.Keyset == "" {
		c.problem("KVITT_KEYSET", "nothing, and no KVITT_KEYSET_FILE", "a keyset; make one with `starter keyset new`")
	}
	if config.VismaClientSecret != "" && config.VismaClientID == "" {
		c.problem("KVITT_VISMA_CLIENT_ID", "nothing, but a KVITT_VISMA_CLIENT_SECRET", "the id of the OAuth client that the secret belongs to")
	}
	if _, port, _ := net.SplitHostPort(config.PortalAddr); config.PortalAddr == config.MetricsAddr && port != "0" && port != "" && config.Has(Portal) {
		c.problem("KVITT_METRICS_ADDR", fmt.Sprintf("%q, which is KVITT_PORTAL_ADDR too", config.MetricsAddr), "an address of its own")
	}
	c.notifications(config)
	c.temporalUI(config)
	switch {
	case config.Deployment != "" && config.BuildID == "":
		c.problem("KVITT_BUILD_ID", "nothing, but a KVITT_DEPLOYMENT", "which version of the deployment this is, for example 1.4.0")
	case config.Deployment == "" && config.BuildID != "":
		c.problem("KVITT_DEPLOYMENT", "nothing, but a KVITT_BUILD_ID", "the name of the deployment that it is a version of, for example kvitt")
	}
	switch {
	case config.CodecAuth == CodecPassword && config.CodecPassword == "":
		c.problem("KVITT_CODEC_PASSWORD", "nothing, and no KVITT_CODEC_PASSWORD_FILE", "a password, because KVITT_CODEC_AUTH is password")
	case config.CodecAuth == CodecPassword && len(config.CodecPassword.Reveal()) < 12:
		c.problem("KVITT_CODEC_PASSWORD", "one of fewer than 12 characters", "a longer one: it opens every Temporal payload")
	case config.CodecAuth == CodecLoopback && config.PublicURL != "" && !loopbackURL(config.PublicURL):
		c.problem("KVITT_CODEC_AUTH", fmt.Sprintf("loopback, while KVITT_PUBLIC_URL is %q", config.PublicURL),
			"session, password or off: behind a proxy on this machine all requests come from loopback, and everybody could read every payload")
	case config.CodecAuth == CodecLoopback && config.PortalAddr != "" && !loopbackAddress(config.PortalAddr):
		c.problem("KVITT_CODEC_AUTH", fmt.Sprintf("loopback, while KVITT_PORTAL_ADDR is %q", config.PortalAddr),
			"off or password, or a portal on 127.0.0.1: without a password everybody who reaches the portal could read every payload")
	}
}

// temporalUI checks that the settings of the Web UI fit together.
func (c *checker) temporalUI(config Config) {
	switch {
	case config.UIAddr != "" && config.UIUpstream == "" && !c.complainedOf("KVITT_UI_UPSTREAM"):
		c.problem("KVITT_UI_UPSTREAM", "nothing, but a KVITT_UI_ADDR", "where this process finds Temporal's Web UI, for example http://temporal-ui:8080")
	case config.UIAddr == "" && config.UIUpstream != "" && !c.complainedOf("KVITT_UI_ADDR"):
		c.problem("KVITT_UI_ADDR", "nothing, but a KVITT_UI_UPSTREAM", "where people reach it, for example 127.0.0.1:8233")
	case config.UIAddr != "" && (config.UIAddr == config.PortalAddr || config.UIAddr == config.MetricsAddr) && !strings.HasSuffix(config.UIAddr, ":0"):
		c.problem("KVITT_UI_ADDR", fmt.Sprintf("%q, which another listener uses too", config.UIAddr), "an address of its own")
	case config.UIAddr != "" && config.UIOrigin != "" && config.PublicURL != "" && hostOf(config.UIOrigin) != hostOf(config.PublicURL):
		c.problem("KVITT_UI_ORIGIN", fmt.Sprintf("%q, while KVITT_PUBLIC_URL is %q", config.UIOrigin, config.PublicURL),
			"the same host name with another port: browsers show the portal's session to no other host")
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func loopbackURL(address string) bool { return loopbackHost(hostOf(address)) }

// upstream checks the URL of a server beside this one. "" stays "".
func (c *checker) upstream(name, value string) string {
	if value == "" {
		return ""
	}
	u := c.webURL(name, value, "http://temporal-ui:8080")
	if u == nil {
		return ""
	}
	return strings.TrimRight(value, "/")
}

// client checks that the client at the OpenID Connect provider is set completely or not at all. issuer
// says whether an issuer was given, usable or not.
func (c *checker) client(config Config, issuer bool) {
	parts := []struct {
		variable, expected string
		given              bool
	}{
		{"KVITT_OIDC_ISSUER", "the provider that people sign in at, for example https://login.example.com", issuer},
		{"KVITT_OIDC_CLIENT_ID", "the id of the client at the provider", config.OIDCClientID != ""},
		{"KVITT_OIDC_CLIENT_SECRET", "the secret of the client at the provider", config.OIDCClientSecret != ""},
	}
	var given []string
	for _, p := range parts {
		if p.given {
			given = append(given, p.variable)
		}
	}
	for _, p := range parts {
		if len(given) > 0 && !p.given {
			c.problem(p.variable, "nothing, but "+strings.Join(given, " and "), p.expected+", or none of the three")
		}
	}
	if config.OIDCEmailClaim != "email" && !config.OIDCTrustEmail && !c.complainedOf("KVITT_OIDC_TRUST_EMAIL") {
		c.problem("KVITT_OIDC_EMAIL_CLAIM", fmt.Sprintf("%q, while KVITT_OIDC_TRUST_EMAIL is false", config.OIDCEmailClaim),
			"email, or KVITT_OIDC_TRUST_EMAIL=true: nobody vouches for another claim, so only administrators of the directory may be able to set it")
	}
}

func (c *checker) databaseURL(name string, value vault.Secret) vault.Secret {
	scheme, _, ok := strings.Cut(value.Reveal(), ":")
	if ok && slices.Contains([]string{"sqlite", "postgres", "postgresql"}, scheme) {
		return value
	}
	c.problem(name, "a value (not shown) that begins with neither sqlite: nor postgres://",
		"sqlite:PATH or postgres://USER:PASSWORD@HOST:5432/DATABASE")
	return value
}

func (c *checker) roles(name, value string) []Role {
	var roles []Role
	for part := range strings.SplitSeq(value, ",") {
		role := Role(strings.TrimSpace(part))
		if role != Worker && role != Portal {
			c.problem(name, fmt.Sprintf("%q", value), "worker, portal, or worker,portal")
			return nil
		}
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles
}

// address checks a listening address and returns "" for a bad or missing one.
func (c *checker) address(name, value string) string {
	if value == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(value)
	if n, err2 := strconv.ParseUint(port, 10, 16); err != nil || err2 != nil || n > 65535 {
		c.problem(name, fmt.Sprintf("%q", value), "HOST:PORT, for example 127.0.0.1:8088")
		return ""
	}
	return value
}

// webURL checks that a value is an absolute http or https URL with nothing
// after its path.
func (c *checker) webURL(name, value, example string) *url.URL {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		c.problem(name, fmt.Sprintf("%q", withoutUser(value)), "an http or https URL, for example "+example)
	case u.User != nil:
		c.problem(name, "a URL with a user in it", "one without, for example "+example)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		c.problem(name, fmt.Sprintf("%q", value), "a URL without ? and #, for example "+example)
	default:
		return u
	}
	return nil
}

// withoutUser removes a password in a mistyped URL from messages.
func withoutUser(value string) string {
	if i := strings.LastIndex(value, "@"); i >= 0 {
		return "…" + value[i:]
	}
	return value
}

func (c *checker) publicURL(name, value string) string {
	if c.webURL(name, value, "https://kvitt.example.com") == nil {
		return ""
	}
	return strings.TrimRight(value, "/")
}

// partyURL checks the URL of a party that receives credentials: plain http is allowed to this machine
// only. "" stays "".
func (c *checker) partyURL(name, value string) string {
	return strings.TrimRight(c.issuer(name, value), "/")
}

func (c *checker) issuer(name, value string) string {
	if value == "" {
		return ""
	}
	u := c.webURL(name, value, "https://api.example.com")
	if u == nil {
		return ""
	}
	if u.Scheme == "http" && !loopbackHost(u.Hostname()) {
		c.problem(name, fmt.Sprintf("%q", value), "https: credentials are sent there, and plain http is for 127.0.0.1 and localhost only")
		return ""
	}
	return value
}

func (c *checker) origin(name, value string) string {
	const example = "http://127.0.0.1:8233"
	u := c.webURL(name, value, example)
	if u == nil {
		return ""
	}
	if strings.Trim(u.Path, "/") != "" {
		c.problem(name, fmt.Sprintf("%q", value), "an origin without a path, for example "+example)
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

func (c *checker) oneOf(name, value string, allowed ...string) string {
	if !slices.Contains(allowed, value) {
		last := len(allowed) - 1
		c.problem(name, fmt.Sprintf("%q", value), strings.Join(allowed[:last], ", ")+" or "+allowed[last])
		return ""
	}
	return value
}

// name checks a name of letters, digits and a few other characters; "" stays
// "".
func (c *checker) name(variable, value, example, others string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r)
	}
	if strings.ContainsFunc(value, odd) || len(value) > 200 {
		c.problem(variable, fmt.Sprintf("%q", value), fmt.Sprintf("letters, digits and any of %s, for example %s", others, example))
	}
	return value
}

func (c *checker) duration(name, value string) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		c.problem(name, fmt.Sprintf("%q", value), "a time longer than none, for example 15m or 1h30m")
	}
	return d
}

func (c *checker) number(name, value string, least, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		c.problem(name, fmt.Sprintf("%q", value), fmt.Sprintf("a whole number from %d to %d", least, most))
	}
	return n
}

// loopbackAddress reports whether a listening address can be reached from this machine only.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
