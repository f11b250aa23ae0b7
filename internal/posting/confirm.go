package posting

import (
	"context"
	"slices"
	"time"

	"kvitt/internal/store"
	"kvitt/internal/visma"
)

// recent holds what was modified since a moment, whatever its period.
type recent struct {
	since time.Time
	seen  []store.SeenBatch
}

// confirm reads in a second way what is booked already: by what was modified since
// the month of the voucher began. A list may be half without saying so, or a batch
// moved to another period; and what an older or an empty database has forgotten is
// known from lists alone. It is read once for a process and company, and again only
// for an earlier month: a backfill begins with its oldest.
func (p *Poster) confirm(ctx context.Context, in Intent) error {
	day := in.Voucher.Date
	since := time.Date(day.Year, time.Month(day.Month), 1, 0, 0, 0, 0, time.UTC).Add(-clocks)
	if p.Scans.reaches(in.Company, since) {
		return nil
	}
	return p.Scans.first(ctx, in.Company+" since "+since.Format(time.DateOnly), func() error {
		modified := visma.JournalTransactionsQuery{ModifiedSince: since, Module: "GL"}
		batches, err := p.Books.JournalTransactions(ctx, modified)
		if err == nil && len(batches) == 0 { // read again once lists answer, as that of a period is
			if err = p.listsAnswer(ctx, in.Company); err == nil {
				batches, err = p.Books.JournalTransactions(ctx, modified)
			}
		}
		if err != nil {
			return err
		}
		read := recent{since: since}
		for i := range batches {
			read.seen = append(read.seen, sightings(in.Company, periodOf(&batches[i]), batches[i])...)
		}
		p.Scans.keep(in.Company, read)
		return nil
	})
}

// reaches tells whether what was modified since then has been read.
func (s *Scans) reaches(company string, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.modified[company]
	return ok && !have.since.After(since)
}

func (s *Scans) keep(company string, read recent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.modified[company]; ok && have.since.Before(read.since) {
		return
	}
	if s.modified == nil {
		s.modified = map[string]recent{}
	}
	s.modified[company] = read
}

// carries lists the batches with a token, from either list.
func (p *Poster) carries(ctx context.Context, company, token string) ([]store.SeenBatch, error) {
	seen, err := p.Memory.SeenByToken(ctx, company, token)
	return p.Scans.more(company, seen, func(b *store.SeenBatch) bool { return b.Token == token }), err
}

// refers lists the batches that carry the intent's payment reference, from either
// list; from the second, those of the intent's own periods.
func (p *Poster) refers(ctx context.Context, in Intent) ([]store.SeenBatch, error) {
	reference := in.Voucher.Lines[0].Reference
	seen, err := p.Memory.SeenByReference(ctx, in.Company, reference)
	return p.Scans.more(in.Company, seen, func(b *store.SeenBatch) bool {
		return b.Reference == reference && slices.Contains(in.Periods, b.Period)
	}), err
}

// more adds what only the second list shows.
func (s *Scans) more(company string, seen []store.SeenBatch, like func(*store.SeenBatch) bool) []store.SeenBatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	read := s.modified[company].seen
	for i := range read {
		same := func(b store.SeenBatch) bool {
			return b.BatchNumber == read[i].BatchNumber && b.Token == read[i].Token && b.Reference == read[i].Reference
		}
		if like(&read[i]) && !slices.ContainsFunc(seen, same) {
			seen = append(seen, read[i])
		}
	}
	return seen
}
