package posting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/visma"
)

// Post books the intent's voucher exactly once and reads it back. It may be
// called again at any time, after any crash: it goes on where the posting row
// says that the last call stopped. Its errors are those of the store, and
// those of Visma.net that are a clear no which may heal (class transient,
// throttled or auth).
func (p *Poster) Post(ctx context.Context, in Intent) (Outcome, error) {
	row, halt, err := p.Intend(ctx, in)
	if err != nil || halt != nil {
		return Outcome{Stop: halt, BatchNumber: row.BatchNumber}, err
	}
	switch row.State {
	case Intended:
		return p.first(ctx, in, row)
	case Sending:
		// A crash came between the decision to send and the answer.
		if row, err = p.doubt(ctx, row, "post", errors.New("the process ended while the batch was being sent")); err != nil {
			return Outcome{}, err
		}
		return p.look(ctx, in, row)
	case Unknown:
		return p.look(ctx, in, row)
	case Accepted:
		return p.await(ctx, in, row)
	case Booked:
		return p.check(ctx, in, row)
	default: // checked and beyond
		// What another connection of the same merchant and company has booked
		// is as good as adopted.
		return Outcome{BatchNumber: row.BatchNumber, Adopted: row.Adopted || row.ConnectionID != in.Connection}, nil
	}
}

// Intend makes sure that the posting row exists and is for this voucher. The
// same token with another voucher is a loud stop once anything may be booked.
func (p *Poster) Intend(ctx context.Context, in Intent) (store.Booking, *Stop, error) {
	hash := in.Voucher.Hash()
	document, err := json.Marshal(in.Voucher)
	if err != nil {
		return store.Booking{}, nil, fmt.Errorf("write down the voucher of payout %s: %w", in.Voucher.PaymentReference, err)
	}
	switch in.Kind {
	case "", store.KindPayout, store.KindReversal:
		in.Payout = in.Voucher.PaymentReference
	}
	want := store.Booking{
		CompanyID: in.Company, Token: in.Voucher.Token, ConnectionID: in.Connection, Kind: in.Kind, Name: in.Voucher.PaymentReference,
		PaymentReference: in.Payout, Day: in.Day, Revision: in.Revision,
		VoucherHash: hash, Voucher: document, Period: in.period(), Mode: mode(in.Draft), State: Intended,
	}
	row, err := p.Memory.EnsureBooking(ctx, want)
	if err != nil {
		return row, nil, err
	}
	switch {
	case row.State == Reversed: // whatever the figures are today
		return row, held.Becausef(held.ReversedBefore, "batch %s of payout %s was reversed", row.BatchNumber, row.Name), nil
	case row.State == Rejected, row.State == Intended && (row.VoucherHash != hash || row.Period != want.Period || row.Mode != want.Mode):
		// Nothing was ever booked under this token, so the intent may change.
		row, err = p.update(ctx, row, func(r *store.Booking) {
			r.State, r.VoucherHash, r.Voucher, r.Period, r.Mode = Intended, hash, document, want.Period, want.Mode
			r.JobID, r.UnknownSince, r.AbsentSince, r.Failure = "", nil, nil, nil
		})
		return row, nil, err
	case row.VoucherHash != hash:
		return row, held.Becausef(held.ChangedAfterPosting,
			"payout %s was posted as a voucher with hash %.12s (batch %s, state %s); it now compiles to another one with hash %.12s",
			row.Name, row.VoucherHash, orNone(row.BatchNumber), row.State, hash), nil
	}
	return row, nil, nil
}

// first sends a voucher, unless the books show that it was booked before: by
// an earlier installation, or after the backup that this database was restored
// from.
func (p *Poster) first(ctx context.Context, in Intent, row store.Booking) (Outcome, error) {
	for _, period := range in.Periods {
		if err := p.familiarise(ctx, in.Company, period); err != nil {
			return Outcome{}, err
		}
	}
	if err := p.confirm(ctx, in); err != nil {
		return Outcome{}, err
	}
	number, halt, err := p.known(ctx, in)
	switch {
	case err != nil || halt != nil:
		return Outcome{Stop: halt}, err
	case number != "":
		return p.adopt(ctx, in, row, number)
	}
	return p.send(ctx, in, row)
}

// send makes the attempt durable, posts, and makes the answer durable.
func (p *Poster) send(ctx context.Context, in Intent, row store.Booking) (Outcome, error) {
	batch, err := draft(in)
	if err != nil {
		return Outcome{}, err
	}
	now := p.Now()
	row, err = p.update(ctx, row, func(r *store.Booking) {
		r.State, r.AttemptedAt, r.JobID, r.UnknownSince, r.AbsentSince = Sending, &now, "", nil, nil
		r.ConnectionID = in.Connection // an intent of a connection that was re-created becomes that one's
		r.Attempts++
	})
	if err != nil {
		return Outcome{}, err
	}
	accepted, postErr := p.Books.CreateJournalTransaction(ctx, batch)
	// What Visma.net answered is kept even when this activity was cancelled.
	ctx = context.WithoutCancel(ctx)
	switch {
	case postErr != nil:
		return p.refused(ctx, in, row, postErr)
	case accepted.BatchNumber != "":
		row, err = p.book(ctx, row, accepted.BatchNumber, false)
		if err != nil {
			return Outcome{}, err
		}
		return p.check(ctx, in, row)
	}
	row, err = p.update(ctx, row, func(r *store.Booking) { r.State, r.JobID = Accepted, accepted.JobID })
	if err != nil {
		return Outcome{}, err
	}
	return p.await(ctx, in, row)
}

// refused tells a clear no from an unknown outcome. Only an error that its
// client has classified as a no is one.
func (p *Poster) refused(ctx context.Context, in Intent, row store.Booking, postErr error) (Outcome, error) {
	switch fault.ClassOf(postErr) {
	case fault.Rejected:
		return p.reject(ctx, row, "post", postErr)
	case fault.Auth, fault.Throttled, fault.Transient:
		if err := p.note(ctx, row, "post", postErr); err != nil {
			return Outcome{}, err
		}
		if _, err := p.update(ctx, row, func(r *store.Booking) { r.State = Intended }); err != nil {
			return Outcome{}, err
		}
		return Outcome{}, postErr
	case fault.UnknownOutcome, fault.BadData:
	}
	return p.lost(ctx, in, row, "post", postErr)
}

func (p *Poster) reject(ctx context.Context, row store.Booking, action string, why error) (Outcome, error) {
	if err := p.note(ctx, row, action, why); err != nil {
		return Outcome{}, err
	}
	words := why.Error()
	_, err := p.update(ctx, row, func(r *store.Booking) { r.State, r.Failure = Rejected, failure(words) })
	return Outcome{Stop: held.Because(held.Rejected, words)}, err
}

// doubt marks the posting as unknown. From here on it is only looked for.
func (p *Poster) doubt(ctx context.Context, row store.Booking, action string, why error) (store.Booking, error) {
	if err := p.note(ctx, row, action, why); err != nil {
		return row, err
	}
	now := p.Now()
	return p.update(ctx, row, func(r *store.Booking) {
		r.State, r.JobID, r.AbsentSince, r.Failure = Unknown, "", nil, troubleOf(*r).met(action, why).kept()
		if r.UnknownSince == nil {
			r.UnknownSince = &now
		}
	})
}

// Waiting for a background job: quick at first, then with patience.
const (
	firstPoll  = 50 * time.Millisecond
	slowPoll   = 5 * time.Second
	pollFor    = 10 * time.Minute
	retryAfter = 30 * time.Second
)

// await asks the background job until it has finished. A job that takes very
// long stays accepted, and the next call goes on asking, after ever longer pauses;
// after a day it is for a person, because it may still book.
func (p *Poster) await(ctx context.Context, in Intent, row store.Booking) (Outcome, error) {
	for wait, waited := firstPoll, time.Duration(0); waited < pollFor; wait = min(wait*3/2, slowPoll) {
		if err := p.Pause(ctx, wait); err != nil {
			return Outcome{}, err
		}
		waited += wait
		job, err := p.Books.Job(ctx, row.JobID)
		switch {
		case fault.ClassOf(err) == fault.Rejected: // 404, 410: the job is lost
			return p.lost(ctx, in, row, "poll", err)
		case err != nil:
			return Outcome{}, err
		case job.Done():
			return p.finished(ctx, in, row, job)
		}
	}
	if row.AttemptedAt == nil {
		return Outcome{LookAgain: retryAfter}, nil
	}
	runs := p.Now().Sub(*row.AttemptedAt)
	if runs < longest {
		return Outcome{LookAgain: max(runs/4, retryAfter)}, nil
	}
	return Outcome{LookAgain: longest, Stop: held.Becausef(held.Failed,
		"background job %s of Visma.net, which books payout %s, has not finished since %s; it may still do so, and nothing is sent again meanwhile",
		row.JobID, row.Name, row.AttemptedAt.UTC().Format("2006-01-02 15:04Z"))}, nil
}

func (p *Poster) lost(ctx context.Context, in Intent, row store.Booking, action string, why error) (Outcome, error) {
	row, err := p.doubt(ctx, row, action, why)
	if err != nil {
		return Outcome{}, err
	}
	return p.look(ctx, in, row)
}

// finished reads the answer that a background job came to: finished may mean
// a no.
func (p *Poster) finished(ctx context.Context, in Intent, row store.Booking, job visma.Job) (Outcome, error) {
	if job.Succeeded() && job.BatchNumber() != "" {
		row, err := p.book(ctx, row, job.BatchNumber(), false)
		if err != nil {
			return Outcome{}, err
		}
		return p.check(ctx, in, row)
	}
	var content []byte
	if job.HasResponseContent {
		content, _ = p.Books.JobContent(ctx, row.JobID) // without it the job's own words stand
	}
	err := job.Err("post the voucher of payout "+row.Name, content)
	if fault.ClassOf(err) == fault.Rejected {
		return p.reject(ctx, row, "poll", err)
	}
	if err == nil {
		err = fmt.Errorf("background job %s succeeded but names no batch", row.JobID)
	}
	return p.lost(ctx, in, row, "poll", err)
}

func (p *Poster) book(ctx context.Context, row store.Booking, number string, adopted bool) (store.Booking, error) {
	return p.update(ctx, row, func(r *store.Booking) {
		r.State, r.BatchNumber, r.Adopted = Booked, number, adopted
		r.UnknownSince, r.AbsentSince, r.Failure = nil, nil, nil
	})
}

func (p *Poster) update(ctx context.Context, row store.Booking, change func(*store.Booking)) (store.Booking, error) {
	return p.Memory.UpdateBooking(ctx, row.CompanyID, row.Token, func(r *store.Booking) error {
		if r.State != row.State || r.Attempts != row.Attempts {
			return fmt.Errorf("move posting %s on from %s: another worker has moved it to %s meanwhile", row.Token, row.State, r.State)
		}
		change(r)
		return nil
	})
}

// note keeps why an attempt did not succeed, for the audit trail.
func (p *Poster) note(ctx context.Context, row store.Booking, action string, err error) error {
	a := store.Attempt{CompanyID: row.CompanyID, Token: row.Token, At: p.Now(), Action: action, Outcome: "no answer", Detail: failure(err.Error())}
	var said remark
	if errors.As(err, &said) {
		a.Outcome = "noted"
	} else if f := fault.As(err); f != nil {
		a.Outcome, a.Status, a.RequestID = string(f.Class), f.Status, f.RequestID
	}
	return p.Memory.AppendAttempt(ctx, a)
}

// remark is something that was seen and stops nothing.
type remark string

func (r remark) Error() string { return string(r) }

func failure(words string) json.RawMessage { return trouble{Words: words}.kept() }

// How a batch is posted: on hold, or to be released.
const (
	modeDraft = "draft"
	modeAuto  = "auto"
)

func mode(isDraft bool) string {
	if isDraft {
		return modeDraft
	}
	return modeAuto
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
