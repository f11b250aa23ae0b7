package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
)

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: "review", Start: "2026-01-01"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpsertPayouts(t.Context(), "c1", []store.Payout{{PaymentReference: "10001", Currency: "SEK", SettlementType: "NET", Date: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func keep(t *testing.T, s *store.Store, pages int) archive.Kept {
	t.Helper()
	w := archive.NewWriter(s, "c1", "10001", archive.KindTransactions)
	body := []byte{}
	for i := range pages {
		body = append(body[:0], page(i)...) // one buffer for all: the archive must not keep a reference to it
		if err := w.Add(context.Background(), &klarna.Answer{Body: body, Path: fmt.Sprint("/transactions?offset=", i), FetchedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func page(i int) []byte { return []byte(strings.Repeat(fmt.Sprintf(`{"row":%d}`, i), 200)) }

func TestAnswersAreReadBackByteForByteInOrder(t *testing.T) {
	s := open(t)
	kept := keep(t, s, 40)
	if kept.Parts != 40 || kept.Size != int64(40*len(page(0))+200*30) {
		t.Errorf("kept %+v", kept)
	}
	i := 0
	for body, err := range archive.Read(t.Context(), s, "c1", "10001", archive.KindTransactions) {
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body, page(i)) {
			t.Fatalf("page %d reads back as %.40q", i, body)
		}
		i++
	}
	if i != 40 {
		t.Errorf("%d pages read back", i)
	}
}

func TestAShorterListingReplacesALongerOne(t *testing.T) {
	s := open(t)
	long, short := keep(t, s, 40), keep(t, s, 3)
	if long.Digest == short.Digest {
		t.Error("different evidence has the same digest")
	}
	n := 0
	for range archive.Read(t.Context(), s, "c1", "10001", archive.KindTransactions) {
		n++
	}
	if n != 3 {
		t.Errorf("%d pages are left", n)
	}
}

func TestATamperedDocumentIsNotRead(t *testing.T) {
	s := open(t)
	keep(t, s, 1)
	for doc, err := range s.Documents(t.Context(), "c1", "10001", archive.KindTransactions) {
		if err != nil {
			t.Fatal(err)
		}
		doc.SHA256 = strings.Repeat("0", 64)
		if err := s.PutDocuments(t.Context(), []store.Document{doc}); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range archive.Read(t.Context(), s, "c1", "10001", archive.KindTransactions) {
		if err == nil || !strings.Contains(err.Error(), "no longer match") {
			t.Errorf("the error is %v", err)
		}
	}
}
