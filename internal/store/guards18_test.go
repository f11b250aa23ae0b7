package store_test

import (
	"errors"
	"testing"
	"time"

	"kvitt/internal/store"
)

func TestDocumentsOfAVerifiedPayoutStay(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "auto", Start: "2026-01-01"}))
		_, err := s.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "P1", Date: time.Now(), Currency: "SEK", SettlementType: "NET", Payout: []byte(`{}`)}})
		must(t, err)
		document := func(sha, kind string) []store.Document {
			return []store.Document{{ConnectionID: "c1", PaymentReference: "P1", Kind: kind, SHA256: sha, Size: 1, Encoding: "identity", Body: []byte("x"), FetchedAt: time.Now()}}
		}
		must(t, s.PutDocuments(t.Context(), document("a", "pdf")))
		must(t, s.PutDocuments(t.Context(), document("b", "pdf"))) // until then it may be fetched again
		must(t, s.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error { p.State = "verified"; return nil }, nil))
		must(t, s.PutDocuments(t.Context(), document("b", "pdf"))) // the same again
		must(t, s.PutDocuments(t.Context(), document("c", "csv"))) // one more
		for what, err := range map[string]error{
			"replacing it": s.PutDocuments(t.Context(), document("c", "pdf")),
			"deleting it":  s.PruneDocuments(t.Context(), "c1", "P1", "pdf", 0),
		} {
			if err == nil || errors.Is(err, store.ErrUnreachable) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
