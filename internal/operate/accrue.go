package operate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"kvitt/internal/report"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// AccrualUndone is what helps who has accrued by mistake.
const AccrualUndone = "Kvitt cannot take an accrual back that was asked for by mistake; over two periods it comes to nothing by itself. " +
	"To have it out of the first one, reverse its batch and the one that takes it back in Visma.net; the daily check tells what it then finds there."

// WouldAccrue compiles, for each currency, what would be posted for a day. One
// that cannot be compiled is refused, and says why.
func WouldAccrue(made *report.Reports, profile *voucher.Profile, n *report.NotPaid) []Booking {
	all := []Booking{}
	for _, currency := range slices.Sorted(maps.Keys(n.ByCurrency())) {
		one := Booking{At: n.At.String(), Currency: string(currency), State: workflows.StateCompiled}
		if one.Voucher, one.Words = made.Accrual(profile, n, currency); one.Words != "" {
			one.State = workflows.AccrualRefused
		}
		all = append(all, one)
	}
	return all
}

// Accrue starts an accrual, or lets one that is held look again, and waits until
// it has ended or stopped. ErrStillGoing means that it continues by itself.
func (d *Desk) Accrue(ctx context.Context, in workflows.AccrualInput, every, patience time.Duration) (last workflows.AccrualStatus, err error) {
	id := workflows.AccrualWorkflowID(in.Connection, in.At, in.Currency)
	row, err := d.Store.Connection(ctx, in.Connection)
	if err != nil {
		return last, err
	}
	if needsSecond(ctx, &row) {
		return d.retryAccrual(ctx, id, &in, every, patience)
	}
	if in, err = instructed(ctx, d, in.Connection, id, workflows.ActionAccrue, in); err != nil {
		return last, err
	}
	err = d.Temporal.Start(ctx, Start{
		ID: id, Workflow: workflows.AccrualWorkflowName, Input: in, Connection: in.Connection, Urgency: workflows.UrgentPerson,
		Summary: fmt.Sprintf("Accrual of %s at %s, asked for by %s", in.Currency, in.At, in.Who),
	})
	if errors.Is(err, ErrRunning) {
		if last, err = Ask(ctx, d.Temporal, workflows.AccrualStatusQuery, id); err == nil && last.Held != nil {
			_, err = Give(ctx, d, in.Connection, workflows.RetryPayout, id, workflows.Person{Who: in.Who}, patience)
		}
	}
	if err != nil {
		return last, err
	}
	return d.watchAccrual(ctx, id, every, patience)
}

// retryAccrual lets an accrual look again that two persons have asked for; one
// person begins none.
func (d *Desk) retryAccrual(ctx context.Context, id string, in *workflows.AccrualInput, every, patience time.Duration) (last workflows.AccrualStatus, err error) {
	last, err = Ask(ctx, d.Temporal, workflows.AccrualStatusQuery, id)
	switch {
	case errors.Is(err, ErrNotRunning), err == nil && last.Done:
		return last, askSecond("accrue " + in.Currency + " at " + in.At)
	case err != nil || last.Held == nil:
		return last, err
	}
	if _, err := Give(ctx, d, in.Connection, workflows.RetryPayout, id, workflows.Person{Who: in.Who}, patience); err != nil {
		return last, err
	}
	return d.watchAccrual(ctx, id, every, patience)
}

func (d *Desk) watchAccrual(ctx context.Context, id string, every, patience time.Duration) (last workflows.AccrualStatus, err error) {
	err = Watch(ctx, every, patience, func() (bool, error) {
		var err error
		last, err = Ask(ctx, d.Temporal, workflows.AccrualStatusQuery, id)
		return last.Told || last.Done, err
	})
	return last, err
}

// Watch asks until what is waited for has come, for as long as patience lasts.
// A workflow that no worker has begun yet is asked again.
func Watch(ctx context.Context, every, patience time.Duration, done func() (bool, error)) error {
	for until := time.Now().Add(patience); ; {
		over, err := done()
		switch {
		case err != nil && !errors.Is(err, ErrNoAnswer):
			return err
		case over:
			return nil
		case time.Now().After(until) && err != nil:
			return err
		case time.Now().After(until):
			return ErrStillGoing
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}
