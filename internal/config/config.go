package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"kvitt/internal/vault"
)

// Role is a part of Kvitt that a worker process runs.
type Role string

// The roles.
const (
	Worker Role = "worker" // the Temporal worker
	Portal Role = "portal" // the web pages and the codec endpoint
)

// CodecAuth is the rule for using the codec endpoint.
type CodecAuth string

// The rules for using the codec endpoint.
const (
	CodecOff      CodecAuth = "off"      // nobody; it is not served
	CodecPassword CodecAuth = "password" // people who know Config.CodecPassword
	CodecSession  CodecAuth = "session"  // people who are signed in to the portal
	CodecLoopback CodecAuth = "loopback" // everybody; the portal listens on loopback only
)

// Config is the settings of a process, checked. Secrets redact themselves.
type Config struct {
	DatabaseURL       vault.Secret // sqlite:PATH or postgres://…
	Keyset            vault.Secret
	TaskQueue         string
	Roles             []Role
	PortalAddr        string // host:port
	PublicURL         string // without a slash at the end
	MetricsAddr       string // host:port
	KlarnaBaseURL     string // "": chosen by provider, region and key; without a slash at the end
	VismaAPIURL       string // without a slash at the end
	VismaConnectURL   string // an issuer, as given
	VismaClientID     string // "" when there is none
	VismaClientSecret vault.Secret
	LogLevel          string // debug, info, warn, error
	LogFormat         string // json, console
	UIOrigin          string // scheme://host[:port]
	UIAddr            string // host:port; "": the Web UI is not served
	UIUpstream        string // without a slash at the end
	CodecAuth         CodecAuth
	CodecPassword     vault.Secret
	OIDCIssuer        string // as given; "" when people sign in by one-time links only
	OIDCClientID      string
	OIDCClientSecret  vault.Secret
	OIDCName          string // the provider's name on the sign-in page
	OIDCTrustEmail    bool   // an address without the claim email_verified counts as verified
	OIDCEmailClaim    string // the claim that identifies people
	OIDCRequire       []Demand
	TrustedProxies    []netip.Prefix // whose X-Forwarded-For is believed
	UnknownWait       time.Duration
	Activities        int
	SMTPURL           vault.Secret // "": no mail
	MailFrom          string       // an address as in a mail's header
	MailTo            []string     // addresses
	WebhookURL        string       // "": no webhook
	WebhookSecret     vault.Secret
	SyncLimit         time.Duration
	GrantLifetime     time.Duration // of an interactive consent
	GrantWarning      time.Duration
	Deployment        string // "" when workers have no versions
	BuildID           string // of this version of the deployment

	// Loose names the …_FILE variables whose file every user of this machine can read, for a warning.
	Loose []string
	// Unread names the KVITT_… variables in the environment that are not settings, mistyped ones for
	// example, for a warning.
	Unread []string
}

// Has reports whether this process runs a part.
func (c Config) Has(r Role) bool { return slices.Contains(c.Roles, r) }

// RedirectURL returns the address that Visma Connect sends browsers back to.
func (c Config) RedirectURL() string { return c.PublicURL + "/connect/visma/callback" }

// Load reads the settings. Its error is an *Error with every problem that was found.
func Load() (Config, error) { return load(true) }

// LoadWithoutKeyset is Load for commands that need no keyset.
func LoadWithoutKeyset() (Config, error) { return load(false) }

func load(keyset bool) (Config, error) {
	var env environment
	if err := envconfig.Process("", &env); err != nil { // text fields do not fail
		return Config{}, fmt.Errorf("read the settings from the environment: %w", err)
	}
	var c checker
	c.trim(&env)
	databaseURL := c.secret(env.DatabaseURL, "KVITT_DATABASE_URL", env.DatabaseURLFile)
	config := Config{
		DatabaseURL:       c.databaseURL("KVITT_DATABASE_URL", databaseURL),
		Keyset:            c.secret(env.Keyset, "KVITT_KEYSET", env.KeysetFile),
		TaskQueue:         env.TaskQueue,
		Roles:             c.roles("KVITT_ROLES", env.Roles),
		PortalAddr:        c.address("KVITT_PORTAL_ADDR", env.PortalAddr),
		PublicURL:         c.publicURL("KVITT_PUBLIC_URL", env.PublicURL),
		MetricsAddr:       c.address("KVITT_METRICS_ADDR", env.MetricsAddr),
		KlarnaBaseURL:     c.partyURL("KVITT_KLARNA_BASE_URL", env.KlarnaBaseURL),
		VismaAPIURL:       c.partyURL("KVITT_VISMA_API_URL", env.VismaAPIURL),
		VismaConnectURL:   c.issuer("KVITT_VISMA_CONNECT_URL", env.VismaConnectURL),
		VismaClientID:     env.VismaClientID,
		VismaClientSecret: c.secret(env.VismaClientSecret, "KVITT_VISMA_CLIENT_SECRET", env.VismaClientSecretFile),
		LogLevel:          c.oneOf("KVITT_LOG_LEVEL", env.LogLevel, "debug", "info", "warn", "error"),
		LogFormat:         c.oneOf("KVITT_LOG_FORMAT", env.LogFormat, "json", "console"),
		UIOrigin:          c.origin("KVITT_UI_ORIGIN", env.UIOrigin),
		UIAddr:            c.address("KVITT_UI_ADDR", env.UIAddr),
		UIUpstream:        c.upstream("KVITT_UI_UPSTREAM", env.UIUpstream),
		CodecAuth:         CodecAuth(c.oneOf("KVITT_CODEC_AUTH", env.CodecAuth, string(CodecOff), string(CodecSession), string(CodecPassword), string(CodecLoopback))),
		CodecPassword:     c.secret(env.CodecPassword, "KVITT_CODEC_PASSWORD", env.CodecPasswordFile),
		OIDCIssuer:        c.provider("KVITT_OIDC_ISSUER", env.OIDCIssuer),
		OIDCClientID:      env.OIDCClientID,
		OIDCClientSecret:  c.secret(env.OIDCClientSecret, "KVITT_OIDC_CLIENT_SECRET", env.OIDCClientSecretFile),
		OIDCName:          env.OIDCName,
		OIDCTrustEmail:    c.oneOf("KVITT_OIDC_TRUST_EMAIL", env.OIDCTrustEmail, "true", "false") == "true",
		OIDCEmailClaim:    env.OIDCEmailClaim,
		OIDCRequire:       c.demands("KVITT_OIDC_REQUIRE", env.OIDCRequire),
		TrustedProxies:    c.networks("KVITT_TRUSTED_PROXIES", env.TrustedProxies),
		UnknownWait:       c.duration("KVITT_UNKNOWN_WAIT", env.UnknownWait),
		Activities:        c.number("KVITT_ACTIVITIES", env.Activities, 1, 1000),
		SMTPURL:           c.smtpURL("KVITT_SMTP_URL", c.secret(env.SMTPURL, "KVITT_SMTP_URL", env.SMTPURLFile)),
		MailFrom:          c.sender("KVITT_MAIL_FROM", env.MailFrom),
		MailTo:            c.recipients("KVITT_MAIL_TO", env.MailTo),
		WebhookURL:        c.webhookURL("KVITT_WEBHOOK_URL", env.WebhookURL),
		WebhookSecret:     c.webhookSecret("KVITT_WEBHOOK_SECRET", c.secret(env.WebhookSecret, "KVITT_WEBHOOK_SECRET", env.WebhookSecretFile)),
		SyncLimit:         c.duration("KVITT_SYNC_LIMIT", env.SyncLimit),
		GrantLifetime:     c.days("KVITT_GRANT_LIFETIME", env.GrantLifetime),
		GrantWarning:      c.days("KVITT_GRANT_WARNING", env.GrantWarning),
		Deployment:        c.name("KVITT_DEPLOYMENT", env.Deployment, "kvitt", "-_"),
		BuildID:           c.name("KVITT_BUILD_ID", env.BuildID, "1.4.0", "-_.+"),
		Unread:            unread(),
	}
	c.together(config, keyset)
	c.client(config, env.OIDCIssuer != "")
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b Problem) int { return cmp.Compare(position(a.Variable), position(b.Variable)) })
		return Config{}, &Error{c.problems}
	}
	config.Loose = c.loose
	return config, nil
}

// Problem is a setting that cannot be used.
type Problem struct {
	Variable string
	Found    string // never the value of a secret
	Expected string
}

// Error lists all settings that cannot be used, one per line.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("%s: found %s, expected %s", p.Variable, p.Found, p.Expected))
	}
	return strings.Join(lines, "\n")
}

// checker collects problems.
type checker struct {
	problems []Problem
	loose    []string // names of files that every user of this machine can read
}

func (c *checker) problem(variable, found, expected string) {
	c.problems = append(c.problems, Problem{variable, found, expected})
}

// trim removes white space around every value and gives empty ones their default: Compose passes variables
// that are not set as empty.
func (c *checker) trim(env *environment) {
	v := reflect.ValueOf(env).Elem()
	for f := range fields() {
		value := strings.TrimSpace(v.FieldByIndex(f.Index).String())
		v.FieldByIndex(f.Index).SetString(cmp.Or(value, f.Tag.Get("default")))
	}
}

// secret returns the value of a variable, or the contents of the file that name_FILE names.
func (c *checker) secret(value, name, file string) vault.Secret {
	if file == "" {
		return vault.Secret(value)
	}
	if strings.TrimSpace(os.Getenv(name)) != "" {
		c.problem(name, "also "+name+"_FILE", "only one of the two")
		return vault.Secret(value)
	}
	expected := "the name of a file that holds " + name
	b, err := os.ReadFile(file) //nolint:gosec // the operator chose the file
	if othersRead(file) {
		c.loose = append(c.loose, name+"_FILE")
	}
	content := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		var reason *fs.PathError
		if errors.As(err, &reason) {
			err = reason.Err
		}
		c.problem(name+"_FILE", fmt.Sprintf("%q, which cannot be read (%v)", file, err), expected)
	case content == "":
		c.problem(name+"_FILE", fmt.Sprintf("%q, which is empty", file), expected)
	}
	// A file that cannot be used is reported once: the placeholder passes the other checks, so that it
	// does not cause a second problem.
	return vault.Secret(cmp.Or(content, unreadable))
}

// othersRead reports whether every user of this machine can read a file: it is open to all, and so is its
// folder. Compose and Kubernetes mount secrets below /run/secrets and /var/run/secrets, where there are no
// other users.
func othersRead(file string) bool {
	whole, err := filepath.Abs(file)
	if err != nil || strings.HasPrefix(whole, "/run/secrets/") || strings.HasPrefix(whole, "/var/run/secrets/") {
		return false
	}
	for at, bit := range map[string]fs.FileMode{whole: 0o004, filepath.Dir(whole): 0o001} {
		if info, err := os.Stat(at); err != nil || info.Mode().Perm()&bit == 0 {
			return false
		}
	}
	return true
}

// unreadable replaces a secret whose file cannot be used.
const unreadable = "sqlite:unreadable"

// unread lists variables that look like Kvitt's and are not in the list.
func unread() []string {
	var names []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "KVITT_") && position(name) < 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// position returns a variable's place in the list, -1 when it is not there.
func position(name string) int {
	return slices.IndexFunc(Variables(), func(v Variable) bool { return v.Name == name })
}
