package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func (p *Portal) approve(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, "approve", workflows.ApprovePayout, workflows.Person{Who: by(r), VoucherHash: r.PostFormValue("voucher")})
}

func (p *Portal) reject(w http.ResponseWriter, r *http.Request) error {
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return say("payout.noreason")
	}
	return p.decide(w, r, "reject", workflows.RejectPayout, workflows.Person{Who: by(r), Reason: reason})
}

func (p *Portal) retry(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, "retry", workflows.RetryPayout, workflows.Person{Who: by(r)})
}

// retryReversal lets the held reversal of a payout look again.
func (p *Portal) retryReversal(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	if err := p.Desk.RetryReversal(r.Context(), &row, by(r), decisionWithin); err != nil && !errors.Is(err, operate.ErrStillGoing) {
		return err
	}
	return done(w, r, "/connections/"+row.ConnectionID+"/payouts/"+row.PaymentReference, "retry")
}

// withdrawReversal ends the held reversal of a payout before anything is sent.
func (p *Portal) withdrawReversal(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	by := workflows.Person{Who: by(r), Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	if err := p.Desk.WithdrawReversal(r.Context(), &row, by, decisionWithin); err != nil && !errors.Is(err, operate.ErrStillGoing) {
		return err
	}
	return done(w, r, payoutPath(&row), "withdraw")
}

// decide hands a decision on. Posting may take its time; after a while the page
// is shown as it stands, and what was decided goes on.
func (p *Portal) decide(w http.ResponseWriter, r *http.Request, verb string, u workflows.Update[workflows.Person, workflows.Accepted], person workflows.Person) error {
	id, ref := r.PathValue("id"), r.PathValue("ref")
	if verb == "approve" && person.VoucherHash == "" {
		return say("payout.unseen")
	}
	_, err := p.Desk.DecideSeen(r.Context(), id, ref, verb, u, person, decisionWithin)
	if err != nil && !errors.Is(err, operate.ErrStillGoing) {
		return err
	}
	return done(w, r, "/connections/"+id+"/payouts/"+ref, verb)
}

// decisionWithin limits how long a page waits for what a decision led to.
const decisionWithin = 15 * time.Second

// reverse takes the batch of a posted payout back by a mirrored one.
func (p *Portal) reverse(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	if row.FourEyes {
		return p.askReversal(w, r, &row)
	}
	return p.correct(w, r, "reverse", p.Desk.Reverse)
}

func (p *Portal) askReversal(w http.ResponseWriter, r *http.Request, row *store.Connection) error {
	reference, reason := r.PathValue("ref"), strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return say("payout.noreason")
	}
	if _, err := p.Desk.Store.Payout(r.Context(), row.ID, reference); err != nil {
		return err
	}
	return p.ask(w, r, row.ID, operate.RequestReverse, workflows.ReverseInput{
		PayoutRef: workflows.PayoutRef{Connection: row.ID, PaymentReference: reference}, Who: by(r), Reason: reason,
	})
}

// repost posts a reversed payout anew, as its next revision.
func (p *Portal) repost(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if row.State == workflows.StateHeld && reason != "" { // it waits, because it was reversed before
		return p.decide(w, r, "repost", workflows.RepostPayout, workflows.Person{Who: by(r), Reason: reason})
	}
	return p.correct(w, r, "repost", p.Desk.Repost)
}

// reopen takes a rejected payout up again.
func (p *Portal) reopen(w http.ResponseWriter, r *http.Request) error {
	return p.correct(w, r, "reopen", p.Desk.Reopen)
}

// correct starts what corrects an earlier decision; the page tells how it goes.
func (p *Portal) correct(w http.ResponseWriter, r *http.Request, verb string,
	start func(context.Context, *store.Payout, workflows.Person) (string, error),
) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return say("payout.noreason")
	}
	if _, err := start(r.Context(), &row, workflows.Person{Who: by(r), Reason: reason}); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ConnectionID+"/payouts/"+row.PaymentReference, verb)
}
