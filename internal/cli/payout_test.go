package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func TestPayoutsAreListedByDateWithTotals(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	contains(t, d.want(d.run("payout", "list", "shop-1"), ExitDone).out, "No payouts.")
	d.payouts("shop-1")
	golden(t, "payouts.golden", d.want(d.run("payout", "list", "shop-1"), ExitDone).out)
	golden(t, "payouts.json", d.want(d.run("payout", "list", "shop-1", "--output", "json"), ExitDone).out)
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{"--state held", []string{"P2"}},
		{"--state rejected", nil},
		{"--from 2026-01-14", []string{"P2", "P3"}},
		{"--to 2026-01-13", []string{"P1"}},
		{"--from 2026-01-20 --to 2026-01-20", []string{"P2"}},
		{"--limit 1", []string{"P1"}},
	} {
		var got []string
		for _, p := range document[[]listedPayout](t, d.want(d.run(strings.Fields("payout list shop-1 --output json "+c.filter)...), ExitDone)) {
			got = append(got, p.PaymentReference)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.filter, diff)
		}
	}
}

// steady takes what differs from run to run out of a page.
func steady(page string) string {
	page = regexp.MustCompile(`\[kvitt:[0-9a-f]{16}\]`).ReplaceAllString(page, "[kvitt:0123456789abcdef]")
	page = regexp.MustCompile(`(?m)^[0-9:Z -]{20}  kvitt`).ReplaceAllString(page, "2026-03-02 12:00:00Z  kvitt")
	return regexp.MustCompile(`Hash [0-9a-f]{64}`).ReplaceAllString(page, "Hash "+strings.Repeat("0", 64))
}

func TestShowTellsAnAccountantEverythingAboutAPayout(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	golden(t, "payout-verified.golden", steady(d.want(d.run("payout", "show", "shop-1", "P1"), ExitDone).out))
	golden(t, "payout-held.golden", steady(d.want(d.run("payout", "show", "shop-1", "P2"), ExitDone).out))
	golden(t, "payout-found.golden", d.want(d.run("payout", "show", "shop-1", "P3"), ExitDone).out)

	got := document[payoutDetail](t, d.want(d.run("payout", "show", "shop-1", "P1", "--output", "json"), ExitDone))
	switch {
	case got.Posting == nil || got.Posting.BatchNumber != "000123" || len(got.Posting.Attempts) != 1:
		t.Errorf("posting %+v", got.Posting)
	case got.Voucher == nil || len(got.Voucher.Lines) != 5 || got.Totals[settlement.TotalSale] != 1_000_00:
		t.Errorf("voucher %+v", got.Voucher)
	case len(got.Documents) != 3 || len(got.Documents[2].Whole) != 64 || got.Documents[1].Whole != "" || got.Documents[0].Parts != 2 || len(got.Documents[0].SHA256) != 2:
		t.Errorf("documents %+v", got.Documents)
	}
	stopped := document[payoutDetail](t, d.want(d.run("payout", "show", "shop-1", "P2", "--output", "json"), ExitDone))
	if len(stopped.History) != 1 || stopped.History[0].Who != "kvitt" || stopped.History[0].Action != "held" {
		t.Errorf("history %+v", stopped.History)
	}
	if stopped.Held == nil || stopped.Held.Code != held.ComponentUnknown || stopped.Documents == nil {
		t.Errorf("%+v", stopped)
	}
}

func TestShowTellsWhoDecidedAndWhy(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	err := d.store.UpdatePayout(t.Context(), "shop-1", "P2", func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = workflows.StateRejected, "", nil
		return nil
	}, &store.AuditEntry{Who: "anna", Action: "payout.reject", After: d.json(map[string]string{"reason": "booked by hand"})})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, d.want(d.run("payout", "show", "shop-1", "P2"), ExitDone).out, "state       rejected", "  anna   reject: booked by hand\n")
}

func TestNothingFromOutsideReachesTheTerminalAsItsControl(t *testing.T) {
	if got := operate.Printable("a\x1b[31mred\a å\u009b1m\nnext\tcell"); got != "a\uFFFD[31mred\uFFFD å\uFFFD1m\nnext\tcell" {
		t.Errorf("%q", got)
	}
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.change("shop-1", "P2", func(p *store.Payout) error {
		p.Held = d.json(workflows.Held{Code: held.BadData, Detail: "Klarna answered \x1b]0;owned\a"})
		return nil
	})
	if out := d.want(d.run("payout", "show", "shop-1", "P2"), ExitDone).out; strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
}

func TestAnUnknownPayoutSaysWhereToLook(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	for _, verb := range []string{"show", "approve", "retry"} {
		contains(t, d.fails(ExitFailed, "payout", verb, "shop-1", "NOPE"),
			"Find the payout NOPE of the connection shop-1: it is not known here. `starter payout list shop-1` shows the known ones")
	}
}

func TestADecisionIsToldToThePayoutAndItsResultShown(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.temporal.onUpdate = func(m message) (any, error) {
		switch m.name {
		case "Approve":
			return workflows.Accepted{State: workflows.StateVerified}, nil
		case "Reject":
			return workflows.Accepted{State: workflows.StateRejected}, nil
		default:
			return workflows.Accepted{State: workflows.StateHeld}, nil
		}
	}
	contains(t, d.want(d.run("payout", "approve", "shop-1", "P1"), ExitDone).out, "The payout P1 is verified, batch 000123.")
	contains(t, d.want(d.run("payout", "reject", "shop-1", "P2", "--reason", "booked by hand"), ExitDone).out, "The payout P2 is rejected.")
	s := d.want(d.run("payout", "retry", "shop-1", "P2"), ExitHeld)
	contains(t, s.out, "The payout P2 is held.", "component_unknown: compile voucher for payout P2", "→ Add the rule named here")
	got := document[decided](t, d.want(d.run("payout", "retry", "shop-1", "P2", "--output", "json"), ExitHeld))
	if diff := cmp.Diff(decided{"P2", "held", "component_unknown", ""}, got); diff != "" {
		t.Error(diff)
	}
	if m := d.temporal.updates[1].String(); m != "payout/shop-1/P2 Reject {Who:anna Reason:booked by hand Instruction: VoucherHash:}" {
		t.Error(m)
	}
}

func TestADecisionOnAPayoutWithoutAWorkflowSaysWhatItIs(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.temporal.onUpdate = func(message) (any, error) { return nil, operate.ErrNotRunning }
	contains(t, d.fails(ExitFailed, "payout", "retry", "shop-1", "P1"), "Retry the payout P1: it is verified, which is final.")
	contains(t, d.fails(ExitFailed, "payout", "retry", "shop-1", "P2"), "Retry the payout P2: it is held, and nothing runs for it. `starter sync shop-1`, or a backfill of its day, takes it up again.")
}

func TestTheDifferenceIsWhatTheVoucherLeavesUnexplained(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	p, err := d.store.Payout(t.Context(), "shop-1", "P1")
	if err != nil {
		t.Fatal(err)
	}
	if got := reported(&p).Difference; got != 0 {
		t.Errorf("a payout that proves has a difference of %d", got)
	}
	p.Settlement += 1 // Klarna's figure has changed since
	if got := reported(&p).Difference; got != 1 {
		t.Errorf("difference %d, want 1", got)
	}
	stopped := store.Payout{HeldReason: string(held.RowsDiffer), Held: []byte(`{"code":"rows_differ","difference":-7}`)}
	if got := reported(&stopped).Difference; got != -7 {
		t.Errorf("difference %d, want what the evidence says", got)
	}
}
