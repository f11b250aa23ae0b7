package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"kvitt/internal/vault"
	"kvitt/workflows"
)

// Temporal is what the commands want from Temporal. Its errors are the ones
// below, *RefusalError, or *Error.
type Temporal interface {
	// Where names the server and the namespace, for people.
	Where() string
	// Update sends an update and waits, at most for patience, until the
	// workflow has carried it out.
	Update(ctx context.Context, workflowID, name string, in, out any, patience time.Duration) error
	Query(ctx context.Context, workflowID, name string, out any) error
	Signal(ctx context.Context, workflowID, name string, in any) error
	// Start starts a workflow that must not run already.
	Start(ctx context.Context, s Start) error
	// Result waits for the end of a workflow, over every run of it.
	Result(ctx context.Context, workflowID string, out any) error
	// Workers tells who has asked the task queue for work lately.
	Workers(ctx context.Context) (Workers, error)
	// Current is the build id that gets the work of a worker deployment; "" when
	// those without a version get it.
	Current(ctx context.Context, deployment string) (string, error)
	// Retries are the steps of a workflow that failed and are tried again.
	Retries(ctx context.Context, workflowID string) ([]Retry, error)
	// NextRun is when a schedule starts something next, zero when it does not.
	NextRun(ctx context.Context, scheduleID string) (time.Time, error)
	// Attributes are the search attributes that the namespace knows.
	Attributes(ctx context.Context) (map[string]enumspb.IndexedValueType, error)
	// Register adds search attributes to the namespace.
	Register(ctx context.Context, attributes map[string]enumspb.IndexedValueType) error
	Close()
}

// What an error of Temporal can be asked about.
var (
	ErrNoAnswer   = errors.New("no worker has answered")
	ErrStillGoing = errors.New("it is still going on")
	ErrNotRunning = errors.New("no such workflow runs")
	ErrRunning    = errors.New("it runs already")
)

// RefusalError is a workflow's own answer that something cannot be done, a sentence
// for the person who asked.
type RefusalError struct {
	Words string
	Code  string // workflows.RefusedCode: what tells refused credentials apart
}

func (r *RefusalError) Error() string { return r.Words }

// Start is a workflow to start.
type Start struct {
	ID         string
	Workflow   string
	Input      any
	Summary    string
	Connection string // fairness key and search attribute
	Urgency    workflows.Urgency
	Attributes []temporal.SearchAttributeUpdate
	Once       bool // never again under this id, not even after it has ended
}

// Workers are those who have asked the task queue for work lately.
type Workers struct {
	Queue string
	Count int
	Last  time.Time // when the latest one asked
	Names []string  // what they call themselves: process@host
}

// Retry is a step of a workflow that has failed and is tried again.
type Retry struct {
	Failures int
	Words    string // of the last failure
}

// How long a workflow may take to answer. A worker that runs answers at once.
const (
	AnswerWithin   = 20 * time.Second
	SettingsWithin = time.Minute
	// A credential is verified with a real read, which is given a minute.
	CredentialWithin = 3 * time.Minute
	DecisionWithin   = 10 * time.Minute
)

// Call sends a typed update and waits for its result.
func Call[In, Out any](ctx context.Context, t Temporal, u workflows.Update[In, Out], workflowID string, in In, patience time.Duration) (Out, error) {
	var out Out
	err := t.Update(ctx, workflowID, u.Name, in, &out, patience)
	return out, err
}

// Ask asks a typed query.
func Ask[Out any](ctx context.Context, t Temporal, q workflows.Query[Out], workflowID string) (Out, error) {
	var out Out
	err := t.Query(ctx, workflowID, q.Name, &out)
	return out, err
}

// Tell sends a typed signal.
func Tell[T any](ctx context.Context, t Temporal, s workflows.Signal[T], workflowID string, in T) error {
	return t.Signal(ctx, workflowID, s.Name, in)
}

// StartWorker is what helps when no worker answers.
const StartWorker = "Start a worker (`worker`) with the same KVITT_TASK_QUEUE, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, and look at its log if one runs."

// Unanswered turns the errors of a message to a workflow into what a person is
// told. missing is what it means that the workflow does not run.
func Unanswered(attempted string, err error, missing *Error) error {
	var refusal *RefusalError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal) && firstWord(refusal.Words) == firstWord(attempted):
		return err // it says itself what was attempted
	case errors.As(err, &refusal) && strings.Contains(refusal.Words, vault.ErrWrongKeyset.Error()):
		return &Error{
			Attempted: attempted, Happened: "the worker cannot decrypt what this command sends, because it has another keyset", Err: err,
			Helps: "Give both the same keyset (KVITT_KEYSET, KVITT_KEYSET_FILE), and start the worker again.",
		}
	case errors.As(err, &refusal):
		return &Error{Attempted: attempted, Happened: refusal.Words, Err: err}
	case errors.Is(err, ErrNoAnswer):
		return &Error{
			Attempted: attempted, Happened: fmt.Sprintf("no worker has answered within %s", AnswerWithin), Err: err,
			Helps: StartWorker + " What was asked for may still be done when one comes.",
		}
	case errors.Is(err, ErrStillGoing):
		return &Error{Attempted: attempted, Happened: "it was accepted and is still going on", Err: err, Helps: "It goes on without this command; look again in a while."}
	case errors.Is(err, ErrNotRunning) && missing != nil:
		told := *missing
		told.Attempted, told.Err = attempted, err
		return &told
	default:
		return err
	}
}
