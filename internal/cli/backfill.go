package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/activities"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// backfill is a backfill to start, or to act on.
type backfill struct {
	connection, from, to string
	concurrency          int
	dryRun, detach, yes  bool

	attach, pause, resume, cancel bool

	window workflows.Window
	zone   *time.Location
}

func (a *app) backfillCommand() *cobra.Command {
	in := &backfill{}
	c := &cobra.Command{
		Use:   "backfill ID --from DATE --to DATE",
		Short: "Post all payouts of a date range, and report on each",
		Long: `Fetch, prove and post all payouts from one day to another, both included, in the
company's zone. Payouts that are final are skipped, so a backfill can be repeated. It
runs in Temporal: Ctrl-C stops only the watching, and the backfill survives restarts
of every part.

With --dry-run everything is fetched, proven and compiled, and nothing is posted.`,
		Example: `  starter backfill k3x9-m2qp --from 2026-01-01 --to 2026-01-31 --dry-run
  starter backfill k3x9-m2qp --from 2025-01-01 --to 2025-12-31 --detach
  starter backfill k3x9-m2qp --from 2025-01-01 --to 2025-12-31 --attach
  starter backfill k3x9-m2qp --from 2025-01-01 --to 2025-12-31 --cancel`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			in.connection = args[0]
			if err := in.check(); err != nil {
				return err
			}
			return a.remote(func(ctx context.Context, s *session, _ []string) error { return s.backfill(ctx, in) })(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&in.from, "from", "", "the first day, a `DATE` such as 2026-01-31 (required)")
	f.StringVar(&in.to, "to", "", "the last day, a `DATE` such as 2026-01-31 (required)")
	f.BoolVar(&in.dryRun, "dry-run", false, "post nothing, and tell what would happen")
	f.IntVar(&in.concurrency, "concurrency", 0, "at most `N` payouts at a time (default 8)")
	f.BoolVar(&in.detach, "detach", false, "start it and do not watch")
	f.BoolVar(&in.attach, "attach", false, "watch one that runs already, or show the result of one that has ended")
	f.BoolVar(&in.pause, "pause", false, "pause one that runs: what is under way is finished, nothing else begins")
	f.BoolVar(&in.resume, "resume", false, "let a paused one go on")
	f.BoolVar(&in.cancel, "cancel", false, "stop one that runs: what is under way is finished first")
	f.BoolVar(&in.yes, "yes", false, "do not ask about days before the connection's start")
	return c
}

func (in *backfill) check() error {
	if in.from == "" || in.to == "" {
		return usagef("--from and --to are both needed: the first and the last day, such as 2026-01-31")
	}
	from, err := parseDay("--from", in.from)
	if err != nil {
		return err
	}
	to, err := parseDay("--to", in.to)
	if err != nil {
		return err
	}
	if err := bounded(from, to); err != nil {
		return err
	}
	acts := 0
	for _, act := range []bool{in.attach, in.pause, in.resume, in.cancel} {
		if act {
			acts++
		}
	}
	switch {
	case to.Before(from):
		return usagef("--to %s is before --from %s; swap them", in.to, in.from)
	case acts > 1:
		return usagef("--attach, --pause, --resume and --cancel are one at a time")
	case acts == 1 && (in.detach || in.dryRun || in.concurrency != 0):
		return usagef("--attach, --pause, --resume and --cancel are about a backfill that runs already; --dry-run, --concurrency and --detach are for a new one")
	case in.concurrency < 0 || in.concurrency > operate.MostConcurrency:
		return usagef("--concurrency is %d; it is from 1 to %d", in.concurrency, operate.MostConcurrency)
	}
	return nil
}

func (in *backfill) workflowID() string {
	return workflows.BackfillWorkflowID(in.connection, in.from, in.to)
}

// command returns how to act on this backfill.
func (in *backfill) command(flag string) string {
	return fmt.Sprintf("starter backfill %s --from %s --to %s %s", in.connection, in.from, in.to, flag)
}

func (s *session) backfill(ctx context.Context, in *backfill) error {
	row, err := s.connection(ctx, in.connection)
	if err != nil {
		return err
	}
	if in.zone, err = s.zone(ctx, row.ID); err != nil {
		return err
	}
	if in.window, err = activities.Days(in.from, in.to, in.zone); err != nil {
		return err
	}
	switch {
	case in.pause:
		return s.tellBackfill(ctx, in, workflows.PauseSync, "pause", "What is under way is finished; nothing else begins until "+"`"+in.command("--resume")+"`.")
	case in.resume:
		return s.tellBackfill(ctx, in, workflows.ResumeSync, "resume", "Watch it with `"+in.command("--attach")+"`.")
	case in.cancel:
		return s.tellBackfill(ctx, in, workflows.CancelSync, "cancel", "What is under way is finished first; what is posted stays posted.")
	case in.attach:
		return s.watchBackfill(ctx, in)
	}
	if err := s.mayBackfill(ctx, in, &row); err != nil {
		return err
	}
	if err := s.startBackfill(ctx, in); err != nil {
		return err
	}
	if in.detach {
		return s.detached(in)
	}
	return s.watchBackfill(ctx, in)
}

// mayBackfill makes sure that the backfill can work and is meant.
func (s *session) mayBackfill(ctx context.Context, in *backfill, row *store.Connection) error {
	attempted := fmt.Sprintf("backfill the connection %s from %s to %s", row.ID, in.from, in.to)
	status, err := operate.StatusOf(row)
	if err != nil {
		return err
	}
	switch {
	case row.State == workflows.ConnActive, row.State == workflows.ConnPaused && in.dryRun:
	case row.State == workflows.ConnDisconnected:
		return &operate.Error{Attempted: attempted, Happened: stateWords(row.State), Helps: "Create another connection."}
	default:
		f := &operate.Error{Attempted: attempted, Happened: stateWords(row.State)}
		if next := needs(&status); next != "" {
			f.Helps = "What comes next: `" + next + "`."
		}
		return f
	}
	if today := day(s.now(), in.zone); in.from > today {
		return usagef("--from %s lies in the future; it is %s, and Klarna has paid nothing out after that", in.from, today)
	}
	if err := s.staffed(ctx, attempted); err != nil {
		return err
	}
	if in.from >= row.Start || in.dryRun { // both are YYYY-MM-DD
		return nil
	}
	return s.confirm(ctx, in.yes, fmt.Sprintf("The connection starts at %s, and this backfill posts from %s on: days that may be booked already.", row.Start, in.from), "yes")
}

func (s *session) startBackfill(ctx context.Context, in *backfill) error {
	_, err := s.desk().StartBackfill(ctx, workflows.SyncInput{
		Connection: in.connection, From: in.from, To: in.to, DryRun: in.dryRun, Concurrency: in.concurrency, Who: s.who,
	})
	if errors.Is(err, operate.ErrRunning) {
		return &operate.Error{
			Attempted: fmt.Sprintf("start a backfill from %s to %s", in.from, in.to), Happened: "one of exactly these days runs already", Err: err,
			Helps: "Watch it with `" + in.command("--attach") + "`, or stop it with --cancel in the place of --attach.",
		}
	}
	return err
}

// started answers --detach, --pause, --resume and --cancel.
type started struct {
	WorkflowID string `json:"workflow_id"`
	Connection string `json:"connection"`
	From       string `json:"from"`
	To         string `json:"to"`
	DryRun     bool   `json:"dry_run"`
	Asked      string `json:"asked"` // start, pause, resume or cancel
}

func (s *session) detached(in *backfill) error {
	return s.show(started{in.workflowID(), in.connection, in.from, in.to, in.dryRun, "start"}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "The backfill runs in Temporal as %s.\n\n%s\n", in.workflowID(), in.ways())
		return err
	})
}

// ways are the ways to go on with a backfill that is not watched.
func (in *backfill) ways() string {
	return strings.Join([]string{
		"  watch   " + in.command("--attach"),
		"  pause   " + in.command("--pause"),
		"  cancel  " + in.command("--cancel"),
	}, "\n")
}

func (s *session) tellBackfill(ctx context.Context, in *backfill, what workflows.Signal[workflows.Person], verb, then string) error {
	err := operate.Tell(ctx, s.temporal, what, in.workflowID(), workflows.Person{Who: s.who})
	if err != nil {
		return operate.Unanswered(fmt.Sprintf("%s the backfill from %s to %s", verb, in.from, in.to), err, in.none())
	}
	return s.show(started{in.workflowID(), in.connection, in.from, in.to, false, verb}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Asked the backfill to %s. %s\n", verb, then)
		return err
	})
}

// none is the error for a backfill that does not run.
func (in *backfill) none() *operate.Error {
	return &operate.Error{Happened: "none of exactly these days runs", Helps: "Start one with `" + strings.TrimSpace(in.command("")) + "`."}
}

func (s *session) watchBackfill(ctx context.Context, in *backfill) error {
	title := fmt.Sprintf("Backfill %s to %s", in.from, in.to)
	if in.dryRun {
		title = fmt.Sprintf("Dry run %s to %s", in.from, in.to)
	}
	result, err := s.follow(ctx, followed{
		connection: in.connection, workflowID: in.workflowID(), title: title,
		paused: "paused; the same command with --resume lets it go on",
		after:  "Stopped watching. The backfill goes on in Temporal:\n" + in.ways(),
	})
	if errors.Is(err, operate.ErrNotRunning) {
		return operate.Unanswered(fmt.Sprintf("watch the backfill from %s to %s", in.from, in.to), err, in.none())
	}
	if err != nil {
		return err
	}
	dry := in.dryRun
	if run, err := s.runWindow(ctx, in.connection, in.workflowID()); err == nil {
		dry = run.Mode == "dry_run" // --attach does not say
	}
	return s.conclude(ctx, &finished{
		connection: in.connection, from: in.from, to: in.to, window: in.window, zone: in.zone, dryRun: dry, result: result,
	})
}
