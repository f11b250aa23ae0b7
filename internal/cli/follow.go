package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// followed is a sync to watch.
type followed struct {
	connection string
	workflowID string
	title      string
	// paused is what a person is told while it is paused.
	paused string
	// after says how to go on watching once this command has stopped.
	after string
}

// queryEvery says how often a workflow is asked for its progress.
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
	w := &watch{session: s, followed: f, screen: s.newView(f.title, "months")}
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
		w.screen.Done()
		s.say("\n%s", f.after)
		return workflows.SyncResult{}, errTold
	}
	w.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return stopped()
		case e := <-end:
			if ctx.Err() != nil { // it was the wait that ended, not the sync
				return stopped()
			}
			if e.err == nil {
				w.screen.Show(&e.result.Progress, "")
			}
			w.screen.Done()
			return e.result, s.ended(f, e.err)
		case <-tick.C:
			w.look(ctx)
		}
	}
}

// watch is a look at a sync again and again.
type watch struct {
	*session
	followed
	screen  view
	last    workflows.Progress
	moved   time.Time // when the progress last changed
	silent  int       // questions in a row that nobody answered
	hitch   string    // what is tried again and again, of the last time it was asked
	askedAt time.Time // for the hitch
}

// stuckAfter is the time without movement after which the reason is looked up.
const stuckAfter = 10 * time.Second

// look asks for the progress once and shows it.
func (w *watch) look(ctx context.Context) {
	now, err := operate.Ask(ctx, w.temporal, workflows.ProgressQuery, w.workflowID)
	note := ""
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		w.silent = 0
		if w.moved.IsZero() || counts(&now) != counts(&w.last) || now.Rows != w.last.Rows || now.WindowsRun != w.last.WindowsRun {
			w.moved, w.hitch = w.now(), ""
		}
		w.last = now
		switch now.State {
		case "paused":
			note = w.paused
		case "waiting":
			note = w.waitsFor(ctx, w.followed.connection)
		case "running":
			note = w.hitches(ctx)
		}
	case errors.Is(err, operate.ErrNotRunning):
		return // it has just ended, or has not begun
	case errors.Is(err, operate.ErrNoAnswer):
		if w.silent++; w.silent < 2 {
			return // a worker that has just started answers the next time
		}
		note = "no worker answers; it goes on when one does"
	default:
		note = "Temporal does not answer; trying again"
	}
	w.screen.Show(&w.last, note)
}

// hitches tells what is tried again and again while nothing moves.
func (w *watch) hitches(ctx context.Context) string {
	now := w.now()
	if now.Sub(w.moved) < stuckAfter || now.Sub(w.askedAt) < stuckAfter/2 {
		return w.hitch
	}
	w.askedAt, w.hitch = now, ""
	ids := []string{w.workflowID}
	for _, reference := range w.last.Running[:min(len(w.last.Running), 3)] {
		ids = append(ids, workflows.PayoutWorkflowID(w.followed.connection, reference))
	}
	for _, id := range ids {
		all, err := w.temporal.Retries(ctx, id)
		if err != nil || len(all) == 0 {
			continue
		}
		w.hitch = operate.Printable(fmt.Sprintf("trying again (%s so far): %s", counted(all[0].Failures, "attempt"), all[0].Words))
		break
	}
	return w.hitch
}

// waitsFor tells which credential a sync waits for, and what helps.
func (s *session) waitsFor(ctx context.Context, connection string) string {
	row, err := s.store.Connection(ctx, connection)
	if err != nil {
		return ""
	}
	status, err := operate.StatusOf(&row)
	if err != nil {
		return ""
	}
	switch workflows.SideReauthRequired {
	case status.Klarna.State:
		return klarna.Provider(row.Provider).Says("waits: Klarna no longer accepts Kvitt's credential. " + status.Klarna.Remedy)
	case status.Visma.State:
		return "waits: Visma.net no longer accepts Kvitt's credential. " + status.Visma.Remedy
	}
	return ""
}

func (s *session) ended(f followed, err error) error {
	var refusal *operate.RefusalError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return &operate.Error{Attempted: "follow the workflow " + f.workflowID, Happened: "it failed: " + refusal.Words, Err: err, Helps: "What was posted stays posted. Correct the cause and start it again."}
	case errors.Is(err, operate.ErrNotRunning):
		return &operate.Error{Attempted: "follow the workflow " + f.workflowID, Happened: "Temporal does not know it", Err: err}
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
