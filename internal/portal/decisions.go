package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kvitt/internal/decision"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// decisions adds what people decided about a payout, and what they can do.
func (p *Portal) decisions(ctx context.Context, at *payoutPage) (err error) {
	if at.Decisions, err = p.Desk.DecisionsOn(ctx, &at.Payout); err != nil {
		return err
	}
	for i := range at.Decisions {
		if d := &at.Decisions[i]; d.InForce() && d.Kind == store.DecidedElsewhere && at.State == workflows.StateRejected {
			at.Elsewhere = d.BatchNumber
		}
	}
	ways, err := p.Desk.WaysOut(ctx, &at.Payout)
	if err != nil {
		return err
	}
	at.Offers = at.offered(ways, at.Posting != nil && posting.Bound(at.Posting.State) && at.Posting.State != posting.Reversed)
	if !slices.ContainsFunc(at.Offers, func(o Offer) bool { return o.Way == held.Accept }) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, chartWithin)
	defer cancel()
	if firm, err := p.Desk.Doors.Company(ctx, at.ConnectionID); err == nil {
		at.Chart = firm.Chart()
	}
	return nil
}

// Accepted are the accepted differences that the voucher rests on.
func (at *payoutPage) Accepted() []settlement.Accepted {
	if at.Proof == nil || at.Proof.Proof == nil {
		return nil
	}
	return at.Proof.Accepted
}

// Number returns the name of a decision.
func (at *payoutPage) Number(d *store.Decision) string { return operate.NumberOf(d) }

// About says what a decision is about: a difference with its account, or a batch.
func (at *payoutPage) About(d *store.Decision) string {
	if d.Kind != store.DecidedAccept {
		return d.BatchNumber
	}
	amount := at.language.Money(d.Difference, at.Currency) + " " + at.Currency
	if d.Code == string(held.RowsIncomplete) || d.Code == string(held.RowsCurrency) {
		amount = at.language.Money(d.Difference, "JPY") // a number of rows
	}
	parts := []string{d.Component, amount, d.Account}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// Differences are what did not fit when a decision was taken.
func (at *payoutPage) Differences(d *store.Decision) []string {
	return decision.EvidenceOf(d).Differences
}

// MayUndo tells whether a decision is still in force and the payout not final
// because of what rests on it; what decides is the desk.
func (at *payoutPage) MayUndo(d *store.Decision) bool {
	return d.InForce() && (at.State == workflows.StateHeld || at.State == workflows.StateAwaitingApproval ||
		at.State == workflows.StateRejected && d.Kind == store.DecidedElsewhere)
}

// takeDecision records a decision about a held payout, and says what became of
// it.
func (p *Portal) takeDecision(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	c := operate.Choice{
		Kind: r.PostFormValue("kind"), Component: r.PostFormValue("component"), Account: strings.TrimSpace(r.PostFormValue("account")),
		Booked: r.PostFormValue("booked") == "yes", Batch: strings.TrimSpace(r.PostFormValue("batch")), Anyway: r.PostFormValue("anyway") == "yes",
		Reason: r.PostFormValue("reason"), Who: by(r),
	}
	if text := r.PostFormValue("difference"); text != "" {
		if c.Difference, err = operate.ParseDifference(text, row.Currency, operate.HeldIn(row.Held).Acceptable); err != nil {
			return &operate.Error{Attempted: "accept the difference of the payout " + row.PaymentReference, Happened: "the difference could not be read", Err: err}
		}
	}
	got, err := p.Desk.TakeDecision(r.Context(), &row, c, decisionWithin)
	if err != nil {
		return err
	}
	what := "decided"
	if got.Second {
		what = "decided_second"
	}
	return done(w, r, payoutPath(&row), what)
}

// undoDecision takes a decision back.
func (p *Portal) undoDecision(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	_, err = p.Desk.UndoDecision(r.Context(), &row, r.PostFormValue("number"), workflows.Person{Who: by(r), Reason: r.PostFormValue("reason")}, decisionWithin)
	if err != nil {
		return err
	}
	return done(w, r, payoutPath(&row), "undone")
}

// takeAccrualBatch takes a batch as that of an accrual that is held.
func (p *Portal) takeAccrualBatch(w http.ResponseWriter, r *http.Request) error {
	person := workflows.Person{Who: by(r), Reason: r.PostFormValue("reason")}
	got, err := p.Desk.TakeBatch(r.Context(), r.PathValue("id"), store.KindAccrual, r.PostFormValue("name"), strings.TrimSpace(r.PostFormValue("batch")), person, decisionWithin)
	if err != nil {
		return err
	}
	what := "decided"
	if got.Second {
		what = "decided_second"
	}
	return done(w, r, "/connections/"+r.PathValue("id")+"/accruals", what)
}

// undoAccrualDecision takes that back.
func (p *Portal) undoAccrualDecision(w http.ResponseWriter, r *http.Request) error {
	person := workflows.Person{Who: by(r), Reason: r.PostFormValue("reason")}
	if _, err := p.Desk.UndoBatch(r.Context(), r.PathValue("id"), store.KindAccrual, r.PostFormValue("name"), r.PostFormValue("number"), person, decisionWithin); err != nil {
		return err
	}
	return done(w, r, "/connections/"+r.PathValue("id")+"/accruals", "undone")
}

func payoutPath(row *store.Payout) string {
	return "/connections/" + url.PathEscape(row.ConnectionID) + "/payouts/" + url.PathEscape(row.PaymentReference)
}
