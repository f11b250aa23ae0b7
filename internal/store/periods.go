package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// SeenBatch is a batch that was in Visma.net when a process last read a period, which each process does
// before it first posts there: one for each payment reference found in it, with Kvitt's token when it has
// one.
type SeenBatch struct {
	CompanyID   string
	Period      string // YYYYPP
	BatchNumber string
	Token       string // "" when it is not Kvitt's
	Reference   string // "" when it has none
	Description string
	Status      string
}

const seenColumns = "company_id, period, batch_number, token, reference, description, status"

func (b *SeenBatch) cells() []any {
	return []any{
		text{&b.CompanyID},
		text{&b.Period},
		text{&b.BatchNumber},
		text{&b.Token},
		text{&b.Reference},
		text{&b.Description},
		text{&b.Status},
	}
}

// RememberPeriod records the batches of a period, replacing an earlier record, and that the period has
// been read.
func (s *Store) RememberPeriod(ctx context.Context, company, period string, batches []SeenBatch) error {
	return s.write(ctx, fmt.Sprintf("remember the period %s of the company %s", period, company), func(q querier) error {
		_, err := exec(ctx, q, `INSERT INTO scanned_periods (company_id, period, batches, scanned_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (company_id, period) DO UPDATE SET batches = excluded.batches, scanned_at = excluded.scanned_at`,
			company, period, int64(len(batches)), now().UnixMicro())
		if err != nil {
			return err
		}
		if _, err := exec(ctx, q, "DELETE FROM seen_batches WHERE company_id = $1 AND period = $2", company, period); err != nil {
			return err
		}
		for chunk := range slices.Chunk(batches, 500) {
			if err := rememberBatches(ctx, q, company, period, chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

// rememberBatches inserts many rows with one statement.
func rememberBatches(ctx context.Context, q querier, company, period string, batches []SeenBatch) error {
	var rows []string
	var args []any
	for _, b := range batches {
		b.CompanyID, b.Period = company, period
		cells := b.cells()
		rows = append(rows, "("+places(len(args)+1, len(cells))+")")
		args = append(args, cells...)
	}
	_, err := exec(ctx, q, "INSERT INTO seen_batches ("+seenColumns+") VALUES "+strings.Join(rows, ", ")+" ON CONFLICT DO NOTHING", args...)
	return err
}

// SeenByToken lists the batches of a company that were seen with the token.
func (s *Store) SeenByToken(ctx context.Context, company, token string) ([]SeenBatch, error) {
	return s.seen(ctx, company, "token", token)
}

// SeenByReference lists the batches of a company that were seen with the
// payment reference.
func (s *Store) SeenByReference(ctx context.Context, company, reference string) ([]SeenBatch, error) {
	return s.seen(ctx, company, "reference", reference)
}

func (s *Store) seen(ctx context.Context, company, column, value string) ([]SeenBatch, error) {
	if value == "" {
		return nil, nil // batches without one have ""
	}
	all, err := list(ctx, s.reads, (*SeenBatch).cells, "SELECT "+seenColumns+" FROM seen_batches WHERE company_id = $1 AND "+column+
		" = $2 ORDER BY period, batch_number, token, reference", company, value)
	return all, s.fail(fmt.Sprintf("find batches of the company %s with the %s %s", company, column, value), err)
}
