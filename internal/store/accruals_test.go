package store_test

import (
	"encoding/json"
	"errors"
	"testing"

	"kvitt/internal/store"
)

func accrual() store.Posting {
	p := posting()
	p.PaymentReference = "accrual 2026-01-31 SEK"
	return p
}

func TestAccrualsAreRememberedApartFromPayouts(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		a := s.Accruals()
		for range 2 {
			_, err := a.EnsurePosting(ctx, accrual())
			must(t, err)
		}
		token := accrual().Token
		if _, err := s.Posting(ctx, "42", token); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it is a posting of a payout: %v", err)
		}
		all, err := a.List(ctx, "c1")
		must(t, err)
		same(t, "how many are listed", len(all), 1)
		must(t, a.AppendAttempt(ctx, store.Attempt{CompanyID: "42", Token: token, Action: "post", Outcome: "no answer"}))
		trail, err := s.AuditTrail(ctx, "c1", 1)
		must(t, err)
		same(t, "the audited action", trail[0].Action, "accrual.intended")
	})
}

func TestTheDatabaseItselfGuardsAccruals(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		a := s.Accruals()
		_, err := a.EnsurePosting(ctx, accrual())
		must(t, err)
		update := func(change func(*store.Posting)) error {
			_, err := a.UpdatePosting(ctx, "42", accrual().Token, func(p *store.Posting) error { change(p); return nil })
			return err
		}
		must(t, update(func(p *store.Posting) { p.VoucherHash, p.Voucher = "h2", json.RawMessage(`{"lines":[1]}`) }))
		refused(t, "booked without a batch", update(func(p *store.Posting) { p.State = "booked" }), "update the accrual")
		must(t, update(func(p *store.Posting) { p.State = "sending" }))
		refused(t, "another voucher after it may have been sent", update(func(p *store.Posting) { p.VoucherHash = "h3" }), "keeps that voucher")
		refused(t, "deleting an accrual", db.behindItsBack(t, "DELETE FROM accruals"), "cannot be deleted")
		refused(t, "renaming an accrual", db.behindItsBack(t, "UPDATE accruals SET token = 'x'"), "keeps its company, token")
	})
}
