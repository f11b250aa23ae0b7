package posting

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/visma"
)

// Documents attaches what belongs to a batch, by attach.
type Documents func(ctx context.Context, attach Attach) error

// Attach attaches one document. The same file name makes a new revision, so that
// a repeated attempt leaves one document.
type Attach func(ctx context.Context, f visma.File) error

// Complete takes a checked batch to final: the documents are attached, the
// batch is released, and it is read back until Visma.net says Unposted or
// Posted with equal totals. A draft is left on hold. documents is called only
// when there is something to attach.
func (p *Poster) Complete(ctx context.Context, in Intent, documents Documents) (state string, halt *Stop, err error) {
	row, halt, err := p.Intend(ctx, in)
	if err != nil || halt != nil {
		return "", halt, err
	}
	compared := p.justCompared(row)
	if row.State == Checked {
		if row, err = p.attach(ctx, row, documents); err != nil {
			return "", nil, err
		}
	}
	switch {
	case row.State == Verified || row.State == Draft:
		return row.State, nil, nil
	case row.State == Attached && row.Mode == modeDraft: // as it was posted, whatever is wanted now
		_, err = p.update(ctx, row, func(r *store.Booking) { r.State = Draft })
		return Draft, nil, err
	case row.State == Attached && compared:
		return p.release(ctx, in, row)
	case row.State == Attached:
		return p.compareAndRelease(ctx, in, row)
	case row.State == Released:
		return p.settle(ctx, in, row)
	}
	return "", nil, fmt.Errorf("complete payout %s: its posting is %s, not checked", row.Name, row.State)
}

func (p *Poster) attach(ctx context.Context, row store.Booking, documents Documents) (store.Booking, error) {
	err := documents(ctx, func(ctx context.Context, f visma.File) error {
		return again(p.Books.Attach(ctx, visma.ModuleGL, row.BatchNumber, f))
	})
	if err != nil {
		return row, err
	}
	return p.update(ctx, row, func(r *store.Booking) { r.State = Attached })
}

// justCompared tells whether Post has compared the batch with the voucher a
// moment ago. Otherwise (a release that failed, a wait for a credential, an
// adopted batch) a person may have edited it since.
func (p *Poster) justCompared(row store.Booking) bool {
	const moment = time.Minute
	return row.State == Checked && row.AttemptedAt != nil && p.Now().Sub(*row.AttemptedAt) < moment
}

// compareAndRelease makes sure that what is released is still the voucher.
func (p *Poster) compareAndRelease(ctx context.Context, in Intent, row store.Booking) (string, *Stop, error) {
	batch, _, err := p.Books.JournalTransaction(ctx, row.BatchNumber)
	switch {
	case err != nil:
		return "", nil, err
	case batch.Released():
		return p.verify(ctx, in, row, batch)
	}
	if differences, _ := in.differs(row, batch); len(differences) > 0 {
		return "", held.Becausef(held.BatchDiffers, "batch %s was changed before it was released: %s", row.BatchNumber, strings.Join(differences, "; ")), nil
	}
	return p.release(ctx, in, row)
}

// release tells Visma.net to release the batch. Whatever it answers, the batch
// itself says whether it is released; a failed release is retried alone.
func (p *Poster) release(ctx context.Context, in Intent, row store.Booking) (string, *Stop, error) {
	_, err := p.Books.Release(ctx, row.BatchNumber, "")
	if err == nil || fault.ClassOf(err) == fault.UnknownOutcome {
		told := troubleOf(row)
		told.Words = "Visma.net took the release"
		if err != nil {
			told.Words = err.Error()
			if err := p.note(ctx, row, "release", err); err != nil {
				return "", nil, err
			}
		}
		if row, err = p.update(ctx, row, func(r *store.Booking) { r.State, r.Failure = Released, told.kept() }); err != nil {
			return "", nil, err
		}
		return p.settle(ctx, in, row)
	}
	if fault.ClassOf(err) != fault.Rejected {
		return "", nil, err
	}
	// It may have been released by an earlier attempt, or by a person.
	batch, _, readErr := p.Books.JournalTransaction(ctx, row.BatchNumber)
	if readErr != nil {
		return "", nil, readErr
	}
	if !batch.Released() {
		return "", held.Becausef(held.ReleaseFailed, "%v", err), p.note(ctx, row, "release", err)
	}
	return p.verify(ctx, in, row, batch)
}

// Waiting for a release to show.
const (
	firstLook = 50 * time.Millisecond
	looks     = 12
)

// settle reads the batch until it shows as released. One that does not goes
// back to attached, so that the release alone is tried again.
func (p *Poster) settle(ctx context.Context, in Intent, row store.Booking) (string, *Stop, error) {
	for look, wait := 0, firstLook; look < looks; look, wait = look+1, min(2*wait, slowPoll) {
		batch, _, err := p.Books.JournalTransaction(ctx, row.BatchNumber)
		if err != nil {
			return "", nil, err
		}
		if batch.Released() {
			return p.verify(ctx, in, row, batch)
		}
		if err := p.Pause(ctx, wait); err != nil {
			return "", nil, err
		}
	}
	told := troubleOf(row)
	told.Releases++
	last := told.Releases >= mostReleases
	if last {
		told.Releases = 0 // a person who retries has as many again
	}
	if _, err := p.update(ctx, row, func(r *store.Booking) { r.State, r.Failure = Attached, told.kept() }); err != nil {
		return "", nil, err
	}
	if last {
		return "", held.Becausef(held.ReleaseFailed, "batch %s was told to be released %s and does not show as released; the last answer: %s",
			row.BatchNumber, times(mostReleases), told.Words), nil
	}
	return "", nil, &fault.Error{
		Class: fault.Transient, Party: "Visma.net", Attempted: "release batch " + row.BatchNumber,
		Words: "the batch was told to be released and does not show as released yet",
	}
}

// verify is the last comparison: what stands in the ledger is the voucher.
func (p *Poster) verify(ctx context.Context, in Intent, row store.Booking, batch *visma.JournalTransaction) (string, *Stop, error) {
	differences, compared := in.differs(row, batch)
	if len(differences) > 0 {
		return "", held.Becausef(held.BatchDiffers, "batch %s changed before it was released: %s", row.BatchNumber, strings.Join(differences, "; ")), nil
	}
	_, err := p.update(ctx, row, func(r *store.Booking) {
		r.State, r.Failure, r.Compared = Verified, nil, compared
	})
	return Verified, nil, err
}

// again marks an attachment's unknown outcome as one that heals: attaching
// twice leaves one document.
func again(err error) error {
	if f := fault.As(err); f != nil && f.Class == fault.UnknownOutcome {
		heals := *f
		heals.Class = fault.Transient
		return &heals
	}
	return err
}
