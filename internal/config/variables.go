// Package config reads the settings of the worker and the starter from the
// environment, checks them, and describes them.
//
// It must never repeat a secret in an error, never guess what a wrong value
// was meant to be, and never read a variable that is not in its list.
package config

import "reflect"

// environment is the list of settings as data: one field per variable, read by kelseyhightower/envconfig.
// The tags give the variable's whole name, because with a prefix and a tag envconfig also reads the name
// without the prefix, and DATABASE_URL in somebody's environment is not meant for Kvitt.
//
// All fields are text: envconfig stops at the first value it cannot convert,
// and its error repeats the value. Load converts and checks them all.
type environment struct {
	DatabaseURL           string `envconfig:"KVITT_DATABASE_URL" default:"sqlite:kvitt.db" secret:"true" desc:"the database: sqlite:PATH or postgres://…"`
	DatabaseURLFile       string `envconfig:"KVITT_DATABASE_URL_FILE" desc:"a file that holds KVITT_DATABASE_URL"`
	Keyset                string `envconfig:"KVITT_KEYSET" secret:"true" desc:"required: the Tink keyset that encrypts secrets and Temporal payloads, as starter keyset new prints it"`
	KeysetFile            string `envconfig:"KVITT_KEYSET_FILE" desc:"a file that holds KVITT_KEYSET"`
	TaskQueue             string `envconfig:"KVITT_TASK_QUEUE" default:"kvitt" desc:"the Temporal task queue"`
	Roles                 string `envconfig:"KVITT_ROLES" default:"worker,portal" desc:"the parts that this process runs: worker, portal, or both separated by a comma"`
	PortalAddr            string `envconfig:"KVITT_PORTAL_ADDR" default:"127.0.0.1:8088" desc:"the address at which the portal listens"`
	PublicURL             string `envconfig:"KVITT_PUBLIC_URL" default:"http://127.0.0.1:8088" desc:"the address at which browsers and Visma Connect reach the portal; the OAuth redirect is this and /connect/visma/callback"`
	MetricsAddr           string `envconfig:"KVITT_METRICS_ADDR" default:"127.0.0.1:9090" desc:"the address of Prometheus metrics, /healthz and /readyz"`
	KlarnaBaseURL         string `envconfig:"KVITT_KLARNA_BASE_URL" desc:"overrides Klarna's host, which follows from provider, region and key"`
	VismaAPIURL           string `envconfig:"KVITT_VISMA_API_URL" default:"https://api.finance.visma.net" desc:"the Visma.net ERP API"`
	VismaConnectURL       string `envconfig:"KVITT_VISMA_CONNECT_URL" default:"https://connect.visma.com" desc:"the issuer Visma Connect; its endpoints come from its discovery document"`
	VismaClientID         string `envconfig:"KVITT_VISMA_CLIENT_ID" desc:"the OAuth client that is registered with Visma"`
	VismaClientSecret     string `envconfig:"KVITT_VISMA_CLIENT_SECRET" secret:"true" desc:"the secret of that client"`
	VismaClientSecretFile string `envconfig:"KVITT_VISMA_CLIENT_SECRET_FILE" desc:"a file that holds KVITT_VISMA_CLIENT_SECRET"`
	LogLevel              string `envconfig:"KVITT_LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	LogFormat             string `envconfig:"KVITT_LOG_FORMAT" default:"json" desc:"json or console"`
	UIOrigin              string `envconfig:"KVITT_UI_ORIGIN" default:"http://127.0.0.1:8233" desc:"the origin of the Temporal Web UI, the only one that may use the codec endpoint from a browser"`
	UIAddr                string `envconfig:"KVITT_UI_ADDR" desc:"the address at which people who are signed in to the portal view the Temporal Web UI, read-only; with KVITT_UI_UPSTREAM"`
	UIUpstream            string `envconfig:"KVITT_UI_UPSTREAM" desc:"the URL at which this process reaches the Temporal Web UI; nobody else should reach it"`
	CodecAuth             string `envconfig:"KVITT_CODEC_AUTH" default:"off" desc:"who may use the codec endpoint: off (nobody), session (everybody who is signed in to the portal), password, or loopback (everybody on this machine)"`
	CodecPassword         string `envconfig:"KVITT_CODEC_PASSWORD" secret:"true" desc:"the password of the codec endpoint, with KVITT_CODEC_AUTH=password"`
	CodecPasswordFile     string `envconfig:"KVITT_CODEC_PASSWORD_FILE" desc:"a file that holds KVITT_CODEC_PASSWORD"`
	OIDCIssuer            string `envconfig:"KVITT_OIDC_ISSUER" desc:"the OpenID Connect provider that people sign in at: the issuer in its discovery document; without one, people sign in by one-time links"`
	OIDCClientID          string `envconfig:"KVITT_OIDC_CLIENT_ID" desc:"the client that is registered there, with the redirect address KVITT_PUBLIC_URL and /signin/callback"`
	OIDCClientSecret      string `envconfig:"KVITT_OIDC_CLIENT_SECRET" secret:"true" desc:"the secret of that client"`
	OIDCClientSecretFile  string `envconfig:"KVITT_OIDC_CLIENT_SECRET_FILE" desc:"a file that holds KVITT_OIDC_CLIENT_SECRET"`
	OIDCName              string `envconfig:"KVITT_OIDC_NAME" default:"OpenID Connect" desc:"the provider's name on the button of the sign-in page"`
	OIDCTrustEmail        string `envconfig:"KVITT_OIDC_TRUST_EMAIL" default:"false" desc:"true accepts people whose provider never says whether it has verified their e-mail address; false requires the claim email_verified"`
	OIDCEmailClaim        string `envconfig:"KVITT_OIDC_EMAIL_CLAIM" default:"email" desc:"the claim that identifies people, for example preferred_username; one other than email needs KVITT_OIDC_TRUST_EMAIL=true"`
	OIDCRequire           string `envconfig:"KVITT_OIDC_REQUIRE" desc:"claims that the provider must send for everybody who signs in: CLAIM=VALUE, several values separated by | and several claims by commas, for example groups=ID1|ID2,hd=example.com"`
	TrustedProxies        string `envconfig:"KVITT_TRUSTED_PROXIES" desc:"the proxies whose X-Forwarded-For is believed: addresses and networks separated by commas, for example 127.0.0.1,10.0.0.0/8"`
	UnknownWait           string `envconfig:"KVITT_UNKNOWN_WAIT" default:"15m" desc:"the time that a batch whose outcome is unknown must be missing in Visma.net before it is sent again"`
	Activities            string `envconfig:"KVITT_ACTIVITIES" default:"32" desc:"the largest number of activities that this process runs at once"`
	SMTPURL               string `envconfig:"KVITT_SMTP_URL" secret:"true" desc:"the mail server for notifications: smtp://USER:PASSWORD@HOST:587 with STARTTLS, or smtps://… with implicit TLS; a relay on this machine may have no TLS"`
	SMTPURLFile           string `envconfig:"KVITT_SMTP_URL_FILE" desc:"a file that holds KVITT_SMTP_URL"`
	MailFrom              string `envconfig:"KVITT_MAIL_FROM" desc:"the sender of notifications: Kvitt <kvitt@example.com>"`
	MailTo                string `envconfig:"KVITT_MAIL_TO" desc:"the recipients of notifications, separated by commas"`
	WebhookURL            string `envconfig:"KVITT_WEBHOOK_URL" desc:"the URL to which notifications are posted as signed JSON; https, or http to this machine"`
	WebhookSecret         string `envconfig:"KVITT_WEBHOOK_SECRET" secret:"true" desc:"the secret that signs them: whsec_ and base64, or at least 24 characters"`
	WebhookSecretFile     string `envconfig:"KVITT_WEBHOOK_SECRET_FILE" desc:"a file that holds KVITT_WEBHOOK_SECRET"`
	SyncLimit             string `envconfig:"KVITT_SYNC_LIMIT" default:"26h" desc:"the time without a successful sync of an active connection after which a notice is sent"`
	GrantLifetime         string `envconfig:"KVITT_GRANT_LIFETIME" default:"365" desc:"the lifetime of a person's consent in Visma Connect in days, as set for the OAuth client in Visma's portal"`
	GrantWarning          string `envconfig:"KVITT_GRANT_WARNING" default:"14" desc:"days before the end of a consent at which warnings begin"`
	Deployment            string `envconfig:"KVITT_DEPLOYMENT" desc:"the name of the Temporal worker deployment that this worker belongs to; none: workers have no versions"`
	BuildID               string `envconfig:"KVITT_BUILD_ID" desc:"this worker's version of the deployment, with KVITT_DEPLOYMENT"`
}

// Variable describes a setting.
type Variable struct {
	Name    string
	Default string // "" when there is none
	Meaning string
	Secret  bool // its value must not be shown; it can also be given in Name_FILE
}

// Variables lists every variable that Kvitt reads, besides the TEMPORAL_…
// variables of the Temporal SDK and the libpq variables of PostgreSQL.
func Variables() []Variable {
	var all []Variable
	for f := range fields() {
		all = append(all, Variable{
			Name: f.Tag.Get("envconfig"), Default: f.Tag.Get("default"), Meaning: f.Tag.Get("desc"), Secret: f.Tag.Get("secret") == "true",
		})
	}
	return all
}

func fields() func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		t := reflect.TypeFor[environment]()
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}
