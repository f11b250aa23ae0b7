package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"kvitt/internal/store"
	"kvitt/workflows"
)

// KeepStop remembers why a reversal or an accrual waits.
func (l *Ledger) KeepStop(ctx context.Context, in workflows.Stopped) (workflows.Nothing, error) {
	if _, err := named(ctx, l.Store, &in.Held, in.Connection); err != nil {
		return workflows.Nothing{}, err
	}
	why, err := json.Marshal(in.Held)
	if err != nil {
		return workflows.Nothing{}, fmt.Errorf("remember why the %s %s is held: %w", in.Work, in.Name, err)
	}
	return workflows.Nothing{}, l.Store.PutStop(ctx, store.Stop{
		ConnectionID: in.Connection, Work: in.Work, Name: in.Name, Reason: string(in.Held.Code), Held: why,
	})
}

// over forgets why a reversal or an accrual waited: it has ended.
func over(ctx context.Context, s *store.Store, connection, work, name string) error {
	return s.ClearStop(ctx, store.Stop{ConnectionID: connection, Work: work, Name: name})
}
