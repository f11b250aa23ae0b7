package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// profile writes a posting profile: the Swedish preset with changes.
func (w *world) profile(t *testing.T, change ...string) string {
	t.Helper()
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
	words  []string
	remedy func(t *testing.T)
	ends   string // the state that it comes to
}

func TestOneBadPayoutNeverBlocksTheOthersAndEachRemedyHelps(t *testing.T) {
	t.Parallel()
	w := town(t)
	h := w.unconnected(t, plan{})
	retry := func(p *shop.Payout) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			w.done(t, "payout", "retry", h.id, p.PaymentReference)
		}
	}
	corrected := func(p *shop.Payout, f klarnasim.Fault) func(t *testing.T) {
		f.PaymentReference = p.PaymentReference
		id := w.Klarna.Inject(f)
		return func(t *testing.T) {
			t.Helper()
			w.starter(t, "payout", "retry", h.id, p.PaymentReference).with(t, 3) // not corrected yet
			w.Klarna.ClearFault(id)
			retry(p)(t)
		}
	}
	rejected := func(p *shop.Payout) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			w.starter(t, "payout", "reject", h.id, p.PaymentReference).refused(t, 2, "--reason")
			w.done(t, "payout", "reject", h.id, p.PaymentReference, "--reason", "booked by hand")
		}
	}

	good := days(t, "2026-03-02", 4)
	settlement, fee, dropped, newType := settled(t, "2026-03-09"), settled(t, "2026-03-10"), settled(t, "2026-03-11"), settled(t, "2026-03-12")
	surcharge := settled(t, "2026-03-13", and(shop.Of(shop.TypeFee, "KLARNA_SURCHARGE", 12_50).WithVAT(2500)))
	// Between these two Klarna settled a week of returns, which comes late.
	before, after := settled(t, "2026-03-09", in("EUR")), settled(t, "2026-03-23", in("EUR"), owing(10_00))
	late := settled(t, "2026-03-16", in("EUR"), func(s *shop.Settlement) { s.Rows = []shop.Row{shop.ReturnRow(7, 1, 10_00)} })
	late.MerchantID = h.merchant.MerchantID
	pounds := settled(t, "2026-03-17", in("GBP"))
	closed, elsewhere := settled(t, "2026-02-10"), settled(t, "2026-03-18")
	if err := w.Visma.ClosePeriod(h.firm.TenantID, "202602"); err != nil {
		t.Fatal(err)
	}
	byHand, err := w.Visma.AddBatch(h.firm.TenantID, vismasim.ForeignBatch{
		Date: "2026-03-18", Description: "Klarna, by hand",
		Lines: []vismasim.ForeignLine{{Account: "1930", Debit: 100, Reference: elsewhere.PaymentReference}, {Account: "1686", Credit: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := []bad{
		{"the settlement is one öre off", settlement, "formula_differs", []string{"a difference of 0.01 SEK"},
			corrected(settlement, klarnasim.Fault{Kind: klarnasim.FaultTotal}), workflows.StateVerified},
		{"a total is one öre off", fee, "rows_differ", []string{"fee_amount", "a difference of 0.01 SEK"},
			corrected(fee, klarnasim.Fault{Kind: klarnasim.FaultTotal, Field: "fee_amount"}), workflows.StateVerified},
		{"a row is missing", dropped, "rows_differ", []string{"fee_amount"},
			corrected(dropped, klarnasim.Fault{Kind: klarnasim.FaultRowDropped, Row: 1}), workflows.StateVerified},
		{"a type that nobody knows", newType, "component_unknown", []string{"SOMETHING_NEW"},
			corrected(newType, klarnasim.Fault{Kind: klarnasim.FaultUnknownType, Row: 1}), workflows.StateVerified},
		{"a debt that comes from nowhere", after, "debt_differs", []string{"10.00 EUR", before.PaymentReference}, func(t *testing.T) {
			t.Helper()
			h.merchant.Add(late)
			report(t, w.done(t, h.backfill("2026-03-16", "2026-03-16")...)).came(t, counted{Found: 1, Posted: 1})
			retry(after)(t)
		}, workflows.StateVerified},
		{"a debt that leads nowhere", before, "debt_differs", []string{"10.00 EUR", after.PaymentReference}, retry(before), workflows.StateVerified},
		{"a currency that the company does not use", pounds, "currency_unused", []string{"GBP", h.firm.Name}, rejected(pounds), workflows.StateRejected},
		{"a closed period", closed, "period_closed", []string{"202602"}, func(t *testing.T) {
			t.Helper()
			w.starter(t, "payout", "retry", h.id, closed.PaymentReference).with(t, 3)
			if err := w.Visma.OpenPeriod(h.firm.TenantID, "202602"); err != nil {
				t.Fatal(err)
			}
			retry(closed)(t)
		}, workflows.StateVerified},
		{"booked by somebody else", elsewhere, "booked_elsewhere", []string{byHand, "by hand", elsewhere.PaymentReference}, rejected(elsewhere), workflows.StateRejected},
		{"a detailed type without a rule", surcharge, "component_unknown", []string{"FEE/KLARNA_SURCHARGE", "12.50 SEK"}, func(t *testing.T) {
			t.Helper()
			rule := "  FEE/KLARNA_SURCHARGE: {account: fees, vat_account: input_vat}\n"
			w.done(t, "profile", "set", h.id, w.profile(t, "  FEE/RETURN_FEE:", rule+"  FEE/RETURN_FEE:", "mode: review", "mode: auto"))
		}, workflows.StateVerified},
	}
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
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			reported := got.payout(t, b.payout.PaymentReference)
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
			if !strings.Contains(s.err, why.Remedy) {
				t.Errorf("the remedy was not told: %s", why.Remedy)
			}
			b.remedy(t)
			until(t, 20*time.Second, "it is "+b.ends, func() string {
				if now := h.show(t, b.payout.PaymentReference); now.State != b.ends {
					return now.State + " " + now.Posting.state()
				}
				return ""
			})
		})
	}
	again := report(t, w.done(t, h.backfill("2026-02-01", "2026-03-31")...))
	payouts = append(payouts, late)
	again.came(t, counted{Found: len(payouts), Skipped: len(payouts)})
	booked := slices.DeleteFunc(slices.Clone(payouts), func(p *shop.Payout) bool { return p == pounds || p == elsewhere })
	books := w.Visma.Books(h.firm.TenantID)
	if books.Batches != len(booked)+1 || len(books.DuplicateReferences)+len(books.DuplicateTokens) > 0 {
		t.Errorf("the books hold %d batches, want %d and the one by hand: %v %v", books.Batches, len(booked), books.DuplicateReferences, books.DuplicateTokens)
	}
}

func (p *postingShown) state() string {
	if p == nil {
		return "(no posting)"
	}
	return "(posting " + p.State + ")"
}
