package e2e_test

import (
	"strings"
	"testing"

	"kvitt/activities"
	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/posting"
	"kvitt/internal/vault"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// look does what the daily check does, a day early.
func (h *house) look(t *testing.T) workflows.DriftFound {
	t.Helper()
	doors := &access.Doors{Store: h.store, Vault: h.vault, Config: &config.Config{
		KlarnaBaseURL: h.KlarnaURL, VismaAPIURL: h.VismaURL, VismaConnectURL: h.ConnectURL,
		VismaClientID: stack.ClientID, VismaClientSecret: vault.Secret(h.ClientSecret),
	}}
	found, err := (&activities.Visma{Doors: doors, Store: h.store}).CheckDrift(t.Context(), workflows.DriftInput{Connection: h.id})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (h *house) batch(t *testing.T, reference string) *vismasim.Batch {
	t.Helper()
	all := h.Visma.Books(h.firm.TenantID).WithReference(reference)
	if len(all) != 1 {
		t.Fatalf("payout %s stands in %d batches", reference, len(all))
	}
	return all[0]
}

func TestWhatSomebodyElseDoesToABatchIsToldWithBothSidesAndNothingIsDoneAboutIt(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-05-01", 6)
	h := w.house(t, plan{payouts: payouts})
	report(t, w.done(t, h.backfill("2026-05-01", "2026-05-31")...)).came(t, counted{Found: 6, Posted: 6})
	if got := h.look(t); got.Words[posting.AsPosted] != 6 || got.Looked != 6 {
		t.Fatalf("before anybody touched them: %+v", got)
	}
	edit := func(i int, change func(*vismasim.Batch)) {
		if err := w.Visma.EditBatch(h.firm.TenantID, h.batch(t, payouts[i].PaymentReference).Number, change); err != nil {
			t.Fatal(err)
		}
	}
	edit(0, func(b *vismasim.Batch) { b.Lines[0].Account = "1940" })
	edit(1, func(b *vismasim.Batch) { b.Status = vismasim.Voided })
	edit(2, func(b *vismasim.Batch) { b.Status = vismasim.Balanced })
	if err := w.Visma.RemoveBatch(h.firm.TenantID, h.batch(t, payouts[3].PaymentReference).Number); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Visma.AddBatch(h.firm.TenantID, vismasim.ForeignBatch{Date: "2026-05-06", Description: "by hand", Lines: []vismasim.ForeignLine{
		{Account: "16861", Reference: payouts[4].PaymentReference, Debit: 100}, {Account: "1940", Credit: 100},
	}}); err != nil {
		t.Fatal(err)
	}
	h.look(t)
	before := w.Visma.Books(h.firm.TenantID)

	for i, c := range []struct{ word, ours, theirs string }{
		{posting.Edited, "16861 debit", "1940 debit"},
		{posting.Voided, "released", "Voided"},
		{posting.Unreleased, "released", "Balanced"},
		{posting.Gone, "16861 debit", "does not have batch"},
		{posting.Elsewhere, "16861 debit", "which Kvitt did not make"},
		{posting.AsPosted, "", "as it was posted"},
	} {
		t.Run(c.word, func(t *testing.T) {
			reference := payouts[i].PaymentReference
			page := w.done(t, "payout", "show", h.id, reference).out
			section := page
			if c.word != posting.AsPosted {
				_, after, found := strings.Cut(page, "Changed in Visma.net: "+c.word)
				if section = after; !found {
					t.Fatalf("it is not told:\n%s", page)
				}
				if !strings.Contains(after, "drift: "+c.word) {
					t.Errorf("the history does not tell it:\n%s", after)
				}
			}
			for _, words := range []string{c.ours, c.theirs} {
				if !strings.Contains(strings.Join(strings.Fields(section), " "), words) {
					t.Errorf("%q is not told:\n%s", words, section)
				}
			}
			if got := h.show(t, reference); got.State != workflows.StateVerified {
				t.Errorf("the payout is %s", got.State)
			}
		})
	}
	doctor := w.starter(t, "doctor").out
	for _, word := range []string{posting.Edited, posting.Voided, posting.Unreleased, posting.Gone, posting.Elsewhere} {
		if !strings.Contains(strings.Join(strings.Fields(doctor), " "), word+" in Visma.net since Kvitt posted") {
			t.Errorf("doctor does not tell %s:\n%s", word, doctor)
		}
	}
	report(t, w.done(t, h.backfill("2026-05-01", "2026-05-31")...)).came(t, counted{Found: 6, Skipped: 6})
	after := w.Visma.Books(h.firm.TenantID)
	if after.Batches != before.Batches || after.Debit != before.Debit || after.Released != before.Released {
		t.Errorf("the books have changed: %d batches and %d, before %d and %d", after.Batches, after.Debit, before.Batches, before.Debit)
	}
}

func TestADraftThatSomebodyReleasesBecomesVerified(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-05-01", 2)
	h := w.house(t, plan{payouts: payouts, posting: "draft"})
	report(t, w.done(t, h.backfill("2026-05-01", "2026-05-31")...)).came(t, counted{Found: 2, Posted: 2})
	released, waits := payouts[0].PaymentReference, payouts[1].PaymentReference
	if err := w.Visma.EditBatch(h.firm.TenantID, h.batch(t, released).Number, func(b *vismasim.Batch) { b.Status = vismasim.Posted }); err != nil {
		t.Fatal(err)
	}
	h.look(t)
	if got := h.show(t, released); got.State != workflows.StateVerified || got.Posting.State != posting.Verified {
		t.Errorf("the released one is %s, its posting %s", got.State, got.Posting.State)
	}
	if got := h.show(t, waits); got.State != workflows.StatePosted || got.Posting.State != posting.Draft {
		t.Errorf("the one that waits is %s, its posting %s", got.State, got.Posting.State)
	}
	if got := h.look(t); got.Words[posting.AsPosted] != 2 {
		t.Errorf("a day later: %+v", got)
	}
	report(t, w.done(t, h.backfill("2026-05-01", "2026-05-31")...)).came(t, counted{Found: 2, Skipped: 2})
}

func TestAPayoutThatSomebodyBookedByHandFirstIsNotBookedAgain(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-05-01", 2)
	h := w.house(t, plan{payouts: payouts})
	if _, err := w.Visma.AddBatch(h.firm.TenantID, vismasim.ForeignBatch{Date: "2026-05-02", Description: "Klarna by hand", Lines: []vismasim.ForeignLine{
		{Account: "16861", Reference: payouts[0].PaymentReference, Debit: payouts[0].Totals.Settlement}, {Account: "1940", Credit: payouts[0].Totals.Settlement},
	}}); err != nil {
		t.Fatal(err)
	}
	report(t, w.starter(t, h.backfill("2026-05-01", "2026-05-31")...).with(t, 3)).came(t, counted{Found: 2, Posted: 1, Held: 1})
	if stop := h.held(t, payouts[0].PaymentReference, "booked_elsewhere"); !strings.Contains(stop.Detail, "Klarna by hand") {
		t.Errorf("told is: %s", stop.Detail)
	}
	if n := len(w.Visma.Books(h.firm.TenantID).WithReference(payouts[0].PaymentReference)); n != 1 {
		t.Errorf("it stands in %d batches", n)
	}
}
