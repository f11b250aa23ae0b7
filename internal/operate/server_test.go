package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"kvitt/internal/vault"
)

func TestWhatTemporalAnswersIsTurnedIntoWhatAPersonIsTold(t *testing.T) {
	server := &server{address: "localhost:7233", namespace: "default"}
	late := ErrStillGoing
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"nothing", nil, nil},
		{"runs already", &serviceerror.WorkflowExecutionAlreadyStarted{}, ErrRunning},
		{"not found", serviceerror.NewNotFound("workflow not found"), ErrNotRunning},
		{"ran late", serviceerror.NewDeadlineExceeded("deadline"), late},
		{"our patience", fmt.Errorf("wrapped: %w", context.DeadlineExceeded), late},
		{"an update ran late", client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), late},
		{"nobody polls", serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down"), ErrNoAnswer},
	} {
		if got := server.meaning(t.Context(), c.err, late); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		err   error
		words string
	}{
		"a workflow's own words": {temporal.NewNonRetryableApplicationError("reject payout P1: a reason is needed", "refused", nil), "reject payout P1: a reason is needed"},
		"gone":                   {serviceerror.NewUnavailable("connection refused"), "reach Temporal at localhost:7233: it does not answer. Start it"},
		"not set up":             {serviceerror.NewInvalidArgument("Namespace default has no mapping defined for search attribute KvittState"), "it does not know Kvitt's search attributes. Run `starter setup`"},
		"another keyset":         {fmt.Errorf("decode: %w", vault.ErrWrongKeyset), "it was encrypted with another keyset. Give the worker and the starter the same KVITT_KEYSET."},
		"cancelled":              {temporal.NewCanceledError(), "it was cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			contains(t, server.meaning(t.Context(), c.err, late).Error(), c.words)
		})
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if got := server.meaning(stopped, serviceerror.NewCanceled("x"), late); !errors.Is(got, context.Canceled) {
		t.Errorf("Ctrl-C is %v", got)
	}
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in %q", part, text)
	}
}
