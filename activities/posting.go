package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// PostVoucher books the compiled voucher exactly once and reads it back.
func (v *Visma) PostVoucher(ctx context.Context, in workflows.PostInput) (workflows.Posted, error) {
	for _, look := range []func() (*workflows.Held, error){
		func() (*workflows.Held, error) { return v.stillProven(ctx, in.PayoutRef) },
		func() (*workflows.Held, error) { return v.unapproved(ctx, in) },
	} {
		if stop, err := look(); err != nil || stop != nil {
			return workflows.Posted{Held: stop}, err
		}
	}
	return post(ctx, v, v.draftPayout, in)
}

// CompleteBatch attaches the documents, releases the batch and reads it back.
func (v *Visma) CompleteBatch(ctx context.Context, in workflows.PostInput) (workflows.Completed, error) {
	return complete(ctx, v, v.draftPayout, in)
}

// draftPayout drafts the voucher that was compiled, and approved where that is
// needed: no other one.
func (v *Visma) draftPayout(ctx context.Context, in workflows.PostInput) (*booking, error) {
	row, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, err
	}
	if row.VoucherHash != in.VoucherHash {
		return nil, fmt.Errorf("post payout %s: the voucher has changed since it was compiled (%.12s, now %.12s)", in.PaymentReference, in.VoucherHash, row.VoucherHash)
	}
	var document voucher.Voucher
	if err := json.Unmarshal(row.Voucher, &document); err != nil {
		return nil, fmt.Errorf("read the voucher of payout %s: %w", in.PaymentReference, err)
	}
	connection, err := v.Store.Connection(ctx, in.Connection)
	if err != nil {
		return nil, err
	}
	b := &booking{Intent: posting.Intent{
		Connection: in.Connection, Company: connection.CompanyID, Kind: store.KindPayout, Revision: row.Revision,
		Voucher: &document, Periods: in.Periods, Draft: in.Draft, Again: in.Again,
		Earlier:  tokensBefore(&row, connection.CompanyID, row.Revision),
		Reversal: voucher.Token(row.MerchantID, row.PaymentReference, connection.CompanyID, row.Revision+1),
	}}
	b.attach = func(ctx context.Context, attach posting.Attach) error {
		return v.documents(ctx, in.PayoutRef, &document, attach)
	}
	b.final = func(ctx context.Context, out *workflows.Completed) error {
		return v.enter(ctx, in.PayoutRef, out.State)
	}
	b.posted = func(ctx context.Context, out *workflows.Posted) (err error) {
		switch {
		case out.Held == nil && out.LookAgain > 0:
			return v.enter(ctx, in.PayoutRef, workflows.StatePosting)
		case out.Held == nil:
			return v.enter(ctx, in.PayoutRef, workflows.StatePosted)
		case out.Held.Code == held.ReversedBefore:
			out.Held, err = v.revise(ctx, in.PayoutRef, out.Held)
		default:
			out.Held = v.whyRefused(ctx, &b.Intent, out.Held)
		}
		return err
	}
	return b, nil
}

func (v *Visma) enter(ctx context.Context, ref workflows.PayoutRef, state string) error {
	return v.Store.UpdatePayout(ctx, ref.Connection, ref.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = state, "", nil
		return nil
	}, nil)
}

// stillProven stops a voucher whose figures Klarna has changed since they were
// proven, unless it may be in the books already.
func (v *Visma) stillProven(ctx context.Context, ref workflows.PayoutRef) (*workflows.Held, error) {
	row, err := v.Store.Payout(ctx, ref.Connection, ref.PaymentReference)
	if err != nil {
		return nil, err
	}
	var proof Proof
	if err := json.Unmarshal(row.Proof, &proof); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", ref.PaymentReference, err)
	}
	var listed settlement.Payout
	if err := json.Unmarshal(row.Payout, &listed); err != nil {
		return nil, fmt.Errorf("read the recorded payout %s: %w", ref.PaymentReference, err)
	}
	if proof.Payout.Same(listed) {
		return v.stillDecided(ctx, &row, &proof)
	}
	sent, err := v.Store.BookingOf(ctx, ref.Connection, ref.PaymentReference, row.Revision)
	if errors.Is(err, store.ErrNotFound) || err == nil && !posting.Bound(sent.State) {
		return held.Becausef(held.FiguresChanged, "payout %s was proven with a settlement of %s, and Klarna now lists %s",
			ref.PaymentReference, settlement.Format(proof.Payout.Totals[settlement.TotalSettlement], proof.Payout.Currency), settlement.Format(row.Settlement, proof.Payout.Currency)), nil
	}
	return nil, err
}
