package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kvitt/internal/store"
	"kvitt/workflows"
)

// followed is a sync to watch.
type followed struct {
	connection string
	workflowID string
	title      string
	// after says how to go on watching once this command has stopped.
	after string
}

// queryEvery is how often a workflow is asked for its progress.
const (
	queryEvery      = time.Second
	queryEveryPlain = 2 * time.Second
)

// follow watches a sync until it ends. Ctrl-C stops the watching, and not what
// is watched.
func (s *session) follow(ctx context.Context, f followed) (workflows.SyncResult, error) {
	type ending struct {
		result workflows.SyncResult
		err    error
	}
	end := make(chan ending, 1)
	go func() {
		var e ending
		e.err = s.temporal.Result(ctx, f.workflowID, &e.result)
		end <- e
	}()
	screen := s.newView(f.title, "months")
	var last workflows.Progress
	every := queryEveryPlain
	if isTerminal(s.Err) {
		every = queryEvery
	}
	if s.every > 0 {
		every = s.every
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	stopped := func() (workflows.SyncResult, error) {
		screen.Done()
		s.say("\n%s", f.after)
		return workflows.SyncResult{}, errTold
	}
	s.look(ctx, f, screen, &last)
	for {
		select {
		case <-ctx.Done():
			return stopped()
		case e := <-end:
			if ctx.Err() != nil { // it was the wait that ended, not the sync
				return stopped()
			}
			if e.err == nil {
				screen.Show(&e.result.Progress, "")
			}
			screen.Done()
			return e.result, s.ended(f, e.err)
		case <-tick.C:
			s.look(ctx, f, screen, &last)
		}
	}
}

// look asks for the progress once and shows it.
func (s *session) look(ctx context.Context, f followed, screen view, last *workflows.Progress) {
	now, err := query(ctx, s.temporal, workflows.ProgressQuery, f.workflowID)
	note := ""
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		*last = now
		if now.State == "waiting" {
			note = s.waitsFor(ctx, f.connection)
		}
	case errors.Is(err, errNoAnswer):
		note = "neither Temporal nor a worker answers; it goes on when they do"
	case errors.Is(err, errNotRunning):
		return // it has just ended, or has not begun
	default:
		note = "Temporal does not answer; trying again"
	}
	screen.Show(last, note)
}

// waitsFor tells which credential a sync waits for, and what helps.
func (s *session) waitsFor(ctx context.Context, connection string) string {
	row, err := s.store.Connection(ctx, connection)
	if err != nil {
		return ""
	}
	status, err := statusOf(&row)
	if err != nil {
		return ""
	}
	switch workflows.SideReauthRequired {
	case status.Klarna.State:
		return "waits: Klarna no longer lets Kvitt in. " + status.Klarna.Remedy
	case status.Visma.State:
		return "waits: Visma.net no longer lets Kvitt in. " + status.Visma.Remedy
	}
	return ""
}

func (s *session) ended(f followed, err error) error {
	var refusal *RefusalError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return &CommandError{Attempted: "follow the workflow " + f.workflowID, Happened: "it failed: " + refusal.Words, Err: err, Helps: "What was posted stays posted. Correct the cause and start it again."}
	case errors.Is(err, errNotRunning):
		return &CommandError{Attempted: "follow the workflow " + f.workflowID, Happened: "Temporal does not know it", Err: err}
	default:
		return err
	}
}

// runWindow is the window of a sync, from Kvitt's own record of it.
func (s *session) runWindow(ctx context.Context, connection, workflowID string) (*store.SyncRun, error) {
	runs, err := s.store.SyncRuns(ctx, connection, 20)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		if len(runs[i].ID) > len(workflowID) && runs[i].ID[:len(workflowID)+1] == workflowID+"@" {
			return &runs[i], nil
		}
	}
	return nil, fmt.Errorf("find the record of the sync %s: %w", workflowID, store.ErrNotFound)
}
