package cli

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/company"
	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// vismaClock is Visma Connect as far as its clock.
func vismaClock(t *testing.T, now time.Time) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		http.Error(w, "not here", http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	t.Setenv("KVITT_VISMA_CONNECT_URL", server.URL)
	t.Setenv("KVITT_VISMA_API_URL", server.URL)
}

func TestDoctorChecksWhatThereIsAndNamesWhatHelps(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon)
	s := d.run("doctor", "--output", "json")
	if s.status != ExitFailed {
		t.Errorf("exit status %d, want failed because Visma Connect has no discovery document", s.status)
	}
	all := document[[]check](t, s)
	if got := results(all); got != "database=ok audit trail=ok keyset=ok temporal=ok search attributes=ok worker=ok clock=ok visma connect=failed" {
		t.Error(got)
	}
	contains(t, all[5].Words, `a worker polled the task queue "kvitt", last 2 s ago`)
	contains(t, all[7].Remedy, "Check KVITT_VISMA_CONNECT_URL.")
	contains(t, d.run("doctor").out, "7 checks ok, 0 warnings, 1 failed.", "→ Check KVITT_VISMA_CONNECT_URL.")
}

func TestDoctorLooksAtTheRestWhenOneThingFails(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon.Add(-10*time.Minute))
	t.Setenv("KVITT_DATABASE_URL", "sqlite:/no/such/folder/kvitt.db")
	t.Setenv("KVITT_VISMA_CLIENT_ID", "")
	t.Setenv("KVITT_VISMA_CLIENT_SECRET", "")
	d.temporal.workers = 0
	delete(d.temporal.attributes, "KvittState")
	all := document[[]check](t, d.run("doctor", "--output", "json"))
	if got := results(all); got != "database=failed keyset=ok temporal=ok search attributes=failed worker=failed clock=warning visma connect=failed connections=warning" {
		t.Error(got)
	}
	contains(t, all[3].Remedy, "Run `starter setup`.")
	contains(t, all[5].Words, "This machine's clock is 10 min ahead of that of Visma.")
	contains(t, all[6].Remedy, "KVITT_VISMA_CLIENT_ID")
}

func TestDoctorNamesWhatHelpsAgainstEachRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{&fault.Error{Class: fault.Auth}, "make a new key"},
		{&fault.Error{Class: fault.Transient}, reachable},
		{&fault.Error{Class: fault.Rejected, Status: http.StatusNotFound}, otherAddress},
		{&fault.Error{Class: fault.BadData}, otherAddress},
		{&fault.Error{Class: fault.Throttled, Status: http.StatusTooManyRequests}, ""},
		{&fault.Error{Class: fault.Rejected, Remedy: "Ask them."}, "Ask them."},
	} {
		e := &examination{}
		e.refused("visma.net", "c1", c.err, "make a new key")
		if got := e.list[0].Remedy; got != c.want {
			t.Errorf("%+v: %q", c.err, got)
		}
	}
}

func TestDoctorMakesNoDatabase(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon)
	path := filepath.Join(t.TempDir(), "kvitt.db")
	t.Setenv("KVITT_DATABASE_URL", "sqlite:"+path)
	all := document[[]check](t, d.run("doctor", "--output", "json"))
	contains(t, all[0].Words, "there is no such file yet")
	contains(t, all[0].Remedy, "Run `starter setup`")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database was made: %v", err)
	}
}

func TestDoctorTellsAnotherKeysetFromAnotherDatabase(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon)
	d.run("doctor") // the keyset of this database is known from now on
	other, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KVITT_KEYSET", other)
	all := document[[]check](t, d.run("doctor", "--output", "json"))
	contains(t, all[2].Words, "It is not the one that this database was sealed with.")
	if all[2].Result != checkFailed || all[2].Remedy != vault.RightKeyset {
		t.Errorf("%+v", all[2])
	}
}

func TestDoctorSaysWhatEachConnectionNeeds(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon)
	d.connected("works", func(c *store.Connection) {
		long := d.json(workflows.Side{State: workflows.SideConnected, Since: noon.AddDate(0, -1, 0)})
		c.Klarna, c.Visma = long, long
	})
	d.connected("new", func(c *store.Connection) {
		c.State, c.Klarna, c.Visma, c.CreatedAt = workflows.ConnSetup, nil, nil, noon.Add(-time.Hour)
	})
	d.payouts("works")
	d.temporal.onQuery = func(id, _ string) (any, error) {
		if id == "connection/works" {
			return nil, operate.ErrNotRunning
		}
		return workflows.Status{}, nil
	}
	d.connected("gone", func(c *store.Connection) { c.State = workflows.ConnDisconnected })
	all := document[[]check](t, d.run("doctor", "--output", "json"))
	got := results(all)
	// No credential is in the vault, so the real reads of the first one fail.
	contains(t, got, "works workflow=failed works klarna=failed works visma.net=failed", "works payouts=warning works last sync=failed", "new state=warning")
	if strings.Contains(got, "gone") {
		t.Error("a connection that has ended is looked at")
	}
	for _, c := range all {
		if c.Connection == "works" && c.Result == checkFailed && c.Remedy == "" {
			t.Errorf("no remedy: %+v", c)
		}
	}
}

func TestTheAgeOfTheLastSuccessfulSyncIsWatchedFromOutside(t *testing.T) {
	for _, c := range []struct {
		name  string
		since time.Duration
		last  time.Duration // ago; 0: none
		state string
		want  string
	}{
		{"fresh", 72 * time.Hour, time.Hour, workflows.ConnActive, checkOK},
		{"old", 72 * time.Hour, 25 * time.Hour, workflows.ConnActive, checkFailed},
		{"new", time.Hour, 0, workflows.ConnActive, checkOK},
		{"never", 72 * time.Hour, 0, workflows.ConnActive, checkFailed},
		{"setup", time.Hour, 0, workflows.ConnSetup, ""},
		{"paused", 72 * time.Hour, 60 * time.Hour, workflows.ConnPaused, checkWarning},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.connected("shop-1")
			if c.last > 0 {
				at := noon.Add(-c.last)
				if err := d.store.PutSyncRun(t.Context(), store.SyncRun{ID: "r", ConnectionID: "shop-1", Mode: "schedule", From: at.AddDate(0, 0, -14), To: at, StartedAt: at, FinishedAt: &at, Outcome: store.OutcomeFetched}); err != nil {
					t.Fatal(err)
				}
			}
			a := newApp(Streams{})
			a.now = func() time.Time { return noon }
			e := &examination{session: &session{app: a, store: d.store}, limit: 24 * time.Hour}
			e.syncAge(t.Context(), &store.Connection{ID: "shop-1", State: c.state}, noon.Add(-c.since))
			if c.want == "" && len(e.list) == 0 {
				return
			}
			if len(e.list) != 1 || e.list[0].Result != c.want {
				t.Errorf("%+v, want %s", e.list, c.want)
			}
		})
	}
}

// chart is a company without some accounts.
type chart struct{ missing map[string]bool }

func (c chart) Check(u voucher.Uses) []company.Problem {
	problems := []company.Problem{{Code: held.SubaccountInvalid, Detail: "the company has 2 subaccount segments, the profile names 0"}}
	for _, a := range u.Accounts {
		if c.missing[a] {
			problems = append(problems, company.Problem{Code: held.AccountUnknown, Detail: "account " + a + " does not exist"})
		}
	}
	return problems
}

func TestEveryProblemOfAProfileIsNamedOnceWithWhoUsesIt(t *testing.T) {
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	p, err := voucher.ParseProfile(preset)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, problem := range operate.ProfileProblems(p, chart{map[string]bool{"1686": true, "2641": true}}) {
		got = append(got, string(problem.Code)+" "+problem.Detail)
	}
	want := []string{
		"subaccount_invalid the company has 2 subaccount segments, the profile names 0",
		"account_unknown account 1686 does not exist; it is used by " + operate.Some(p.UsedBy("1686"), 5),
		"account_unknown account 2641 does not exist; it is used by " + operate.Some(p.UsedBy("2641"), 5),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorNoticesADeadWorkerAtOnce(t *testing.T) {
	for _, c := range []struct {
		name       string
		connection bool
		silent     time.Duration
		answer     error
		want       string
		words      string
	}{
		{"lives", true, 0, nil, checkOK, "it answers"},
		{"was killed a moment ago", true, 0, operate.ErrNoAnswer, checkFailed, "None answers now"},
		{"lives, and a connection is lost", true, 0, operate.ErrNotRunning, checkOK, "last 2 s ago"},
		{"is silent, with nothing to ask it", false, 3 * time.Minute, nil, checkWarning, "A running worker polls every minute."},
		{"lives, with nothing to ask it", false, time.Minute, nil, checkOK, "last 1 min ago"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			vismaClock(t, noon)
			if c.connection {
				d.connected("shop-1")
			}
			d.temporal.silent = c.silent
			d.temporal.onQuery = func(string, string) (any, error) { return workflows.Status{}, c.answer }
			for _, k := range document[[]check](t, d.run("doctor", "--output", "json")) {
				if k.Check != "worker" {
					continue
				}
				if k.Result != c.want || (k.Result != checkOK) != strings.Contains(k.Remedy, "Start a worker") {
					t.Errorf("%+v, want %s", k, c.want)
				}
				contains(t, k.Words, c.words)
			}
		})
	}
}

func TestDoctorNamesTheConnectionsThatNeedSomebody(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon)
	d.connected("shop-1")
	d.connected("shop-2", func(c *store.Connection) { c.Name, c.State = "Andra", workflows.ConnPaused })
	d.temporal.onQuery = func(string, string) (any, error) { return workflows.Status{}, nil }
	out := d.run("doctor").out
	contains(t, out, "\nshop-1  Nordisk Webbhandel\n", "Needs attention: shop-1 (Nordisk Webbhandel): klarna failed, visma.net failed", "Needs attention: shop-2 (Andra): ")
}
