package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"kvitt/internal/store"
	"kvitt/sandbox/shop"
	"kvitt/workflows"
)

// trigger lets the connection's schedule start its sync now, and waits for what
// is kept of it.
func (h *house) trigger(t *testing.T) store.SyncRun {
	t.Helper()
	before := h.runs(t)
	handle := h.temporal.ScheduleClient().GetHandle(t.Context(), workflows.ScheduleID(h.id))
	// A run that overlaps another is skipped, and each has a second of its own.
	until(t, waitFor, "nothing runs by schedule", func() string {
		d, err := handle.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(d.Info.RunningWorkflows); n > 0 || len(before) > 0 && !time.Now().After(before[0].To.Add(time.Second)) {
			return fmt.Sprintf("%d run", n)
		}
		return ""
	})
	if err := handle.Trigger(t.Context(), client.ScheduleTriggerOptions{}); err != nil {
		t.Fatal(err)
	}
	var last store.SyncRun
	until(t, waitFor, "a scheduled sync has ended", func() string {
		runs := h.runs(t)
		if len(runs) <= len(before) || runs[0].FinishedAt == nil {
			return fmt.Sprintf("%d runs, %d before", len(runs), len(before))
		}
		last = runs[0]
		return ""
	})
	return last
}

// runs are the scheduled syncs of a house, newest first.
func (h *house) runs(t *testing.T) []store.SyncRun {
	t.Helper()
	all, err := h.store.SyncRuns(t.Context(), h.id, 0)
	if err != nil {
		t.Fatal(err)
	}
	var scheduled []store.SyncRun
	for _, r := range all {
		if r.Mode == workflows.ModeSchedule {
			scheduled = append(scheduled, r)
		}
	}
	return scheduled
}

// nominal is when a scheduled sync was meant to start: it stands in its
// workflow id.
func nominal(t *testing.T, h *house, run store.SyncRun) time.Time {
	t.Helper()
	id, _, _ := strings.Cut(run.ID, "@")
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(id, workflows.ScheduleID(h.id)+"-"))
	if err != nil {
		t.Fatalf("the run %s does not say when it was meant to start: %v", run.ID, err)
	}
	return at
}

// ago is a payout of some days ago.
func ago(t *testing.T, n int) *shop.Payout {
	t.Helper()
	return settled(t, time.Now().AddDate(0, 0, -n).Format(time.DateOnly), func(s *shop.Settlement) {
		s.Date = time.Now().AddDate(0, 0, -n).Add(-time.Hour).UTC().Truncate(time.Second)
	})
}

func TestTheScheduleFetchesWhatAppearsAndTellsItsOutcome(t *testing.T) {
	t.Parallel()
	w := town(t)
	start := time.Now().AddDate(0, 0, -100)
	h := w.house(t, plan{start: start.Format(time.DateOnly)})

	t.Run("nothing was due", func(t *testing.T) {
		run := h.trigger(t)
		if run.Outcome != workflows.OutcomeNothingDue {
			t.Errorf("the outcome is %s", run.Outcome)
		}
		if from := start.Truncate(24 * time.Hour).Add(-3 * time.Hour); run.From.Before(from) || run.From.After(from.Add(27*time.Hour)) {
			t.Errorf("the window begins at %s, the connection at %s", run.From, start.Format(time.DateOnly))
		}
		if at := nominal(t, h, run); !run.To.Equal(at) {
			t.Errorf("the window ends at %s, and the run was meant to start at %s", run.To, at)
		}
	})
	first := ago(t, 3)
	first.MerchantID = h.merchant.MerchantID
	t.Run("a new payout is fetched and posted", func(t *testing.T) {
		h.merchant.Add(first)
		run := h.trigger(t)
		if run.Outcome != workflows.OutcomeFetched {
			t.Errorf("the outcome is %s", run.Outcome)
		}
		before := h.runs(t)[1]
		if want := before.To.AddDate(0, 0, -14); !run.From.Equal(want) && run.From.Sub(want).Abs() > time.Second {
			t.Errorf("the window begins at %s, 14 days before the last one's end is %s", run.From, want)
		}
		if at := nominal(t, h, run); !run.To.Equal(at) {
			t.Errorf("the window ends at %s, and the run was meant to start at %s", run.To, at)
		}
		h.once(t, first)
	})
	t.Run("it is found once more, and skipped", func(t *testing.T) {
		run := h.trigger(t)
		result := facts[workflows.Progress](t, said{line: "the run's result", out: string(run.Result)})
		if run.Outcome != workflows.OutcomeFetched || result.Found != 1 || result.Skipped != 1 || result.Posted != 0 {
			t.Errorf("the outcome is %s, %+v", run.Outcome, result)
		}
		h.once(t, first)
	})
	t.Run("sync now does the same beside the schedule", func(t *testing.T) {
		got := report(t, w.done(t, "sync", h.id, "--output", "json"))
		got.came(t, counted{Found: 1, Skipped: 1})
	})
}

func TestAPayoutThatWasDueAndIsMissingIsTold(t *testing.T) {
	t.Parallel()
	w := town(t)
	var payouts []*shop.Payout
	for _, n := range []int{77, 70, 63, 56, 49, 42, 35, 28} { // weekly, and none for four weeks
		payouts = append(payouts, ago(t, n))
	}
	h := w.house(t, plan{payouts: payouts, start: time.Now().AddDate(0, 0, -90).Format(time.DateOnly)})
	if run := h.trigger(t); run.Outcome != workflows.OutcomeDueMissing {
		t.Errorf("the outcome is %s", run.Outcome)
	}
	h.told(t, "due_missing")
	h.trigger(t) // misses it again
	h.told(t, "due_missing")
	h.once(t, payouts...)
	s := w.done(t, "sync", h.id, "--output", "json")
	report(t, s).came(t, counted{})
	if !strings.Contains(s.err, "was due") {
		t.Errorf("a person is told:\n%s", s.err)
	}
}

func TestAPausedConnectionSyncsNothingUntilItIsResumed(t *testing.T) {
	t.Parallel()
	w := town(t)
	h := w.house(t, plan{payouts: []*shop.Payout{ago(t, 2)}, start: time.Now().AddDate(0, 0, -30).Format(time.DateOnly)})
	w.done(t, "connection", "pause", h.id)
	if !h.schedulePaused(t) || h.status(t).State != workflows.ConnPaused {
		t.Errorf("the connection is %s, its schedule paused: %t", h.status(t).State, h.schedulePaused(t))
	}
	w.starter(t, "sync", h.id).refused(t, 1, "paused", "resume")
	w.done(t, "connection", "resume", h.id)
	if h.schedulePaused(t) {
		t.Error("the schedule is still paused")
	}
	report(t, w.done(t, "sync", h.id, "--output", "json")).came(t, counted{Found: 1, Posted: 1})
	h.once(t, h.merchant.Payouts()...)
}
