package store

import "context"

// PayoutCount is the number of a connection's payouts in a state, for a reason.
type PayoutCount struct {
	ConnectionID string
	State        string
	HeldReason   string
	Payouts      int64
	Warned       int64 // those with warnings about Klarna's answers
}

func (c *PayoutCount) cells() []any {
	return []any{text{&c.ConnectionID}, text{&c.State}, text{&c.HeldReason}, &c.Payouts, &c.Warned}
}

// PayoutCounts counts the payouts of every connection by state and reason.
func (s *Store) PayoutCounts(ctx context.Context) ([]PayoutCount, error) {
	all, err := list(ctx, s.reads, (*PayoutCount).cells,
		"SELECT connection_id, state, held_reason, COUNT(*), COUNT(CASE WHEN warnings <> '' THEN 1 END) FROM payouts GROUP BY connection_id, state, held_reason ORDER BY connection_id, state, held_reason")
	return all, s.fail("count the payouts", err)
}
