package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/pgtest"
	"kvitt/internal/store"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		os.Exit(child(url))
	}
	os.Exit(pgtest.Run(m))
}

// database is one of the two databases that every test runs on.
type database struct {
	url string
}

// onBoth runs a test on a fresh, set up SQLite file and on a fresh, set up
// PostgreSQL database.
func onBoth(t *testing.T, f func(t *testing.T, db database)) {
	t.Helper()
	onBothEmpty(t, func(t *testing.T, db database) {
		if err := db.open(t).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(t, db)
	})
}

// onBothEmpty is onBoth without the tables.
func onBothEmpty(t *testing.T, f func(t *testing.T, db database)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		f(t, database{"sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		f(t, database{pgtest.Database(t)})
	})
}

func (db database) sqlite() bool { return strings.HasPrefix(db.url, "sqlite:") }

// open opens a handle of its own, as another process would.
func (db database) open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), db.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// behindItsBack runs a statement without the store, as somebody with access to the database could.
func (db database) behindItsBack(t *testing.T, statement string) error {
	t.Helper()
	driver, dsn := "pgx", db.url
	if path, ok := strings.CutPrefix(db.url, "sqlite:"); ok {
		driver, dsn = "sqlite", path
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	_, err = raw.ExecContext(t.Context(), statement)
	return err
}

// at is a time on a day of January 2026.
func at(day, hour int) time.Time { return time.Date(2026, 1, day, hour, 30, 15, 123456000, time.UTC) }

func connection(t testing.TB, s *store.Store, id string) store.Connection {
	t.Helper()
	c := store.Connection{
		ID: id, Name: "Garn & Sånt AB", Provider: "klarna", Region: "eu", Environment: "live", Posting: "review",
		State: "setup", Start: "2026-01-01", Klarna: json.RawMessage(`{"state":"missing"}`), Visma: json.RawMessage(`{ "state" : "missing" }`),
		MerchantID: "K1", CompanyID: "42", CompanyName: "Garn & Sånt", BaseCurrency: "SEK", ProfileVersion: 3, FourEyes: true,
	}
	must(t, s.CreateConnection(t.Context(), c))
	return c
}

func payout(reference string, day int) store.Payout {
	return store.Payout{
		PaymentReference: reference, MerchantID: "K1", Date: at(day, 6), Currency: "SEK", SettlementType: "NET",
		Settlement: 85_900_00, OpeningDebt: 0, ClosingDebt: 12, Payout: json.RawMessage(`{"payment_reference":"` + reference + `"}`),
	}
}

// withPayout returns a store with the connection c1 and its payout P1.
func withPayout(t testing.TB, db database) *store.Store {
	t.Helper()
	s := db.open(t)
	connection(t, s, "c1")
	upsert(t, s, "c1", payout("P1", 1))
	return s
}

func upsert(t testing.TB, s *store.Store, connection string, payouts ...store.Payout) map[string]string {
	t.Helper()
	states, err := s.UpsertPayouts(t.Context(), connection, payouts)
	must(t, err)
	return states
}

func posting() store.Booking {
	return store.Booking{
		CompanyID: "42", Token: "[kvitt:0123456789abcdef]", ConnectionID: "c1", PaymentReference: "P1", Revision: 0,
		VoucherHash: "h1", Voucher: json.RawMessage(`{"lines":[]}`), Period: "202601", Mode: "auto",
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t testing.TB, what string, got, want any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// refused expects an error whose text contains part.
func refused(t testing.TB, what string, err error, part string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s was allowed", what)
	case !strings.Contains(err.Error(), part):
		t.Errorf("%s was refused with %q, want words with %q", what, err, part)
	}
}

// together runs n functions at once and fails the test for each error.
func together(t *testing.T, n int, f func(ctx context.Context, i int) error) {
	t.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() {
			if err := f(t.Context(), i); err != nil {
				errs <- fmt.Errorf("number %d: %w", i, err)
				return
			}
			errs <- nil
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
