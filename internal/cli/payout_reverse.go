package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func (a *app) reverseCommand() *cobra.Command {
	c := a.correct("reverse", "Reverse a posted payout by a mirrored batch",
		"Take the batch of a posted payout back: the same lines with the sides exchanged are\nposted as a batch of their own, released and read back, and each batch names the\nother. Nothing is deleted. `starter payout repost` posts the payout anew.",
		(*session).reverse)
	c.Example += ` --reason "fees belong on 6570"`
	return c
}

func (a *app) repostCommand() *cobra.Command {
	c := a.correct("repost", "Post a reversed payout anew",
		"Post a reversed payout anew, with Klarna's figures and the profile of today, as its\nnext revision.",
		(*session).repost)
	c.Example += ` --reason "Klarna has corrected its report"`
	return c
}

func (a *app) reopenCommand() *cobra.Command {
	c := a.correct("reopen", "Take a rejected payout up again",
		"Take a rejected payout up again: it is fetched, proven and compiled anew, with Klarna's\nfigures and the profile of today, and stops for approval as any other payout does.",
		(*session).reopen)
	c.Example += ` --reason "it was not booked by hand after all"`
	return c
}

// correct is a command that corrects what stands in the books.
func (a *app) correct(verb, short, long string, do func(*session, context.Context, *store.Payout, string) error) *cobra.Command {
	reason := ""
	c := &cobra.Command{
		Use: verb + " ID REF", Short: short, Long: long,
		Example: "  starter payout " + verb + " k3x9-m2qp XISA93DJ",
		Args:    exactly("the id of a connection", "a payment reference"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usagef("--reason is required; it goes into the audit trail")
			}
			return a.remote(func(ctx context.Context, s *session, args []string) error {
				if _, err := s.connection(ctx, args[0]); err != nil {
					return err
				}
				p, err := s.payout(ctx, args[0], args[1])
				if err != nil {
					return err
				}
				if err := s.staffed(ctx, verb+" the payout "+args[1]); err != nil {
					return err
				}
				return do(s, ctx, &p, reason)
			})(c, args)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "the `REASON`, for the audit trail (required)")
	return c
}

// reversed answers reverse.
type reversed struct {
	PaymentReference string `json:"payment_reference"`
	State            string `json:"state"`
	Reverses         string `json:"reverses"`
	BatchNumber      string `json:"batch_number"`
	HeldReason       string `json:"held_reason"`
}

func (s *session) reverse(ctx context.Context, p *store.Payout, reason string) error {
	id, err := s.desk().Reverse(ctx, p, workflows.Person{Who: s.who, Reason: reason})
	if err != nil {
		return err
	}
	s.say("Asked for it; waiting until the mirrored batch is read back, or the reversal stops.")
	return s.showReversal(ctx, p.PaymentReference, id)
}

// showReversal waits until a reversal has ended or stopped, and shows it.
func (s *session) showReversal(ctx context.Context, reference, id string) error {
	var last workflows.ReverseStatus
	err := s.watchUntil(ctx, func() (bool, error) {
		var err error
		last, err = operate.Ask(ctx, s.temporal, workflows.ReverseStatusQuery, id)
		return last.Told || last.State == workflows.StateReversed || last.State == workflows.ReversalRefused || last.State == workflows.ReversalWithdrawn, err
	})
	if err != nil {
		return operate.Unanswered("reverse the payout "+reference, err, nil)
	}
	if last.State == workflows.ReversalRefused {
		return &operate.Error{Attempted: "reverse the payout " + reference, Happened: last.Refused}
	}
	out := reversed{reference, last.State, last.Reverses, last.BatchNumber, ""}
	if last.Held != nil {
		out.HeldReason = string(last.Held.Code)
	}
	if err := s.show(out, func(w io.Writer) error { return writeReversed(w, &out, last.Held) }); err != nil || last.Held == nil {
		return err
	}
	return errHeld
}

func writeReversed(w io.Writer, r *reversed, why *workflows.Held) error {
	if why == nil && r.State == workflows.ReversalWithdrawn {
		_, err := fmt.Fprintf(w, "The reversal of the payout %s is withdrawn; batch %s stands.\n", r.PaymentReference, r.Reverses)
		return err
	}
	if why == nil {
		_, err := fmt.Fprintf(w, "The payout %s is reversed: batch %s takes batch %s back.\n", r.PaymentReference, r.BatchNumber, r.Reverses)
		return err
	}
	_, err := fmt.Fprintf(w, "The reversal of the payout %s is held.\n  %s\n  → %s\n", r.PaymentReference,
		table.Fold(string(why.Code)+": "+why.Detail, width(w), 2), table.Fold(why.Remedy, width(w), 4))
	return err
}

func (s *session) repost(ctx context.Context, p *store.Payout, reason string) error {
	by := workflows.Person{Who: s.who, Reason: reason}
	if p.State == workflows.StateHeld { // it may be held because it was reversed before
		return s.decide(ctx, &decision{verb: "repost", update: workflows.RepostPayout, reason: reason}, p.ConnectionID, p.PaymentReference)
	}
	return s.takeUp(ctx, p, by, "repost", s.desk().Repost)
}

func (s *session) reopen(ctx context.Context, p *store.Payout, reason string) error {
	return s.takeUp(ctx, p, workflows.Person{Who: s.who, Reason: reason}, "reopen", s.desk().Reopen)
}

// takeUp starts the workflow of a payout that had ended, and waits until it is
// final or stops.
func (s *session) takeUp(ctx context.Context, p *store.Payout, by workflows.Person, verb string,
	start func(context.Context, *store.Payout, workflows.Person) (string, error),
) error {
	id, err := start(ctx, p, by)
	for until := time.Now().Add(min(recordedWithin, s.patience)); errors.Is(err, operate.ErrRunning) && time.Now().Before(until); {
		select { // the workflow that ran is about to end
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		id, err = start(ctx, p, by)
	}
	if err != nil {
		return err
	}
	s.say("Asked for it; waiting until the payout is final or stops.")
	var last workflows.PayoutStatus
	err = s.watchUntil(ctx, func() (bool, error) {
		var err error
		last, err = operate.Ask(ctx, s.temporal, workflows.PayoutStatusQuery, id)
		if err != nil {
			return false, err
		}
		over, err := s.over(ctx, p, last.State)
		return last.Held != nil || over, err
	})
	if err != nil {
		return operate.Unanswered(verb+" the payout "+p.PaymentReference, err, nil)
	}
	after, err := s.recorded(ctx, p.ConnectionID, p.PaymentReference, last.State)
	if err != nil {
		return err
	}
	out := decided{p.PaymentReference, after.State, after.HeldReason, after.BatchNumber}
	if err := s.show(out, func(w io.Writer) error { return writeDecided(w, &after, &out, s.paint) }); err != nil {
		return err
	}
	if after.State == workflows.StateHeld || after.State == workflows.StateAwaitingApproval {
		return errHeld
	}
	return nil
}

// over tells whether a payout's workflow has nothing left to do. A draft ends
// as posted, which the others only pass through.
func (s *session) over(ctx context.Context, p *store.Payout, state string) (bool, error) {
	switch state {
	case workflows.StateVerified, workflows.StateRejected, workflows.StateReversed:
		return true, nil
	case workflows.StatePosted:
		now, err := s.payout(ctx, p.ConnectionID, p.PaymentReference)
		if err != nil {
			return false, err
		}
		sent, err := s.store.BookingOf(ctx, p.ConnectionID, p.PaymentReference, now.Revision)
		return err == nil && sent.State == posting.Draft, err
	}
	return false, nil
}

// watchUntil asks until what is waited for has come, at most as long as a
// decision may take.
func (s *session) watchUntil(ctx context.Context, done func() (bool, error)) error {
	return operate.Watch(ctx, s.pace(), operate.DecisionWithin, done)
}

// pace says how often something that goes on is asked.
func (s *session) pace() time.Duration { return cmp.Or(max(s.every, 0), 200*time.Millisecond) }
