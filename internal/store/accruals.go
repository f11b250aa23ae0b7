package store

import (
	"context"
	"time"
)

// Accruals are the postings of accruals: the same memory as that of payouts, in
// tables of its own because no payout is behind one. PaymentReference is the
// accrual's name, and Revision is 0.
type Accruals struct{ *Store }

// Accruals is the memory of accruals.
func (s *Store) Accruals() Accruals { return Accruals{s} }

func (a Accruals) ledger() ledger {
	return ledger{a.Store, "accruals", "accrual_attempts", "accrual_drift", "accrual"}
}

// EnsurePosting is as that of Store.
func (a Accruals) EnsurePosting(ctx context.Context, p Posting) (Posting, error) {
	return a.ledger().ensure(ctx, p)
}

// UpdatePosting is as that of Store.
func (a Accruals) UpdatePosting(ctx context.Context, company, token string, change func(*Posting) error) (Posting, error) {
	return a.ledger().update(ctx, company, token, change)
}

// Posting is as that of Store.
func (a Accruals) Posting(ctx context.Context, company, token string) (Posting, error) {
	return a.ledger().read(ctx, company, token)
}

// AppendAttempt is as that of Store.
func (a Accruals) AppendAttempt(ctx context.Context, at Attempt) error {
	return a.ledger().attempt(ctx, at)
}

// Attempts is as that of Store.
func (a Accruals) Attempts(ctx context.Context, company, token string) ([]Attempt, error) {
	return a.ledger().tried(ctx, company, token)
}

// PutDrift is as that of Store, audited as about the accrual.
func (a Accruals) PutDrift(ctx context.Context, d Drift) error { return a.ledger().putDrift(ctx, d) }

// DriftOf is as that of Store.
func (a Accruals) DriftOf(ctx context.Context, company, token string) (*Drift, error) {
	return a.ledger().driftOf(ctx, company, token)
}

// Drifts is as that of Store.
func (a Accruals) Drifts(ctx context.Context, connection string) ([]Drift, error) {
	return a.ledger().drifts(ctx, connection)
}

// PostingsToCheck is as that of Store.
func (a Accruals) PostingsToCheck(ctx context.Context, connection string, since time.Time) ([]Posting, error) {
	return a.ledger().toCheck(ctx, connection, since)
}

// AccrualAttempts lists what was tried for an accrual, in order.
func (s *Store) AccrualAttempts(ctx context.Context, company, token string) ([]Attempt, error) {
	return s.Accruals().Attempts(ctx, company, token)
}

// AccrualList is the accruals of a connection's company, by name.
func (s *Store) AccrualList(ctx context.Context, connection string) ([]Posting, error) {
	return s.Accruals().List(ctx, connection)
}

// AccrualDrifts is what was last found of the accruals of a connection.
func (s *Store) AccrualDrifts(ctx context.Context, connection string) ([]Drift, error) {
	return s.Accruals().Drifts(ctx, connection)
}

// List is the accruals of a connection's company, by name.
func (a Accruals) List(ctx context.Context, connection string) ([]Posting, error) {
	all, err := list(ctx, a.reads, (*Posting).cells, "SELECT "+postingColumns+` FROM accruals
		WHERE connection_id = $1 OR company_id = (SELECT company_id FROM connections WHERE id = $1 AND company_id <> '')
		ORDER BY payment_reference, token`, connection)
	return all, a.fail("list the accruals of the connection "+connection, err)
}
