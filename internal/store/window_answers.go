package store

import (
	"context"
	"time"
)

// WindowAnswer is Klarna's answer, as received, to the question what it paid out in a date range.
type WindowAnswer struct {
	ConnectionID  string
	First, Last   string // days in the company's zone, inclusive
	AskedAt       time.Time
	Kind          string // summary, count.SEK, payouts.SEK
	Seq           int    // 0, 1, … within the kind
	SHA256        string // lower-case hex, of Body
	Body          []byte
	CorrelationID string
	Path          string
	FetchedAt     time.Time
}

const windowColumns = "connection_id, first_day, last_day, asked_at, kind, seq, sha256, size, body, correlation_id, path, fetched_at"

func (a *WindowAnswer) cells() []any {
	size := int64(len(a.Body))
	return []any{
		text{&a.ConnectionID},
		text{&a.First},
		text{&a.Last},
		instant{&a.AskedAt},
		text{&a.Kind},
		&a.Seq,
		text{&a.SHA256},
		&size,
		blob{&a.Body},
		text{&a.CorrelationID},
		text{&a.Path},
		instant{&a.FetchedAt},
	}
}

// AddWindowAnswers archives the answers of one query. Answers are only ever added.
func (s *Store) AddWindowAnswers(ctx context.Context, answers []WindowAnswer) error {
	if len(answers) == 0 {
		return nil
	}
	return s.write(ctx, "archive Klarna's answers for "+answers[0].First+" to "+answers[0].Last, func(q querier) error {
		for i := range answers {
			if _, err := exec(ctx, q, insertInto("window_answers", windowColumns), answers[i].cells()...); err != nil {
				return err
			}
		}
		return nil
	})
}

// WindowAnswers reads the answers of the last query about a date range; none when there was no query.
func (s *Store) WindowAnswers(ctx context.Context, connection, first, last string) ([]WindowAnswer, error) {
	all, err := list(ctx, s.reads, (*WindowAnswer).cells, "SELECT "+windowColumns+` FROM window_answers
		WHERE connection_id = $1 AND first_day = $2 AND last_day = $3 AND asked_at = (SELECT MAX(asked_at) FROM window_answers
			WHERE connection_id = $1 AND first_day = $2 AND last_day = $3) ORDER BY kind, seq`, connection, first, last)
	return all, s.fail("read Klarna's answers for "+first+" to "+last, err)
}
