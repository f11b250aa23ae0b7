package year

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

const apiKey = "klarna_test_api_eWVhcnllYXJ5ZWFy"

// world is a shop, its Klarna and its Visma.net, the integration that books its
// sales, and one installation of Kvitt.
type world struct {
	t           *testing.T
	country     country
	fault       fault
	shop        *shop.Shop
	visma       *vismasim.Sim
	integration integration
	numbers     map[string]string // of documents, by capture or refund id
	accounts    map[string]string // of the preset as shipped, by name
	owed        reverse           // empty where Klarna charges VAT

	store    *store.Store
	from     *klarna.Client
	to       *visma.Client
	profile  *voucher.Profile
	document []byte
	company  *company.Company
	scans    posting.Scans
	debts    map[string]*settlement.Debt
	pdfs     map[string][]byte

	findings                               []string
	payouts, reserveDays, debtDays, months int
	results, returns                       int
}

type token struct{}

func (token) Token(context.Context) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "any"}, nil
}
func (token) Invalidate(string) {}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T, c country, f fault) *world {
	t.Helper()
	c.company.Segments = nil
	c.company.VATs = slices.Clone(c.company.VATs)
	w := &world{
		t: t, country: c, fault: f, numbers: map[string]string{}, accounts: map[string]string{},
		debts: map[string]*settlement.Debt{}, pdfs: map[string][]byte{},
	}
	var err error
	w.shop, err = shop.Generate(c.shop)
	check(t, err)
	for _, d := range w.shop.Documents() {
		w.numbers[d.CaptureID+d.RefundID] = d.Number
	}
	if f.short {
		w.settleShort()
	}
	w.prepareProfile()
	w.prepareCompany()
	w.connect()
	w.integration.clearing, w.integration.sales, w.integration.outputVAT = w.accounts["clearing"], c.sales, c.outputVAT
	if f.unsent {
		w.integration.forgets = w.shop.Documents()[3].Number
	}
	w.company, err = company.Read(t.Context(), w.to, time.Now())
	check(t, err)
	if problems := w.company.Check(w.profile.Uses()); len(problems) > 0 {
		t.Fatalf("the company refuses the preset: %v", problems)
	}
	w.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	check(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	check(t, w.store.Migrate(t.Context()))
	check(t, w.store.CreateConnection(t.Context(), w.connection()))
	_, err = w.store.AddProfile(t.Context(), "c1", w.document, w.profile.Hash(), "anna")
	check(t, err)
	return w
}

// settleShort takes 1.00 off a sale that Klarna settles; its totals agree with it, so Klarna's figures are
// consistent.
func (w *world) settleShort() {
	w.t.Helper()
	for _, p := range w.shop.Payouts() {
		rows, kept := p.Rows.(shop.List)
		if p.Totals.Settlement < 100 || !kept {
			continue
		}
		for i := range rows {
			if rows[i].Type == shop.TypeSale {
				rows[i].Amount -= 100
				p.Totals.Sale, p.Totals.Settlement = p.Totals.Sale-100, p.Totals.Settlement-100
				return
			}
		}
	}
	w.t.Fatal("no payout of the shop can be 1.00 short")
}

func (w *world) connection() store.Connection {
	return store.Connection{
		ID: "c1", Name: w.country.company.Name, Provider: "klarna", Region: "eu", Environment: "test", Posting: "auto", State: "active", Start: "2025-01-01",
		Klarna: json.RawMessage(`{}`), Visma: json.RawMessage(`{}`), MerchantID: w.shop.MerchantID, CompanyName: w.country.company.Name, BaseCurrency: w.country.company.BaseCurrency,
	}
}

// prepareProfile reads the preset, and records its accounts before a mistake is put into it.
func (w *world) prepareProfile() {
	w.t.Helper()
	document, err := voucher.Preset(w.country.preset)
	check(w.t, err)
	shipped, err := voucher.ParseProfile(document)
	check(w.t, err)
	for _, named := range shipped.Named() {
		w.accounts[named.Name] = named.Number
	}
	document = w.answered(document)
	right, wrong := w.fault.profile[0], w.fault.profile[1]
	if strings.Count(string(document), right) != 1 && right != "" {
		w.t.Fatalf("the preset does not contain %q exactly once", right)
	}
	if right != "" {
		document = []byte(strings.Replace(string(document), right, wrong, 1))
	}
	w.document = document
	w.profile, err = voucher.ParseProfile(document)
	check(w.t, err)
}

// answered returns a preset with the accountant's answers about VAT: Visma.net makes VAT transactions, and
// a fee without VAT from abroad is a reverse charge. The lines are those that the preset offers.
func (w *world) answered(document []byte) []byte {
	w.t.Helper()
	text := string(document)
	if w.country.feeRate != 0 {
		text = strings.Replace(text, `    "25": {}`, `    "25": {code: "25", id: "25", base_code: "25", base_id: "25"}`, 1)
	} else {
		offered := regexp.MustCompile(`(?m)^  # (reverse_charge: \{rate: "([0-9.]+)", input: "(\d+)", output: "(\d+)", base_code: .*)$`).FindStringSubmatch(text)
		if offered == nil {
			w.t.Fatalf("the preset %s offers no reverse charge by VAT code", w.country.preset)
		}
		text = strings.Replace(text, offered[0], "  "+offered[1], 1)
		w.owed = reverse{offered[2], offered[3], offered[4]}
	}
	return []byte(strings.Replace(text, "  # transaction: true", "  transaction: true", 1))
}

// reverse is the reverse charge that a preset offers.
type reverse struct{ rate, input, output string }

// prepareCompany adds the accounts that the profile names to the company, and gives the code of its
// reverse charge the same accounts as in the profile.
func (w *world) prepareCompany() {
	c := &w.country.company
	for i := range c.VATs {
		if v := &c.VATs[i]; v.Reverse && w.owed.rate != "" {
			v.ClaimableAccount, v.PayableAccount = w.owed.input, w.owed.output
		}
	}
	for _, number := range w.profile.Uses().Accounts {
		if !slices.ContainsFunc(c.Accounts, func(a vismasim.Account) bool { return a.Number == number }) {
			c.Accounts = append(c.Accounts, vismasim.Account{Number: number, Type: w.nature(number), Description: "Opened for Klarna"})
		}
	}
}

// nature returns the type of an account number in the preset's chart.
func (w *world) nature(number string) string {
	w.t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "internal", "voucher", "presets", "charts.csv"))
	check(w.t, err)
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	check(w.t, err)
	for _, l := range lines {
		if l[0] == w.country.preset && l[3] == number {
			return map[string]string{"asset": "Asset", "liability": "Liability", "income": "Income", "cost": "Expense"}[l[5]]
		}
	}
	w.t.Fatalf("the chart of %s has no account %s", w.country.preset, number)
	return ""
}

// connect starts the two simulators and makes Kvitt's clients for them.
func (w *world) connect() {
	w.t.Helper()
	provider, err := klarnasim.New(w.shop, klarnasim.Options{Environment: "test", Keys: []klarnasim.Key{{Key: apiKey}}})
	check(w.t, err)
	from := httptest.NewServer(provider)
	w.t.Cleanup(from.Close)
	w.visma, err = vismasim.New(vismasim.Options{Companies: []vismasim.Company{w.country.company}, Authorize: vismasim.Anyone(tenant), JobDelay: -1, Release: vismasim.ReleaseDone})
	check(w.t, err)
	to := httptest.NewServer(w.visma)
	w.t.Cleanup(func() {
		to.Close()
		check(w.t, w.visma.Close())
	})
	w.integration.url = to.URL
	credential, err := klarna.ParseCredential("klarna", "eu", apiKey, "")
	check(w.t, err)
	w.from, err = klarna.New(credential, klarna.Options{BaseURL: from.URL, Limiter: rate.NewLimiter(rate.Inf, 1)})
	check(w.t, err)
	w.t.Cleanup(w.from.Close)
	w.to, err = visma.New(visma.Options{BaseURL: to.URL, Tokens: token{}})
	check(w.t, err)
}

// book takes one payout the whole way: fetch, prove, compile, post, verify.
func (w *world) book(p *shop.Payout) {
	w.t.Helper()
	ctx, reference := w.t.Context(), p.PaymentReference
	w.payouts++
	listed, _, err := w.from.Payout(ctx, reference)
	check(w.t, err)
	payout := listed.Settlement()
	_, err = w.store.UpsertPayouts(ctx, "c1", []store.Payout{{
		PaymentReference: reference, MerchantID: payout.MerchantID, Date: payout.Date, Currency: string(payout.Currency), SettlementType: string(payout.Type),
		Settlement: payout.Totals[settlement.TotalSettlement], OpeningDebt: payout.Totals[settlement.TotalOpeningDebt], ClosingDebt: payout.Totals[settlement.TotalClosingDebt], Payout: w.json(payout),
	}})
	check(w.t, err)
	tally, kept, announced, err := activities.Fetch(ctx, w.from, archive.NewWriter(w.store, "c1", reference, archive.KindTransactions), &payout, nil)
	check(w.t, err)
	proof, err := settlement.Prove(payout, tally, announced, w.debts[p.Currency])
	check(w.t, err)
	w.debts[p.Currency] = &settlement.Debt{PaymentReference: reference, Closing: payout.Totals[settlement.TotalClosingDebt]}
	v, err := voucher.Compile(w.profile, proof, voucher.Target{Company: w.company.ID})
	check(w.t, err)
	w.pdfs[reference], err = w.pdf(reference)
	check(w.t, err)
	w.post(v, store.KindPayout)
	if w.fault.unread && w.payouts == 8 {
		return
	}
	check(w.t, w.store.UpdatePayout(ctx, "c1", reference, func(p *store.Payout) error {
		p.State, p.Rows, p.ProfileVersion = "verified", tally.Rows(), 1
		p.Proof = w.json(activities.Proof{Proof: proof, Evidence: kept})
		p.Voucher, p.VoucherHash = w.json(v), v.Hash()
		return nil
	}, nil))
}

// post is the real protocol, with the memory of payouts or of accruals.
func (w *world) post(v *voucher.Voucher, kind string) {
	w.t.Helper()
	ctx := w.t.Context()
	period, err := w.company.Calendar.Of(visma.DateOf(v.Date.Time()))
	check(w.t, err)
	poster := &posting.Poster{
		Books: w.to, Memory: w.store, Now: time.Now, Absent: time.Minute, Scans: &w.scans,
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	in := posting.Intent{Connection: "c1", Company: w.company.ID, Kind: kind, Voucher: v, Periods: []string{period.ID}}
	got, err := poster.Post(ctx, in)
	if err != nil || got.Stop != nil || got.BatchNumber == "" {
		w.t.Fatalf("post %s: %+v, %v", v.PaymentReference, got.Stop, err)
	}
	state, stop, err := poster.Complete(ctx, in, func(context.Context, posting.Attach) error { return nil })
	if err != nil || stop != nil || state != posting.Verified {
		w.t.Fatalf("complete %s: %s, %+v, %v", v.PaymentReference, state, stop, err)
	}
}

// pdf returns Klarna's PDF of a payout.
func (w *world) pdf(reference string) ([]byte, error) {
	page, err := w.from.PayoutPDF(w.t.Context(), reference)
	return page.Body, err
}

func (w *world) json(v any) json.RawMessage {
	w.t.Helper()
	b, err := json.Marshal(v)
	check(w.t, err)
	return b
}
