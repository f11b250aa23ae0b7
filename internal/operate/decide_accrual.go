package operate

import (
	"context"
	"slices"
	"strings"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// TakesBatch tells whether a batch can be taken as that of an accrual: it is held
// because one differs, or because one is looked for.
func (a *Accrual) TakesBatch() bool { return held.Offers(codeOf(a.HeldReason), held.AcceptBatch) }

// UndoAccrualDecision takes a decision about an accrual back, and lets the accrual
// look again without it.
func (d *Desk) UndoAccrualDecision(ctx context.Context, connection, name, number string, by workflows.Person, patience time.Duration) (Decided, error) {
	attempted := verbs[store.DecidedUndo] + " the " + name
	at, err := d.accrualTarget(ctx, connection, name)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	all, err := d.Store.Decisions(ctx, connection, store.WorkAccrual, name)
	if err != nil {
		return Decided{}, err
	}
	return d.undo(ctx, attempted, at.row, all, number, by, func(*store.Decision) (*target, error) { return at, nil }, patience)
}

// TakeAccrualBatch takes a batch as that of an accrual, exactly as it is in
// Visma.net, and lets the accrual look again.
func (d *Desk) TakeAccrualBatch(ctx context.Context, connection, name, batch string, by workflows.Person, patience time.Duration) (Decided, error) {
	attempted := "take a batch as that of the " + name
	if strings.TrimSpace(by.Reason) == "" {
		return Decided{}, &Error{Attempted: attempted, Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
	}
	at, err := d.accrualTarget(ctx, connection, name)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	made := store.Decision{
		ConnectionID: connection, Work: store.WorkAccrual, Name: name, Kind: store.DecidedBatch, Code: string(at.code),
		BatchNumber: strings.TrimSpace(batch), Reason: strings.TrimSpace(by.Reason), Who: by.Who,
	}
	evidence, err := d.mayTakeBatch(ctx, at, nil, &made)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	return d.record(ctx, attempted, at, made, evidence, patience)
}

func (d *Desk) accrualTarget(ctx context.Context, connection, name string) (*target, error) {
	stops, err := d.Store.Stops(ctx, connection, store.WorkAccrual)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(stops, func(s store.Stop) bool { return s.Name == name })
	all, err := d.Store.Bookings(ctx, connection, "", store.Accruals...)
	k := slices.IndexFunc(all, func(p store.Posting) bool { return p.Name == name })
	if err != nil || i < 0 || k < 0 {
		if err == nil {
			err = refuse("it is not held")
		}
		return nil, err
	}
	v, err := voucherOf(&all[k])
	if err != nil {
		return nil, err
	}
	return &target{
		row: &store.Payout{ConnectionID: connection, PaymentReference: name, State: workflows.StateHeld, Currency: string(v.Currency)}, work: store.WorkAccrual,
		name: name, code: codeOf(stops[i].Reason), sent: &all[k], workflow: workflows.AccrualWorkflowID(connection, v.Date.String(), string(v.Currency)),
	}, nil
}

func voucherOf(p *store.Posting) (*voucher.Voucher, error) {
	one, err := accrualOf(p, nil, nil)
	return one.Voucher, err
}
