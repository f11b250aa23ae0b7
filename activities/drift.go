package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/workflows"
)

// watched is for how long after it was made a posting is looked at again.
const watched = 45 * 24 * time.Hour

// CheckDrift compares what was posted lately with what Visma.net has now, and
// records both sides: of payouts, and of accruals, which Visma.net has to take
// back by itself. It changes nothing in Visma.net, and nothing is ever posted
// because of what it finds.
func (v *Visma) CheckDrift(ctx context.Context, in workflows.DriftInput) (workflows.DriftFound, error) {
	var out workflows.DriftFound
	since := time.Now().Add(-watched)
	rows, err := v.Store.PostingsToCheck(ctx, in.Connection, since)
	if err != nil {
		return out, err
	}
	accruals, err := v.Store.Accruals().PostingsToCheck(ctx, in.Connection, since)
	if err != nil || len(rows)+len(accruals) == 0 {
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
	found, err := poster.Watch(ctx, rows)
	if err != nil {
		return out, err
	}
	poster.Memory = v.Store.Accruals()
	of, err := poster.WatchAccruals(ctx, accruals, nextPeriod(firm.Calendar, visma.DateOf(time.Now().In(profile.Location()))))
	if err != nil {
		return out, err
	}
	out.Words = map[string]int{}
	for i, f := range slices.Concat(found, of) {
		if err := v.keepDrift(ctx, &f, i >= len(found)); err != nil {
			return out, err
		}
		out.Looked++
		out.Words[f.Word]++
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

func (v *Visma) keepDrift(ctx context.Context, f *posting.Finding, accrual bool) error {
	d := store.Drift{CompanyID: f.Posting.CompanyID, Token: f.Posting.Token, Word: f.Word}
	for _, part := range []struct {
		what any
		into *json.RawMessage
	}{{f.Differences, &d.Differences}, {f.Posted, &d.Posted}, {f.Found, &d.Found}} {
		text, err := json.Marshal(part.what)
		if err != nil {
			return fmt.Errorf("record what became of batch %s: %w", f.Posting.BatchNumber, err)
		}
		*part.into = text
	}
	put, released := v.Store.PutDrift, v.released
	if accrual {
		put, released = v.Store.Accruals().PutDrift, v.accrualReleased
	}
	if err := put(ctx, d); err != nil || f.Word != posting.NowReleased {
		return err
	}
	return released(ctx, &f.Posting)
}

// released makes a draft that somebody has released in Visma.net, as it was
// posted, verified.
func (v *Visma) released(ctx context.Context, row *store.Posting) error {
	if _, err := v.Store.UpdatePosting(ctx, row.CompanyID, row.Token, verify); err != nil {
		return err
	}
	return v.Store.UpdatePayout(ctx, row.ConnectionID, row.PaymentReference, func(p *store.Payout) error {
		if p.State == workflows.StatePosted {
			p.State = workflows.StateVerified
		}
		return nil
	}, nil)
}

func (v *Visma) accrualReleased(ctx context.Context, row *store.Posting) error {
	_, err := v.Store.Accruals().UpdatePosting(ctx, row.CompanyID, row.Token, verify)
	return err
}

// verify makes a draft verified.
func verify(p *store.Posting) error {
	if p.State == posting.Draft {
		p.State = posting.Verified
	}
	return nil
}
