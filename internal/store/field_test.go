package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/pgtest"
	"kvitt/internal/store"
)

// transactions are the settings of a PgBouncer that releases a connection after every transaction, and
// does not know prepared statements.
const transactions = "pool_mode = transaction\ndefault_pool_size = 3"

// field reads a file of cases found in the field, "" where the folder does not exist.
func field(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("KVITT_REFERENCE_DIR")
	if dir == "" {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(dir, "cases", "field", name)) //nolint:gosec // a folder of the person who runs the tests
	must(t, err)
	return string(b)
}

func TestEveryAddressThatLibpqKnowsIsRead(t *testing.T) {
	socket := closed(t)
	urls := map[string]string{ // with the name that messages show
		"postgres://kvitt:hemligt@db1.invalid:5432,db2.invalid/kvitt?target_session_attrs=read-write": "postgres://kvitt@db1.invalid:5432,db2.invalid/kvitt?target_session_attrs=read-write",
		"postgres://kvitt:hemligt@[::1]:1,[::1]:2/kvitt":                                              "postgres://kvitt@[::1]:1,[::1]:2/kvitt",
		"postgres://kvitt@%2Fnowhere%2Fpostgresql/kvitt":                                              "postgres://kvitt@%2Fnowhere%2Fpostgresql/kvitt",
		"postgresql://kvitt:hem%2Fligt@" + socket + "/kvitt":                                          "postgresql://kvitt@" + socket + "/kvitt",
		"postgres:///kvitt?host=/nowhere&user=kvitt&password=hemligt":                                 "postgres:///kvitt?host=%2Fnowhere&user=kvitt",
		"postgres://" + socket + "," + socket + "/kvitt?sslmode=disable":                              "postgres://" + socket + "," + socket + "/kvitt?sslmode=disable",
	}
	for line := range strings.Lines(field(t, "c1-database-urls.txt")) {
		if line = strings.TrimSpace(line); line != "" {
			urls[line] = strings.Replace(line, ":PASSWORD@", "@", 1)
		}
	}
	for url, name := range urls {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := store.Open(ctx, url)
		cancel()
		switch {
		case !errors.Is(err, store.ErrUnreachable):
			t.Errorf("%s: %v", url, err)
		case !strings.Contains(err.Error(), "reach the database "+name+":"):
			t.Errorf("%s: the message does not name %s: %v", url, name, err)
		case strings.Contains(err.Error(), "hem") || strings.Contains(err.Error(), "PASSWORD"):
			t.Errorf("%s: the password is in the error: %v", url, err)
		}
	}
}

// closed is an address where nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func TestAPasswordThatBreaksTheAddressIsNotTakenForAHost(t *testing.T) {
	for _, text := range []string{
		"postgres://kvitt:12/hemligt@db/kvitt", "postgres://kvitt:1?hemligt@db/kvitt", "postgres://kvitt:hemligt@db1,db2:port/kvitt",
		"postgres://kvitt:hemligt@db1,,db2/kvitt", "postgres://kvitt:hemligt@[::1/kvitt", "postgres://kvitt:hem%ligt@db/kvitt", "postgres://kvitt:hemligt@db/kvitt?a=%zz",
	} {
		_, err := store.Open(t.Context(), text)
		if !errors.Is(err, store.ErrBadURL) || strings.Contains(err.Error(), "ligt") || !strings.Contains(err.Error(), "HOST1:5432,HOST2:5432") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTheSecondHostIsUsedWhereTheFirstIsDown(t *testing.T) {
	direct, err := url.Parse(pgtest.Database(t))
	must(t, err)
	dir := direct.Query().Get("host")
	s, err := store.Open(t.Context(), "postgres://kvitt@"+closed(t)+","+url.QueryEscape(dir)+":5432"+direct.Path+"?target_session_attrs=read-write&sslmode=disable")
	must(t, err)
	must(t, s.Migrate(t.Context()))
	must(t, s.Close())
}

func TestEveryHostThatDoesNotAnswerIsNamed(t *testing.T) {
	one, two := closed(t), closed(t)
	_, err := store.Open(t.Context(), "postgres://kvitt:hemligt@"+one+","+two+"/kvitt")
	for _, part := range []string{one + ": connect: connection refused", two + ": connect: connection refused"} {
		if err == nil || strings.Count(err.Error(), part) != 1 {
			t.Errorf("%q is not in it exactly once: %v", part, err)
		}
	}
}

func TestAServerThatOnlyReadsIsNamedWithWhatHelps(t *testing.T) {
	db := fresh(t)
	name := db.url[strings.LastIndex(db.url, "/")+1 : strings.Index(db.url, "?")]
	must(t, db.open(t).Migrate(t.Context()))
	must(t, db.behindItsBack(t, "ALTER DATABASE "+name+" SET default_transaction_read_only = on"))
	err := db.open(t).Audit(t.Context(), store.AuditEntry{Who: "x", Action: "x"})
	if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), "target_session_attrs=read-write") {
		t.Errorf("a write: %v", err)
	}
	_, err = store.Open(t.Context(), db.url+"&target_session_attrs=read-write")
	if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), "read only") {
		t.Errorf("opening: %v", err)
	}
}

func TestBehindAPoolerNothingDependsOnTheConnection(t *testing.T) {
	for _, settings := range []string{transactions, "pool_mode = session\ndefault_pool_size = 40"} {
		db := database{pgtest.Pooled(t, settings)}
		s := db.open(t)
		if !s.Pooled() {
			t.Errorf("%s: the pooler is not noticed", settings)
		}
		must(t, s.Migrate(t.Context()))
		connection(t, s, "c1")
		// More concurrent users than the pool has connections, all with the same statements, from two
		// processes.
		stores := []*store.Store{s, db.open(t)}
		together(t, 24, func(ctx context.Context, i int) error { return work(ctx, stores[i%2], i) })
		must(t, s.VerifyAudit(t.Context()))
	}
}

func work(ctx context.Context, s *store.Store, i int) error {
	for round := range 4 {
		reference := fmt.Sprint("P", i, "-", round)
		if _, err := s.UpsertPayouts(ctx, "c1", []store.Payout{payout(reference, 1+round)}); err != nil {
			return err
		}
		unlock, err := s.Lock(ctx, "one at a time", time.Minute)
		if err != nil {
			return err
		}
		unlock()
		if err := s.Audit(ctx, store.AuditEntry{Who: "x", Action: "x", ConnectionID: "c1", Subject: "payout/" + reference}); err != nil {
			return err
		}
		p, err := s.Payout(ctx, "c1", reference)
		if err != nil {
			return fmt.Errorf("read %s back: %w", reference, err)
		}
		if p.Settlement != 85_900_00 {
			return fmt.Errorf("read %s back: %d", reference, p.Settlement)
		}
	}
	return nil
}

func TestAPoolerThatWasNotNoticedIsNamedWithWhatHelps(t *testing.T) {
	db := database{pgtest.Pooled(t, transactions)}
	must(t, db.open(t).Migrate(t.Context()))
	forced := database{db.url + "&default_query_exec_mode=cache_statement"}
	s := forced.open(t)
	connection(t, s, "c1")
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() { errs <- work(t.Context(), s, i) }()
	}
	var first error
	for range cap(errs) {
		first = errors.Join(first, <-errs)
	}
	if first == nil || !strings.Contains(first.Error(), "default_query_exec_mode=cache_describe") || !strings.Contains(first.Error(), "PgBouncer") {
		t.Errorf("statements that the pooler has lost: %v", first)
	}
}

func TestWithoutAPoolerStatementsStayPrepared(t *testing.T) {
	if fresh(t).open(t).Pooled() {
		t.Error("PostgreSQL itself is taken for a pooler")
	}
}

func TestThePoolersOfTheFieldWork(t *testing.T) {
	ini := field(t, "c4-pgbouncer.ini")
	if ini == "" {
		return // the table above covers it
	}
	_, settings, _ := strings.Cut(ini, "[pgbouncer]")
	var kept []string
	for line := range strings.Lines(settings) {
		if !strings.HasPrefix(line, "listen_") && !strings.HasPrefix(line, "auth_type") {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	s := database{pgtest.Pooled(t, strings.Join(kept, "\n"))}.open(t)
	must(t, s.Migrate(t.Context()))
	connection(t, s, "c1")
	together(t, 8, func(ctx context.Context, i int) error { return work(ctx, s, i) })
	if !s.Pooled() {
		t.Error("it is not noticed")
	}
}
