package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/notice"
)

// RefusedErrorType is the type of the application error of an update whose
// credential the other side refused; the old one, if any, stays in use. Its
// detail is the code that tells refusals apart, as RefusedCode reads it.
const RefusedErrorType = "refused"

// RefusedCode returns why a credential was refused: one of the Refused codes or the
// other side's own; "" for any other error, and from a worker of before.
func RefusedCode(err error) string {
	var app *temporal.ApplicationError
	var code string
	if !errors.As(err, &app) || app.Type() != RefusedErrorType || !app.HasDetails() || app.Details(&code) != nil {
		return ""
	}
	return code
}

// listen registers what people and other workflows can tell a connection.
func (c *connection) listen(ctx workflow.Context) error {
	ReauthRequired.Listen(ctx, c.onReauthRequired)
	PayoutsMissing.Listen(ctx, c.onPayoutsMissing)
	return errors.Join(
		ConnectionStatus.Answer(ctx, func() Status { return c.Status }),
		ConnectionProgressQuery.Answer(ctx, func() ConnectionProgress {
			return ConnectionProgress{State: c.State, Words: c.words(), Waiting: c.Waiting}
		}),
		ConfigureConnection.Handle(ctx, c.mayConfigure, c.configure),
		SetKlarnaCredential.Handle(ctx, c.maySetCredential, func(ctx workflow.Context, in CredentialSet) (Status, error) {
			return c.setCredential(ctx, ProviderKlarna, SetKlarnaCredential.Name, in)
		}),
		AuthorizeVisma.Handle(ctx, c.maySetCredential, func(ctx workflow.Context, in CredentialSet) (Status, error) {
			return c.setCredential(ctx, ProviderVisma, AuthorizeVisma.Name, in)
		}),
		PauseConnection.Handle(ctx, c.may("pause", ConnActive, ConnReauthRequired), asked(c, PauseConnection, c.pause)),
		ResumeConnection.Handle(ctx, c.may("resume", ConnPaused), asked(c, ResumeConnection, c.resume)),
		Disconnect.Handle(ctx, c.may("disconnect"), asked(c, Disconnect, c.disconnect)),
		SyncNow.Handle(ctx, c.may("sync", ConnActive), asked(c, SyncNow, c.startSync)),
	)
}

// asked has the instruction of a command proven before it is carried out. The
// state may have changed meanwhile, so the command is validated once more.
func asked[Out any](c *connection, u Update[Person, Out], do func(workflow.Context, Person) (Out, error)) func(workflow.Context, Person) (Out, error) {
	return func(ctx workflow.Context, by Person) (out Out, err error) {
		if by.Instruction == "" {
			return do(ctx, by)
		}
		before := c.State
		if err := proven(ctx, c.ID, u.Name, by.Instruction, by); err != nil {
			return out, err
		}
		if c.State != before {
			return out, refused(fmt.Sprintf("connection %s became %s meanwhile; look at it again", c.ID, c.State), "")
		}
		return do(ctx, by)
	}
}

// may validates a command that needs one of the states; none named means any.
func (c *connection) may(verb string, states ...string) func(Person) error {
	return func(by Person) error {
		if err := c.open(verb); err != nil {
			return err
		}
		for _, s := range states {
			if c.State == s {
				return named(by)
			}
		}
		if len(states) == 0 {
			return named(by)
		}
		return fmt.Errorf("%s connection %s: it is %s. %s", verb, c.ID, c.State, c.words())
	}
}

func (c *connection) open(verb string) error {
	switch {
	case c.State == ConnDisconnected:
		return fmt.Errorf("%s connection %s: it is disconnected, which is final; create another connection", verb, c.ID)
	case c.draining:
		return fmt.Errorf("%s connection %s: it is being tidied up; try again in a moment", verb, c.ID)
	}
	return nil
}

func (c *connection) maySetCredential(in CredentialSet) error {
	return errors.Join(c.open("authorise"), instructed(in.Who, in.Instruction))
}

func (c *connection) mayConfigure(in Configure) error {
	s := in.Settings
	if s.Posting != "" && s.Posting != "draft" && s.Posting != "review" && s.Posting != "auto" {
		return fmt.Errorf("configure connection %s: posting is %q; it is draft, review or auto", c.ID, s.Posting)
	}
	if s.Name != "" {
		if err := notice.CheckName(s.Name); err != nil {
			return fmt.Errorf("configure connection %s: %w", c.ID, err)
		}
	}
	if s.Start != "" {
		if _, err := time.Parse(time.DateOnly, s.Start); err != nil {
			return fmt.Errorf("configure connection %s: start is %q; it is a day such as 2026-01-31", c.ID, s.Start)
		}
	}
	if s.Every != 0 && s.Every < time.Minute {
		return fmt.Errorf("configure connection %s: a sync every %s is too often; a minute is the least", c.ID, s.Every)
	}
	return errors.Join(c.open("configure"), instructed(in.Who, in.Instruction))
}

func (c *connection) configure(ctx workflow.Context, in Configure) (Status, error) {
	if err := proven(ctx, c.ID, ConfigureConnection.Name, in.Instruction, in); err != nil {
		return c.Status, err
	}
	c.settings = in.Instruction
	s, waited := in.Settings, c.Start == ""
	for _, change := range []struct {
		to   *string
		from string
	}{{&c.Name, s.Name}, {&c.Posting, s.Posting}, {&c.Start, s.Start}} {
		if change.from != "" {
			*change.to = change.from
		}
	}
	if in.FourEyes != nil {
		c.FourEyes = *in.FourEyes
	}
	if s.ProfileVersion != 0 {
		c.ProfileVersion = s.ProfileVersion
	}
	if s.Every != 0 && s.Every != c.Every {
		c.Every = s.Every
		if c.State == ConnActive {
			if err := c.setSchedule(ctx); err != nil {
				return c.Status, err
			}
		}
	}
	if waited && c.Start != "" {
		return c.Status, c.settle(ctx, "start", in.Who)
	}
	return c.Status, c.save(ctx, "configure", in.Who)
}

func (c *connection) setCredential(ctx workflow.Context, provider, action string, in CredentialSet) (Status, error) {
	if err := proven(ctx, c.ID, action, in.Instruction, in); err != nil {
		return c.Status, err
	}
	// One after the other, so that a new credential is never judged by an old one.
	if err := workflow.Await(ctx, func() bool { return c.busy == 0 }); err != nil {
		return c.Status, err
	}
	defer c.work()()
	got, err := c.verify(ctx, provider, VerifyInput{
		Connection: c.ID, Candidate: true, ExpectCompany: c.Company, Who: in.Who,
	}, in.Who)
	if err != nil {
		return c.Status, err
	}
	if !got.OK {
		return c.Status, temporal.NewNonRetryableApplicationError(sentences(got.Words, got.Remedy), RefusedErrorType, nil, got.Code)
	}
	return c.Status, nil
}

// sentences joins what happened and what helps.
func sentences(happened, helps string) string {
	if helps == "" {
		return happened
	}
	return strings.TrimRight(happened, ". ") + ". " + helps
}

func (c *connection) pause(ctx workflow.Context, by Person) (Status, error) {
	c.enter(ctx, ConnPaused)
	return c.Status, errors.Join(c.setSchedule(ctx), c.save(ctx, "pause", by.Who))
}

func (c *connection) resume(ctx workflow.Context, by Person) (Status, error) {
	c.enter(ctx, ConnVerifying)
	return c.Status, c.settle(ctx, "resume", by.Who)
}

// disconnect is final: tokens are revoked, secrets erased and the schedule
// deleted; books and audit are kept.
func (c *connection) disconnect(ctx workflow.Context, by Person) (Status, error) {
	c.enter(ctx, ConnDisconnected)
	now := workflow.Now(ctx)
	c.Klarna, c.Visma = Side{State: SideMissing, Since: now}, Side{State: SideMissing, Since: now}
	_, erased := EraseSecrets.Run(ctx, c.ID, VerifyInput{Connection: c.ID, Who: by.Who})
	return c.Status, errors.Join(erased, c.setSchedule(ctx), c.save(ctx, "disconnect", by.Who))
}

// words says in a sentence what the connection needs.
func (c *connection) words() string {
	missing := func(side Side, command string) string {
		if side.State == SideConnected {
			return ""
		}
		return fmt.Sprintf("`starter connection %s %s`", command, c.ID)
	}
	need := strings.Join(slices.DeleteFunc([]string{missing(c.Klarna, "klarna-key"), missing(c.Visma, "authorize")}, func(s string) bool { return s == "" }), " and ")
	switch c.State {
	case ConnActive:
		return "Both sides work and syncs run by schedule."
	case ConnPaused:
		return "It was paused by a person; `starter connection resume " + c.ID + "` goes on."
	case ConnReauthRequired:
		return "A side no longer lets Kvitt in; what helps: " + need + "."
	case ConnDisconnected:
		return "It is disconnected, which is final."
	case ConnVerifying:
		if need == "" {
			need = "`starter connection start " + c.ID + "`"
		}
		return "It is not set up yet; what is missing: " + need + "."
	default:
		return "It is not set up yet; what is missing: " + need + "."
	}
}
