package activities

import (
	"context"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Trial is a payout as it would be posted, for a person who is about to start a
// connection. Nothing of it is kept.
type Trial struct {
	Payout  *settlement.Payout // nil: Klarna paid nothing out lately
	Rows    int64
	Voucher *voucher.Voucher
	Held    *workflows.Held // why it would be held
}

// trialDays is the number of days that a trial looks back for a payout.
const trialDays = 45

// Trial proves the latest payout of a connection and compiles its voucher, on
// the real path up to the point where something would be kept or posted.
func (p *Preview) Trial(ctx context.Context, connection string) (*Trial, error) {
	latest, err := p.Klarna.latest(ctx, connection)
	if err != nil || latest == nil {
		return &Trial{}, err
	}
	row, err := rowOf(connection, recorded{Payout: *latest})
	if err != nil {
		return nil, err
	}
	out := &Trial{Payout: latest}
	draft, stop, err := p.draft(ctx, &row)
	out.Rows, out.Held = row.Rows, stop
	if draft != nil {
		out.Voucher = draft.voucher
	}
	return out, err
}

// latest is the payout that Klarna paid out last, nil when there is none.
func (k *Klarna) latest(ctx context.Context, connection string) (*settlement.Payout, error) {
	client, err := k.Doors.Klarna(ctx, connection)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var latest *settlement.Payout
	err = klarna.Read(ctx, client.Payouts(ctx, klarna.PayoutsQuery{Start: now.AddDate(0, 0, -trialDays), End: now}),
		func() error { latest = nil; return nil },
		func(page *klarna.Page[klarna.Payout]) error {
			for i := range page.Items {
				if p := page.Items[i].Settlement(); latest == nil || p.Date.After(latest.Date) {
					latest = &p
				}
			}
			return nil
		})
	return latest, err
}
