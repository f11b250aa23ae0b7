package store_test

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"kvitt/internal/store"
)

// before sets a database up as migrations up to one of them, and some later ones,
// leave it, and runs statements on it.
func (db database) before(t *testing.T, version int64, beside []int64, statements string) {
	t.Helper()
	driver, dsn, dialect, foreign := "pgx", db.url, goose.DialectPostgres, "_sqlite.sql"
	if path, ok := strings.CutPrefix(db.url, "sqlite:"); ok {
		driver, dsn, dialect, foreign = "sqlite", path, goose.DialectSQLite3, "_postgres.sql"
	}
	raw, err := sql.Open(driver, dsn)
	must(t, err)
	defer func() { must(t, raw.Close()) }()
	files, err := os.ReadDir("migrations")
	must(t, err)
	var others []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), foreign) {
			others = append(others, f.Name())
		}
	}
	m, err := goose.NewProvider(dialect, raw, os.DirFS("migrations"), goose.WithExcludeNames(others), goose.WithDisableGlobalRegistry(true))
	must(t, err)
	_, err = m.UpTo(t.Context(), version)
	must(t, err)
	for _, v := range beside {
		_, err := m.ApplyVersion(t.Context(), v, true)
		must(t, err)
	}
	_, err = raw.ExecContext(t.Context(), statements)
	must(t, err)
}

// lastRelease is what a database of before bookings had kinds holds.
const lastRelease = `
INSERT INTO connections (id, name, provider, region, environment, posting, state, start_date, klarna, visma, merchant_id, company_id, company_name, base_currency, profile_version, created_at, updated_at)
	VALUES ('c1', 'Shop', 'klarna', 'eu', 'live', 'auto', 'active', '2026-01-01', '', '', 'K1', '42', 'Shop', 'SEK', 1, 1, 1);
INSERT INTO payouts (connection_id, payment_reference, merchant_id, payout_date, currency, settlement_type, settlement, opening_debt, closing_debt, payout, state, held_reason, held, row_count, proof, voucher, voucher_hash, profile_version, discovered_at, updated_at)
	VALUES ('c1', 'P1', 'K1', 1, 'SEK', 'NET', 1, 0, 0, '{}', 'reversed', '', '', 0, '', '', '', 1, 1, 1);
INSERT INTO postings (company_id, token, connection_id, payment_reference, revision, voucher_hash, voucher, period, mode, state, job_id, batch_number, attempts, attempted_at, unknown_since, absent_since, adopted, failure, created_at, updated_at, compared)
	VALUES ('42', 'T0', 'c1', 'P1', 0, 'h', '{}', '202601', 'auto', 'reversed', '', '000001', 1, 2, NULL, NULL, FALSE, '', 5, 6, 1),
	('42', 'T1', 'c1', 'P1', 1, 'h', '{}', '202601', 'auto', 'unknown', 'job', '', 3, 7, 8, 9, TRUE, '{"a":1}', 5, 6, 0);
INSERT INTO accruals (company_id, token, connection_id, payment_reference, revision, voucher_hash, voucher, period, mode, state, job_id, batch_number, attempts, attempted_at, unknown_since, absent_since, adopted, failure, created_at, updated_at, compared)
	VALUES ('42', 'T2', 'c1', 'accrual 2026-01-31 SEK', 0, 'h', '{}', '202601', 'draft', 'draft', '', '000003', 1, NULL, NULL, NULL, FALSE, '', 5, 6, 1),
	('42', 'T3', 'c1', 'split P1 2026-01-31', 0, 'h', '{}', '202601', 'auto', 'sending', '', '', 1, 1, NULL, NULL, FALSE, '', 5, 6, 0),
	('42', 'T4', 'c1', 'split P2 2026-02-28', 0, 'h', '{}', '202602', 'auto', 'rejected', '', '', 1, 1, NULL, NULL, FALSE, '', 5, 6, 0);
INSERT INTO posting_attempts VALUES ('42', 'T1', 1, 1, 'post', 'no answer', 504, 'r', '{}');
INSERT INTO accrual_attempts VALUES ('42', 'T3', 1, 1, 'poll', 'no answer', 504, 'r', '{}');
INSERT INTO drift VALUES ('42', 'T0', 'edited', '[]', '{}', 'null', 1, 2);
INSERT INTO accrual_drift VALUES ('42', 'T2', 'not_taken_back', '[]', '{}', 'null', 1, 2);
INSERT INTO decisions VALUES ('c1', 'payout', 'P1', 1, 'keep', 0, 'x', '', 0, '', '', '', 'because', 'a@b', 1, 0), ('c1', 'payout', 'P1', 2, 'undo', 0, 'x', '', 0, '', '', '', 'because', 'a@b', 1, 1);
DELETE FROM register_todo;`

func TestAnUpgradeRemembersEverythingThatWasBooked(t *testing.T) {
	for name, beside := range map[string][]int64{"from the last release": nil, "from a build that had a later migration": {22}} {
		t.Run(name, func(t *testing.T) {
			onBothEmpty(t, func(t *testing.T, db database) {
				ctx := t.Context()
				db.before(t, 18, beside, lastRelease)
				s := db.open(t)
				refused(t, "using it as it is", s.Ready(ctx), "starter setup")
				together(t, 2, func(ctx context.Context, _ int) error { return s.Migrate(ctx) })
				must(t, s.Ready(ctx))
				all, err := s.Bookings(ctx, "c1", "")
				must(t, err)
				var told []string
				for i := range all {
					p := &all[i]
					told = append(told, strings.Join([]string{p.Token, p.Kind, p.Name, p.PaymentReference, p.Day, p.State, p.BatchNumber}, "|"))
				}
				slices.Sort(told)
				same(t, "what is remembered", told, []string{
					"T0|payout|P1|P1||reversed|000001", "T1|reversal|P1|P1||unknown|", "T2|accrual|accrual 2026-01-31 SEK||2026-01-31|draft|000003",
					"T3|part|split P1 2026-01-31|P1|2026-01-31|sending|", "T4|part|split P2 2026-02-28||2026-02-28|rejected|",
				})
				got, err := s.Booking(ctx, "42", "T1")
				must(t, err)
				if got.Attempts != 3 || got.AttemptedAt.UnixMicro() != 7 || got.UnknownSince.UnixMicro() != 8 || got.AbsentSince.UnixMicro() != 9 || !got.Adopted ||
					string(got.Failure) != `{"a":1}` || got.CreatedAt.UnixMicro() != 5 || got.UpdatedAt.UnixMicro() != 6 || got.JobID != "job" || got.Revision != 1 {
					t.Errorf("a posting in doubt is now %+v", got)
				}
				for token, want := range map[string]string{"T1": "post", "T3": "poll"} {
					tried, err := s.Attempts(ctx, "42", token)
					must(t, err)
					if len(tried) != 1 || tried[0].Action != want {
						t.Errorf("tried for %s: %+v", token, tried)
					}
				}
				found, err := s.Drifts(ctx, "c1")
				must(t, err)
				if len(found) != 2 || found[0].Word != "edited" || found[1].Word != "not_taken_back" {
					t.Errorf("found: %+v", found)
				}
				decided, err := s.Decisions(ctx, "c1", store.WorkPayout, "P1")
				must(t, err)
				if len(decided) != 1 || decided[0].Undone == nil {
					t.Errorf("decided: %+v", decided)
				}
				todos, err := s.Todos(ctx, "c1", store.Todo{}, 0)
				must(t, err)
				same(t, "what reports read anew because of it", len(todos), 0)
				refused(t, "changing a decision", db.behindItsBack(t, "UPDATE decisions SET reason = 'x'"), "append-only")
				refused(t, "undoing it twice", db.behindItsBack(t, "INSERT INTO decisions SELECT connection_id, work, name, 3, kind, revision, code, component, difference, account, batch_number, evidence, reason, who, at, undoes FROM decisions WHERE seq = 2"), "decisions")
				must(t, db.behindItsBack(t, "SELECT 1 FROM bookings"))
				refused(t, "the memory of before", db.behindItsBack(t, "SELECT 1 FROM postings"), "postings")
			})
		})
	}
}

// A process of before may be writing down what it sends while another one upgrades:
// what it writes must not be lost, or it is booked twice.
func TestWhatIsWrittenDuringAnUpgradeIsNotLost(t *testing.T) {
	db := fresh(t)
	ctx := t.Context()
	db.before(t, 18, nil, lastRelease)
	raw, err := sql.Open("pgx", db.url)
	must(t, err)
	defer func() { must(t, raw.Close()) }()
	tx, err := raw.BeginTx(ctx, nil)
	must(t, err)
	_, err = tx.ExecContext(ctx, `UPDATE postings SET state = 'booked', batch_number = '000002' WHERE token = 'T1'`)
	must(t, err)
	_, err = tx.ExecContext(ctx, `UPDATE accruals SET state = 'booked', batch_number = '000005' WHERE token = 'T3'`)
	must(t, err)
	s, upgraded := db.open(t), make(chan error, 1)
	go func() { upgraded <- s.Migrate(ctx) }()
	for waits := 0; waits == 0; {
		must(t, raw.QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted").Scan(&waits))
	}
	must(t, tx.Commit())
	must(t, <-upgraded)
	for token, want := range map[string]string{"T1": "000002", "T3": "000005"} {
		got, err := s.Booking(ctx, "42", token)
		must(t, err)
		same(t, "the batch of "+token, got.BatchNumber, want)
	}
}
