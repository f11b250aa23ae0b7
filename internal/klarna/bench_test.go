package klarna

import (
	"encoding/json"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// The two benchmarks of decoding differ in the decoder alone: the same bytes,
// the same struct, the same room for the rows. go test -bench Decode
func BenchmarkDecodePage(b *testing.B) {
	body := samplePage(0, 500, 500)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var page collection[Transaction]
	for b.Loop() {
		page = collection[Transaction]{Items: page.Items}
		if err := transactionsShape.decode(body, &page, true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePageByEncodingJSON(b *testing.B) {
	body := samplePage(0, 500, 500)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var page plain[Transaction]
	for b.Loop() {
		clear(page.Transactions)
		page = plain[Transaction]{Transactions: page.Transactions[:0]}
		if err := json.Unmarshal(body, &page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeRatio measures both in turn, so that a busy machine slows both.
func BenchmarkDecodeRatio(b *testing.B) {
	body := samplePage(0, 500, 500)
	var ours, theirs time.Duration
	var page collection[Transaction]
	var standard plain[Transaction]
	for b.Loop() {
		start := time.Now()
		page = collection[Transaction]{Items: page.Items}
		if err := transactionsShape.decode(body, &page, true); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		clear(standard.Transactions)
		standard = plain[Transaction]{Transactions: standard.Transactions[:0]}
		if err := json.Unmarshal(body, &standard); err != nil {
			b.Fatal(err)
		}
		ours, theirs = ours+middle.Sub(start), theirs+time.Since(middle)
	}
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times-faster")
}

// BenchmarkTransactions reads a payout of 10,000 rows over a network without
// a network.
func BenchmarkTransactions(b *testing.B) {
	const n = 10_000
	client, err := New(Credential{Klarna, Europe, testKey, ""}, Options{
		HTTPClient: inMemory(endless(500, n)), Limiter: rate.NewLimiter(rate.Inf, 1),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for page, err := range client.Transactions(b.Context(), TransactionsQuery{PaymentReference: "4711"}) {
			if err != nil {
				b.Fatal(err)
			}
			page.Release()
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}
