package e2e_test

import (
	"fmt"
	"testing"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

// progress asks a backfill how far it is.
func (h *house) progress(t *testing.T, from, to string) workflows.Progress {
	t.Helper()
	value, err := h.temporal.QueryWorkflow(t.Context(), workflows.BackfillWorkflowID(h.id, from, to), "", workflows.ProgressQuery.Name)
	var p workflows.Progress
	if err == nil {
		err = value.Get(&p)
	}
	if err != nil {
		t.Fatalf("ask the backfill for its progress: %v", err)
	}
	return p
}

// schedulePaused tells whether the connection's schedule starts nothing.
func (h *house) schedulePaused(t *testing.T) bool {
	t.Helper()
	d, err := h.temporal.ScheduleClient().GetHandle(t.Context(), workflows.ScheduleID(h.id)).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.Schedule.State.Paused
}

// slowly lets Klarna take its time over the transactions of some payouts.
func (h *house) slowly(payouts []*shop.Payout) {
	for _, p := range payouts {
		h.Klarna.Inject(klarnasim.Fault{Kind: klarnasim.FaultSlow, Path: "/transactions", PaymentReference: p.PaymentReference, Milliseconds: 250})
	}
}

// someBooked waits until a backfill is in its middle.
func (h *house) someBooked(t *testing.T, n int) {
	t.Helper()
	until(t, waitFor, fmt.Sprintf("%d payouts are booked", n), func() string {
		if got := h.Visma.Books(h.firm.TenantID).Batches; got < n {
			return fmt.Sprintf("%d are", got)
		}
		return ""
	})
}

// waits makes sure that a backfill waits for a credential: the connection says
// which side, the schedule is paused, and the backfill still runs.
func (h *house) waits(t *testing.T, from, to, side string) {
	t.Helper()
	until(t, waitFor, "the connection needs to be authorised again", func() string {
		if s := h.status(t); s.State != workflows.ConnReauthRequired {
			return s.State
		}
		return ""
	})
	s := h.status(t)
	for name, one := range map[string]workflows.Side{workflows.ProviderKlarna: s.Klarna, workflows.ProviderVisma: s.Visma} {
		if dead := one.State == workflows.SideReauthRequired; dead != (name == side) || dead && (one.LastError == "" || one.Remedy == "") {
			t.Errorf("%s is %+v", name, one)
		}
	}
	until(t, waitFor, "the backfill waits, and the schedule is paused", func() string {
		if p := h.progress(t, from, to); p.State != "waiting" || !h.schedulePaused(t) {
			return fmt.Sprintf("%s, schedule paused: %t", p.State, h.schedulePaused(t))
		}
		return ""
	})
}

// goesOn makes sure that a backfill that waited has ended well, by itself.
func (h *house) goesOn(t *testing.T, backfill *command, payouts []*shop.Payout) {
	t.Helper()
	got := report(t, backfill.wait(t).with(t, 0))
	got.came(t, counted{Found: len(payouts), Posted: len(payouts), Adopted: got.Adopted})
	h.once(t, payouts...)
	h.told(t, "reauth_required", "recovered")
	if s := h.status(t); s.State != workflows.ConnActive || h.schedulePaused(t) {
		t.Errorf("the connection is %s, its schedule paused: %t", s.State, h.schedulePaused(t))
	}
}

func TestABackfillWaitsForANewKlarnaKeyAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-04-01", 12)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	backfill := w.run(t, nil, h.backfill("2026-04-01", "2026-04-30", "--concurrency", "2")...)
	h.someBooked(t, 3)
	const next = "_new"
	if err := w.Klarna.RotateKey(h.key, h.key+next); err != nil {
		t.Fatal(err)
	}
	h.waits(t, "2026-04-01", "2026-04-30", workflows.ProviderKlarna)
	w.starter(t, "connection", "klarna-key", h.id, "--key-file", h.keyFile).refused(t, 1, "Klarna", "revoked")
	if s := h.status(t); s.State != workflows.ConnReauthRequired {
		t.Errorf("with the dead key the connection is %s", s.State)
	}
	w.done(t, "connection", "klarna-key", h.id, "--key-file", keyFile(t, h.key+next))
	h.goesOn(t, backfill, payouts)
}

func TestABackfillWaitsForANewVismaAuthorisationAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-04-01", 12)
	h := w.house(t, plan{payouts: payouts})
	h.slowly(payouts)
	backfill := w.run(t, nil, h.backfill("2026-04-01", "2026-04-30", "--concurrency", "2")...)
	h.someBooked(t, 3)
	w.Providers.Connect.Revoke(h.firm.TenantID)
	h.waits(t, "2026-04-01", "2026-04-30", workflows.ProviderVisma)
	authorize := []string{"connection", "authorize", h.id, "--service", "--tenant-id", h.firm.TenantID}
	w.starter(t, authorize...).refused(t, 1, "authoris")
	w.Providers.Connect.Approve(stack.ClientID, h.firm.TenantID, true)
	w.done(t, authorize...)
	h.goesOn(t, backfill, payouts)
}

func TestAnotherCompanyIsRefusedAndTheOldAuthorisationStays(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-04-01", 2)
	h := w.house(t, plan{payouts: payouts})
	other := w.company(t)
	before := h.status(t)
	w.starter(t, "connection", "authorize", h.id, "--service", "--tenant-id", other.TenantID).
		refused(t, 1, "belongs to company "+before.Company, other.Name)
	after := h.status(t)
	if after.State != workflows.ConnActive || after.Company != before.Company || after.CompanyName != before.CompanyName || after.Visma.State != workflows.SideConnected {
		t.Errorf("the connection is now %+v", after)
	}
	report(t, w.done(t, h.backfill("2026-04-01", "2026-04-30")...)).came(t, counted{Found: 2, Posted: 2})
	h.once(t, payouts...)
	if books := w.Visma.Books(other.TenantID); books.Batches != 0 {
		t.Errorf("the other company's books hold %d batches", books.Batches)
	}
}
