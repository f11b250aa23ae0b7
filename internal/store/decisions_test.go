package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"kvitt/internal/store"
)

func accepted(reference string) store.Decision {
	return store.Decision{
		ConnectionID: "c1", Work: store.WorkPayout, Name: reference, Kind: store.DecidedAccept, Code: "rows_differ", Component: "fee",
		Difference: -7, Account: "6064", Evidence: json.RawMessage(`{"fits":true}`), Reason: "Klarna has confirmed it", Who: "anna",
	}
}

func TestADecisionIsRecordedUndoneOnceAndAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		connection(t, s, "c2")
		made, err := s.Decide(t.Context(), accepted("P1"))
		must(t, err)
		if made.Seq != 1 || made.At.IsZero() {
			t.Fatalf("it is recorded as %+v", made)
		}
		all, err := s.Decisions(t.Context(), "c1", store.WorkPayout, "P1")
		must(t, err)
		same(t, "the decision", all, []store.Decision{made})
		for _, other := range [][2]string{{"c2", "P1"}, {"c1", "P2"}} { // of another connection, of another payout
			all, err := s.Decisions(t.Context(), other[0], store.WorkPayout, other[1])
			must(t, err)
			if len(all) > 0 {
				t.Errorf("%v has %+v", other, all)
			}
		}

		undo := store.Decision{ConnectionID: "c1", Work: store.WorkPayout, Name: "P1", Kind: store.DecidedUndo, Undoes: 1, Reason: "wrong account", Who: "bo"}
		_, err = s.Decide(t.Context(), undo)
		must(t, err)
		_, err = s.Decide(t.Context(), undo)
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("undoing it twice: %v", err)
		}
		undo.Undoes = 2 // the undo itself
		if _, err = s.Decide(t.Context(), undo); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("undoing an undo: %v", err)
		}
		all, err = s.Decisions(t.Context(), "c1", store.WorkPayout, "P1")
		must(t, err)
		if len(all) != 1 || all[0].InForce() || all[0].Undone.Who != "bo" || all[0].Undone.Reason != "wrong account" {
			t.Errorf("undone it is %+v", all)
		}
		trail, err := s.AuditTrail(t.Context(), "c1", 2)
		must(t, err)
		for i, want := range []string{"payout.undo_decision", "payout.accept"} {
			if trail[i].Action != want || trail[i].Subject != "payout/P1" {
				t.Errorf("audited as %s of %s, want %s", trail[i].Action, trail[i].Subject, want)
			}
		}
	})
}

func TestDecisionsAreAppendOnlyAndHaveAReason(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		_, err := s.Decide(t.Context(), accepted("P1"))
		must(t, err)
		refused(t, "changing a decision", db.behindItsBack(t, "UPDATE decisions SET difference = 8"), "append-only")
		refused(t, "deleting a decision", db.behindItsBack(t, "DELETE FROM decisions"), "append-only")
		if db.sqlite() {
			refused(t, "replacing a decision", db.behindItsBack(t, "INSERT OR REPLACE INTO decisions SELECT * FROM decisions"), "append-only")
		} else {
			refused(t, "emptying the decisions", db.behindItsBack(t, "TRUNCATE decisions"), "append-only")
		}
		for _, wrong := range []func(*store.Decision){
			func(d *store.Decision) { d.Reason = "" },
			func(d *store.Decision) { d.Who = "" },
			func(d *store.Decision) { d.Kind = "guess" },
			func(d *store.Decision) { d.ConnectionID = "nobody" },
		} {
			d := accepted("P1")
			wrong(&d)
			if _, err := s.Decide(t.Context(), d); err == nil {
				t.Errorf("it was recorded: %+v", d)
			}
		}
	})
}

func TestConcurrentDecisionsAreNumberedOneByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		together(t, 8, func(ctx context.Context, _ int) error {
			_, err := s.Decide(ctx, accepted("P1"))
			return err
		})
		all, err := s.Decisions(t.Context(), "c1", store.WorkPayout, "P1")
		must(t, err)
		for i := range all {
			if all[i].Seq != i+1 {
				t.Errorf("number %d comes as number %d", all[i].Seq, i+1)
			}
		}
		if len(all) != 8 {
			t.Errorf("%d are recorded", len(all))
		}
	})
}

func TestABookingElsewhereIsFoundUntilItIsUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		d := accepted("P1")
		d.Kind, d.BatchNumber = store.DecidedElsewhere, "000077"
		_, err := s.Decide(t.Context(), d)
		must(t, err)
		found, err := s.BookedElsewhere(t.Context(), "c1")
		must(t, err)
		if found["P1"].BatchNumber != "000077" {
			t.Errorf("%+v", found)
		}
		_, err = s.Decide(t.Context(), store.Decision{ConnectionID: "c1", Work: store.WorkPayout, Name: "P1", Kind: store.DecidedUndo, Undoes: 1, Reason: "it is not", Who: "bo"})
		must(t, err)
		if found, err = s.BookedElsewhere(t.Context(), "c1"); err != nil || len(found) > 0 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
