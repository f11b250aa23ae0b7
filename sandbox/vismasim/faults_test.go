package vismasim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/vismasim"
)

func (w *world) inject(f vismasim.Fault) {
	w.t.Helper()
	if err := w.sim.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}

// onPost returns a fault of creating a batch.
func onPost(kind vismasim.FaultKind) vismasim.Fault {
	return vismasim.Fault{Kind: kind, Method: "POST", Path: "/v2/journaltransaction"}
}

func TestAnAnswerCanBeLostBeforeOrAfterTheCommit(t *testing.T) {
	for kind, batches := range map[vismasim.FaultKind]int{
		vismasim.ErrorBeforeCommit: 0, vismasim.ErrorAfterCommit: 1, vismasim.HTMLError: 0, vismasim.Truncated: 1,
		vismasim.ResetBeforeCommit: 0, vismasim.ResetAfterCommit: 1,
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, nil)
			w.inject(onPost(kind))
			got, err := w.try("POST", "/v2/journaltransaction", voucher(payoutLines))
			switch kind {
			case vismasim.ResetBeforeCommit, vismasim.ResetAfterCommit:
				if !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("the error is %v, want a connection reset", err)
				}
			case vismasim.Truncated:
			default:
				if err != nil || got.status < 500 {
					t.Errorf("the answer is %d, %v", got.status, err)
				}
			}
			if got := w.sim.Books(tenant).Batches; got != batches {
				t.Errorf("there are %d batches, want %d", got, batches)
			}
			w.post(voucher(payoutLines)) // the fault is used up
		})
	}
}

// until waits until the simulator is in a state.
func (w *world) until(what string, state func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !state(); runtime.Gosched() {
		if time.Now().After(deadline) {
			w.t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// hang posts a voucher that is not answered until the context ends.
func (w *world) hang(ctx context.Context) <-chan error {
	ended := make(chan error, 1)
	r, err := http.NewRequestWithContext(ctx, "POST", w.server.URL+"/v2/journaltransaction", strings.NewReader(voucher(payoutLines)))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	go func() {
		response, err := w.server.Client().Do(r)
		if err == nil {
			response.Body.Close()
		}
		ended <- err
	}()
	return ended
}

func TestATimeOutLastsUntilTheClientGivesUp(t *testing.T) {
	for kind, batches := range map[vismasim.FaultKind]int{vismasim.TimeoutBeforeCommit: 0, vismasim.TimeoutAfterCommit: 1} {
		w := newWorld(t, nil)
		w.inject(onPost(kind))
		ctx, cancel := context.WithCancel(t.Context())
		ended := w.hang(ctx)
		w.until("the request hangs", func() bool {
			return w.sim.Requests()["POST /v2/journaltransaction"] == 1 && w.sim.Books(tenant).Batches == batches
		})
		select {
		case err := <-ended:
			t.Errorf("%s: the request ended unexpectedly: %v", kind, err)
		default:
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the error is %v, want the client's own", kind, err)
		}
		if got := w.sim.Books(tenant).Batches; got != batches {
			t.Errorf("%s: there are %d batches, want %d", kind, got, batches)
		}
	}
}

// A client that dies before the simulator has begun must not undo what the fault promises; otherwise a
// test that kills clients would not test lost answers.
func TestACommitHappensForADeadClientToo(t *testing.T) {
	for _, kind := range []vismasim.FaultKind{vismasim.TimeoutAfterCommit, vismasim.ResetAfterCommit, vismasim.ErrorAfterCommit} {
		w := newWorld(t, nil)
		w.sim.SetLatency(200 * time.Millisecond)
		w.inject(onPost(kind))
		ctx, cancel := context.WithCancel(t.Context())
		ended := w.hang(ctx)
		w.until("the request arrives", func() bool { return w.sim.Requests()["POST /v2/journaltransaction"] == 1 })
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the error is %v, want the client's own", kind, err)
		}
		w.until(string(kind)+" commits", func() bool { return w.sim.Books(tenant).Batches == 1 })
	}
}

func TestATimeOutWithADelayEndsAtTheGateway(t *testing.T) {
	w := newWorld(t, nil)
	f := onPost(vismasim.TimeoutAfterCommit)
	f.Delay = time.Millisecond
	w.inject(f)
	got := w.ask(http.StatusGatewayTimeout, "POST", "/v2/journaltransaction", voucher(payoutLines))
	if got.header.Get("Content-Type") != "text/html" || w.sim.Books(tenant).Batches != 1 {
		t.Errorf("the answer is %s", got.body)
	}
}

func TestCloseEndsHangingRequests(t *testing.T) {
	w := newWorld(t, nil)
	w.inject(onPost(vismasim.TimeoutAfterCommit))
	ended := w.hang(t.Context())
	w.until("the request hangs", func() bool { return w.sim.Books(tenant).Batches == 1 })
	if err := w.sim.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
}

func TestRefusals(t *testing.T) {
	for kind, want := range map[vismasim.FaultKind]struct {
		status int
		body   string
	}{
		vismasim.Unauthorized: {401, "Access token is missing or invalid"},
		vismasim.Forbidden:    {403, "Forbidden"},
		vismasim.NoLicense:    {403, `"ExceptionFaultCode":"12027"`},
		vismasim.NotFound:     {404, "Not found."},
		vismasim.Throttled:    {429, "Rate limit is exceeded"},
		vismasim.Rejected:     {400, "Error creating document. Error: The document is not valid."},
		vismasim.HTMLError:    {502, "<h1>502 Bad Gateway</h1>"},
	} {
		w := newWorld(t, nil)
		w.inject(vismasim.Fault{Kind: kind})
		got := w.ask(want.status, "POST", "/v2/journaltransaction", voucher(payoutLines))
		if !strings.Contains(string(got.body), want.body) || (kind == vismasim.Throttled) != (got.header.Get("Retry-After") == "1") {
			t.Errorf("%s: the answer is %s with Retry-After %q", kind, got.body, got.header.Get("Retry-After"))
		}
		if got := w.sim.Books(tenant).Batches; got != 0 {
			t.Errorf("%s: there are %d batches", kind, got)
		}
	}
}

func TestAReleaseCanFailOnce(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines))
	release := "/v2/journaltransaction/" + number + "/action/release"
	w.inject(vismasim.Fault{Kind: vismasim.ReleaseFailed, Path: "/v2/journaltransaction/*/action/release"})
	if got := read[object](t, w.ask(http.StatusOK, "POST", release, "")); got["actionResult"] != "Failed" || got["errorInfo"] == "" {
		t.Errorf("the release is %v", got)
	}
	if got := w.journal(number)["status"]; got != "Balanced" {
		t.Errorf("status is %v", got)
	}
	w.ask(http.StatusOK, "POST", release, "")
}

func TestEveryFaultOfAJob(t *testing.T) {
	for kind, want := range map[vismasim.FaultKind]struct {
		batches int
		job     string // status and code; empty: 404
		content int
	}{
		vismasim.JobLostBeforeCommit:   {0, "", 404},
		vismasim.JobLostAfterCommit:    {1, "", 404},
		vismasim.JobFailedBeforeCommit: {0, "Failed 0", 204},
		vismasim.JobFailedAfterCommit:  {1, "Failed 0", 204},
		vismasim.JobErrorBeforeCommit:  {0, "Finished 500", 200},
		vismasim.JobErrorAfterCommit:   {1, "Finished 500", 200},
		vismasim.JobRejected:           {0, "Finished 400", 200},
		vismasim.JobNoLocation:         {1, "Finished 201", 204},
		vismasim.JobContentGone:        {1, "Finished 201", 410},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, nil)
			w.inject(vismasim.Fault{Kind: kind})
			w.ask(http.StatusOK, "GET", "/v1/organization", "") // no job, so not for this fault
			id := w.start(voucher(payoutLines))
			w.clock.advance(time.Second)
			if want.job == "" {
				w.ask(http.StatusNotFound, "GET", "/v1/background/"+id, "")
			} else if j := w.job(id); fmt.Sprint(j["status"], " ", j["statusCode"]) != want.job {
				t.Errorf("the job is %v", j)
			} else if kind == vismasim.JobNoLocation && j["responseHeaders"] != nil {
				t.Errorf("its headers are %v", j["responseHeaders"])
			}
			w.ask(want.content, "GET", "/v1/background/"+id+"/content", "")
			if got := w.sim.Books(tenant).Batches; got != want.batches {
				t.Errorf("there are %d batches, want %d", got, want.batches)
			}
		})
	}
}

func TestAQueuedJobRunsAlthoughItsIdNeverArrived(t *testing.T) {
	w := newWorld(t, nil)
	w.inject(onPost(vismasim.ErrorAfterCommit))
	w.ask(http.StatusInternalServerError, "POST", "/v2/journaltransaction", voucher(payoutLines), inBackground)
	w.clock.advance(time.Second)
	if got := w.sim.Books(tenant).Batches; got != 1 {
		t.Errorf("there are %d batches", got)
	}
}

func TestAFaultSkipsAndRepeatsRequests(t *testing.T) {
	w := newWorld(t, nil)
	w.inject(vismasim.Fault{Kind: vismasim.ErrorBeforeCommit, Status: 503, Method: "GET", Path: "/v1/*", Skip: 1, Times: 2})
	var got []int
	for range 4 {
		r, err := w.try("GET", "/v1/ledger", "")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.status)
	}
	if diff := cmp.Diff([]int{200, 503, 503, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	w.inject(vismasim.Fault{Kind: vismasim.Forbidden, Times: -1})
	w.ask(http.StatusForbidden, "GET", "/v1/ledger", "")
	w.ask(http.StatusForbidden, "GET", "/v1/ledger", "")
	w.sim.ClearFaults()
	w.ask(http.StatusOK, "GET", "/v1/ledger", "")
	if err := w.sim.Inject(vismasim.Fault{Kind: "nonsense"}); err == nil {
		t.Error("a fault without a kind was accepted")
	}
}

func TestLatencyMakesRequestsSlower(t *testing.T) {
	w := newWorld(t, nil)
	w.sim.SetLatency(20 * time.Millisecond)
	w.inject(vismasim.Fault{Kind: vismasim.Slow, Delay: 10 * time.Millisecond})
	begin := time.Now()
	w.ask(http.StatusOK, "GET", "/v1/ledger", "")
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("the request took %v, want at least 30 ms", took)
	}
}
