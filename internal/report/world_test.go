package report_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/pgtest"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const apiKey = "klarna_test_api_cmVwb3J0cw"

// world is a shop whose payouts were fetched, proven, compiled and archived as
// the activities do it, and recorded as posted and verified.
type world struct {
	*report.Reports
	t     *testing.T
	store *store.Store
	shop  *shop.Shop
	refs  []string // in order
}

var first = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// quarter is the days of the shop.
var quarter = report.Span{From: first, To: first.AddDate(0, 3, -1)}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	made, err := shop.Generate(shop.Config{Seed: 7, Start: first, Days: 90, Gross: true, LargeRows: 1200})
	if err != nil {
		t.Fatal(err)
	}
	return worldOf(t, url, made, "se-bas")
}

// worldOf is the world of a shop whose rules are a preset, with changes: instead
// of the first of a pair, the second.
func worldOf(t *testing.T, url string, made *shop.Shop, preset string, changes ...[2]string) *world {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{t: t, store: s, shop: made}
	w.must(s.Migrate(t.Context()))
	zone, err := time.LoadLocation("Europe/Stockholm")
	w.must(err)
	c := store.Connection{
		ID: "c1", Name: "Garn & Sånt", Provider: "klarna", Region: "eu", Environment: "test", Posting: "auto", State: "active", Start: "2026-01-01",
		Klarna: json.RawMessage(`{}`), Visma: json.RawMessage(`{}`), MerchantID: made.MerchantID, CompanyID: "5560001", CompanyName: "Garn & Sånt på Öland AB", BaseCurrency: "SEK",
	}
	w.must(s.CreateConnection(t.Context(), c))
	w.Reports = &report.Reports{Source: s, Connection: c, Zone: zone, Now: time.Date(2026, time.April, 1, 8, 0, 0, 0, time.UTC)}
	w.fetch(preset, changes)
	return w
}

func sqlite(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// klarna is a client of a Klarna that pays the shop out.
func (w *world) klarna() (*klarna.Client, *klarnasim.Sim) {
	w.t.Helper()
	sim, err := klarnasim.New(w.shop, klarnasim.Options{Environment: "test", Keys: []klarnasim.Key{{Key: apiKey}}})
	w.must(err)
	server := httptest.NewServer(sim)
	w.t.Cleanup(server.Close)
	credential, err := klarna.ParseCredential("klarna", "eu", apiKey, "")
	w.must(err)
	client, err := klarna.New(credential, klarna.Options{BaseURL: server.URL, Limiter: rate.NewLimiter(rate.Inf, 1)})
	w.must(err)
	w.t.Cleanup(client.Close)
	return client, sim
}

// fetch books every payout of the shop.
func (w *world) fetch(preset string, changes [][2]string) {
	w.t.Helper()
	client, _ := w.klarna()
	document, err := voucher.Preset(preset)
	w.must(err)
	for _, c := range changes {
		if !strings.Contains(string(document), c[0]) {
			w.t.Fatalf("the preset does not say %q", c[0])
		}
		document = []byte(strings.Replace(string(document), c[0], c[1], 1))
	}
	profile, err := voucher.ParseProfile(document)
	w.must(err)
	_, err = w.store.AddProfile(w.t.Context(), "c1", document, profile.Hash(), "anna")
	w.must(err)
	for i, p := range w.shop.Payouts() {
		w.book(client, profile, p.PaymentReference, i)
	}
}

func (w *world) book(client *klarna.Client, profile *voucher.Profile, reference string, number int) {
	w.t.Helper()
	ctx := w.t.Context()
	listed, _, err := client.Payout(ctx, reference)
	w.must(err)
	payout := listed.Settlement()
	_, err = w.store.UpsertPayouts(ctx, "c1", []store.Payout{{
		PaymentReference: reference, MerchantID: payout.MerchantID, Date: payout.Date, Currency: string(payout.Currency), SettlementType: string(payout.Type),
		Settlement: payout.Totals[settlement.TotalSettlement], OpeningDebt: payout.Totals[settlement.TotalOpeningDebt], ClosingDebt: payout.Totals[settlement.TotalClosingDebt], Payout: w.json(payout),
	}})
	w.must(err)
	tally, kept, announced, err := activities.Fetch(ctx, client, archive.NewWriter(w.store, "c1", reference, archive.KindTransactions), &payout, nil)
	w.must(err)
	proof, err := settlement.Prove(payout, tally, announced, nil)
	w.must(err)
	v, err := voucher.Compile(profile, proof, voucher.Target{Company: "5560001"})
	w.must(err)
	pdf, err := client.PayoutPDF(ctx, reference)
	w.must(err)
	file := archive.NewWriter(w.store, "c1", reference, archive.KindPDF)
	w.must(file.Add(ctx, &pdf))
	_, err = file.Close(ctx)
	w.must(err)
	csv, err := client.PayoutCSV(ctx, reference)
	w.must(err)
	defer func() { _ = csv.Close() }()
	_, err = archive.KeepWhole(ctx, w.store, "c1", reference, archive.KindCSV, csv.Answer, csv)
	w.must(err)
	w.must(w.store.UpdatePayout(ctx, "c1", reference, func(p *store.Payout) error {
		p.State, p.Rows, p.ProfileVersion = "verified", tally.Rows(), 1
		p.Proof = w.json(activities.Proof{Proof: proof, Evidence: kept})
		p.Voucher, p.VoucherHash = w.json(v), v.Hash()
		return nil
	}, nil))
	w.post(v, 0, fmt.Sprintf("%06d", number+1))
	w.refs = append(w.refs, reference)
}

// post records a voucher as posted.
func (w *world) post(v *voucher.Voucher, revision int, batch string) {
	w.t.Helper()
	_, err := w.store.EnsureBooking(w.t.Context(), store.Booking{
		CompanyID: "5560001", Token: v.Token, ConnectionID: "c1", PaymentReference: v.PaymentReference, Revision: revision, VoucherHash: v.Hash(), Voucher: w.json(v),
		Period: v.Date.Time().Format("200601"), Mode: "auto", State: "verified", BatchNumber: batch,
	})
	w.must(err)
}

// takeBack records that the voucher of a payout was taken back.
func (w *world) takeBack(reference, batch string) {
	w.t.Helper()
	mirror := w.voucher(reference)
	mirror.Token = "[kvitt:0000000000" + batch + "]"
	mirror.Description = mirror.Token
	for i := range mirror.Lines {
		l := &mirror.Lines[i]
		l.Debit, l.Credit = l.Credit, l.Debit
	}
	w.post(mirror, 1, batch)
}

func (w *world) json(v any) json.RawMessage {
	w.t.Helper()
	b, err := json.Marshal(v)
	w.must(err)
	return b
}

// voucher is the one that was posted for a payout.
func (w *world) voucher(reference string) *voucher.Voucher {
	w.t.Helper()
	p, err := w.store.Payout(w.t.Context(), "c1", reference)
	w.must(err)
	var v voucher.Voucher
	w.must(json.Unmarshal(p.Voucher, &v))
	return &v
}

// current brings the sums up to date.
func (w *world) current() {
	w.t.Helper()
	_, err := w.CatchUp(w.t.Context(), 0, nil)
	w.must(err)
	if len(w.Problems) > 0 {
		w.t.Fatal(w.Problems)
	}
}

// rows are all lines of a report, by the keys of its columns.
func (w *world) rows(name string) (lines []map[string]report.Cell, totals []map[string]report.Cell) {
	w.t.Helper()
	made, err := w.Make(w.t.Context(), name, quarter)
	w.must(err)
	for row, err := range made.Rows {
		w.must(err)
		cells := map[string]report.Cell{}
		for i := range row.Cells {
			cells[made.Columns[i].Key] = row.Cells[i]
		}
		if row.Total {
			totals = append(totals, cells)
		} else {
			lines = append(lines, cells)
		}
	}
	return lines, totals
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { f(t, newWorld(t, sqlite(t))) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, newWorld(t, pgtest.Database(t))) })
}

// ofType are the payouts of the shop of one settlement type.
func (w *world) ofType(typ string) []*shop.Payout {
	return slices.DeleteFunc(slices.Clone(w.shop.Payouts()), func(p *shop.Payout) bool { return p.SettlementType != typ })
}
