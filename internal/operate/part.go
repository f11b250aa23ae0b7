package operate

import (
	"context"

	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// Part holds what stands in an earlier period of a payout that is split.
type Part struct {
	At          voucher.Date `json:"at"`     // the period's last day
	Period      string       `json:"period"` // YYYYPP
	State       string       `json:"state"`  // of its posting
	BatchNumber string       `json:"batch_number,omitempty"`
}

// Parts are those of a payout that were booked, or meant to be, by day.
func (d *Desk) Parts(ctx context.Context, connection, reference string) ([]Part, error) {
	rows, err := d.Store.Bookings(ctx, connection, reference, store.KindPart)
	if err != nil {
		return nil, err
	}
	var all []Part
	for i := range rows {
		day, err := voucher.ParseDate(rows[i].Day)
		if err != nil {
			return nil, err
		}
		all = append(all, Part{day, rows[i].Period, rows[i].State, rows[i].BatchNumber})
	}
	return all, nil
}
