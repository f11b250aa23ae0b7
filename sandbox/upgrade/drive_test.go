package upgrade

import (
	"fmt"

	"kvitt/internal/held"
	"kvitt/workflows"
)

// The kinds of work that a fixture has in progress.
const (
	payout   = "payout"
	reversal = "reversal"
	accrual  = "accrual"
)

// contents are what a fixture holds.
type contents struct {
	Rows  map[string]int64 `json:"rows"` // in each table that is not empty
	Works []*work          `json:"works"`
}

// work is one workflow of a fixture: what it is about, how far it has come, and
// what it remembers, which a database does not.
type work struct {
	Name       string `json:"name"` // what it is an example of
	Kind       string `json:"kind"`
	Connection string `json:"connection"`
	Reference  string `json:"payment_reference,omitempty"`
	// Next is the activity that the workflow runs next; "" when it has ended.
	Next     string                  `json:"next,omitempty"`
	State    string                  `json:"state,omitempty"`
	Held     string                  `json:"held,omitempty"`
	Batch    string                  `json:"batch_number,omitempty"`
	Adopted  bool                    `json:"adopted,omitempty"`
	Approved string                  `json:"approved,omitempty"` // the hash of the voucher
	Compiled *workflows.Compiled     `json:"compiled,omitempty"`
	Reversal *workflows.ReversalStep `json:"reversal,omitempty"`
	Accrual  *workflows.AccrualStep  `json:"accrual,omitempty"`
	Postings []posting               `json:"postings,omitempty"` // in the database, the oldest first
	// Ends is what the code of its own release made of it: a final state, or
	// "held: " and why.
	Ends string `json:"ends"`

	why string // it was held last, in words
}

// posting holds what the database of a fixture says of one booking.
type posting struct {
	Token    string `json:"token"`
	Kind     string `json:"kind"` // payout, reversal, split, accrual
	Revision int    `json:"revision,omitempty"`
	State    string `json:"state"`
	Period   string `json:"period"`
	Batch    string `json:"batch_number,omitempty"`
	Adopted  bool   `json:"adopted,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	// Booked is the batch that Visma.net has for it, which the database need not
	// know yet.
	Booked string `json:"booked,omitempty"`
}

func (x *work) ref() workflows.PayoutRef {
	return workflows.PayoutRef{Connection: x.Connection, PaymentReference: x.Reference}
}

func (x *work) post() workflows.PostInput {
	return workflows.PostInput{PayoutRef: x.ref(), VoucherHash: x.Compiled.VoucherHash, Periods: x.Compiled.Periods, Draft: x.Compiled.Draft}
}

// drive takes a work as far as it goes, or up to an activity, as its workflow
// would. An error is a worker that died, or one that gives up.
func (w *world) drive(x *work, until string) error {
	for looks := 0; x.Next != "" && x.Next != until; {
		at := x.Next
		stop, err := w.step(x)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", at, err)
		case stop == nil:
		case stop.Code == held.OutcomeUnknown && w.wait < 1e9 && looks < 20: // the time has passed when it is asked again
			looks++
		default:
			x.State, x.Held, x.why = workflows.StateHeld, string(stop.Code), stop.Detail
			return w.tell(x, stop)
		}
	}
	if x.Next == "" {
		x.Held = ""
	}
	return nil
}

// tell records why a work waits.
func (w *world) tell(x *work, stop *workflows.Held) (err error) {
	if x.Kind == payout {
		_, err = run(w, workflows.HoldPayout, workflows.Hold{PayoutRef: x.ref(), Held: *stop})
		return err
	}
	about := workflows.Stopped{Connection: x.Connection, Work: workflows.WorkReversal, Name: x.Reference, Held: *stop}
	if x.Kind == accrual {
		about.Work, about.Name = workflows.WorkAccrual, x.Accrual.Name()
	}
	_, err = run(w, workflows.KeepStop, about)
	return err
}

// step runs the next activity of a work.
func (w *world) step(x *work) (*workflows.Held, error) {
	switch x.Next {
	case workflows.ProvePayout.Name:
		got, err := run(w, workflows.ProvePayout, x.ref())
		if err == nil && got.Final != "" {
			x.State, x.Next = got.Final, ""
			if got.Batch != "" {
				x.Batch = got.Batch
			}
			return nil, nil
		}
		return x.after(got.Held, err, workflows.CompileVoucher.Name)
	case workflows.CompileVoucher.Name:
		got, err := run(w, workflows.CompileVoucher, x.ref())
		if err == nil && got.Held == nil {
			x.Compiled = &got
			if got.NeedsApproval && x.Approved != got.VoucherHash {
				return &workflows.Held{Code: held.Approval}, nil
			}
		}
		return x.after(got.Held, err, workflows.PostVoucher.Name)
	case workflows.PostVoucher.Name:
		got, err := run(w, workflows.PostVoucher, x.post())
		next := workflows.CompleteBatch.Name
		if x.Compiled.Split {
			next = workflows.PostSplit.Name
		}
		stop, err := x.posted(got, err, next)
		switch {
		case stop == nil || got.LookAgain > 0 || stop.Code == held.BatchDiffers:
		case stop.Code == held.FiguresChanged:
			x.Next = workflows.ProvePayout.Name
			return nil, err
		default:
			x.Next = workflows.CompileVoucher.Name
		}
		return stop, err
	case workflows.PostSplit.Name:
		got, err := run(w, workflows.PostSplit, x.post())
		if got.LookAgain > 0 && got.Held == nil {
			return &workflows.Held{Code: held.OutcomeUnknown}, err
		}
		return x.after(got.Held, err, workflows.CompleteBatch.Name)
	case workflows.CompleteBatch.Name:
		return x.completed(run(w, workflows.CompleteBatch, x.post()))
	case workflows.PostReversal.Name:
		got, err := run(w, workflows.PostReversal, *x.Reversal)
		return x.posted(got, err, workflows.CompleteReversal.Name)
	case workflows.CompleteReversal.Name:
		return x.completed(run(w, workflows.CompleteReversal, *x.Reversal))
	case workflows.PostAccrual.Name:
		got, err := run(w, workflows.PostAccrual, *x.Accrual)
		return x.posted(got, err, workflows.CompleteAccrual.Name)
	case workflows.CompleteAccrual.Name:
		return x.completed(run(w, workflows.CompleteAccrual, *x.Accrual))
	}
	return nil, fmt.Errorf("no workflow runs %s next", x.Next)
}

func (x *work) after(stop *workflows.Held, err error, next string) (*workflows.Held, error) {
	if err == nil && stop == nil {
		x.Next = next
	}
	return stop, err
}

func (x *work) posted(got workflows.Posted, err error, next string) (*workflows.Held, error) {
	switch {
	case err != nil:
		return nil, err
	case got.Held == nil && got.LookAgain > 0:
		return &workflows.Held{Code: held.OutcomeUnknown}, nil
	case got.Held == nil:
		x.Batch, x.Adopted, x.State = got.BatchNumber, got.Adopted, workflows.StatePosted
	}
	return x.after(got.Held, nil, next)
}

func (x *work) completed(got workflows.Completed, err error) (*workflows.Held, error) {
	if err == nil && got.Held == nil {
		x.State = got.State
	}
	return x.after(got.Held, err, "")
}
