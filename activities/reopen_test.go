package activities

import (
	"testing"

	"kvitt/internal/store"
	"kvitt/workflows"
)

// A rejected payout that is reopened begins anew, and an approval from before the
// rejection lets nothing be posted.
func TestAReopenedPayoutBeginsAnewAndIsApprovedAnew(t *testing.T) {
	s := shelf(t, "review", "P1", "P2")
	l := &Ledger{Store: s, Instructions: trusted{}}
	decide := func(kind, reference string) store.Payout {
		t.Helper()
		if _, err := l.RecordDecision(t.Context(), workflows.Decision{
			PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: reference}, Kind: kind, Who: "anna@example.com", Reason: "why", VoucherHash: "v1",
		}); err != nil {
			t.Fatal(err)
		}
		row, err := s.Payout(t.Context(), "c1", reference)
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	approved := func() bool {
		t.Helper()
		is, err := s.Approved(t.Context(), "c1", "P1", "v1")
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	change(t, s, "P1", func(p *store.Payout) { p.State, p.VoucherHash = workflows.StateAwaitingApproval, "v1" })
	decide(workflows.DecisionApprove, "P1")
	if !approved() {
		t.Fatal("an approval does not count")
	}
	if row := decide(workflows.DecisionReject, "P1"); row.State != workflows.StateRejected {
		t.Fatalf("rejected, it is %s", row.State)
	}
	if row := decide(workflows.DecisionReopen, "P1"); row.State != workflows.StateDiscovered || row.VoucherHash != "" {
		t.Errorf("reopened, it is %s with the voucher %q", row.State, row.VoucherHash)
	}
	if approved() {
		t.Error("an approval from before the rejection counts")
	}
	decide(workflows.DecisionApprove, "P1")
	if !approved() {
		t.Error("an approval after it does not count")
	}
	if done, err := s.Audited(t.Context(), "c1", "payout/P1", "payout.reopen"); err != nil || !done {
		t.Errorf("the audit trail does not tell of it: %v", err)
	}
	change(t, s, "P2", func(p *store.Payout) { p.State = workflows.StateVerified })
	if row := decide(workflows.DecisionReopen, "P2"); row.State != workflows.StateVerified {
		t.Errorf("a posted payout was reopened as %s", row.State)
	}
}
