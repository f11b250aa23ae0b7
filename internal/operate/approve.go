package operate

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"kvitt/internal/store"
	"kvitt/workflows"
)

// Chosen is a payout that awaits approval, with the voucher that a person saw.
type Chosen struct {
	PaymentReference string
	VoucherHash      string
}

// Approval holds what became of approving a payout.
type Approval struct {
	PaymentReference string
	State            string // where the approval led
	Going            bool   // it was accepted, and is still being posted
	Err              error  // why it was not approved, *Error or *RefusalError
}

// Sum holds what payouts of a currency come to, in minor units.
type Sum struct {
	Currency   string
	Payouts    int
	Settlement int64
}

// atOnce is the number of approvals that are on their way at the same time.
const atOnce = 16

// ApproveAll approves payouts, each for exactly the voucher that was chosen: one
// whose voucher was compiled anew meanwhile is refused, and keeps nobody else
// from being posted. patience is how long each is waited for. The answers are in
// the order of the chosen.
func (d *Desk) ApproveAll(ctx context.Context, connection string, chosen []Chosen, who string, patience time.Duration) []Approval {
	out := make([]Approval, len(chosen))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, c := range chosen {
		g.Go(func() error {
			out[i] = d.approve(ctx, connection, c, who, patience)
			return nil
		})
	}
	_ = g.Wait() // each answers for itself
	return out
}

func (d *Desk) approve(ctx context.Context, connection string, c Chosen, who string, patience time.Duration) Approval {
	out := Approval{PaymentReference: c.PaymentReference}
	attempted := "approve the payout " + c.PaymentReference
	if c.VoucherHash == "" {
		out.Err = &Error{Attempted: attempted, Happened: "nobody said which voucher was looked at", Helps: "Look at the payout again."}
		return out
	}
	got, err := d.DecideSeen(ctx, connection, c.PaymentReference, workflows.DecisionApprove, workflows.ApprovePayout,
		workflows.Person{Who: who, VoucherHash: c.VoucherHash}, patience)
	if errors.Is(err, ErrStillGoing) {
		out.Going = true
		return out
	}
	out.State, out.Err = got.State, err
	return out
}

// Awaiting lists the payouts that await approval, with the vouchers to approve.
// All of them have been proven: a voucher is compiled from a proof only.
func (d *Desk) Awaiting(ctx context.Context, filter store.PayoutFilter) ([]store.Payout, error) {
	filter.State = workflows.StateAwaitingApproval
	return d.Store.Payouts(ctx, filter)
}

// Sums are what payouts come to, currency by currency, in the order in which
// these come.
func Sums(payouts []store.Payout) []Sum {
	var out []Sum
	at := map[string]int{}
	for i := range payouts {
		p := &payouts[i]
		k, known := at[p.Currency]
		if !known {
			k = len(out)
			at[p.Currency] = k
			out = append(out, Sum{Currency: p.Currency})
		}
		out[k].Payouts++
		out[k].Settlement += p.Settlement
	}
	return out
}

// FourEyes turns on or off that somebody else than the author of the profile
// approves.
func (d *Desk) FourEyes(ctx context.Context, row *store.Connection, on bool, who string) (workflows.Status, error) {
	return d.Configure(ctx, row, workflows.Configure{FourEyes: &on, Who: who})
}

// Configure changes settings of a connection.
func (d *Desk) Configure(ctx context.Context, row *store.Connection, change workflows.Configure) (workflows.Status, error) {
	loosens := change.FourEyes != nil && !*change.FourEyes || change.Settings.Posting != "" && change.Settings.Posting != row.Posting
	if loosens && needsSecond(ctx, row) {
		return workflows.Status{}, askSecond("configure the connection " + row.ID)
	}
	now, err := Give(ctx, d, row.ID, workflows.ConfigureConnection, workflows.ConnectionWorkflowID(row.ID), change, SettingsWithin)
	return now, Unanswered("configure the connection "+row.ID, err, NoConnectionWorkflow(row))
}
