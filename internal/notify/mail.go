package notify

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"kvitt/internal/notice"
	"kvitt/internal/vault"
)

// Mail sends notices as plain text by SMTP. Beyond this machine it requires TLS with a valid certificate:
// STARTTLS for smtp, implicit TLS for smtps. With a relay on this machine it uses TLS where that is
// offered, whatever the certificate says, and otherwise an unencrypted connection.
type Mail struct {
	host     string
	options  []gomail.Option
	secrets  []string
	from     *mail.Address
	to       []string
	user     string // "": no sign-in
	password string

	implicit bool        // implicit TLS
	local    bool        // the server is on this machine
	tls      *tls.Config // trusted authorities; nil: those of this machine
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewMail makes the channel from smtp://USER:PASSWORD@HOST:587 or smtps://….
func NewMail(server vault.Secret, from string, to []string) (*Mail, error) {
	u, err := url.Parse(server.Reveal())
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("configure mail: KVITT_SMTP_URL is not smtp://USER:PASSWORD@HOST:587 or smtps://…")
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("configure mail: KVITT_MAIL_FROM is %q, which is no address", from)
	}
	if len(to) == 0 {
		return nil, errors.New("configure mail: KVITT_MAIL_TO names nobody")
	}
	port := 587
	if u.Scheme == "smtps" {
		port = 465
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("configure mail: the port in KVITT_SMTP_URL is no number")
		}
	}
	m := &Mail{host: u.Hostname(), from: sender, to: to, implicit: u.Scheme == "smtps", local: loopback(u.Hostname()), dial: new(net.Dialer).DialContext}
	_, domain, _ := strings.Cut(sender.Address, "@")
	m.options = []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(within), gomail.WithHELO(domain)}
	switch {
	case m.implicit:
		m.options = append(m.options, gomail.WithSSL())
	case m.local:
		m.options = append(m.options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		m.options = append(m.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if u.User != nil {
		m.user = u.User.Username()
		m.password, _ = u.User.Password()
		m.secrets = []string{
			server.Reveal(), m.password, base64.StdEncoding.EncodeToString([]byte(m.password)),
			base64.StdEncoding.EncodeToString([]byte("\x00" + m.user + "\x00" + m.password)),
		}
	}
	return m, nil
}

// Format describes the channel without its secrets, whatever the verb.
func (m *Mail) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "mail by "+m.host) }

// Name names the channel.
func (m *Mail) Name() string { return "mail" }

// Send sends the notice once, to all recipients.
func (m *Mail) Send(ctx context.Context, n *notice.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	message, err := m.compose(n)
	if err != nil {
		return m.failure("send the notice "+n.ID, err)
	}
	err = m.signedIn(func(client *gomail.Client) error { return client.DialAndSendWithContext(ctx, message) })
	if err != nil && !message.IsDelivered() {
		return m.failure("send the notice "+n.ID, err)
	}
	return nil // an error after the server has accepted the message changes nothing
}

// client returns a client for one connection. The library leaves a connection open that failed during
// set-up; hangUp closes it.
func (m *Mail) client(auth smtp.Auth) (client *gomail.Client, hangUp func(), err error) {
	// A relay on this machine has the certificate that its packages made: for another name, and
	// self-signed. No other server can be in its place.
	config := &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: m.local} //nolint:gosec // see above
	if m.tls != nil {
		config = m.tls
	}
	options := slices.Clone(m.options)
	if auth != nil {
		options = append(options, gomail.WithSMTPAuthCustom(auth))
	}
	var open net.Conn
	client, err = gomail.NewClient(m.host, slices.Concat(options, []gomail.Option{
		gomail.WithTLSConfig(config),
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := m.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			open = conn
			if to, ok := conn.RemoteAddr().(*net.TCPAddr); m.local && ok && !to.IP.IsLoopback() {
				return nil, fmt.Errorf("%s resolves to %s, which is not on this machine: name the server as its certificate does", m.host, to.IP)
			}
			if !m.implicit {
				return conn, nil
			}
			secure := tls.Client(conn, config)
			return secure, secure.HandshakeContext(ctx)
		}),
	})...)
	return client, func() {
		if open != nil {
			_ = open.Close()
		}
	}, err
}

// compose writes the message. A header must be one line.
func (m *Mail) compose(n *notice.Notice) (*gomail.Msg, error) {
	_, domain, _ := strings.Cut(m.from.Address, "@")
	subject, id := n.Subject(), n.ID+"@"+domain
	for _, header := range []string{subject, id} {
		if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, errors.New("a header would have more than one line, so somebody could inject headers; it is not sent")
		}
	}
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.from)
	if err := message.To(m.to...); err != nil {
		return nil, err
	}
	message.Subject(subject)
	message.SetMessageIDWithValue(id)
	message.SetDateWithValue(n.At)
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeaderPreformatted("List-Id", "Kvitt notifications <kvitt-notifications."+domain+">")
	message.SetGenHeader("X-Kvitt-Kind", string(n.Kind))
	message.SetBodyString(gomail.TypeTextPlain, n.Text())
	return message, nil
}

// Check connects, starts TLS, signs in, and sends NOOP.
func (m *Mail) Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	attempted := "sign in to the mail server " + m.host
	err := m.signedIn(func(client *gomail.Client) error {
		if err := client.DialWithContext(ctx); err != nil {
			return err
		}
		return client.Reset() // asks with NOOP first
	})
	if err != nil {
		return "", m.failure(attempted, err)
	}
	if m.user == "" {
		return m.host + " answers; nothing was sent", nil
	}
	return m.host + " answers and accepts the sign-in; nothing was sent", nil
}

// failure removes the password from error texts of a server or a library.
func (m *Mail) failure(attempted string, err error) error {
	words := err.Error()
	for _, secret := range m.secrets {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, "[redacted]")
		}
	}
	return fmt.Errorf("%s: mail server %s: %s. %s", attempted, m.host, strings.Join(strings.Fields(words), " "), m.helps(err))
}

// helps returns what to change.
func (m *Mail) helps(err error) string {
	var nobody *nobodyKnowsError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &nobody):
		return nobody.helps
	case errors.As(err, &certificate):
		return "Let KVITT_SMTP_URL name the server as its certificate does; if an authority of your own has signed it, let this machine trust that authority (SSL_CERT_FILE)"
	case !m.local && !m.implicit && strings.Contains(err.Error(), "STARTTLS"):
		return "Mail beyond this machine requires TLS: use smtps://…:465 in KVITT_SMTP_URL, or a relay on this machine"
	}
	return "Check KVITT_SMTP_URL and the server's answer"
}
