package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kvitt/internal/store"
)

func trail(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		must(t, s.Audit(t.Context(), store.AuditEntry{
			Who: "anna", ConnectionID: "c1", Subject: "connection", Action: fmt.Sprint("connection.changed ", i),
			Before: json.RawMessage(`{"n":1}`), After: json.RawMessage(`{"n" : 2}`),
		}))
	}
}

func TestAnAuditEntryCannotBeChangedOrDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		trail(t, s, 3)
		statements := []string{
			"UPDATE audit_log SET who = 'nobody' WHERE seq = 2",
			"DELETE FROM audit_log WHERE seq = 3",
			"DELETE FROM audit_log",
			"DELETE FROM audit_head",
		}
		if db.sqlite() {
			statements = append(statements, "INSERT OR REPLACE INTO audit_log SELECT seq, at, 'nobody', connection_id, subject, action, before_json, after_json, prev_hash, hash FROM audit_log WHERE seq = 2")
		} else {
			statements = append(statements, "TRUNCATE audit_log", "TRUNCATE audit_head")
		}
		for _, statement := range statements {
			refused(t, statement, db.behindItsBack(t, statement), "cannot be")
		}
		must(t, s.VerifyAudit(t.Context()))
	})
}

func TestTheAuditTrailIsReadNewestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		trail(t, s, 3)
		must(t, s.Audit(t.Context(), store.AuditEntry{At: at(1, 1), Who: "bo", ConnectionID: "c2", Action: "x"}))
		entries, err := s.AuditTrail(t.Context(), "c1", 2)
		must(t, err)
		if len(entries) != 2 || entries[0].Seq != 3 || entries[1].Seq != 2 || entries[0].PrevHash != entries[1].Hash ||
			string(entries[0].After) != `{"n" : 2}` {
			t.Errorf("the trail is %+v", entries)
		}
		all, err := s.AuditTrail(t.Context(), "", 0)
		must(t, err)
		same(t, "entries of all connections", len(all), 4)
		same(t, "the given time", all[0].At, at(1, 1))
		seq, hash, err := s.AuditHead(t.Context())
		must(t, err)
		same(t, "the end of the trail", fmt.Sprint(seq, hash), fmt.Sprint(4, all[0].Hash))
	})
}

func TestAnAuditEntryNeedsAWhoAndAnAction(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		if s.Audit(t.Context(), store.AuditEntry{Action: "x"}) == nil || s.Audit(t.Context(), store.AuditEntry{Who: "x"}) == nil {
			t.Error("an entry without who or action was accepted")
		}
		if s.Audit(t.Context(), store.AuditEntry{Who: "x", Action: "x", After: json.RawMessage("{")}) == nil {
			t.Error("an entry that is not JSON was accepted")
		}
		must(t, s.VerifyAudit(t.Context()))
	})
}

func TestTheChainHoldsWhenManyWriteAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		stores := []*store.Store{db.open(t), db.open(t)}
		together(t, 16, func(ctx context.Context, i int) error {
			for j := range 5 {
				err := stores[i%2].Audit(ctx, store.AuditEntry{Who: fmt.Sprint(i), Action: fmt.Sprint(j)})
				if err != nil {
					return err
				}
				if err := stores[i%2].VerifyAudit(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		seq, _, err := stores[0].AuditHead(t.Context())
		must(t, err)
		same(t, "the number of entries", seq, int64(80))
		must(t, stores[0].VerifyAudit(t.Context()))
	})
}

// Somebody who can drop the triggers can change the trail, but not unnoticed.
func TestVerifyFindsTheFirstBrokenLink(t *testing.T) {
	tampering := []struct {
		name      string
		statement string
		seq       int64
		words     string
	}{
		{"another person", "UPDATE audit_log SET who = 'nobody' WHERE seq = 3", 3, "was changed"},
		{"another time", "UPDATE audit_log SET at = at + 1 WHERE seq = 2", 2, "was changed"},
		{"another content", "UPDATE audit_log SET after_json = '{\"n\":3}' WHERE seq = 4", 4, "was changed"},
		{"a letter moved to the next field", "UPDATE audit_log SET who = 'ann', connection_id = 'ac1' WHERE seq = 3", 3, "was changed"},
		{"an entry gone", "DELETE FROM audit_log WHERE seq = 3", 3, "is missing"},
		{"the first entry gone", "DELETE FROM audit_log WHERE seq = 1", 1, "is missing"},
		{"the last entry gone", "DELETE FROM audit_log WHERE seq = 5", 5, "is missing"},
		{"everything gone", "DELETE FROM audit_log", 1, "is missing"},
		{"an entry more", "INSERT INTO audit_log VALUES (6, 1, 'x', '', '', 'x', '', '', 'x', 'x')", 6, "does not follow"},
		{"another hash", "UPDATE audit_log SET hash = 'x' WHERE seq = 5", 5, "was changed"},
		{"another end", "UPDATE audit_head SET hash = 'x'", 5, "is not the last one written"},
		{"an earlier end", "UPDATE audit_head SET seq = 4", 5, "was inserted"},
	}
	onBoth(t, func(t *testing.T, db database) {
		for _, c := range tampering {
			t.Run(c.name, func(t *testing.T) {
				onFreshCopy(t, db, func(t *testing.T, db database, s *store.Store) {
					trail(t, s, 5)
					must(t, s.VerifyAudit(t.Context()))
					dropGuards(t, db)
					must(t, db.behindItsBack(t, c.statement))
					var broken *store.BrokenChainError
					if err := s.VerifyAudit(t.Context()); !errors.As(err, &broken) {
						t.Fatalf("verifying: %v", err)
					}
					if broken.Seq != c.seq || !strings.Contains(broken.Problem, c.words) {
						t.Errorf("the broken link is %v, want entry %d %s", broken, c.seq, c.words)
					}
				})
			})
		}
	})
}

func onFreshCopy(t *testing.T, like database, f func(*testing.T, database, *store.Store)) {
	t.Helper()
	db := database{"sqlite:" + t.TempDir() + "/kvitt.db"}
	if !like.sqlite() {
		db = fresh(t)
	}
	s := db.open(t)
	must(t, s.Migrate(t.Context()))
	f(t, db, s)
}

func dropGuards(t *testing.T, db database) {
	t.Helper()
	for _, trigger := range []string{"audit_log_keeps_its_entries", "audit_log_is_never_deleted"} {
		statement := "DROP TRIGGER " + trigger
		if !db.sqlite() {
			statement += " ON audit_log"
		}
		must(t, db.behindItsBack(t, statement))
	}
}

func TestAuditedReportsWhetherSomethingWasDone(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.Audit(t.Context(), store.AuditEntry{Who: "kvitt", ConnectionID: "c1", Subject: "notice/n1/mail", Action: "notice.sent"}))
		for _, c := range []struct {
			connection, subject, action string
			want                        bool
		}{
			{"c1", "notice/n1/mail", "notice.sent", true},
			{"c2", "notice/n1/mail", "notice.sent", false},
			{"c1", "notice/n1/webhook", "notice.sent", false},
			{"c1", "notice/n1/mail", "notice.not_delivered", false},
		} {
			if got, err := s.Audited(t.Context(), c.connection, c.subject, c.action); err != nil || got != c.want {
				t.Errorf("%+v: %v, %v", c, got, err)
			}
		}
	})
}
