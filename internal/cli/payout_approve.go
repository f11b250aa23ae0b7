package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// approval is which payouts are approved: one, or all that await it.
type approval struct {
	all, yes bool
	filter   payoutFilter
}

func (a *app) approveCommand() *cobra.Command {
	in := &approval{}
	one := &decision{verb: "approve", update: workflows.ApprovePayout}
	c := &cobra.Command{
		Use:   "approve ID [REF]",
		Short: "Approve the voucher of a payout, or of all that await it, and post it",
		Long: `Approve the voucher of a payout exactly as ` + "`starter payout show`" + ` shows it, and post
it. A voucher that is compiled anew has to be approved anew.

With --all every payout that awaits approval is approved, after their number and
what they come to were shown and confirmed. All of them are proven; one whose
voucher changes in the meantime is left out.`,
		Example: `  starter payout approve k3x9-m2qp XISA93DJ
  starter payout approve k3x9-m2qp --all --from 2026-01-01 --to 2026-01-31`,
		Args: func(c *cobra.Command, args []string) error {
			if in.all {
				return exactly("the id of a connection")(c, args)
			}
			return exactly("the id of a connection", "a payment reference (or --all)")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !in.all && (in.filter.from != "" || in.filter.to != "" || in.yes) {
				return usagef("--from, --to and --yes go with --all")
			}
			if err := in.filter.check(); err != nil {
				return err
			}
			return a.remote(func(ctx context.Context, s *session, args []string) error {
				if in.all {
					return s.approveAll(ctx, in, args[0])
				}
				return s.decide(ctx, one, args[0], args[1])
			})(c, args)
		},
	}
	f := c.Flags()
	f.BoolVar(&in.all, "all", false, "approve all that await approval")
	f.StringVar(&in.filter.from, "from", "", "with --all: only from this `DATE` on, in the company's zone")
	f.StringVar(&in.filter.to, "to", "", "with --all: only until this `DATE`, which is included")
	f.BoolVar(&in.yes, "yes", false, "with --all: do not ask")
	return c
}

// approvedAll answers `approve --all`.
type approvedAll struct {
	Connection string       `json:"connection"`
	Approved   int          `json:"approved"`
	Refused    int          `json:"refused"`
	Payouts    []decidedOne `json:"payouts"`
}

// decidedOne holds what became of one of many approvals. Words say why it was not
// approved.
type decidedOne struct {
	decided
	Words string `json:"words,omitempty"`
}

func (s *session) approveAll(ctx context.Context, in *approval, id string) error {
	if _, err := s.connection(ctx, id); err != nil {
		return err
	}
	zone, err := s.zone(ctx, id)
	if err != nil {
		return err
	}
	filter, err := in.filter.filter(id, zone)
	if err != nil {
		return err
	}
	waiting, err := s.desk().Awaiting(ctx, filter)
	if err != nil {
		return err
	}
	out := approvedAll{Connection: id, Payouts: []decidedOne{}}
	if len(waiting) > 0 {
		if err := s.staffed(ctx, "approve the payouts of the connection "+id); err != nil {
			return err
		}
		question := fmt.Sprintf("This approves and posts %s: %s.", counted(len(waiting), "payout"), sumsOf(waiting))
		if err := s.confirm(ctx, in.yes, question, "yes"); err != nil {
			return err
		}
		s.say("Asked for it; waiting until each payout is final or stops again.")
		if err := s.approveThese(ctx, id, waiting, &out); err != nil {
			return err
		}
	}
	if err := s.show(&out, func(w io.Writer) error { return writeApproved(w, &out, s.paint) }); err != nil {
		return err
	}
	return out.status()
}

func (s *session) approveThese(ctx context.Context, id string, waiting []store.Payout, out *approvedAll) error {
	chosen := make([]operate.Chosen, len(waiting))
	for i := range waiting {
		chosen[i] = operate.Chosen{PaymentReference: waiting[i].PaymentReference, VoucherHash: waiting[i].VoucherHash}
	}
	for _, got := range s.desk().ApproveAll(ctx, id, chosen, s.who, operate.DecisionWithin) {
		if got.Err != nil {
			out.Refused++
			out.Payouts = append(out.Payouts, decidedOne{decided{got.PaymentReference, workflows.StateAwaitingApproval, "approval", ""}, sentence(got.Err)})
			continue
		}
		out.Approved++
		after, err := s.recorded(ctx, id, got.PaymentReference, got.State)
		if err != nil {
			return err
		}
		out.Payouts = append(out.Payouts, decidedOne{decided: decided{got.PaymentReference, after.State, after.HeldReason, after.BatchNumber}})
	}
	return nil
}

// status returns how the command ends: something failed, or is held.
func (d *approvedAll) status() error {
	if d.Refused > 0 {
		return errTold
	}
	for i := range d.Payouts {
		if d.Payouts[i].State == workflows.StateHeld || d.Payouts[i].State == workflows.StateAwaitingApproval {
			return errHeld
		}
	}
	return nil
}

// sumsOf are what payouts come to, for a sentence.
func sumsOf(payouts []store.Payout) string {
	var parts []string
	for _, sum := range operate.Sums(payouts) {
		parts = append(parts, fmt.Sprintf("%s in %s", amount(sum.Settlement, sum.Currency), counted(sum.Payouts, "payout")))
	}
	return strings.Join(parts, ", ")
}

func writeApproved(w io.Writer, d *approvedAll, paint painter) error {
	if len(d.Payouts) == 0 {
		_, err := fmt.Fprintln(w, "No payout awaits approval.")
		return err
	}
	t := table.New(table.Left("reference"), table.Left("batch"), table.Left("state"))
	t.Paint = paintStates(paint)
	for i := range d.Payouts {
		t.Add(d.Payouts[i].PaymentReference, d.Payouts[i].BatchNumber, stateCell(d.Payouts[i].State, d.Payouts[i].HeldReason))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for i := range d.Payouts {
		if words := d.Payouts[i].Words; words != "" {
			fmt.Fprintf(w, "\n%s\n", table.Fold(words, width(w), 0))
		}
	}
	_, err := fmt.Fprintf(w, "\n%d approved, %d not.\n", d.Approved, d.Refused)
	return err
}
