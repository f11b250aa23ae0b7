package operate

import (
	"context"
	"errors"

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

// Parts are those of a voucher for which there is a posting.
func (d *Desk) Parts(ctx context.Context, connection string, v *voucher.Voucher) ([]Part, error) {
	if v == nil || !v.Splits() {
		return nil, nil
	}
	row, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	var all []Part
	for i := range v.Earlier {
		batch := v.Earlier[i].Batch
		if batch == nil {
			continue
		}
		posted, err := d.Store.Accruals().Posting(ctx, row.CompanyID, batch.Token)
		switch {
		case errors.Is(err, store.ErrNotFound): // not sent yet
		case err != nil:
			return nil, err
		default:
			all = append(all, Part{v.Earlier[i].At, posted.Period, posted.State, posted.BatchNumber})
		}
	}
	return all, nil
}
