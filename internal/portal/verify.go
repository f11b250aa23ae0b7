package portal

import (
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"kvitt/activities"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// verifying is the page between two connected sides and the first posting.
type verifying struct {
	workflows.Status
	Today string
	Ready bool // both sides are connected, and it has not started yet
}

func (p *Portal) verify(w http.ResponseWriter, r *http.Request) error {
	row, status, err := p.standing(r)
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "verify", p.verifying(r, &row, &status))
	return nil
}

func (p *Portal) verifying(r *http.Request, row *store.Connection, status *workflows.Status) verifying {
	today := p.Now()
	if profile, _, err := p.Desk.Doors.Profile(r.Context(), row.ID, 0); err == nil {
		today = today.In(profile.Location())
	}
	return verifying{
		Status: *status, Today: today.Format(time.DateOnly),
		Ready: status.Start == "" && status.Klarna.State == workflows.SideConnected && status.Visma.State == workflows.SideConnected,
	}
}

// checked are the checks of a connection, as a part of a page.
type checked struct {
	Checks []operate.Check
	Fine   bool
}

func (p *Portal) checks(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	ctx, cancel := within(r.Context())
	defer cancel()
	all := p.Desk.Verify(ctx, &row)
	p.show(w, r, http.StatusOK, "checks", checked{all, !slices.ContainsFunc(all, func(c operate.Check) bool { return !c.OK })})
	return nil
}

// tried is a trial, as a part of a page.
type tried struct {
	*activities.Trial
	Failed, Helps string
}

func (p *Portal) trial(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	ctx, cancel := within(r.Context())
	defer cancel()
	got, err := p.Trial(ctx, row.ID)
	out := tried{Trial: got}
	if err != nil {
		out.Failed, out.Helps = operate.Explain(err)
	}
	p.show(w, r, http.StatusOK, "trial", out)
	return nil
}

func (p *Portal) start(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	first := r.PostFormValue("start")
	if _, err := time.Parse(time.DateOnly, first); err != nil {
		return say("start.noday")
	}
	if row.Start != "" {
		return say("start.already", row.Start)
	}
	now, err := p.Desk.Start(r.Context(), &row, first, "", by(r))
	if err != nil {
		return err
	}
	if now.State == workflows.ConnActive { // or the person waits for the schedule and sees nothing
		_, err = operate.Give(r.Context(), p.Desk, row.ID, workflows.SyncNow, workflows.ConnectionWorkflowID(row.ID), workflows.Person{Who: by(r)}, operate.SettingsWithin)
		if err := operate.Unanswered("sync the connection "+row.ID, err, operate.NoConnectionWorkflow(&row)); err != nil {
			p.Log.Warn("the first sync of a connection was not started; its schedule does", zap.String("connection", row.ID), zap.Error(err))
		}
	}
	return done(w, r, "/connections/"+row.ID, "started")
}
