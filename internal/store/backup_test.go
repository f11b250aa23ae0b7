package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kvitt/internal/store"
)

func TestABackupIsTheDatabaseAtOneMomentWhileOthersWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		path := filepath.Join(t.TempDir(), "backup.db")
		if !db.sqlite() {
			if err := s.Backup(t.Context(), path); !errors.Is(err, store.ErrNotAFile) {
				t.Errorf("got %v", err)
			}
			return
		}
		ctx, stop := context.WithCancel(t.Context())
		writing := make(chan error, 1)
		go func() {
			other := db.open(t)
			for ctx.Err() == nil {
				if err := other.Audit(ctx, store.AuditEntry{Who: "x", Action: "y"}); err != nil && ctx.Err() == nil {
					writing <- err
					return
				}
			}
			writing <- nil
		}()
		must(t, s.Backup(t.Context(), path))
		stop()
		must(t, <-writing)
		info, err := os.Stat(path)
		must(t, err)
		same(t, "the mode of the backup", info.Mode().Perm(), os.FileMode(0o600))
		refused(t, "overwriting a backup", s.Backup(t.Context(), path), "there is such a file already")

		copied := database{"sqlite:" + path}.open(t)
		must(t, copied.Ready(t.Context()))
		must(t, copied.VerifyAudit(t.Context()))
		p, err := copied.Payout(t.Context(), "c1", "P1")
		must(t, err)
		same(t, "the payout in the copy", p.Settlement, int64(85_900_00))
	})
}
