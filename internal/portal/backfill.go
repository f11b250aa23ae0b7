package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kvitt/internal/operate"
	"kvitt/internal/report"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/web"
	"kvitt/workflows"
)

// looksEvery says how often a backfill is asked for its progress while somebody
// looks at it.
const looksEvery = time.Second

func (p *Portal) startBackfill(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	in := workflows.SyncInput{
		Connection: row.ID, From: r.PostFormValue("from"), To: r.PostFormValue("to"), DryRun: r.PostFormValue("dry_run") == "yes", Who: by(r),
	}
	if err := mayBackfill(&row, &in, p.Now(), r.PostFormValue("earlier") == "yes"); err != nil {
		return err
	}
	_, err = p.Desk.StartBackfill(r.Context(), in)
	switch {
	case errors.Is(err, operate.ErrRunning): // one of exactly these days is looked at
	case err != nil:
		return err
	default:
		if err := p.noteBackfill(r, &in, "start"); err != nil {
			return err
		}
	}
	web.Go(w, r, backfillPath(&in))
	return nil
}

func backfillPath(in *workflows.SyncInput) string {
	return "/connections/" + in.Connection + "/backfills/" + in.From + "/" + in.To
}

// mayBackfill makes sure that a backfill can work and is meant.
func mayBackfill(row *store.Connection, in *workflows.SyncInput, now time.Time, earlier bool) error {
	from, err1 := time.Parse(time.DateOnly, in.From)
	to, err2 := time.Parse(time.DateOnly, in.To)
	switch {
	case err1 != nil || err2 != nil:
		return say("backfill.nodays")
	case to.Before(from):
		return say("backfill.swapped")
	case (report.Span{From: from, To: to}).Check() != nil:
		return tooManyDays(fmt.Sprintf("backfill the connection %s", row.ID), (report.Span{From: from, To: to}).Check())
	case from.After(now.AddDate(0, 0, 1)):
		return say("backfill.future")
	case row.State != workflows.ConnActive && (row.State != workflows.ConnPaused || !in.DryRun):
		return say("backfill.notactive")
	case in.From < row.Start && !in.DryRun && !earlier:
		return say("backfill.before", row.Start)
	}
	return nil
}

// running is a backfill as its page shows it.
type running struct {
	Connection, From, To string
	workflows.Progress
	Missing bool // nothing of this name runs or has run
	Dry     bool // nothing is posted
	Run     string
	Over    bool
	Outcome string
	Reason  string
	Quiet   bool // nobody answers
	May     bool // the person may pause and stop it
	// Previews are what a dry run that is over would have posted.
	Previews []store.Preview
}

func (p *Portal) backfill(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.found(r); err != nil {
		return err
	}
	at := p.running(r)
	if at.Missing {
		return p.missing(w, r)
	}
	p.show(w, r, http.StatusOK, "backfill", at)
	return nil
}

// running asks a backfill how it stands; one that has ended is in the database.
func (p *Portal) running(r *http.Request) running {
	ctx, id := r.Context(), r.PathValue("id")
	at := running{Connection: id, From: r.PathValue("from"), To: r.PathValue("to"), Run: r.URL.Query().Get("run")}
	person, _ := signin.PersonOf(ctx)
	at.May = person.Role.Allows(signin.Approver)
	name := workflows.BackfillWorkflowID(id, at.From, at.To)
	run, newest := p.runOf(ctx, id, name, at.Run)
	err := operate.ErrNotRunning
	if newest { // only that one can still be asked
		at.Progress, err = operate.Ask(ctx, p.Desk.Temporal, workflows.ProgressQuery, name)
	}
	if run != nil && run.FinishedAt != nil && (err != nil || at.State == "done") {
		p.wasRun(ctx, &at, run)
		return at
	}
	switch {
	case err == nil:
		at.Dry = at.DryRun
	case errors.Is(err, operate.ErrNotRunning):
		at.Missing = true
	default:
		at.Quiet, at.Dry = true, run != nil && run.Mode == "dry_run"
	}
	return at
}

// wasRun fills in what the database has of a run that is over.
func (p *Portal) wasRun(ctx context.Context, at *running, run *store.SyncRun) {
	at.Over, at.Outcome, at.Run, at.Dry = true, run.Outcome, run.ID, run.Mode == "dry_run"
	var result struct {
		workflows.Progress
		Reason string `json:"reason"`
	}
	if json.Unmarshal(run.Result, &result) == nil {
		at.Progress, at.Reason = result.Progress, result.Reason
	}
	at.State = "done"
	if at.Dry {
		at.Previews, _ = p.Desk.Store.Previews(ctx, run.ID) // without them the numbers still stand
		slices.Reverse(at.Previews)                         // the newest first
	}
}

// runOf is a run of a backfill, the newest unless another one is named; nil when
// the database knows of none.
func (p *Portal) runOf(ctx context.Context, id, name, wanted string) (run *store.SyncRun, newest bool) {
	runs, err := p.Desk.Store.SyncRunsFrom(ctx, id, name, 0, 0)
	if err != nil || len(runs) == 0 {
		return nil, true
	}
	i := max(0, slices.IndexFunc(runs, func(one store.SyncRun) bool { return one.ID == wanted }))
	return &runs[i], i == 0
}

// backfillEvents sends the progress of a backfill for as long as it runs and
// somebody looks: events "progress" with a part of the page, at last "over".
func (p *Portal) backfillEvents(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.found(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	tick := time.NewTicker(looksEvery)
	defer tick.Stop()
	for {
		at := p.running(r)
		html, err := p.part(r, "progress", &at)
		if err != nil {
			return nil //nolint:nilerr // the stream has begun; the page stays as it is
		}
		event := "progress"
		if at.Over || at.Missing {
			event = "over"
		}
		if !p.stillIn(r) {
			return nil // the browser asks again, and is sent to sign in
		}
		fmt.Fprintf(web.Stream{W: w, Within: looksEvery + 30*time.Second}, "event: %s\ndata: %s\n\n", event, strings.ReplaceAll(html, "\n", " "))
		if out.Flush() != nil || event == "over" {
			return nil
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}

func (p *Portal) tellBackfill(w http.ResponseWriter, r *http.Request) error {
	signals := map[string]workflows.Signal[workflows.Person]{
		"pause": workflows.PauseSync, "resume": workflows.ResumeSync, "stop": workflows.CancelSync,
	}
	verb := r.PathValue("verb")
	signal, known := signals[verb]
	if !known {
		return p.missing(w, r)
	}
	in := workflows.SyncInput{Connection: r.PathValue("id"), From: r.PathValue("from"), To: r.PathValue("to")}
	err := operate.Tell(r.Context(), p.Desk.Temporal, signal, workflows.BackfillWorkflowID(in.Connection, in.From, in.To), workflows.Person{Who: by(r)})
	if err := operate.Unanswered(verb+" the backfill from "+in.From+" to "+in.To, err, &operate.Error{Happened: "none of exactly these days runs"}); err != nil {
		return err
	}
	if err := p.noteBackfill(r, &in, verb); err != nil {
		return err
	}
	return done(w, r, backfillPath(&in), "backfill_"+verb)
}

// noteBackfill keeps who did what to a backfill.
func (p *Portal) noteBackfill(r *http.Request, in *workflows.SyncInput, verb string) error {
	after, err := json.Marshal(map[string]bool{"dry_run": in.DryRun})
	if err != nil {
		return fmt.Errorf("record what was done to a backfill: %w", err)
	}
	return p.Desk.Store.Audit(r.Context(), store.AuditEntry{
		Who: by(r), ConnectionID: in.Connection, Subject: "backfill/" + in.From + "/" + in.To, Action: "backfill." + verb, After: after,
	})
}
