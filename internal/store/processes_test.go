package store_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"kvitt/internal/store"
)

// childURL makes the test binary a process that works on that database.
const (
	childURL    = "KVITT_STORE_TEST_CHILD"
	childRounds = 40
)

// child does the work of a worker and a starter on one database at the same time.
func child(url string) int {
	ctx := context.Background()
	s, err := store.Open(ctx, url)
	if err == nil {
		err = childWork(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func childWork(ctx context.Context, s *store.Store) error {
	for i := range childRounds {
		p := posting()
		p.Token = fmt.Sprint("token ", i)
		p.Revision = i
		if _, err := s.EnsureBooking(ctx, p); err != nil {
			return err
		}
		err := s.UpdatePayout(ctx, "c1", "P1", func(p *store.Payout) error { p.Rows++; return nil },
			&store.AuditEntry{Who: "child", Action: "payout.counted"})
		if err != nil {
			return err
		}
		if _, err := s.Payouts(ctx, store.PayoutFilter{Connection: "c1"}); err != nil {
			return err
		}
	}
	return nil
}

func TestProcessesShareOneDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		const processes = 3
		together(t, processes, func(ctx context.Context, _ int) error {
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), childURL+"="+db.url)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		})
		p, err := s.Payout(t.Context(), "c1", "P1")
		must(t, err)
		same(t, "the updates of all processes", p.Rows, int64(processes*childRounds))
		seq, _, err := s.AuditHead(t.Context())
		must(t, err)
		same(t, "the audit entries", seq, int64(processes*childRounds+childRounds))
		must(t, s.VerifyAudit(t.Context()))
	})
}
