package activities

import (
	"context"
	"errors"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// unapproved returns why a voucher that a person has to see first is not posted: the
// audit trail knows nobody who approved it. What Temporal says does not count.
// The payout is then compiled anew, which asks for approval. A batch that may
// have been sent was approved before, and is only looked for.
func (v *Visma) unapproved(ctx context.Context, in workflows.PostInput) (*workflows.Held, error) {
	row, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, err
	}
	sent, err := v.Store.BookingOf(ctx, in.Connection, in.PaymentReference, row.Revision)
	switch {
	case errors.Is(err, store.ErrNotFound): // nothing was sent
	case err != nil || posting.Bound(sent.State):
		return nil, err
	}
	profile, version, err := v.Doors.Profile(ctx, in.Connection, row.ProfileVersion)
	if err != nil {
		return nil, err
	}
	_, needs, err := v.mode(ctx, in.Connection, profile, version)
	if err != nil || !needs {
		return nil, err
	}
	approved, err := v.Store.Approved(ctx, in.Connection, in.PaymentReference, in.VoucherHash)
	if err != nil || approved {
		return nil, err
	}
	return held.Because(held.FiguresChanged, "a person has to see this voucher first, and the audit trail knows of no approval"), nil
}
