package store

import (
	"context"
	"encoding/json"
	"time"
)

// Preview records what a dry run would have posted for a payout, or the reason it would have held it. It has no
// consequences.
type Preview struct {
	RunID            string // of the SyncRun
	ConnectionID     string
	PaymentReference string
	State            string // compiled, or held
	HeldReason       string // code, never "" while held
	Held             json.RawMessage
	Rows             int64
	Voucher          json.RawMessage // there when compiled
	VoucherHash      string
	ProfileVersion   int // 0 when it was held before a profile was read
	At               time.Time

	// Of the payout as it is now; read only. Amounts are minor units.
	Date       time.Time
	Currency   string
	Settlement int64
}

const previewColumns = "run_id, connection_id, payment_reference, state, held_reason, held, row_count, voucher, " +
	"voucher_hash, profile_version, compiled_at"

func (p *Preview) cells() []any {
	return []any{
		text{&p.RunID},
		text{&p.ConnectionID},
		text{&p.PaymentReference},
		text{&p.State},
		text{&p.HeldReason},
		jsonText{"the reason it would be held", &p.Held},
		&p.Rows,
		jsonText{"the voucher", &p.Voucher},
		text{&p.VoucherHash},
		&p.ProfileVersion,
		instant{&p.At},
	}
}

// read returns cells and the joined columns.
func (p *Preview) read() []any {
	return append(p.cells(), instant{&p.Date}, text{&p.Currency}, &p.Settlement)
}

const selectPreviews = `SELECT p.run_id, p.connection_id, p.payment_reference, p.state, p.held_reason, p.held, p.row_count,
	p.voucher, p.voucher_hash, p.profile_version, p.compiled_at, payouts.payout_date, payouts.currency, payouts.settlement
	FROM previews p JOIN payouts ON payouts.connection_id = p.connection_id AND payouts.payment_reference = p.payment_reference`

// PutPreview saves a dry run's result for a payout, replacing an earlier one of the same run. Error:
// ErrNotFound when there is no such run or payout.
func (s *Store) PutPreview(ctx context.Context, p Preview) error {
	p.At = now()
	return s.write(ctx, "save the preview of "+payoutName(p.ConnectionID, p.PaymentReference), func(q querier) error {
		_, err := exec(ctx, q, insertInto("previews", previewColumns)+
			" ON CONFLICT (run_id, payment_reference) DO UPDATE SET "+excluded(previewColumns, 3), p.cells()...)
		return err
	})
}

// Preview reads a run's result for a payout; of the latest run that has one when run is "". Error:
// ErrNotFound.
func (s *Store) Preview(ctx context.Context, connection, reference, run string) (Preview, error) {
	var p Preview
	err := one(ctx, s.reads, p.read(), selectPreviews+`
		WHERE p.connection_id = $1 AND p.payment_reference = $2 AND (p.run_id = $3 OR $3 = '')
		ORDER BY p.compiled_at DESC, p.run_id DESC LIMIT 1`, connection, reference, run)
	return p, s.fail("read the preview of "+payoutName(connection, reference), err)
}

// Previews lists the results of a dry run, by payout date.
func (s *Store) Previews(ctx context.Context, run string) ([]Preview, error) {
	all, err := list(ctx, s.reads, (*Preview).read, selectPreviews+
		" WHERE p.run_id = $1 ORDER BY payouts.payout_date, p.payment_reference", run)
	return all, s.fail("list the previews of the run "+run, err)
}
