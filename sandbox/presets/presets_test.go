package presets

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/company"
	"kvitt/internal/klarna"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

const (
	tenant = "5f1d2c3b-8a4e-4c6d-9b7a-0e1f2a3b4c5d"
	key    = "klarna_test_api_presets00000000000000"
)

// year runs from May to April, as many Swedish companies' years do.
var year = shop.Config{Seed: 7, Start: time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC), Days: 365, Gross: true, LargeRows: -1}

type token struct{}

func (token) Token(context.Context) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "any"}, nil
}
func (token) Invalidate(string) {}

func TestEveryPresetBooksIntoACompanyOfItsCountry(t *testing.T) {
	merchant, err := shop.Generate(year)
	if err != nil {
		t.Fatal(err)
	}
	for preset, simulated := range map[string]vismasim.Company{
		"se-bas-2025": vismasim.SwedishCompany(tenant, "Äldre Webbhandel AB"),
		"se-bas":      vismasim.SwedishCompany(tenant, "Nordisk Webbhandel AB"),
		"no-ns4102":   vismasim.NorwegianCompany(tenant, "Nordisk Netthandel AS"),
		"fi":          vismasim.FinnishCompany(tenant, "Pohjolan Verkkokauppa Oy"),
		"dk":          vismasim.DanishCompany(tenant, "Nordisk Nethandel ApS"),
	} {
		t.Run(preset, func(t *testing.T) {
			simulated.Segments = nil
			simulated.FinancialYear.FirstMonth = time.May
			b := newBench(t, merchant, preset, simulated)
			payouts := merchant.Payouts()
			if preset != "se-bas" { // a quarter covers the others' rules
				payouts = payouts[:len(payouts)/4]
			}
			for _, p := range payouts {
				b.book(t, p.PaymentReference)
			}
			b.agree(t, payouts)
		})
	}
}

// bench is one installation: a store, the two clients, a profile, a company.
type bench struct {
	store   *store.Store
	klarna  *klarna.Client
	visma   *visma.Client
	sim     *vismasim.Sim
	profile *voucher.Profile
	company *company.Company
	scans   posting.Scans
	debts   map[string]*settlement.Debt
	banks   map[string]bool // the settlement accounts used by vouchers
}

func newBench(t *testing.T, merchant *shop.Shop, preset string, simulated vismasim.Company) *bench {
	t.Helper()
	b := &bench{debts: map[string]*settlement.Debt{}, banks: map[string]bool{}}
	provider, err := klarnasim.New(merchant, klarnasim.Options{Environment: "test", Keys: []klarnasim.Key{{Key: key}}})
	check(t, err)
	from := httptest.NewServer(provider)
	t.Cleanup(from.Close)
	b.sim, err = vismasim.New(vismasim.Options{Companies: []vismasim.Company{simulated}, Authorize: vismasim.Anyone(tenant), JobDelay: -1})
	check(t, err)
	to := httptest.NewServer(b.sim)
	t.Cleanup(to.Close)

	credential, err := klarna.ParseCredential("klarna", "eu", key, "")
	check(t, err)
	b.klarna, err = klarna.New(credential, klarna.Options{BaseURL: from.URL, Limiter: rate.NewLimiter(rate.Inf, 1)})
	check(t, err)
	b.visma, err = visma.New(visma.Options{BaseURL: to.URL, Tokens: token{}})
	check(t, err)
	document, err := voucher.Preset(preset)
	check(t, err)
	if !strings.HasPrefix(preset, "se-") {
		document = decided(document)
	}
	b.profile, err = voucher.ParseProfile(document)
	check(t, err)
	b.company, err = company.Read(t.Context(), b.visma, time.Now())
	check(t, err)
	if problems := b.company.Check(b.profile.Uses()); len(problems) > 0 {
		t.Fatalf("the company refuses the preset: %v", problems)
	}
	b.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	check(t, err)
	t.Cleanup(func() { _ = b.store.Close() })
	check(t, b.store.Migrate(t.Context()))
	check(t, b.store.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "auto", Start: "2025-05-01"}))
	return b
}

// decided returns a preset after its company has decided on VAT: none is owed on fees without it, and the
// VAT on the shop's Swedish fees is left for a person.
func decided(document []byte) []byte {
	return []byte(strings.NewReplacer(
		"  # reverse_charge: false\n", "  reverse_charge: false\n",
		"    \"0\": {}\n", "    \"0\": {}\n    \"25\": {account: suspense}\n",
	).Replace(string(document)))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// book takes one payout the whole way: fetch, prove, compile, post, verify.
func (b *bench) book(t *testing.T, reference string) {
	t.Helper()
	ctx := t.Context()
	listed, _, err := b.klarna.Payout(ctx, reference)
	check(t, err)
	payout := listed.Settlement()
	_, err = b.store.UpsertPayouts(ctx, "c1", []store.Payout{{
		PaymentReference: reference, MerchantID: payout.MerchantID, Currency: string(payout.Currency), SettlementType: string(payout.Type), Date: payout.Date,
	}})
	check(t, err)
	tally, _, announced, err := activities.Fetch(ctx, b.klarna, archive.NewWriter(b.store, "c1", reference, archive.KindTransactions), &payout, nil)
	check(t, err)
	proof, err := settlement.Prove(payout, tally, announced, b.debts[string(payout.Currency)])
	check(t, err)
	b.debts[string(payout.Currency)] = &settlement.Debt{PaymentReference: reference, Closing: payout.Totals[settlement.TotalClosingDebt]}
	v, err := voucher.Compile(b.profile, proof, voucher.Target{Company: b.company.ID})
	check(t, err)
	check(t, v.Check())
	for _, line := range v.Lines {
		if line.Role == voucher.RoleSettlement {
			b.banks[line.Account] = true
		}
	}
	period, err := b.company.Calendar.Of(visma.DateOf(v.Date.Time()))
	check(t, err)
	poster := &posting.Poster{
		Books: b.visma, Memory: b.store, Now: time.Now, Absent: time.Minute, Scans: &b.scans,
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	in := posting.Intent{Connection: "c1", Company: b.company.ID, Voucher: v, Periods: []string{period.ID}}
	got, err := poster.Post(ctx, in)
	if err != nil || got.Stop != nil || got.BatchNumber == "" {
		t.Fatalf("post payout %s (%s): %+v, %v", reference, payout.Type, got.Stop, err)
	}
	state, stop, err := poster.Complete(ctx, in, func(context.Context, posting.Attach) error { return nil })
	if err != nil || stop != nil || state != posting.Verified {
		t.Fatalf("complete payout %s: %s, %+v, %v", reference, state, stop, err)
	}
}

// agree checks the books of the simulated company.
func (b *bench) agree(t *testing.T, payouts []*shop.Payout) {
	t.Helper()
	books := b.sim.Books("")
	if books.Batches != len(payouts) || books.Debit != books.Credit || books.Released.Debit != books.Debit {
		t.Errorf("%d payouts, and the books hold %d batches, debit %d, credit %d, released %d",
			len(payouts), books.Batches, books.Debit, books.Credit, books.Released.Debit)
	}
	if len(books.DuplicateTokens)+len(books.DuplicateReferences) > 0 {
		t.Errorf("payouts are booked twice: %v %v", books.DuplicateTokens, books.DuplicateReferences)
	}
	banked, paid := map[string]int64{}, map[string]int64{}
	for _, batch := range books.List {
		if year := batch.Period[:4]; year != "2025" {
			t.Errorf("batch %s of %s is in period %s; the year from May 2025 to April 2026 is 2025", batch.Number, batch.Date, batch.Period)
		}
		for _, line := range batch.Lines {
			if b.banks[line.Account] {
				banked[batch.Currency] += line.Debit - line.Credit
			}
		}
	}
	for _, p := range payouts {
		if p.SettlementType != shop.GrossFee { // an invoice moves no money
			paid[p.Currency] += p.Totals.Settlement
		}
	}
	for currency, sum := range paid {
		if banked[currency] != sum {
			t.Errorf("%s: Klarna paid %d and the bank lines come to %d", currency, sum, banked[currency])
		}
	}
}
