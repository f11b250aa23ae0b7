package e2e_test

import (
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

const deployment = "kvitt-e2e"

// version starts a worker that is a version of the deployment.
func (w *world) version(t *testing.T, build string) *stack.Process {
	t.Helper()
	worker, err := w.StartWorker(t.Context(), "KVITT_DEPLOYMENT="+deployment, "KVITT_BUILD_ID="+build)
	if err != nil {
		t.Fatal(err)
	}
	return worker
}

// current makes a version the one that gets the work, as `temporal worker
// deployment set-current-version` does.
func (w *world) current(t *testing.T, build string) {
	t.Helper()
	handle := w.temporal.WorkerDeploymentClient().GetHandle(deployment)
	until(t, 30*time.Second, "version "+build+" is current", func() string {
		if _, err := handle.SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build}); err != nil {
			return err.Error()
		}
		return ""
	})
}

// The worker has no version first, then two versions, one after the other: in
// the middle of one backfill.
func TestADeployInTheMiddleOfABackfillLosesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
	payouts := days(t, controlFrom, 24)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	w.Visma.SetLatency(30 * time.Millisecond)
	backfill := w.run(t, nil, h.backfill(controlFrom, controlTo, "--concurrency", "3")...)
	h.someBooked(t, 2)

	old := w.Workers()[0]
	for i, build := range []string{"1.0.0", "1.1.0"} {
		next := w.version(t, build)
		w.current(t, build)
		old.Stop() // an orderly one: what runs goes on elsewhere
		h.someBooked(t, 6*(i+1)+2)
		old = next
	}
	report(t, backfill.wait(t).with(t, 0)).came(t, counted{Found: len(payouts), Posted: len(payouts)})
	h.once(t, payouts...)

	info, err := w.temporal.WorkerDeploymentClient().GetHandle(deployment).Describe(t.Context(), client.WorkerDeploymentDescribeOptions{})
	if err != nil || info.Info.RoutingConfig.CurrentVersion == nil || info.Info.RoutingConfig.CurrentVersion.BuildID != "1.1.0" {
		t.Errorf("current is %+v, %v", info.Info.RoutingConfig.CurrentVersion, err)
	}
	// The connection began without a version and goes on in the current one.
	if got := h.status(t); got.State != workflows.ConnActive {
		t.Errorf("the connection is %s", got.State)
	}
	w.Env = append(w.Env, "KVITT_DEPLOYMENT="+deployment, "KVITT_BUILD_ID=1.0.0")
	if doctor := w.starter(t, "doctor").out; !strings.Contains(strings.Join(strings.Fields(doctor), " "), "Version 1.0.0 is not current; 1.1.0 gets the work") {
		t.Errorf("doctor does not tell that another version is current:\n%s", doctor)
	}
	w.done(t, "connection", "pause", h.id)
	w.done(t, "connection", "resume", h.id)
	run, err := w.temporal.DescribeWorkflowExecution(t.Context(), workflows.ConnectionWorkflowID(h.id), "")
	if err != nil {
		t.Fatal(err)
	}
	if v := run.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId(); v != "1.1.0" {
		t.Errorf("the connection runs in version %q", v)
	}
}
