package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// UpdateBudget changes the state of a budget, one process at a time. change gets the database's clock, so
// that the clocks of machines need not agree, and the last written state, nil for a new budget; it may run
// several times and must not use the store.
func (s *Store) UpdateBudget(ctx context.Context, name string, change func(now time.Time, state json.RawMessage) (json.RawMessage, error)) error {
	return s.write(ctx, "update the budget "+name, func(q querier) error {
		read := "SELECT state, " + s.dialect.now + " FROM budgets WHERE name = $1" + s.dialect.forUpdate
		var state json.RawMessage
		var clock time.Time
		cells := []any{jsonText{"the budget", &state}, instant{&clock}}
		err := one(ctx, q, cells, read, name)
		if errors.Is(err, sql.ErrNoRows) {
			if _, err := exec(ctx, q, "INSERT INTO budgets (name, state, updated_at) VALUES ($1, '', 0) ON CONFLICT (name) DO NOTHING", name); err != nil {
				return err
			}
			err = one(ctx, q, cells, read, name)
		}
		if err != nil {
			return err
		}
		if state, err = change(clock, state); err != nil {
			return err
		}
		_, err = exec(ctx, q, "UPDATE budgets SET state = $2, updated_at = $3 WHERE name = $1", name, jsonText{"the budget", &state}, clock.UnixMicro())
		return err
	})
}
