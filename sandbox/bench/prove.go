package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
)

const (
	key       = "klarna_test_api_bench0000000000000000"
	reference = "700000000001"
	rounds    = 5
)

// prove compares fetch + prove + archive with a bare loop that only decodes the same bytes with the
// standard library into the same struct.
func prove(ctx context.Context, _ string) ([]figure, []string, error) {
	const rows = 100_000
	payout, err := shop.Lazy{Seed: 1, Rows: rows}.Payout()
	if err != nil {
		return nil, nil, err
	}
	pages, err := render(payout)
	if err != nil {
		return nil, nil, err
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	s, done, err := openStore(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer done()

	var ours, bare sample
	for range rounds {
		bare.add(func() error { return decodeOnly(pages) })
		ours.add(func() error { return fetchAndProve(ctx, server.URL, s) })
	}
	if err := ours.err(bare); err != nil {
		return nil, nil, err
	}
	rate := func(s sample) string {
		return fmt.Sprintf("%.0f rows/s, %.0f B/row", rows/s.time().Seconds(), float64(s.allocated())/rows)
	}
	return []figure{
		{"fetch + prove + archive, against only decoding with encoding/json", rate(ours), rate(bare), float64(ours.time()) / float64(bare.time()), 0.8},
		{"allocated bytes per row of the same", "", "", float64(ours.allocated()) / float64(bare.allocated()), 0.8},
	}, nil, nil
}

// sample holds the costs of several rounds of the same work; the median counts.
type sample struct {
	times  []time.Duration
	bytes  []uint64
	failed error
}

func (s *sample) add(work func() error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	if err := work(); err != nil {
		s.failed = err
	}
	s.times = append(s.times, time.Since(began))
	runtime.ReadMemStats(&after)
	s.bytes = append(s.bytes, after.TotalAlloc-before.TotalAlloc)
}

func (s *sample) time() time.Duration { slices.Sort(s.times); return s.times[len(s.times)/2] }
func (s *sample) allocated() uint64   { slices.Sort(s.bytes); return s.bytes[len(s.bytes)/2] }

func (s *sample) err(others ...sample) error {
	for _, o := range others {
		if o.failed != nil {
			return o.failed
		}
	}
	return s.failed
}

// rendered serves the pages of one payout from memory, so that making them costs nothing during the
// measurement.
type rendered struct {
	pages  map[string][]byte // by offset
	payout []byte
}

func render(p *shop.Payout) (rendered, error) {
	sim, err := klarnasim.New(shop.New(p.MerchantID, p.RegistrationCurrency, p), klarnasim.Options{Environment: "test", Keys: []klarnasim.Key{{Key: key}}})
	if err != nil {
		return rendered{}, err
	}
	out := rendered{pages: map[string][]byte{}}
	ask := func(path string) []byte {
		r := httptest.NewRequest(http.MethodGet, "/settlements/v1"+path, http.NoBody)
		r.Header.Set("Authorization", "Basic "+key)
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		return slices.Clone(w.Body.Bytes())
	}
	for offset := 0; offset < p.Rows.Len(); offset += klarna.MaxPageSize {
		at := strconv.Itoa(offset)
		out.pages[at] = ask("/transactions?payment_reference=" + p.PaymentReference + "&size=500&offset=" + at)
	}
	out.payout = ask("/payouts/" + p.PaymentReference)
	return out, nil
}

func (p rendered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := p.pages[r.URL.Query().Get("offset")]
	if r.URL.Path == "/settlements/v1/payouts/"+reference {
		body = p.payout
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// decodeOnly is the baseline.
func decodeOnly(pages rendered) error {
	for _, body := range pages.pages {
		var page struct {
			Transactions []klarna.Transaction `json:"transactions"`
			Pagination   struct {
				Count, Total, Offset int64
				Next, Prev           *string
			} `json:"pagination"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
	}
	return nil
}

func openStore(ctx context.Context) (*store.Store, func(), error) {
	dir, err := os.MkdirTemp("", "kvitt-bench-")
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "kvitt.db"))
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = s.Close(); _ = os.RemoveAll(dir) }
	if err := s.Migrate(ctx); err != nil {
		done()
		return nil, nil, err
	}
	if err := s.CreateConnection(ctx, store.Connection{ID: "bench", Name: "Bench", Provider: "klarna", Region: "eu", Posting: "auto", Start: "2025-01-01"}); err != nil {
		done()
		return nil, nil, err
	}
	return s, done, nil
}

// fetchAndProve is the real path: the client, the tally, the archive in a real database, and the proof.
// Klarna's request budget is lifted, because only our own cost is measured.
func fetchAndProve(ctx context.Context, url string, s *store.Store) error {
	credential, err := klarna.ParseCredential("klarna", "eu", key, "")
	if err != nil {
		return err
	}
	client, err := klarna.New(credential, klarna.Options{BaseURL: url, Limiter: rate.NewLimiter(rate.Inf, 1)})
	if err != nil {
		return err
	}
	defer client.Close()
	return proveWith(ctx, client, s)
}

func proveWith(ctx context.Context, client *klarna.Client, s *store.Store) error {
	listed, _, err := client.Payout(ctx, reference)
	if err != nil {
		return err
	}
	payout := listed.Settlement()
	if _, err := s.UpsertPayouts(ctx, "bench", []store.Payout{{
		PaymentReference: reference, MerchantID: payout.MerchantID, Currency: string(payout.Currency), SettlementType: string(payout.Type), Date: payout.Date,
	}}); err != nil {
		return err
	}
	tally, _, announced, err := activities.Fetch(ctx, client, archive.NewWriter(s, "bench", reference, archive.KindTransactions), &payout, nil)
	if err != nil {
		return err
	}
	_, err = settlement.Prove(payout, tally, announced, nil)
	return err
}
