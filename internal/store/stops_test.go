package store_test

import (
	"encoding/json"
	"testing"

	"kvitt/internal/store"
)

func TestWhyAReversalWaitsIsRememberedWhileItDoes(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		stop := store.Stop{ConnectionID: "c1", Work: store.WorkReversal, Name: "P1", Reason: "period_closed", Held: json.RawMessage(`{"code":"period_closed"}`)}
		actions := func() (all []string) {
			trail, err := s.AuditTrail(ctx, "c1", 0)
			must(t, err)
			for _, e := range trail {
				if e.Subject == "payout/P1" && (e.Action == "payout.reversal_held" || e.Action == "payout.reversal_went_on") {
					all = append(all, e.Action)
				}
			}
			return all
		}
		for range 2 { // told again, it is the same
			must(t, s.PutStop(ctx, stop))
		}
		all, err := s.Stops(ctx, "c1", "")
		must(t, err)
		same(t, "how many wait", len(all), 1)
		since := all[0].Since
		stop.Held = json.RawMessage(`{"code":"period_closed","detail":"202601"}`)
		must(t, s.PutStop(ctx, stop))
		all, err = s.Stops(ctx, "c1", store.WorkReversal)
		must(t, err)
		same(t, "since when", all[0].Since.Equal(since), true)
		same(t, "what is audited", len(actions()), 2)
		for range 2 {
			must(t, s.ClearStop(ctx, stop))
		}
		all, err = s.Stops(ctx, "c1", store.WorkReversal)
		must(t, err)
		same(t, "how many wait once it goes on", len(all), 0)
		same(t, "what is audited", actions(), []string{"payout.reversal_went_on", "payout.reversal_held", "payout.reversal_held"})
	})
}

func TestWhatBecameOfAnAccrualIsKeptApart(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		p := accrual()
		p.State, p.BatchNumber = "verified", "000009"
		_, err := s.EnsureBooking(ctx, p)
		must(t, err)
		must(t, s.PutDrift(ctx, store.Drift{CompanyID: "42", Token: p.Token, Word: "not_taken_back", Differences: json.RawMessage(`["it stands"]`)}))
		all, err := s.Drifts(ctx, "c1", store.KindAccrual)
		must(t, err)
		same(t, "what was found", all[0].Word+" "+all[0].Name, "not_taken_back accrual 2026-01-31 SEK")
		others, err := s.Drifts(ctx, "c1", store.KindPayout, store.KindReversal)
		must(t, err)
		same(t, "what was found of payouts", len(others), 0)
		rows, err := s.BookingsToCheck(ctx, "c1", at(30, 0).AddDate(100, 0, 0))
		must(t, err)
		same(t, "an old one that was not taken back is looked at", len(rows), 1)
		trail, err := s.AuditTrail(ctx, "c1", 1)
		must(t, err)
		same(t, "the audited action", trail[0].Action+" "+trail[0].Subject, "accrual.drift accrual/"+p.Token)
	})
}
