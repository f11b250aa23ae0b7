package store

import (
	"context"
	"slices"
	"time"
)

// The data of reports. The register reads the payouts themselves; months and accounts are summed from
// tables that are kept up to date from the archive and the postings (register_write.go). Queries are
// constants, so that their plans can be checked, see ExplainRegister.

// RegisterFilter selects the payouts of a register: those of a connection with a payout date from From on
// and before To, in the given state if there is one.
type RegisterFilter struct {
	Connection string
	From, To   time.Time // zero: no limit
	State      string
	After      Cursor // only payouts after it
	Limit      int    // at most this many, 0: all
}

// Cursor is the position of a payout in the register.
type Cursor struct {
	Date             time.Time
	PaymentReference string
}

// registerQuery compares pairs, which both databases can look up in an index. A state has its own query,
// so that its index is used.
const registerQuery = "SELECT " + payoutColumns + ` FROM payouts
	WHERE connection_id = $1 AND (payout_date, payment_reference) > ($2, $3) AND payout_date < $4
	ORDER BY payout_date, payment_reference LIMIT $5`

const registerOfStateQuery = "SELECT " + payoutColumns + ` FROM payouts
	WHERE connection_id = $1 AND (payout_date, payment_reference) > ($2, $3) AND payout_date < $4 AND state = $6
	ORDER BY payout_date, payment_reference LIMIT $5`

// Register lists payouts by date, then by payment reference. BatchNumber is
// left empty; BookingsOf tells more.
func (s *Store) Register(ctx context.Context, f RegisterFilter) ([]Payout, error) {
	from, to := bounds(f.From, f.To)
	date, reference := from-1, "\U0010FFFF" // before the first payout in the range
	if f.After != (Cursor{}) {
		date, reference = f.After.Date.UnixMicro(), f.After.PaymentReference
	}
	query, args := registerQuery, []any{f.Connection, date, reference, to, limitOf(f.Limit)}
	if f.State != "" {
		query, args = registerOfStateQuery, append(args, f.State)
	}
	all, err := list(ctx, s.reads, (*Payout).cells, query, args...)
	return all, s.fail("list the register of the connection "+f.Connection, err)
}

func bounds(from, to time.Time) (low, high int64) {
	low, high = int64(-1)<<62, int64(1)<<62
	if !from.IsZero() {
		low = from.UnixMicro()
	}
	if !to.IsZero() {
		high = to.UnixMicro()
	}
	return low, high
}

// BookingsOf reads all postings of some payouts, by payout and revision,
// whichever connection of the same company made them.
func (s *Store) BookingsOf(ctx context.Context, connection string, references []string) (map[string][]Booking, error) {
	found := map[string][]Booking{}
	for chunk := range slices.Chunk(references, 500) {
		args := []any{connection}
		for _, r := range chunk {
			args = append(args, r)
		}
		all, err := list(ctx, s.reads, (*Booking).cells, "SELECT "+bookingColumns+` FROM bookings
			WHERE `+ofPayouts+` AND payment_reference IN (`+places(2, len(chunk))+`) AND (connection_id = $1
				OR company_id = (SELECT company_id FROM connections WHERE id = $1 AND company_id <> ''))
			ORDER BY payment_reference, revision`, args...)
		if err != nil {
			return nil, s.fail("read the postings of the connection "+connection, err)
		}
		for i := range all {
			found[all[i].PaymentReference] = append(found[all[i].PaymentReference], all[i])
		}
	}
	return found, nil
}

// PayoutTotal is the sum of the payouts of a currency and state, in minor units.
type PayoutTotal struct {
	Currency, State           string
	Payouts, Rows, Settlement int64
}

func (t *PayoutTotal) cells() []any {
	return []any{text{&t.Currency}, text{&t.State}, &t.Payouts, &t.Rows, &t.Settlement}
}

const registerTotalsQuery = `SELECT currency, state, COUNT(*), CAST(SUM(row_count) AS BIGINT), CAST(SUM(settlement) AS BIGINT)
	FROM payouts WHERE connection_id = $1 AND payout_date >= $2 AND payout_date < $3
	GROUP BY currency, state ORDER BY currency, state`

// RegisterTotals sums the payouts of a date range by currency and state.
func (s *Store) RegisterTotals(ctx context.Context, connection string, from, to time.Time) ([]PayoutTotal, error) {
	low, high := bounds(from, to)
	all, err := list(ctx, s.reads, (*PayoutTotal).cells, registerTotalsQuery, connection, low, high)
	return all, s.fail("sum the register of the connection "+connection, err)
}

// MonthSum is the sum of the rows of one type and VAT rate in a month, in minor units, as magnitudes (see
// settlement.Component).
type MonthSum struct {
	Month        string // 2026-01
	Currency     string
	Type         string
	DetailedType string
	VATRate      int64 // 2500 = 25.00 %
	Outside      bool  // listed by a GROSS payout, not deducted
	Rows         int64
	Amount       int64
	VAT          int64
}

func (m *MonthSum) cells() []any {
	return []any{
		text{&m.Month},
		text{&m.Currency},
		text{&m.Type},
		text{&m.DetailedType},
		&m.VATRate, &m.Outside,
		&m.Rows, &m.Amount, &m.VAT,
	}
}

const monthSumsQuery = `SELECT SUBSTR(day, 1, 7), currency, type, detailed_type, vat_rate, outside,
		CAST(SUM(row_count) AS BIGINT), CAST(SUM(amount) AS BIGINT), CAST(SUM(vat) AS BIGINT)
	FROM register_sums WHERE connection_id = $1 AND type IN ($2, $3, $4, $5, $6, $7, $8, $9) AND day >= $10 AND day <= $11
	GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6`

// RowTypes are up to eight types of rows; the rest are empty.
type RowTypes [8]string

// MonthSums sums the rows of some types in the days from and to, both
// included, by month.
func (s *Store) MonthSums(ctx context.Context, connection, from, to string, types RowTypes) ([]MonthSum, error) {
	all, err := list(ctx, s.reads, (*MonthSum).cells, monthSumsQuery, connection, types[0], types[1], types[2], types[3], types[4], types[5], types[6], types[7], from, to)
	return all, s.fail("sum the rows of the connection "+connection, err)
}

// MonthRead counts the payouts of a month whose rows have been read, with the difference between the fees
// and VAT in them and Klarna's totals.
type MonthRead struct {
	Month, Currency           string
	Payouts, Rows, Difference int64
}

func (m *MonthRead) cells() []any {
	return []any{text{&m.Month}, text{&m.Currency}, &m.Payouts, &m.Rows, &m.Difference}
}

const monthReadsQuery = `SELECT SUBSTR(day, 1, 7), currency, COUNT(*), CAST(SUM(row_count) AS BIGINT), CAST(SUM(difference) AS BIGINT)
	FROM register_read WHERE connection_id = $1 AND day >= $2 AND day <= $3 GROUP BY 1, 2 ORDER BY 1, 2`

// MonthReads returns the basis of the sums of MonthSums.
func (s *Store) MonthReads(ctx context.Context, connection, from, to string) ([]MonthRead, error) {
	all, err := list(ctx, s.reads, (*MonthRead).cells, monthReadsQuery, connection, from, to)
	return all, s.fail("count the payouts read for the connection "+connection, err)
}

// AccountMonth is the effect of Kvitt's vouchers on an account in a month, in minor units. Proven is the
// effect of the same lines according to the proofs: credit less debit, if all is well.
type AccountMonth struct {
	Month, Currency, Account string
	Vouchers                 int64
	Debit, Credit, Proven    int64
}

func (m *AccountMonth) cells() []any {
	return []any{text{&m.Month}, text{&m.Currency}, text{&m.Account}, &m.Vouchers, &m.Debit, &m.Credit, &m.Proven}
}

const accountMonthsQuery = `SELECT SUBSTR(day, 1, 7), currency, account, COUNT(*),
		CAST(SUM(debit) AS BIGINT), CAST(SUM(credit) AS BIGINT), CAST(SUM(proven) AS BIGINT)
	FROM register_lines WHERE connection_id = $1 AND about = $2 AND day >= $3 AND day <= $4
	GROUP BY 1, 2, 3 ORDER BY 2, 3, 1`

const accountOpeningQuery = `SELECT '', currency, account, COUNT(*),
		CAST(SUM(debit) AS BIGINT), CAST(SUM(credit) AS BIGINT), CAST(SUM(proven) AS BIGINT)
	FROM register_lines WHERE connection_id = $1 AND about = $2 AND day < $3
	GROUP BY 2, 3 ORDER BY 2, 3`

// AccountMonths returns the amounts on the accounts for one purpose (clearing, reserve, debt …): first the
// sum before the day from, with an empty Month, then by month until the day to, inclusive.
func (s *Store) AccountMonths(ctx context.Context, connection, about, from, to string) ([]AccountMonth, error) {
	attempted := "sum the " + about + " account of the connection " + connection
	opening, err := list(ctx, s.reads, (*AccountMonth).cells, accountOpeningQuery, connection, about, from)
	if err != nil {
		return nil, s.fail(attempted, err)
	}
	months, err := list(ctx, s.reads, (*AccountMonth).cells, accountMonthsQuery, connection, about, from, to)
	return append(opening, months...), s.fail(attempted, err)
}

// AccountSum is the effect of Kvitt's vouchers on an account until a day, in minor units.
type AccountSum struct {
	Currency, Account string
	Debit, Credit     int64
}

func (m *AccountSum) cells() []any {
	return []any{text{&m.Currency}, text{&m.Account}, &m.Debit, &m.Credit}
}

// AccountSums sums everything on the accounts for one purpose, whatever the purpose of a line itself, up
// to and including a day.
func (s *Store) AccountSums(ctx context.Context, connection, about, day string) ([]AccountSum, error) {
	all, err := list(ctx, s.reads, (*AccountSum).cells, `SELECT currency, account, CAST(SUM(debit) AS BIGINT), CAST(SUM(credit) AS BIGINT)
		FROM register_lines WHERE connection_id = $1 AND day <= $3 AND account IN (SELECT account FROM register_lines WHERE connection_id = $1 AND about = $2)
		GROUP BY currency, account ORDER BY currency, account`, connection, about, day)
	return all, s.fail("sum the accounts for "+about+" of the connection "+connection, err)
}

// Debt is the merchant's debt according to Klarna, in minor units: before the first known payout and after
// the last one before the given time.
type Debt struct {
	MerchantID, Currency string
	First, Last          int64
}

func (d *Debt) cells() []any {
	return []any{text{&d.MerchantID}, text{&d.Currency}, &d.First, &d.Last}
}

const debtsQuery = `WITH RECURSIVE pairs (merchant_id, currency) AS (
		SELECT * FROM (SELECT merchant_id, currency FROM payouts WHERE connection_id = $1 ORDER BY merchant_id, currency LIMIT 1) AS first
		UNION ALL
		SELECT (SELECT merchant_id FROM payouts WHERE connection_id = $1 AND (merchant_id, currency) > (pairs.merchant_id, pairs.currency) ORDER BY merchant_id, currency LIMIT 1),
			(SELECT currency FROM payouts WHERE connection_id = $1 AND (merchant_id, currency) > (pairs.merchant_id, pairs.currency) ORDER BY merchant_id, currency LIMIT 1)
		FROM pairs WHERE pairs.merchant_id IS NOT NULL)
	SELECT merchant_id, currency,
		(SELECT opening_debt FROM payouts WHERE connection_id = $1 AND payouts.merchant_id = pairs.merchant_id AND payouts.currency = pairs.currency
			ORDER BY payout_date, payment_reference LIMIT 1),
		COALESCE((SELECT closing_debt FROM payouts WHERE connection_id = $1 AND payouts.merchant_id = pairs.merchant_id AND payouts.currency = pairs.currency
			AND payout_date < $2 ORDER BY payout_date DESC, payment_reference DESC LIMIT 1),
			(SELECT opening_debt FROM payouts WHERE connection_id = $1 AND payouts.merchant_id = pairs.merchant_id AND payouts.currency = pairs.currency
			ORDER BY payout_date, payment_reference LIMIT 1))
	FROM pairs WHERE merchant_id IS NOT NULL ORDER BY merchant_id, currency`

// Debts returns Klarna's debt balances at a given time, by merchant and currency.
func (s *Store) Debts(ctx context.Context, connection string, before time.Time) ([]Debt, error) {
	_, high := bounds(time.Time{}, before)
	all, err := list(ctx, s.reads, (*Debt).cells, debtsQuery, connection, high)
	return all, s.fail("read the debt of the connection "+connection, err)
}

const waitingQuery = "SELECT " + payoutColumns + ` FROM payouts
	WHERE connection_id = $1 AND state IN ('held', 'awaiting_approval') ORDER BY payout_date, payment_reference`

// Waiting lists the payouts that are held or wait for approval, oldest first.
func (s *Store) Waiting(ctx context.Context, connection string) ([]Payout, error) {
	all, err := list(ctx, s.reads, (*Payout).cells, waitingQuery, connection)
	return all, s.fail("list the waiting payouts of the connection "+connection, err)
}

const postingsByQuery = "SELECT " + bookingColumns + ` FROM bookings
	WHERE ` + ofPayouts + ` AND (token = $2 OR batch_number = $3) AND (connection_id = $1 OR company_id = (SELECT company_id FROM connections WHERE id = $1 AND company_id <> ''))
	ORDER BY payment_reference, revision LIMIT 100`

// BookingsBy finds the postings of a connection's company by token or by number
// of batch.
func (s *Store) BookingsBy(ctx context.Context, connection, token, batch string) ([]Booking, error) {
	all, err := list(ctx, s.reads, (*Booking).cells, postingsByQuery, connection, token, batch)
	return all, s.fail("look for the batch "+batch+" of the connection "+connection, err)
}
