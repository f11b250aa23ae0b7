package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// watched is for how long after it was made a posting is looked at again.
const watched = 45 * 24 * time.Hour

// CheckDrift compares what was posted lately with what Visma.net has now, and
// records both sides. It changes nothing in Visma.net, and nothing is ever
// posted because of what it finds.
func (v *Visma) CheckDrift(ctx context.Context, in workflows.DriftInput) (workflows.DriftFound, error) {
	var out workflows.DriftFound
	rows, err := v.Store.PostingsToCheck(ctx, in.Connection, time.Now().Add(-watched))
	if err != nil || len(rows) == 0 {
		return out, err
	}
	if _, stop, err := v.company(ctx, in.Connection); err != nil || stop != nil {
		return out, err // another company has nothing of these
	}
	client, err := v.Doors.Visma(ctx, in.Connection)
	if err != nil {
		return out, err
	}
	poster := &posting.Poster{Books: client, Memory: v.Store, Now: time.Now, Pause: pause}
	found, err := poster.Watch(ctx, rows)
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

func (v *Visma) keepDrift(ctx context.Context, f *posting.Finding) error {
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
	if err := v.Store.PutDrift(ctx, d); err != nil || f.Word != posting.NowReleased {
		return err
	}
	return v.released(ctx, &f.Posting)
}

// released makes a draft that somebody has released in Visma.net, as it was
// posted, verified.
func (v *Visma) released(ctx context.Context, row *store.Posting) error {
	_, err := v.Store.UpdatePosting(ctx, row.CompanyID, row.Token, func(p *store.Posting) error {
		if p.State == posting.Draft {
			p.State = posting.Verified
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Store.UpdatePayout(ctx, row.ConnectionID, row.PaymentReference, func(p *store.Payout) error {
		if p.State == workflows.StatePosted {
			p.State = workflows.StateVerified
		}
		return nil
	}, nil)
}
