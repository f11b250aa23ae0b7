package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"kvitt/internal/config"
	"kvitt/internal/vault"
)

func TestWhatTemporalAnswersIsTurnedIntoWhatAPersonIsTold(t *testing.T) {
	server := &realTemporal{address: "localhost:7233", namespace: "default"}
	late := errStillGoing
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"nothing", nil, nil},
		{"runs already", &serviceerror.WorkflowExecutionAlreadyStarted{}, errRunning},
		{"not found", serviceerror.NewNotFound("workflow not found"), errNotRunning},
		{"ran late", serviceerror.NewDeadlineExceeded("deadline"), late},
		{"our patience", fmt.Errorf("wrapped: %w", context.DeadlineExceeded), late},
		{"an update ran late", client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), late},
		{"nobody polls", serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down"), errNoAnswer},
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

func TestATemporalThatDoesNotAnswerIsOneMessage(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	address := freeAddress(t)
	t.Setenv("TEMPORAL_ADDRESS", address)
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	_, err = dialTemporal(t.Context(), &config.Config{TaskQueue: "kvitt"}, keys)
	if err == nil {
		t.Fatal("something answered")
	}
	contains(t, sentence(err), "Reach Temporal at "+address+": it does not answer. Start it, or let TEMPORAL_ADDRESS name where it listens")
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		t.Error("a refused connection was waited for")
	}
}
