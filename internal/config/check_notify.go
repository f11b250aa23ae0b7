package config

import (
	"encoding/base64"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"kvitt/internal/vault"
)

// notifications checks that the settings of mail and webhook fit together.
func (c *checker) notifications(config Config) {
	for _, needed := range []struct {
		variable     string
		set, wanted  bool
		because, ask string
	}{
		{"KVITT_MAIL_FROM", config.MailFrom != "", config.SMTPURL != "", "a KVITT_SMTP_URL", "the address that notifications come from"},
		{"KVITT_MAIL_TO", len(config.MailTo) > 0, config.SMTPURL != "", "a KVITT_SMTP_URL", "the addresses that get them"},
		{"KVITT_SMTP_URL", config.SMTPURL != "", config.MailFrom != "" || len(config.MailTo) > 0, "a KVITT_MAIL_… variable", "the mail server that sends"},
		{"KVITT_WEBHOOK_SECRET", config.WebhookSecret != "", config.WebhookURL != "", "a KVITT_WEBHOOK_URL", "the secret that the receiver knows too"},
		{"KVITT_WEBHOOK_URL", config.WebhookURL != "", config.WebhookSecret != "", "a KVITT_WEBHOOK_SECRET", "where to post"},
	} {
		if needed.wanted && !needed.set && !c.complainedOf(needed.variable) {
			c.problem(needed.variable, "nothing, but "+needed.because, needed.ask)
		}
	}
}

// complainedOf reports whether a problem was already found with a variable or its file.
func (c *checker) complainedOf(variable string) bool {
	for _, p := range c.problems {
		if strings.TrimSuffix(p.Variable, "_FILE") == variable {
			return true
		}
	}
	return false
}

// smtpURL checks the address of the mail server. It may contain a password, so it is never shown.
func (c *checker) smtpURL(name string, value vault.Secret) vault.Secret {
	if value == "" || value == unreadable {
		return ""
	}
	u, err := url.Parse(value.Reveal())
	switch {
	case err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		c.problem(name, "a value (not shown) that is no such URL", "smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465, with % codes for what a URL reserves")
		return ""
	case u.User != nil && u.User.Username() == "":
		c.problem(name, "a password without a user (not shown)", "smtp://USER:PASSWORD@HOST:587")
		return ""
	}
	return value
}

func (c *checker) sender(name, value string) string {
	if value == "" {
		return ""
	}
	a, err := mail.ParseAddress(value)
	if err != nil {
		c.problem(name, fmt.Sprintf("%q", value), "one address, for example Kvitt <kvitt@example.com>")
		return ""
	}
	return a.String()
}

func (c *checker) recipients(name, value string) []string {
	if value == "" {
		return nil
	}
	all, err := mail.ParseAddressList(value)
	if err != nil {
		c.problem(name, fmt.Sprintf("%q", value), "addresses with commas between, for example anna@example.com,books@example.com")
		return nil
	}
	var addresses []string
	for _, a := range all {
		addresses = append(addresses, a.Address)
	}
	return addresses
}

// webhookURL checks a URL that may have a query, and may hold a token of the receiver: only its host is
// shown.
func (c *checker) webhookURL(name, value string) string {
	const example = "https://example.com/hooks/kvitt"
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" || u.Fragment != "":
		c.problem(name, "a value (not shown) that is no http or https URL", example)
	case u.User != nil:
		c.problem(name, "a URL with a user in it", "one without, for example "+example)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		c.problem(name, "plain http to "+u.Hostname(), "https: plain http is for 127.0.0.1 and localhost only")
	default:
		return value
	}
	return ""
}

func (c *checker) webhookSecret(name string, value vault.Secret) vault.Secret {
	const expected = "whsec_ and base64 of 24 to 64 random bytes, or at least 24 characters"
	if value == "" || value == unreadable {
		return ""
	}
	if text, ok := strings.CutPrefix(value.Reveal(), "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(text); err != nil || len(key) < 24 {
			c.problem(name, "whsec_ and what is not base64 of 24 bytes or more (not shown)", expected)
			return ""
		}
		return value
	}
	if len(value.Reveal()) < 24 {
		c.problem(name, "one of fewer than 24 characters", expected)
		return ""
	}
	return value
}

func (c *checker) days(name, value string) time.Duration {
	return time.Duration(c.number(name, value, 1, 3650)) * 24 * time.Hour
}
