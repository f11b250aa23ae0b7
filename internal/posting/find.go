package posting

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// look searches every page of the period for the token. A batch that is found
// is adopted; one that stays away long enough may be sent again. A batch that a
// person named is adopted as it is named.
func (p *Poster) look(ctx context.Context, in Intent, row store.Booking) (Outcome, error) {
	if in.Taken != nil {
		return p.adopt(ctx, in, row, in.Taken.Batch)
	}
	batches, err := p.period(ctx, row.Period)
	if err != nil {
		return Outcome{}, err
	}
	var found []string
	for _, b := range batches {
		if token, ok := voucher.FindToken(b.Description); ok && token == row.Token {
			found = append(found, b.BatchNumber)
		}
	}
	switch len(found) {
	case 0:
		return p.absent(ctx, in, row, len(batches))
	case 1:
		return p.adopt(ctx, in, row, found[0])
	}
	return Outcome{Stop: repeated(row.Name, found)}, nil
}

// absent decides between looking again, sending again and giving up. Background
// jobs can be late, so one look that finds nothing is never enough. Listed is how
// many batches the look saw.
func (p *Poster) absent(ctx context.Context, in Intent, row store.Booking, listed int) (Outcome, error) {
	now := p.Now()
	if row.AbsentSince == nil {
		if _, err := p.update(ctx, row, func(r *store.Booking) { r.AbsentSince = &now }); err != nil {
			return Outcome{}, err
		}
		return Outcome{LookAgain: p.lookAfter(p.Absent)}, nil
	}
	if left := p.Absent - now.Sub(*row.AbsentSince); left > 0 {
		return Outcome{LookAgain: p.lookAfter(left)}, nil
	}
	found, err := p.elsewhere(ctx, in, row, listed)
	switch {
	case err != nil:
		return Outcome{}, err
	case len(found) > 1:
		return Outcome{Stop: repeated(row.Name, found)}, nil
	case len(found) == 1:
		return p.adopt(ctx, in, row, found[0])
	}
	if t := troubleOf(row); t.enough() && !in.Again {
		return p.giveUp(row, t), nil
	}
	return p.send(ctx, in, row)
}

// lookAfter looks several times while a batch is missing, and once just after
// the time is up.
func (p *Poster) lookAfter(left time.Duration) time.Duration {
	return max(min(left, p.Absent/5), 10*time.Millisecond)
}

// Scans remembers which periods this process has read. It is kept in memory on
// purpose: a database that was restored from a backup would remember a reading
// from before what was posted since, and a new process must not believe it. For
// the same reason no other process is waited for: each reads for itself.
type Scans struct {
	mu   sync.Mutex
	done map[string]bool
	busy map[string]chan struct{} // closed when a reading has ended
	// modified is what the second list said, by company; see confirm.
	modified map[string]recent

	// Wait returns when done is closed, or with the context's error; nil waits on
	// the channel. A simulation, in which nothing may block, waits its own way.
	Wait func(ctx context.Context, done <-chan struct{}) error
}

func (s *Scans) wait(ctx context.Context, done <-chan struct{}) error {
	if s.Wait != nil {
		return s.Wait(ctx, done)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// first calls do unless this process has read the period. Who comes while it
// is being read waits; a reading that failed is tried again by the next.
func (s *Scans) first(ctx context.Context, period string, do func() error) error {
	for {
		s.mu.Lock()
		if s.done[period] {
			s.mu.Unlock()
			return nil
		}
		others := s.busy[period]
		if others == nil {
			break
		}
		s.mu.Unlock()
		if err := s.wait(ctx, others); err != nil {
			return fmt.Errorf("wait until period %s is read: %w", period, err)
		}
	}
	if s.done == nil {
		s.done, s.busy = map[string]bool{}, map[string]chan struct{}{}
	}
	ours := make(chan struct{})
	s.busy[period] = ours
	s.mu.Unlock()

	read := false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done[period] = read
		delete(s.busy, period)
		close(ours)
	}()
	err := do()
	read = err == nil
	return err
}

// familiarise reads the batches of a period once, before this process posts
// into it for the first time, and remembers every token and reference that it
// finds: so a new, a restored and a re-created connection find what was booked
// before.
func (p *Poster) familiarise(ctx context.Context, company, period string) error {
	return p.Scans.first(ctx, company+"/"+period, func() error {
		batches, err := p.period(ctx, period)
		if err != nil {
			return err
		}
		if len(batches) == 0 { // from before lists answered: it is read again once they do
			if err := p.listsAnswer(ctx, company); err != nil {
				return err
			}
			if batches, err = p.period(ctx, period); err != nil {
				return err
			}
		}
		var seen []store.SeenBatch
		for _, b := range batches {
			seen = append(seen, sightings(company, period, b)...)
		}
		return p.Memory.RememberPeriod(ctx, company, period, seen)
	})
}

// Stands tells whether a batch in a period carries a token: one that an earlier
// installation booked before the period was closed is adopted where it stands.
func (p *Poster) Stands(ctx context.Context, company, period, token string) (bool, error) {
	if err := p.familiarise(ctx, company, period); err != nil {
		return false, err
	}
	seen, err := p.Memory.SeenByToken(ctx, company, token)
	return slices.ContainsFunc(seen, func(b store.SeenBatch) bool { return b.Period == period }), err
}

// period lists the general ledger batches of a period, every page.
func (p *Poster) period(ctx context.Context, period string) ([]visma.JournalTransaction, error) {
	return p.Books.JournalTransactions(ctx, visma.JournalTransactionsQuery{PeriodID: period, Module: "GL"})
}

// sightings are what is worth remembering of a batch: one for each distinct
// reference on its lines.
func sightings(company, period string, b visma.JournalTransaction) []store.SeenBatch {
	token, _ := voucher.FindToken(b.Description)
	refs := []string{}
	for _, line := range b.Lines {
		if line.ReferenceNumber != "" && !slices.Contains(refs, line.ReferenceNumber) {
			refs = append(refs, line.ReferenceNumber)
		}
	}
	if len(refs) == 0 {
		refs = []string{""}
	}
	var out []store.SeenBatch
	for _, ref := range refs {
		if token == "" && ref == "" {
			continue
		}
		out = append(out, store.SeenBatch{
			CompanyID: company, Period: period, BatchNumber: b.BatchNumber,
			Token: token, Reference: ref, Description: b.Description, Status: string(b.Status),
		})
	}
	return out
}

// known tells whether a batch that this database did not make already books
// the payout: one of ours is to be adopted, one of somebody else's stops it.
func (p *Poster) known(ctx context.Context, in Intent) (number string, halt *Stop, err error) {
	ours, err := p.carries(ctx, in.Company, in.Voucher.Token)
	if err != nil {
		return "", nil, err
	}
	if in.Voucher.AutoReversing {
		// What Visma.net takes it back with carries the same description, in the
		// period after.
		ours = slices.DeleteFunc(ours, func(seen store.SeenBatch) bool { return seen.Period != in.period() })
	}
	if len(ours) > 0 {
		if halt, err := p.reversed(ctx, in); err != nil || halt != nil {
			return "", halt, err
		}
		return p.oneOf(ctx, in, ours)
	}
	others, err := p.refers(ctx, in)
	if err != nil {
		return "", nil, err
	}
	for _, seen := range others {
		if slices.Contains(in.Earlier, seen.Token) || slices.Contains(in.Unrelated, seen.BatchNumber) {
			continue // what it was before it was reversed, the reversal, and what a person said is something else
		}
		mine, err := p.mine(ctx, in.Company, seen.Token)
		if err != nil {
			return "", nil, err
		}
		if mine {
			continue // another revision of this payout, such as a reversal
		}
		still, err := p.still(ctx, seen.BatchNumber, func(b *visma.JournalTransaction) bool {
			return slices.ContainsFunc(b.Lines, func(l visma.JournalTransactionLine) bool { return l.ReferenceNumber == seen.Reference })
		})
		if err != nil {
			return "", nil, err
		}
		if still {
			return "", held.Becausef(held.BookedElsewhere,
				"batch %s in period %s (%q) carries payment reference %s and was not made by this connection",
				seen.BatchNumber, seen.Period, fault.Trim(seen.Description), seen.Reference), nil
		}
	}
	return "", nil, nil
}

// reversed stops a payout whose batch is in the books together with the one
// that takes it back: it is not booked, whatever its own batch says.
func (p *Poster) reversed(ctx context.Context, in Intent) (*Stop, error) {
	if in.Reversal == "" {
		return nil, nil //nolint:nilnil // nothing can take it back
	}
	back, err := p.carries(ctx, in.Company, in.Reversal)
	if err != nil || len(back) == 0 {
		return nil, err
	}
	return held.Becausef(held.ReversedBefore, "batch %s in period %s (%q) takes the batch of payout %s back",
		back[0].BatchNumber, back[0].Period, fault.Trim(back[0].Description), in.Voucher.PaymentReference), nil
}

// mine tells whether this database has a posting with that token.
func (p *Poster) mine(ctx context.Context, company, token string) (bool, error) {
	if token == "" {
		return false, nil
	}
	_, err := p.Memory.Booking(ctx, company, token)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// oneOf is the batch that carries the token. Several that still do are the
// payout booked more than once, which only a person can undo.
func (p *Poster) oneOf(ctx context.Context, in Intent, ours []store.SeenBatch) (number string, halt *Stop, err error) {
	var numbers []string
	for _, seen := range ours {
		if !slices.Contains(numbers, seen.BatchNumber) {
			numbers = append(numbers, seen.BatchNumber)
		}
	}
	if in.Taken != nil && slices.Contains(numbers, in.Taken.Batch) {
		return in.Taken.Batch, nil, nil
	}
	if len(numbers) == 1 {
		return numbers[0], nil, nil // it is read back before anything else happens
	}
	var standing []string
	for _, n := range numbers {
		still, err := p.still(ctx, n, func(b *visma.JournalTransaction) bool {
			token, _ := voucher.FindToken(b.Description)
			return token == in.Voucher.Token
		})
		if err != nil {
			return "", nil, err
		}
		if still {
			standing = append(standing, n)
		}
	}
	switch len(standing) {
	case 0:
		return "", nil, nil
	case 1:
		return standing[0], nil, nil
	}
	return "", repeated(in.Voucher.PaymentReference, standing), nil
}

func repeated(reference string, numbers []string) *Stop {
	slices.Sort(numbers)
	return held.Becausef(held.BatchDiffers, "payout %s stands in more than one batch: %s", reference, strings.Join(numbers, ", "))
}

// still reads a remembered batch again, because a person may have changed it
// since. Only a batch that Visma.net does not have is gone.
func (p *Poster) still(ctx context.Context, number string, holds func(*visma.JournalTransaction) bool) (bool, error) {
	b, _, err := p.Books.JournalTransaction(ctx, number)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read batch %s again: %w", number, err)
	}
	return holds(b), nil
}

// gone tells whether Visma.net says that it has no such batch. Any other
// refusal to show one says nothing about whether it is there.
func gone(err error) bool {
	f := fault.As(err)
	return f != nil && f.Class == fault.Rejected && f.Status == http.StatusNotFound
}

// adopt takes a batch that an earlier attempt had already created as ours.
func (p *Poster) adopt(ctx context.Context, in Intent, row store.Booking, number string) (Outcome, error) {
	row, err := p.book(ctx, row, number, true)
	if err != nil {
		return Outcome{}, err
	}
	return p.check(ctx, in, row)
}
