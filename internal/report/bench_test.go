package report_test

import (
	"crypto/sha256"
	"testing"

	"kvitt/internal/klarna"
	"kvitt/internal/report"
)

// BenchmarkReadingRows measures what decision 28 rests on: what it costs to read a page
// again, and how much of that is the references.
func BenchmarkReadingRows(b *testing.B) {
	body := (&scale{}).page(1, nil)
	page, err := klarna.DecodeTransactions(body)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			sha256.Sum256(body)
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := klarna.DecodeTransactions(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("references", func(b *testing.B) {
		for b.Loop() {
			report.Hashes(page.Items)
		}
	})
}
