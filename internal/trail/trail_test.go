package trail_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"kvitt/internal/store"
	"kvitt/internal/trail"
	"kvitt/internal/vault"
)

func TestACutTailAndATrailWrittenAnewAreNoticed(t *testing.T) {
	for name, statements := range map[string][]string{
		"the end is cut off, and the head set back": {
			"DROP TRIGGER audit_log_is_never_deleted", "DELETE FROM audit_log WHERE seq > 1",
			"UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit_log WHERE seq = 1)",
		},
		"the last entry is another one": {
			"DROP TRIGGER audit_log_keeps_its_entries", "UPDATE audit_log SET who = 'x', hash = 'recomputed' WHERE seq = 3",
			"UPDATE audit_head SET hash = 'recomputed'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kvitt.db")
			s, err := store.Open(t.Context(), "sqlite:"+path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			keyset, err1 := vault.NewKeyset()
			keys, err2 := vault.Open(keyset)
			if err := errors.Join(s.Migrate(t.Context()), err1, err2); err != nil {
				t.Fatal(err)
			}
			marks := trail.Marks{Vault: vault.New(keys, s), Keeper: s}
			if err := marks.Set(t.Context()); err != nil { // nothing to mark
				t.Fatal(err)
			}
			for range 3 {
				if err := errors.Join(s.Audit(t.Context(), store.AuditEntry{Who: "anna", Subject: "x", Action: "x.done"}), marks.Set(t.Context()), marks.Set(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := marks.Check(t.Context()); n != 3 || err != nil {
				t.Fatalf("%d marks, %v", n, err)
			}
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, one := range statements {
				if _, err := db.Exec(one); err != nil {
					t.Fatal(err)
				}
			}
			var broken *trail.BrokenError
			if _, err := marks.Check(t.Context()); !errors.As(err, &broken) {
				t.Errorf("it is not noticed: %v", err)
			}
			if err := marks.Set(t.Context()); !errors.As(err, &broken) {
				t.Errorf("it is marked as it is: %v", err)
			}
			if _, err := db.Exec("DELETE FROM audit_marks"); err == nil {
				t.Error("marks can be deleted")
			}
		})
	}
}
