package store_test

import (
	"strings"
	"testing"
	"time"

	"kvitt/internal/store"
)

func TestPayoutsAreFoundByTheirBeginning(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		var rows []store.Payout
		for i, ref := range []string{"A1", "A_2", "A%3", `A\4`, "B5"} {
			rows = append(rows, store.Payout{PaymentReference: ref, MerchantID: "M", Date: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC), Currency: "SEK", Settlement: 1, Payout: []byte("{}")})
		}
		_, err := s.UpsertPayouts(t.Context(), "c1", rows)
		must(t, err)
		for begun, want := range map[string]string{"": `B5 A\4 A%3`, "A": `A\4 A%3 A_2`, "A%": "A%3", "A_": "A_2", `A\`: `A\4`, "C": ""} {
			found, err := s.PayoutsLike(t.Context(), "c1", begun, nil, 3)
			must(t, err)
			var got []string
			for _, p := range found {
				got = append(got, p.PaymentReference)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q finds %v, want %s", begun, got, want)
			}
		}
		if found, err := s.PayoutsLike(t.Context(), "c1", "", []string{"held", "verified"}, 3); err != nil || len(found) != 0 {
			t.Errorf("%v %v", found, err)
		}
	})
}
