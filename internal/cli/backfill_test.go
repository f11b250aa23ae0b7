package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

var january = []string{"backfill", "shop-1", "--from", "2026-01-01", "--to", "2026-01-31"}

func with(line []string, more ...string) []string {
	return append(append([]string{}, line...), more...)
}

// ends makes every sync end with this result.
func (d *desk) ends(r workflows.SyncResult) {
	r.State = "done"
	d.temporal.onResult = func(context.Context, string) (any, error) { return r, nil }
	d.temporal.onQuery = func(string, string) (any, error) { return r.Progress, nil }
}

func found(n, posted, held int) workflows.SyncResult {
	return workflows.SyncResult{Outcome: workflows.OutcomeFetched, Progress: workflows.Progress{Found: n, Posted: posted, Held: held, Skipped: n - posted - held, Windows: 1, WindowsRun: 1}}
}

func TestABackfillIsReportedFromTheDatabase(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.ends(found(3, 1, 1))
	s := d.want(d.run(january...), ExitHeld)
	golden(t, "backfill.golden", s.out)
	contains(t, s.err, "Backfill 2026-01-01 to 2026-01-31: 3 found, 1 posted, 1 held, 1 skipped, 0 failed")
	golden(t, "backfill.json", d.want(d.run(with(january, "--output", "json")...), ExitHeld).out)
	want := operate.Start{
		ID: "backfill/shop-1/2026-01-01/2026-01-31", Workflow: "SettlementSyncWorkflow", Connection: "shop-1",
		Summary: "Backfill of connection shop-1 from 2026-01-01 to 2026-01-31",
		Urgency: 4, // below a sync's 2
		Input:   workflows.SyncInput{Connection: "shop-1", Mode: "backfill", From: "2026-01-01", To: "2026-01-31", Who: "anna"},
	}
	if diff := cmp.Diff(want, d.temporal.started[0]); diff != "" {
		t.Error(diff)
	}
}

func TestTheDaysOfABackfillAreThoseOfTheCompany(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1") // P1 is of 12 January 23:30 UTC, the 13th in Stockholm
	d.ends(found(1, 1, 0))
	for days, want := range map[string]int{"2026-01-12": 0, "2026-01-13": 1} {
		r := document[Report](t, d.want(d.run("backfill", "shop-1", "--from", days, "--to", days, "--output", "json"), ExitDone))
		if len(r.Payouts) != want || r.Amounts == nil || r.Payouts == nil {
			t.Errorf("%s: %+v", days, r)
		}
	}
}

func TestTheExitStatusSaysDoneHeldOrFailed(t *testing.T) {
	for _, c := range []struct {
		name   string
		result workflows.SyncResult
		status int
		words  string
	}{
		{"done", found(2, 2, 0), ExitDone, "Everything that Klarna paid out in these days is accounted for."},
		{"held", found(2, 1, 1), ExitHeld, "something of it is left to do"},
		{"failed", workflows.SyncResult{Outcome: workflows.OutcomeFetched, Progress: workflows.Progress{Found: 2, Held: 1, Failed: 1}}, ExitFailed, "1 failed"},
		{"nothing due", workflows.SyncResult{Outcome: workflows.OutcomeNothingDue}, ExitDone, "nothing was due"},
		{"missing", workflows.SyncResult{Outcome: workflows.OutcomeDueMissing}, ExitDone, "was due by the merchant's rhythm and is missing"},
		{"cancelled", workflows.SyncResult{Outcome: workflows.OutcomeCancelled, Progress: workflows.Progress{Found: 2, Posted: 1}}, ExitFailed, "It was stopped before it was done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.connected("shop-1")
			d.ends(c.result)
			s := d.run(january...)
			if s.status != c.status {
				t.Errorf("exit status %d, want %d: %s", s.status, c.status, s.err)
			}
			contains(t, s.out, c.words)
			s = d.run(with(january, "--output", "json")...)
			if s.status != c.status {
				t.Errorf("exit status %d with json, want %d", s.status, c.status)
			}
			contains(t, s.err, c.words)
			document[Report](t, s)
		})
	}
}

func TestADryRunReportsWhatWouldHappen(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	result := workflows.SyncResult{
		Outcome:  workflows.OutcomeFetched,
		Progress: workflows.Progress{Found: 3, Held: 1, Skipped: 1},
		Items: []workflows.Found{
			{PaymentReference: "P2", State: workflows.StateHeld, HeldReason: string(held.AccountUnknown), Words: "account 6064 does not exist", Rows: 4, Settlement: 875_00, Currency: "SEK"},
			{PaymentReference: "P3", State: workflows.StateCompiled, Rows: 2, Settlement: 50_00, Currency: "EUR"},
		},
	}
	d.ends(result)
	if err := d.store.PutSyncRun(t.Context(), store.SyncRun{ID: "backfill/shop-1/2026-01-01/2026-01-31@run", ConnectionID: "shop-1", Mode: "dry_run", StartedAt: noon}); err != nil {
		t.Fatal(err)
	}
	r := document[Report](t, d.want(d.run(with(january, "--dry-run", "--output", "json")...), ExitHeld))
	got := map[string]string{}
	for _, p := range r.Payouts {
		got[p.PaymentReference] = p.State + " " + p.HeldReason
	}
	want := map[string]string{"P1": "verified ", "P2": "held account_unknown", "P3": "compiled "}
	if diff := cmp.Diff(want, got); diff != "" || !r.DryRun || r.Rows != 4+4+2 {
		t.Errorf("%s %+v", diff, r)
	}
	s := d.want(d.run(with(january, "--dry-run")...), ExitHeld)
	contains(t, s.out, "nothing posted because this is a dry run: 1 would be", "account 6064 does not exist")
	if in, ok := d.temporal.started[0].Input.(workflows.SyncInput); !ok || !in.DryRun {
		t.Error("it was not started as a dry run")
	}
	// Who attaches does not say again that it is one.
	if again := document[Report](t, d.want(d.run(with(january, "--attach", "--output", "json")...), ExitHeld)); !again.DryRun {
		t.Error("attached to a dry run, and reported a real one")
	}
}

func TestDaysBeforeTheConnectionsStartAreAskedAbout(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1") // starts at 2026-01-01
	d.ends(found(0, 0, 0))
	early := []string{"backfill", "shop-1", "--from", "2025-12-31", "--to", "2026-01-31"}
	contains(t, d.fails(ExitUsage, early...), "The connection starts at 2026-01-01, and this backfill posts from 2025-12-31 on", "--yes says that it is meant")
	d.console.answers = []string{"no"}
	contains(t, d.fails(ExitFailed, early...), "nothing was done")
	if len(d.temporal.started) > 0 {
		t.Fatal("it was started all the same")
	}
	d.want(d.run(with(early, "--yes")...), ExitDone)
	d.want(d.run(with(early, "--dry-run")...), ExitDone) // posts nothing, so there is nothing to ask
	d.console.answers = []string{"YES"}
	d.want(d.run(early...), ExitDone)
	if len(d.temporal.started) != 3 {
		t.Errorf("%d were started, want 3", len(d.temporal.started))
	}
}

func TestOnlyAConnectionThatWorksIsBackfilled(t *testing.T) {
	for state, words := range map[string]string{
		workflows.ConnSetup:          "it is not set up yet. What comes next: `starter connection klarna-key shop-1`",
		workflows.ConnPaused:         "it is paused. What comes next: `starter connection resume shop-1`",
		workflows.ConnDisconnected:   "it is disconnected, which is final",
		workflows.ConnReauthRequired: "one side no longer accepts Kvitt's credential",
	} {
		d := newDesk(t)
		d.connected("shop-1", func(c *store.Connection) {
			c.State = state
			if state == workflows.ConnSetup {
				c.Klarna, c.Visma = nil, nil
			}
		})
		contains(t, d.fails(ExitFailed, january...), words)
	}
}

func TestASecondBackfillOfTheSameDaysNamesTheWaysOut(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.startError = operate.ErrRunning
	contains(t, d.fails(ExitFailed, january...), "Start a backfill from 2026-01-01 to 2026-01-31: one of exactly these days runs already.",
		"`starter backfill shop-1 --from 2026-01-01 --to 2026-01-31 --attach`", "--cancel")
}

func TestADetachedBackfillSaysHowToGoOn(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	contains(t, d.want(d.run(with(january, "--detach")...), ExitDone).out, "runs in Temporal as backfill/shop-1/2026-01-01/2026-01-31", "--attach", "--pause", "--cancel")
	got := document[started](t, d.want(d.run(with(january, "--detach", "--dry-run", "--concurrency", "3", "--output", "json")...), ExitDone))
	if diff := cmp.Diff(started{"backfill/shop-1/2026-01-01/2026-01-31", "shop-1", "2026-01-01", "2026-01-31", true, "start"}, got); diff != "" {
		t.Error(diff)
	}
	if in := d.temporal.started[1].Input.(workflows.SyncInput); in.Concurrency != 3 {
		t.Errorf("%+v", in)
	}
}

func TestARunningBackfillIsPausedResumedAndCancelled(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1", func(c *store.Connection) { c.State = workflows.ConnReauthRequired }) // it can be stopped all the same
	for _, verb := range []string{"pause", "resume", "cancel"} {
		contains(t, d.want(d.run(with(january, "--"+verb)...), ExitDone).out, "Asked the backfill to "+verb)
	}
	var got []string
	for _, m := range d.temporal.signals {
		got = append(got, m.String())
	}
	id := "backfill/shop-1/2026-01-01/2026-01-31 "
	if diff := cmp.Diff([]string{id + "Pause {Who:anna Reason: Instruction: VoucherHash:}", id + "Resume {Who:anna Reason: Instruction: VoucherHash:}", id + "Cancel {Who:anna Reason: Instruction: VoucherHash:}"}, got); diff != "" {
		t.Error(diff)
	}
	d.temporal.signalError = operate.ErrNotRunning
	contains(t, d.fails(ExitFailed, with(january, "--pause")...), "Pause the backfill from 2026-01-01 to 2026-01-31: none of exactly these days runs. Start one with `starter backfill shop-1 --from 2026-01-01 --to 2026-01-31`.")
	contains(t, d.fails(ExitFailed, with(january, "--attach")...), "none of exactly these days runs")
}

func TestCtrlCStopsTheWatchingAndNotTheBackfill(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	ctx, interrupt := context.WithCancel(t.Context())
	d.temporal.onResult = func(ctx context.Context, _ string) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	d.temporal.onQuery = func(string, string) (any, error) {
		interrupt() // while it is being watched
		return workflows.Progress{State: "running", Found: 5}, nil
	}
	s := d.want(d.runIn(ctx, january...), ExitFailed)
	contains(t, s.err, "Stopped watching. The backfill goes on in Temporal", "--attach", "--pause", "--cancel")
	if strings.Contains(s.err, "Error:") || len(d.temporal.signals) > 0 {
		t.Errorf("it is no error and stops nothing: %s %v", s.err, d.temporal.signals)
	}
}

func TestWhatIsInTheWayIsShownWhileWatching(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1", func(c *store.Connection) {
		c.Klarna = d.json(workflows.Side{State: workflows.SideReauthRequired, Remedy: "Set a working key."})
	})
	answers := []func() (any, error){
		func() (any, error) { return nil, operate.ErrNoAnswer },
		func() (any, error) { return nil, operate.ErrNoAnswer },
		func() (any, error) { return nil, operate.ErrNotRunning },
		func() (any, error) { return workflows.Progress{State: "waiting", Found: 5}, nil },
		func() (any, error) { return workflows.Progress{State: "paused", Found: 5}, nil },
	}
	end := make(chan struct{})
	asked := 0
	d.temporal.onQuery = func(string, string) (any, error) {
		if asked == len(answers) {
			close(end)
		}
		asked++
		if asked > len(answers) {
			return workflows.Progress{State: "running", Found: 5}, nil
		}
		return answers[asked-1]()
	}
	d.temporal.onResult = func(context.Context, string) (any, error) {
		<-end
		return found(5, 5, 0), nil
	}
	s := d.want(d.run(with(january, "--attach")...), ExitDone)
	contains(t, s.err, "no worker answers; it goes on when one does", "waits: Klarna no longer accepts Kvitt's credential. Set a working key.", "paused; the same command with --resume lets it go on")
}

func TestWhatIsTriedAgainIsToldWhenNothingMoves(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	var out bytes.Buffer
	a := newApp(Streams{Err: &out})
	now := noon
	a.now = func() time.Time { return now }
	d.temporal.onQuery = func(string, string) (any, error) {
		return workflows.Progress{State: "running", Found: 5, Posted: 4, Running: []string{"P5"}}, nil
	}
	d.temporal.onRetries = func(id string) ([]operate.Retry, error) {
		if id != "payout/shop-1/P5" {
			return nil, nil
		}
		return []operate.Retry{{Failures: 6, Words: "list transactions: Klarna answered 500"}}, nil
	}
	w := &watch{session: &session{app: a, store: d.store, temporal: d.temporal}, followed: followed{connection: "shop-1", workflowID: "b"}, screen: a.newView("Backfill", "months")}
	for range 6 {
		w.look(t.Context())
		now = now.Add(3 * time.Second)
	}
	want := `Backfill: 5 found, 4 posted, 0 held, 0 skipped, 0 failed; 0 rows
Backfill: 5 found, 4 posted, 0 held, 0 skipped, 0 failed; 0 rows; trying again (6 attempts so far): list transactions: Klarna answered 500
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestABackfillOfDaysToComeIsRefused(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	contains(t, d.fails(ExitUsage, "backfill", "shop-1", "--from", "2026-03-03", "--to", "2026-03-31"), "--from 2026-03-03 lies in the future; it is 2026-03-02")
}

func TestTheReportTellsWhatWasNotBegunAndWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		result workflows.SyncResult
		want   string
	}{
		{workflows.SyncResult{Progress: workflows.Progress{Found: 5, Posted: 2}, Outcome: workflows.OutcomeCancelled}, "5 payouts with 0 rows found: 2 posted, 0 held, 0 skipped as already final, 0 failed, 3 not begun.\n"},
		{workflows.SyncResult{Outcome: workflows.OutcomeDueMissing, Reason: "A payout in EUR was due on 2026-01-30"}, "A payout in EUR was due on 2026-01-30. Look in Klarna's Merchant Portal"},
		{workflows.SyncResult{Outcome: workflows.OutcomeDueMissing}, "A payout was due by the merchant's rhythm and is missing. Look in"},
	} {
		var out bytes.Buffer
		p := &c.result.Progress
		if err := writeConclusion(&out, &Report{Found: p.Found, Posted: p.Posted}, &c.result, painter{}); err != nil {
			t.Fatal(err)
		}
		contains(t, out.String(), c.want)
	}
}

func TestABackfillThatFailedSaysWhy(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.ends(workflows.SyncResult{})
	d.temporal.onResult = func(context.Context, string) (any, error) {
		return nil, &operate.RefusalError{Words: "list payouts: Klarna answered 500"}
	}
	contains(t, d.fails(ExitFailed, january...), "Follow the workflow backfill/shop-1/2026-01-01/2026-01-31: it failed: list payouts: Klarna answered 500. What was posted stays posted.")
}

func TestSyncIsAskedForFollowedAndReportedWithItsOwnWindow(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	const id = "sync/shop-1/now/2026-03-02T12:00:00Z"
	d.temporal.onUpdate = func(m message) (any, error) {
		if m.name != "SyncNow" {
			t.Errorf("asked for %s", m.name)
		}
		return workflows.Started{WorkflowID: id}, nil
	}
	d.ends(found(1, 0, 0))
	run := store.SyncRun{ID: id + "@run", ConnectionID: "shop-1", Mode: "now", From: noon.AddDate(0, -2, 0), To: noon, StartedAt: noon}
	if err := d.store.PutSyncRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	r := document[Report](t, d.want(d.run("sync", "shop-1", "--output", "json"), ExitDone))
	if r.From != "2026-01-02" || r.To != "2026-03-02" || len(r.Payouts) != 3 {
		t.Errorf("%+v", r)
	}
	if got := document[workflows.Started](t, d.want(d.run("sync", "shop-1", "--detach", "--output", "json"), ExitDone)); got.WorkflowID != id {
		t.Errorf("%+v", got)
	}
	d.temporal.onUpdate = func(message) (any, error) {
		return nil, &operate.RefusalError{Words: "sync connection shop-1: it is paused. It was paused by a person; `starter connection resume shop-1` goes on."}
	}
	contains(t, d.fails(ExitFailed, "sync", "shop-1"), "Sync connection shop-1: it is paused.")
}
