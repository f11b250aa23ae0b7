package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/vault"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
)

func TestSettingsAndSurroundingsThatAreWrongEndInOneClearMessage(t *testing.T) {
	t.Parallel()
	w, err := begin(t.Context(), stack.Options{Shop: stack.Shop{Made: merchant(nil)}}) // no worker runs
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	another, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	id := facts[struct{ ID string }](t, w.done(t, "connection", "create", "--name", "Hus", "--output", "json")).ID
	backfill := []string{"backfill", id, "--from", "2026-01-01", "--to", "2026-01-31"}
	typo := w.profile(t, "clearing:", "claering:")
	for _, c := range []struct {
		name        string
		environment []string
		args        []string
		status      int
		words       []string
	}{
		{"no keyset", []string{"KVITT_KEYSET_FILE="}, backfill, 1, []string{"KVITT_KEYSET", "starter keyset new"}},
		{"a keyset file that is not there", []string{"KVITT_KEYSET_FILE=/nowhere/keyset.json"}, backfill, 1, []string{"KVITT_KEYSET_FILE", "/nowhere/keyset.json"}},
		{"another keyset", []string{"KVITT_KEYSET_FILE=", "KVITT_KEYSET=" + another}, backfill, 1, []string{"keyset", "KVITT_KEYSET"}},
		{"no such database", []string{"KVITT_DATABASE_URL=postgres://kvitt@127.0.0.1:1/kvitt?connect_timeout=2"}, backfill, 1, []string{"database", "127.0.0.1:1"}},
		{"a folder that is not there", []string{"KVITT_DATABASE_URL=sqlite:/nowhere/kvitt.db"}, backfill, 1, []string{"/nowhere/kvitt.db"}},
		{"a database without tables", []string{"KVITT_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "empty.db")}, backfill, 1, []string{"starter setup"}},
		{"no Temporal", []string{"TEMPORAL_ADDRESS=127.0.0.1:1"}, backfill, 1, []string{"Temporal", "127.0.0.1:1", "TEMPORAL_ADDRESS"}},
		{"no such namespace", []string{"TEMPORAL_NAMESPACE=elsewhere"}, backfill, 1, []string{"elsewhere", "TEMPORAL_NAMESPACE"}},
		{"no worker, for a key", nil, []string{"connection", "klarna-key", id, "--key-file", filepath.Join(w.Dir, "klarna.key")}, 1, []string{"no worker", "KVITT_TASK_QUEUE"}},
		{"no worker, for an authorisation", nil, []string{"connection", "authorize", id, "--service", "--tenant-id", stack.TenantID}, 1, []string{"no worker"}},
		{"no worker, for a sync", nil, []string{"sync", id}, 1, []string{"no worker"}},
		{"no credentials yet", nil, backfill, 1, []string{"klarna-key " + id}},
		{"an unknown connection", nil, []string{"backfill", "nobody", "--from", "2026-01-01", "--to", "2026-01-31"}, 1, []string{"nobody", id}},
		{"reversed days", nil, []string{"backfill", id, "--from", "2026-01-31", "--to", "2026-01-01"}, 2, []string{"2026-01-31", "2026-01-01", "--from"}},
		{"not a day", nil, []string{"backfill", id, "--from", "2026-02-30", "--to", "2026-03-01"}, 2, []string{"2026-02-30"}},
		{"no days", nil, []string{"backfill", id}, 2, []string{"--from", "--to"}},
		{"a profile with a typo, at creation", nil, []string{"connection", "create", "--name", "Hus", "--profile", typo}, 1, []string{typo, "claering", "clearing", "line ", "column "}},
		{"a profile with a typo, checked", nil, []string{"profile", "check", typo}, 1, []string{"claering", "line ", "column "}},
		{"a profile that is not there", nil, []string{"profile", "set", id, "/nowhere.yaml"}, 1, []string{"/nowhere.yaml"}},
		{"no such preset", nil, []string{"connection", "create", "--name", "Hus", "--profile", "se-bass"}, 1, []string{"se-bass", "se-bas"}},
		{"no such command", nil, []string{"connektion", "list"}, 2, []string{"connektion", "connection"}},
		{"no such flag", nil, append([]string{"--frm"}, backfill...), 2, []string{"--frm"}},
		{"a malformed database url", []string{"KVITT_DATABASE_URL=mysql://x"}, backfill, 1, []string{"KVITT_DATABASE_URL", "sqlite:", "postgres://"}},
		{"plain http to elsewhere", []string{"KVITT_VISMA_API_URL=http://example.com"}, backfill, 1, []string{"KVITT_VISMA_API_URL", "https"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.run(t, c.environment, c.args...).wait(t).refused(t, c.status, c.words...)
		})
	}
	t.Run("the worker does not start half", func(t *testing.T) { wrongWorkers(t, w, another) })
}

func TestAKlarnaKeyThatCannotWorkIsRefusedAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := town(t)
	h := w.unconnected(t, plan{})
	american, revoked := "klarna_test_api_american000000000000000000000", "klarna_test_api_revoked0000000000000000000000"
	w.addKey(t, klarnasim.Key{Key: american, Region: "na", MerchantID: h.merchant.MerchantID})
	w.addKey(t, klarnasim.Key{Key: revoked, Revoked: true, MerchantID: h.merchant.MerchantID})
	for _, c := range []struct {
		name, key string
		words     []string
	}{
		{"of another region", american, []string{"401", "region eu", "unknown in other regions"}},
		{"that is revoked", revoked, []string{"401", "revoked"}},
		{"of the other environment", "klarna_live_api_live0000000000000000000000000", []string{"401", "live"}},
		{"for browsers", "klarna_test_client_0000000000000000000000000", []string{"client"}},
		{"of the other provider", "kco_test_api_000000000000000000000000000000", []string{"Kustom", "provider kustom"}},
		{"that is cut", "klarna_te", []string{"klarna_"}},
		{"in two lines", "klarna_test_api_0000\nklarna_test_api_1111", []string{"line"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := w.starter(t, "connection", "klarna-key", h.id, "--yes", "--key-file", keyFile(t, c.key))
			s.refused(t, 1, c.words...)
			if len(c.key) > 20 && strings.Contains(s.err, c.key) {
				t.Errorf("the key is repeated:\n%s", s.err)
			}
			if now := h.status(t); now.State != "setup" || now.Klarna.State != "missing" {
				t.Errorf("the connection is %s, Klarna %+v", now.State, now.Klarna)
			}
		})
	}
	h.connect(t)
}

// spoilt is an answer of Klarna's that cannot be used.
type spoilt struct {
	name   string
	fault  klarnasim.Fault
	payout *shop.Payout
}

func TestAnswersThatCannotBeUsedAreEvidenceAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := town(t)
	h := w.house(t, plan{payouts: days(t, "2026-05-04", 3)})
	good := h.merchant.Payouts()
	all := []*spoilt{
		{name: "truncated", fault: klarnasim.Fault{Kind: klarnasim.FaultTruncated}},
		{name: "a web page", fault: klarnasim.Fault{Kind: klarnasim.FaultHTML}},
		{name: "bytes that are nothing", fault: klarnasim.Fault{Kind: klarnasim.FaultGarbage}},
	}
	var payouts []*shop.Payout
	for i, s := range all {
		s.payout = settled(t, []string{"2026-05-11", "2026-05-12", "2026-05-13"}[i])
		s.payout.MerchantID = h.merchant.MerchantID
		payouts = append(payouts, s.payout)
		s.fault.Path, s.fault.PaymentReference = "/transactions", s.payout.PaymentReference
		s.fault.ID = w.Klarna.Inject(s.fault)
	}
	h.merchant.Add(payouts...)
	got := report(t, w.starter(t, h.backfill("2026-05-01", "2026-05-31")...).with(t, 3))
	got.came(t, counted{Found: 6, Posted: 3, Held: 3})
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			why := h.held(t, s.payout.PaymentReference, "bad_data")
			if !strings.Contains(why.Detail, "Klarna") || !strings.Contains(why.Detail, "request 5e77135e") {
				t.Errorf("the words name neither Klarna nor the request: %s", why.Detail)
			}
			evidence := false
			for d, err := range w.store.Documents(t.Context(), h.id, s.payout.PaymentReference, archive.KindUnusable) {
				evidence = evidence || err == nil && d.Size > 0
			}
			if !evidence {
				t.Error("what was received is not archived")
			}
			w.Klarna.ClearFault(s.fault.ID)
			w.done(t, "payout", "retry", h.id, s.payout.PaymentReference)
		})
	}
	h.once(t, append(payouts, good...)...)
}

func TestAListingThatCannotBeReadEndsTheBackfillInWordsAndIsKept(t *testing.T) {
	t.Parallel()
	w := town(t)
	for _, c := range []struct {
		name  string
		fault klarnasim.Fault
		day   string
		words []string
	}{
		{"a web page", klarnasim.Fault{Kind: klarnasim.FaultHTML}, "2026-06-10", []string{"Maintenance", "web page"}},
		{"truncated", klarnasim.Fault{Kind: klarnasim.FaultTruncated}, "2026-06-11", []string{"breaks off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			payouts := []*shop.Payout{settled(t, c.day)}
			h := w.house(t, plan{payouts: payouts})
			date := payouts[0].Date
			// In summer, midnight in Stockholm is two hours before that in UTC.
			c.fault.Path, c.fault.Query = "/payouts", map[string]string{"start_date": date.Add(-14 * time.Hour).Format(time.RFC3339)}
			id := w.Klarna.Inject(c.fault)
			s := w.starter(t, h.backfill(c.day, c.day)...)
			s.refused(t, 1, append(c.words, "Klarna", "request 5e77135e", "start it again")...)
			runs, err := w.store.SyncRuns(t.Context(), h.id, 1)
			if err != nil || len(runs) != 1 || runs[0].Outcome != "failed" || runs[0].FinishedAt == nil || !strings.Contains(string(runs[0].Result), "request 5e77135e") {
				t.Errorf("kept was %+v, %v", runs, err)
			}
			w.Klarna.ClearFault(id)
			report(t, w.done(t, h.backfill(c.day, c.day)...)).came(t, counted{Found: 1, Posted: 1})
			h.once(t, payouts...)
		})
	}
}

func TestAPageThatComesTwiceOrMovesIsReadAnew(t *testing.T) {
	t.Parallel()
	w := town(t)
	large := func(day string) *shop.Payout {
		var rows []shop.Row
		for n := range uint64(400) {
			rows = append(rows, shop.SaleRows(uint64(serial.Add(1))+n, 10_000, 290, 35, 2500)...) //nolint:gosec // it counts from 1
		}
		return settled(t, day, func(s *shop.Settlement) { s.Rows = rows })
	}
	kinds := []klarnasim.FaultKind{
		klarnasim.FaultRepeatedPage, klarnasim.FaultRepeatedRows, klarnasim.FaultMovedPage, klarnasim.FaultCut, klarnasim.FaultReset,
		klarnasim.FaultThrottled, klarnasim.FaultStatus, klarnasim.FaultHTML,
	}
	var payouts []*shop.Payout
	for i, kind := range kinds {
		p := large(fmt.Sprintf("2026-06-%02d", 15+i))
		payouts = append(payouts, p)
		w.Klarna.Inject(klarnasim.Fault{Kind: kind, Path: "/transactions", PaymentReference: p.PaymentReference, Skip: i % 2, Times: 1})
	}
	h := w.house(t, plan{payouts: payouts})
	got := report(t, w.done(t, h.backfill("2026-06-15", "2026-06-30")...))
	got.came(t, counted{Found: len(kinds), Posted: len(kinds)})
	if got.Rows != int64(len(kinds)*1200) {
		t.Errorf("%d rows, want %d", got.Rows, len(kinds)*1200)
	}
	h.once(t, payouts...)
}
