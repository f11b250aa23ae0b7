package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// booking is one thing to book, as its kind has drafted it: exactly the voucher
// that was prepared, and approved where that is needed. The rest is what its kind
// adds to the protocol, each part of it if there is one.
type booking struct {
	posting.Intent
	// anyBranch: where the voucher names no branch, none is sent.
	anyBranch bool
	// attach attaches what belongs to its batch.
	attach posting.Documents
	// posted records how far it has come, or settles what a stop leaves open.
	posted func(context.Context, *workflows.Posted) error
	// final records that it is final.
	final func(context.Context, *workflows.Completed) error
}

// post books what draft drafts of an input exactly once, and reads it back.
func post[In any](ctx context.Context, v *Visma, draft func(context.Context, In) (*booking, error), in In) (workflows.Posted, error) {
	b, err := draft(ctx, in)
	if err != nil {
		return workflows.Posted{}, err
	}
	return v.post(ctx, b)
}

func (v *Visma) post(ctx context.Context, b *booking) (workflows.Posted, error) {
	poster, err := v.poster(ctx, b)
	if err != nil {
		return workflows.Posted{}, err
	}
	got, err := poster.Post(ctx, b.Intent)
	if err != nil {
		return workflows.Posted{}, err
	}
	out := workflows.Posted{BatchNumber: got.BatchNumber, Adopted: got.Adopted, LookAgain: got.LookAgain, Held: got.Stop}
	if b.posted != nil {
		err = b.posted(ctx, &out)
	}
	return out, err
}

// complete attaches what belongs to the batch, releases it and reads it back.
func complete[In any](ctx context.Context, v *Visma, draft func(context.Context, In) (*booking, error), in In) (workflows.Completed, error) {
	b, err := draft(ctx, in)
	if err != nil {
		return workflows.Completed{}, err
	}
	return v.complete(ctx, b)
}

func (v *Visma) complete(ctx context.Context, b *booking) (workflows.Completed, error) {
	poster, err := v.poster(ctx, b)
	if err != nil {
		return workflows.Completed{}, err
	}
	state, stop, err := poster.Complete(ctx, b.Intent, b.attach)
	if err != nil || stop != nil {
		return workflows.Completed{Held: stop}, err
	}
	out := workflows.Completed{State: workflows.StateVerified}
	if state == posting.Draft {
		out.State = workflows.StatePosted
	}
	if b.final != nil {
		err = b.final(ctx, &out)
	}
	return out, err
}

// poster is who posts a booking, which it completes with the branch that is meant
// and with what people decided about it.
func (v *Visma) poster(ctx context.Context, b *booking) (*posting.Poster, error) {
	if err := b.Voucher.Check(); err != nil {
		return nil, err
	}
	client, err := v.Doors.Visma(ctx, b.Connection)
	if err != nil {
		return nil, err
	}
	if b.Voucher.Branch == "" && !b.anyBranch {
		firm, err := v.Doors.Company(ctx, b.Connection)
		if err != nil {
			return nil, err
		}
		b.Branch = firm.MainBranch()
	}
	return v.postsTo(ctx, client), v.allow(ctx, &b.Intent)
}

func (v *Visma) postsTo(ctx context.Context, books posting.Books) *posting.Poster {
	return &posting.Poster{Books: books, Memory: v.Store, Now: temporalsClock(ctx), Pause: pause, Absent: v.UnknownWait, Scans: &v.scans}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// bound is the voucher of a booking that may have been sent, and so stays what it
// is; nil when there is none yet.
func (v *Visma) bound(ctx context.Context, company, token string) (*store.Booking, *voucher.Voucher, error) {
	sent, err := v.Store.Booking(ctx, company, token)
	if errors.Is(err, store.ErrNotFound) || err == nil && !posting.Bound(sent.State) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	document, err := voucherOf(&sent)
	return &sent, document, err
}

func voucherOf(p *store.Booking) (*voucher.Voucher, error) {
	var v voucher.Voucher
	if err := json.Unmarshal(p.Voucher, &v); err != nil {
		return nil, fmt.Errorf("read the voucher of %s: %w", p.Name, err)
	}
	return &v, nil
}

// whyRefused reads the company anew after Visma.net refused a batch: what has
// changed there since it was read last is the better reason. A person will now
// correct something there, so what was read is forgotten afterwards too.
func (v *Visma) whyRefused(ctx context.Context, in *posting.Intent, stop *held.Stop) *held.Stop {
	if stop.Code != held.Rejected {
		return stop
	}
	v.Doors.ForgetCompany(in.Connection)
	defer v.Doors.ForgetCompany(in.Connection)
	firm, err := v.Doors.Company(ctx, in.Connection)
	if err != nil {
		return stop // Visma.net's own words stand
	}
	target := in.Periods[len(in.Periods)-1]
	if p, ok := firm.Calendar.Period(target); !ok || !p.Open() {
		words := fmt.Sprintf("period %s of %s was closed meanwhile; %s", target, firm, stop.Detail)
		if v.movesOn(ctx, in.Connection, in.Voucher) {
			return held.Because(held.FiguresChanged, words) // compiled anew, which finds the next open period
		}
		return held.Because(held.PeriodClosed, words)
	}
	if problems := firm.Check(in.Voucher.Uses()); len(problems) > 0 {
		return held.Because(problems[0].Code, problems[0].Detail+"; "+stop.Detail)
	}
	return stop
}

// movesOn tells whether a voucher whose period was closed goes into the next
// open one: the profile says so, and there is one.
func (v *Visma) movesOn(ctx context.Context, connection string, document *voucher.Voucher) bool {
	profile, _, err := v.Doors.Profile(ctx, connection, 0)
	if err != nil || profile.Periods.Policy != voucher.NextOpen {
		return false
	}
	firm, err := v.Doors.Company(ctx, connection)
	if err != nil {
		return false
	}
	var closed *visma.PeriodError
	_, err = firm.Calendar.Of(visma.DateOf(document.Date.Time()))
	return errors.As(err, &closed) && closed.NextOpen != nil
}

// takesItselfBack is what becomes of what is booked in a period and belongs to the
// next one.
const takesItselfBack = "This batch is auto-reversing: Visma.net takes it back on the first day of the next period."
