package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"kvitt/internal/store"
)

var timesOfPayout = cmpopts.IgnoreFields(store.Payout{}, "DiscoveredAt", "UpdatedAt")

func TestANewPayoutIsDiscoveredWithItsListedFigures(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		got, err := s.Payout(t.Context(), "c1", "P1")
		must(t, err)
		want := payout("P1", 1)
		want.ConnectionID, want.State = "c1", "discovered"
		same(t, "the payout", got, want, timesOfPayout)
		if _, err := s.Payout(t.Context(), "c1", "P2"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another payout: %v", err)
		}
	})
}

func TestListingAgainRefreshesFiguresUntilThePayoutIsFinal(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		first, err := s.Payout(ctx, "c1", "P1")
		must(t, err)

		states := upsert(t, s, "c1", payout("P1", 1))
		same(t, "the states", states, map[string]string{"P1": "discovered"})
		again, err := s.Payout(ctx, "c1", "P1")
		must(t, err)
		same(t, "a payout that was listed unchanged", again, first)

		set := func(state string) {
			t.Helper()
			must(t, s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.State = state; return nil }, nil))
		}
		changed := payout("P1", 1)
		for i, state := range []string{"proven", "posted", "released"} {
			set(state)
			changed.Settlement = int64(i)
			states = upsert(t, s, "c1", changed, payout("P2", 2))
			same(t, "the states", states, map[string]string{"P1": state, "P2": "discovered"})
			got, err := s.Payout(ctx, "c1", "P1")
			must(t, err)
			same(t, "the settlement while "+state, got.Settlement, int64(i))
			same(t, "the state", got.State, state)
		}
		for _, state := range []string{"verified", "rejected", "reversed"} {
			set(state)
			changed.Settlement = 99
			upsert(t, s, "c1", changed)
			got, err := s.Payout(ctx, "c1", "P1")
			must(t, err)
			same(t, "the settlement once "+state, got.Settlement, int64(2))
		}
	})
}

func TestPayoutsAreListedByDateAndHalfOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		ctx := t.Context()
		connection(t, s, "c1")
		connection(t, s, "c2")
		upsert(t, s, "c1", payout("B", 2), payout("A", 2), payout("C", 1), payout("D", 3))
		upsert(t, s, "c2", payout("E", 2))
		must(t, s.UpdatePayout(ctx, "c1", "D", func(p *store.Payout) error { p.State, p.HeldReason = "held", "rows_differ"; return nil }, nil))

		for _, c := range []struct {
			name   string
			filter store.PayoutFilter
			want   string
		}{
			{"all of a connection", store.PayoutFilter{Connection: "c1"}, "C A B D"},
			{"of every connection", store.PayoutFilter{}, "C A B E D"},
			{"from a time on", store.PayoutFilter{Connection: "c1", From: at(2, 6)}, "A B D"},
			{"before a time", store.PayoutFilter{Connection: "c1", To: at(2, 6)}, "C"},
			{"in a state", store.PayoutFilter{Connection: "c1", State: "held"}, "D"},
			{"the first ones", store.PayoutFilter{Connection: "c1", Limit: 2}, "C A"},
		} {
			got, err := s.Payouts(ctx, c.filter)
			must(t, err)
			names := ""
			for _, p := range got {
				names += " " + p.PaymentReference
			}
			same(t, c.name, names, " "+c.want)
		}
	})
}

func TestThePreviousPayoutIsOfTheSameMerchantAndCurrency(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		euro, other := payout("EUR", 4), payout("OTHER", 4)
		euro.Currency, other.MerchantID = "EUR", "K2"
		upsert(t, s, "c1", payout("P1", 1), payout("P2", 3), payout("P3", 3), euro, other, payout("P5", 5))
		previous := func(of string, day int) string {
			t.Helper()
			p, err := s.PreviousPayout(t.Context(), "c1", "K1", "SEK", at(day, 6), of)
			must(t, err)
			if p == nil {
				return "none"
			}
			return p.PaymentReference
		}
		same(t, "the payouts before", []string{previous("P5", 5), previous("P3", 3), previous("P2", 3), previous("P1", 1)},
			[]string{"P3", "P2", "P1", "none"})
	})
}

func TestAnUpdateIsWrittenWithItsAuditEntryOrNotAtAll(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		own := errors.New("not like this")
		err := s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.State = "proven"; return own },
			&store.AuditEntry{Who: "anna", Action: "payout.approved"})
		if err != own { //nolint:errorlint // it must be returned unchanged
			t.Errorf("the caller's own error came back as %v", err)
		}
		err = s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.State = "held"; return nil }, nil)
		refused(t, "a held payout without a reason", err, "update the payout P1 of the connection c1")
		err = s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.State = "fine"; return nil }, nil)
		refused(t, "a state that does not exist", err, "update the payout P1")
		got, err := s.Payout(ctx, "c1", "P1")
		must(t, err)
		same(t, "the state", got.State, "discovered")
		trail, err := s.AuditTrail(ctx, "", 0)
		must(t, err)
		same(t, "the audit trail", len(trail), 0)

		must(t, s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error {
			p.State, p.HeldReason, p.Held, p.Rows = "held", "rows_differ", json.RawMessage(`{"difference":1}`), 3
			p.Proof, p.Voucher, p.VoucherHash, p.ProfileVersion = json.RawMessage(`{}`), json.RawMessage(`[]`), "vh", 2
			p.PaymentReference, p.BatchNumber = "renamed", "7" // neither of which can be changed
			return nil
		}, nil))
		must(t, s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.State, p.HeldReason, p.Held = "compiled", "", nil; return nil },
			&store.AuditEntry{Who: "anna", Action: "payout.retried"}))
		must(t, s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.Rows = 4; return nil }, nil))

		got, err = s.Payout(ctx, "c1", "P1")
		must(t, err)
		want := payout("P1", 1)
		want.ConnectionID, want.State, want.Rows = "c1", "compiled", 4
		want.Proof, want.Voucher, want.VoucherHash, want.ProfileVersion = json.RawMessage(`{}`), json.RawMessage(`[]`), "vh", 2
		same(t, "the payout", got, want, timesOfPayout)

		trail, err = s.AuditTrail(ctx, "c1", 0)
		must(t, err)
		type line struct{ Who, Subject, Action, Before, After string }
		var lines []line
		for _, e := range trail {
			lines = append(lines, line{e.Who, e.Subject, e.Action, string(e.Before), string(e.After)})
		}
		held := `{"state":"held","held_reason":"rows_differ","voucher_hash":"vh","profile_version":2}`
		same(t, "the audit trail", lines, []line{
			{"anna", "payout/P1", "payout.retried", held, `{"state":"compiled","voucher_hash":"vh","profile_version":2}`},
			{"kvitt", "payout/P1", "payout.held", `{"state":"discovered"}`, held},
		})
		if err := s.UpdatePayout(ctx, "c1", "P9", func(*store.Payout) error { return nil }, nil); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a payout that is not there: %v", err)
		}
	})
}

func TestNoConcurrentUpdateOfAPayoutIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		a := withPayout(t, db)
		stores := []*store.Store{a, db.open(t)}
		const workers, each = 16, 4
		together(t, workers, func(ctx context.Context, i int) error {
			for range each {
				err := stores[i%2].UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.Rows++; return nil },
					&store.AuditEntry{Who: fmt.Sprint("worker ", i), Action: "payout.counted"})
				if err != nil {
					return err
				}
			}
			return nil
		})
		got, err := a.Payout(t.Context(), "c1", "P1")
		must(t, err)
		same(t, "the number of updates", got.Rows, int64(workers*each))
		must(t, a.VerifyAudit(t.Context()))
	})
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		other := db.open(t)
		must(t, s.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error {
			p.State = "proven"
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for _, reader := range []*store.Store{s, other} {
				seen, err := reader.Payout(ctx, "c1", "P1")
				if err != nil {
					return err
				}
				same(t, "the state seen meanwhile", seen.State, "discovered")
			}
			return nil
		}, nil))
	})
}

func TestPayoutsAreCountedByStateAndReason(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		upsert(t, s, "c1", payout("P2", 2), payout("P3", 3))
		must(t, s.UpdatePayout(t.Context(), "c1", "P3", func(p *store.Payout) error { p.State, p.HeldReason = "held", "rows_differ"; return nil }, nil))
		counts, err := s.PayoutCounts(t.Context())
		must(t, err)
		byState := cmpopts.SortSlices(func(a, b store.PayoutCount) bool { return a.State < b.State })
		same(t, "the counts", counts, []store.PayoutCount{
			{ConnectionID: "c1", State: "discovered", Payouts: 2},
			{ConnectionID: "c1", State: "held", HeldReason: "rows_differ", Payouts: 1},
		}, byState)
	})
}
