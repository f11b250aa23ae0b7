package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/visma"
)

// books are Visma.net's, with its habits.
type books struct {
	batches []*batch
	jobs    []*job
	half    lists // which kind of list may leave batches out
	blind   bool  // the right to read is taken away: lists are empty
	forbids bool  // and a single batch cannot be read either
	closed  bool  // the period is: nothing is booked or released in it
}

// lists are kinds of lists.
type lists int

const (
	none lists = iota
	ofPeriods
	ofModified
)

type batch struct {
	visma.JournalTransaction
	what    *payout       // that it books; nil: an earlier one
	foreign *payout       // whose payment reference somebody else's batch carries
	booked  time.Duration // when it was
	listed  time.Duration // when lists show it
	gone    time.Duration // when a person deleted it; 0: nobody did
	changed time.Duration // when a person touched it last
	version int
	read    bool   // Kvitt has read it as it was meant
	taken   string // how it was when a person took it as it is
}

// standing tells whether a batch counts in the ledger, or may come to.
func (b *batch) standing() bool { return b.gone == 0 && b.Status != visma.BatchVoided }

// wrong tells whether a person has made it something else than the voucher.
func (b *batch) wrong() bool {
	return b.Lines[0].AccountNumber != b.what.intent.Voucher.Lines[0].Account || b.FinancialPeriod != b.what.period() || b.Status == visma.BatchVoided
}

// content returns the part that a person can change.
func (b *batch) content() string { return b.Lines[0].AccountNumber + " " + b.FinancialPeriod }

// acceptable tells whether Kvitt may release it.
func (b *batch) acceptable() bool { return !b.wrong() || b.taken == b.content() }

func (b *batch) moved() bool { return b.what != nil && b.FinancialPeriod != b.what.period() }

type job struct {
	what   *payout
	sent   *sent
	done   time.Duration // never, when it does not end
	answer visma.Job
	lost   bool
}

// ports are Visma.net and the database as one actor reaches them.
type ports struct{ *actor }

// begin puts an earlier voucher into the books, which everybody knows of.
func (b *books) begin(w *world) {
	b.half, b.forbids = lists(w.rng.IntN(3)), w.chance(50)
	b.batches = []*batch{{JournalTransaction: visma.JournalTransaction{BatchNumber: "000001", Status: visma.BatchPosted, FinancialPeriod: january}}}
}

// trouble holds what may go wrong with a request, by chance.
type trouble struct {
	class   fault.Class // of a request that only reads
	written fault.Class // of one that writes
	status  int
	done    bool // Visma.net did what was asked
}

var troubles = [...]trouble{
	{fault.Throttled, fault.Throttled, http.StatusTooManyRequests, false},
	{fault.Transient, fault.UnknownOutcome, http.StatusBadGateway, false},
	{fault.Transient, fault.UnknownOutcome, http.StatusInternalServerError, true},
	{fault.Transient, fault.UnknownOutcome, 0, true}, // the answer is lost
	{fault.Transient, fault.UnknownOutcome, 0, false},
	{fault.Transient, fault.Transient, 0, false}, // no connection could be made
	{fault.Auth, fault.Auth, http.StatusUnauthorized, false},
	{fault.BadData, fault.UnknownOutcome, http.StatusOK, true}, // an answer that cannot be read
}

const cancelled = len(troubles) // the attempt is, while its request is on its way

// request is one to Visma.net: what it does is done between two awaits, and
// either way may be where it is lost.
func (p ports) request(ctx context.Context, attempted string, write bool, do func() error) error {
	if err := p.await(); err != nil {
		return err
	}
	which := -1
	if p.w.fault(p.w.troubled) {
		which = p.w.rng.IntN(len(troubles) + 1)
	}
	var err error
	switch {
	case ctx.Err() != nil && write: // it was cancelled before; whether it was sent, nobody knows
		return problem(fault.UnknownOutcome, attempted, 0)
	case ctx.Err() != nil:
		return problem(fault.Transient, attempted, 0)
	case which < 0:
		err = do()
	case which == cancelled:
		p.ctx.cancelled = true
		err = do()
	default:
		t := troubles[which]
		if t.done {
			_ = do()
		}
		class := t.class
		if write {
			class = t.written
		}
		err = problem(class, attempted, t.status)
		if p.w.tracing() {
			p.w.say("%s: %v (done: %t)", p.p.name, err, t.done)
		}
	}
	if dead := p.await(); dead != nil {
		return dead
	}
	return err
}

func (p ports) CreateJournalTransaction(ctx context.Context, t visma.JournalTransactionUpdate) (out visma.Accepted, err error) {
	var s *sent
	err = p.request(ctx, "post the batch", true, func() error {
		s = p.w.arrives(p)
		switch {
		case p.w.closedFor(p.what), p.w.fault(3):
			p.what.excuse = "refused"
			return problem(fault.Rejected, "post the batch", []int{http.StatusBadRequest, http.StatusConflict}[p.w.rng.IntN(2)])
		case p.w.chance(5): // done at once
			out.BatchNumber = p.w.commit(p.what, s, &t).BatchNumber
		default:
			out.JobID = p.w.queue(p, s, &t)
		}
		return nil
	})
	if err != nil {
		out = visma.Accepted{}
	}
	if s != nil && fault.ClassOf(err) == fault.Rejected {
		s.no = true
	}
	if p.w.broken.posted != nil {
		err = p.w.broken.posted(err)
	}
	return out, err
}

func (w *world) closedFor(what *payout) bool {
	return w.books.closed && !w.calm() && what.period() == january
}

// fate holds what becomes of a background job.
type fate struct {
	of100   int // how often
	books   bool
	answer  visma.Job
	lost    bool // it vanishes: 404, or 410
	endless bool
}

var fates = [...]fate{
	{4, false, visma.Job{}, true, false},
	{8, true, visma.Job{}, true, false},
	{4, false, visma.Job{Status: visma.JobFinished, StatusCode: http.StatusBadRequest, ErrorMessage: "refused"}, false, false},
	{2, false, visma.Job{Status: visma.JobFailed, StatusCode: http.StatusInternalServerError}, false, false},
	{2, true, visma.Job{Status: visma.JobFailed, StatusCode: http.StatusInternalServerError}, false, false},
	{2, true, visma.Job{Status: visma.JobFinished, StatusCode: http.StatusCreated}, false, false}, // it names no batch
	{1, true, visma.Job{}, false, true},
	{1, false, visma.Job{}, false, true},
	{100, true, visma.Job{Status: visma.JobFinished, StatusCode: http.StatusCreated}, false, false},
}

// queue lets a job book the batch: at once, late, or not at all.
func (w *world) queue(p ports, s *sent, t *visma.JournalTransactionUpdate) string {
	id := fmt.Sprintf("job-%d", len(w.books.jobs)+1)
	f := &fates[len(fates)-1]
	for i, n := 0, w.rng.IntN(100); !w.calm() && i < len(fates); i++ {
		if n -= fates[i].of100; n < 0 {
			f = &fates[i]
			break
		}
	}
	books := f.books && !w.closedFor(p.what)
	j := &job{what: p.what, sent: s, answer: f.answer, lost: f.lost, done: w.now + w.upTo(2*time.Second)}
	if w.fault(15) {
		j.done = w.now + w.upTo(booksBy)
	}
	w.books.jobs = append(w.books.jobs, j)
	w.say("Visma.net takes the batch of %s as %s; it books it: %t", p.what.reference, id, books)
	switch {
	case !books && f.books && !f.lost && !f.endless:
		j.answer = fates[2].answer
	case books:
		s.pending = true
		named := f == &fates[len(fates)-1]
		w.after(j.done-w.now, func() {
			b := w.commit(j.what, s, t)
			if named {
				j.answer.ResponseHeaders = visma.JobHeaders{"location": "https://books/" + b.BatchNumber}
			}
		})
	}
	if j.answer.StatusCode == http.StatusBadRequest {
		p.what.excuse = "refused"
	}
	if f.endless {
		j.done = endBy
		p.what.excuse = "its job never ends"
	}
	return id
}

// commit books a batch.
func (w *world) commit(what *payout, s *sent, t *visma.JournalTransactionUpdate) *batch {
	b := &batch{what: what, booked: w.now, listed: w.now, JournalTransaction: visma.JournalTransaction{
		BatchNumber: fmt.Sprintf("%06d", len(w.books.batches)+1), Status: visma.BatchBalanced, Module: "ModuleGL",
		Description: t.Description.Value, CurrencyID: t.CurrencyID.Value, FinancialPeriod: t.FinancialPeriod.Value, Ledger: t.Ledger.Value,
		TransactionDate: visma.DateTime{Time: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)},
		Lines:           make([]visma.JournalTransactionLine, len(t.Lines)),
	}}
	if t.Hold.Value {
		b.Status = visma.BatchHold
	}
	for i := range t.Lines {
		l := &t.Lines[i]
		b.Lines[i] = visma.JournalTransactionLine{
			AccountNumber: l.AccountNumber.Value, ReferenceNumber: l.ReferenceNumber.Value, TransactionDescription: l.TransactionDescription.Value,
			DebitAmountInCurrency: l.DebitAmountInCurrency.Value, CreditAmountInCurrency: l.CreditAmountInCurrency.Value,
		}
	}
	if w.chance(20) {
		b.listed += w.upTo(listsBy)
	}
	w.say("batch %s of %s is booked; lists show it after %s", b.BatchNumber, what.reference, b.listed-w.now)
	w.books.batches = append(w.books.batches, b)
	s.pending, s.batch = false, b
	w.judgeBooked(what)
	if w.fault(3) {
		w.after(w.upTo(time.Minute), w.foreignHand)
	}
	return b
}

func (p ports) Job(ctx context.Context, id string) (out visma.Job, err error) {
	var j *job
	err = p.request(ctx, "ask the job", false, func() error {
		n, err := strconv.Atoi(strings.TrimPrefix(id, "job-"))
		if err != nil {
			return problem(fault.Rejected, "ask the job", http.StatusNotFound)
		}
		switch j = p.w.books.jobs[n-1]; {
		case j.lost:
			return problem(fault.Rejected, "ask the job", []int{http.StatusNotFound, http.StatusGone}[n%2])
		case p.w.now < j.done:
			out = visma.Job{ID: id, Status: visma.JobStarted}
		default:
			out = j.answer
			out.ID = id
		}
		return nil
	})
	if err != nil {
		out = visma.Job{}
	} else if out.StatusCode == http.StatusBadRequest {
		j.sent.no = true
	}
	if p.w.broken.asked != nil {
		p.w.broken.asked(&out, &err)
	}
	return out, err
}

func (ports) JobContent(context.Context, string) ([]byte, error) { return nil, nil }

func (p ports) JournalTransaction(ctx context.Context, number string) (out *visma.JournalTransaction, etag string, err error) {
	if p.w.broken.unread != nil {
		if out = p.w.broken.unread(p, number); out != nil {
			return out, "", nil
		}
	}
	err = p.request(ctx, "read the batch", false, func() error {
		b := p.w.find(number)
		switch {
		case p.w.books.blind && p.w.books.forbids && !p.w.calm():
			return problem(fault.Auth, "read the batch", http.StatusForbidden)
		case b == nil:
			return problem(fault.Rejected, "read the batch", http.StatusNotFound)
		case p.w.fault(1):
			return problem(fault.Rejected, "read the batch", http.StatusBadRequest)
		}
		c := b.JournalTransaction
		b.read = b.read || b.what != nil && b.acceptable()
		p.saw, p.as = b, b.version
		out = &c
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	if p.w.broken.read != nil {
		p.w.broken.read(p, out)
	}
	return out, "", nil
}

func (w *world) find(number string) *batch {
	at := slices.IndexFunc(w.books.batches, func(b *batch) bool { return b.BatchNumber == number && b.gone == 0 })
	if at < 0 {
		return nil
	}
	return w.books.batches[at]
}

func (p ports) JournalTransactions(ctx context.Context, q visma.JournalTransactionsQuery) (out []visma.JournalTransaction, err error) {
	kind := ofPeriods
	if q.PeriodID == "" {
		kind = ofModified
	}
	err = p.request(ctx, "list batches", false, func() error {
		out = p.w.list(kind, q.PeriodID)
		return nil
	})
	if err != nil {
		out = nil
	}
	if p.w.broken.listed != nil {
		p.w.broken.listed(p, kind, &out, &err)
	}
	return out, err
}

// list leaves out what is not listed yet, and shows now and then what was there
// some time ago. One kind of list may be half, at any reading: a page of it is
// missing, and nothing says so. Each batch can be found in one of the two ways, so
// what a person moved to another period is in the list of what was modified.
func (w *world) list(kind lists, period string) (out []visma.JournalTransaction) {
	if w.books.blind && !w.calm() {
		return nil
	}
	as := w.now
	if w.fault(5) {
		as -= w.upTo(listsBy)
	}
	half := w.books.half == kind && !w.calm()
	for _, b := range w.books.batches {
		if b.booked > as || b.listed > w.now || b.gone > 0 && b.gone <= as || period != "" && b.FinancialPeriod != period || half && !b.moved() && w.chance(50) {
			continue
		}
		out = append(out, b.JournalTransaction)
	}
	return out
}

func (p ports) Release(ctx context.Context, number, _ string) (visma.ReleaseResult, error) {
	return visma.ReleaseResult{}, p.request(ctx, "release the batch", true, func() error {
		b := p.w.find(number)
		switch {
		case b == nil:
			return problem(fault.Rejected, "release the batch", http.StatusNotFound)
		case b.Released() || b.Status == visma.BatchVoided || p.w.closedFor(p.what):
			return problem(fault.Rejected, "release the batch", http.StatusBadRequest)
		}
		p.w.releases(p, b)
		if p.w.fault(20) {
			return nil // and it never does
		}
		p.w.after(p.w.upTo(10*time.Second), func() {
			if b.standing() {
				b.Status = visma.BatchPosted
			}
		})
		return nil
	})
}

func (p ports) Attach(ctx context.Context, _, _ string, _ visma.File) error {
	return p.request(ctx, "attach", true, func() error { return nil })
}
