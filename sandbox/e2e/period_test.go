package e2e_test

import (
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/workflows"
)

// at moves a payout to a moment.
func at(moment string) func(*shop.Settlement) {
	return func(s *shop.Settlement) {
		when, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			panic(err)
		}
		s.Date = when
	}
}

// closing makes a house that has read its company's periods, in which March is
// closed since.
func closing(t *testing.T, policy string) (h *house, late *shop.Payout) {
	t.Helper()
	early := settled(t, "2026-03-03")
	h = town(t).unconnected(t, plan{payouts: []*shop.Payout{early}})
	h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", "policy: hold", "policy: "+policy))
	h.connect(t)
	report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 1, Posted: 1})
	if err := h.Visma.ClosePeriod(h.firm.TenantID, "202603"); err != nil {
		t.Fatal(err)
	}
	late = settled(t, "2026-03-20")
	late.MerchantID = h.merchant.MerchantID
	h.merchant.Add(late)
	return h, late
}

func TestAPeriodThatClosesBeforeThePostHoldsThePayoutOrMovesIt(t *testing.T) {
	t.Parallel()
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		h, late := closing(t, "hold")
		report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 2, Skipped: 1, Held: 1})
		h.held(t, late.PaymentReference, "period_closed")
		if err := h.Visma.OpenPeriod(h.firm.TenantID, "202603"); err != nil {
			t.Fatal(err)
		}
		h.done(t, "payout", "retry", h.id, late.PaymentReference)
		if b := h.Visma.Books(h.firm.TenantID).WithReference(late.PaymentReference); len(b) != 1 || b[0].Period != "202603" {
			t.Errorf("it stands in %+v", b)
		}
	})
	t.Run("next open", func(t *testing.T) {
		t.Parallel()
		h, late := closing(t, "next_open")
		report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 2, Skipped: 1, Posted: 1})
		b := h.Visma.Books(h.firm.TenantID).WithReference(late.PaymentReference)
		if len(b) != 1 || b[0].Period != "202604" || b[0].Date.Format(time.DateOnly) != "2026-04-01" {
			t.Fatalf("it stands in %+v", b)
		}
		for _, l := range b[0].Lines {
			if !strings.Contains(l.Text, "2026-03-20") || !strings.Contains(b[0].Description, "2026-03-20") {
				t.Errorf("its own day is not in %q of %q", l.Text, b[0].Description)
			}
		}
		// Taken up again, nothing is posted anew and nothing has changed.
		report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 2, Skipped: 2})
		if got := h.show(t, late.PaymentReference); got.State != workflows.StateVerified {
			t.Errorf("it is %s", got.State)
		}
	})
}

func TestTheLastEveningOfAMonthIsTheNextMonthInStockholm(t *testing.T) {
	t.Parallel()
	p, before := settled(t, "2026-01-31", at("2026-01-31T23:30:00Z")), settled(t, "2026-01-31", at("2026-01-31T22:30:00Z"))
	h := town(t).house(t, plan{payouts: []*shop.Payout{p, before}})
	report(t, h.done(t, h.backfill("2026-01-31", "2026-02-01")...)).came(t, counted{Found: 2, Posted: 2})
	for payout, day := range map[*shop.Payout]string{p: "2026-02-01", before: "2026-01-31"} {
		b := h.Visma.Books(h.firm.TenantID).WithReference(payout.PaymentReference)
		if len(b) != 1 || b[0].Date.Format(time.DateOnly) != day || b[0].Period != strings.ReplaceAll(day[:7], "-", "") {
			t.Errorf("%s stands on %s in %s, want %s", payout.Date, b[0].Date, b[0].Period, day)
		}
	}
}
