package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/operate"
	"kvitt/workflows"
)

func (a *app) syncCommand() *cobra.Command {
	var detach bool
	c := &cobra.Command{
		Use:   "sync ID",
		Short: "Sync a connection now, beside its schedule",
		Long: `Sync a connection now, beside its schedule: fetch the payouts since the last
successful sync and 14 days more, and post those that are not final.`,
		Example: `  starter sync k3x9-m2qp`,
		Args:    exactly("the id of a connection"),
		RunE: a.remote(func(ctx context.Context, s *session, args []string) error {
			return s.sync(ctx, args[0], detach)
		}),
	}
	c.Flags().BoolVar(&detach, "detach", false, "start it and do not watch")
	return c
}

func (s *session) sync(ctx context.Context, id string, detach bool) error {
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	zone, err := s.zone(ctx, id)
	if err != nil {
		return err
	}
	attempted := "sync the connection " + id
	if err := s.staffed(ctx, attempted); err != nil {
		return err
	}
	begun, err := operate.Give(ctx, s.desk(), id, workflows.SyncNow, workflows.ConnectionWorkflowID(id), workflows.Person{Who: s.who}, operate.SettingsWithin)
	if err != nil {
		return operate.Unanswered(attempted, err, operate.NoConnectionWorkflow(&row))
	}
	if detach {
		return s.show(begun, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "The sync runs in Temporal as %s.\n", begun.WorkflowID)
			return err
		})
	}
	result, err := s.follow(ctx, followed{
		connection: id, workflowID: begun.WorkflowID, title: "Sync",
		after: fmt.Sprintf("Stopped watching. The sync goes on in Temporal as %s; `starter connection show %s` tells when it has succeeded.", begun.WorkflowID, id),
	})
	if err != nil {
		return err
	}
	run, err := s.runWindow(ctx, id, begun.WorkflowID)
	if err != nil {
		return err
	}
	f := &finished{connection: id, zone: zone, result: result, window: workflows.Window{From: run.From, To: run.To}}
	f.from, f.to = day(run.From, zone), day(run.To.Add(-time.Microsecond), zone)
	if !run.From.Before(run.To) {
		f.to = f.from
	}
	return s.conclude(ctx, f)
}
