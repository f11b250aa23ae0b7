package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/visma"
)

// books are Visma.net's, with its habits.
type books struct {
	batches   []*batch
	jobs      map[string]*job
	half      int           // which kind of list may leave a batch out; see leavesOut
	blindFrom time.Duration // from then on lists are empty; negative: never
}

type batch struct {
	visma.JournalTransaction
	what     *payout
	listed   time.Duration // when lists show it
	edited   time.Duration // when a person changed it; 0: nobody did
	read     bool          // Kvitt has read it, and it was the voucher
	gone     bool
	released bool // it was asked to be
}

type job struct {
	done   time.Duration
	answer func() visma.Job
	lost   bool
}

// ports are Visma.net and the database as one actor reaches them.
type ports struct{ *actor }

func (b *books) other() {
	b.jobs = map[string]*job{}
	b.batches = []*batch{{JournalTransaction: visma.JournalTransaction{BatchNumber: "000001", Status: visma.BatchPosted, FinancialPeriod: period}}}
}

// standing tells whether a batch counts in the ledger, or may come to.
func (b *batch) standing() bool { return !b.gone && b.Status != visma.BatchVoided }

// request is one to Visma.net: what it does is done between two awaits, and
// either way may be where it is lost.
func (p ports) request(ctx context.Context, attempted string, do func() error) error {
	if err := p.await(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return problem(fault.UnknownOutcome, attempted, 0)
	}
	trouble := 99
	if !p.w.calm() && p.w.chance(p.w.troubled) {
		trouble = p.w.rng.IntN(6)
	}
	switch trouble {
	case 0:
		return p.answer(attempted, problem(fault.Throttled, attempted, http.StatusTooManyRequests))
	case 1:
		return p.answer(attempted, problem(fault.UnknownOutcome, attempted, http.StatusBadGateway))
	case 2:
		p.abort() // the activity is cancelled, and goes on until it notices
	}
	err := do()
	if trouble == 3 || trouble == 4 {
		err = problem(fault.UnknownOutcome, attempted, 0)
		p.w.say("%s: %s: the answer is lost", p.p.name, attempted)
	}
	if dead := p.await(); dead != nil {
		return dead
	}
	return err
}

func (p ports) answer(attempted string, err error) error {
	p.w.say("%s: %s: %v", p.p.name, attempted, err)
	if dead := p.await(); dead != nil {
		return dead
	}
	return err
}

func (p ports) CreateJournalTransaction(ctx context.Context, t visma.JournalTransactionUpdate) (out visma.Accepted, err error) {
	err = p.request(ctx, "post the batch of "+p.what.reference, func() error {
		s := p.w.arrives(p)
		if p.w.chance(4) && !p.w.calm() {
			s.no = true
			return problem(fault.Rejected, "post", http.StatusBadRequest)
		}
		out.JobID = p.w.book(p, s, t)
		return nil
	})
	if err != nil {
		out = visma.Accepted{}
	}
	if last := len(p.what.posts) - 1; fault.ClassOf(err) == fault.UnknownOutcome && last >= 0 {
		p.what.posts[last].no = false
	}
	if p.w.broken.posted != nil {
		err = p.w.broken.posted(err)
	}
	return out, err
}

// book lets a job book the batch: at once, late, not at all, or with a no.
func (w *world) book(p ports, s *sent, t visma.JournalTransactionUpdate) string {
	id := fmt.Sprintf("job-%d", len(w.books.jobs)+1)
	j := &job{done: w.now + w.upTo(2*time.Second)}
	if w.chance(15) {
		j.done = w.now + w.upTo(booksBy)
	}
	w.books.jobs[id] = j
	fate := w.rng.IntN(100)
	if w.calm() {
		fate = 99
	}
	if j.lost = fate < 12; fate < 4 || fate >= 12 && fate < 16 {
		j.answer = func() visma.Job {
			return visma.Job{ID: id, Status: visma.JobFinished, StatusCode: http.StatusBadRequest, ErrorMessage: "refused"}
		}
		s.no = !j.lost
		w.say("Visma.net takes the batch of %s as %s, and will not book it", p.what.reference, id)
		return id
	}
	number := fmt.Sprintf("%06d", len(w.books.batches)+len(p.what.posts)+100*len(w.books.jobs))
	s.pending = true
	w.say("Visma.net takes the batch of %s as %s, and will book it as %s", p.what.reference, id, number)
	w.after(j.done-w.now, func() { w.commit(p.what, s, number, t) })
	j.answer = func() visma.Job {
		return visma.Job{ID: id, Status: visma.JobFinished, StatusCode: http.StatusCreated, ResponseHeaders: visma.JobHeaders{"location": "https://books/" + number}}
	}
	return id
}

func (w *world) commit(what *payout, s *sent, number string, t visma.JournalTransactionUpdate) {
	b := &batch{what: what, listed: w.now, JournalTransaction: visma.JournalTransaction{
		BatchNumber: number, Status: visma.BatchBalanced, Module: "ModuleGL", Description: t.Description.Value,
		CurrencyID: t.CurrencyID.Value, FinancialPeriod: t.FinancialPeriod.Value, Ledger: t.Ledger.Value,
		TransactionDate: visma.DateTime{Time: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)},
	}}
	for _, l := range t.Lines {
		b.Lines = append(b.Lines, visma.JournalTransactionLine{
			AccountNumber: l.AccountNumber.Value, ReferenceNumber: l.ReferenceNumber.Value, TransactionDescription: l.TransactionDescription.Value,
			DebitAmountInCurrency: l.DebitAmountInCurrency.Value, CreditAmountInCurrency: l.CreditAmountInCurrency.Value,
		})
	}
	if w.chance(20) {
		b.listed += w.upTo(listsBy)
	}
	s.pending, s.batch = false, b
	w.books.batches = append(w.books.batches, b)
	w.say("batch %s of %s is booked; lists show it after %s", number, what.reference, b.listed-w.now)
	if w.chance(3) && !w.calm() {
		w.after(w.upTo(time.Minute), w.foreignHand)
	}
}

func (p ports) Job(ctx context.Context, id string) (out visma.Job, err error) {
	err = p.request(ctx, "ask "+id, func() error {
		j := p.w.books.jobs[id]
		switch {
		case j.lost:
			return problem(fault.Rejected, "ask "+id, http.StatusNotFound)
		case p.w.now < j.done:
			out = visma.Job{ID: id, Status: visma.JobStarted}
			return nil
		}
		out = j.answer()
		return nil
	})
	if p.w.broken.asked != nil {
		p.w.broken.asked(&out, &err)
	}
	return out, err
}

func (ports) JobContent(context.Context, string) ([]byte, error) { return nil, nil }

func (p ports) JournalTransaction(ctx context.Context, number string) (out *visma.JournalTransaction, etag string, err error) {
	err = p.request(ctx, "read batch "+number, func() error {
		b := p.w.find(number)
		if b == nil {
			return problem(fault.Rejected, "read batch "+number, http.StatusNotFound)
		}
		c := b.JournalTransaction
		b.read = b.edited == 0
		out = &c
		return nil
	})
	if err == nil && p.w.broken.read != nil {
		p.w.broken.read(p, out)
	}
	return out, "", err
}

func (w *world) find(number string) *batch {
	at := slices.IndexFunc(w.books.batches, func(b *batch) bool { return b.BatchNumber == number && !b.gone })
	if at < 0 {
		return nil
	}
	return w.books.batches[at]
}

func (p ports) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) (out []visma.JournalTransaction, err error) {
	err = p.request(ctx, "list batches", func() error {
		out = p.w.list(p, q.PeriodID == "")
		return nil
	})
	if p.w.broken.listed != nil && q.PeriodID == "" {
		p.w.broken.listed(&out, &err)
	}
	return out, err
}

// list leaves out what is not listed yet. One kind of list may be half: that of a
// period or that of what was modified, not both, and not the first that a process
// reads.
func (w *world) list(p ports, modified bool) (out []visma.JournalTransaction) {
	if w.books.blindFrom >= 0 && w.now >= w.books.blindFrom && !w.calm() {
		return nil
	}
	half := p.p.read && !w.calm() && w.books.half == map[bool]int{false: 1, true: 2}[modified]
	p.p.read = true
	for _, b := range w.books.batches {
		if b.gone || b.listed > w.now || half && w.chance(50) {
			continue
		}
		out = append(out, b.JournalTransaction)
	}
	return out
}

func (p ports) Release(ctx context.Context, number, _ string) (visma.ReleaseResult, error) {
	err := p.request(ctx, "release batch "+number, func() error {
		b := p.w.find(number)
		switch {
		case b == nil || b.Released() || b.Status == visma.BatchVoided:
			return problem(fault.Rejected, "release batch "+number, http.StatusBadRequest)
		}
		p.w.releases(p, b)
		if p.w.chance(20) && !p.w.calm() {
			return nil // and it never does
		}
		p.w.after(p.w.upTo(10*time.Second), func() {
			if b.standing() {
				b.Status = visma.BatchPosted
			}
		})
		return nil
	})
	return visma.ReleaseResult{}, err
}

func (p ports) Attach(ctx context.Context, _, _ string, _ visma.File) error {
	return p.request(ctx, "attach", func() error { return nil })
}

// foreignHand is a person in Visma.net.
func (w *world) foreignHand() {
	b := w.books.batches[w.rng.IntN(len(w.books.batches))]
	if b.what == nil || b.gone || w.calm() {
		return
	}
	b.what.touched = true
	switch deed := w.rng.IntN(4); {
	case deed == 0 && b.Status == visma.BatchBalanced:
		w.say("a person edits batch %s", b.BatchNumber)
		b.Lines = slices.Clone(b.Lines)
		b.Lines[0].AccountNumber, b.edited = "1940", w.now
	case deed == 1 && b.Status == visma.BatchBalanced:
		w.say("a person deletes batch %s", b.BatchNumber)
		b.gone = true
	case deed == 2 && b.Status == visma.BatchBalanced:
		w.say("a person releases batch %s", b.BatchNumber)
		b.Status = visma.BatchPosted
	case deed == 3:
		w.say("a person voids batch %s", b.BatchNumber)
		b.Status = visma.BatchVoided
	}
}
