package activities

import (
	"context"
	"errors"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// tokensBefore are the tokens of a payout's revisions before one.
func tokensBefore(row *store.Payout, company string, revision int) []string {
	var tokens []string
	for r := range revision {
		tokens = append(tokens, voucher.Token(row.MerchantID, row.PaymentReference, company, r))
	}
	return tokens
}

// lastRevision is the highest revision of a payout that this database has
// posted, or that it has seen in the company's books.
func lastRevision(ctx context.Context, s *store.Store, row *store.Payout, company string) (int, error) {
	for last := row.Revision; ; last++ {
		token := voucher.Token(row.MerchantID, row.PaymentReference, company, last+1)
		_, err := s.Booking(ctx, company, token)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
		seen, err := s.SeenByToken(ctx, company, token)
		if err != nil || len(seen) == 0 {
			return last, err
		}
	}
}

// revise settles what it means that an earlier installation has taken a payout
// back: one that it also posted anew is adopted as that revision.
func (v *Visma) revise(ctx context.Context, ref workflows.PayoutRef, stop *held.Stop) (*workflows.Held, error) {
	row, err := v.Store.Payout(ctx, ref.Connection, ref.PaymentReference)
	if err != nil {
		return nil, err
	}
	connection, err := v.Store.Connection(ctx, ref.Connection)
	if err != nil {
		return nil, err
	}
	last, err := lastRevision(ctx, v.Store, &row, connection.CompanyID)
	if err != nil {
		return nil, err
	}
	if voucher.IsReversal(last) || last == row.Revision {
		return stop, nil
	}
	err = v.Store.UpdatePayout(ctx, ref.Connection, ref.PaymentReference, func(p *store.Payout) error {
		p.Revision = last
		return nil
	}, &store.AuditEntry{Who: "kvitt", Action: "payout.revision_found"})
	// The workflow begins anew, with the revision that counts.
	return held.Becausef(held.FiguresChanged, "payout %s was reversed and posted anew before, as revision %d", ref.PaymentReference, last), err
}

// nextRevision is the revision that a decision to post anew leads to; 0 for any
// other decision, and when there is nothing that was reversed.
func (l *Ledger) nextRevision(ctx context.Context, in workflows.Decision) (int, error) {
	if in.Kind != workflows.DecisionRepost {
		return 0, nil
	}
	row, err := l.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return 0, err
	}
	if row.State != workflows.StateReversed && row.HeldReason != string(held.ReversedBefore) {
		return 0, nil // it was carried out by an earlier attempt
	}
	connection, err := l.Store.Connection(ctx, in.Connection)
	if err != nil {
		return 0, err
	}
	last, err := lastRevision(ctx, l.Store, &row, connection.CompanyID)
	if voucher.IsReversal(last) {
		last++
	}
	return last, err
}
