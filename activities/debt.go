package activities

import (
	"context"

	"kvitt/internal/opening"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// previous is the debt that the payout before left, when that one is known; before
// the first one, the debt that was recorded as the connection's opening.
func (k *Klarna) previous(ctx context.Context, row *store.Payout) (*settlement.Debt, error) {
	before, err := k.Store.PreviousPayout(ctx, row.ConnectionID, row.MerchantID, row.Currency, row.Date, row.PaymentReference)
	if err != nil {
		return nil, err
	}
	if before == nil {
		return k.openingDebt(ctx, row)
	}
	return &settlement.Debt{PaymentReference: before.PaymentReference, Closing: before.ClosingDebt}, nil
}

// openingDebt is the debt at the start that was recorded, for the first payout
// that Kvitt knows from the start on; nil: none was recorded.
func (k *Klarna) openingDebt(ctx context.Context, row *store.Payout) (*settlement.Debt, error) {
	all, err := k.Store.Openings(ctx, row.ConnectionID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	profile, _, err := k.Doors.Profile(ctx, row.ConnectionID, 0)
	if err != nil {
		return nil, err
	}
	for i := range all {
		o := &all[i]
		start, err := voucher.ParseDate(o.Start)
		if o.Currency != row.Currency || err != nil || voucher.DateOf(row.Date, profile.Location()).Before(start) {
			continue
		}
		debt, known, err := opening.DebtOf(o.Figures, row.MerchantID, row.PaymentReference)
		if err != nil || !known {
			return nil, err
		}
		return &settlement.Debt{PaymentReference: "(the opening of " + o.Start + ")", Closing: debt}, nil
	}
	return nil, nil
}

// leadsOn checks the debt against the payout after, when that one is known: a
// backfill may come to the earlier one last.
func (k *Klarna) leadsOn(ctx context.Context, row *store.Payout, proof *settlement.Proof, accepted []settlement.Accepted) error {
	after, err := k.Store.NextPayout(ctx, row.ConnectionID, row.MerchantID, row.Currency, row.Date, row.PaymentReference)
	if err != nil || after == nil {
		return err
	}
	return proof.LeadsTo(&settlement.Debt{PaymentReference: after.PaymentReference, Closing: after.OpeningDebt}, accepted...)
}
