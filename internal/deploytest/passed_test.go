package deploytest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/config"
)

// examples are values for .env, one for each variable that Compose passes on.
var examples = map[string]string{
	"KVITT_TASK_QUEUE":        "books",
	"KVITT_PUBLIC_URL":        "https://kvitt.example.com",
	"KVITT_KLARNA_BASE_URL":   "https://klarna.example.com",
	"KVITT_VISMA_API_URL":     "https://api.example.com",
	"KVITT_VISMA_CONNECT_URL": "https://connect.example.com",
	"KVITT_VISMA_CLIENT_ID":   "isv_example",
	"KVITT_LOG_LEVEL":         "warn",
	"KVITT_LOG_FORMAT":        "console",
	"KVITT_UI_ORIGIN":         "https://kvitt.example.com:8233",
	"KVITT_CODEC_AUTH":        "session",
	"KVITT_OIDC_ISSUER":       "https://login.example.com",
	"KVITT_OIDC_CLIENT_ID":    "kvitt-at-login",
	"KVITT_OIDC_NAME":         "Example",
	"KVITT_OIDC_TRUST_EMAIL":  "true",
	"KVITT_OIDC_EMAIL_CLAIM":  "upn",
	"KVITT_OIDC_REQUIRE":      "groups=g-1|g-2",
	"KVITT_TRUSTED_PROXIES":   "172.16.0.0/12",
	"KVITT_UNKNOWN_WAIT":      "21m",
	"KVITT_ACTIVITIES":        "7",
	"KVITT_MAIL_FROM":         "kvitt@example.com",
	"KVITT_MAIL_TO":           "books@example.com",
	"KVITT_WEBHOOK_URL":       "https://example.com/hooks/kvitt",
	"KVITT_SYNC_LIMIT":        "27h",
	"KVITT_GRANT_LIFETIME":    "300",
	"KVITT_GRANT_WARNING":     "13",
	"KVITT_DEPLOYMENT":        "kvitt-deployment",
	"KVITT_BUILD_ID":          "1.4.0",
}

// everything returns an .env that sets all that can be set.
func everything() map[string]string {
	env := map[string]string{}
	for name, value := range examples {
		env[name] = value
	}
	return env
}

// portalOnly is the reason that only the portal's service gets a variable.
const portalOnly = "only the portal reads it"

// tellsNobody is the reason that the set-up service gets no secret of mail and webhook.
const tellsNobody = "the set-up sends no notices"

// exceptions are variables that not every service gets from .env, with the reason.
var exceptions = map[string]struct {
	services []string // that do not get it; nil: none does
	reason   string
}{
	"KVITT_ROLES":              {nil, "the roles are what makes the two workers different services"},
	"KVITT_PORTAL_ADDR":        {nil, "inside the container; the published address is set under ports"},
	"KVITT_METRICS_ADDR":       {nil, "inside the container; the published address is set under ports"},
	"KVITT_UI_ADDR":            {nil, "inside the container; the published address is set under ports"},
	"KVITT_UI_UPSTREAM":        {nil, "the Web UI of the same Compose file"},
	"KVITT_MAIL_FROM":          {[]string{"setup"}, tellsNobody},
	"KVITT_MAIL_TO":            {[]string{"setup"}, tellsNobody},
	"KVITT_SMTP_URL":           {[]string{"setup"}, tellsNobody},
	"KVITT_WEBHOOK_URL":        {[]string{"setup"}, tellsNobody},
	"KVITT_WEBHOOK_SECRET":     {[]string{"setup"}, tellsNobody},
	"KVITT_UI_ORIGIN":          {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_CODEC_AUTH":         {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_CODEC_PASSWORD":     {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_ISSUER":        {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_CLIENT_ID":     {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_CLIENT_SECRET": {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_NAME":          {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_TRUST_EMAIL":   {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_EMAIL_CLAIM":   {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_OIDC_REQUIRE":       {[]string{"setup", "starter", "worker-2"}, portalOnly},
	"KVITT_TRUSTED_PROXIES":    {[]string{"setup", "starter", "worker-2"}, portalOnly},
}

// A variable that Compose does not pass on cannot be set by its users.
func TestComposePassesOnEveryVariable(t *testing.T) {
	p, err := project(t, everything())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range config.Variables() {
		if strings.HasSuffix(v.Name, "_FILE") {
			continue // comes with the secret
		}
		except, excepted := exceptions[v.Name]
		for service, s := range p.Services {
			if s.Build == nil {
				continue
			}
			var passed bool
			if v.Secret {
				file := s.Environment[v.Name+"_FILE"]
				passed = file != nil && strings.HasPrefix(*file, "/run/secrets/")
			} else if examples[v.Name] != "" {
				value := s.Environment[v.Name]
				passed = value != nil && *value == examples[v.Name]
			}
			if not := excepted && (except.services == nil || slices.Contains(except.services, service)); passed == not {
				t.Errorf("service %s: %s is passed on: %v; an exception: %v %s", service, v.Name, passed, not, except.reason)
			}
		}
	}
}

// Compose passes variables that are not set in .env as empty, and empty must mean the default.
func TestWhatComposePassesOnCanBeRead(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"only what must be set": {"KVITT_VISMA_CLIENT_ID": "isv_example"},
		"everything":            everything(),
	} {
		p, err := project(t, env)
		if err != nil {
			t.Fatal(err)
		}
		for service, s := range p.Services {
			if s.Build == nil {
				continue
			}
			t.Run(name+", "+service, func(t *testing.T) {
				secrets := secretFiles(t, name == "everything")
				for variable, value := range s.Environment {
					t.Setenv(variable, strings.Replace(*value, "/run/secrets", secrets, 1))
				}
				c, err := config.Load()
				if err != nil {
					t.Fatal(err)
				}
				portal := service == "worker-1"
				if portal != (c.UIAddr != "" && c.UIUpstream == "http://temporal-ui:8080") || portal && name != "everything" && c.CodecAuth != config.CodecSession {
					t.Errorf("the Web UI is behind %q, its payloads behind %q", c.UIAddr, c.CodecAuth)
				}
				if service == "setup" {
					if c.SMTPURL != "" || c.WebhookSecret != "" {
						t.Errorf("the set-up has secrets that it does not need: %+v", s.Secrets)
					}
					return
				}
				if name == "everything" {
					if c.SMTPURL == "" || c.WebhookSecret == "" || len(c.MailTo) != 1 || c.Activities != 7 || c.UnknownWait.String() != "21m0s" || (c.OIDCClientSecret != "") != portal {
						t.Errorf("not everything arrived: %+v", c)
					}
					return
				}
				if c.SMTPURL != "" || c.WebhookURL != "" || c.OIDCIssuer != "" || c.Activities != 32 || c.TaskQueue != "kvitt" || c.VismaAPIURL != "https://api.finance.visma.net" {
					t.Errorf("what is not set is not the default: %+v", c)
				}
			})
		}
	}
}

// secretFiles makes the files that deploy/new-secrets.sh makes; the optional ones are empty unless they
// are filled.
func secretFiles(t *testing.T, filled bool) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"kvitt_database_url": "postgres://kvitt:x@postgres:5432/kvitt", "kvitt_keyset": "a keyset", "kvitt_visma_client_secret": "a secret",
		"kvitt_codec_password": "a long password", "kvitt_smtp_url": "smtp://u:p@mail.example.com:587",
		"kvitt_webhook_secret": "a secret of more than 24 characters", "kvitt_oidc_client_secret": "another secret",
	} {
		if optional := slices.Contains([]string{"kvitt_smtp_url", "kvitt_webhook_secret", "kvitt_oidc_client_secret"}, name); optional && !filled {
			content = ""
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
