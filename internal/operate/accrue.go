package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/report"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Accrual is an accrual that was asked for, or the one that would be posted.
type Accrual struct {
	Name        string           `json:"name,omitempty"`
	At          string           `json:"at"`
	Currency    string           `json:"currency"`
	State       string           `json:"state"`
	Words       string           `json:"words,omitempty"` // why it is refused or held, with what helps
	HeldReason  string           `json:"held_reason,omitempty"`
	BatchNumber string           `json:"batch_number,omitempty"`
	Voucher     *voucher.Voucher `json:"voucher,omitempty"`
	// Decisions are those about one that is held, in force or taken back.
	Decisions []AccrualDecision `json:"decisions,omitempty"`
	// Books is what the last daily check found in Visma.net; nil before the first.
	Books *AccrualBooks `json:"books,omitempty"`
}

// AccrualDecision is that somebody took a batch as that of an accrual.
type AccrualDecision struct {
	Number      string    `json:"decision"`
	BatchNumber string    `json:"batch_number"`
	Reason      string    `json:"reason"`
	Who         string    `json:"who"`
	At          time.Time `json:"at"`
	InForce     bool      `json:"in_force"`
}

// AccrualBooks holds what Visma.net has of an accrual.
type AccrualBooks struct {
	Word        string    `json:"word"`
	Differences []string  `json:"differences,omitempty"`
	Helps       string    `json:"helps,omitempty"`
	TakenBackBy string    `json:"taken_back_by,omitempty"` // the batch of the next period
	CheckedAt   time.Time `json:"checked_at"`
}

// AccrualUndone is what helps who has accrued by mistake.
const AccrualUndone = "Kvitt cannot take an accrual back that was asked for by mistake; over two periods it comes to nothing by itself. " +
	"To have it out of the first one, reverse its batch and the one that takes it back in Visma.net; the daily check tells what it then finds there."

// HeldIn is a stop as it was recorded.
func HeldIn(document json.RawMessage) workflows.Held {
	var why workflows.Held
	_ = json.Unmarshal(document, &why) // what cannot be read has no words
	why.Detail = Printable(why.Detail)
	return why
}

// WouldAccrue compiles, for each currency, what would be posted for a day. One
// that cannot be compiled is refused, and says why.
func WouldAccrue(made *report.Reports, profile *voucher.Profile, n *report.NotPaid) []Accrual {
	all := []Accrual{}
	for _, currency := range slices.Sorted(maps.Keys(n.ByCurrency())) {
		one := Accrual{At: n.At.String(), Currency: string(currency), State: workflows.StateCompiled}
		if one.Voucher, one.Words = made.Accrual(profile, n, currency); one.Words != "" {
			one.State = workflows.AccrualRefused
		}
		all = append(all, one)
	}
	return all
}

// Accruals lists what was asked for in a connection's company: whatever moves
// money between two periods, by name.
func (d *Desk) Accruals(ctx context.Context, connection string) ([]Accrual, error) {
	rows, err := d.Store.AccrualList(ctx, connection)
	if err != nil {
		return nil, err
	}
	found, err := d.Store.AccrualDrifts(ctx, connection)
	if err != nil {
		return nil, err
	}
	waiting, err := d.Store.Stops(ctx, connection, workflows.WorkAccrual)
	if err != nil {
		return nil, err
	}
	all := make([]Accrual, len(rows))
	for i := range rows {
		if all[i], err = accrualOf(&rows[i], found, waiting); err != nil {
			return nil, err
		}
		if all[i].HeldReason == "" {
			continue
		}
		if all[i].Decisions, err = d.accrualDecisions(ctx, connection, all[i].Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *Desk) accrualDecisions(ctx context.Context, connection, name string) (out []AccrualDecision, err error) {
	all, err := d.Store.Decisions(ctx, connection, store.WorkAccrual, name)
	for i := range all {
		o := &all[i]
		out = append(out, AccrualDecision{NumberOf(o), o.BatchNumber, o.Reason, o.Who, o.At, o.InForce()})
	}
	return out, err
}

func accrualOf(row *store.Posting, found []store.Drift, waiting []store.Stop) (Accrual, error) {
	one := Accrual{Name: row.PaymentReference, State: row.State, BatchNumber: row.BatchNumber, Voucher: &voucher.Voucher{}}
	if err := json.Unmarshal(row.Voucher, one.Voucher); err != nil {
		return one, fmt.Errorf("read the voucher of %s: %w", row.PaymentReference, err)
	}
	one.At, one.Currency = one.Voucher.Date.String(), string(one.Voucher.Currency)
	for i := range waiting {
		if waiting[i].Name == row.PaymentReference {
			why := HeldIn(waiting[i].Held)
			one.HeldReason, one.Words = waiting[i].Reason, strings.TrimSpace(why.Detail+" "+why.Remedy)
		}
	}
	for i := range found {
		if found[i].Token != row.Token || found[i].CompanyID != row.CompanyID {
			continue
		}
		one.Books = &AccrualBooks{Word: found[i].Word, CheckedAt: found[i].CheckedAt}
		var sheet struct {
			TakenBackBy string `json:"taken_back_by"`
		}
		if err := errors.Join(json.Unmarshal(found[i].Differences, &one.Books.Differences), json.Unmarshal(found[i].Found, &sheet)); err != nil {
			return one, fmt.Errorf("read what was found of %s in Visma.net: %w", row.PaymentReference, err)
		}
		one.Books.TakenBackBy = sheet.TakenBackBy
		switch one.Books.Word {
		case posting.AsPosted, posting.NowReleased:
		case posting.NotTakenBack:
			one.Books.Helps = posting.NotTakenBackHelps
		default:
			one.Books.Helps = "Kvitt changes nothing in Visma.net and posts nothing because of it; decide there."
		}
	}
	return one, nil
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
