package store

import (
	"context"
	"encoding/json"
	"time"
)

// The ways in which the books have an opening.
const (
	OpeningBooked    = "booked"    // in a batch that was read back and compared
	OpeningInBooks   = "in_books"  // already, according to a person
	OpeningWithdrawn = "withdrawn" // the earlier record is withdrawn
)

// Opening is the record of a connection's opening figures in a currency.
type Opening struct {
	ConnectionID string
	Currency     string
	Seq          int64  // counts the records of a currency; set by PutOpening
	Start        string // the first day that is posted
	Way          string
	BatchNumber  string
	Figures      json.RawMessage
	Who, Reason  string
	At           time.Time // set by PutOpening
}

const openingColumns = "connection_id, currency, seq, start_date, way, batch_number, figures, who, reason, recorded_at"

func (o *Opening) cells() []any {
	return []any{
		text{&o.ConnectionID},
		text{&o.Currency},
		&o.Seq,
		text{&o.Start},
		text{&o.Way},
		text{&o.BatchNumber},
		jsonText{"the figures of the opening", &o.Figures},
		text{&o.Who},
		text{&o.Reason},
		instant{&o.At},
	}
}

// PutOpening records how the books have an opening, and audits it.
func (s *Store) PutOpening(ctx context.Context, o Opening) error {
	return s.write(ctx, "record the opening of the connection "+o.ConnectionID+" in "+o.Currency, func(q querier) error {
		var id string // the lock on the connection's row serialises records
		if err := one(ctx, q, []any{&id}, "SELECT id FROM connections WHERE id = $1"+s.dialect.forUpdate, o.ConnectionID); err != nil {
			return err
		}
		before, err := list(ctx, q, (*Opening).cells, "SELECT "+openingColumns+
			" FROM openings WHERE connection_id = $1 AND currency = $2 ORDER BY seq", o.ConnectionID, o.Currency)
		if err != nil {
			return err
		}
		o.Seq, o.At = int64(len(before))+1, now()
		if _, err := exec(ctx, q, insertInto("openings", openingColumns), o.cells()...); err != nil {
			return err
		}
		entry := AuditEntry{
			Who: o.Who, ConnectionID: o.ConnectionID, Subject: "opening/" + o.Currency, Action: "connection.opening_" + o.Way, After: o.summary(),
		}
		if len(before) > 0 {
			entry.Before = before[len(before)-1].summary()
		}
		return s.appendAudit(ctx, q, entry)
	})
}

// summary is the record as the audit trail shows it.
func (o *Opening) summary() json.RawMessage {
	return summary(struct {
		Way         string          `json:"way"`
		Start       string          `json:"start"`
		BatchNumber string          `json:"batch_number,omitempty"`
		Reason      string          `json:"reason"`
		Figures     json.RawMessage `json:"figures"`
	}{o.Way, o.Start, o.BatchNumber, o.Reason, o.Figures})
}

// Openings lists the openings in force of a connection, by currency, without withdrawn ones.
func (s *Store) Openings(ctx context.Context, connection string) ([]Opening, error) {
	all, err := list(ctx, s.reads, (*Opening).cells, "SELECT "+openingColumns+` FROM openings o
		WHERE connection_id = $1 AND way <> 'withdrawn' AND seq = (SELECT MAX(seq) FROM openings l WHERE l.connection_id = o.connection_id AND l.currency = o.currency)
		ORDER BY currency`, connection)
	return all, s.fail("list the openings of the connection "+connection, err)
}
