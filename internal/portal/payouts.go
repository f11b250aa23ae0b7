package portal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"kvitt/activities"
	"kvitt/internal/company"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// mostPayouts is how many payouts a page lists.
const mostPayouts = 200

// payoutList is the payouts of a connection, by state where one is chosen.
type payoutList struct {
	store.Connection
	State     string
	Payouts   []store.Payout
	Reversals map[string]*operate.Reversal // those that are held
	Elsewhere map[string]store.Decision    // batches of others that book payouts
	More      bool
}

// heldReversals is the state to list payouts by whose reversal is held.
const heldReversals = "reversal_held"

func (p *Portal) payouts(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("state") == workflows.StateAwaitingApproval {
		return p.review(w, r)
	}
	row, err := p.found(r)
	if err != nil {
		return err
	}
	list := payoutList{Connection: row, State: r.URL.Query().Get("state")}
	if list.Reversals, err = p.Desk.HeldReversals(r.Context(), row.ID); err != nil {
		return err
	}
	if list.Payouts, err = p.listPayouts(r.Context(), &list); err != nil {
		return err
	}
	if list.Elsewhere, err = p.Desk.Store.BookedElsewhere(r.Context(), row.ID); err != nil {
		return err
	}
	if list.More = len(list.Payouts) > mostPayouts; list.More {
		list.Payouts = list.Payouts[:mostPayouts]
	}
	p.show(w, r, http.StatusOK, "payouts", list)
	return nil
}

func (p *Portal) listPayouts(ctx context.Context, list *payoutList) ([]store.Payout, error) {
	if list.State != heldReversals {
		return p.Desk.Store.Payouts(ctx, store.PayoutFilter{Connection: list.ID, State: list.State, Limit: mostPayouts + 1})
	}
	var all []store.Payout
	for _, ref := range slices.Sorted(maps.Keys(list.Reversals)) {
		one, err := p.Desk.Store.Payout(ctx, list.ID, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// payoutPage is everything that decides about a payout.
type payoutPage struct {
	store.Payout
	Totals   settlement.Totals
	Proof    *activities.Proof
	Voucher  *voucher.Voucher
	Held     *workflows.Held
	Warned   klarna.Warnings   // what was borne with in Klarna's answers
	Reversal *operate.Reversal // that is held
	Posting  *store.Posting
	Parts    []operate.Part // what of it is posted in earlier periods
	History  []happening

	Decisions []store.Decision
	Offers    []Offer
	Elsewhere string            // the batch of somebody else that books it
	Chart     []company.Account // the company's accounts, where they are asked for and known
}

func (p *Portal) payout(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	at := payoutPage{Payout: row}
	var figures settlement.Payout
	for _, part := range []struct {
		document json.RawMessage
		into     any
	}{{row.Payout, &figures}, {row.Proof, &at.Proof}, {row.Voucher, &at.Voucher}, {row.Held, &at.Held}, {row.Warnings, &at.Warned}} {
		if len(part.document) == 0 {
			continue
		}
		if err := json.Unmarshal(part.document, part.into); err != nil {
			return fmt.Errorf("read what is recorded of the payout %s: %w", row.PaymentReference, err)
		}
	}
	at.Totals = figures.Totals
	if row.HeldReason == "" {
		at.Held = nil
	} else if entry, _ := held.Look(at.Held.Code); at.Held.Detail == entry.Sentence {
		at.Held.Detail = "" // the page says it in the reader's language
	}
	posting, err := p.Desk.Store.PostingOf(r.Context(), row.ConnectionID, row.PaymentReference, -1)
	switch {
	case err == nil:
		at.Posting = &posting
	case !notFound(err):
		return err
	}
	if at.Parts, err = p.Desk.Parts(r.Context(), row.ConnectionID, at.Voucher); err != nil {
		return err
	}
	reversals, err := p.Desk.HeldReversals(r.Context(), row.ConnectionID)
	if err != nil {
		return err
	}
	at.Reversal = reversals[row.PaymentReference]
	if at.History, err = p.payoutHistory(r, &row); err != nil {
		return err
	}
	if err := p.decisions(r.Context(), &at); err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "payout", &at)
	return nil
}

// mostHistory is how many entries of the audit trail a payout's page shows.
const mostHistory = 200

// payoutHistory is what the audit trail tells about a payout, newest first.
func (p *Portal) payoutHistory(r *http.Request, row *store.Payout) ([]happening, error) {
	trail, err := p.Desk.Store.AuditAbout(r.Context(), row.ConnectionID, "payout/"+row.PaymentReference, mostHistory)
	if err != nil {
		return nil, err
	}
	var all []happening
	for i := range trail {
		e := &trail[i]
		var after struct {
			Reason string `json:"reason"`
			Code   string `json:"code"`
		}
		_ = json.Unmarshal(e.After, &after) // most actions have neither
		all = append(all, happening{At: e.At, Who: e.Who, Action: strings.TrimPrefix(e.Action, "payout."), After: cmp.Or(after.Reason, after.Code)})
	}
	return all, nil
}

// stateIn is the state that an audit entry about a connection tells of.
func stateIn(document json.RawMessage) string {
	var told struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(document, &told) // some tell of none
	return told.State
}

func (p *Portal) approve(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, "approve", workflows.ApprovePayout, workflows.Person{Who: by(r), VoucherHash: r.PostFormValue("voucher")})
}

func (p *Portal) reject(w http.ResponseWriter, r *http.Request) error {
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return &operate.Error{Attempted: "reject the payout " + r.PathValue("ref"), Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
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
		return &operate.Error{Attempted: "approve the payout " + ref, Happened: "the page did not say which voucher was looked at", Helps: "Open the payout again."}
	}
	_, err := operate.Give(r.Context(), p.Desk, id, u, workflows.PayoutWorkflowID(id, ref), person, decisionWithin)
	if err != nil && !errors.Is(err, operate.ErrStillGoing) {
		return operate.Unanswered(verb+" the payout "+ref, err, &operate.Error{
			Happened: "nothing runs for it", Helps: "A sync, or a backfill of its day, takes it up again.",
		})
	}
	return done(w, r, "/connections/"+id+"/payouts/"+ref, verb)
}

// decisionWithin is how long a page waits for what a decision led to.
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
		return &operate.Error{Attempted: "reverse the payout " + reference, Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
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

// correct starts what corrects the books; the page tells how it goes.
func (p *Portal) correct(w http.ResponseWriter, r *http.Request, verb string,
	start func(context.Context, *store.Payout, workflows.Person) (string, error),
) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return &operate.Error{Attempted: verb + " the payout " + row.PaymentReference, Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
	}
	if _, err := start(r.Context(), &row, workflows.Person{Who: by(r), Reason: reason}); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ConnectionID+"/payouts/"+row.PaymentReference, verb)
}
