package cli

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func TestCreateStoresTheConnectionAndStartsItsWorkflow(t *testing.T) {
	d := newDesk(t)
	d.now = time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC) // it is tomorrow in Stockholm
	s := d.want(d.run("connection", "create", "--name", "Åkes Öl & Ale", "--output", "json"), ExitDone)
	id := document[struct{ ID string }](t, s).ID
	if id != "k3x9-m2qp" {
		t.Errorf("id %s", id)
	}
	if !regexp.MustCompile(`^\{\n  "id": "[a-z0-9-]+"\n\}\n$`).MatchString(s.out) {
		t.Errorf("the document is %s", s.out)
	}
	row, err := d.store.Connection(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if row.Posting != "review" || row.Start != "2026-03-02" || row.State != workflows.ConnSetup || row.Provider != "klarna" || row.Region != "eu" {
		t.Errorf("stored %+v", row)
	}
	if p, err := d.store.Profile(t.Context(), id, 0); err != nil || p.Version != 1 || p.CreatedBy != "anna" {
		t.Errorf("profile %+v, %v", p, err)
	}
	want := []operate.Start{{
		ID: "connection/" + id, Workflow: "ConnectionWorkflow", Connection: id, Summary: "Connection " + id, Once: true, Urgency: 1,
		Input: workflows.ConnectionInput{ID: id, Who: "anna", Settings: workflows.Settings{
			Name: "Åkes Öl & Ale", Provider: "klarna", Region: "eu", Posting: "review", Start: "2026-03-02", ProfileVersion: 1,
		}},
	}}
	got := d.temporal.started
	if len(got) == 1 {
		got[0].Attributes = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateTakesPostingAndProfileFromWhereItIsTold(t *testing.T) {
	d := newDesk(t)
	preset, err := voucher.Preset("no-ns4102")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "profile.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(preset), "mode: review", "mode: draft")), 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(d.run("connection", "create", "--name", "A", "--profile", file), ExitDone)
	if row, _ := d.store.Connection(t.Context(), "k3x9-m2qp"); row.Posting != "draft" {
		t.Errorf("posting %s, want the profile's", row.Posting)
	}
	d.random = "B7TW4HZD"
	d.want(d.run("connection", "create", "--name", "B", "--profile", file, "--posting", "auto", "--start", "2025-12-24", "--provider", "kustom"), ExitDone)
	if row, _ := d.store.Connection(t.Context(), "b7tw-4hzd"); row.Posting != "auto" || row.Start != "2025-12-24" || row.Provider != "kustom" {
		t.Errorf("stored %+v", row)
	}
	contains(t, d.fails(ExitFailed, "connection", "create", "--name", "C", "--profile", "sebas"), "Read the posting profile sebas: no such file or directory. Name a file, or one of the presets se-bas")
}

func TestAConnectionThatCannotBeStartedIsNotLeftOpen(t *testing.T) {
	d := newDesk(t)
	d.temporal.startError = operate.ErrRunning
	contains(t, d.fails(ExitFailed, "connection", "create", "--name", "Shop"), "Temporal has a connection with this id already. Try again")
	if row, err := d.store.Connection(t.Context(), "k3x9-m2qp"); err != nil || row.State != workflows.ConnDisconnected {
		t.Errorf("%s, %v", row.State, err)
	}
	contains(t, d.fails(ExitFailed, "connection", "create", "--name", "Shop"), "it is there already")
}

func TestCreateWithoutAWorkerSaysThatTheNextStepsNeedOne(t *testing.T) {
	d := newDesk(t)
	d.temporal.workers = 0
	s := d.want(d.run("connection", "create", "--name", "Shop"), ExitDone)
	contains(t, s.err, `No worker polls the task queue "kvitt"`)
	contains(t, s.out, "starter connection klarna-key k3x9-m2qp")
}

func TestAnIDIsShortAndSaysNothingOfTheMerchant(t *testing.T) {
	if got := operate.ConnectionID("ABCDEFGHJKLM"); got != "abcd-efgh" {
		t.Errorf("the id is %s", got)
	}
}

func TestListShowsEveryConnection(t *testing.T) {
	d := newDesk(t)
	contains(t, d.want(d.run("connection", "list"), ExitDone).out, "There are no connections yet")
	d.connected("shop-1")
	d.connected("shop-2", func(c *store.Connection) {
		c.Name, c.State, c.Klarna, c.Visma, c.Posting, c.CreatedAt = "Andra", workflows.ConnSetup, nil, nil, "review", noon
	})
	golden(t, "connections.golden", d.want(d.run("connection", "list"), ExitDone).out)
	all := document[[]workflows.Status](t, d.want(d.run("connection", "list", "--output", "json"), ExitDone))
	if len(all) != 2 || all[0].ID != "shop-1" || all[1].Klarna.State != workflows.SideMissing {
		t.Errorf("%+v", all)
	}
}

func TestShowAsksTheWorkflowAndElseTellsWhatTheDatabaseHeardLast(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	now := workflows.Status{
		ID: "shop-1", Settings: workflows.Settings{Name: "Nordisk Webbhandel", Provider: "klarna", Region: "eu", Posting: "auto", Start: "2026-01-01", ProfileVersion: 3, Every: time.Hour},
		State: workflows.ConnReauthRequired, Since: noon, Environment: "test", MerchantID: "K123",
		Klarna: workflows.Side{State: workflows.SideReauthRequired, Since: noon, Identity: "K123", LastError: "Klarna answered 401.", Remedy: "Set a working key."},
		Visma:  workflows.Side{State: workflows.SideConnected, Since: noon, Identity: "5560001 Nordisk AB", Verified: noon, Flow: "service"}, BaseCurrency: "SEK",
	}
	d.temporal.onQuery = func(id, name string) (any, error) {
		if id != "connection/shop-1" || name != "Status" {
			t.Errorf("asked %s for %s", id, name)
		}
		return now, nil
	}
	live := d.want(d.run("connection", "show", "shop-1", "--output", "json"), ExitDone)
	if diff := cmp.Diff(now, document[workflows.Status](t, live)); diff != "" || live.err != "" {
		t.Error(diff, live.err)
	}
	golden(t, "connection.golden", d.want(d.run("connection", "show", "shop-1"), ExitDone).out)

	for why, words := range map[error]string{
		operate.ErrNoAnswer:   "no worker answers. Start a worker",
		operate.ErrNotRunning: "its workflow is not in Temporal",
	} {
		d.temporal.onQuery = func(string, string) (any, error) { return nil, why }
		stored := d.want(d.run("connection", "show", "shop-1", "--output", "json"), ExitDone)
		contains(t, stored.err, "This is what the database heard last", words)
		if got := document[workflows.Status](t, stored); got.State != workflows.ConnActive || got.Company != "5560001" || got.Klarna.Identity != "K123" {
			t.Errorf("%+v", got)
		}
	}
	d.temporal.unreachable = &operate.Error{Attempted: "reach Temporal at x", Happened: "it does not answer"}
	contains(t, d.want(d.run("connection", "show", "shop-1"), ExitDone).err, "Reach Temporal at x: it does not answer.")
}

func TestAnUnknownConnectionIsNamedWithThoseThatThereAre(t *testing.T) {
	d := newDesk(t)
	contains(t, d.fails(ExitFailed, "connection", "show", "shop"), "Find the connection shop: there is none with this id. There are no connections yet")
	d.connected("shop-1")
	for _, line := range []string{"connection show shop", "connection pause shop", "profile show shop", "payout list shop", "sync shop", "backfill shop --from 2026-01-01 --to 2026-01-02"} {
		contains(t, d.fails(ExitFailed, strings.Fields(line)...), "The connections are: shop-1.")
	}
}

func TestPauseResumeAndDisconnectTellTheWorkflowWhoAsked(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.onUpdate = func(m message) (any, error) {
		return workflows.Status{ID: "shop-1", State: map[string]string{"Pause": "paused", "Resume": "active", "Disconnect": "disconnected"}[m.name]}, nil
	}
	contains(t, d.want(d.run("connection", "pause", "shop-1", "--reason", "year end"), ExitDone).out, "The connection shop-1 is paused.")
	if got := document[workflows.Status](t, d.want(d.run("connection", "resume", "shop-1", "--output", "json"), ExitDone)); got.State != "active" {
		t.Errorf("%+v", got)
	}
	d.want(d.run("connection", "disconnect", "shop-1", "--yes"), ExitDone)
	var got []string
	for _, m := range d.temporal.updates {
		got = append(got, m.String())
	}
	want := []string{"connection/shop-1 Pause {Who:anna Reason:year end Instruction: VoucherHash:}", "connection/shop-1 Resume {Who:anna Reason: Instruction: VoucherHash:}", "connection/shop-1 Disconnect {Who:anna Reason: Instruction: VoucherHash:}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDisconnectWantsTheIDTyped(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	contains(t, d.fails(ExitUsage, "connection", "disconnect", "shop-1"), "--yes says that it is meant")
	d.console.answers = []string{"yes"}
	contains(t, d.fails(ExitFailed, "connection", "disconnect", "shop-1"), `the answer was "yes", so nothing was done`)
	if len(d.temporal.updates) > 0 {
		t.Error("it was done all the same")
	}
	d.console.answers = []string{"shop-1"}
	d.temporal.onUpdate = func(message) (any, error) {
		return workflows.Status{ID: "shop-1", State: "disconnected"}, nil
	}
	d.want(d.run("connection", "disconnect", "shop-1"), ExitDone)
}

func TestACommandThatNeedsAWorkerSaysSoWhenThereIsNone(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.temporal.workers = 0
	for _, line := range []string{
		"connection pause shop-1", "connection klarna-key shop-1", "connection authorize shop-1 --service --tenant-id 0f8fad5b-d9cb-469f-a165-70867728950e",
		"sync shop-1", "backfill shop-1 --from 2026-01-01 --to 2026-01-31", "payout retry shop-1 P1",
	} {
		contains(t, d.fails(ExitFailed, strings.Fields(line)...), `no worker polls the task queue "kvitt". Start a worker`)
	}
	d.temporal.workers, d.temporal.late, d.patience = 1, 1, time.Minute // one has just started
	d.temporal.onUpdate = func(message) (any, error) { return nil, operate.ErrNoAnswer }
	contains(t, d.fails(ExitFailed, "connection", "pause", "shop-1"), "Pause the connection shop-1: no worker has answered within 20s. Start a worker")
	d.temporal.onUpdate = func(message) (any, error) { return nil, operate.ErrStillGoing }
	contains(t, d.fails(ExitFailed, "payout", "retry", "shop-1", "P1"), "it was accepted and is still going on. It goes on without this command")
}

func TestAWorkflowsOwnWordsReachThePerson(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.onUpdate = func(message) (any, error) {
		return nil, &operate.RefusalError{Words: "resume connection shop-1: it is active. Both sides work and syncs run by schedule."}
	}
	contains(t, d.fails(ExitFailed, "connection", "resume", "shop-1"), "Resume connection shop-1: it is active. Both sides work and syncs run by schedule.")
	d.temporal.onUpdate = func(message) (any, error) {
		return nil, &operate.RefusalError{Words: `unable to decode the input for update "Pause": decrypt a Temporal payload: ` + vault.ErrWrongKeyset.Error() + ": it was sealed with key 1"}
	}
	contains(t, d.fails(ExitFailed, "connection", "pause", "shop-1"), "because it has another keyset. Give both the same keyset (KVITT_KEYSET, KVITT_KEYSET_FILE)")
	d.temporal.onUpdate = func(message) (any, error) { return nil, operate.ErrNotRunning }
	contains(t, d.fails(ExitFailed, "connection", "pause", "shop-1"), "the workflow connection/shop-1 does not run in Temporal. Check that TEMPORAL_ADDRESS")
	d.temporal.onUpdate = func(message) (any, error) { return nil, errors.New("speak with Temporal at x: odd") }
	contains(t, d.fails(ExitFailed, "connection", "pause", "shop-1"), "Speak with Temporal at x: odd.")
}
