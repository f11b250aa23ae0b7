package config_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kvitt/internal/config"
)

// environment sets exactly these variables of Kvitt and Temporal.
func environment(t *testing.T, pairs ...string) {
	t.Helper()
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "KVITT_") || strings.HasPrefix(name, "TEMPORAL_") {
			t.Setenv(name, value) // so that the test restores it
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // hides the Temporal profile of the person who runs the test
	t.Setenv("HOME", t.TempDir())
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheDefaults(t *testing.T) {
	environment(t, "KVITT_KEYSET=k", "DATABASE_URL=postgres://not/ours", "TASK_QUEUE=not-ours")
	got, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		DatabaseURL: "sqlite:kvitt.db", Keyset: "k", TaskQueue: "kvitt", Roles: []config.Role{config.Worker, config.Portal},
		PortalAddr: "127.0.0.1:8088", PublicURL: "http://127.0.0.1:8088", MetricsAddr: "127.0.0.1:9090",
		VismaAPIURL: "https://api.finance.visma.net", VismaConnectURL: "https://connect.visma.com",
		LogLevel: "info", LogFormat: "json", UIOrigin: "http://127.0.0.1:8233", CodecAuth: config.CodecOff,
		OIDCName: "OpenID Connect", OIDCEmailClaim: "email", UnknownWait: 15 * time.Minute, Activities: 32,
		SyncLimit: 26 * time.Hour, GrantLifetime: 365 * 24 * time.Hour, GrantWarning: 14 * 24 * time.Hour,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
	if !got.Has(config.Portal) || got.RedirectURL() != "http://127.0.0.1:8088/connect/visma/callback" {
		t.Errorf("portal %v, redirect %s", got.Has(config.Portal), got.RedirectURL())
	}
}

func TestEverySettingCanBeSet(t *testing.T) {
	environment(t,
		"KVITT_DATABASE_URL= postgres://u:p@db/kvitt\n", "KVITT_KEYSET_FILE="+file(t, "\n k2 \n"), "KVITT_TASK_QUEUE=q", "KVITT_ROLES= portal , portal",
		"KVITT_PORTAL_ADDR=[::1]:0", "KVITT_PUBLIC_URL=https://kvitt.example.com/books/", "KVITT_METRICS_ADDR=:9100",
		"KVITT_KLARNA_BASE_URL=http://localhost:9001/", "KVITT_VISMA_API_URL=http://127.0.0.1:9002", "KVITT_VISMA_CONNECT_URL=http://[::1]:9003/",
		"KVITT_VISMA_CLIENT_ID=id", "KVITT_VISMA_CLIENT_SECRET_FILE="+file(t, "s"), "KVITT_LOG_LEVEL=debug", "KVITT_LOG_FORMAT=console",
		"KVITT_UI_ORIGIN=https://Temporal.example.com/", "KVITT_CODEC_AUTH=password", "KVITT_CODEC_PASSWORD_FILE="+file(t, "correct horse battery"),
		"KVITT_OIDC_ISSUER=https://login.example.com/", "KVITT_OIDC_CLIENT_ID=kvitt", "KVITT_OIDC_CLIENT_SECRET_FILE="+file(t, "o"),
		"KVITT_OIDC_NAME=Firman AB", "KVITT_OIDC_TRUST_EMAIL=true",
		"KVITT_OIDC_EMAIL_CLAIM=upn", "KVITT_OIDC_REQUIRE=https://example.com/roles=kvitt, groups = a|b", "KVITT_TRUSTED_PROXIES=127.0.0.1, ::ffff:10.1.2.3 ,fd00::/8",
		"KVITT_UNKNOWN_WAIT=1h30m", "KVITT_ACTIVITIES=4", "KVITT_DATABSE_URL=oops",
		"KVITT_SMTP_URL_FILE="+file(t, "smtps://u%40x:p@mail.example.com"), "KVITT_MAIL_FROM=Kvitt <kvitt@example.com>", "KVITT_MAIL_TO=anna@example.com, Books <books@example.com>",
		"KVITT_WEBHOOK_URL=http://127.0.0.1:9999/hook?token=x", "KVITT_WEBHOOK_SECRET_FILE="+file(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
		"KVITT_SYNC_LIMIT=3h", "KVITT_GRANT_LIFETIME=180", "KVITT_GRANT_WARNING=30",
		"KVITT_DEPLOYMENT=kvitt-prod", "KVITT_BUILD_ID=1.4.0+abc",
	)
	got, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		DatabaseURL: "postgres://u:p@db/kvitt", Keyset: "k2", TaskQueue: "q", Roles: []config.Role{config.Portal},
		PortalAddr: "[::1]:0", PublicURL: "https://kvitt.example.com/books", MetricsAddr: ":9100",
		KlarnaBaseURL: "http://localhost:9001", VismaAPIURL: "http://127.0.0.1:9002", VismaConnectURL: "http://[::1]:9003/",
		VismaClientID: "id", VismaClientSecret: "s", LogLevel: "debug", LogFormat: "console", UIOrigin: "https://temporal.example.com",
		CodecAuth: config.CodecPassword, CodecPassword: "correct horse battery",
		OIDCIssuer: "https://login.example.com/", OIDCClientID: "kvitt", OIDCClientSecret: "o", OIDCName: "Firman AB", OIDCTrustEmail: true, OIDCEmailClaim: "upn",
		OIDCRequire:    []config.Demand{{Claim: "https://example.com/roles", Any: []string{"kvitt"}}, {Claim: "groups", Any: []string{"a", "b"}}},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("fd00::/8")},
		UnknownWait:    90 * time.Minute, Activities: 4,
		SMTPURL: "smtps://u%40x:p@mail.example.com", MailFrom: `"Kvitt" <kvitt@example.com>`, MailTo: []string{"anna@example.com", "books@example.com"},
		WebhookURL: "http://127.0.0.1:9999/hook?token=x", WebhookSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		SyncLimit: 3 * time.Hour, GrantLifetime: 180 * 24 * time.Hour, GrantWarning: 30 * 24 * time.Hour,
		Deployment: "kvitt-prod", BuildID: "1.4.0+abc",
		Unread: []string{"KVITT_DATABSE_URL"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
}

func TestASettingThatIsEmptyIsNotSet(t *testing.T) {
	environment(t, "KVITT_KEYSET=", "KVITT_KEYSET_FILE="+file(t, "k"), "KVITT_TASK_QUEUE= ", "KVITT_ACTIVITIES=", "KVITT_DATABASE_URL=")
	got, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got.Keyset != "k" || got.TaskQueue != "kvitt" || got.Activities != 32 || got.DatabaseURL != "sqlite:kvitt.db" {
		t.Errorf("%+v", got)
	}
}

func TestABadSettingIsReportedInOneLineWithFoundAndExpected(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	const mailTo, long = "KVITT_MAIL_FROM=a@b.se KVITT_MAIL_TO=a@b.se ", "hemligt-hemligt-hemligt-hemligt"
	for _, c := range []struct {
		env  string // pairs separated by spaces
		want string
	}{
		{"KVITT_DATABASE_URL=mysql://u:hemligt@h/d", "KVITT_DATABASE_URL: found a value (not shown) that begins with neither sqlite: nor postgres://, expected sqlite:PATH or postgres://USER:PASSWORD@HOST:5432/DATABASE"},
		{"KVITT_KEYSET=", "KVITT_KEYSET: found nothing, and no KVITT_KEYSET_FILE, expected a keyset; make one with `starter keyset new`"},
		{"KVITT_KEYSET= KVITT_KEYSET_FILE=" + missing, `KVITT_KEYSET_FILE: found "` + missing + `", which cannot be read (no such file or directory), expected the name of a file that holds KVITT_KEYSET`},
		{"KVITT_DATABASE_URL_FILE=" + missing, `KVITT_DATABASE_URL_FILE: found "` + missing + `", which cannot be read (no such file or directory), expected the name of a file that holds KVITT_DATABASE_URL`},
		{"KVITT_VISMA_CLIENT_ID=x KVITT_VISMA_CLIENT_SECRET_FILE=" + file(t, " \n"), ", which is empty, expected the name of a file that holds KVITT_VISMA_CLIENT_SECRET"},
		{"KVITT_KEYSET_FILE=" + missing, "KVITT_KEYSET: found also KVITT_KEYSET_FILE, expected only one of the two"},
		{"KVITT_ROLES=worker,web", `KVITT_ROLES: found "worker,web", expected worker, portal, or worker,portal`},
		{"KVITT_PORTAL_ADDR=8088", `KVITT_PORTAL_ADDR: found "8088", expected HOST:PORT, for example 127.0.0.1:8088`},
		{"KVITT_METRICS_ADDR=127.0.0.1:http", `KVITT_METRICS_ADDR: found "127.0.0.1:http", expected HOST:PORT`},
		{"KVITT_METRICS_ADDR=127.0.0.1:8088", `KVITT_METRICS_ADDR: found "127.0.0.1:8088", which is KVITT_PORTAL_ADDR too, expected an address of its own`},
		{"KVITT_OIDC_ISSUER=https://login.example.com KVITT_OIDC_CLIENT_SECRET=hemligt", `KVITT_OIDC_CLIENT_ID: found nothing, but KVITT_OIDC_ISSUER and KVITT_OIDC_CLIENT_SECRET, expected the id of the client at the provider, or none of the three`},
		{"KVITT_OIDC_CLIENT_ID=kvitt KVITT_OIDC_CLIENT_SECRET=hemligt", `KVITT_OIDC_ISSUER: found nothing, but KVITT_OIDC_CLIENT_ID and KVITT_OIDC_CLIENT_SECRET, expected the provider that people sign in at`},
		{"KVITT_OIDC_ISSUER=https://login.example.com KVITT_OIDC_CLIENT_ID=kvitt", `KVITT_OIDC_CLIENT_SECRET: found nothing, but KVITT_OIDC_ISSUER and KVITT_OIDC_CLIENT_ID, expected the secret`},
		{"KVITT_OIDC_ISSUER=http://login.example.com KVITT_OIDC_CLIENT_ID=kvitt KVITT_OIDC_CLIENT_SECRET=hemligt", `KVITT_OIDC_ISSUER: found "http://login.example.com", expected https`},
		{"KVITT_OIDC_ISSUER=https://login.microsoftonline.com/common/v2.0 KVITT_OIDC_CLIENT_ID=kvitt KVITT_OIDC_CLIENT_SECRET=hemligt", `KVITT_OIDC_ISSUER: found "https://login.microsoftonline.com/common/v2.0", which admits other organisations than yours, expected that of your own tenant`},
		{"KVITT_OIDC_ISSUER=https://login.microsoftonline.com/{tenantid}/v2.0 KVITT_OIDC_CLIENT_ID=kvitt KVITT_OIDC_CLIENT_SECRET=hemligt", `expected that of your own tenant`},
		{"KVITT_OIDC_EMAIL_CLAIM=preferred_username", `KVITT_OIDC_EMAIL_CLAIM: found "preferred_username", while KVITT_OIDC_TRUST_EMAIL is false, expected email, or KVITT_OIDC_TRUST_EMAIL=true`},
		{"KVITT_OIDC_REQUIRE=groups", `KVITT_OIDC_REQUIRE: found "groups", expected CLAIM=VALUE`},
		{"KVITT_OIDC_REQUIRE=groups=a,,tid=b", `KVITT_OIDC_REQUIRE: found "groups=a,,tid=b"`},
		{"KVITT_OIDC_REQUIRE=groups=|", `KVITT_OIDC_REQUIRE: found "groups=|"`},
		{"KVITT_TRUSTED_PROXIES=nginx", `KVITT_TRUSTED_PROXIES: found "nginx", expected the addresses or networks of your proxies`},
		{"KVITT_TRUSTED_PROXIES=0.0.0.0/0", `KVITT_TRUSTED_PROXIES: found "0.0.0.0/0"`},
		{"KVITT_TRUSTED_PROXIES=10.0.0.1,::/0", `KVITT_TRUSTED_PROXIES: found "10.0.0.1,::/0"`},
		{"KVITT_OIDC_TRUST_EMAIL=yes", `KVITT_OIDC_TRUST_EMAIL: found "yes", expected true or false`},
		{"KVITT_PUBLIC_URL=kvitt.example.com", `KVITT_PUBLIC_URL: found "kvitt.example.com", expected an http or https URL`},
		{"KVITT_PUBLIC_URL=https://u:hemligt@kvitt.example.com", "KVITT_PUBLIC_URL: found a URL with a user in it, expected one without"},
		{"KVITT_PUBLIC_URL=https://kvitt.example.com/?a=1", `expected a URL without ? and #`},
		{"KVITT_KLARNA_BASE_URL=http://api.klarna.com", `KVITT_KLARNA_BASE_URL: found "http://api.klarna.com", expected https: credentials are sent there`},
		{"KVITT_VISMA_API_URL=http://10.0.0.1", `KVITT_VISMA_API_URL: found "http://10.0.0.1", expected https`},
		{"KVITT_VISMA_CONNECT_URL=http://localhost.evil.example", `KVITT_VISMA_CONNECT_URL: found "http://localhost.evil.example", expected https`},
		{"KVITT_VISMA_API_URL=ftp://u:hemligt@x", `KVITT_VISMA_API_URL: found "…@x", expected an http or https URL`},
		{"KVITT_VISMA_CLIENT_SECRET=hemligt", "KVITT_VISMA_CLIENT_ID: found nothing, but a KVITT_VISMA_CLIENT_SECRET, expected the id"},
		{"KVITT_LOG_LEVEL=loud", `KVITT_LOG_LEVEL: found "loud", expected debug, info, warn or error`},
		{"KVITT_LOG_FORMAT=xml", `KVITT_LOG_FORMAT: found "xml", expected json or console`},
		{"KVITT_UI_ORIGIN=http://127.0.0.1:8233/namespaces", `KVITT_UI_ORIGIN: found "http://127.0.0.1:8233/namespaces", expected an origin without a path`},
		{"KVITT_CODEC_AUTH=none", `KVITT_CODEC_AUTH: found "none", expected off, session, password or loopback`},
		{"KVITT_CODEC_AUTH=password", "KVITT_CODEC_PASSWORD: found nothing, and no KVITT_CODEC_PASSWORD_FILE, expected a password, because KVITT_CODEC_AUTH is password"},
		{"KVITT_CODEC_AUTH=password KVITT_CODEC_PASSWORD=hemligt", "KVITT_CODEC_PASSWORD: found one of fewer than 12 characters"},
		{"KVITT_CODEC_AUTH=loopback KVITT_PORTAL_ADDR=0.0.0.0:8088", `KVITT_CODEC_AUTH: found loopback, while KVITT_PORTAL_ADDR is "0.0.0.0:8088", expected off or password`},
		{"KVITT_CODEC_AUTH=loopback KVITT_PUBLIC_URL=https://kvitt.example.com", `KVITT_CODEC_AUTH: found loopback, while KVITT_PUBLIC_URL is "https://kvitt.example.com", expected session, password or off`},
		{"KVITT_UI_ADDR=127.0.0.1:8233", "KVITT_UI_UPSTREAM: found nothing, but a KVITT_UI_ADDR, expected where this process finds"},
		{"KVITT_UI_UPSTREAM=http://temporal-ui:8080", "KVITT_UI_ADDR: found nothing, but a KVITT_UI_UPSTREAM, expected where people reach it"},
		{"KVITT_UI_UPSTREAM=temporal-ui:8080 KVITT_UI_ADDR=127.0.0.1:8233", "KVITT_UI_UPSTREAM: found \"temporal-ui:8080\", expected an http or https URL"},
		{"KVITT_UI_UPSTREAM=http://temporal-ui:8080 KVITT_UI_ADDR=127.0.0.1:9090", "KVITT_UI_ADDR: found \"127.0.0.1:9090\", which another listener uses too"},
		{"KVITT_UI_UPSTREAM=http://temporal-ui:8080 KVITT_UI_ADDR=127.0.0.1:8233 KVITT_UI_ORIGIN=https://temporal.example.com", "KVITT_UI_ORIGIN: found \"https://temporal.example.com\", while KVITT_PUBLIC_URL is"},
		{"KVITT_CODEC_AUTH=loopback KVITT_PORTAL_ADDR=:8088", `KVITT_CODEC_AUTH: found loopback`},
		{"KVITT_CODEC_AUTH=password KVITT_CODEC_PASSWORD_FILE=" + missing, `KVITT_CODEC_PASSWORD_FILE: found "` + missing + `", which cannot be read`},
		{"KVITT_UNKNOWN_WAIT=15", `KVITT_UNKNOWN_WAIT: found "15", expected a time longer than none, for example 15m or 1h30m`},
		{"KVITT_UNKNOWN_WAIT=-1m", `KVITT_UNKNOWN_WAIT: found "-1m"`},
		{"KVITT_ACTIVITIES=many", `KVITT_ACTIVITIES: found "many", expected a whole number from 1 to 1000`},
		{"KVITT_ACTIVITIES=0", `KVITT_ACTIVITIES: found "0"`},
		{mailTo + "KVITT_SMTP_URL=http://u:hemligt@h", "KVITT_SMTP_URL: found a value (not shown) that is no such URL, expected smtp://USER:PASSWORD@HOST:587"},
		{mailTo + "KVITT_SMTP_URL=smtp://u:hemligt@h:port", "KVITT_SMTP_URL: found a value (not shown)"},
		{mailTo + "KVITT_SMTP_URL=smtp://:hemligt@h", "KVITT_SMTP_URL: found a password without a user"},
		{mailTo + "KVITT_SMTP_URL_FILE=" + missing, `KVITT_SMTP_URL_FILE: found "` + missing + `", which cannot be read`},
		{"KVITT_SMTP_URL=smtp://u:hemligt@h KVITT_MAIL_TO=a@b.se", "KVITT_MAIL_FROM: found nothing, but a KVITT_SMTP_URL, expected the address"},
		{"KVITT_SMTP_URL=smtp://u:hemligt@h KVITT_MAIL_FROM=a@b.se", "KVITT_MAIL_TO: found nothing, but a KVITT_SMTP_URL"},
		{"KVITT_SMTP_URL=smtp://h KVITT_MAIL_TO=a@b.se KVITT_MAIL_FROM=a", `KVITT_MAIL_FROM: found "a", expected one address`},
		{"KVITT_SMTP_URL=smtp://h KVITT_MAIL_FROM=a@b.se KVITT_MAIL_TO=a@b.se,,x", `KVITT_MAIL_TO: found "a@b.se,,x", expected addresses`},
		{"KVITT_MAIL_FROM=a@b.se", "KVITT_SMTP_URL: found nothing, but a KVITT_MAIL_… variable"},
		{"KVITT_WEBHOOK_SECRET=" + long + " KVITT_WEBHOOK_URL=http://example.com/hemligt", "KVITT_WEBHOOK_URL: found plain http to example.com, expected https"},
		{"KVITT_WEBHOOK_SECRET=" + long + " KVITT_WEBHOOK_URL=https://u:hemligt@example.com", "KVITT_WEBHOOK_URL: found a URL with a user in it"},
		{"KVITT_WEBHOOK_SECRET=" + long + " KVITT_WEBHOOK_URL=hemligt", "KVITT_WEBHOOK_URL: found a value (not shown)"},
		{"KVITT_WEBHOOK_URL=https://example.com", "KVITT_WEBHOOK_SECRET: found nothing, but a KVITT_WEBHOOK_URL"},
		{"KVITT_WEBHOOK_URL=https://example.com KVITT_WEBHOOK_SECRET=hemligt", "KVITT_WEBHOOK_SECRET: found one of fewer than 24 characters"},
		{"KVITT_WEBHOOK_URL=https://example.com KVITT_WEBHOOK_SECRET=whsec_hemligt", "KVITT_WEBHOOK_SECRET: found whsec_ and what is not base64"},
		{"KVITT_WEBHOOK_SECRET=" + long, "KVITT_WEBHOOK_URL: found nothing, but a KVITT_WEBHOOK_SECRET"},
		{"KVITT_GRANT_LIFETIME=365d", `KVITT_GRANT_LIFETIME: found "365d", expected a whole number from 1 to 3650`},
		{"KVITT_SYNC_LIMIT=26", `KVITT_SYNC_LIMIT: found "26", expected a time`},
		{"KVITT_DEPLOYMENT=kvitt", "KVITT_BUILD_ID: found nothing, but a KVITT_DEPLOYMENT, expected which version"},
		{"KVITT_BUILD_ID=1.4.0", "KVITT_DEPLOYMENT: found nothing, but a KVITT_BUILD_ID, expected the name"},
		{"KVITT_DEPLOYMENT=kvitt.prod KVITT_BUILD_ID=1", `KVITT_DEPLOYMENT: found "kvitt.prod", expected letters, digits and any of -_`},
	} {
		t.Run(c.env, func(t *testing.T) {
			environment(t, append([]string{"KVITT_KEYSET=k"}, strings.Split(c.env, " ")...)...)
			_, err := config.Load()
			switch {
			case err == nil:
				t.Fatal("it was accepted")
			case !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n"):
				t.Errorf("got  %v\nwant %s", err, c.want)
			case strings.Contains(err.Error(), "hemligt"):
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}

func TestSeveralBadSettingsAreReportedInOrder(t *testing.T) {
	environment(t, "KVITT_ACTIVITIES=x", "KVITT_LOG_LEVEL=x", "KVITT_ROLES=x")
	_, err := config.Load()
	if err == nil {
		t.Fatal("they were accepted")
	}
	var names []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"KVITT_KEYSET", "KVITT_ROLES", "KVITT_LOG_LEVEL", "KVITT_ACTIVITIES"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestACommandWithoutSecretsNeedsNoKeyset(t *testing.T) {
	environment(t)
	if _, err := config.LoadWithoutKeyset(); err != nil {
		t.Error(err)
	}
}

func TestTheCodecIsOpenWithoutAPasswordOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"127.0.0.1:8088", "localhost:8088", "[::1]:8088", "127.9.9.9:1"} {
		environment(t, "KVITT_KEYSET=k", "KVITT_CODEC_AUTH=loopback", "KVITT_PORTAL_ADDR="+address)
		if _, err := config.Load(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestASecretThatEverybodyOnTheMachineCanReadIsToldOf(t *testing.T) {
	open := t.TempDir()
	name := filepath.Join(open, "keyset")
	if err := os.WriteFile(name, []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folder, file os.FileMode
		loose        int
	}{{0o755, 0o644, 1}, {0o755, 0o600, 0}, {0o700, 0o644, 0}, {0o755, 0o640, 0}} {
		if err := errors.Join(os.Chmod(open, c.folder), os.Chmod(name, c.file)); err != nil {
			t.Fatal(err)
		}
		environment(t, "KVITT_KEYSET_FILE="+name)
		got, err := config.Load()
		if err != nil || len(got.Loose) != c.loose || c.loose == 1 && got.Loose[0] != "KVITT_KEYSET_FILE" {
			t.Errorf("%o in %o: %v, %v", c.file, c.folder, got.Loose, err)
		}
	}
}

func TestSettingsDoNotPrintTheirSecrets(t *testing.T) {
	environment(t, "KVITT_KEYSET=hemligt", "KVITT_DATABASE_URL=postgres://u:hemligt@db/kvitt", "KVITT_VISMA_CLIENT_ID=x", "KVITT_VISMA_CLIENT_SECRET=hemligt")
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(s, "hemligt") {
		t.Error(s)
	}
}

func TestTheListOfVariablesIsComplete(t *testing.T) {
	names := map[string]config.Variable{}
	for _, v := range config.Variables() {
		if v.Meaning == "" || !strings.HasPrefix(v.Name, "KVITT_") {
			t.Errorf("%+v is not described", v)
		}
		names[v.Name] = v
	}
	for name, v := range names {
		if _, ok := names[name+"_FILE"]; ok != v.Secret {
			t.Errorf("%s: secret %v, with a file %v", name, v.Secret, ok)
		}
	}
	if names["KVITT_DATABASE_URL"].Default != "sqlite:kvitt.db" || !names["KVITT_KEYSET"].Secret {
		t.Errorf("%+v", names)
	}
}

func TestTemporalOptionsAreThoseOfTemporalsTools(t *testing.T) {
	environment(t)
	o, err := config.TemporalOptions()
	if err != nil || o.HostPort != "localhost:7233" || o.Namespace != "default" {
		t.Errorf("%s %s %v", o.HostPort, o.Namespace, err)
	}
	environment(t, "TEMPORAL_ADDRESS=temporal:7233", "TEMPORAL_NAMESPACE=books")
	o, err = config.TemporalOptions()
	if err != nil || o.HostPort != "temporal:7233" || o.Namespace != "books" {
		t.Errorf("%s %s %v", o.HostPort, o.Namespace, err)
	}
	toml := file(t, "[profile.prod]\naddress = \"prod:7233\"\nnamespace = \"p\"\n")
	environment(t, "TEMPORAL_CONFIG_FILE="+toml, "TEMPORAL_PROFILE=prod")
	o, err = config.TemporalOptions()
	if err != nil || o.HostPort != "prod:7233" || o.Namespace != "p" {
		t.Errorf("%s %s %v", o.HostPort, o.Namespace, err)
	}
	for env, words := range map[string]string{
		"TEMPORAL_ADDRESS=http://localhost:7233":     `TEMPORAL_ADDRESS: found "http://localhost:7233", expected HOST:PORT`,
		"TEMPORAL_ADDRESS=localhost":                 `TEMPORAL_ADDRESS: found "localhost", expected HOST:PORT`,
		"TEMPORAL_PROFILE=none":                      "TEMPORAL_… variables",
		"TEMPORAL_TLS_CLIENT_CERT_PATH=/no/such/pem": "TEMPORAL_… variables",
	} {
		environment(t, env)
		if _, err := config.TemporalOptions(); err == nil || !strings.Contains(err.Error(), words) || !strings.HasPrefix(err.Error(), "read how to reach Temporal") {
			t.Errorf("%s: %v", env, err)
		}
	}
}
