package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvitt/workflows"
)

// AlreadyError is that a payout is no longer what the person saw who decides
// about it: somebody else, or another tab, has decided meanwhile. Decision is ""
// when nobody has, and it moved by itself.
type AlreadyError struct {
	Attempted   string
	State       string
	Decision    string // approve, reject, …
	Who, Reason string
	At          time.Time
	BatchNumber string
	Err         error
}

func (a *AlreadyError) Error() string {
	if a.Decision == "" {
		return fmt.Sprintf("%s: it is %s by now", a.Attempted, a.State)
	}
	words := fmt.Sprintf("%s: %s by %s at %s", a.Attempted, past[a.Decision], a.Who, a.At.UTC().Format("2006-01-02 15:04 UTC"))
	if a.BatchNumber != "" {
		words += "; batch " + a.BatchNumber
	}
	return words
}

// Unwrap lets errors.Is see why it was not taken.
func (a *AlreadyError) Unwrap() error { return a.Err }

var past = map[string]string{
	workflows.DecisionApprove: "it was already approved", workflows.DecisionReject: "it was already rejected",
	workflows.DecisionReverse: "it was already reversed", workflows.DecisionRepost: "it was already posted anew",
	workflows.DecisionReopen: "it was already reopened", workflows.DecisionRetry: "it was already tried again",
}

// decidable are the states in which a payout takes a decision.
var decidable = map[string][]string{
	workflows.DecisionApprove: {workflows.StateAwaitingApproval},
	workflows.DecisionReject:  {workflows.StateAwaitingApproval, workflows.StateHeld},
	workflows.DecisionRetry:   {workflows.StateHeld},
}

// already turns the refusal of a decision into what has happened meanwhile, if
// that is why: the payout is in none of the states that take the decision.
func (d *Desk) already(ctx context.Context, attempted, connection, reference, decision string, err error) error {
	var refusal *RefusalError
	if !errors.Is(err, ErrNotRunning) && !errors.As(err, &refusal) {
		return nil
	}
	row, failed := d.Store.Payout(ctx, connection, reference)
	if failed != nil {
		return nil //nolint:nilerr // the refusal itself is told then
	}
	for _, state := range decidable[decision] {
		if row.State == state {
			return nil
		}
	}
	out := &AlreadyError{Attempted: attempted, State: row.State, BatchNumber: row.BatchNumber, Err: err}
	trail, failed := d.Store.AuditOf(ctx, connection, "payout/"+reference, 0, 50)
	if failed != nil {
		return nil //nolint:nilerr // as above
	}
	for i := range trail {
		verb := strings.TrimPrefix(trail[i].Action, "payout.")
		if past[verb] == "" {
			continue
		}
		var after struct {
			Reason string `json:"reason"`
		}
		_ = json.Unmarshal(trail[i].After, &after) // without it, who and when are told
		out.Decision, out.Who, out.At, out.Reason = verb, trail[i].Who, trail[i].At, after.Reason
		break
	}
	return out
}

// DecideSeen gives a decision about a payout as it was seen. An *AlreadyError
// says what has happened to it meanwhile.
func (d *Desk) DecideSeen(ctx context.Context, connection, reference, decision string, u workflows.Update[workflows.Person, workflows.Accepted], by workflows.Person, patience time.Duration) (workflows.Accepted, error) {
	attempted := decision + " the payout " + reference
	got, err := Give(ctx, d, connection, u, workflows.PayoutWorkflowID(connection, reference), by, patience)
	if already := d.already(ctx, attempted, connection, reference, decision, err); already != nil {
		return got, already
	}
	if errors.Is(err, ErrStillGoing) {
		return got, err
	}
	return got, Unanswered(attempted, err, &Error{Happened: "nothing runs for it", Helps: "A sync, or a backfill of its day, takes it up again."})
}
