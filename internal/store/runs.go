package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// Outcomes of a sync run. A running one has none.
const (
	OutcomeFetched       = "fetched"         // payouts were found
	OutcomeNothingDue    = "nothing_due"     // none were found and none were due
	OutcomeDueButMissing = "due_but_missing" // the merchant's rhythm has a gap
	OutcomeFailed        = "failed"
	OutcomeCancelled     = "cancelled"
)

// SyncRun is one run of SettlementSyncWorkflow over a window of time.
type SyncRun struct {
	ID           string
	ConnectionID string
	Mode         string
	From, To     time.Time // half-open
	StartedAt    time.Time
	FinishedAt   *time.Time
	Outcome      string
	Result       json.RawMessage
}

const runColumns = "id, connection_id, mode, window_from, window_to, started_at, finished_at, outcome, result"

func (r *SyncRun) cells() []any {
	return []any{
		text{&r.ID},
		text{&r.ConnectionID},
		text{&r.Mode},
		instant{&r.From},
		instant{&r.To},
		instant{&r.StartedAt},
		maybe{&r.FinishedAt},
		text{&r.Outcome},
		jsonText{"the result", &r.Result},
	}
}

// PutSyncRun records a run, replacing its earlier record. Error: ErrNotFound when there is no such
// connection.
func (s *Store) PutSyncRun(ctx context.Context, r SyncRun) error {
	return s.write(ctx, "record the sync run "+r.ID, func(q querier) error {
		_, err := exec(ctx, q, insertInto("sync_runs", runColumns)+" ON CONFLICT (id) DO UPDATE SET "+excluded(runColumns, 1), r.cells()...)
		return err
	})
}

// SyncRun reads a run. Error: ErrNotFound.
func (s *Store) SyncRun(ctx context.Context, id string) (SyncRun, error) {
	var r SyncRun
	err := one(ctx, s.reads, r.cells(), "SELECT "+runColumns+" FROM sync_runs WHERE id = $1", id)
	return r, s.fail("read the sync run "+id, err)
}

// SyncRuns lists the newest runs of a connection, newest first; limit 0 means
// all.
func (s *Store) SyncRuns(ctx context.Context, connection string, limit int) ([]SyncRun, error) {
	return s.SyncRunsFrom(ctx, connection, "", 0, limit)
}

// SyncRunsFrom is SyncRuns with an offset, limited to one workflow if one is named.
func (s *Store) SyncRunsFrom(ctx context.Context, connection, workflow string, offset, limit int) ([]SyncRun, error) {
	if workflow != "" {
		workflow += "@"
	}
	all, err := list(ctx, s.reads, (*SyncRun).cells, "SELECT "+runColumns+` FROM sync_runs
		WHERE connection_id = $1 AND ($2 = '' OR SUBSTR(id, 1, LENGTH($2)) = $2) ORDER BY started_at DESC, id DESC LIMIT $3 OFFSET $4`,
		connection, workflow, limitOf(limit), int64(offset))
	return all, s.fail("list the sync runs of the connection "+connection, err)
}

// LastSuccessfulSync returns the finished sync of a connection whose window reaches furthest, among those
// that neither failed nor were cancelled; nil when there is none. Backfills and dry runs do not count:
// neither may hide that today's syncs fail, nor move the window of the next one.
func (s *Store) LastSuccessfulSync(ctx context.Context, connection string) (*SyncRun, error) {
	var r SyncRun
	err := one(ctx, s.reads, r.cells(), "SELECT "+runColumns+` FROM sync_runs
		WHERE connection_id = $1 AND finished_at IS NOT NULL AND outcome IN ($2, $3, $4) AND mode IN ('schedule', 'now')
		ORDER BY window_to DESC, started_at DESC LIMIT 1`,
		connection, OutcomeFetched, OutcomeNothingDue, OutcomeDueButMissing)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is the documented answer
	}
	if err != nil {
		return nil, s.fail("find the last successful sync of the connection "+connection, err)
	}
	return &r, nil
}
