package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/notice"
	"kvitt/internal/notify"
	"kvitt/internal/operate"
	"kvitt/workflows"
)

func (a *app) notifyCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "notify",
		Short: "Send a test notification",
		Long: `Kvitt notifies people by mail and webhook when a connection needs them. Set
KVITT_SMTP_URL or KVITT_WEBHOOK_URL, then test it here.`,
	})
	c.AddCommand(a.notifyTestCommand())
	return c
}

func (a *app) notifyTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test",
		Short: "Send a test message to every channel that is set",
		Long: `Send a test message to every channel that is set: a mail to everybody in
KVITT_MAIL_TO, and a signed request to KVITT_WEBHOOK_URL. Exit status 1 when one
of them did not take it.`,
		Example: `  starter notify test`,
		Args:    exactly(),
		RunE:    func(c *cobra.Command, _ []string) error { return a.notifyTest(c.Context()) },
	}
}

func (a *app) notifyTest(ctx context.Context) error {
	c, err := a.settings()
	if err != nil {
		return err
	}
	channels, err := notify.Channels(&c, a.http)
	if err != nil {
		return err
	}
	if len(channels) == 0 {
		return &operate.Error{
			Attempted: "send a test message", Happened: "there is no channel to send it to",
			Helps: "Set KVITT_SMTP_URL with KVITT_MAIL_FROM and KVITT_MAIL_TO, or KVITT_WEBHOOK_URL with KVITT_WEBHOOK_SECRET.",
		}
	}
	message := notice.Compose(&notice.Facts{ID: notice.ID(notice.Test, notice.Stamp(a.now()), a.random()), Kind: notice.Test, At: a.now()}, "", c.PublicURL)
	var done checks
	for _, channel := range channels {
		if err := channel.Send(ctx, &message); err != nil {
			done.failed(channel.Name(), "", err)
			continue
		}
		done.ok(channel.Name(), "", "took the message "+message.ID)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := a.show(done.list, func(w io.Writer) error { return done.write(w, a.paint) }); err != nil {
		return err
	}
	if done.count(checkFailed) > 0 {
		return errTold
	}
	return nil
}

// channels checks mail and webhook as far as it can without sending.
func (e *examination) channels(ctx context.Context) {
	all, err := notify.Channels(&e.config, e.http)
	if err != nil {
		e.failed("notifications", "", err)
		return
	}
	for _, channel := range all {
		words, err := channel.Check(ctx)
		if err != nil {
			e.failed(channel.Name(), "", err)
			continue
		}
		e.ok(channel.Name(), "", words)
	}
}

// authorization warns of a person's consent that ends. The service flow has
// none.
func (e *examination) authorization(connection string, side *workflows.Side) {
	const name = "authorization"
	if side.Expires.IsZero() || side.State != workflows.SideConnected {
		return
	}
	left, day := side.Expires.Sub(e.now()), side.Expires.UTC().Format(time.DateOnly)
	again := "Authorize again with `starter connection authorize " + connection + "`."
	switch {
	case left <= 0:
		e.warn(name, connection, fmt.Sprintf("It was to expire %s, by KVITT_GRANT_LIFETIME.", day), again)
	case left <= e.config.GrantWarning:
		e.warn(name, connection, fmt.Sprintf("It expires in %s, on %s.", counted(notice.Days(e.now(), side.Expires), "day"), day), again)
	default:
		e.ok(name, connection, "lives until "+day)
	}
}
