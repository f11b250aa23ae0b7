package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// profile writes a posting profile: the Swedish preset with changes. Nobody has
// to look at the first payout after it was set, unless a change says so.
func (w *world) profile(t *testing.T, change ...string) string {
	t.Helper()
	change = append(change, "review_after_change: 1", "review_after_change: 0")
	text := strings.NewReplacer(change...).Replace(w.done(t, "profile", "presets", "se-bas").out)
	path := filepath.Join(t.TempDir(), "profile.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bad is a payout that is held, with what helps.
type bad struct {
	name   string
	payout *shop.Payout
	reason string
	words  []string // that the sentence has
	remedy func(t *testing.T)
	ends   string // the state that it comes to
}

// retry is the remedy once the cause is gone.
func (h *house) retry(p *shop.Payout) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		h.done(t, "payout", "retry", h.id, p.PaymentReference)
	}
}

// corrected is a fault of Klarna's report, and the remedy: it is corrected.
func (h *house) corrected(p *shop.Payout, f klarnasim.Fault) func(t *testing.T) {
	f.PaymentReference = p.PaymentReference
	id := h.Klarna.Inject(f)
	return func(t *testing.T) {
		t.Helper()
		h.starter(t, "payout", "retry", h.id, p.PaymentReference).with(t, 3) // not corrected yet
		h.Klarna.ClearFault(id)
		h.retry(p)(t)
	}
}

// rejected is the remedy where nothing is to be posted.
func (h *house) rejected(p *shop.Payout) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		h.starter(t, "payout", "reject", h.id, p.PaymentReference).refused(t, 2, "--reason")
		h.done(t, "payout", "reject", h.id, p.PaymentReference, "--reason", "booked by hand")
	}
}

// badReports are payouts whose figures do not prove or have no rule.
func badReports(t *testing.T, h *house) []bad {
	t.Helper()
	settlement, fee, dropped, unknown := settled(t, "2026-03-09"), settled(t, "2026-03-10"), settled(t, "2026-03-11"), settled(t, "2026-03-12")
	surcharge := settled(t, "2026-03-13", and(shop.Of(shop.TypeFee, "KLARNA_SURCHARGE", 12_50).WithVAT(2500)))
	addRule := func(t *testing.T) {
		t.Helper()
		rule := "  FEE/KLARNA_SURCHARGE: {account: fees, vat_account: input_vat}\n"
		h.done(t, "profile", "set", h.id, h.profile(t, "  FEE/RETURN_FEE:", rule+"  FEE/RETURN_FEE:", "mode: review", "mode: auto"))
	}
	return []bad{
		{
			"the settlement is one öre off", settlement, "formula_differs",
			[]string{"a difference of 0.01 SEK"},
			h.corrected(settlement, klarnasim.Fault{Kind: klarnasim.FaultTotal}), workflows.StateVerified,
		},
		{
			"a total is one öre off", fee, "rows_differ",
			[]string{"fee_amount", "a difference of 0.01 SEK"},
			h.corrected(fee, klarnasim.Fault{Kind: klarnasim.FaultTotal, Field: "fee_amount"}), workflows.StateVerified,
		},
		{
			"a row is missing", dropped, "rows_differ",
			[]string{"fee_amount"},
			h.corrected(dropped, klarnasim.Fault{Kind: klarnasim.FaultRowDropped, Row: 1}), workflows.StateVerified,
		},
		{
			"a type that nobody knows", unknown, "component_unknown",
			[]string{"SOMETHING_NEW"},
			h.corrected(unknown, klarnasim.Fault{Kind: klarnasim.FaultUnknownType, Row: 1}), workflows.StateVerified,
		},
		// It continues by itself, without a retry.
		{"a detailed type without a rule", surcharge, "component_unknown", []string{"FEE/KLARNA_SURCHARGE", "12.50 SEK"}, addRule, workflows.StateVerified},
	}
}

// badDebts are two payouts between which one is missing: a week of returns,
// which Klarna reports late.
func badDebts(t *testing.T, h *house) (all []bad, late *shop.Payout) {
	t.Helper()
	before, after := settled(t, "2026-03-09", in("EUR")), settled(t, "2026-03-23", in("EUR"), owing(10_00))
	late = settled(t, "2026-03-16", in("EUR"), func(s *shop.Settlement) { s.Rows = []shop.Row{shop.ReturnRow(7, 1, 10_00)} })
	late.MerchantID = h.merchant.MerchantID
	arrives := func(t *testing.T) {
		t.Helper()
		h.merchant.Add(late)
		report(t, h.done(t, h.backfill("2026-03-16", "2026-03-16")...)).came(t, counted{Found: 1, Posted: 1})
		h.retry(after)(t)
	}
	return []bad{
		{"a debt that comes from nowhere", after, "debt_differs", []string{"10.00 EUR", before.PaymentReference}, arrives, workflows.StateVerified},
		{"a debt that leads nowhere", before, "debt_differs", []string{"10.00 EUR", after.PaymentReference}, h.retry(before), workflows.StateVerified},
	}, late
}

// badBooks are payouts that the company's books do not take.
func badBooks(t *testing.T, h *house) []bad {
	t.Helper()
	pounds, closed, elsewhere := settled(t, "2026-03-17", in("GBP")), settled(t, "2026-02-10"), settled(t, "2026-03-18")
	if err := h.Visma.ClosePeriod(h.firm.TenantID, "202602"); err != nil {
		t.Fatal(err)
	}
	byHand, err := h.Visma.AddBatch(h.firm.TenantID, vismasim.ForeignBatch{
		Date: "2026-03-18", Description: "Klarna, by hand",
		Lines: []vismasim.ForeignLine{{Account: "16861", Debit: 100, Reference: elsewhere.PaymentReference}, {Account: "1686", Credit: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T) {
		t.Helper()
		h.starter(t, "payout", "retry", h.id, closed.PaymentReference).with(t, 3)
		if err := h.Visma.OpenPeriod(h.firm.TenantID, "202602"); err != nil {
			t.Fatal(err)
		}
		h.retry(closed)(t)
	}
	return []bad{
		{"a currency that the company does not use", pounds, "currency_unused", []string{"GBP", h.firm.Name}, h.rejected(pounds), workflows.StateRejected},
		{"a closed period", closed, "period_closed", []string{"202602"}, open, workflows.StateVerified},
		{"booked by somebody else", elsewhere, "booked_elsewhere", []string{byHand, "by hand", elsewhere.PaymentReference}, h.rejected(elsewhere), workflows.StateRejected},
	}
}

func TestOneBadPayoutNeverBlocksTheOthersAndEachRemedyHelps(t *testing.T) {
	t.Parallel()
	w := town(t)
	h := w.unconnected(t, plan{})
	debts, late := badDebts(t, h)
	all := slices.Concat(badReports(t, h), debts, badBooks(t, h))
	good := days(t, "2026-03-02", 4)
	payouts := slices.Clone(good)
	for i := range all {
		payouts = append(payouts, all[i].payout)
	}
	for _, p := range payouts {
		p.MerchantID = h.merchant.MerchantID
	}
	h.merchant.Add(payouts...)
	h.connect(t)

	s := w.starter(t, h.backfill("2026-02-01", "2026-03-31")...).with(t, 3)
	got := report(t, s)
	got.came(t, counted{Found: len(payouts), Posted: len(good), Held: len(all)})
	for _, p := range good {
		if state := got.payout(t, p.PaymentReference).State; state != workflows.StateVerified {
			t.Errorf("the good payout %s is %s", p.PaymentReference, state)
		}
	}
	booked := len(good) + 2 // the late one, and the one by hand
	for i := range all {
		t.Run(all[i].name, func(t *testing.T) { h.helps(t, &all[i], got, s.err) })
		if all[i].ends == workflows.StateVerified {
			booked++
		}
	}
	payouts = append(payouts, late)
	again := report(t, w.done(t, h.backfill("2026-02-01", "2026-03-31")...))
	again.came(t, counted{Found: len(payouts), Skipped: len(payouts)})
	books := w.Visma.Books(h.firm.TenantID)
	if books.Batches != booked || len(books.DuplicateReferences)+len(books.DuplicateTokens) > 0 {
		t.Errorf("the books hold %d batches, want %d: %v %v", books.Batches, booked, books.DuplicateReferences, books.DuplicateTokens)
	}
}

// helps makes sure that a bad payout is held for its reason, that a person was
// told so, and that the remedy helps.
func (h *house) helps(t *testing.T, b *bad, d *document, told string) {
	t.Helper()
	reported := d.payout(t, b.payout.PaymentReference)
	if reported.State != workflows.StateHeld || reported.HeldReason != b.reason {
		t.Errorf("reported as %+v", reported)
	}
	why := h.show(t, b.payout.PaymentReference).Held
	if why == nil || string(why.Code) != b.reason || why.Remedy == "" {
		t.Fatalf("held for %+v", why)
	}
	for _, word := range b.words {
		if !strings.Contains(why.Detail, word) {
			t.Errorf("the words lack %q: %s", word, why.Detail)
		}
	}
	if !strings.Contains(told, why.Remedy) {
		t.Errorf("the remedy was not told: %s", why.Remedy)
	}
	b.remedy(t)
	until(t, waitFor, "it is "+b.ends, func() string {
		if now := h.show(t, b.payout.PaymentReference); now.State != b.ends {
			return now.State
		}
		return ""
	})
}
