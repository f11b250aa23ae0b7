package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Booking is something that is booked for a connection, or was asked for, or would
// be booked.
type Booking struct {
	Kind        string           `json:"kind,omitempty"` // as the store calls it
	Name        string           `json:"name,omitempty"`
	At          string           `json:"at"`
	Currency    string           `json:"currency"`
	State       string           `json:"state"`
	Words       string           `json:"words,omitempty"` // why it is refused or held, with what helps
	HeldReason  string           `json:"held_reason,omitempty"`
	BatchNumber string           `json:"batch_number,omitempty"`
	Voucher     *voucher.Voucher `json:"voucher,omitempty"`
	// Decisions are those about one that is held, in force or taken back.
	Decisions []BookingDecision `json:"decisions,omitempty"`
	// Books is what the last daily check found in Visma.net; nil before the first.
	Books *BooksFound `json:"books,omitempty"`
}

// BookingDecision is that somebody took a batch as that of a booking.
type BookingDecision struct {
	Number      string    `json:"decision"`
	BatchNumber string    `json:"batch_number"`
	Reason      string    `json:"reason"`
	Who         string    `json:"who"`
	At          time.Time `json:"at"`
	InForce     bool      `json:"in_force"`
}

// BooksFound holds what Visma.net has of a booking.
type BooksFound struct {
	Word        string    `json:"word"`
	Differences []string  `json:"differences,omitempty"`
	Helps       string    `json:"helps,omitempty"`
	TakenBackBy string    `json:"taken_back_by,omitempty"` // the batch of the next period
	CheckedAt   time.Time `json:"checked_at"`
}

// workflowsOf are the workflows that take bookings on, by kind; the others' is that
// of the payout behind them.
var workflowsOf = map[string]func(connection string, b *Booking) string{
	store.KindAccrual: func(connection string, b *Booking) string {
		return workflows.AccrualWorkflowID(connection, b.At, b.Currency)
	},
}

// HeldIn is a stop as it was recorded.
func HeldIn(document json.RawMessage) workflows.Held {
	var why workflows.Held
	_ = json.Unmarshal(document, &why) // what cannot be read has no words
	why.Detail = Printable(why.Detail)
	return why
}

// Bookings lists what is booked in a connection's company, or was asked for, by
// name: of some kinds, all when none is given.
func (d *Desk) Bookings(ctx context.Context, connection string, kinds ...string) ([]Booking, error) {
	rows, err := d.Store.Bookings(ctx, connection, "", kinds...)
	if err != nil {
		return nil, err
	}
	found, err := d.Store.Drifts(ctx, connection, kinds...)
	if err != nil {
		return nil, err
	}
	waiting, err := d.Store.Stops(ctx, connection, "")
	if err != nil {
		return nil, err
	}
	all := make([]Booking, len(rows))
	for i := range rows {
		if all[i], err = bookingOf(&rows[i], found, waiting); err != nil {
			return nil, err
		}
		if all[i].HeldReason == "" {
			continue
		}
		made, err := d.Store.Decisions(ctx, connection, store.Work(rows[i].Kind), rows[i].Name)
		if err != nil {
			return nil, err
		}
		for j := range made {
			o := &made[j]
			all[i].Decisions = append(all[i].Decisions, BookingDecision{NumberOf(o), o.BatchNumber, o.Reason, o.Who, o.At, o.InForce()})
		}
	}
	return all, nil
}

func bookingOf(row *store.Booking, found []store.Drift, waiting []store.Stop) (Booking, error) {
	one := Booking{Kind: row.Kind, Name: row.Name, State: row.State, BatchNumber: row.BatchNumber, Voucher: &voucher.Voucher{}}
	if err := json.Unmarshal(row.Voucher, one.Voucher); err != nil {
		return one, fmt.Errorf("read the voucher of %s: %w", row.Name, err)
	}
	one.At, one.Currency = one.Voucher.Date.String(), string(one.Voucher.Currency)
	for i := range waiting {
		if waiting[i].Name == row.Name && waiting[i].Work == store.Work(row.Kind) {
			why := HeldIn(waiting[i].Held)
			one.HeldReason, one.Words = waiting[i].Reason, strings.TrimSpace(why.Detail+" "+why.Remedy)
		}
	}
	for i := range found {
		if found[i].Token != row.Token || found[i].CompanyID != row.CompanyID {
			continue
		}
		one.Books = &BooksFound{Word: found[i].Word, CheckedAt: found[i].CheckedAt}
		var sheet struct {
			TakenBackBy string `json:"taken_back_by"`
		}
		if err := errors.Join(json.Unmarshal(found[i].Differences, &one.Books.Differences), json.Unmarshal(found[i].Found, &sheet)); err != nil {
			return one, fmt.Errorf("read what was found of %s in Visma.net: %w", row.Name, err)
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

// TakesBatch tells whether a batch can be taken as that of a booking: it is held
// because one differs, or because one is looked for.
func (b *Booking) TakesBatch() bool { return held.Offers(codeOf(b.HeldReason), held.AcceptBatch) }

// TakeBatch takes a batch as that of a booking by its name, exactly as it is in
// Visma.net, and lets the booking look again.
func (d *Desk) TakeBatch(ctx context.Context, connection, kind, name, batch string, by workflows.Person, patience time.Duration) (Decided, error) {
	attempted := "take a batch as that of the " + name
	if strings.TrimSpace(by.Reason) == "" {
		return Decided{}, &Error{Attempted: attempted, Happened: "no reason was given", Helps: "Write why; it goes into the audit trail."}
	}
	at, err := d.targetNamed(ctx, connection, kind, name)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	made := store.Decision{
		ConnectionID: connection, Work: at.work, Name: name, Kind: store.DecidedBatch, Code: string(at.code),
		BatchNumber: strings.TrimSpace(batch), Reason: strings.TrimSpace(by.Reason), Who: by.Who,
	}
	evidence, err := d.mayTakeBatch(ctx, at, nil, &made)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	return d.record(ctx, attempted, at, made, evidence, patience)
}

// UndoBatch takes a decision about a booking by its name back, and lets the booking
// look again without it.
func (d *Desk) UndoBatch(ctx context.Context, connection, kind, name, number string, by workflows.Person, patience time.Duration) (Decided, error) {
	attempted := verbs[store.DecidedUndo] + " the " + name
	at, err := d.targetNamed(ctx, connection, kind, name)
	if err != nil {
		return Decided{}, because(attempted, err)
	}
	all, err := d.Store.Decisions(ctx, connection, at.work, name)
	if err != nil {
		return Decided{}, err
	}
	return d.undo(ctx, attempted, at.row, all, number, by, func(*store.Decision) (*target, error) { return at, nil }, patience)
}

// targetNamed finds a booking that is held by its kind and name.
func (d *Desk) targetNamed(ctx context.Context, connection, kind, name string) (*target, error) {
	rows, err := d.Store.Bookings(ctx, connection, "", kind)
	if err != nil {
		return nil, err
	}
	waiting, err := d.Store.Stops(ctx, connection, store.Work(kind))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(p store.Booking) bool { return p.Name == name })
	if i < 0 {
		return nil, refuse("it is not held")
	}
	one, err := bookingOf(&rows[i], nil, waiting)
	if err != nil {
		return nil, err
	}
	workflowOf := workflowsOf[kind]
	if one.HeldReason == "" || workflowOf == nil {
		return nil, refuse("it is not held")
	}
	return &target{
		row:  &store.Payout{ConnectionID: connection, PaymentReference: name, State: workflows.StateHeld, Currency: one.Currency},
		work: store.Work(kind), name: name, code: codeOf(one.HeldReason), sent: &rows[i], workflow: workflowOf(connection, &one),
	}, nil
}
