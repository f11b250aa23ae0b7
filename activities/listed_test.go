package activities

import (
	"testing"
	"time"

	"kvitt/internal/store"
	"kvitt/workflows"
)

func TestOnlyDaysThatWereListedCountForTheRhythm(t *testing.T) {
	s := shopStore(t, "review")
	ran := func(id, from, to, outcome string) {
		t.Helper()
		end := utc(to)
		if err := s.PutSyncRun(t.Context(), store.SyncRun{ID: id, ConnectionID: "c1", Mode: workflows.ModeBackfill, From: utc(from), To: end, StartedAt: end, FinishedAt: &end, Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	ran("march", "2026-03-01 00:00", "2026-04-01 00:00", workflows.OutcomeFetched)
	ran("april", "2026-04-01 00:00", "2026-05-01 00:00", workflows.OutcomeCancelled)
	l := &Ledger{Store: s, Instructions: trusted{}}
	window := workflows.Window{From: utc("2026-06-01 00:00"), To: utc("2026-06-06 00:00")}
	since := func() time.Time {
		t.Helper()
		got, err := l.listedSince(t.Context(), "c1", window)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := since(); !got.Equal(window.From) {
		t.Errorf("days that nobody listed count since %v", got)
	}
	ran("spring", "2026-03-20 00:00", "2026-06-02 00:00", workflows.OutcomeFetched)
	if got := since(); !got.Equal(utc("2026-03-01 00:00")) {
		t.Errorf("listed without a gap since %v, want 1 March", got)
	}
}
