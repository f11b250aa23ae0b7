package posting_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// books is a Visma.net company in memory. It books what it is told, and then
// answers as badly as a test wants.
type books struct {
	batches  []visma.JournalTransaction
	jobs     map[string]visma.Job
	attached []string
	creates  int
	releases int
	lists    int

	onCreate  func(b *books, commit func() string) (visma.Accepted, error)
	onJob     func(b *books, id string, job visma.Job) (visma.Job, error)
	onRelease func(b *books, commit func()) error
}

func (b *books) CreateJournalTransaction(_ context.Context, t visma.JournalTransactionUpdate) (visma.Accepted, error) {
	b.creates++
	commit := func() string {
		number := fmt.Sprintf("%06d", len(b.batches)+1)
		status := visma.BatchBalanced
		if t.Hold.Value {
			status = visma.BatchHold
		}
		batch := visma.JournalTransaction{
			BatchNumber: number, Status: status, Module: "ModuleGL", Description: t.Description.Value,
			ExchangeRate:  valueOf(t.ExchangeRate),
			AutoReversing: t.AutoReversing != nil && t.AutoReversing.Value,
			CurrencyID:    t.CurrencyID.Value, FinancialPeriod: t.FinancialPeriod.Value, Ledger: t.Ledger.Value,
			TransactionDate: visma.DateTime{Time: time.Date(t.TransactionDate.Value.Year, t.TransactionDate.Value.Month, t.TransactionDate.Value.Day, 0, 0, 0, 0, time.UTC)},
		}
		for _, l := range t.Lines {
			batch.Lines = append(batch.Lines, visma.JournalTransactionLine{
				AccountNumber: l.AccountNumber.Value, ReferenceNumber: l.ReferenceNumber.Value,
				DebitAmountInCurrency: l.DebitAmountInCurrency.Value, CreditAmountInCurrency: l.CreditAmountInCurrency.Value,
			})
		}
		slices.Reverse(batch.Lines) // Visma.net may order lines as it likes
		b.batches = append(b.batches, batch)
		return number
	}
	if b.onCreate != nil {
		return b.onCreate(b, commit)
	}
	return b.accept(commit()), nil
}

func valueOf(v *visma.Value[visma.Decimal]) (none visma.Decimal) {
	if v == nil {
		return none
	}
	return v.Value
}

// accept answers as Visma.net does in the background: with a job.
func (b *books) accept(number string) visma.Accepted {
	id := fmt.Sprintf("job-%d", len(b.jobs)+1)
	b.jobs[id] = visma.Job{ID: id, Status: visma.JobFinished, StatusCode: 201, ResponseHeaders: visma.JobHeaders{"location": "https://elsewhere/v2/journaltransaction/" + number}}
	return visma.Accepted{JobID: id}
}

func (b *books) Job(_ context.Context, id string) (visma.Job, error) {
	if b.onJob != nil {
		return b.onJob(b, id, b.jobs[id])
	}
	return b.jobs[id], nil
}

func (b *books) JobContent(context.Context, string) ([]byte, error) {
	return []byte(`{"message":"VismaId: 1. Error creating document. Error: the period is closed."}`), nil
}

func (b *books) JournalTransaction(_ context.Context, number string) (*visma.JournalTransaction, string, error) {
	for i := range b.batches {
		if b.batches[i].BatchNumber == number {
			batch := b.batches[i]
			return &batch, "", nil
		}
	}
	return nil, "", &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "read batch", Status: 404}
}

func (b *books) JournalTransactions(_ context.Context, q visma.JournalTransactionsQuery) ([]visma.JournalTransaction, error) {
	b.lists++
	return slices.DeleteFunc(slices.Clone(b.batches), func(t visma.JournalTransaction) bool { return q.PeriodID != "" && t.FinancialPeriod != q.PeriodID }), nil
}

func (b *books) Release(_ context.Context, number, _ string) (visma.ReleaseResult, error) {
	b.releases++
	commit := func() {
		for i := range b.batches {
			if b.batches[i].BatchNumber == number {
				b.batches[i].Status = visma.BatchPosted
			}
		}
	}
	if b.onRelease != nil {
		return visma.ReleaseResult{}, b.onRelease(b, commit)
	}
	commit()
	return visma.ReleaseResult{Result: "Done"}, nil
}

func (b *books) Attach(_ context.Context, _, number string, f visma.File) error {
	if name := number + "/" + f.Name; !slices.Contains(b.attached, name) {
		b.attached = append(b.attached, name)
	}
	return nil
}

// bench is a poster with its books, its memory and a clock that moves when it
// waits.
type bench struct {
	*books
	store *store.Store
	scans *posting.Scans // of the process that runs
	clock time.Time

	noDocuments bool // the other side does not give them
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &bench{books: &books{jobs: map[string]visma.Job{}}, store: s, scans: &posting.Scans{}, clock: time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC)}
	b.connect(t, "c1")
	return b
}

// connect adds a connection of the same merchant and company, with the payout.
func (b *bench) connect(t *testing.T, id string) {
	t.Helper()
	err := b.store.CreateConnection(t.Context(), store.Connection{ID: id, Name: "Shop", Provider: "klarna", Region: "eu", Posting: "auto", State: "active", Start: "2026-01-01"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.store.UpsertPayouts(t.Context(), id, []store.Payout{{PaymentReference: "10001", MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) poster() *posting.Poster {
	return &posting.Poster{
		Books: b.books, Memory: b.store, Absent: 15 * time.Minute, Scans: b.scans,
		Now:   func() time.Time { return b.clock },
		Pause: func(_ context.Context, d time.Duration) error { b.clock = b.clock.Add(d); return nil },
	}
}

var errNoDocuments = errors.New("there are no documents")

var errNoAnswer = &fault.Error{Class: fault.UnknownOutcome, Party: "Visma.net", Attempted: "post", Err: errors.New("connection reset")}

func intent(edit ...func(*posting.Intent)) posting.Intent {
	v := &voucher.Voucher{
		Token: voucher.Token("K1", "10001", "42", 0), PaymentReference: "10001", Ledger: "1",
		Date: voucher.Date{Year: 2026, Month: 1, Day: 5}, Currency: "SEK", Settlement: 8_590_000,
		Lines: []voucher.Line{
			{Account: "1930", Debit: 8_590_000, Reference: "10001", Text: "Klarna payout", Role: voucher.RoleSettlement},
			{Account: "1686", Credit: 8_590_000, Reference: "10001", Text: "Klarna sales", Role: voucher.RoleComponent},
		},
	}
	v.Description = v.Token + " Klarna 10001"
	in := posting.Intent{Connection: "c1", Company: "42", Voucher: v, Periods: []string{"202601"}}
	for _, e := range edit {
		e(&in)
	}
	return in
}

func documents(ctx context.Context, attach posting.Attach) error {
	return attach(ctx, visma.Bytes("settlement.10001.pdf", []byte("%PDF")))
}

// finish calls Post and Complete as the workflow does, until the payout is
// final or somebody is needed.
func (b *bench) finish(t *testing.T, p *posting.Poster, in posting.Intent) (state string, got posting.Outcome) {
	t.Helper()
	for range 200 {
		var err error
		got, err = p.Post(t.Context(), in)
		switch {
		case err != nil:
			b.clock = b.clock.Add(time.Second)
			continue
		case got.Stop != nil:
			return "held", got
		case got.LookAgain > 0:
			b.clock = b.clock.Add(got.LookAgain)
			continue
		}
		state, halt, err := p.Complete(t.Context(), in, func(ctx context.Context, attach posting.Attach) error {
			if b.noDocuments {
				return errNoDocuments
			}
			return documents(ctx, attach)
		})
		switch {
		case errors.Is(err, errNoDocuments):
			return "waiting", got
		case err != nil:
			b.clock = b.clock.Add(time.Second)
			continue
		case halt != nil:
			got.Stop = halt
			return "held", got
		}
		return state, got
	}
	t.Fatal("the payout never came to an end")
	return "", got
}

// onlyOne fails unless the books hold exactly one batch of the payout.
func (b *bench) onlyOne(t *testing.T, status visma.BatchStatus) {
	t.Helper()
	if len(b.batches) != 1 || b.batches[0].Status != status {
		t.Fatalf("the books hold %d batches: %+v", len(b.batches), b.batches)
	}
}
