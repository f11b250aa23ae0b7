package operate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/instruct"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// The kinds of requests: what takes two persons while a connection wants a
// second pair of eyes.
const (
	RequestSettings = "settings" // the second pair of eyes off, or another posting mode
	RequestReverse  = "reverse"
	RequestAccrue   = "accrue"
)

// RequestKinds lists them.
func RequestKinds() []string { return []string{RequestSettings, RequestReverse, RequestAccrue} }

// Request holds what somebody asked for and somebody else has to confirm.
type Request struct {
	ID         string
	Connection string
	Kind       string
	Who        string
	At         time.Time
	Subject    string // a payment reference, a day and a currency, or a setting
	Reason     string
	Mine       bool // whoever looks may be the person who asked

	party   instruct.Party
	message json.RawMessage
}

const asking = "ask to "

// confirmWithin limits how long a confirmed accrual is waited for.
const confirmWithin = 15 * time.Second

// Ask writes down what somebody asks for, until somebody else confirms it.
func (d *Desk) Ask(ctx context.Context, connection, kind string, message any, who string) error {
	words, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("ask for a second person: %w", err)
	}
	if _, err := d.instructions().Write(ctx, instruct.Instruction{
		Connection: connection, Action: asking + kind, Who: who, VouchedBy: partyOf(ctx).vouchedBy, Message: words,
	}); err != nil {
		return err
	}
	return d.Store.Audit(ctx, store.AuditEntry{Who: who, ConnectionID: connection, Subject: "connection/" + connection, Action: "connection.asked", After: asked(kind, "", words)})
}

func asked(kind, by string, message json.RawMessage) json.RawMessage {
	out, err := json.Marshal(struct {
		Kind    string          `json:"kind"`
		AskedBy string          `json:"asked_by,omitempty"`
		Message json.RawMessage `json:"message"`
	}{kind, by, message})
	if err != nil {
		return nil // both came from JSON
	}
	return out
}

// Requests are what waits for a second person, oldest first.
func (d *Desk) Requests(ctx context.Context, connection, who string) ([]Request, error) {
	rows, err := d.Store.OpenInstructions(ctx, connection, time.Now().Add(-instruct.Lifetime))
	if err != nil {
		return nil, err
	}
	var all []Request
	for i := range rows {
		one, err := d.request(ctx, rows[i].ID)
		if err != nil {
			return nil, err
		}
		if one.Kind == "" {
			continue
		}
		one.Mine = one.party.MayBe(instruct.Party{Who: who, VouchedBy: partyOf(ctx).vouchedBy})
		all = append(all, one)
	}
	return all, nil
}

// request opens one; what is none has no kind.
func (d *Desk) request(ctx context.Context, id string) (Request, error) {
	i, err := instruct.NewBook(d.Vault, d.Store).Read(ctx, id)
	if err != nil {
		return Request{}, err
	}
	kind, ours := strings.CutPrefix(i.Action, asking)
	if !ours {
		return Request{}, nil
	}
	one := Request{ID: id, Connection: i.Connection, Kind: kind, Who: i.Who, At: i.At, party: i.Party(), message: i.Message}
	var about struct {
		PaymentReference string `json:"payment_reference"`
		At               string `json:"at"`
		Currency         string `json:"currency"`
		Reason           string `json:"reason"`
		FourEyes         *bool  `json:"four_eyes"`
		Settings         struct {
			Posting string `json:"posting"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(i.Message, &about); err != nil {
		return one, fmt.Errorf("read what was asked: %w", err)
	}
	one.Reason, one.Subject = about.Reason, strings.TrimSpace(about.PaymentReference+about.At+" "+about.Currency)
	if kind == RequestSettings {
		one.Subject = "four_eyes off"
		if about.FourEyes == nil {
			one.Subject = "posting " + about.Settings.Posting
		}
	}
	return one, nil
}

// Confirm carries out what somebody else asked for. Errors: *Error.
func (d *Desk) Confirm(ctx context.Context, connection, id, who string) error {
	attempted := "confirm what was asked of the connection " + connection
	one, err := d.request(ctx, id)
	now := partyOf(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (one.Kind == "" || one.Connection != connection):
		return &Error{Attempted: attempted, Happened: "there is no such request", Helps: "Look at the list again."}
	case err != nil:
		return err
	case time.Since(one.At) > instruct.Lifetime:
		return &Error{Attempted: attempted, Happened: "it was asked for more than a day ago", Helps: "Ask for it again."}
	case one.party.MayBe(instruct.Party{Who: who, VouchedBy: now.vouchedBy}):
		return &Error{Attempted: attempted, Happened: workflows.WhyOnePerson(one.Who, who, one.party.Unknown(), now.vouchedBy), Helps: workflows.TwoPersonsHelps}
	}
	if _, err := d.Store.UseInstruction(ctx, id, "confirmed by "+who+" "+rand.Text(), time.Now()); err != nil {
		if errors.Is(err, store.ErrUsed) {
			err = &Error{Attempted: attempted, Happened: "it was confirmed before, and counts once", Err: err, Helps: "Look at the list again."}
		}
		return err
	}
	if err := d.Store.Audit(ctx, store.AuditEntry{
		Who: who, ConnectionID: connection, Subject: "connection/" + connection, Action: "connection.confirmed", After: asked(one.Kind, one.Who, one.message),
	}); err != nil {
		return err
	}
	return d.carryOut(seconding(ctx, one.party), &one, who)
}

// carryOut does what two persons want, in the name of the second.
func (d *Desk) carryOut(ctx context.Context, one *Request, who string) error {
	switch one.Kind {
	case RequestSettings:
		var change workflows.Configure
		if err := json.Unmarshal(one.message, &change); err != nil {
			return fmt.Errorf("read what was asked: %w", err)
		}
		row, err := d.Store.Connection(ctx, one.Connection)
		if err != nil {
			return err
		}
		change.Who = who
		_, err = d.Configure(ctx, &row, change)
		return err
	case RequestReverse:
		var in workflows.ReverseInput
		if err := json.Unmarshal(one.message, &in); err != nil {
			return fmt.Errorf("read what was asked: %w", err)
		}
		row, err := d.Store.Payout(ctx, one.Connection, in.PaymentReference)
		if err != nil {
			return err
		}
		_, err = d.Reverse(ctx, &row, workflows.Person{Who: who, Reason: in.Reason})
		return err
	case RequestAccrue:
		var in workflows.AccrualInput
		if err := json.Unmarshal(one.message, &in); err != nil {
			return fmt.Errorf("read what was asked: %w", err)
		}
		in.Who = who
		last, err := d.Accrue(ctx, in, 200*time.Millisecond, confirmWithin)
		switch {
		case err != nil && !errors.Is(err, ErrStillGoing):
			return err
		case last.State == workflows.AccrualRefused:
			return &Error{Attempted: "accrue " + in.Currency + " at " + in.At, Happened: last.Refused}
		}
		return nil
	}
	return &Error{Attempted: "confirm a request", Happened: "it is of a kind that this version does not know", Helps: "Ask for it again."}
}

// needsSecond tells whether a connection wants two persons for this, and only
// one is known.
func needsSecond(ctx context.Context, row *store.Connection) bool {
	return row.FourEyes && partyOf(ctx).first == nil
}

// askSecond returns why something cannot be done by one person.
func askSecond(attempted string) error {
	return &Error{Attempted: attempted, Happened: "this connection wants a second pair of eyes, and one person asks", Helps: workflows.AskForSecond}
}
