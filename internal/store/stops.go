package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// The works that are not payouts and can be held.
const (
	WorkReversal = "reversal" // its name is the payment reference
	WorkAccrual  = "accrual"  // its name is the accrual's
)

// Stop says why a reversal or an accrual waits. There is one while it does.
type Stop struct {
	ConnectionID string
	Work         string
	Name         string
	Reason       string
	Held         json.RawMessage // code, detail and remedy
	Since        time.Time       // when it stopped for this reason; set by PutStop
}

const stopColumns = "connection_id, work, name, reason, held, since"

func (p *Stop) cells() []any {
	return []any{text{&p.ConnectionID}, text{&p.Work}, text{&p.Name}, text{&p.Reason}, jsonText{"why it is held", &p.Held}, instant{&p.Since}}
}

// subject returns what the audit trail says it is about: a reversal is of a payout.
func (p *Stop) subject() string {
	if p.Work == WorkReversal {
		return "payout/" + p.Name
	}
	return p.Work + "/" + p.Name
}

// action returns what the audit trail calls a change of it.
func (p *Stop) action(verb string) string {
	if p.Work == WorkReversal {
		return "payout.reversal_" + verb
	}
	return p.Work + "." + verb
}

func (p *Stop) title() string {
	return "the " + p.Work + " " + p.Name + " of the connection " + p.ConnectionID
}

// PutStop records why something waits; a new reason is audited.
func (s *Store) PutStop(ctx context.Context, p Stop) error {
	return s.write(ctx, "record why "+p.title()+" waits", func(q querier) error {
		before, err := stopOf(ctx, q, &p, s.dialect.forUpdate)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && before.Reason == p.Reason && string(before.Held) == string(p.Held) {
			return nil
		}
		if p.Since = before.Since; before.Reason != p.Reason {
			p.Since = now()
		}
		if _, err := exec(ctx, q, insertInto("stops", stopColumns)+" ON CONFLICT (connection_id, work, name) DO UPDATE SET "+excluded(stopColumns, 3), p.cells()...); err != nil {
			return err
		}
		return s.appendAudit(ctx, q, AuditEntry{
			Who: byItself, ConnectionID: p.ConnectionID, Subject: p.subject(), Action: p.action("held"), Before: before.Held, After: p.Held,
		})
	})
}

// ClearStop records that something does not wait any more.
func (s *Store) ClearStop(ctx context.Context, p Stop) error {
	return s.write(ctx, "record that "+p.title()+" goes on", func(q querier) error {
		before, err := stopOf(ctx, q, &p, s.dialect.forUpdate)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := exec(ctx, q, "DELETE FROM stops WHERE connection_id = $1 AND work = $2 AND name = $3", p.ConnectionID, p.Work, p.Name); err != nil {
			return err
		}
		return s.appendAudit(ctx, q, AuditEntry{
			Who: byItself, ConnectionID: p.ConnectionID, Subject: p.subject(), Action: p.action("went_on"), Before: before.Held,
		})
	})
}

func stopOf(ctx context.Context, q querier, p *Stop, lock string) (before Stop, err error) {
	err = one(ctx, q, before.cells(), "SELECT "+stopColumns+" FROM stops WHERE connection_id = $1 AND work = $2 AND name = $3"+lock, p.ConnectionID, p.Work, p.Name)
	return before, err
}

// Stops lists what of a work waits, by name; of every work when it is "".
func (s *Store) Stops(ctx context.Context, connection, work string) ([]Stop, error) {
	all, err := list(ctx, s.reads, (*Stop).cells, "SELECT "+stopColumns+` FROM stops
		WHERE connection_id = $1 AND (work = $2 OR $2 = '') ORDER BY work, name`, connection, work)
	return all, s.fail("list what waits of the connection "+connection, err)
}
