package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// decision is a command about one payout that waits.
type decision struct {
	verb   string
	update workflows.Update[workflows.Person, workflows.Accepted]
	reason string
}

// seen is the voucher that an approval is for: the one that is shown now.
func (d *decision) seen(p *store.Payout) string {
	if d.verb != "approve" {
		return ""
	}
	return p.VoucherHash
}

func (a *app) rejectCommand() *cobra.Command {
	d := &decision{verb: "reject", update: workflows.RejectPayout}
	c := a.decide(d, "Reject a payout, so that it is never posted",
		"Reject a payout, so that it is never posted: because it is booked in another way,\nfor example. It is possible until Visma.net may know of the batch.")
	c.Example += ` --reason "booked by hand as voucher A 1204"`
	c.Flags().Lookup("reason").Usage = "the `REASON`, for the audit trail (required)"
	return c
}

func (a *app) retryCommand() *cobra.Command {
	return a.decide(&decision{verb: "retry", update: workflows.RetryPayout}, "Try a held payout again now",
		"Try a held payout again now, once its cause is gone. Nothing is ever posted twice.")
}

func (a *app) decide(d *decision, short, long string) *cobra.Command {
	c := &cobra.Command{
		Use:     d.verb + " ID REF",
		Short:   short,
		Long:    long,
		Example: "  starter payout " + d.verb + " k3x9-m2qp XISA93DJ",
		Args:    exactly("the id of a connection", "a payment reference"),
		RunE: func(c *cobra.Command, args []string) error {
			if d.verb == "reject" && d.reason == "" {
				return usagef("--reason is required; it goes into the audit trail")
			}
			return a.remote(func(ctx context.Context, s *session, args []string) error { return s.decide(ctx, d, args[0], args[1]) })(c, args)
		},
	}
	c.Flags().StringVar(&d.reason, "reason", "", "the `REASON`, for the audit trail")
	return c
}

// decided answers approve, reject and retry.
type decided struct {
	PaymentReference string `json:"payment_reference"`
	State            string `json:"state"`
	HeldReason       string `json:"held_reason"`
	BatchNumber      string `json:"batch_number"`
}

func (s *session) decide(ctx context.Context, d *decision, id, reference string) error {
	if _, err := s.connection(ctx, id); err != nil {
		return err
	}
	before, err := s.payout(ctx, id, reference)
	if err != nil {
		return err
	}
	attempted := d.verb + " the payout " + reference
	if err := s.staffed(ctx, attempted); err != nil {
		return err
	}
	reversals, err := s.desk().HeldReversals(ctx, id)
	if err != nil {
		return err
	}
	if reversals[reference] != nil && (d.verb == "retry" || d.verb == "reject") {
		return s.decideReversal(ctx, d, &before) // the payout waits for it
	}
	s.say("Asked for it; waiting until the payout is final or stops again.")
	accepted, err := operate.Give(ctx, s.desk(), id, d.update, workflows.PayoutWorkflowID(id, reference), workflows.Person{Who: s.who, Reason: d.reason, VoucherHash: d.seen(&before)}, operate.DecisionWithin)
	if errors.Is(err, operate.ErrNotRunning) && (d.verb == "retry" || d.verb == "reject") {
		return s.decideReversal(ctx, d, &before)
	}
	if err != nil {
		return operate.Unanswered(attempted, err, noPayoutWorkflow(&before))
	}
	after, err := s.recorded(ctx, id, reference, accepted.State)
	if err != nil {
		return err
	}
	out := decided{reference, accepted.State, after.HeldReason, after.BatchNumber}
	if err := s.show(out, func(w io.Writer) error { return writeDecided(w, &after, &out, s.paint) }); err != nil {
		return err
	}
	if accepted.State == workflows.StateHeld || accepted.State == workflows.StateAwaitingApproval {
		return errHeld
	}
	return nil
}

// decideReversal takes a decision to the reversal of a payout, if one waits: to
// look again, or to withdraw it.
func (s *session) decideReversal(ctx context.Context, d *decision, p *store.Payout) error {
	id := workflows.ReverseWorkflowID(p.ConnectionID, p.PaymentReference, p.Revision+1)
	_, err := operate.Give(ctx, s.desk(), p.ConnectionID, d.update, id, workflows.Person{Who: s.who, Reason: d.reason}, operate.DecisionWithin)
	if err != nil {
		return operate.Unanswered(d.verb+" the payout "+p.PaymentReference, err, noPayoutWorkflow(p))
	}
	return s.showReversal(ctx, p.PaymentReference, id)
}

// recordedWithin limits how long after its answer a payout may record its state.
const recordedWithin = 5 * time.Second

// recorded is a payout once the database knows the state that it answered with.
func (s *session) recorded(ctx context.Context, id, reference, state string) (store.Payout, error) {
	for until := time.Now().Add(min(recordedWithin, s.patience)); ; {
		p, err := s.payout(ctx, id, reference)
		if err != nil || p.State == state || time.Now().After(until) {
			return p, err
		}
		select {
		case <-ctx.Done():
			return p, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// noPayoutWorkflow is the error for a payout that has no workflow.
func noPayoutWorkflow(p *store.Payout) *operate.Error {
	f := &operate.Error{Happened: "it is " + p.State + ", and nothing runs for it"}
	switch p.State {
	case workflows.StateVerified, workflows.StateReversed, workflows.StateRejected:
		f.Happened = "it is " + p.State + ", which is final"
	default:
		f.Helps = "`starter sync " + p.ConnectionID + "`, or a backfill of its day, takes it up again."
	}
	return f
}

func writeDecided(w io.Writer, p *store.Payout, d *decided, paint painter) error {
	words := fmt.Sprintf("The payout %s is %s", d.PaymentReference, paintState(paint, d.State))
	if d.BatchNumber != "" {
		words += ", batch " + d.BatchNumber
	}
	if _, err := fmt.Fprintln(w, words+"."); err != nil {
		return err
	}
	if d.State != workflows.StateHeld {
		return nil
	}
	entry, _ := held.Look(held.Code(d.HeldReason))
	detail := heldOf(p).Detail
	if detail == "" {
		detail = paint.says(entry.Sentence)
	}
	why := table.Fold(d.HeldReason+": "+detail, width(w), 2)
	_, err := fmt.Fprintf(w, "  %s%s\n  → %s\n", paint.bad(d.HeldReason), strings.TrimPrefix(why, d.HeldReason), table.Fold(paint.says(entry.Remedy), width(w), 4))
	return err
}
