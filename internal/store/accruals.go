package store

import "context"

// Accruals are the postings of accruals: the same memory as that of payouts, in
// tables of its own because no payout is behind one. PaymentReference is the
// accrual's name, and Revision is 0.
type Accruals struct{ *Store }

// Accruals is the memory of accruals.
func (s *Store) Accruals() Accruals { return Accruals{s} }

func (a Accruals) ledger() ledger {
	return ledger{a.Store, "accruals", "accrual_attempts", "accrual"}
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

// List is the accruals of a connection's company, by name.
func (a Accruals) List(ctx context.Context, connection string) ([]Posting, error) {
	all, err := list(ctx, a.reads, (*Posting).cells, "SELECT "+postingColumns+` FROM accruals
		WHERE connection_id = $1 OR company_id = (SELECT company_id FROM connections WHERE id = $1 AND company_id <> '')
		ORDER BY payment_reference, token`, connection)
	return all, a.fail("list the accruals of the connection "+connection, err)
}
