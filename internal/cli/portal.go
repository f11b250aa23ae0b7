package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/signin"
)

func (a *app) portalCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "portal",
		Short: "Invite people to the portal",
		Long: `The web pages are for people whom an administrator has added, each with a role:
viewer, approver or administrator. Here is the way in for the first one, for an
administrator who is locked out, and where there is no OpenID Connect provider.`,
	})
	c.AddCommand(a.inviteCommand())
	return c
}

// invited answers portal invite.
type invited struct {
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	Link      string    `json:"link"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (a *app) inviteCommand() *cobra.Command {
	var role, name string
	c := &cobra.Command{
		Use:   "invite EMAIL",
		Short: "Add a person to the web pages, and print a link that signs them in once",
		Long: `Add a person to the web pages, and print a link that signs them in once. It works
for 24 hours; links that were made for them before are void. Whoever has it signs
in as them, so send it in a way that only they can read.

A person who is known already keeps their role, and gets access again if it had
been withdrawn; roles are changed on the page "People". With an OpenID Connect provider, the link can be thrown away:
whoever has been added can sign in there.`,
		Example: `  starter portal invite anna@example.com --role administrator --name "Anna Berg"
  starter portal invite accountant@example.com --role approver`,
		Args: exactly("an e-mail address"),
		RunE: func(c *cobra.Command, args []string) error {
			if role == "" {
				return usagef("--role is required; it is viewer, approver or administrator")
			}
			r, err := signin.ParseRole(role)
			if err != nil {
				return usagef("--role is %q; it is viewer, approver or administrator", role)
			}
			email, err := signin.ParseEmail(args[0])
			if err != nil {
				return usagef("%q is no e-mail address, such as anna@example.com", args[0])
			}
			return a.local(func(ctx context.Context, s *session, _ []string) error { return s.invite(ctx, email, name, r) })(c, args)
		},
	}
	c.Flags().StringVar(&role, "role", "", "what they may do: `ROLE` is viewer, approver or administrator (required)")
	c.Flags().StringVar(&name, "name", "", "the `NAME` that pages show")
	return c
}

func (s *session) invite(ctx context.Context, email, name string, role signin.Role) error {
	register := signin.NewRegister(s.store, s.config.PublicURL, s.now)
	by := signin.Person{Name: s.who, Role: signin.Administrator} // who can open the database can do everything
	link, err := register.Invite(ctx, by, email, name, role)
	if err != nil {
		return err
	}
	who, err := register.ByEmail(ctx, email)
	if err != nil {
		return err
	}
	out := invited{email, string(who.Role), link, s.now().Add(signin.LinkLife).UTC()}
	return s.show(out, func(w io.Writer) error {
		if who.Role != role {
			s.say("%s is known as %s; the role was not changed to %s. An administrator changes it on the page \"People\".", email, who.Role, role)
		}
		s.say("%s may use the web pages as %s. This link signs them in, once, until %s:", email, who.Role, out.ExpiresAt.Format("2006-01-02 15:04 MST"))
		_, err := fmt.Fprintln(w, link)
		return err
	})
}
