package report_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/pgtest"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

const (
	scalePages = 300 * time.Millisecond // what a page may take
	scaleRows  = 300                    // of each payout
	scaleDays  = 5 * 365
)

// TestScale fills a PostgreSQL with 100,000 payouts and 30 million archived rows,
// lets reports catch up with them, and measures every page. `make scale` runs it
// and keeps what it finds, plans included, in docs/performance.md.
func TestScale(t *testing.T) {
	into := os.Getenv("KVITT_SCALE")
	if into == "" {
		t.Skip("takes a quarter of an hour; `make scale` runs it")
	}
	payouts := 100_000
	if n, err := strconv.Atoi(os.Getenv("KVITT_SCALE_PAYOUTS")); err == nil {
		payouts = n
	}
	s := newScale(t, payouts)
	s.fill()
	s.catchUp()
	s.pages()
	s.streams()
	s.plans()
	text := strings.Join(s.lines, "\n") + "\n"
	t.Log("\n" + text)
	if payouts == 100_000 {
		s.keep(into, text)
	}
}

type scale struct {
	*world
	url     string
	payouts int
	lines   []string
	last    time.Time
}

func newScale(t *testing.T, payouts int) *scale {
	t.Helper()
	url := pgtest.Database(t)
	opened, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	s := &scale{world: &world{t: t, store: opened}, url: url, payouts: payouts}
	s.must(opened.Migrate(t.Context()))
	zone, err := time.LoadLocation("Europe/Stockholm")
	s.must(err)
	c := store.Connection{
		ID: "c1", Name: "x", Provider: "klarna", Region: "eu", Environment: "live", Posting: "auto", State: "active", Start: "2021-01-01",
		Klarna: json.RawMessage(`{}`), Visma: json.RawMessage(`{}`), MerchantID: "K1", CompanyID: "5560001", CompanyName: "Stor AB", BaseCurrency: "SEK",
	}
	s.must(opened.CreateConnection(t.Context(), c))
	s.last = time.Date(2025, time.December, 31, 0, 0, 0, 0, time.UTC)
	s.Reports = &report.Reports{Source: opened, Connection: c, Zone: zone, Now: s.last.AddDate(0, 0, 1)}
	return s
}

func scaleReference(n int) string { return fmt.Sprintf("9%09d", n) }

// scaleOrder is the id of an order of a payout: random to the eye, as ids are.
func scaleOrder(payout, order int) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(payout, " ", order)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// page is the archived rows of a payout: sales with two fees each.
func (s *scale) page(n int, room []byte) []byte {
	b := append(room[:0], `{"transactions":[`...)
	for order := range scaleRows / 3 {
		id := scaleOrder(n, order)
		ids := `"currency_code":"SEK","vat_rate":2500,"sale_date":"2025-01-01T10:00:00Z","capture_date":"2025-01-02T10:00:00Z","order_id":"` + id + `","short_order_id":"` + strings.ToUpper(id[:8]) +
			`","capture_id":"` + id[9:] + `","merchant_reference1":"` + strconv.Itoa(1_000_000+n*100+order) + `","purchase_country":"SE","payment_reference":"` + scaleReference(n) + `"`
		for i, kind := range [3]string{
			`{"type":"SALE","detailed_type":"PURCHASE","amount":100000,`,
			`{"type":"FEE","detailed_type":"PURCHASE_FEE_PERCENTAGE","amount":2480,"vat_amount":620,`,
			`{"type":"FEE","detailed_type":"PURCHASE_FEE_FIXED","amount":200,"vat_amount":50,`,
		} {
			if order > 0 || i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, kind...), ids...), '}')
		}
	}
	return append(b, `],"pagination":{"count":300,"total":300,"offset":0}}`...)
}

// fill writes the records as the activities leave them.
func (s *scale) fill() {
	s.t.Helper()
	ctx := s.t.Context()
	began := time.Now()
	document, err := voucher.Preset("se-bas")
	s.must(err)
	profile, err := voucher.ParseProfile(document)
	s.must(err)
	_, err = s.store.AddProfile(ctx, "c1", document, profile.Hash(), "anna")
	s.must(err)
	const orders = scaleRows / 3
	totals := settlement.Totals{settlement.TotalSale: orders * 1000_00, settlement.TotalFee: orders * 26_80, settlement.TotalTax: orders * 6_70, settlement.TotalSettlement: orders * (1000_00 - 26_80 - 6_70)}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	s.must(err)
	db, err := pgx.Connect(ctx, s.url)
	s.must(err)
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()

	var room []byte
	for from := 0; from < s.payouts; from += 2000 {
		var payouts, documents, postings [][]any
		for n := from; n < min(from+2000, s.payouts); n++ {
			ref, at := scaleReference(n), s.last.Add(-time.Duration(s.payouts-n)*(scaleDays*24*time.Hour/time.Duration(s.payouts)))
			payout := settlement.Payout{PaymentReference: ref, MerchantID: "K1", Date: at, Currency: "SEK", Type: settlement.Net, Totals: totals}
			tally := settlement.NewTally("SEK")
			for range orders {
				tally.Add(&settlement.Row{Type: "SALE", DetailedType: "PURCHASE", Amount: 1000_00, Currency: "SEK", Country: "SE"})
				tally.Add(&settlement.Row{Type: "FEE", DetailedType: "PURCHASE_FEE_PERCENTAGE", Amount: 24_80, VAT: 6_20, Currency: "SEK", Country: "SE"})
				tally.Add(&settlement.Row{Type: "FEE", DetailedType: "PURCHASE_FEE_FIXED", Amount: 2_00, VAT: 50, Currency: "SEK", Country: "SE"})
			}
			proof, err := settlement.Prove(payout, tally, scaleRows, nil)
			s.must(err)
			v, err := voucher.Compile(profile, proof, voucher.Target{Company: "5560001"})
			s.must(err)
			room = s.page(n, room)
			sum := sha256.Sum256(room)
			digest := sha256.Sum256(append(make([]byte, 32), sum[:]...))
			kept := activities.Proof{Proof: proof, Evidence: archive.Kept{Parts: 1, Size: int64(len(room)), Digest: hex.EncodeToString(digest[:])}}
			voucherJSON := string(s.json(v))
			state, reason, posted := "verified", "", "verified"
			if n%500 == 499 { // one in 500 is held
				state, reason, posted = "held", "period_closed", "intended"
			}
			now := at.UnixMicro()
			payouts = append(payouts, []any{"c1", ref, "K1", now, "SEK", "NET", totals[settlement.TotalSettlement], int64(0), int64(0), string(s.json(payout)), state, reason, "", int64(scaleRows), string(s.json(kept)), voucherJSON, v.Hash(), int64(1), now, now})
			documents = append(documents, []any{"c1", ref, archive.KindTransactions, int64(0), hex.EncodeToString(sum[:]), int64(len(room)), "zstd", encoder.EncodeAll(room, nil), "", "/", now})
			batch := ""
			if posted == "verified" {
				batch = fmt.Sprintf("%06d", n+1)
			}
			postings = append(postings, []any{"5560001", v.Token, "payout", ref, "c1", ref, "", int64(0), v.Hash(), voucherJSON, v.Date.Time().Format("200601"), "auto", posted, "", batch, int64(1), nil, nil, nil, false, "", now, now, int64(0)})
		}
		s.copy(db, "payouts", "connection_id, payment_reference, merchant_id, payout_date, currency, settlement_type, settlement, opening_debt, closing_debt, payout, state, held_reason, held, row_count, proof, voucher, voucher_hash, profile_version, discovered_at, updated_at", payouts)
		s.copy(db, "documents", "connection_id, payment_reference, kind, seq, sha256, size, encoding, body, correlation_id, path, fetched_at", documents)
		s.copy(db, "bookings", "company_id, token, kind, name, connection_id, payment_reference, day, revision, voucher_hash, voucher, period, mode, state, job_id, batch_number, attempts, attempted_at, unknown_since, absent_since, adopted, failure, created_at, updated_at, compared", postings)
	}
	_, err = db.Exec(ctx, "INSERT INTO register_todo SELECT connection_id, payment_reference, 'rows', 1 FROM payouts ON CONFLICT DO NOTHING")
	s.must(err)
	_, err = db.Exec(ctx, "ANALYZE")
	s.must(err)
	s.t.Logf("filled in %s", time.Since(began).Round(time.Second))
}

func (s *scale) copy(db *pgx.Conn, table, columns string, rows [][]any) {
	s.t.Helper()
	_, err := db.CopyFrom(s.t.Context(), pgx.Identifier{table}, strings.Split(columns, ", "), pgx.CopyFromRows(rows))
	s.must(err)
}

func (s *scale) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// catchUp lets the reports read everything, and looks at what they keep.
func (s *scale) catchUp() {
	s.t.Helper()
	began := time.Now()
	done, err := s.CatchUp(s.t.Context(), 0, nil)
	s.must(err)
	if len(s.Problems) > 0 {
		s.t.Fatal(s.Problems)
	}
	took := time.Since(began)
	db, err := pgx.Connect(s.t.Context(), s.url)
	s.must(err)
	defer func() { _ = db.Close(context.WithoutCancel(s.t.Context())) }()
	_, err = db.Exec(s.t.Context(), "VACUUM ANALYZE")
	s.must(err)
	s.say("%d payouts with %d rows in one connection over five years, PostgreSQL 15 with 64 MB of", s.payouts, s.payouts*scaleRows)
	s.say("shared buffers, on the machine of the tables above.")
	s.say("")
	s.say("Reading all of it for the first time: %s, %d rows/s (%d steps).", took.Round(time.Second), int64(float64(s.payouts*scaleRows)/took.Seconds()), done)
	s.say("")
	s.say("| kept | bytes |\n|---|---|")
	for _, of := range []struct{ name, tables string }{
		{"payouts and postings", "'payouts', 'bookings'"},
		{"archive, as received", "'documents'"},
		{"sums for reports", "'register_sums', 'register_read', 'register_lines', 'register_todo'"},
		{"index of references", "'reference_lists', 'reference_pages', 'reference_segments'"},
	} {
		var size int64
		s.must(db.QueryRow(s.t.Context(), "SELECT SUM(pg_total_relation_size(oid))::BIGINT FROM pg_class WHERE relname IN ("+of.tables+") AND relkind = 'r'").Scan(&size))
		s.say("| %s | %d MB |", of.name, size>>20)
	}
	s.say("")
}

// pages measures what a person waits for.
func (s *scale) pages() {
	s.t.Helper()
	ctx := s.t.Context()
	all := report.Span{From: s.last.AddDate(0, 0, -scaleDays), To: s.last}
	year := report.Span{From: time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2024, time.December, 31, 0, 0, 0, 0, time.UTC)}
	deep := store.Cursor{Date: s.last.AddDate(-1, 0, 0), PaymentReference: scaleReference(0)}
	token := s.voucher(scaleReference(s.payouts / 2)).Token
	make1 := func(name string, span report.Span) func() error {
		return func() error {
			made, err := s.Make(ctx, name, span)
			if err != nil {
				return err
			}
			for _, err := range made.Rows {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	page := func(span report.Span, state string, after store.Cursor) func() error {
		return func() error {
			entries, _, err := s.Page(ctx, span, state, after, 100)
			if err == nil && len(entries) == 0 {
				err = fmt.Errorf("a page of %d payouts", len(entries))
			}
			return err
		}
	}
	find := func(reference string) func() error {
		return func() error {
			hits, err := s.Find(ctx, reference)
			if err == nil && len(hits) != 1 {
				err = fmt.Errorf("%d hits for %s", len(hits), reference)
			}
			return err
		}
	}
	s.say("| page | median of five | at most |\n|---|---|---|")
	for _, p := range []struct {
		name string
		ask  func() error
	}{
		{"register, the first 100", page(all, "", store.Cursor{})},
		{"register, 100 after four years", page(all, "", deep)},
		{"register, those that are held", page(all, "held", store.Cursor{})},
		{"register, sums of all five years", func() error { _, err := s.store.RegisterTotals(ctx, "c1", time.Time{}, time.Time{}); return err }},
		{"clearing, a year by month", make1(report.Clearing, year)},
		{"reserve, a year by month", make1(report.Reserve, year)},
		{"debt, a year by month", make1(report.Debt, year)},
		{"fees and VAT, a year by month, with charts", make1(report.Fees, year)},
		{"held, all", make1(report.Held, year)},
		{"find an order", find(scaleOrder(s.payouts/3, 42))},
		{"find a merchant's reference", find(strconv.Itoa(1_000_000 + (s.payouts/2)*100 + 7))},
		{"find a batch", find(fmt.Sprintf("%06d", s.payouts/4+1))},
		{"find a token", find(token)},
		{"find what is not there", func() error { _, err := s.Find(ctx, "no-such-order"); return err }},
	} {
		var took []time.Duration
		for range 5 {
			began := time.Now()
			s.must(p.ask())
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		s.say("| %s | %d ms | %d ms |", p.name, took[2].Milliseconds(), scalePages.Milliseconds())
		if took[2] > scalePages {
			s.t.Errorf("%s takes %s, at most %s are allowed", p.name, took[2], scalePages)
		}
	}
	s.say("")
}

// streams measures whether memory grows with a report.
func (s *scale) streams() {
	s.t.Helper()
	s.say("| report that streams | payouts | time | peak heap |\n|---|---|---|---|")
	for _, format := range []string{"csv", "xlsx"} {
		var peaks [2]uint64
		for i, span := range []report.Span{{From: s.last.AddDate(0, -1, 1), To: s.last}, {From: s.last.AddDate(0, 0, -scaleDays), To: s.last}} {
			made, err := s.Make(s.t.Context(), report.Register, span)
			s.must(err)
			rows := 0
			inner := made.Rows
			var stats runtime.MemStats
			made.Rows = func(yield func(report.Row, error) bool) {
				for row, err := range inner {
					if rows++; rows%500 == 0 {
						runtime.GC() // what is left is what is held on to
						runtime.ReadMemStats(&stats)
						peaks[i] = max(peaks[i], stats.HeapAlloc)
					}
					if !yield(row, err) {
						return
					}
				}
			}
			began := time.Now()
			s.must(made.Write(io.Discard, format, s.Now))
			s.say("| register as %s | %d | %s | %.1f MiB |", format, rows-1, time.Since(began).Round(100*time.Millisecond), float64(peaks[i])/(1<<20))
		}
		if peaks[1] > peaks[0]+4<<20 {
			s.t.Errorf("%s: the heap grows from %d to %d bytes with the number of payouts", format, peaks[0], peaks[1])
		}
	}
	s.say("")
}

func (s *scale) plans() {
	s.t.Helper()
	plans, err := s.store.ExplainRegister(s.t.Context(), "c1", time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC))
	s.must(err)
	s.say("Plans, for the year 2024 where a query has a span:\n")
	for _, p := range plans {
		s.say("**%s**\n", p.Name)
		for _, line := range p.Lines {
			if len(line) > 150 {
				line = line[:150] + "…"
			}
			s.say("    %s", line)
		}
		s.say("")
	}
}

// keep writes what was found between the two marks of a document.
func (s *scale) keep(path, text string) {
	s.t.Helper()
	const begin, end = "<!-- make scale writes from here -->\n", "<!-- to here -->\n"
	body, err := os.ReadFile(path)
	s.must(err)
	before, rest, ok := strings.Cut(string(body), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		s.t.Fatalf("%s has no place for it", path)
	}
	s.must(os.WriteFile(path, []byte(before+begin+"\n"+text+end+after), 0o600))
}
