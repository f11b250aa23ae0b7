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

// looksEvery is how often a backfill is asked for its progress while somebody
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
	refuse := func(happened, helps string) error {
		return &operate.Error{Attempted: fmt.Sprintf("backfill the connection %s from %s to %s", row.ID, in.From, in.To), Happened: happened, Helps: helps}
	}
	from, err1 := time.Parse(time.DateOnly, in.From)
	to, err2 := time.Parse(time.DateOnly, in.To)
	switch {
	case err1 != nil || err2 != nil:
		return refuse("these are not two days", "Choose the first and the last day.")
	case to.Before(from):
		return refuse("the last day lies before the first", "Turn them round.")
	case (report.Span{From: from, To: to}).Check() != nil:
		return tooManyDays(fmt.Sprintf("backfill the connection %s", row.ID), (report.Span{From: from, To: to}).Check())
	case from.After(now.AddDate(0, 0, 1)):
		return refuse("the first day lies in the future", "Choose days that have been.")
	case row.State != workflows.ConnActive && (row.State != workflows.ConnPaused || !in.DryRun):
		return refuse("the connection is "+row.State, "Bring the connection to work first; its page says what it needs.")
	case in.From < row.Start && !in.DryRun && !earlier:
		return refuse("the connection starts at "+row.Start+", and days before it may be booked already", "Tick the box that says you want these days posted.")
	}
	return nil
}

// running is a backfill as its page shows it.
type running struct {
	Connection, From, To string
	workflows.Progress
	Missing bool // nothing of this name runs or has run
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
	at := running{Connection: id, From: r.PathValue("from"), To: r.PathValue("to")}
	person, _ := signin.PersonOf(ctx)
	at.May = person.Role.Allows(signin.Approver)
	name := workflows.BackfillWorkflowID(id, at.From, at.To)
	var err error
	at.Progress, err = operate.Ask(ctx, p.Desk.Temporal, workflows.ProgressQuery, name)
	if run := p.lastRun(ctx, id, name); run != nil && run.FinishedAt != nil && (err != nil || at.State == "done") {
		at.Over, at.Outcome = true, run.Outcome
		var result struct {
			workflows.Progress
			Reason string `json:"reason"`
		}
		if json.Unmarshal(run.Result, &result) == nil {
			at.Progress, at.Reason = result.Progress, result.Reason
		}
		at.State = "done"
		if run.Mode == "dry_run" {
			at.Previews, _ = p.Desk.Store.Previews(ctx, run.ID) // without them the numbers still stand
		}
		return at
	}
	switch {
	case err == nil:
	case errors.Is(err, operate.ErrNotRunning):
		at.Missing = true
	default:
		at.Quiet = true
	}
	return at
}

func (p *Portal) lastRun(ctx context.Context, id, name string) *store.SyncRun {
	runs, err := p.Desk.Store.SyncRuns(ctx, id, mostShown)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(runs, func(run store.SyncRun) bool { return strings.HasPrefix(run.ID, name+"@") })
	if i < 0 {
		return nil
	}
	return &runs[i]
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
