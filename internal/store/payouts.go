package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Payout is a Klarna payout with its state on the way into the books. Amounts are minor units of Currency.
type Payout struct {
	ConnectionID     string
	PaymentReference string
	MerchantID       string
	Date             time.Time // UTC, when Klarna initiated the payout; zero when it cannot be read
	Currency         string
	SettlementType   string
	Settlement       int64 // the amount paid to the bank
	OpeningDebt      int64
	ClosingDebt      int64
	Payout           json.RawMessage // settlement.Payout
	State            string          // discovered, proven, …; discovered when new
	HeldReason       string          // code, never "" while held
	Held             json.RawMessage // evidence and remedy
	Rows             int64
	Proof            json.RawMessage
	Voucher          json.RawMessage
	VoucherHash      string
	ProfileVersion   int
	DiscoveredAt     time.Time
	Revision         int // of the current posting; even, see voucher.IsReversal
	UpdatedAt        time.Time
	Warnings         json.RawMessage // klarna.Warnings: oddities accepted in Klarna's answers

	BatchNumber string // of the current posting, or of its reversal once it is reversed; read only
}

const payoutColumns = "connection_id, payment_reference, merchant_id, payout_date, currency, settlement_type, " +
	"settlement, opening_debt, closing_debt, payout, state, held_reason, held, row_count, proof, voucher, " +
	"voucher_hash, profile_version, discovered_at, updated_at, revision, warnings"

func (p *Payout) cells() []any {
	return []any{
		text{&p.ConnectionID},
		text{&p.PaymentReference},
		text{&p.MerchantID},
		instant{&p.Date},
		text{&p.Currency},
		text{&p.SettlementType},
		&p.Settlement, &p.OpeningDebt, &p.ClosingDebt,
		jsonText{"the payout", &p.Payout},
		text{&p.State},
		text{&p.HeldReason},
		jsonText{"the reason it is held", &p.Held},
		&p.Rows,
		jsonText{"the proof", &p.Proof},
		jsonText{"the voucher", &p.Voucher},
		text{&p.VoucherHash},
		&p.ProfileVersion,
		instant{&p.DiscoveredAt},
		instant{&p.UpdatedAt},
		&p.Revision,
		jsonText{"the warnings", &p.Warnings},
	}
}

// read returns cells and the joined columns.
func (p *Payout) read() []any { return append(p.cells(), text{&p.BatchNumber}) }

// A posting belongs to a company. What an earlier connection of the same
// merchant and company posted is this connection's posting too.
const selectPayouts = "SELECT " + payoutColumns + `, COALESCE((SELECT batch_number FROM bookings
	WHERE bookings.payment_reference = payouts.payment_reference AND ` + ofPayouts + ` AND (bookings.connection_id = payouts.connection_id
		OR bookings.company_id = (SELECT company_id FROM connections WHERE id = payouts.connection_id))
		AND bookings.revision = payouts.revision + CASE payouts.state WHEN 'reversed' THEN 1 ELSE 0 END
	LIMIT 1), '') FROM payouts`

// UpsertPayouts records the payouts that Klarna lists for a connection: new ones as discovered; for known
// ones it only refreshes the figures, unless they are final (verified, rejected, reversed). It returns the
// state of each by payment reference. Error: ErrNotFound when there is no such connection.
func (s *Store) UpsertPayouts(ctx context.Context, connection string, payouts []Payout) (states map[string]string, err error) {
	// In a fixed order, so that two runs never deadlock.
	payouts = slices.Clone(payouts)
	slices.SortFunc(payouts, func(a, b Payout) int { return strings.Compare(a.PaymentReference, b.PaymentReference) })
	err = s.write(ctx, "record the payouts of the connection "+connection, func(q querier) error {
		states = make(map[string]string, len(payouts))
		for i := range payouts {
			if err := upsertPayout(ctx, q, connection, payouts[i]); err != nil {
				return err
			}
		}
		for chunk := range slices.Chunk(payouts, 500) {
			if err := statesOf(ctx, q, connection, chunk, states); err != nil {
				return err
			}
		}
		return nil
	})
	return states, err
}

const refreshed = "merchant_id, payout_date, currency, settlement_type, settlement, opening_debt, closing_debt, payout"

func upsertPayout(ctx context.Context, q querier, connection string, p Payout) error {
	fresh := Payout{
		ConnectionID: connection, PaymentReference: p.PaymentReference, MerchantID: p.MerchantID, Date: p.Date,
		Currency: p.Currency, SettlementType: p.SettlementType, Settlement: p.Settlement,
		OpeningDebt: p.OpeningDebt, ClosingDebt: p.ClosingDebt, Payout: p.Payout,
		State: "discovered", DiscoveredAt: now(), UpdatedAt: now(),
	}
	changed := eachColumn(refreshed, 0, func(_ int, name string) string {
		return "payouts." + name + " <> excluded." + name
	})
	_, err := exec(ctx, q, insertInto("payouts", payoutColumns)+
		" ON CONFLICT (connection_id, payment_reference) DO UPDATE SET "+excluded(refreshed+", updated_at", 0)+
		" WHERE payouts.state NOT IN ('verified', 'rejected', 'reversed') AND ("+strings.ReplaceAll(changed, ", ", " OR ")+")",
		fresh.cells()...)
	return err
}

func statesOf(ctx context.Context, q querier, connection string, payouts []Payout, into map[string]string) error {
	args := []any{connection}
	for i := range payouts {
		args = append(args, payouts[i].PaymentReference)
	}
	type pair struct{ reference, state string }
	pairs, err := list(ctx, q, func(p *pair) []any { return []any{text{&p.reference}, text{&p.state}} },
		"SELECT payment_reference, state FROM payouts WHERE connection_id = $1 AND payment_reference IN ("+places(2, len(payouts))+")", args...)
	for _, p := range pairs {
		into[p.reference] = p.state
	}
	return err
}

// Payout reads a payout. Error: ErrNotFound.
func (s *Store) Payout(ctx context.Context, connection, reference string) (Payout, error) {
	var p Payout
	err := one(ctx, s.reads, p.read(), selectPayouts+" WHERE connection_id = $1 AND payment_reference = $2", connection, reference)
	return p, s.fail("read "+payoutName(connection, reference), err)
}

// PayoutFilter selects payouts; zero fields do not restrict.
type PayoutFilter struct {
	Connection string
	State      string
	From, To   time.Time // payout date from From on and before To
	Version    int       // compiled with this version of the posting profile
	Limit      int
	Offset     int  // number of payouts to skip
	Newest     bool // newest first
}

// undated is the stored date of a payout without a date.
var undated = time.Time{}.UnixMicro()

// Payouts lists payouts by date, then by payment reference. A payout without a date is in every date
// range.
func (s *Store) Payouts(ctx context.Context, f PayoutFilter) ([]Payout, error) {
	from, to := int64(-1)<<62, int64(1)<<62
	if !f.From.IsZero() {
		from = f.From.UnixMicro()
	}
	if !f.To.IsZero() {
		to = f.To.UnixMicro()
	}
	way := ""
	if f.Newest {
		way = " DESC"
	}
	all, err := list(ctx, s.reads, (*Payout).read, selectPayouts+`
		WHERE (connection_id = $1 OR $1 = '') AND (state = $2 OR $2 = '') AND (payout_date >= $3 AND payout_date < $4 OR payout_date = $7)
		AND (profile_version = $5 OR $5 = 0)
		ORDER BY payout_date`+way+`, payment_reference`+way+`, connection_id LIMIT $6 OFFSET $8`,
		f.Connection, f.State, from, to, int64(f.Version), limitOf(f.Limit), undated, int64(f.Offset))
	return all, s.fail("list the payouts of the connection "+f.Connection, err)
}

// UpdatePayout reads a payout, calls change, and writes the payout and the audit entry in one transaction,
// during which nobody else changes that payout. change may run several times and must not use the store;
// its error undoes everything and is returned unchanged. The identity of the payout, DiscoveredAt and
// BatchNumber cannot be changed.
//
// entry may leave out ConnectionID, Subject, Before and After; they are filled in. Without an entry a
// change of state is recorded as done by kvitt. Error: ErrNotFound.
func (s *Store) UpdatePayout(ctx context.Context, connection, reference string, change func(*Payout) error, entry *AuditEntry) error {
	attempted := "update " + payoutName(connection, reference)
	return s.write(ctx, attempted, func(q querier) error {
		var before Payout
		err := one(ctx, q, before.read(),
			selectPayouts+" WHERE connection_id = $1 AND payment_reference = $2"+s.dialect.forUpdate, connection, reference)
		if err != nil {
			return err
		}
		after := before
		if err := change(&after); err != nil {
			return callerError{err}
		}
		after.ConnectionID, after.PaymentReference = before.ConnectionID, before.PaymentReference
		after.DiscoveredAt, after.UpdatedAt = before.DiscoveredAt, now()
		_, err = exec(ctx, q, "UPDATE payouts SET "+assignments(payoutColumns, 2)+
			" WHERE connection_id = $1 AND payment_reference = $2", after.cells()...)
		if err != nil {
			return err
		}
		if e := payoutEntry(entry, &before, &after); e != nil {
			return s.appendAudit(ctx, q, *e)
		}
		return nil
	})
}

// payoutEntry returns the audit entry of a change, nil when there is nothing to record.
func payoutEntry(entry *AuditEntry, before, after *Payout) *AuditEntry {
	var e AuditEntry
	switch {
	case entry != nil:
		e = *entry
	case before.State == after.State && before.HeldReason == after.HeldReason:
		return nil
	default:
		e = AuditEntry{Who: byItself, Action: "payout." + after.State}
	}
	if e.ConnectionID == "" {
		e.ConnectionID = after.ConnectionID
	}
	if e.Subject == "" {
		e.Subject = "payout/" + after.PaymentReference
	}
	if e.Before == nil && e.After == nil {
		e.Before, e.After = before.summary(), after.summary()
	}
	return &e
}

// summary is the payout in the audit trail.
func (p *Payout) summary() json.RawMessage {
	return summary(struct {
		State          string `json:"state"`
		HeldReason     string `json:"held_reason,omitempty"`
		VoucherHash    string `json:"voucher_hash,omitempty"`
		ProfileVersion int    `json:"profile_version,omitempty"`
	}{p.State, p.HeldReason, p.VoucherHash, p.ProfileVersion})
}

// PreviousPayout returns the payout of the same merchant and currency just before the given one, by date
// and then by payment reference; nil when there is none.
func (s *Store) PreviousPayout(ctx context.Context, connection, merchantID, currency string, before time.Time, reference string) (*Payout, error) {
	var p Payout
	err := one(ctx, s.reads, p.read(), selectPayouts+`
		WHERE connection_id = $1 AND merchant_id = $2 AND currency = $3
		AND (payout_date < $4 OR payout_date = $4 AND payment_reference < $5)
		ORDER BY payout_date DESC, payment_reference DESC LIMIT 1`,
		connection, merchantID, currency, before.UnixMicro(), reference)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is the documented answer
	}
	if err != nil {
		return nil, s.fail("find the payout before "+payoutName(connection, reference), err)
	}
	return &p, nil
}

// NextPayout is PreviousPayout in the other direction.
func (s *Store) NextPayout(ctx context.Context, connection, merchantID, currency string, after time.Time, reference string) (*Payout, error) {
	var p Payout
	err := one(ctx, s.reads, p.read(), selectPayouts+`
		WHERE connection_id = $1 AND merchant_id = $2 AND currency = $3
		AND (payout_date > $4 OR payout_date = $4 AND payment_reference > $5)
		ORDER BY payout_date, payment_reference LIMIT 1`,
		connection, merchantID, currency, after.UnixMicro(), reference)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is the documented answer
	}
	if err != nil {
		return nil, s.fail("find the payout after "+payoutName(connection, reference), err)
	}
	return &p, nil
}

func payoutName(connection, reference string) string {
	return fmt.Sprintf("the payout %s of the connection %s", reference, connection)
}

// ProvenPayouts lists the payouts with a stored proof, latest first.
func (s *Store) ProvenPayouts(ctx context.Context, connection string, limit int) ([]Payout, error) {
	all, err := list(ctx, s.reads, (*Payout).read, selectPayouts+`
		WHERE connection_id = $1 AND proof <> '' ORDER BY payout_date DESC, payment_reference DESC LIMIT $2`, connection, limitOf(limit))
	return all, s.fail("list the proven payouts of the connection "+connection, err)
}
