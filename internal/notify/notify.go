// Package notify sends notices: by plain SMTP and by signed webhook.
//
// It sends what it is given and decides nothing. It must never put a password, a signing secret or a
// webhook's address into an error, never use an unencrypted connection beyond this machine, and never
// follow a redirect.
package notify

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"kvitt/internal/config"
	"kvitt/internal/notice"
)

// within limits one attempt to send, from looking up the host to its answer.
const within = 20 * time.Second

// Channel is a way to reach people. Its errors are sentences without secrets.
type Channel interface {
	// Name is mail or webhook.
	Name() string
	// Send sends a notice once. Receivers recognise a repetition by its id.
	Send(ctx context.Context, n *notice.Notice) error
	// Check tests as much as possible without sending, and says what was tested.
	Check(ctx context.Context) (words string, err error)
}

// Channels returns the channels that are configured: none, one or both. client is for the webhook; nil
// means a new one.
func Channels(c *config.Config, client *http.Client) ([]Channel, error) {
	var all []Channel
	if c.SMTPURL != "" {
		m, err := NewMail(c.SMTPURL, c.MailFrom, c.MailTo)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if c.WebhookURL != "" {
		w, err := NewWebhook(c.WebhookURL, c.WebhookSecret, client)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
