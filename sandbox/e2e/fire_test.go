package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"kvitt/sandbox/vismasim"
)

const journals = "/v2/journaltransaction"

// shot is a fault that strikes the request which posts one payout.
type shot struct {
	name    string
	fault   vismasim.Fault
	adopted bool // the batch existed, and was found
	trouble int  // how often something is noted that went wrong
}

// shots are all the ways in which posting ends without a clear answer, and the
// clear ones beside them.
var shots = []shot{
	{"nothing goes wrong", vismasim.Fault{Kind: vismasim.Slow}, false, 0},
	{"a slow answer", vismasim.Fault{Kind: vismasim.Slow, Delay: 300 * time.Millisecond}, false, 0},
	{"a time-out before", vismasim.Fault{Kind: vismasim.TimeoutBeforeCommit, Delay: 100 * time.Millisecond}, false, 1},
	{"a time-out after", vismasim.Fault{Kind: vismasim.TimeoutAfterCommit, Delay: 100 * time.Millisecond}, true, 1},
	{"a reset before", vismasim.Fault{Kind: vismasim.ResetBeforeCommit}, false, 1},
	{"a reset after", vismasim.Fault{Kind: vismasim.ResetAfterCommit}, true, 1},
	{"500 before", vismasim.Fault{Kind: vismasim.ErrorBeforeCommit}, false, 1},
	{"500 after", vismasim.Fault{Kind: vismasim.ErrorAfterCommit}, true, 1},
	{"503 before", vismasim.Fault{Kind: vismasim.ErrorBeforeCommit, Status: http.StatusServiceUnavailable}, false, 1},
	{"503 after", vismasim.Fault{Kind: vismasim.ErrorAfterCommit, Status: http.StatusServiceUnavailable}, true, 1},
	{"408 after", vismasim.Fault{Kind: vismasim.ErrorAfterCommit, Status: http.StatusRequestTimeout}, true, 1},
	{"a gateway's page", vismasim.Fault{Kind: vismasim.HTMLError}, false, 1},
	{"half of an answer", vismasim.Fault{Kind: vismasim.Truncated}, false, 0},
	{"throttled", vismasim.Fault{Kind: vismasim.Throttled}, false, 1},
	{"a token that was revoked", vismasim.Fault{Kind: vismasim.Unauthorized}, false, 0},
	{"a late job", vismasim.Fault{Kind: vismasim.JobLate, Delay: time.Second}, false, 0},
	{"a job lost before", vismasim.Fault{Kind: vismasim.JobLostBeforeCommit}, false, 1},
	{"a job lost after", vismasim.Fault{Kind: vismasim.JobLostAfterCommit}, true, 1},
	{"a job failed before", vismasim.Fault{Kind: vismasim.JobFailedBeforeCommit}, false, 1},
	{"a job failed after", vismasim.Fault{Kind: vismasim.JobFailedAfterCommit}, true, 1},
	{"a job with 500 before", vismasim.Fault{Kind: vismasim.JobErrorBeforeCommit}, false, 1},
	{"a job with 500 after", vismasim.Fault{Kind: vismasim.JobErrorAfterCommit}, true, 1},
	{"a job without location", vismasim.Fault{Kind: vismasim.JobNoLocation}, true, 1},
	{"a job without content", vismasim.Fault{Kind: vismasim.JobContentGone}, false, 0},
}

func TestEveryPayoutIsPostedOnceWhateverBecomesOfTheRequest(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-01-01", len(shots))
	h := w.house(t, plan{payouts: payouts})
	adopted := 0
	for i, s := range shots {
		f := s.fault
		f.Method, f.Path, f.Body = http.MethodPost, journals, payouts[i].PaymentReference
		inject(t, h, f)
		if s.adopted {
			adopted++
		}
	}
	got := report(t, h.done(t, h.backfill("2026-01-01", "2026-01-31", "--concurrency", "12")...))
	got.came(t, counted{Found: len(shots), Posted: len(shots), Adopted: adopted})
	h.once(t, payouts...)
	for i, s := range shots {
		t.Run(s.name, func(t *testing.T) {
			p := h.show(t, payouts[i].PaymentReference)
			if p.Posting.Adopted != s.adopted {
				t.Errorf("adopted: %t, want %t", p.Posting.Adopted, s.adopted)
			}
			if len(p.Posting.Attempts) != s.trouble {
				t.Errorf("%d times trouble is noted, want %d: %+v", len(p.Posting.Attempts), s.trouble, p.Posting.Attempts)
			}
			if n := len(h.Visma.Books(h.firm.TenantID).WithDescription(p.Posting.Token)); n != 1 {
				t.Errorf("%d batches carry the token", n)
			}
		})
	}
}

// sparks are faults of the other requests that it takes to post a payout.
var sparks = []vismasim.Fault{
	{Method: http.MethodGet, Path: "/v1/background/*", Kind: vismasim.ErrorBeforeCommit},
	{Method: http.MethodGet, Path: "/v1/background/*", Kind: vismasim.ResetBeforeCommit, Skip: 1},
	{Method: http.MethodGet, Path: "/v1/background/*", Kind: vismasim.HTMLError, Skip: 2},
	{Method: http.MethodGet, Path: journals + "/*", Kind: vismasim.ErrorBeforeCommit, Skip: 1},
	{Method: http.MethodGet, Path: journals + "/*", Kind: vismasim.Truncated, Skip: 3},
	{Method: http.MethodGet, Path: journals + "/*", Kind: vismasim.Throttled, Skip: 4},
	{Method: http.MethodGet, Path: journals, Kind: vismasim.HTMLError},
	{Method: http.MethodGet, Path: journals, Kind: vismasim.Truncated},
	{Method: http.MethodGet, Path: "/v1/account", Kind: vismasim.ErrorBeforeCommit},
	{Method: http.MethodGet, Path: "/v1/financialPeriod", Kind: vismasim.Throttled},
	{Method: http.MethodPost, Path: journals + "/module/*/*/attachment", Kind: vismasim.ErrorAfterCommit},
	{Method: http.MethodPost, Path: journals + "/module/*/*/attachment", Kind: vismasim.ResetAfterCommit, Skip: 2},
	{Method: http.MethodPost, Path: journals + "/module/*/*/attachment", Kind: vismasim.ErrorBeforeCommit, Skip: 3},
	{Method: http.MethodPost, Path: journals + "/*/action/release", Kind: vismasim.TimeoutAfterCommit, Delay: 100 * time.Millisecond},
	{Method: http.MethodPost, Path: journals + "/*/action/release", Kind: vismasim.ErrorAfterCommit, Skip: 1},
	{Method: http.MethodPost, Path: journals + "/*/action/release", Kind: vismasim.ErrorBeforeCommit, Skip: 2},
	{Method: http.MethodPost, Path: journals + "/*/action/release", Kind: vismasim.ResetBeforeCommit, Skip: 3},
	{Method: http.MethodPost, Path: journals + "/*/action/release", Kind: vismasim.Truncated, Skip: 4},
}

func TestAttachReleaseAndReadBackComeThroughFaults(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-01-05", 10)
	h := w.house(t, plan{payouts: payouts})
	for _, f := range sparks {
		inject(t, h, f)
	}
	got := report(t, h.done(t, h.backfill("2026-01-01", "2026-01-31", "--concurrency", "4")...))
	got.came(t, counted{Found: len(payouts), Posted: len(payouts)})
	for _, b := range h.once(t, payouts...).List {
		names := map[string]int{}
		for _, a := range b.Attachments {
			names[a.Name]++
		}
		for name, n := range names {
			if n != 1 {
				t.Errorf("batch %s has %q %d times", b.Number, name, n)
			}
		}
		if len(names) != 3 {
			t.Errorf("batch %s has the attachments %v", b.Number, names)
		}
	}
}

// inject arms a fault for the requests of one house.
func inject(t *testing.T, h *house, f vismasim.Fault) {
	t.Helper()
	f.Tenant = h.firm.TenantID
	if err := h.Visma.Inject(f); err != nil {
		t.Fatal(fmt.Errorf("%v: %w", f, err))
	}
}
