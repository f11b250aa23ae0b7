package store

import (
	"context"
	"strings"
	"time"
)

// BriefPayout holds the fields needed to choose a payout from a list.
type BriefPayout struct {
	PaymentReference, Currency, State string
	Date                              time.Time
	Settlement                        int64 // minor units
}

func (p *BriefPayout) cells() []any {
	return []any{text{&p.PaymentReference}, text{&p.Currency}, text{&p.State}, instant{&p.Date}, &p.Settlement}
}

// PayoutsLike lists the newest payouts of a connection whose payment reference begins with begun, in one
// of the states, or in any when there are none; at most most of them.
func (s *Store) PayoutsLike(ctx context.Context, connection, begun string, states []string, most int) ([]BriefPayout, error) {
	query := `SELECT payment_reference, currency, state, payout_date, settlement FROM payouts
		WHERE connection_id = $1 AND payment_reference LIKE $2 ESCAPE '\'`
	args := []any{connection, strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(begun) + "%"}
	if len(states) > 0 {
		query += " AND state IN (" + places(len(args)+1, len(states)) + ")"
		for _, state := range states {
			args = append(args, state)
		}
	}
	query += " ORDER BY payout_date DESC, payment_reference LIMIT " + places(len(args)+1, 1)
	all, err := list(ctx, s.reads, (*BriefPayout).cells, query, append(args, int64(most))...)
	return all, s.fail("list the newest payouts of the connection "+connection, err)
}
