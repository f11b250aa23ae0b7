package store_test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"kvitt/internal/store"
)

func TestABudgetIsChangedByOneAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		stores := []*store.Store{db.open(t), db.open(t)}
		const each = 10
		count := func(_ time.Time, state json.RawMessage) (json.RawMessage, error) {
			n := 0
			if len(state) > 0 {
				if err := json.Unmarshal(state, &n); err != nil {
					return nil, err
				}
			}
			return json.RawMessage(strconv.Itoa(n + 1)), nil
		}
		together(t, 6, func(ctx context.Context, i int) error {
			for range each {
				if err := stores[i%2].UpdateBudget(ctx, "klarna/test/K1", count); err != nil {
					return err
				}
			}
			return nil
		})
		must(t, stores[0].UpdateBudget(t.Context(), "klarna/test/K1", func(now time.Time, state json.RawMessage) (json.RawMessage, error) {
			same(t, "the changes of all processes", string(state), strconv.Itoa(6*each))
			if d := time.Since(now).Abs(); d > time.Minute {
				t.Errorf("the database's clock is %s away", d)
			}
			return state, nil
		}))
		must(t, stores[0].UpdateBudget(t.Context(), "another", func(_ time.Time, state json.RawMessage) (json.RawMessage, error) {
			same(t, "a new budget", len(state), 0)
			return state, nil
		}))
	})
}
