package operate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"

	"kvitt/internal/config"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

// server is a Temporal server.
type server struct {
	client    client.Client
	address   string
	namespace string
	taskQueue string
	failures  converter.FailureConverter
	key       bool // an API key is sent
}

const dialWithin = 10 * time.Second

// Dial connects, and makes sure that the namespace is there.
func Dial(ctx context.Context, c *config.Config, keys *vault.Keyring) (Temporal, error) {
	options, err := config.TemporalOptions()
	if err != nil {
		return nil, err
	}
	options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	options.DataConverter, options.FailureConverter = keys.DataConverter(), keys.FailureConverter()
	t := &server{key: options.Credentials != nil, address: options.HostPort, namespace: options.Namespace, taskQueue: c.TaskQueue, failures: options.FailureConverter}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	if t.client, err = client.DialContext(ctx, options); err != nil {
		return nil, t.unreachable(err)
	}
	_, err = t.client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: t.namespace})
	var missing *serviceerror.NamespaceNotFound
	if errors.As(err, &missing) {
		t.client.Close()
		return nil, &Error{
			Attempted: "use the namespace " + t.namespace + " of Temporal at " + t.address, Happened: "there is none", Err: err,
			Helps: "Create it with `temporal operator namespace create --namespace " + t.namespace + "`, or let TEMPORAL_NAMESPACE name another one.",
		}
	}
	return t, nil
}

// Unreachable says of an attempt to connect what happened and what helps.
func Unreachable(o *client.Options, err error) error {
	return (&server{key: o.Credentials != nil, address: o.HostPort, namespace: o.Namespace}).unreachable(err)
}

func (t *server) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := &Error{
		Attempted: "reach Temporal at " + t.address, Happened: "it does not answer", Err: err,
		Helps: "Start it, or let TEMPORAL_ADDRESS name where it listens; TEMPORAL_TLS… and TEMPORAL_API_KEY must be as that server wants them.",
	}
	if !refused(err) {
		return f
	}
	f.Happened = "it does not let us into the namespace " + t.namespace
	f.Helps = "It wants an API key or a client certificate: set TEMPORAL_API_KEY, or TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH."
	if t.key {
		f.Helps = "Check that the key in TEMPORAL_API_KEY has not expired and may use this namespace, that TEMPORAL_NAMESPACE is its whole name (on Temporal Cloud NAME.ACCOUNT), and that TEMPORAL_ADDRESS is the address for API keys (on Temporal Cloud REGION.CLOUD.api.temporal.io:7233)."
	}
	return f
}

// Serve makes a Temporal of a client that is connected already. Closing it
// closes the client.
func Serve(c client.Client, o *client.Options, taskQueue string) Temporal {
	return &server{client: c, address: o.HostPort, namespace: o.Namespace, taskQueue: taskQueue, failures: o.FailureConverter}
}

func (t *server) Where() string { return t.address + ", namespace " + t.namespace }
func (t *server) Close()        { t.client.Close() }

func (t *server) Update(ctx context.Context, workflowID, name string, in, out any, patience time.Duration) error {
	accepting, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	handle, err := t.client.UpdateWorkflow(accepting, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err != nil {
		return t.meaning(ctx, err, ErrNoAnswer)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.meaning(ctx, handle.Get(waiting, out), ErrStillGoing)
}

func (t *server) Query(ctx context.Context, workflowID, name string, out any) error {
	asking, cancel := context.WithTimeout(ctx, AnswerWithin/2)
	defer cancel()
	value, err := t.client.QueryWorkflow(asking, workflowID, "", name)
	if err == nil {
		err = value.Get(out)
	}
	return t.meaning(ctx, err, ErrNoAnswer)
}

func (t *server) Signal(ctx context.Context, workflowID, name string, in any) error {
	return t.meaning(ctx, t.client.SignalWorkflow(ctx, workflowID, "", name, in), ErrNoAnswer)
}

func (t *server) Start(ctx context.Context, s Start) error {
	reuse := enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	if s.Once {
		reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	}
	_, err := t.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       s.ID,
		TaskQueue:                                t.taskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    reuse,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            s.Summary,
		Priority:                                 s.Urgency.Priority(s.Connection),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			append([]temporal.SearchAttributeUpdate{workflows.AttrConnection.ValueSet(s.Connection)}, s.Attributes...)...),
	}, s.Workflow, s.Input)
	return t.meaning(ctx, err, ErrNoAnswer)
}

// Result waits through interruptions of the connection to Temporal.
func (t *server) Result(ctx context.Context, workflowID string, out any) error {
	for {
		err := t.client.GetWorkflow(ctx, workflowID, "").Get(ctx, out)
		var gone *serviceerror.Unavailable
		if !errors.As(err, &gone) || ctx.Err() != nil {
			return t.meaning(ctx, err, ErrStillGoing)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}

func (t *server) Workers(ctx context.Context) (Workers, error) {
	w := Workers{Queue: t.taskQueue}
	answer, err := t.client.DescribeTaskQueue(ctx, t.taskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return w, t.meaning(ctx, err, ErrNoAnswer)
	}
	for _, p := range answer.GetPollers() {
		w.Count++
		w.Names = append(w.Names, strings.TrimSuffix(p.GetIdentity(), "@"))
		if at := p.GetLastAccessTime().AsTime(); at.After(w.Last) {
			w.Last = at
		}
	}
	return w, nil
}

func (t *server) Current(ctx context.Context, deployment string) (string, error) {
	answer, err := t.client.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return "", t.meaning(ctx, err, ErrNoAnswer)
	}
	if v := answer.Info.RoutingConfig.CurrentVersion; v != nil {
		return v.BuildID, nil
	}
	return "", nil
}

func (t *server) Retries(ctx context.Context, workflowID string) ([]Retry, error) {
	asking, cancel := context.WithTimeout(ctx, AnswerWithin/2)
	defer cancel()
	answer, err := t.client.DescribeWorkflowExecution(asking, workflowID, "")
	if err != nil {
		return nil, t.meaning(ctx, err, ErrNoAnswer)
	}
	var all []Retry
	for _, p := range answer.GetPendingActivities() {
		if p.GetLastFailure() == nil || p.GetAttempt() < 2 {
			continue
		}
		failure := t.failures.FailureToError(p.GetLastFailure())
		words := failure.Error()
		var application *temporal.ApplicationError
		if errors.As(failure, &application) {
			words = application.Message() // without the SDK's own words behind it
		}
		all = append(all, Retry{int(p.GetAttempt()) - 1, words})
	}
	return all, nil
}

func (t *server) NextRun(ctx context.Context, scheduleID string) (time.Time, error) {
	asking, cancel := context.WithTimeout(ctx, AnswerWithin/4)
	defer cancel()
	found, err := t.client.ScheduleClient().GetHandle(asking, scheduleID).Describe(asking)
	if err != nil {
		return time.Time{}, t.meaning(ctx, err, ErrNoAnswer)
	}
	if found.Schedule.State.Paused || len(found.Info.NextActionTimes) == 0 {
		return time.Time{}, nil
	}
	return found.Info.NextActionTimes[0], nil
}

func (t *server) Attributes(ctx context.Context) (map[string]enumspb.IndexedValueType, error) {
	answer, err := t.client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: t.namespace})
	var unknown *serviceerror.Unimplemented
	if refused(err) || errors.As(err, &unknown) { // who may use the namespace need not be its operator
		all, err := t.client.WorkflowService().GetSearchAttributes(ctx, &workflowservice.GetSearchAttributesRequest{})
		return all.GetKeys(), t.meaning(ctx, err, ErrNoAnswer)
	}
	if err != nil {
		return nil, t.meaning(ctx, err, ErrNoAnswer)
	}
	return answer.GetCustomAttributes(), nil
}

// refused tells whether the server does not let us do something with the key or
// the certificate that we have.
func refused(err error) bool {
	if err == nil {
		return false
	}
	var denied *serviceerror.PermissionDenied
	return errors.As(err, &denied) || strings.Contains(err.Error(), "Unauthenticated") || strings.Contains(err.Error(), "Unauthorized") ||
		strings.Contains(err.Error(), "Request unauthorized")
}

func (t *server) Register(ctx context.Context, attributes map[string]enumspb.IndexedValueType) error {
	_, err := t.client.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: t.namespace, SearchAttributes: attributes,
	})
	var there *serviceerror.AlreadyExists
	if errors.As(err, &there) {
		return nil
	}
	return t.meaning(ctx, err, ErrNoAnswer)
}

// meaning turns the SDK's and the server's errors into ours. late is what it
// means that our own patience ran out.
func (t *server) meaning(ctx context.Context, err, late error) error {
	var (
		application *temporal.ApplicationError
		running     *serviceerror.WorkflowExecutionAlreadyStarted
		missing     *serviceerror.NotFound
		deadline    *serviceerror.DeadlineExceeded
		timedOut    *client.WorkflowUpdateServiceTimeoutOrCanceledError
		unmanned    *serviceerror.FailedPrecondition
		unavailable *serviceerror.Unavailable
		ended       *temporal.WorkflowExecutionError
	)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &application):
		return &RefusalError{Words: application.Message(), Code: workflows.RefusedCode(application)}
	case temporal.IsCanceledError(err):
		return &RefusalError{Words: "it was cancelled"}
	case errors.As(err, new(*temporal.TerminatedError)):
		return &RefusalError{Words: "it was terminated in Temporal"}
	case errors.As(err, &running):
		return ErrRunning
	case errors.As(err, &missing):
		return ErrNotRunning
	case errors.As(err, &deadline), errors.As(err, &timedOut), errors.Is(err, context.DeadlineExceeded):
		return late
	case errors.As(err, &unmanned): // nobody has polled the task queue for a while
		return ErrNoAnswer
	case errors.As(err, &unavailable), refused(err):
		return t.unreachable(err)
	case errors.As(err, &ended):
		return &RefusalError{Words: fmt.Sprint(errors.Unwrap(ended))}
	case errors.As(err, new(*serviceerror.InvalidArgument)) && strings.Contains(err.Error(), "search attribute"):
		return &Error{
			Attempted: "use the namespace " + t.namespace + " of Temporal at " + t.address, Err: err,
			Happened: "it does not know Kvitt's search attributes", Helps: "Run `starter setup`, which registers them.",
		}
	case errors.Is(err, vault.ErrWrongKeyset), errors.Is(err, vault.ErrSealed):
		return &Error{
			Attempted: "read an answer from Temporal at " + t.address, Happened: "it was encrypted with another keyset", Err: err,
			Helps: "Give the worker and the starter the same KVITT_KEYSET.",
		}
	default:
		return fmt.Errorf("speak with Temporal at %s: %w", t.address, err)
	}
}
