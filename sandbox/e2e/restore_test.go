package e2e_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/sandbox/stack"
)

// stopped stops every worker and lets go of the database.
func (w *world) stopped(t *testing.T) {
	t.Helper()
	for _, worker := range w.Workers() {
		worker.Stop()
	}
	w.temporal.Close()
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.temporal, w.store = nil, nil
}

// anew runs `starter setup` and a worker.
func (w *world) anew(t *testing.T) {
	t.Helper()
	until(t, waitFor, "everything is set up", func() string {
		if s := w.starter(t, "setup"); s.status != 0 {
			return s.err
		}
		return ""
	})
	if _, err := w.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.open(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestYesterdaysDatabaseAndAnEmptyOnePostNothingTwice(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
	payouts := days(t, "2026-07-01", 10)
	h := w.house(t, plan{payouts: payouts})
	report(t, w.done(t, h.backfill("2026-07-01", "2026-07-04")...)).came(t, counted{Found: 4, Posted: 4})

	database := filepath.Join(w.Dir, "kvitt.db")
	backup := filepath.Join(t.TempDir(), "yesterday.db")
	w.done(t, "backup", backup)
	w.starter(t, "backup", backup).refused(t, 1, "there is such a file already")
	report(t, w.done(t, h.backfill("2026-07-01", "2026-07-08")...)).came(t, counted{Found: 8, Posted: 4, Skipped: 4})
	h.once(t, payouts[:8]...)

	t.Run("yesterday's database", func(t *testing.T) {
		w.stopped(t)
		for _, companion := range []string{"-wal", "-shm"} {
			if err := os.Remove(database + companion); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if err := os.Rename(backup, database); err != nil {
			t.Fatal(err)
		}
		w.anew(t)
		s := w.done(t, h.backfill("2026-07-01", "2026-07-31")...)
		report(t, s).came(t, counted{Found: 10, Posted: 6, Adopted: 4, Skipped: 4})
		if !strings.Contains(s.err, "6 posted (4 adopted)") {
			t.Errorf("a person is not told what was found:\n%s", s.err)
		}
		h.once(t, payouts...)
		if got := h.show(t, payouts[7].PaymentReference); !got.Posting.Adopted {
			t.Errorf("what was posted after the backup is not told to be adopted: %+v", got.Posting)
		}
		if err := w.store.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})

	t.Run("a new installation with an empty database and a new keyset", func(t *testing.T) {
		w.stopped(t)
		w.emptied(t)
		w.anew(t)
		again := w.connectAnew(t, h)
		s := w.done(t, again.backfill("2026-07-01", "2026-07-31")...)
		report(t, s).came(t, counted{Found: 10, Posted: 10, Adopted: 10})
		again.once(t, payouts...)
		if !strings.Contains(s.err, "10 posted (10 adopted)") {
			t.Errorf("a person is not told what was found:\n%s", s.err)
		}
	})
}

// emptied leaves a world that is stopped without a database, and with a new
// keyset.
func (w *world) emptied(t *testing.T) {
	t.Helper()
	database, keyset := filepath.Join(w.Dir, "kvitt.db"), filepath.Join(w.Dir, "keyset.json")
	text := w.done(t, "keyset", "new").out
	for _, old := range []string{database, database + "-wal", database + "-shm", keyset} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(keyset, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// What the old keyset has sealed in Temporal cannot be read any more.
	w.Env = append(w.Env, w.namespace(t, "fresh"))
}

// connectAnew makes a connection of the same merchant and company.
func (w *world) connectAnew(t *testing.T, old *house) *house {
	t.Helper()
	again := w.createAnew(t, old)
	again.connect(t)
	return again
}

func (w *world) createAnew(t *testing.T, old *house) *house {
	t.Helper()
	again := *old
	again.id = decode[struct {
		ID string `json:"id"`
	}](t, w.done(t, "connection", "create", "--output", "json", "--name", "Hus", "--profile", "se-bas", "--posting", "auto")).ID
	return &again
}
