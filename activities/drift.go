package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/workflows"
)

// watched is the time after its creation during which a booking is rechecked.
const watched = 45 * 24 * time.Hour

// CheckDrift compares what was booked lately with what Visma.net has now, and
// records both sides; what takes itself back, Visma.net has to. It changes nothing in Visma.net, and nothing is ever posted
// because of what it finds.
func (v *Visma) CheckDrift(ctx context.Context, in workflows.DriftInput) (workflows.DriftFound, error) {
	var out workflows.DriftFound
	since := time.Now().Add(-watched)
	rows, err := v.Store.BookingsToCheck(ctx, in.Connection, since)
	if err != nil || len(rows) == 0 {
		return out, err
	}
	firm, stop, err := v.company(ctx, in.Connection)
	if err != nil || stop != nil {
		return out, err // another company has nothing of these
	}
	client, err := v.Doors.Visma(ctx, in.Connection)
	if err != nil {
		return out, err
	}
	profile, _, err := v.Doors.Profile(ctx, in.Connection, 0)
	if err != nil {
		return out, err
	}
	poster := &posting.Poster{Books: client, Memory: v.Store, Now: time.Now, Pause: pause}
	found, err := poster.Watch(ctx, rows, nextPeriod(firm.Calendar, visma.DateOf(time.Now().In(profile.Location()))))
	if err != nil {
		return out, err
	}
	out.Words = map[string]int{}
	for i := range found {
		if err := v.keepDrift(ctx, &found[i]); err != nil {
			return out, err
		}
		out.Looked++
		out.Words[found[i].Word]++
	}
	return out, nil
}

// nextPeriod knows the period after another one, and whether it has begun today.
func nextPeriod(calendar *visma.Calendar, today visma.Date) posting.Next {
	return func(period string) (string, bool) {
		own, ok := calendar.Period(period)
		if !ok {
			return "", false
		}
		next, ok := calendar.After(own)
		return next.ID, ok && next.Start.Compare(today) <= 0
	}
}

func (v *Visma) keepDrift(ctx context.Context, f *posting.Finding) error {
	d := store.Drift{CompanyID: f.Booking.CompanyID, Token: f.Booking.Token, Word: f.Word}
	for _, part := range []struct {
		what any
		into *json.RawMessage
	}{{f.Differences, &d.Differences}, {f.Posted, &d.Posted}, {f.Found, &d.Found}} {
		text, err := json.Marshal(part.what)
		if err != nil {
			return fmt.Errorf("record what became of batch %s: %w", f.Booking.BatchNumber, err)
		}
		*part.into = text
	}
	if err := v.Store.PutDrift(ctx, d); err != nil || f.Word != posting.NowReleased {
		return err
	}
	return v.released(ctx, &f.Booking)
}

// released makes a draft that somebody has released in Visma.net, as it was
// posted, verified.
func (v *Visma) released(ctx context.Context, row *store.Booking) error {
	_, err := v.Store.UpdateBooking(ctx, row.CompanyID, row.Token, func(p *store.Booking) error {
		if p.State == posting.Draft {
			p.State = posting.Verified
		}
		return nil
	})
	if err != nil || row.Kind != store.KindPayout {
		return err
	}
	return v.Store.UpdatePayout(ctx, row.ConnectionID, row.PaymentReference, func(p *store.Payout) error {
		if p.State == workflows.StatePosted {
			p.State = workflows.StateVerified
		}
		return nil
	}, nil)
}
