package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"kvitt/internal/store"
)

func TestWhatBecameOfAPostingIsKeptAndItsChangesAreAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		p := posting()
		_, err := s.EnsureBooking(t.Context(), p)
		must(t, err)
		before, err := s.DriftOf(t.Context(), p.CompanyID, p.Token)
		must(t, err)
		if before != nil {
			t.Fatalf("nobody has looked, and it is %+v", before)
		}
		drifts := func() (n int) {
			trail, err := s.AuditTrail(t.Context(), "c1", 0)
			must(t, err)
			for _, e := range trail {
				if e.Action == "payout.drift" && e.Subject == "payout/P1" {
					n++
				}
			}
			return n
		}
		var since time.Time
		for i, look := range []struct {
			word, differences string
			audited           int
		}{
			{store.AsPosted, `null`, 0},
			{"edited", `["line 1"]`, 1},
			{"edited", `["line 1"]`, 1},
			{"edited", `["line 2"]`, 2},
			{"voided", `["it is voided"]`, 3},
			{store.AsPosted, `null`, 4},
		} {
			must(t, s.PutDrift(t.Context(), store.Drift{
				CompanyID: p.CompanyID, Token: p.Token, Word: look.word, Differences: json.RawMessage(look.differences),
				Posted: json.RawMessage(`{"status":"released"}`), Found: json.RawMessage(`null`),
			}))
			same(t, "the entries of the audit trail", drifts(), look.audited)
			got, err := s.DriftOf(t.Context(), p.CompanyID, p.Token)
			must(t, err)
			same(t, "the word", got.Word, look.word)
			same(t, "whose it is", got.ConnectionID+" "+got.Name, "c1 P1")
			if i == 2 && !got.Since.Equal(since) {
				t.Errorf("what was found again is found since %s, before %s", got.Since, since)
			}
			since = got.Since
		}
		all, err := s.Drifts(t.Context(), "c1")
		must(t, err)
		same(t, "how many are listed", len(all), 1)
		refused(t, "what became of a posting that there is not", s.PutDrift(t.Context(), store.Drift{CompanyID: "42", Token: "x", Word: "gone"}), "x")
	})
}

func TestFinalPostingsAreLookedAtForAWhileAndThoseThatDriftedLonger(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		p := posting()
		_, err := s.EnsureBooking(t.Context(), p)
		must(t, err)
		look := func(since time.Time) int {
			rows, err := s.BookingsToCheck(t.Context(), "c1", since)
			must(t, err)
			return len(rows)
		}
		same(t, "one that is not final", look(time.Time{}), 0)
		_, err = s.UpdateBooking(t.Context(), p.CompanyID, p.Token, func(p *store.Booking) error { p.State, p.BatchNumber = "verified", "000001"; return nil })
		must(t, err)
		later := time.Now().Add(time.Hour)
		same(t, "a recent one", look(time.Now().Add(-time.Hour)), 1)
		same(t, "an old one", look(later), 0)
		must(t, s.PutDrift(t.Context(), store.Drift{CompanyID: p.CompanyID, Token: p.Token, Word: "voided"}))
		same(t, "an old one that drifted", look(later), 1)
	})
}
