package activities

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"kvitt/internal/fault"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func stockholm(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func utc(s string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return at
}

func TestTheDaysOfABackfillAreBothIncludedInTheCompanysZone(t *testing.T) {
	got, err := Days("2026-03-28", "2026-03-29", stockholm(t)) // the clock goes forward on the 29th
	if err != nil {
		t.Fatal(err)
	}
	if !got.From.Equal(utc("2026-03-27 23:00")) || !got.To.Equal(utc("2026-03-29 22:00")) {
		t.Errorf("the window is %v to %v", got.From, got.To)
	}
	for _, bad := range [][2]string{{"2026-02-01", "2026-01-31"}, {"31/1", "2026-01-31"}, {"2026-01-31", "soon"}} {
		if _, err := Days(bad[0], bad[1], stockholm(t)); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestAWindowIsCutAtTheMonthsOfTheCompanysZoneWithoutGapOrOverlap(t *testing.T) {
	zone := stockholm(t)
	span, err := Days("2025-11-17", "2026-02-03", zone)
	if err != nil {
		t.Fatal(err)
	}
	got := months(span, zone)
	if len(got) != 4 || got[0].From != span.From || got[3].To != span.To {
		t.Fatalf("cut into %v", got)
	}
	for i := 1; i < len(got); i++ {
		if got[i].From != got[i-1].To {
			t.Errorf("between window %d and %d: %v, %v", i-1, i, got[i-1].To, got[i].From)
		}
	}
	if !got[1].From.Equal(utc("2025-11-30 23:00")) {
		t.Errorf("December begins at %v", got[1].From)
	}
	if rest := months(workflows.Window{From: span.To, To: span.To}, zone); rest != nil {
		t.Errorf("an empty window is cut into %v", rest)
	}
}

func TestAScheduledWindowOverlapsTheLastAndNeverReachesBeforeTheStart(t *testing.T) {
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "review", Start: "2026-01-01"}
	if err := s.CreateConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	profile, err := voucher.ParseProfile(document)
	if err != nil {
		t.Fatal(err)
	}
	l := &Ledger{Store: s, Instructions: trusted{}}
	window := func(nominal string) workflows.Window {
		t.Helper()
		got, err := l.sliding(t.Context(), c, utc(nominal), profile)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	ran := func(mode, to string) {
		t.Helper()
		done := utc(to)
		if err := s.PutSyncRun(t.Context(), store.SyncRun{ID: mode + to, ConnectionID: "c1", Mode: mode, From: done, To: done, StartedAt: done, FinishedAt: &done, Outcome: workflows.OutcomeFetched}); err != nil {
			t.Fatal(err)
		}
	}
	start := utc("2025-12-31 23:00")
	if got := window("2026-03-01 12:00"); !got.From.Equal(start) || !got.To.Equal(utc("2026-03-01 12:00")) {
		t.Errorf("the first window is %v", got)
	}
	ran(workflows.ModeBackfill, "2026-02-28 23:00")
	ran("dry_run", "2026-02-28 23:00")
	if got := window("2026-03-01 12:00"); !got.From.Equal(start) {
		t.Errorf("a backfill or a dry run moved the window to %v", got)
	}
	ran(workflows.ModeSchedule, "2026-03-01 12:00")
	if got := window("2026-03-01 13:00"); !got.From.Equal(utc("2026-02-15 12:00")) {
		t.Errorf("the second window is %v", got)
	}
	ran(workflows.ModeNow, "2026-01-05 12:00")
	if got := window("2025-12-01 00:00"); got.From != got.To {
		t.Errorf("before the start the window is %v", got)
	}
}

func TestOutsideErrorsAreMappedOnceToWhatTemporalShouldDo(t *testing.T) {
	cases := []struct {
		class fault.Class
		after time.Duration
		kind  string
		final bool
		delay time.Duration
	}{
		{fault.Transient, 0, "transient", false, 0},
		{fault.Throttled, 7 * time.Second, "throttled", false, 7 * time.Second},
		{fault.Throttled, 0, "throttled", false, time.Second},
		{fault.Auth, 0, workflows.CredentialErrorType, true, 0},
		{fault.Rejected, 0, "rejected", true, 0},
		{fault.UnknownOutcome, 0, "unknown_outcome", false, 0},
		{fault.BadData, 0, "bad_data", false, 0},
	}
	for _, c := range cases {
		t.Run(string(c.class), func(t *testing.T) {
			err := toTemporal(context.Background(), &fault.Error{Class: c.class, Party: "Klarna", Attempted: "list payouts", RetryAfter: c.after})
			var app *temporal.ApplicationError
			if !errors.As(err, &app) {
				t.Fatalf("it became %v", err)
			}
			if app.Type() != c.kind || app.NonRetryable() != c.final || app.NextRetryDelay() != c.delay {
				t.Errorf("type %s, final %v, delay %v", app.Type(), app.NonRetryable(), app.NextRetryDelay())
			}
		})
	}
	wrong := &voucher.ProfileError{Problem: "it has a typo"}
	var app *temporal.ApplicationError
	if err := toTemporal(context.Background(), wrong); !errors.As(err, &app) || !app.NonRetryable() || app.Type() != "profile_invalid" {
		t.Errorf("a wrong profile became %v", err)
	}
	ours := errors.New("disk full")
	if got := toTemporal(context.Background(), ours); !errors.Is(got, ours) {
		t.Errorf("an error of ours became %v", got)
	}
}

func TestADeadCredentialNamesItsSide(t *testing.T) {
	for party, provider := range map[string]string{
		"Klarna": workflows.ProviderKlarna, "Kustom": workflows.ProviderKlarna,
		"Visma.net": workflows.ProviderVisma, "Visma Connect": workflows.ProviderVisma,
	} {
		var app *temporal.ApplicationError
		var got workflows.CredentialError
		if err := toTemporal(context.Background(), &fault.Error{Class: fault.Auth, Party: party}); !errors.As(err, &app) || app.Details(&got) != nil || got.Provider != provider {
			t.Errorf("%s counts as %q", party, got.Provider)
		}
	}
}
