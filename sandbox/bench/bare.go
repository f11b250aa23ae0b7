package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/visma"
	"kvitt/internal/visma/connect"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
)

// bareLoop makes the calls of a backfill of 2025 in plain Go: without Temporal, store or proof, and
// nothing survives a crash.
func bareLoop(ctx context.Context, merchant *shop.Shop) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "kvitt-bare-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	p, err := stack.StartProviders(stack.Options{Shop: stack.Shop{Made: merchant}}, dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = p.Close() }()
	b, err := newBare(ctx, p)
	if err != nil {
		return 0, err
	}
	p.Klarna.SetLatency(answerTime)
	p.Visma.SetLatency(answerTime)
	began := time.Now()
	if err := b.run(ctx); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if books := p.Visma.Books(""); books.Batches != payouts || books.Released.Debit != books.Debit {
		return 0, fmt.Errorf("the bare loop booked %d of %d payouts", books.Batches, payouts)
	}
	return took, nil
}

type bare struct {
	klarna  *klarna.Client
	visma   *visma.Client
	company sync.Once
	periods sync.Map // period → *sync.Once
	failed  error
}

// bearer is one access token for the whole loop.
type bearer struct{ token *oauth2.Token }

func (b bearer) Token(context.Context) (*oauth2.Token, error) { return b.token, nil }
func (bearer) Invalidate(string)                              {}

func newBare(ctx context.Context, p *stack.Providers) (*bare, error) {
	credential, err := klarna.ParseCredential("klarna", "eu", p.KlarnaKey, "")
	if err != nil {
		return nil, err
	}
	provider, err := connect.New(connect.Config{Issuer: p.ConnectURL, ClientID: stack.ClientID, ClientSecret: p.ClientSecret})
	if err != nil {
		return nil, err
	}
	grant, err := provider.Service(ctx, stack.TenantID)
	if err != nil {
		return nil, err
	}
	b := &bare{}
	b.klarna, err = klarna.New(credential, klarna.Options{BaseURL: p.KlarnaURL, Limiter: rate.NewLimiter(rate.Inf, 1)})
	if err != nil {
		return nil, err
	}
	b.visma, err = visma.New(visma.Options{BaseURL: p.VismaURL, Tokens: bearer{&oauth2.Token{AccessToken: grant.AccessToken}}})
	return b, err
}

// run lists month by month and posts payouts with the same concurrency.
func (b *bare) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for month := range 12 {
		from := time.Date(2025, time.January+time.Month(month), 1, 0, 0, 0, 0, time.UTC)
		for page, err := range b.klarna.Payouts(ctx, klarna.PayoutsQuery{Start: from, End: from.AddDate(0, 1, 0)}) {
			if err != nil {
				return err
			}
			for _, p := range page.Items {
				if p.PayoutDate.Before(from) || !p.PayoutDate.Before(from.AddDate(0, 1, 0)) {
					continue
				}
				g.Go(func() error {
					return b.post(ctx, p.PaymentReference, p.PayoutDate, p.Totals.Totals[settlement.TotalSettlement])
				})
			}
		}
	}
	return g.Wait()
}

// post makes the calls that a payout needs, one after the other.
func (b *bare) post(ctx context.Context, ref string, date time.Time, amount int64) error {
	for page, err := range b.klarna.Transactions(ctx, klarna.TransactionsQuery{PaymentReference: ref}) {
		if err != nil {
			return err
		}
		page.Release()
	}
	b.company.Do(func() { b.failed = b.readCompany(ctx) })
	if b.failed != nil {
		return b.failed
	}
	period := date.Format("200601")
	once, _ := b.periods.LoadOrStore(period, &sync.Once{})
	var err error
	once.(*sync.Once).Do(func() {
		_, err = b.visma.JournalTransactions(ctx, visma.JournalTransactionsQuery{PeriodID: period, Module: "GL"})
	})
	if err != nil {
		return err
	}
	accepted, err := b.visma.CreateJournalTransaction(ctx, batch(ref, period, date, amount))
	if err != nil {
		return err
	}
	var job visma.Job
	for !job.Done() {
		if job, err = b.visma.Job(ctx, accepted.JobID); err != nil {
			return err
		}
	}
	return b.complete(ctx, ref, job.BatchNumber())
}

func (b *bare) complete(ctx context.Context, ref, number string) error {
	if _, _, err := b.visma.JournalTransaction(ctx, number); err != nil {
		return err
	}
	report, err := b.klarna.PayoutPDF(ctx, ref)
	if err != nil {
		return err
	}
	rows, err := b.csv(ctx, ref)
	if err != nil {
		return err
	}
	for name, body := range map[string][]byte{"kvitt." + ref + ".txt": []byte("proof"), "settlement." + ref + ".pdf": report.Body, "settlement." + ref + ".csv": rows} {
		if err := b.visma.Attach(ctx, "GL", number, visma.Bytes(name, body)); err != nil {
			return err
		}
	}
	if _, err := b.visma.Release(ctx, number, ""); err != nil {
		return err
	}
	_, _, err = b.visma.JournalTransaction(ctx, number)
	return err
}

func (b *bare) csv(ctx context.Context, ref string) ([]byte, error) {
	stream, err := b.klarna.PayoutCSV(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer stream.Close() //nolint:errcheck // it is only read
	return io.ReadAll(stream)
}

// readCompany reads at the start what can be read once.
func (b *bare) readCompany(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { _, err := b.visma.Organization(ctx); return err })
	g.Go(func() error { _, err := b.visma.Accounts(ctx); return err })
	g.Go(func() error { _, err := b.visma.Ledgers(ctx); return err })
	g.Go(func() error { _, err := b.visma.Branches(ctx); return err })
	g.Go(func() error { _, err := b.visma.Currencies(ctx); return err })
	g.Go(func() error { _, err := b.visma.Segments(ctx); return err })
	g.Go(func() error { _, err := b.visma.FinancialPeriods(ctx); return err })
	return g.Wait()
}

func batch(ref, period string, date time.Time, amount int64) visma.JournalTransactionUpdate {
	line := func(account string, debit, credit int64) visma.JournalTransactionLineUpdate {
		return visma.JournalTransactionLineUpdate{
			Operation: visma.Insert, AccountNumber: visma.V(account), ReferenceNumber: visma.V(ref),
			DebitAmountInCurrency: visma.V(visma.FromMinor(debit, 2)), CreditAmountInCurrency: visma.V(visma.FromMinor(credit, 2)),
		}
	}
	return visma.JournalTransactionUpdate{
		Hold: visma.V(false), TransactionDate: visma.V(visma.DateOf(date)), FinancialPeriod: visma.V(period),
		CurrencyID: visma.V("SEK"), Description: visma.V("Klarna " + ref),
		Lines: []visma.JournalTransactionLineUpdate{line("1930", amount, 0), line("1686", 0, amount)},
	}
}
