package store_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"kvitt/internal/store"
)

func TestADryRunSavesWhatItWouldHavePosted(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s, ctx := withPayout(t, db), t.Context()
		upsert(t, s, "c1", payout("P0", 2))
		for _, run := range []string{"dry/1", "dry/2"} {
			must(t, s.PutSyncRun(ctx, store.SyncRun{ID: run, ConnectionID: "c1", Mode: "dry_run", From: at(1, 0), To: at(3, 0), StartedAt: at(4, 0)}))
		}
		good := store.Preview{
			RunID: "dry/1", ConnectionID: "c1", PaymentReference: "P1", State: "compiled", Rows: 3,
			Voucher: json.RawMessage(`{"lines":[1]}`), VoucherHash: "h1", ProfileVersion: 2,
		}
		stopped := store.Preview{
			RunID: "dry/1", ConnectionID: "c1", PaymentReference: "P0", State: "held", HeldReason: "component_unknown",
			Held: json.RawMessage(`{"code":"component_unknown"}`),
		}
		must(t, s.PutPreview(ctx, stopped))
		must(t, s.PutPreview(ctx, store.Preview{RunID: "dry/1", ConnectionID: "c1", PaymentReference: "P1", State: "held", HeldReason: "period_closed"}))
		must(t, s.PutPreview(ctx, good)) // a retried step counts once
		later := good
		later.RunID, later.VoucherHash = "dry/2", "h2"
		must(t, s.PutPreview(ctx, later))

		all, err := s.Previews(ctx, "dry/1")
		must(t, err)
		good.Date, good.Currency, good.Settlement = at(1, 6), "SEK", 85_900_00
		stopped.Date, stopped.Currency, stopped.Settlement = at(2, 6), "SEK", 85_900_00
		same(t, "the previews of a run", all, []store.Preview{good, stopped}, cmpopts.IgnoreFields(store.Preview{}, "At"))
		latest, err := s.Preview(ctx, "c1", "P1", "")
		must(t, err)
		same(t, "the latest run that has it", latest.VoucherHash, "h2")
		first, err := s.Preview(ctx, "c1", "P1", "dry/1")
		must(t, err)
		same(t, "an earlier run", first.VoucherHash, "h1")
		if _, err := s.Preview(ctx, "c1", "P0", "dry/2"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a payout that the run does not have: %v", err)
		}
		before, err := s.Payout(ctx, "c1", "P1")
		must(t, err)
		same(t, "the payout itself", []string{before.State, string(before.Voucher)}, []string{"discovered", ""})
		for what, bad := range map[string]store.Preview{
			"a run that is not there":    {RunID: "dry/9", ConnectionID: "c1", PaymentReference: "P1", State: "held", HeldReason: "x"},
			"a payout that is not there": {RunID: "dry/1", ConnectionID: "c1", PaymentReference: "P9", State: "held", HeldReason: "x"},
			"held for no reason":         {RunID: "dry/1", ConnectionID: "c1", PaymentReference: "P1", State: "held"},
			"compiled without a voucher": {RunID: "dry/1", ConnectionID: "c1", PaymentReference: "P1", State: "compiled"},
		} {
			if err := s.PutPreview(ctx, bad); err == nil {
				t.Errorf("%s was saved", what)
			}
		}
	})
}

func TestAProfileVersionSaysWhoMadeItAndWhy(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s, ctx := db.open(t), t.Context()
		connection(t, s, "c1")
		add := func(doc string, onTopOf int, reason string) (int, error) {
			return s.ReviseProfile(ctx, "c1", store.Revision{Document: []byte(doc), Hash: "h" + doc, Who: "anna", Reason: reason, OnTopOf: onTopOf})
		}
		_, err := add("a", 0, "")
		must(t, err)
		_, err = add("b", 1, "a new bank account")
		must(t, err)
		if _, err = add("c", 1, "too late"); !errors.Is(err, store.ErrOutdated) {
			t.Errorf("a version on top of one that is not the latest: %v", err)
		}
		if v, err := add("b", 1, "the same again"); err != nil || v != 2 {
			t.Errorf("the same document again is version %d, %v", v, err)
		}
		all, err := s.Profiles(ctx, "c1")
		must(t, err)
		same(t, "the versions, newest first", all, []store.ProfileVersion{
			{ConnectionID: "c1", Version: 2, Document: []byte("b"), Hash: "hb", CreatedBy: "anna", Reason: "a new bank account"},
			{ConnectionID: "c1", Version: 1, Document: []byte("a"), Hash: "ha", CreatedBy: "anna"},
		}, cmpopts.IgnoreFields(store.ProfileVersion{}, "CreatedAt"))
		trail, err := s.AuditTrail(ctx, "c1", 1)
		must(t, err)
		same(t, "the audit entry", string(trail[0].After), `{"version":2,"hash":"hb","reason":"a new bank account"}`)
		refused(t, "changing a reason", db.behindItsBack(t, "UPDATE profiles SET reason = 'x'"), "append-only")
	})
}

func TestPayoutsAreFilteredByProfileVersion(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s, ctx := withPayout(t, db), t.Context()
		upsert(t, s, "c1", payout("P2", 2))
		must(t, s.UpdatePayout(ctx, "c1", "P2", func(p *store.Payout) error { p.State, p.ProfileVersion = "verified", 2; return nil }, nil))
		proven, err := s.ProvenPayouts(ctx, "c1", 1)
		must(t, err)
		same(t, "before anything is proven", len(proven), 0)
		for _, r := range []string{"P1", "P2"} {
			must(t, s.UpdatePayout(ctx, "c1", r, func(p *store.Payout) error { p.Proof = json.RawMessage(`{}`); return nil }, nil))
		}
		proven, err = s.ProvenPayouts(ctx, "c1", 1)
		must(t, err)
		same(t, "the latest proven one", proven[0].PaymentReference, "P2")
		for version, want := range map[int]int{0: 2, 1: 0, 2: 1} {
			got, err := s.Payouts(ctx, store.PayoutFilter{Connection: "c1", Version: version})
			must(t, err)
			if len(got) != want {
				t.Errorf("version %d: %d payouts, want %d", version, len(got), want)
			}
		}
	})
}
