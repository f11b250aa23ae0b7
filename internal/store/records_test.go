package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kvitt/internal/store"
)

func TestAConnectionComesBackAsItWasSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		written := []cmp.Option{cmpopts.IgnoreFields(store.Connection{}, "CreatedAt", "UpdatedAt")}
		want := connection(t, s, "c1")
		got, err := s.Connection(t.Context(), "c1")
		must(t, err)
		same(t, "the connection", got, want, written...)
		if d := time.Since(got.CreatedAt); d < 0 || d > time.Minute || got.CreatedAt.Location() != time.UTC {
			t.Errorf("created at %v", got.CreatedAt)
		}

		want.State, want.Name, want.Klarna = "active", "Annat namn", json.RawMessage(`{"state":"connected"}`)
		want.CreatedAt = time.Time{} // the caller need not know it
		must(t, s.SaveConnection(t.Context(), want))
		after, err := s.Connection(t.Context(), "c1")
		must(t, err)
		same(t, "the saved connection", after, want, written...)
		same(t, "the time it was created", after.CreatedAt, got.CreatedAt)

		connection(t, s, "c2")
		all, err := s.Connections(t.Context())
		must(t, err)
		if len(all) != 2 || all[0].ID != "c1" || all[1].ID != "c2" {
			t.Errorf("the list is %v", all)
		}
	})
}

func TestAConnectionThatIsNotThereIsNotFound(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		_, err := s.Connection(t.Context(), "none")
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("reading: %v", err)
		}
		same(t, "the sentence", err.Error(), "read the connection none: there is none")
		if err := s.SaveConnection(t.Context(), store.Connection{ID: "none", State: "setup"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("saving: %v", err)
		}
		if _, err := s.UpsertPayouts(t.Context(), "none", []store.Payout{payout("P1", 1)}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("payouts: %v", err)
		}
		if _, err := s.AddProfile(t.Context(), "none", []byte("version: 1"), "h", "anna"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("profile: %v", err)
		}
	})
}

func TestAConnectionIsCreatedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		if err := s.CreateConnection(t.Context(), store.Connection{ID: "c1"}); !errors.Is(err, store.ErrExists) {
			t.Errorf("the second time: %v", err)
		}
		if err := s.CreateConnection(t.Context(), store.Connection{ID: "c3", State: "happy"}); err == nil {
			t.Error("a state that does not exist was accepted")
		}
		if err := s.CreateConnection(t.Context(), store.Connection{ID: "c4", Klarna: json.RawMessage(`{`)}); err == nil {
			t.Error("a sub-state that is not JSON was accepted")
		}
	})
}

func TestProfilesAreVersionsThatNeverChange(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		connection(t, s, "c1")
		add := func(doc, hash string) int {
			t.Helper()
			v, err := s.AddProfile(t.Context(), "c1", []byte(doc), hash, "anna")
			must(t, err)
			return v
		}
		same(t, "the versions", []int{add("a", "ha"), add("b", "hb"), add("b", "hb"), add("a", "ha")}, []int{1, 2, 2, 3})

		first, err := s.Profile(t.Context(), "c1", 1)
		must(t, err)
		latest, err := s.Profile(t.Context(), "c1", 0)
		must(t, err)
		ignore := cmpopts.IgnoreFields(store.ProfileVersion{}, "CreatedAt")
		same(t, "the first", first, store.ProfileVersion{ConnectionID: "c1", Version: 1, Document: []byte("a"), Hash: "ha", CreatedBy: "anna"}, ignore)
		same(t, "the latest", latest, store.ProfileVersion{ConnectionID: "c1", Version: 3, Document: []byte("a"), Hash: "ha", CreatedBy: "anna"}, ignore)
		if _, err := s.Profile(t.Context(), "c1", 4); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("version 4: %v", err)
		}

		trail, err := s.AuditTrail(t.Context(), "c1", 0)
		must(t, err)
		if len(trail) != 3 || trail[0].Who != "anna" || string(trail[0].After) != `{"version":3,"hash":"ha"}` ||
			string(trail[0].Before) != `{"version":2,"hash":"hb"}` {
			t.Errorf("the audit trail is %+v", trail)
		}
		refused(t, "changing a version", db.behindItsBack(t, "UPDATE profiles SET hash = 'x' WHERE version = 1"), "append-only")
		refused(t, "deleting a version", db.behindItsBack(t, "DELETE FROM profiles"), "append-only")
	})
}

func TestASecretIsReplacedOnlyByACallerThatKnowsIt(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		ctx := t.Context()
		if _, err := s.GetSecret(ctx, "c1", "key"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("before it exists: %v", err)
		}
		must(t, s.PutSecret(ctx, "c1", "key", []byte{0, 1, 255}))
		must(t, s.PutSecret(ctx, "c1", "key", []byte{0, 2, 255}))
		got, err := s.GetSecret(ctx, "c1", "key")
		must(t, err)
		same(t, "the ciphertext", got, []byte{0, 2, 255})

		first, err := s.FirstSecret(ctx, "c1", "key", []byte{9})
		must(t, err)
		same(t, "the first one stays", first, []byte{0, 2, 255})
		first, err = s.FirstSecret(ctx, "", "check", []byte{7})
		must(t, err)
		same(t, "the first one is written", first, []byte{7})

		swapped, err := s.SwapSecret(ctx, "c1", "key", []byte{0, 1, 255}, []byte{3})
		must(t, err)
		same(t, "swapped with an older secret", swapped, false)
		swapped, err = s.SwapSecret(ctx, "c1", "key", []byte{0, 2, 255}, []byte{3})
		must(t, err)
		same(t, "swapped with the stored secret", swapped, true)

		must(t, s.PutSecret(ctx, "c1", "other", []byte{4}))
		seen := map[string][]byte{}
		must(t, s.EachSecret(ctx, func(c, f string, b []byte) error { seen[c+"/"+f] = b; return nil }))
		same(t, "all secrets", seen, map[string][]byte{"/check": {7}, "c1/key": {3}, "c1/other": {4}})

		must(t, s.DeleteSecret(ctx, "c1", "other"))
		must(t, s.DeleteSecret(ctx, "c1", "other"))
		must(t, s.DeleteSecrets(ctx, "c1"))
		if _, err := s.GetSecret(ctx, "c1", "key"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after it was erased: %v", err)
		}
	})
}

func TestDocumentsComeBackInOrderAndOneAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := withPayout(t, db)
		ctx := t.Context()
		doc := func(kind string, seq int, body string) store.Document {
			return store.Document{
				ConnectionID: "c1", PaymentReference: "P1", Kind: kind, Seq: seq, SHA256: "aa", Size: 12, Encoding: "zstd",
				Body: []byte(body), CorrelationID: "cor", Path: "/settlements/v1/transactions?offset=0", FetchedAt: at(2, 1),
			}
		}
		must(t, s.PutDocuments(ctx, []store.Document{doc("transactions", 2, "c"), doc("transactions", 0, "\x00\xff"), doc("pdf", 0, "p")}))
		must(t, s.PutDocuments(ctx, []store.Document{doc("transactions", 1, ""), doc("transactions", 2, "new")}))
		must(t, s.PutDocuments(ctx, nil))

		var got []store.Document
		for d, err := range s.Documents(ctx, "c1", "P1", "transactions") {
			must(t, err)
			got = append(got, d)
		}
		same(t, "the documents", got, []store.Document{
			doc("transactions", 0, "\x00\xff"), doc("transactions", 1, ""), doc("transactions", 2, "new"),
		})

		for range s.Documents(ctx, "c1", "P1", "transactions") {
			break // and no connection stays open
		}
		must(t, s.PruneDocuments(ctx, "c1", "P1", "transactions", 1))
		n := 0
		for _, err := range s.Documents(ctx, "c1", "P1", "transactions") {
			must(t, err)
			n++
		}
		same(t, "documents left", n, 1)

		must(t, s.PutDocuments(ctx, []store.Document{doc("csv", 0, "old"), doc("csv", 1, "old"), doc("csv", 2, "old"), doc("csv.partial", 0, "a"), doc("csv.partial", 1, "b")}))
		must(t, s.RenameDocuments(ctx, "c1", "P1", "csv.partial", "csv"))
		got = nil
		for d, err := range s.Documents(ctx, "c1", "P1", "csv") {
			must(t, err)
			got = append(got, d)
		}
		same(t, "the replacement", got, []store.Document{doc("csv", 0, "a"), doc("csv", 1, "b")})
		for range s.Documents(ctx, "c1", "P1", "csv.partial") {
			t.Error("it is stored under its first kind too")
		}

		stray := doc("pdf", 0, "x")
		stray.PaymentReference = "P9"
		if err := s.PutDocuments(ctx, []store.Document{stray}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a document of no payout: %v", err)
		}
	})
}

func TestAPeriodIsRememberedCompletely(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		ctx := t.Context()
		batch := func(n int, token, reference string) store.SeenBatch {
			return store.SeenBatch{
				CompanyID: "42", Period: "202601", BatchNumber: fmt.Sprintf("%06d", n), Token: token, Reference: reference,
				Description: "Klarna", Status: "Posted",
			}
		}
		many := []store.SeenBatch{batch(1, "T1", "P1"), batch(1, "T1", "P2"), batch(2, "", "P1"), batch(3, "", "")}
		for i := range 1200 {
			many = append(many, batch(100+i, "", ""))
		}
		must(t, s.RememberPeriod(ctx, "42", "202601", many))
		must(t, s.RememberPeriod(ctx, "42", "202601", many))
		must(t, s.RememberPeriod(ctx, "42", "202602", nil))
		byReference, err := s.SeenByReference(ctx, "42", "P1")
		must(t, err)
		same(t, "batches with P1", byReference, []store.SeenBatch{batch(1, "T1", "P1"), batch(2, "", "P1")})
		byToken, err := s.SeenByToken(ctx, "42", "T1")
		must(t, err)
		same(t, "batches with T1", byToken, []store.SeenBatch{batch(1, "T1", "P1"), batch(1, "T1", "P2")})
		none, err := s.SeenByToken(ctx, "42", "")
		must(t, err)
		same(t, "batches with no token", len(none), 0)
	})
}

func TestTheLastSuccessfulSyncIsTheOneThatReachesFurthest(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		ctx := t.Context()
		connection(t, s, "c1")
		none, err := s.LastSuccessfulSync(ctx, "c1")
		must(t, err)
		if none != nil {
			t.Errorf("before any run: %v", none)
		}
		run := func(id string, day int, started time.Time, outcome string, done bool) store.SyncRun {
			r := store.SyncRun{
				ID: id, ConnectionID: "c1", Mode: "schedule", From: at(1, 0), To: at(day, 0), StartedAt: started,
				Outcome: outcome, Result: json.RawMessage(`{"found":1}`),
			}
			if done {
				end := started.Add(time.Minute)
				r.FinishedAt = &end
			}
			return r
		}
		good := run("good", 20, at(20, 1), store.OutcomeNothingDue, true)
		backfill := run("backfill", 5, at(22, 2), store.OutcomeFetched, true)
		failed := run("failed", 21, at(21, 1), store.OutcomeFailed, true)
		running := run("running", 22, at(22, 1), "", false)
		for _, r := range []store.SyncRun{good, failed, running, backfill} {
			must(t, s.PutSyncRun(ctx, r))
		}
		last, err := s.LastSuccessfulSync(ctx, "c1")
		must(t, err)
		same(t, "the last successful run", last, &good)

		running.Outcome, running.FinishedAt = store.OutcomeDueButMissing, &running.StartedAt
		must(t, s.PutSyncRun(ctx, running))
		got, err := s.SyncRun(ctx, "running")
		must(t, err)
		same(t, "a run that was put twice", got, running)
		newest, err := s.SyncRuns(ctx, "c1", 2)
		must(t, err)
		same(t, "the newest runs", newest, []store.SyncRun{backfill, running})
	})
}

func TestTextWithAnyBytesIsStored(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		c := connection(t, s, "c1")
		c.CompanyName = "nul \x00 and broken \xff UTF-8"
		c.Visma = json.RawMessage("{\"words\":\"broken \xff\"}")
		must(t, s.SaveConnection(t.Context(), c))
		got, err := s.Connection(t.Context(), "c1")
		must(t, err)
		same(t, "the name", got.CompanyName, "nul \uFFFD and broken \uFFFD UTF-8")
		same(t, "the JSON", string(got.Visma), "{\"words\":\"broken \uFFFD\"}")
	})
}
