package portal

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kvitt/internal/notice"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// listed is a connection in the list.
type listed struct {
	workflows.Status
	LastSync, NextSync  time.Time
	LastOutcome         string
	Held, Approval      int64
	Reversals, Accruals int64 // that are held
}

// connections lists the connections.
func (p *Portal) connections(w http.ResponseWriter, r *http.Request) error {
	rows, err := p.Desk.Store.Connections(r.Context())
	if err != nil {
		return err
	}
	counts, err := p.Desk.Store.PayoutCounts(r.Context())
	if err != nil {
		return err
	}
	all := make([]listed, len(rows))
	for i := range rows {
		if all[i], err = p.listed(r.Context(), &rows[i], counts); err != nil {
			return err
		}
	}
	p.show(w, r, http.StatusOK, "connections", all)
	return nil
}

func (p *Portal) listed(ctx context.Context, row *store.Connection, counts []store.PayoutCount) (one listed, err error) {
	if one.Status, err = operate.StatusOf(row); err != nil {
		return one, err
	}
	last, err := p.Desk.Store.LastSuccessfulSync(ctx, row.ID)
	if err != nil {
		return one, err
	}
	if last != nil && last.FinishedAt != nil {
		one.LastSync, one.LastOutcome = *last.FinishedAt, last.Outcome
	}
	if row.State == workflows.ConnActive {
		one.NextSync, _ = p.Desk.Temporal.NextRun(ctx, workflows.ScheduleID(row.ID)) // not knowing it is no reason to show nothing
	}
	for _, c := range counts {
		switch {
		case c.ConnectionID != row.ID:
		case c.State == workflows.StateHeld:
			one.Held += c.Payouts
		case c.State == workflows.StateAwaitingApproval:
			one.Approval += c.Payouts
		}
	}
	stops, err := p.Desk.Store.Stops(ctx, row.ID, "")
	for i := range stops {
		switch stops[i].Work {
		case workflows.WorkReversal:
			one.Reversals++
		case workflows.WorkAccrual:
			one.Accruals++
		}
	}
	return one, err
}

// creating is the form of a new connection.
type creating struct {
	Name, Provider, Region, Preset, Posting string
	FourEyes                                bool
	Presets                                 []string
	Problem                                 string // a key of the words
}

func (p *Portal) newConnection(w http.ResponseWriter, r *http.Request) error {
	p.show(w, r, http.StatusOK, "new", creating{Provider: "klarna", Region: "eu", Preset: "se-bas", Posting: "review", Presets: voucher.Presets()})
	return nil
}

func (p *Portal) createConnection(w http.ResponseWriter, r *http.Request) error {
	in := creating{
		Name: strings.TrimSpace(r.PostFormValue("name")), Provider: r.PostFormValue("provider"), Region: r.PostFormValue("region"),
		Preset: r.PostFormValue("preset"), Posting: r.PostFormValue("posting"),
		FourEyes: r.PostFormValue("four_eyes") == "on", Presets: voucher.Presets(),
	}
	switch {
	case in.Name == "" || len(in.Name) > 120 || notice.CheckName(in.Name) != nil:
		in.Problem = "new.problem.name"
	case !slices.Contains([]string{"klarna", "kustom"}, in.Provider), !slices.Contains([]string{"eu", "na", "oc"}, in.Region),
		!slices.Contains([]string{"draft", "review", "auto"}, in.Posting), !slices.Contains(in.Presets, in.Preset):
		in.Problem = "new.problem.choice"
	case in.Provider == "kustom" && in.Region != "eu":
		in.Problem = "new.problem.kustom"
	}
	if in.Problem != "" {
		p.show(w, r, http.StatusUnprocessableEntity, "new", in)
		return nil
	}
	document, err := voucher.Preset(in.Preset)
	if err != nil {
		return err
	}
	profile, err := voucher.ParseProfile(document)
	if err != nil {
		return err
	}
	// Without a first day to post from, the connection waits for a person to start it.
	row := store.Connection{ID: operate.ConnectionID(rand.Text()), Name: in.Name, Provider: in.Provider, Region: in.Region, Posting: in.Posting, FourEyes: in.FourEyes}
	if err := p.Desk.Create(r.Context(), &row, profile, document, workflows.Settings{}, by(r)); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID+"/klarna", "created")
}

// details are what the page of a connection shows.
type details struct {
	listed
	Stale   bool // nobody answered: this is what the database heard last
	Payouts []stateCount
	History []happening
	Past    pager // of the history
	Runs    []ran
	Ran     pager // of the runs
	Busy    bool  // a sync or a backfill runs
	Moving  bool  // something goes on or has just begun, so the page looks again
	Today   string

	Openings []store.Opening // that were recorded
}

// stateCount is the number of payouts that are in a state.
type stateCount struct {
	State string
	N     int64
}

// happening is an entry of the audit trail about the connection itself.
type happening struct {
	At          time.Time
	Who, Action string
	Before      string
	After       string
}

// mostShown bounds the lists on the page of a connection.
const mostShown = 20

func (p *Portal) connection(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	counts, err := p.Desk.Store.PayoutCounts(r.Context())
	if err != nil {
		return err
	}
	d := details{Today: p.Now().In(p.zoneOf(r.Context(), row.ID)).Format(time.DateOnly)}
	if d.listed, err = p.listed(r.Context(), &row, counts); err != nil {
		return err
	}
	if row.State != workflows.ConnDisconnected {
		now, err := operate.Ask(r.Context(), p.Desk.Temporal, workflows.ConnectionStatus, workflows.ConnectionWorkflowID(row.ID))
		if d.Stale = err != nil; !d.Stale {
			d.Status = now
		}
	}
	for _, c := range counts {
		if c.ConnectionID == row.ID {
			d.add(c.State, c.Payouts)
		}
	}
	if d.Reversals > 0 {
		d.add(heldReversals, d.Reversals)
	}
	if d.History, d.Past, err = p.history(r, row.ID); err != nil {
		return err
	}
	if d.Openings, err = p.Desk.Store.Openings(r.Context(), row.ID); err != nil {
		return err
	}
	if d.Runs, d.Ran, err = p.runs(r, row.ID); err != nil {
		return err
	}
	d.Busy = slices.ContainsFunc(d.Runs, func(one ran) bool { return one.FinishedAt == nil })
	d.Moving = d.Busy || len(d.History) > 0 && p.Now().Sub(d.History[0].At) < justNow
	p.show(w, r, http.StatusOK, "connection", &d)
	return nil
}

func (d *details) add(state string, n int64) {
	for i := range d.Payouts {
		if d.Payouts[i].State == state {
			d.Payouts[i].N += n
			return
		}
	}
	d.Payouts = append(d.Payouts, stateCount{state, n})
}

// ran is a sync or a backfill that runs or has run.
type ran struct {
	store.SyncRun
	Page string // of a backfill or a dry run
}

// mostRuns is the most that a page lists.
const mostRuns = 10

// runs are the syncs and backfills of a connection, the newest first.
func (p *Portal) runs(r *http.Request, id string) ([]ran, pager, error) {
	pages := pagerOf(r, "runs")
	found, err := p.Desk.Store.SyncRunsFrom(r.Context(), id, "", pages.skip(mostRuns), mostRuns+1)
	found = cut(&pages, found, mostRuns)
	all := make([]ran, len(found))
	for i := range found {
		all[i].SyncRun = found[i]
		if from, to, ok := backfillDays(id, found[i].ID); ok {
			all[i].Page = "/connections/" + id + "/backfills/" + from + "/" + to + "?" + url.Values{"run": {found[i].ID}}.Encode()
		}
	}
	return all, pages, err
}

// history returns what became of a connection, newest first.
func (p *Portal) history(r *http.Request, id string) ([]happening, pager, error) {
	past := pagerOf(r, "history")
	trail, err := p.Desk.Store.AuditOf(r.Context(), id, "connection/"+id, past.skip(mostShown), mostShown+1)
	trail = cut(&past, trail, mostShown)
	all := make([]happening, len(trail))
	for i := range trail {
		e := &trail[i]
		all[i] = happening{At: e.At, Who: e.Who, Action: strings.TrimPrefix(e.Action, "connection."), Before: stateIn(e.Before), After: stateIn(e.After)}
	}
	return all, past, err
}

func (p *Portal) pause(w http.ResponseWriter, r *http.Request) error {
	return p.command(w, r, "pause", workflows.PauseConnection)
}

func (p *Portal) resume(w http.ResponseWriter, r *http.Request) error {
	return p.command(w, r, "resume", workflows.ResumeConnection)
}

func (p *Portal) command(w http.ResponseWriter, r *http.Request, verb string, u workflows.Update[workflows.Person, workflows.Status]) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	if _, err := p.Desk.Command(r.Context(), &row, verb, u, workflows.Person{Who: by(r), Reason: r.PostFormValue("reason")}); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID, verb)
}

func (p *Portal) syncNow(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	_, err = operate.Give(r.Context(), p.Desk, row.ID, workflows.SyncNow, workflows.ConnectionWorkflowID(row.ID), workflows.Person{Who: by(r)}, operate.SettingsWithin)
	if err := operate.Unanswered("sync the connection "+row.ID, err, operate.NoConnectionWorkflow(&row)); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID, "sync")
}

// disconnecting is the page that wants the connection's id typed.
type disconnecting struct {
	store.Connection
	Wrong bool
}

func (p *Portal) askDisconnect(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "disconnect", disconnecting{Connection: row})
	return nil
}

func (p *Portal) disconnect(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(r.PostFormValue("confirm")) != row.ID {
		p.show(w, r, http.StatusUnprocessableEntity, "disconnect", disconnecting{row, true})
		return nil
	}
	return p.command(w, r, "disconnect", workflows.Disconnect)
}

// notFound tells a missing record from other errors.
func notFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
