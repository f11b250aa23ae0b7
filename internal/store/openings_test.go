package store_test

import (
	"encoding/json"
	"testing"

	"kvitt/internal/store"
)

func TestTheLatestOpeningIsInForceUntilItIsWithdrawn(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		if err := s.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "auto"}); err != nil {
			t.Fatal(err)
		}
		o := store.Opening{ConnectionID: "c1", Currency: "SEK", Start: "2026-01-01", Figures: json.RawMessage(`[]`), Who: "anna", Reason: "the balance sheet has it", Way: store.OpeningInBooks}
		put := func(way, batch string) error {
			o.Way, o.BatchNumber = way, batch
			return s.PutOpening(t.Context(), o)
		}
		for _, wrong := range [][2]string{{store.OpeningBooked, ""}, {store.OpeningInBooks, "000001"}, {"somehow", ""}} {
			if put(wrong[0], wrong[1]) == nil {
				t.Errorf("%v is recorded", wrong)
			}
		}
		for _, step := range []struct{ way, batch, holds string }{
			{store.OpeningInBooks, "", store.OpeningInBooks},
			{store.OpeningBooked, "000007", store.OpeningBooked},
			{store.OpeningWithdrawn, "", ""},
			{store.OpeningInBooks, "", store.OpeningInBooks},
		} {
			if err := put(step.way, step.batch); err != nil {
				t.Fatal(err)
			}
			all, err := s.Openings(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case step.holds == "" && len(all) == 0:
			case len(all) != 1 || all[0].Way != step.holds || all[0].BatchNumber != step.batch || all[0].Who != "anna":
				t.Errorf("after %s there is %+v", step.way, all)
			}
		}
		trail, err := s.AuditTrail(t.Context(), "c1", 10)
		if err != nil || len(trail) != 4 || trail[0].Action != "connection.opening_in_books" || s.VerifyAudit(t.Context()) != nil {
			t.Errorf("the audit trail has %+v, %v", trail, err)
		}
	})
}
