package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/notice"
	"kvitt/internal/vault"
)

// Webhook posts notices as JSON, signed as Standard Webhooks does
// (standardwebhooks.com): webhook-signature is "v1," and the base64 of
// HMAC-SHA256(key, webhook-id "." webhook-timestamp "." body).
type Webhook struct {
	address *url.URL
	key     vault.Secret // the bytes of the key
	http    *http.Client
	now     func() time.Time
}

// NewWebhook makes the channel. A secret that begins with whsec_ is the base64 form of the key; any other
// is the key itself.
func NewWebhook(address string, secret vault.Secret, client *http.Client) (*Webhook, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		return nil, errors.New("configure the webhook: KVITT_WEBHOOK_URL is not a URL that can be posted to")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("configure the webhook: %s is not reached by https, and plain http is allowed to this machine only", u.Hostname())
	}
	key := secret
	if text, ok := strings.CutPrefix(secret.Reveal(), "whsec_"); ok {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("configure the webhook: what follows whsec_ in KVITT_WEBHOOK_SECRET is not base64")
		}
		key = vault.Secret(raw)
	}
	if key == "" {
		return nil, errors.New("configure the webhook: KVITT_WEBHOOK_SECRET, which signs notices, is not set")
	}
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	return &Webhook{address: u, key: key, http: &own, now: time.Now}, nil
}

// Format describes the webhook without its secrets, whatever the verb.
func (w *Webhook) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "webhook at "+w.address.Host) }

// Name names the channel.
func (w *Webhook) Name() string { return "webhook" }

// Send posts the notice once.
func (w *Webhook) Send(ctx context.Context, n *notice.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("post the notice %s: %w", n.ID, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address.String(), bytes.NewReader(body))
	if err != nil {
		return w.failure(n.ID, err)
	}
	timestamp := strconv.FormatInt(w.now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kvitt")
	request.Header.Set("webhook-id", n.ID)
	request.Header.Set("webhook-timestamp", timestamp)
	request.Header.Set("webhook-signature", w.sign(n.ID, timestamp, body))
	answer, err := w.http.Do(request)
	if err != nil {
		return w.failure(n.ID, err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return nil
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return w.failure(n.ID, fmt.Errorf("it answered %d, and redirects are not followed; set KVITT_WEBHOOK_URL to where it leads", answer.StatusCode))
	default:
		return w.failure(n.ID, fmt.Errorf("it answered %d", answer.StatusCode))
	}
}

func (w *Webhook) sign(id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(w.key.Reveal()))
	_, _ = fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Check connects to the host and posts nothing.
func (w *Webhook) Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	port := w.address.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[w.address.Scheme]
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(w.address.Hostname(), port))
	if err != nil {
		return "", fmt.Errorf("reach the webhook's host %s: %w. Check KVITT_WEBHOOK_URL and the network", w.address.Host, err)
	}
	_ = conn.Close()
	return w.address.Host + " can be reached; nothing was posted", nil
}

// failure leaves the address out: its path may hold a token of the receiver.
func (w *Webhook) failure(id string, err error) error {
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err
	}
	return fmt.Errorf("post the notice %s to the webhook at %s: %w", id, w.address.Host, err)
}
