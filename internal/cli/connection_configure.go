package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"kvitt/internal/operate"
	"kvitt/workflows"
)

func (a *app) configureCommand() *cobra.Command {
	var posting, eyes string
	c := &cobra.Command{
		Use:   "configure ID",
		Short: "Change how a connection posts and who may approve",
		Long: `Change how a connection posts and who may approve. What is not named stays as it
is, what was posted stays posted, and what awaits approval goes on awaiting it.

With --four-eyes on, a voucher is not approved by whoever made the version of the
posting profile that it was compiled with.`,
		Example: `  starter connection configure k3x9-m2qp --four-eyes on
  starter connection configure k3x9-m2qp --posting auto`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case posting == "" && eyes == "":
				return usagef("say what to change: --posting, --four-eyes")
			case !slices.Contains([]string{"", "draft", "review", "auto"}, posting):
				return usagef("--posting is %q; it is draft, review or auto", posting)
			case !slices.Contains([]string{"", "on", "off"}, eyes):
				return usagef("--four-eyes is %q; it is on or off", eyes)
			}
			return a.remote(func(ctx context.Context, s *session, args []string) error {
				return s.configure(ctx, args[0], posting, eyes)
			})(c, args)
		},
	}
	c.Flags().StringVar(&posting, "posting", "", "the `MODE`: draft, review or auto")
	c.Flags().StringVar(&eyes, "four-eyes", "", "`on` or off: somebody else than the author of the profile approves")
	return c
}

func (s *session) configure(ctx context.Context, id, posting, eyes string) error {
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	if row.State == workflows.ConnDisconnected {
		return &operate.Error{Attempted: "configure the connection " + id, Happened: "it is disconnected, which is final", Err: errors.New("disconnected")}
	}
	if err := s.staffed(ctx, "configure the connection "+id); err != nil {
		return err
	}
	change := workflows.Configure{Settings: workflows.Settings{Posting: posting}, Who: s.who}
	if eyes != "" {
		on := eyes == "on"
		change.FourEyes = &on
	}
	now, err := s.desk().Configure(ctx, &row, change)
	if err != nil {
		return err
	}
	return s.showConnection(ctx, &now)
}
