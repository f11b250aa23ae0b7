package notify

import (
	"context"
	"errors"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Letter sends a plain text to one person only, not to the recipients of notices.
func (m *Mail) Letter(ctx context.Context, to, subject, text string) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if strings.ContainsFunc(to+subject, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("send a letter: a header of it would have more than one line")
	}
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.from)
	if err := message.To(to); err != nil {
		return m.failure("send a letter", err)
	}
	message.Subject(subject)
	message.SetDate()
	message.SetMessageID()
	message.SetBodyString(gomail.TypeTextPlain, text)
	err := m.signedIn(func(client *gomail.Client) error { return client.DialAndSendWithContext(ctx, message) })
	if err != nil && !message.IsDelivered() {
		return m.failure("send a letter", err)
	}
	return nil
}
