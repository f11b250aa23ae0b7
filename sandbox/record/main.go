// Command record runs the released workflows on a real Temporal server with scripted activities and saves
// their histories, so that later code can be replayed against them. Run it once per release, from that
// release's code, never from a branch under test; see docs/decisions.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

const queue = "record"

func main() {
	version := flag.String("version", "", "the release that is recorded, such as `v1`")
	only := flag.String("workflow", "", "record this `workflow` type only, for one that is new in the release")
	out := flag.String("out", "workflows/testdata/histories", "`folder` to write to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := record(ctx, *version, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func record(ctx context.Context, version, only, out string) error {
	if version == "" {
		return errors.New("-version is required: the release, such as v1")
	}
	module, err := stack.Module()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kvitt-record-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := stack.TemporalPath(ctx, module, os.Stderr)
	if err != nil {
		return err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	server, err := stack.StartTemporal(ctx, path, dir, address, "", "")
	if err != nil {
		return err
	}
	defer server.Stop()
	c, err := client.DialContext(ctx, client.Options{HostPort: server.Address, Identity: "record", Logger: stack.Quiet{}})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := stack.RegisterAttributes(ctx, c); err != nil {
		return err
	}
	w := worker.New(c, queue, worker.Options{})
	workflows.Register(w)
	register(w)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	for _, s := range scenarios {
		if only != "" && s.workflow != only {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s %s\n", s.workflow, s.name)
		id, err := s.run(ctx, c)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
		if err := keep(ctx, c, id, filepath.Join(out, s.workflow, version+"-"+s.name+".json")); err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
	}
	return nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// keep writes the whole history of a workflow as JSON.
func keep(ctx context.Context, c client.Client, id, path string) error {
	var history historypb.History
	events := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return err
		}
		history.Events = append(history.Events, e)
	}
	b, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&history)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// scenario runs a workflow through some events and returns its id.
type scenario struct {
	workflow, name string
	run            func(ctx context.Context, c client.Client) (string, error)
}

var (
	anna      = workflows.Person{Instruction: "recorded", Who: "anna", Reason: "as agreed"}
	payoutDay = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
)

var scenarios = []scenario{
	{workflows.PayoutWorkflowName, "posted", payout("posted", nil)},
	{workflows.PayoutWorkflowName, "draft", payout("draft", nil)},
	{workflows.PayoutWorkflowName, "was-final", payout("final", nil)},
	{workflows.PayoutWorkflowName, "unknown-then-adopted", payout("unknown", nil)},
	{workflows.PayoutWorkflowName, "held-then-retried", payout("held", func(ctx context.Context, c client.Client, id string) error {
		return command(ctx, c, id, workflows.RetryPayout.Name)
	})},
	{workflows.PayoutWorkflowName, "approved", payout("approval", func(ctx context.Context, c client.Client, id string) error {
		return command(ctx, c, id, workflows.ApprovePayout.Name)
	})},
	{workflows.PayoutWorkflowName, "rejected", payout("rejected", func(ctx context.Context, c client.Client, id string) error {
		return command(ctx, c, id, workflows.RejectPayout.Name)
	})},
	{workflows.PayoutWorkflowName, "rule-then-profile", payout("rule", func(ctx context.Context, c client.Client, id string) error {
		return c.SignalWorkflow(ctx, id, "", workflows.ProfileChanged.Name, 2)
	})},
	{workflows.PayoutWorkflowName, "credential-then-reauthenticated", payout("credential", func(ctx context.Context, c client.Client, id string) error {
		return c.SignalWorkflow(ctx, id, "", workflows.Reauthenticated.Name, workflows.ProviderVisma)
	})},
	{workflows.PayoutWorkflowName, "split", payout("split", nil)},
	{workflows.PayoutWorkflowName, "reposted", payout("reposted", nil)},
	{workflows.ReversePayoutWorkflowName, "reversed", reversal("posted", nil)},
	{workflows.ReversePayoutWorkflowName, "refused", reversal("refused", nil)},
	{workflows.ReversePayoutWorkflowName, "held-then-retried", reversal("closed", func(ctx context.Context, c client.Client, id string) error {
		return command(ctx, c, id, workflows.RetryPayout.Name)
	})},
	{workflows.ReversePayoutWorkflowName, "withdrawn", reversal("withdrawn", func(ctx context.Context, c client.Client, id string) error {
		return command(ctx, c, id, workflows.RejectPayout.Name)
	})},
	{workflows.AccrualWorkflowName, "unknown-then-verified", accrual},
	{workflows.SettlementSyncWorkflowName, "backfill", backfill("months", workflows.SyncInput{Mode: workflows.ModeBackfill})},
	{workflows.SettlementSyncWorkflowName, "dry-run", backfill("dry", workflows.SyncInput{Mode: workflows.ModeBackfill, DryRun: true})},
	{workflows.SettlementSyncWorkflowName, "one-held", backfill("onehold", workflows.SyncInput{Mode: workflows.ModeNow})},
	{workflows.ConnectionWorkflowName, "setup-reauth-disconnect", connection},
}

func payout(kind string, when func(context.Context, client.Client, string) error) func(context.Context, client.Client) (string, error) {
	return func(ctx context.Context, c client.Client) (string, error) {
		in := workflows.PayoutInput{PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: kind}, Date: payoutDay}
		if kind == "reposted" {
			in.Repost = &anna
		}
		id := workflows.PayoutWorkflowID("c1", kind)
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.PayoutWorkflowName, in)
		if err != nil {
			return id, err
		}
		if when != nil {
			if err := until(ctx, c, id, func(s workflows.PayoutStatus) bool { return s.Held != nil }); err != nil {
				return id, err
			}
			if err := when(ctx, c, id); err != nil {
				return id, err
			}
		}
		return id, run.Get(ctx, nil)
	}
}

func reversal(kind string, when func(context.Context, client.Client, string) error) func(context.Context, client.Client) (string, error) {
	return func(ctx context.Context, c client.Client) (string, error) {
		in := workflows.ReverseInput{PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: kind}, Revision: 1, Who: anna.Who, Reason: anna.Reason, Instruction: "recorded"}
		id := workflows.ReverseWorkflowID("c1", kind, in.Revision)
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.ReversePayoutWorkflowName, in)
		if err != nil {
			return id, err
		}
		if when != nil {
			if err := until(ctx, c, id, func(s workflows.ReverseStatus) bool { return s.Told }); err != nil {
				return id, err
			}
			if err := when(ctx, c, id); err != nil {
				return id, err
			}
		}
		return id, run.Get(ctx, nil)
	}
}

func accrual(ctx context.Context, c client.Client) (string, error) {
	in := workflows.AccrualInput{Connection: "c1", At: "2026-01-31", Currency: "SEK", Who: anna.Who, Instruction: "recorded"}
	id := workflows.AccrualWorkflowID(in.Connection, in.At, in.Currency)
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.AccrualWorkflowName, in)
	if err != nil {
		return id, err
	}
	return id, run.Get(ctx, nil)
}

func backfill(connection string, in workflows.SyncInput) func(context.Context, client.Client) (string, error) {
	return func(ctx context.Context, c client.Client) (string, error) {
		in.Connection, in.From, in.To = connection, "2026-01-01", "2026-02-28"
		id := workflows.BackfillWorkflowID(connection, in.From, in.To)
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.SettlementSyncWorkflowName, in)
		if err != nil {
			return id, err
		}
		for _, s := range []string{workflows.PauseSync.Name, workflows.ResumeSync.Name} {
			if err := c.SignalWorkflow(ctx, id, "", s, anna); err != nil {
				return id, err
			}
		}
		return id, run.Get(ctx, nil)
	}
}

func connection(ctx context.Context, c client.Client) (string, error) {
	id := workflows.ConnectionWorkflowID("c1")
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.ConnectionWorkflowName, workflows.ConnectionInput{
		ID: "c1", Who: "anna", Instruction: "recorded", Settings: workflows.Settings{Name: "Shop", Provider: "klarna", Region: "eu", Posting: "review", Start: "2026-01-01", ProfileVersion: 1},
	})
	if err != nil {
		return id, err
	}
	set := workflows.CredentialSet{Who: "anna", Instruction: "recorded"}
	for _, u := range []struct {
		name string
		in   any
	}{
		{workflows.SetKlarnaCredential.Name, set},
		{workflows.AuthorizeVisma.Name, set},
		{workflows.ConfigureConnection.Name, workflows.Configure{Who: "anna", Instruction: "recorded", Settings: workflows.Settings{Posting: "auto"}}},
		{workflows.PauseConnection.Name, anna},
		{workflows.ResumeConnection.Name, anna},
		{workflows.SyncNow.Name, anna},
	} {
		if err := update(ctx, c, id, u.name, u.in); err != nil {
			return id, err
		}
	}
	if err := c.SignalWorkflow(ctx, id, "", workflows.ReauthRequired.Name, workflows.ReauthNeeded{Provider: workflows.ProviderKlarna, WorkflowID: "payout/c1/gone", Reason: "the key was revoked"}); err != nil {
		return id, err
	}
	if err := until(ctx, c, id, func(s workflows.Status) bool { return s.State == workflows.ConnReauthRequired }); err != nil {
		return id, err
	}
	if err := update(ctx, c, id, workflows.SetKlarnaCredential.Name, set); err != nil {
		return id, err
	}
	return id, update(ctx, c, id, workflows.Disconnect.Name, anna)
}

func command(ctx context.Context, c client.Client, id, name string) error {
	return update(ctx, c, id, name, anna)
}

func update(ctx context.Context, c client.Client, id, name string, in any) error {
	h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err != nil {
		return err
	}
	return h.Get(ctx, nil)
}

// until repeats the Status query until the answer is as expected.
func until[S any](ctx context.Context, c client.Client, id string, is func(S) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		value, err := c.QueryWorkflow(ctx, id, "", "Status")
		var s S
		if err == nil && value.Get(&s) == nil && is(s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", id, ctx.Err())
		case <-tick.C:
		}
	}
}
