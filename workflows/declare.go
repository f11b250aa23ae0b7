package workflows

import (
	"cmp"
	"strings"
	"time"
	"unicode"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Activity is the one typed declaration of an activity, shared by the workflow
// that calls it and the struct that implements it.
type Activity[In, Out any] struct {
	Name string
	// StartToClose bounds one attempt; Heartbeat, when set, finds a dead one sooner.
	StartToClose, Heartbeat time.Duration
	// GiveUp bounds all attempts together.
	GiveUp time.Duration
	// Slowest is the longest pause between two attempts; zero means a minute.
	Slowest time.Duration
}

// Run executes the activity, as urgent as the workflow. The connection is the
// fairness key, so that one connection's backfill does not starve another's.
func (a Activity[In, Out]) Run(ctx workflow.Context, connection string, in In) (Out, error) {
	var out Out
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    a.StartToClose,
		HeartbeatTimeout:       a.Heartbeat,
		ScheduleToCloseTimeout: a.GiveUp,
		Priority:               temporal.Priority{FairnessKey: connection},
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    cmp.Or(a.Slowest, time.Minute),
		},
	})
	err := workflow.ExecuteActivity(ctx, a.Name, in).Get(ctx, &out)
	return out, err
}

// Signal is the one typed declaration of a signal.
type Signal[T any] struct{ Name string }

// Listen calls handle for every signal of this kind, for as long as the
// workflow runs.
func (s Signal[T]) Listen(ctx workflow.Context, handle func(ctx workflow.Context, in T)) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		ch := workflow.GetSignalChannel(ctx, s.Name)
		for {
			var in T
			if more := ch.Receive(ctx, &in); !more {
				return
			}
			handle(ctx, in)
		}
	})
}

// Drain handles the signals that have arrived but were not yet received.
func (s Signal[T]) Drain(ctx workflow.Context, handle func(ctx workflow.Context, in T)) {
	ch := workflow.GetSignalChannel(ctx, s.Name)
	for {
		var in T
		if !ch.ReceiveAsync(&in) {
			return
		}
		handle(ctx, in)
	}
}

// Send signals another workflow. A workflow that no longer runs is not an
// error: whoever it was for has gone.
func (s Signal[T]) Send(ctx workflow.Context, workflowID string, in T) {
	err := workflow.SignalExternalWorkflow(ctx, workflowID, "", s.Name, in).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Info("signal not delivered", "signal", s.Name, "to", workflowID, "error", err)
	}
}

// Query is the one typed declaration of a query.
type Query[Out any] struct{ Name string }

// Answer registers the query's handler.
func (q Query[Out]) Answer(ctx workflow.Context, answer func() Out) error {
	return workflow.SetQueryHandler(ctx, q.Name, func() (Out, error) { return answer(), nil })
}

// Update is the one typed declaration of an update.
type Update[In, Out any] struct{ Name string }

// Handle registers the update's handler and its validator. What the validator
// rejects leaves no trace in the history.
func (u Update[In, Out]) Handle(ctx workflow.Context, validate func(In) error, handle func(workflow.Context, In) (Out, error)) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, u.Name, handle, workflow.UpdateHandlerOptions{
		Validator: func(_ workflow.Context, in In) error { return validate(in) },
	})
}

// plain is free text as Markdown shows it: nothing in it is a link, a picture, a
// heading or HTML, and it is one line.
func plain(words string) string {
	var b strings.Builder
	for _, r := range words {
		switch {
		case unicode.IsControl(r):
			r = ' '
		case strings.ContainsRune("\\`*_[]()<>#!|~&:", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// tellOperator shows Markdown as the workflow's current details in Temporal's
// Web UI, which cuts off the end of what it shows: so the end is blank.
func tellOperator(ctx workflow.Context, markdown string) {
	workflow.SetCurrentDetails(ctx, markdown+"\n\n\u00a0\n\n\u00a0")
}
